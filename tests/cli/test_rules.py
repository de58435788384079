"""Claims about `chargeline rules`: what it prints for good rules and for spoilt ones.

A test copies the shipped rules and spoils the copy, so that each mistake stands alone.
"""

import re
from pathlib import Path

import pytest

from tests.cli import RULES, command, copy_of_rules, inside, replaced

Capsys = pytest.CaptureFixture[str]


def rule(name: str, **keys: str) -> str:
    """A [[rule]] as text. `keys` replace its keys, with values as TOML writes them."""
    table = {
        "decides": '"drug.class"',
        "from": "2024-01-01",
        "when": '{ kind = "flush" }',
        "then": '{ class = "hydration" }',
        "why": '"A zebra is striped."',
        "cite": '["HOUSE"]',
    } | {key.rstrip("_"): text for key, text in keys.items()}
    return f'[[rule]]\nid = "{name}"\n' + "".join(
        f"{key} = {text}\n" for key, text in table.items()
    )


def case(**keys: str) -> str:
    """A [[case]] as text. `keys` replace its keys, with values as TOML writes them."""
    table = {
        "says": '"A zebra is striped."',
        "given": '["carboplatin 450 mg iv 09:00-10:00"]',
        "expect": '["96413"]',
    } | keys
    return "[[case]]\n" + "".join(f"{key} = {text}\n" for key, text in table.items())


def spoilt(folder: Path, text: str, name: str = "zebra.toml") -> Path:
    """The shipped rules with one more file in base/, without the shipped cases."""
    rules = copy_of_rules(folder)
    (rules / "base" / name).write_text(text, encoding="utf-8")
    return rules


def mistakes_in(out: str) -> str:
    """The mistakes of a check, without those about answers that no case tests.

    Without the shipped cases most answers are untested, and that is not what the test is about.
    """
    lines = [line for line in out.splitlines()[:-1] if not line.startswith("*.cases.toml: ")]
    return "\n".join(lines)


# ------------------------------------------------------------------ check


def test_the_shipped_rules_are_in_order() -> None:
    """`rules check` ends with 0, finds no mistake, and counts what it has checked."""
    outcome = command("rules", "check")
    (line,) = outcome.out.splitlines()
    assert outcome.code == 0
    counts = re.fullmatch(
        r"rulebook [0-9a-f]{12}: (\d+) policies, (\d+) rules, (\d+) cases, (\d+) drugs; 0 mistakes",
        line,
    )
    assert counts is not None, line
    policies, rules, cases, drugs = (int(number) for number in counts.groups())
    assert policies == len(list(RULES.glob("policies/*/policy.toml")))
    rows = sum(
        len((RULES / "base" / name).read_text().splitlines()) - 1
        for name in ("codes.csv", "roles.csv")
    )
    assert rules == rows + sum(path.read_text().count("[[rule]]") for path in RULES.rglob("*.toml"))
    assert cases == sum(path.read_text().count("[[case]]") for path in RULES.rglob("*.cases.toml"))
    tables = [path.read_text().splitlines() for path in RULES.glob("formulary/*.csv")]
    assert drugs == sum(len(table) - 1 for table in tables)


def test_a_gap_is_found(tmp_path: Path, capsys: Capsys) -> None:
    """Without the rule for flushes, the check shows the facts that no rule decides."""
    rules = copy_of_rules(tmp_path)
    path = rules / "base/classification.toml"
    written = path.read_text().split("[[rule]]")
    kept = [text for text in written if 'id = "class.flush"' not in text]
    assert len(kept) == len(written) - 1
    path.write_text("[[rule]]".join(kept))
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    gaps = [
        line
        for line in outcome.out.splitlines()
        if line.startswith("cms-facility-2026 on 2024-01-01: ")
    ]
    assert gaps == [
        "cms-facility-2026 on 2024-01-01: drug.class: expected a rule for these facts, found "
        "none for kind=flush; add one: how a kind of drug is classed for administration codes"
    ]


def test_a_clash_is_found_and_shows_both_places(tmp_path: Path, capsys: Capsys) -> None:
    """Two rules for the same facts, neither overriding the other, are named with their places."""
    rules = spoilt(tmp_path, rule("class.zebra"))
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    first = outcome.out.splitlines()[0]
    assert "drug.class: expected one rule for the same facts" in first
    assert "class.flush (base/classification.toml rule 7 (class.flush))" in first
    assert "class.zebra (base/zebra.toml rule 1 (class.zebra))" in first
    assert "for kind=flush; let one override the other" in first


def test_an_override_ends_a_clash(tmp_path: Path, capsys: Capsys) -> None:
    """A rule that overrides the other rule for the same facts is no clash."""
    rules = spoilt(tmp_path, rule("class.zebra", overrides='["class.flush"]'))
    assert "class.zebra" not in mistakes_in(inside(capsys, "rules", "check", "--rules", rules).out)


def test_rules_that_follow_one_another_do_not_clash(tmp_path: Path, capsys: Capsys) -> None:
    """One rule ends on the first day of the other: no day has both rules, and none has neither."""
    rules = spoilt(tmp_path, rule("class.zebra", from_="2026-07-01"))
    flush = 'id = "class.flush"\ndecides = "drug.class"\nfrom = 2024-01-01\n'
    replaced(rules / "base/classification.toml", flush, flush + "until = 2026-07-01\n")
    assert "drug.class" not in mistakes_in(inside(capsys, "rules", "check", "--rules", rules).out)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-07-02", "expected one rule for the same facts"),
        ("2026-06-30", "found none for kind=flush"),
    ],
)
def test_one_day_too_many_or_too_few_is_found(
    until: str, said: str, tmp_path: Path, capsys: Capsys
) -> None:
    """One day with both rules is a clash, and one day with neither rule is a gap."""
    rules = spoilt(tmp_path, rule("class.zebra", from_="2026-07-01"))
    flush = 'id = "class.flush"\ndecides = "drug.class"\nfrom = 2024-01-01\n'
    replaced(rules / "base/classification.toml", flush, flush + f"until = {until}\n")
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    assert said in outcome.out


def test_a_failing_case_is_found(tmp_path: Path, capsys: Capsys) -> None:
    """A failing case is shown with file, number and sentence, the expected and the actual codes."""
    rules = spoilt(
        tmp_path, case() + case(expect='["96409"]', says='"A zebra is pushed."'), "z.cases.toml"
    )
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    wrong = [line for line in outcome.out.splitlines() if line.startswith("base/z.cases.toml")]
    assert [line.partition(" under ")[0] for line in wrong] == [
        "base/z.cases.toml case 2 (A zebra is pushed.)"
    ] * 3
    said = "expected codes 96409, found 96413; correct the rule or the case"
    assert all(said in line for line in wrong)
    assert re.search(r" 2 cases, \d+ drugs; \d+ mistakes\n$", outcome.out)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (case(given='["carboplatin by mouth"]'), "by mouth"),
        (case(given='["carboplatin 450 mg iv at nine"]'), "at nine"),
        (case(policy='"zebra-2026"'), "zebra-2026"),
        (case(expect='{ zebra-2026 = ["96413"] }'), "zebra-2026"),
        (case(given='"carboplatin 450 mg iv 09:00-10:00"', expect="[]"), "given"),
        (case().replace("[[case]]", "[case]"), "[[case]]"),
        (case(stripes="1"), "stripes"),
        (case(says='""'), "says"),
    ],
    ids=[
        "no route",
        "no times",
        "policy",
        "policy of expect",
        "no list",
        "one table",
        "unknown key",
        "no sentence",
    ],
)
def test_a_case_that_cannot_be_run_is_a_mistake(
    text: str, said: str, tmp_path: Path, capsys: Capsys
) -> None:
    """The check names the file of such a case among the mistakes, and goes on."""
    rules = spoilt(tmp_path, text, "z.cases.toml")
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    assert "z.cases.toml" in outcome.out + outcome.err
    assert said in outcome.out + outcome.err


def test_all_mistakes_are_listed_at_once(tmp_path: Path, capsys: Capsys) -> None:
    """Unknown words, keys, sources and overrides and wrong dates are listed in one run."""
    rules = spoilt(
        tmp_path,
        rule("zebra.one", when='{ kind = "striped" }', stripes="12", cite='["ZEBRA"]')
        + rule("zebra.two", from_='"2024-01-01"', then='{ class = "grey" }')
        + rule("zebra.three", decides='"zebra.stripes"')
        + rule(
            "zebra.four",
            overrides='["class.nowhere"]',
            until="2024-01-01",
            when='{ herd = "yes" }',
            why='""',
        )
        + rule("zebra.five", overrides='["class.nowhere"]'),
    )
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert (outcome.code, outcome.out) == (2, "")
    listed = outcome.err.removeprefix("chargeline: ").splitlines()
    for number, name, said in (
        (1, "zebra.one", "found 'stripes'; remove or rename it"),
        (1, "zebra.one", "found 'striped'; correct the word"),
        (1, "zebra.one", "found 'ZEBRA'; add the source there"),
        (2, "zebra.two", "expected from = a date such as 2026-01-01, found '2024-01-01'"),
        (2, "zebra.two", "found 'grey'; correct the word"),
        (3, "zebra.three", "found 'zebra.stripes'; correct it"),
        (4, "zebra.four", "expected until after from, found 2024-01-01 to 2024-01-01"),
        (4, "zebra.four", "expected a fact of drug.class (kind), found 'herd'"),
        (4, "zebra.four", "expected why = a text, found ''"),
        (5, "zebra.five", "found 'class.nowhere'; name an existing rule"),
    ):
        place = f"base/zebra.toml rule {number} ({name}): "
        assert [line for line in listed if line.startswith(place) and said in line], (place, said)
    assert len(listed) == 10


@pytest.mark.parametrize("heading", ["[[rules]]", "[[Rule]]"])
def test_a_misspelt_heading_is_a_mistake(heading: str, tmp_path: Path, capsys: Capsys) -> None:
    """A rule under a misspelt heading would never apply, and nobody would notice."""
    text = rule("zebra", decides='"units.cap"', when="{}", then="{ most = 1 }").replace(
        "[[rule]]", heading
    )
    outcome = inside(capsys, "rules", "check", "--rules", spoilt(tmp_path, text))
    assert outcome.code == 2
    assert "zebra.toml" in outcome.out + outcome.err


def test_a_file_that_is_no_toml_is_a_mistake_among_others(tmp_path: Path, capsys: Capsys) -> None:
    """The broken file is named with its line, and mistakes of other files are listed as well."""
    rules = spoilt(tmp_path, "[[rule]\n")
    (rules / "base/yak.toml").write_text(rule("yak", cite='["YAK"]'))
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    assert "zebra.toml: expected a TOML file, found " in outcome.err
    assert "line 1" in outcome.err
    assert "base/yak.toml rule 1 (yak)" in outcome.err


def test_an_id_may_be_used_once(tmp_path: Path, capsys: Capsys) -> None:
    """Two rules with the same id are refused, and both places are shown."""
    outcome = inside(capsys, "rules", "check", "--rules", spoilt(tmp_path, rule("class.flush")))
    assert outcome.code == 2
    assert "base/zebra.toml rule 1 (class.flush): expected an id of its own" in outcome.err
    assert "also in base/classification.toml rule 7 (class.flush)" in outcome.err


def test_an_answer_without_a_case_is_a_mistake(tmp_path: Path, capsys: Capsys) -> None:
    """The check refuses an answer that no case tests, even if no shipped policy gives it."""
    rules = copy_of_rules(tmp_path, with_cases=True)
    replaced(rules / "base/choices.cases.toml", '"position.long_push" = { as = "infusion" }', "")
    replaced(
        rules / "base/choices.cases.toml",
        'expect = ["96365"]\n\n# ---- the same',
        "expect = []\n# ---- the same",
    )
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert outcome.code == 2
    assert (
        "*.cases.toml: expected a case that rests on as = 'infusion' of position.long_push, "
        "found none that fails when the answer is misspelt; add a case; `choose` gives an answer "
        "that no policy gives"
    ) in outcome.out


def test_a_rule_without_a_case_is_noted(tmp_path: Path, capsys: Capsys) -> None:
    """A site's rule that no case tests is no mistake; the check notes the rule and its place."""
    rules = copy_of_rules(tmp_path, with_cases=True)
    when = '{ payer = "ZEBRA", role = "therapeutic.push.repeat" }'
    cap = rule("cap.zebra", decides='"units.cap"', when=when, then="{ most = 1 }")
    (rules / "policies/cms-facility-2026/zebra.toml").write_text(cap)
    outcome = inside(capsys, "rules", "check", "--rules", rules)
    assert (outcome.code, outcome.out.splitlines()[:-1]) == (
        0,
        [
            "note: cms-facility-2026/zebra.toml rule 1 (cap.zebra): expected a case that rests "
            "on cap.zebra, found none that fails without the rule; add a case in a *.cases.toml "
            "beside it, or remove the rule"
        ],
    )


def test_no_other_verb_uses_spoilt_rules(tmp_path: Path, capsys: Capsys) -> None:
    """`chargeline code` codes nothing with rules that cannot be loaded."""
    rules = spoilt(tmp_path, rule("zebra", cite='["ZEBRA"]'))
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(b"")
    outcome = inside(capsys, "code", feed, "--rules", rules)
    assert (outcome.code, outcome.out) == (2, "")


# ------------------------------------------------------------------ list, show, try, diff


@pytest.mark.parametrize("width", [60, 80, 140, 250])
def test_every_rule_is_listed_within_the_width(capsys: Capsys, width: int) -> None:
    """The list has each id once, with the layer, what the rule decides, and the reason; only the
    first line of a rule begins at the left.
    """
    text = inside(capsys, "rules", "list", COLUMNS=str(width)).out
    assert max(map(len, text.splitlines())) <= width
    ids = [line.split()[0] for line in text.splitlines() if not line.startswith(" ")]
    assert len(ids) == len(set(ids)) > 100
    words = " ".join(text.split())
    assert (
        "guide.hours.thirty_or_more guide-2026 units.additional_hour The guide bills a further "
        "hour for 30 minutes or more past the hour. " in words
    )


def test_every_listed_rule_can_be_shown(capsys: Capsys) -> None:
    """A rule of each policy and of the table of codes is shown by the id that the list gives."""
    for name in (
        "guide.hours.cap",
        "physician.stopped_early",
        "code.chemo.infusion.initial.2024-01-01",
    ):
        outcome = inside(capsys, "rules", "show", name)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, name)


def test_a_rule_is_shown_in_full(capsys: Capsys) -> None:
    """`rules show` prints reason, dates, conditions, answer, place, sources and overrides."""
    shown = inside(capsys, "rules", "show", "hours.more_than_thirty").out.splitlines()
    assert shown == [
        "hours.more_than_thirty",
        "  A further hour is earned by more than 30 minutes past the hour.",
        "  decides   units.additional_hour",
        "  in force  2024-01-01 until further notice",
        "  when      always",
        "  then      remainder_minutes = 31",
        shown[6],
        "  cites     CPT guidance on drug administration, as quoted by the pages named beside it",
        "  cites     AAPC Oncology and Hematology Coding Alert",
        "  overridden by guide.hours.thirty_or_more (guide-2026)",
    ]
    assert re.fullmatch(
        r"  place     base/hierarchy.toml rule \d+ \(hours.more_than_thirty\)", shown[6]
    )


def test_other_published_positions_are_shown(capsys: Capsys) -> None:
    """Where published sources differ, the rule says what the other sources hold."""
    shown = inside(capsys, "rules", "show", "position.injections.dose").out.splitlines()
    assert (
        "  others    injection: every syringe, the later ones with modifier 59 (CPTA-2010-05)"
        in shown
    )


# ---- try


def test_what_was_given_is_tried_rule_by_rule(capsys: Capsys) -> None:
    """`rules try` prints the codes, then for each question the facts and what each rule did."""
    outcome = inside(
        capsys, "rules", "try", "pembrolizumab 200 mg iv 09:00-09:30", "--policy", "guide-2026"
    )
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[:4] == [
        "under guide-2026",
        "  pembrolizumab 200 mg iv 09:00-09:30",
        "gives     96365",
        "drugs     J9271 x200",
    ]
    classed = lines[
        lines.index("drug.class: how a kind of drug is classed for administration codes") + 1 :
    ]
    assert classed[:4] == [
        "  asked for kind = checkpoint_inhibitor",
        "    decides    guide.class.immunotherapy: class = therapeutic",
        "               The guide bills checkpoint inhibitors as therapeutic infusions, not as "
        "chemotherapy.",
        "    overridden class.antibody by guide.class.bevacizumab, guide.class.immunotherapy",
    ]
    assert "    not        technique.vein_short: minutes at most 15, found 30" in lines


def test_each_rule_is_accounted_for(capsys: Capsys) -> None:
    """Each rule of a question is named once: it decides, is overridden, or does not apply."""
    text = inside(capsys, "rules", "try", "ondansetron 8 mg iv push 09:00").out
    part = text[text.index("\nservice.technique: ") : text.index("\nposition.initial: ")]
    named = re.findall(r"^    (?:decides|overridden|not) +(technique\.\w+)", part, re.MULTILINE)
    ids = re.findall(
        r'^id = "(technique\.\w+)"', (RULES / "base/technique.toml").read_text(), re.MULTILINE
    )
    assert sorted(named) == sorted(ids)


def test_what_somebody_must_answer_is_tried_too(capsys: Capsys) -> None:
    """`rules try` also shows withheld services and questions; the site's policy is the default."""
    out = inside(capsys, "rules", "try", "saline-flush 10 mL iv push 09:00", "--payer", "ZEBRA").out
    assert out.startswith("under guide-2026\n")
    assert "\ngives     no service code\n" in out
    assert "\nwithheld  technique.flush_solution\n" in out
    assert (
        "\nasks      stop.missing\n"
        in inside(capsys, "rules", "try", "carboplatin 450 mg iv 09:00-?").out
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pembrolizumab iv at nine",), "found at, nine"),
        (("pembrolizumab 200 mg 09:00",), "expected a route"),
        (("ondansetron 8.5.5 mg iv push 09:00",), "expected a drug such as"),
        (("ondansetron 8 mg iv push d999999999 09:00",), "found d999999999"),
        (("ondansetron 8 mg iv 09:00-10:00 days=999999999999",), "expected days=number"),
        (("ondansetron 8 mg iv 09:00 ordered=long",), "expected ordered=number, found long"),
        (("pembrolizumab 200 mg iv 09:00", "--policy", "zebra-2026"), "--policy: expected one of"),
    ],
)
def test_what_cannot_be_tried_is_wrong_use(
    arguments: tuple[str, ...], said: str, capsys: Capsys
) -> None:
    """A text that is not in the notation, and a policy that does not exist, are named."""
    outcome = inside(capsys, "rules", "try", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def test_an_unknown_rule_is_wrong_use(capsys: Capsys) -> None:
    """The command ends with 2 and says which command prints the ids."""
    outcome = inside(capsys, "rules", "show", "zebra")
    assert (outcome.code, outcome.out) == (2, "")
    assert "expected the id of a rule, found 'zebra'; see `chargeline rules list`" in outcome.err


def test_the_difference_of_two_policies_is_their_rules(capsys: Capsys) -> None:
    """A rule of the guide alone is shown under what it decides, with the rule that it replaces."""
    text = inside(capsys, "rules", "diff", "guide-2026", "cms-facility-2026").out
    part = text[text.index("units.additional_hour\n") : text.index("units.cap\n")]
    assert part == (
        "units.additional_hour\n"
        "  guide-2026: The guide bills a further hour for 30 minutes or more past the hour."
        " [guide.hours.thirty_or_more]\n"
        "      instead of hours.more_than_thirty\n"
    )


def test_the_difference_has_two_sides(capsys: Capsys) -> None:
    """If both policies have rules of their own, both are shown under the names of the policies."""
    text = inside(capsys, "rules", "diff", "guide-2026", "cms-physician-2026").out
    assert re.search(r"^  guide-2026: .*\[guide.hours.cap\]$", text, re.MULTILINE)
    assert re.search(r"^  cms-physician-2026: .*\[physician.stopped_early\]$", text, re.MULTILINE)


def test_a_policy_does_not_differ_from_itself(capsys: Capsys) -> None:
    """For the same policy twice, a sentence says so; the output is not empty."""
    outcome = inside(capsys, "rules", "diff", "guide-2026", "guide-2026")
    assert outcome.out == "guide-2026 and guide-2026 say the same.\n"


@pytest.mark.parametrize("name", ["zebra-2026", ""])
def test_the_difference_from_an_unknown_policy_is_wrong_use(name: str, capsys: Capsys) -> None:
    """The command ends with 2 and names the policies that exist; an empty name is none of them."""
    outcome = inside(capsys, "rules", "diff", "guide-2026", name)
    assert outcome.code == 2
    assert (
        f"expected one of cms-facility-2026, cms-physician-2026, guide-2026, found {name!r}"
        in outcome.err
    )


def test_the_version_follows_the_text(tmp_path: Path, capsys: Capsys) -> None:
    """A copy of the rules has the same version; one changed word of a reason gives another."""
    rules = copy_of_rules(tmp_path, with_cases=True)
    empty = tmp_path / "empty.hl7"
    empty.write_bytes(b"")

    def version(folder: Path) -> str:
        (record,) = inside(capsys, "code", empty, "--json", "--rules", folder).records
        return str(record["rulebook"])

    assert version(rules) == version(RULES)
    replaced(rules / "base/classification.toml", "Pre-packaged fluid", "Prepackaged fluid")
    assert version(rules) != version(RULES)
