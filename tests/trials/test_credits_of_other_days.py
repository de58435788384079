"""Found by trial: a credit whose day or number is another one than that of its charge was lost.

A visit was posted as 99215, credited the day after, and posted again as 99214. The credit took back
nothing, in silence, and the 99215 went on to be held against the visit.
"""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.messages import message, segment
from tests.golden.stories_visits import note, report

CODE = "visit.credit"
SAID = report(("VISIT-MINUTES", "35", "min"), ("PATIENT-STATUS", "ESTABLISHED", ""))


def posted(code: str, day: str, *, kind: str = "CG", number: str, units: str = "1") -> bytes:
    fields = {1: "1", 2: number, 4: f"202603{day}", 6: kind, 10: units, 25: code}
    return message("DFT^P03", segment("FT1", fields), sent=f"13{number[-2:]}")


CHARGES = [posted("99215", "02", number="T01"), posted("99214", "02", number="T02")]


def run(folder: Path, *credits: bytes, answers: tuple[GivenAnswer, ...] = ()) -> Run:
    sent = [SAID, note("AU"), *CHARGES, *credits]
    texts = [data.decode() for data in sent]
    return run_after(folder, texts, *answers, policy="guide-2026")


def findings(run: Run) -> list[str]:
    """What the visit's posted charges are told to have."""
    edits = run.visits[0].draft.edits
    return [edit.edit for edit in edits if edit.edit in ("visit.overcoded", "visit.undercoded")]


def test_a_credit_with_the_number_of_its_charge_has_any_day(tmp_path: Path) -> None:
    """FT1-2 says which charge is meant, whatever FT1-4 says."""
    after = run(tmp_path, posted("99215", "04", kind="CD", number="T01"))
    assert asked_of(after) == [] and findings(after) == []


def test_a_credit_of_another_day_and_number_is_asked_about(tmp_path: Path) -> None:
    """It may be dated by its posting. Till somebody says, the charge stands."""
    before = run(tmp_path, posted("99215", "03", kind="CD", number="T03"))
    assert asked_of(before) == [("V1", CODE)]
    assert findings(before) == ["visit.overcoded"]
    assert [line.provisional for line in before.visits[0].draft.lines] == [CODE]


@pytest.mark.parametrize(
    ("choice", "told"), [("takes_back", []), ("takes_nothing", ["visit.overcoded"])]
)
def test_a_person_says_what_it_takes_back(tmp_path: Path, choice: str, told: list[str]) -> None:
    """This charge, or another one."""
    credit = posted("99215", "03", kind="CD", number="T03")
    said = answer(run(tmp_path, credit), CODE, choice)
    after = run(tmp_path, credit, answers=(said,))
    assert asked_of(after) == [] and findings(after) == told
    assert [(line.code, line.provisional) for line in after.visits[0].draft.lines] == [
        ("99214", "")
    ]


def test_a_credit_without_a_charge_is_said(tmp_path: Path) -> None:
    """It takes back nothing, and no line waits for it."""
    after = run(tmp_path, posted("99213", "03", kind="CD", number="T03"))
    assert asked_of(after) == [("V1", "visit.credit_alone")]
    assert [line.provisional for line in after.visits[0].draft.lines] == [""]


def test_a_credit_of_no_visit_asks_nothing(tmp_path: Path) -> None:
    """What chargeline does not compare with posted charges is left alone."""
    credit = posted("J9045", "03", kind="CD", number="T03")
    assert asked_of(run(tmp_path, credit)) == []


def test_two_credits_take_back_two_charges(tmp_path: Path) -> None:
    """Each credit takes back units that no other one does."""
    credits = [posted("99215", "03", kind="CD", number=n) for n in ("T03", "T04")]
    codes = [code for _visit, code in asked_of(run(tmp_path, *credits))]
    assert sorted(codes) == [CODE, "visit.credit_alone"]


def test_a_number_of_another_day_goes_before_the_code_of_the_day(tmp_path: Path) -> None:
    """The credit names the charge of the second; that of the third stands."""
    sent = [posted("99215", "03", number="T04"), posted("99215", "03", kind="CD", number="T01")]
    assert findings(run(tmp_path, *sent)) == []
    assert asked_of(run(tmp_path, *sent))[0][1] != CODE


def test_a_credit_that_names_its_charge_is_settled_first(tmp_path: Path) -> None:
    """Another one without a known number takes nothing from it."""
    sent = [
        posted("99215", "03", kind="CD", number="T08"),
        posted("99215", "04", kind="CD", number="T01"),
    ]
    after = run(tmp_path, *sent)
    assert asked_of(after) == [("V1", "visit.credit_alone")] and findings(after) == []


def test_who_says_no_is_asked_about_the_charge_before(tmp_path: Path) -> None:
    """Charges of the second and the third, a credit of the fourth: each may be meant."""
    sent = [posted("99215", "03", number="T04"), posted("99215", "04", kind="CD", number="T05")]
    first = answer(run(tmp_path, *sent), CODE, "takes_nothing")
    before = run(tmp_path, *sent, answers=(first,))
    assert [code for _visit, code in asked_of(before)].count(CODE) == 1
    assert findings(before) == ["visit.overcoded"]
    second = answer(before, CODE, "takes_back")
    after = run(tmp_path, *sent, answers=(first, second))
    assert CODE not in {code for _visit, code in asked_of(after)} and findings(after) == []
    neither = answer(before, CODE, "takes_nothing")
    after = run(tmp_path, *sent, answers=(first, neither))
    assert CODE not in {code for _visit, code in asked_of(after)}
    assert findings(after) == ["visit.overcoded"]


def test_two_units_are_asked_about_for_two_charges(tmp_path: Path) -> None:
    """Each charge of one unit may be meant, and none is told to be without one."""
    sent = [
        posted("99215", "03", number="T04"),
        posted("99215", "04", kind="CD", number="T05", units="2"),
    ]
    before = run(tmp_path, *sent)
    asked = [code for _visit, code in asked_of(before)]
    assert asked.count(CODE) == 2 and "visit.credit_alone" not in asked


def test_a_charge_that_another_credit_took_back_is_not_offered(tmp_path: Path) -> None:
    """Of two credits one takes back the charge of the second; the other is asked about no more."""
    sent = [
        posted("99215", "03", number="T04"),
        posted("99215", "04", kind="CD", number="T05"),
        posted("99215", "05", kind="CD", number="T06"),
    ]
    before = run(tmp_path, *sent)
    assert [code for _visit, code in asked_of(before)].count(CODE) == 2


def test_half_a_unit_of_a_named_charge_of_another_day_takes_back_nothing(tmp_path: Path) -> None:
    """It is told, as on the day itself."""
    after = run(tmp_path, posted("99215", "04", kind="CD", number="T01", units="1.5"))
    assert asked_of(after) == [("V1", "visit.credit_alone")]
    assert findings(after) == ["visit.overcoded"]


@pytest.mark.parametrize("units", ["2", "1.5"])
def test_what_a_credit_has_too_much_is_said(tmp_path: Path, units: str) -> None:
    """Two units of one charge, or no whole number."""
    credit = posted("99215", "02", kind="CD", number="T01", units=units)
    assert ("V1", "visit.credit_alone") in asked_of(run(tmp_path, credit))


def test_a_credited_injection_gives_no_modifier(tmp_path: Path) -> None:
    """A visit beside it had 25 only because of it."""
    injection = posted("96372", "02", number="T05")
    assert lines(run(tmp_path, injection)) == ["99214-25"]
    named = posted("96372", "04", kind="CD", number="T05")
    assert lines(run(tmp_path, injection, named)) == ["99214"]
    unnamed = posted("96372", "04", kind="CD", number="T06")
    assert asked_of(run(tmp_path, injection, unnamed)) == [("V1", CODE)]


def lines(run: Run) -> list[str]:
    """The codes of the visit with their modifiers."""
    return ["-".join([line.code, *line.modifiers]) for line in run.visits[0].draft.lines]
