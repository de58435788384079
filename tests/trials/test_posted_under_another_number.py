"""Found by trial: a procedure posted under another visit number of the day was not seen.

Drugs that are charted under another number gave the visit modifier 25, and posted charges did not.
"""

from itertools import permutations
from pathlib import Path

import pytest

from tests.answers.given import answer, asked_of
from tests.drafting.test_processor import Bench, bench, by_bench, by_code, keyed
from tests.golden.messages import message, segment
from tests.golden.stories_visits import note, report
from tests.trials.test_radiation_under_another_number import of_visit, run

__all__ = ["bench"]

CODE = "visit.performer"
VISIT = (
    report(("VISIT-MINUTES", "35", "min"), ("PATIENT-STATUS", "ESTABLISHED", "")),
    note("AU"),
)


def posted(
    code: str,
    by: str = "",
    *,
    visit: str = "V2",
    patient: str = "ZZ1",
    patient_class: str = "O",
    day: str = "02",
    kind: str = "CG",
) -> bytes:
    """A charge, or with CD its credit."""
    fields = {1: "1", 2: "T1", 4: f"202603{day}", 6: kind, 10: "1", 20: by, 25: code}
    return message(
        "DFT^P03",
        segment("FT1", fields),
        visit=visit,
        patient=patient,
        patient_class=patient_class,
        sent="1300" if kind == "CG" else "1400",
    )


ALONE = [("99214", (), "")]
BESIDE = [("99214", ("25",), "")]


@pytest.mark.parametrize("messages", list(permutations([*VISIT, posted("11102", "D7")])))
def test_a_procedure_of_the_practitioner(tmp_path: Path, messages: tuple[bytes, ...]) -> None:
    """Modifier 25, whichever message comes first."""
    assert of_visit(run(tmp_path, *messages)) == BESIDE


@pytest.mark.parametrize(
    ("code", "by"),
    [
        ("11102", "D7"),
        ("11102", "D2"),
        ("11102", ""),
        ("96413", ""),
        ("77412", ""),
        ("90471", ""),
        ("36415", "D7"),
    ],
)
def test_one_number_and_two_come_to_the_same(tmp_path: Path, code: str, by: str) -> None:
    """Under which number a service is posted says nothing of the visit."""
    apart = run(tmp_path, *VISIT, posted(code, by))
    together = run(tmp_path, *VISIT, posted(code, by, visit="V1"))
    assert of_visit(apart) == of_visit(together)
    of_visits = [(number, asked) for number, asked in asked_of(apart) if asked.startswith("visit.")]
    assert of_visits == [ask for ask in asked_of(together) if ask[1].startswith("visit.")]


@pytest.mark.parametrize(
    "charge",
    [
        pytest.param(posted("11102", "D7", patient="ZZ2"), id="another patient"),
        pytest.param(posted("11102", "D7", day="03"), id="another day"),
        pytest.param(posted("96413", patient_class="I"), id="paid with a stay"),
    ],
)
def test_what_is_not_beside_the_visit(tmp_path: Path, charge: bytes) -> None:
    """The visit stands alone and is firm."""
    assert of_visit(run(tmp_path, *VISIT, charge)) == ALONE


def test_radiation_posted_in_a_stay_is_asked_about(tmp_path: Path) -> None:
    """Management of an inpatient's course is the physician's, and holds the review too."""
    after = run(tmp_path, *VISIT, posted("77427", patient_class="I"))
    assert ("V1", "visit.radiation") in asked_of(after)


def test_a_credit_takes_it_back(tmp_path: Path) -> None:
    """What no longer stands under its own number is beside no visit."""
    charge, credit = posted("11102", "D7"), posted("11102", "D7", kind="CD")
    assert of_visit(run(tmp_path, *VISIT, charge, credit)) == ALONE


@pytest.mark.parametrize(("choice", "lines"), [("same_group", BESIDE), ("other_group", ALONE)])
def test_a_person_says_whose_it_was(
    tmp_path: Path, choice: str, lines: list[tuple[str, tuple[str, ...], str]]
) -> None:
    """Until then the visit has no 25, and is not firm."""
    messages = (*VISIT, posted("11102", "D2"))
    before = run(tmp_path, *messages)
    assert of_visit(before) == [("99214", (), CODE)]
    after = run(tmp_path, *messages, answers=(answer(before, CODE, choice, visit="V1"),))
    assert of_visit(after) == lines
    assert asked_of(after, CODE) == []


def test_what_both_numbers_post_is_asked_about_once(tmp_path: Path) -> None:
    """One charge that is told under two numbers is one service."""
    after = run(tmp_path, *VISIT, posted("11102", "D2"), posted("11102", "D2", visit="V1"))
    assert asked_of(after, CODE) == [("V1", CODE)]


@pytest.mark.parametrize("backwards", [False, True])
async def test_the_ledger_comes_to_what_files_come_to(bench: Bench, backwards: bool) -> None:
    """The visit is drafted again when the charge comes after it, and when a credit comes."""
    messages = [*VISIT, posted("96413")]
    for record in keyed(messages[::-1] if backwards else messages):
        await bench.feed([record])
    lines = by_bench(await bench.drafts())
    assert lines == by_code(messages)
    assert [modifiers for _code, _units, modifiers in lines["V1"]] == [("25",)]
    credit = posted("96413", kind="CD")
    await bench.feed(keyed([credit]))
    lines = by_bench(await bench.drafts())
    assert lines == by_code([*messages, credit])
    assert [modifiers for _code, _units, modifiers in lines["V1"]] == [()]
