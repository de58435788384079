"""Claims about which rule wins: an override only where it applies, a rule only on its days.

The rules here are invented and have a few lines each. The cases test the shipped rules
(test_cases.py).
"""

from datetime import date
from pathlib import Path

import pytest

from chargeline.engine import Decision, Feed, VisitKey, draft
from chargeline.engine.codes import RoleFacts
from chargeline.engine.infusions.concerns import FURTHER_HOUR, RemainderAnswer
from chargeline.engine.services.concerns import TECHNIQUE, TechniqueFacts
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.cases import service_codes
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from tests.cli import copy_of_rules, replaced
from tests.golden.messages import given
from tests.rulebook.test_mistakes import rule, small_rules

DAY = date(2026, 3, 2)
JUNE_30, JULY_1 = date(2026, 6, 30), date(2026, 7, 1)


def decided(folder: Path, role: str, day: date = DAY) -> Decision[RemainderAnswer]:
    rules = load_rulebook(folder).policies["zebra-2026"].on(day)
    return rules.of(FURTHER_HOUR).decide(RoleFacts(role))


def minutes(decision: Decision[RemainderAnswer]) -> int:
    return decision.answer.remainder_minutes


# ------------------------------------------------------------------ overrides


def test_an_override_holds_where_it_applies(tmp_path: Path) -> None:
    """For chemotherapy the policy's 30 minutes win over the base's 31, which are passed over."""
    own = rule(
        "zebra.thirty",
        when='{ role = "chemo" }',
        then="{ remainder_minutes = 30 }",
        overrides='["base.more"]',
    )
    decision = decided(small_rules(tmp_path, base=rule("base.more"), own=own), "chemo")
    assert minutes(decision) == 30
    assert decision.rule is not None
    assert (decision.rule.id, decision.rule.layer) == ("zebra.thirty", "zebra-2026")
    assert [passed_over.id for passed_over in decision.passed_over] == ["base.more"]


def test_an_override_leaves_other_facts_alone(tmp_path: Path) -> None:
    """Hydration keeps the base's 31 minutes, with nothing passed over."""
    own = rule(
        "zebra.thirty",
        when='{ role = "chemo" }',
        then="{ remainder_minutes = 30 }",
        overrides='["base.more"]',
    )
    decision = decided(small_rules(tmp_path, base=rule("base.more"), own=own), "hydration")
    assert (minutes(decision), decision.passed_over) == (31, ())


def test_an_override_ends_with_its_last_day(tmp_path: Path) -> None:
    """After its end the rule that it overrode holds again."""
    own = rule(
        "zebra.thirty",
        until="2026-07-01",
        then="{ remainder_minutes = 30 }",
        overrides='["base.more"]',
    )
    folder = small_rules(tmp_path, base=rule("base.more"), own=own)
    assert minutes(decided(folder, "chemo", day=JUNE_30)) == 30
    assert minutes(decided(folder, "chemo", day=JULY_1)) == 31


def test_an_override_says_nothing_about_a_third_rule(tmp_path: Path) -> None:
    """An override beats the rules that it names. With a third rule on the same facts it clashes."""
    base = rule("base.more") + rule("base.other", then="{ remainder_minutes = 45 }")
    own = rule("zebra.thirty", then="{ remainder_minutes = 30 }", overrides='["base.more"]')
    decision = decided(small_rules(tmp_path, base=base, own=own), "chemo")
    assert decision.rule is None
    assert [clashing.id for clashing in decision.clash] == ["base.other", "zebra.thirty"]


def test_an_override_of_an_override_leaves_one(tmp_path: Path) -> None:
    """For chemotherapy 20 minutes override the policy's 30, which override the base's 31."""
    own = rule("zebra.thirty", then="{ remainder_minutes = 30 }", overrides='["base.more"]') + rule(
        "zebra.twenty",
        when='{ role = "chemo" }',
        then="{ remainder_minutes = 20 }",
        overrides='["zebra.thirty"]',
    )
    folder = small_rules(tmp_path, base=rule("base.more"), own=own)
    assert minutes(decided(folder, "chemo")) == 20
    assert minutes(decided(folder, "hydration")) == 30


def test_the_order_of_files_and_rules_decides_nothing(tmp_path: Path) -> None:
    """The same rules written the other way round decide the same."""
    first, second = (
        rule("base.more"),
        rule("base.less", then="{ remainder_minutes = 1 }", overrides='["base.more"]'),
    )
    decisions = [
        decided(small_rules(tmp_path / name, base=text), "chemo")
        for name, text in (("a", first + second), ("b", second + first))
    ]
    assert [minutes(decision) for decision in decisions] == [1, 1]


def test_no_rule_and_two_rules_are_both_no_answer(tmp_path: Path) -> None:
    """Without a rule there is no answer and no clash; with two of equal rank there is a clash."""
    nothing = decided(small_rules(tmp_path / "a"), "chemo")
    assert (nothing.rule, nothing.clash) == (None, ())
    both = decided(small_rules(tmp_path / "b", base=rule("base.more") + rule("base.less")), "chemo")
    assert both.rule is None
    assert [clashing.id for clashing in both.clash] == ["base.less", "base.more"]


# ------------------------------------------------------------------ dates


@pytest.mark.parametrize(("day", "expected"), [(JUNE_30, 31), (JULY_1, 45), (date(2027, 1, 1), 45)])
def test_the_last_day_is_the_first_on_which_a_rule_no_longer_holds(
    day: date, expected: int, tmp_path: Path
) -> None:
    """`until` 2026-07-01 means up to 30 June; a rule `from` 2026-07-01 holds on 1 July."""
    base = rule("base.more", until="2026-07-01") + rule(
        "base.new", from_="2026-07-01", then="{ remainder_minutes = 45 }"
    )
    assert minutes(decided(small_rules(tmp_path, base=base), "chemo", day=day)) == expected


def test_before_its_first_day_a_rule_does_not_hold(tmp_path: Path) -> None:
    """On the day before there is no rule: that is no answer, and not an answer of zero minutes."""
    folder = small_rules(tmp_path, base=rule("base.new", from_="2026-07-01"))
    assert decided(folder, "chemo", day=JUNE_30).rule is None
    assert minutes(decided(folder, "chemo", day=JULY_1)) == 31


@pytest.mark.parametrize(
    ("minute", "applies"), [(15, False), (16, True), (480, True), (481, False)]
)
def test_minutes_of_a_rule_are_inclusive(minute: int, applies: bool, tmp_path: Path) -> None:
    """`at_least = 16, at_most = 480` holds at 16 and at 480, and not at 15 and 481."""
    base = rule(
        "base.infusion",
        decides='"service.technique"',
        when="{ minutes = { at_least = 16, at_most = 480 } }",
        then='{ outcome = "service", technique = "infusion" }',
    )
    rules = load_rulebook(small_rules(tmp_path, base=base)).policies["zebra-2026"].on(DAY)
    facts = TechniqueFacts(
        class_="chemo",
        route="intravenous",
        charted="interval",
        method="unmarked",
        device="none",
        purpose="none",
        partial="no",
        ordered_minutes=0,
        minutes=minute,
    )
    assert (rules.of(TECHNIQUE).decide(facts).rule is not None) is applies


def test_a_code_changes_on_its_day(tmp_path: Path) -> None:
    """With one rulebook, hydration of 30 June has the old code and of 1 July the new one."""
    rules = copy_of_rules(tmp_path)
    replaced(
        rules / "base/codes.csv",
        "hydration.initial,96360,2024-01-01,,CPT\n",
        "hydration.initial,96360,2024-01-01,2026-07-01,CPT\nhydration.initial,ZZ360,2026-07-01,,CPT\n",
    )
    rulebook = load_rulebook(rules)
    profile = make_profile(read_interface(rules_directory(), "standard"))
    visits = Feed(rulebook.base)
    for day in ("20260630", "20260701"):
        hour = given("NORMAL SALINE", "1000 mL", f"{day}0900", f"{day}1000", order=f"R{day}")
        visits.add(read_events(read_message(hour), profile))
    drafted = draft(visits[VisitKey("ZEBRA", "V1")], rulebook)
    assert service_codes(drafted) == ["96360", "ZZ360"]
    assert [(day.encounter, day.lines[0].code) for day in drafted.encounters] == [
        ("2026-06-30", "96360"),
        ("2026-07-01", "ZZ360"),
    ]


def test_a_day_without_a_code_is_a_question_not_zero(tmp_path: Path) -> None:
    """On a day without a code, a question names role and day, and the drug line is still there."""
    rules = copy_of_rules(tmp_path)
    replaced(
        rules / "base/codes.csv",
        "therapeutic.infusion.initial,96365,2024-01-01,,CPT\n",
        "therapeutic.infusion.initial,96365,2024-01-01,2026-03-01,CPT\n",
    )
    rulebook = load_rulebook(rules)
    visits = Feed(rulebook.base)
    profile = make_profile(read_interface(rules_directory(), "standard"))
    visits.add(read_events(read_message(given("VANCOMYCIN", "1000 mg", "0900", "1000")), profile))
    (encounter,) = draft(visits[VisitKey("ZEBRA", "V1")], rulebook).encounters
    (question,) = encounter.questions
    assert question.finding.code == "code.none"
    assert (
        question.finding.expected
        == "a code for the role therapeutic.infusion.initial on 2026-03-02"
    )
    assert [line.role for line in encounter.lines] == ["drug"]


def test_a_drug_is_billed_by_the_row_of_its_day(tmp_path: Path) -> None:
    """A drug given on 30 June has the old code and unit; given on 1 July it has the new ones."""
    rows = (
        "zebrastatin,,J9998,5,mg,supportive,SDV,2024-01-01,2026-07-01,HOUSE,",
        "zebrastatin,,J9999,10,mg,supportive,SDV,2026-07-01,,HOUSE,",
    )
    formulary = load_rulebook(small_rules(tmp_path, drugs=rows)).formulary
    drugs = [formulary.find(("zebrastatin",), "", day).drug for day in (JUNE_30, JULY_1)]
    assert [(drug.hcpcs, str(drug.unit_amount)) for drug in drugs if drug is not None] == [
        ("J9998", "5"),
        ("J9999", "10"),
    ]
