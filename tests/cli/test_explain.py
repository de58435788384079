"""Claims about `chargeline explain`: which reasons it prints for which visit and line.

The wording of a reason is tested with the engine; here it matters that the reasons are printed.
"""

import re
from pathlib import Path

import pytest

from tests.cli import HALF_AN_HOUR, NINETY_MINUTES, NOT_OURS, command, feed, inside
from tests.golden.messages import given

Capsys = pytest.CaptureFixture[str]


def test_a_line_gives_its_reasons(tmp_path: Path, capsys: Capsys) -> None:
    """The further hour shows class, technique, arithmetic, the rule passed over, and the fields."""
    text = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES)).out
    hour = text[text.index("96415 x1") : text.index("J9045 x9")]
    for said in (
        "carboplatin",
        "rule class.antineoplastic",
        "rule technique.vein_infusion",
        "90 minutes = 1 h + 30 min; a further hour counts from 30 min: 1 further",
        "rule guide.hours.thirty_or_more, Oncology Billing Guide 2026",
        "passed over hours.more_than_thirty",
        "RXA[1]-3 of message ",
        "RXA[1]-4 of message ",
        "cms-facility-2026 would not bill this line (rule hours.more_than_thirty)",
    ):
        assert said in hour


def test_a_drug_line_shows_its_sum(tmp_path: Path, capsys: Capsys) -> None:
    """450 mg / 50 mg a unit = 9 units, with the field that the drug came from."""
    text = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES)).out
    drug = text[text.index("J9045 x9") :]
    assert "450 mg / 50 mg a unit = 9" in drug
    assert "RXA[1]-6 of message " in drug


def test_without_an_option_everything_is_explained(tmp_path: Path, capsys: Capsys) -> None:
    """Without an option, the lines, withheld services and questions of all visits are explained."""
    fluid = given("NORMAL SALINE", "1000 mL", "0900", visit="V3", method="IVPB")
    text = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR, fluid)).out
    heads = [line for line in text.splitlines() if line.startswith("Visit ")]
    assert [head.split(",")[0] for head in heads] == ["Visit V1", "Visit V2", "Visit V3"]
    of_fluid = text[text.index("Visit V3") :]
    assert "withheld  " in of_fluid
    assert "question  " in of_fluid
    assert "[stop.missing]" in of_fluid


def test_a_visit_is_explained_alone(tmp_path: Path, capsys: Capsys) -> None:
    """--visit leaves out all other visits."""
    text = inside(
        capsys, "explain", feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR), "--visit", "V2"
    ).out
    assert text.startswith("Visit V2, encounter 2026-03-02, guide-2026\n")
    assert "pembrolizumab" in text
    assert "carboplatin" not in text


def test_a_line_is_explained_alone(tmp_path: Path, capsys: Capsys) -> None:
    """--line takes a line_id of `code --json` and prints this line below the title of its visit."""
    path = feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR)
    records = inside(capsys, "code", path, "--json").records
    for line in (line for record in records for line in record["lines"]):
        text = inside(capsys, "explain", path, "--line", line["line_id"]).out
        heads = [row for row in text.splitlines() if not row.startswith(" ")]
        assert len(heads) == 2
        assert heads[0].startswith("Visit ")
        assert heads[1].startswith(f"{line['code']} x{line['units']}  {line['drug']}")
        assert f"line {line['line_id']}" in heads[1]


@pytest.mark.parametrize(
    ("option", "value", "said", "do"),
    [
        ("--visit", "V404", "visit V404", "the visits are V1"),
        ("--line", "0" * 12, "one line 0000", "code --json"),
    ],
)
def test_an_unknown_visit_or_line_is_wrong_use(
    option: str, value: str, said: str, do: str, tmp_path: Path, capsys: Capsys
) -> None:
    """The command ends with 2 and says which visits there are, or what prints the line ids."""
    outcome = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES), option, value)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"expected {said}" in outcome.err
    assert do in outcome.err


def test_the_policy_option_changes_the_reasons(tmp_path: Path, capsys: Capsys) -> None:
    """Under the rules of Medicare pembrolizumab is 96413, by the rule about antibodies."""
    path = feed(tmp_path, HALF_AN_HOUR)
    text = inside(capsys, "explain", path, "--policy", "cms-facility-2026").out
    assert "96413 x1  pembrolizumab" in text
    assert "rule class.antibody" in text
    assert "guide-2026 would give 96365 x1 (rule guide.class.immunotherapy)" in text


def test_messages_set_aside_end_explain_with_3(tmp_path: Path) -> None:
    """The reasons of the other messages are printed all the same."""
    outcome = command("explain", feed(tmp_path, NINETY_MINUTES, NOT_OURS))
    assert outcome.code == 3
    assert "96413 x1" in outcome.out


def test_what_was_given_stands_above_its_lines_with_its_times(
    tmp_path: Path, capsys: Capsys
) -> None:
    """An auditor asks from when to when; the minutes alone do not say it."""
    text = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES)).out
    head, given_line = text.splitlines()[:2]
    assert head == "Visit V1, encounter 2026-03-02, guide-2026"
    assert given_line.startswith("  given 09:00-10:30  carboplatin 450 mg  IV")
    assert given_line.endswith("90 min: 96413, 96415, J9045")


def test_a_step_is_told_once_for_an_encounter(tmp_path: Path, capsys: Capsys) -> None:
    """The further hour has the encounter of the first: it is told with the first line only."""
    text = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES)).out
    assert text.count("rule encounter.") == 1
    assert "1. encounter: as above" in text[text.index("96415 x1") :]


def test_facts_are_named_in_plain_words(tmp_path: Path, capsys: Capsys) -> None:
    """No name of the program stands in a reason."""
    text = inside(capsys, "explain", feed(tmp_path, NINETY_MINUTES)).out
    facts = re.findall(r"(?:^     |; )([A-Za-z_ ]+): ", text, re.MULTILINE)
    assert "running minutes" in facts
    assert not [name for name in facts if "_" in name]


def test_the_beginning_of_a_line_id_is_enough(tmp_path: Path, capsys: Capsys) -> None:
    """A beginning that two lines share is refused, and both are named."""
    path = feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR)
    records = inside(capsys, "code", path, "--json").records
    ids = [line["line_id"] for record in records for line in record["lines"]]
    assert inside(capsys, "explain", path, "--line", ids[0][:8]).out.count("  line ") == 1
    refused = inside(capsys, "explain", path, "--line", "")
    assert refused.code == 0, "an empty beginning asks for everything"


def test_an_unknown_visit_is_answered_with_the_visits_there_are(
    tmp_path: Path, capsys: Capsys
) -> None:
    """Whoever mistypes a number sees the right one."""
    outcome = inside(
        capsys, "explain", feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR), "--visit", "V9"
    )
    assert "the visits are V1, V2" in outcome.err
