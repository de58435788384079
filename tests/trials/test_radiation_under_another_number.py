"""Found by trial: radiation under another visit number of the day was not seen beside the visit.

Two visit numbers of one day are common. The weekly management of a course holds the review of the
treatment, so a visit with a practitioner on a day of radiation is asked about. It was asked only
where both had one number.
"""

from itertools import permutations
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.engine.words import PatientClassFact
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.drafting.test_processor import Bench, bench, by_bench, by_code, keyed
from tests.golden.sessions import fraction
from tests.golden.stories_visits import note, report

__all__ = ["bench"]

CODE = "visit.radiation"
SAID = report(("VISIT-MINUTES", "35", "min"), ("PATIENT-STATUS", "ESTABLISHED", ""))
VISIT = (SAID, note("AU"))
SESSION = fraction(1, "202603021000", visit="V2")


def run(folder: Path, *messages: bytes, answers: tuple[GivenAnswer, ...] = ()) -> Run:
    texts = [data.decode() for data in messages]
    return run_after(folder, texts, *answers, policy="guide-2026")


def of_visit(run: Run) -> list[tuple[str, tuple[str, ...], str]]:
    """The lines of the visit with the practitioner, each with what it waits for."""
    (visit,) = [coded for coded in run.visits if coded.timeline.key.visit == "V1"]
    lines = [line for line in visit.draft.lines if line.family == "office_visits"]
    return [(line.code, line.modifiers, line.provisional) for line in lines]


@pytest.mark.parametrize("messages", list(permutations([*VISIT, SESSION])))
def test_it_is_asked_whichever_message_comes_first(
    tmp_path: Path, messages: tuple[bytes, ...]
) -> None:
    """As under one number: the visit has 25 and waits for what it was about."""
    after = run(tmp_path, *messages)
    assert of_visit(after) == [("99214", ("25",), CODE)]
    assert asked_of(after, CODE) == [("V1", CODE)]


def test_one_number_and_two_come_to_the_same(tmp_path: Path) -> None:
    """Under which number a session is reported says nothing of the visit."""
    together = run(tmp_path, *VISIT, fraction(1, "202603021000"))
    assert of_visit(together) == of_visit(run(tmp_path, *VISIT, SESSION))


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(fraction(1, "202603021000", visit="V2", patient="ZZ2"), id="another patient"),
        pytest.param(fraction(1, "202603031000", visit="V2"), id="another day"),
    ],
)
def test_radiation_of_another_patient_or_day_is_not_beside_it(
    tmp_path: Path, session: bytes
) -> None:
    """The visit stands alone and is firm."""
    after = run(tmp_path, *VISIT, session)
    assert of_visit(after) == [("99214", (), "")]
    assert asked_of(after, CODE) == []


@pytest.mark.parametrize("patient_class", ["I", "O", "E"])
def test_the_stay_pays_the_session_and_not_the_review(
    tmp_path: Path, patient_class: PatientClassFact
) -> None:
    """Management is the physician's, so that it holds the review of an inpatient's session too."""
    session = fraction(1, "202603021000", visit="V2", patient_class=patient_class)
    assert asked_of(run(tmp_path, *VISIT, session), CODE) == [("V1", CODE)]


@pytest.mark.parametrize(
    ("choice", "lines"), [("confirm", [("99214", ("25",), "")]), ("no_visit", []), ("by_hand", [])]
)
def test_an_answer_settles_it(
    tmp_path: Path, choice: str, lines: list[tuple[str, tuple[str, ...], str]]
) -> None:
    """The practitioner says what the visit was about."""
    said = answer(run(tmp_path, *VISIT, SESSION), CODE, choice, visit="V1")
    after = run(tmp_path, *VISIT, SESSION, answers=(said,))
    assert of_visit(after) == lines
    assert asked_of(after, CODE) == []


@pytest.mark.parametrize("backwards", [False, True])
async def test_the_ledger_comes_to_what_files_come_to(bench: Bench, backwards: bool) -> None:
    """The visit is drafted again when the session comes after it."""
    messages = [*VISIT, SESSION]
    for record in keyed(messages[::-1] if backwards else messages):
        await bench.feed([record])
    drafts = await bench.drafts()
    assert by_bench(drafts) == by_code(messages)
    asked = {
        number: [q.code for e in draft.encounters for q in e.questions]
        for (_facility, number), draft in drafts.items()
    }
    assert CODE in asked["V1"] and CODE not in asked["V2"]


async def test_a_session_that_is_taken_back_leaves_the_visit_firm(bench: Bench) -> None:
    """The visit is drafted again, and has neither 25 nor the question."""
    again = fraction(1, "202603021000", visit="V2", sent="202603021200")
    taken_back = again.replace(b"|F|", b"|D|")
    await bench.feed(keyed([*VISIT, SESSION]))
    before = by_bench(await bench.drafts())["V1"]
    await bench.feed(keyed([taken_back]))
    after = by_bench(await bench.drafts())["V1"]
    assert [modifiers for _code, _units, modifiers in before] == [("25",)]
    assert [modifiers for _code, _units, modifiers in after] == [()]
