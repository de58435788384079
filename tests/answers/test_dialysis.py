"""Claims about the answer to which code a drug has that is billed otherwise on dialysis."""

from pathlib import Path

import pytest

from tests.answers.given import answer, run_after
from tests.golden.messages import rxr
from tests.trials import charges
from tests.trials.test_doubts import given, order

RETACRIT = [
    order("epoetin alfa-epbx", "10000 unit", 1),
    given("epoetin alfa-epbx", "0900", "10000 unit", rxr("SC")),
]


@pytest.mark.parametrize(
    ("choice", "code", "units"), [("on_dialysis", "Q5105", 100), ("not_on_dialysis", "Q5106", 10)]
)
def test_a_person_says_which_code_the_patient_has(
    tmp_path: Path, choice: str, code: str, units: int
) -> None:
    """The line is firm under the code of the answer, and the question is asked no more."""
    before = run_after(tmp_path, RETACRIT)
    after = run_after(tmp_path, RETACRIT, answer(before, "drug.codes", choice))
    (line,) = [
        line
        for visit in after.visits
        for encounter in visit.draft.encounters
        for line in encounter.lines
        if line.family == "drugs"
    ]
    assert (line.code, line.units, line.provisional) == (code, units, "")


def test_by_hand_bills_no_code_of_the_drug(tmp_path: Path) -> None:
    """Whoever sees to it outside bills the drug, so its line is withheld."""
    before = run_after(tmp_path, RETACRIT)
    after = run_after(tmp_path, RETACRIT, answer(before, "drug.codes", "by_hand"))
    assert [charge for charge in charges(after) if charge.startswith("Q")] == []
