"""Found by trial: one report that was lost, or came in another order, made a second course under
one number one that was told twice, or its gaps were forgotten.

Whoever confirmed that the sessions were delivered had a unit of management too many, or a word that
somebody had said of the course was lost with the next report.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.sessions import examined, fraction

CODE = "radiation.resumed"


def one_a_day(numbers: Iterable[int], day: int, planned: str = "") -> list[bytes]:
    """Fractions of April from a day on, one a day and 0 for none, with examinations."""
    said = {"planned": planned} if planned else {}
    return [
        message
        for place, number in enumerate(numbers)
        if number
        for message in (
            fraction(number, f"202604{day + place:02}1000", technique="3D", **said),
            examined(f"202604{day + place:02}1100"),
        )
    ]


def run(folder: Path, sent: Iterable[bytes], *answers: GivenAnswer) -> Run:
    return run_after(folder, [data.decode() for data in sent], *answers, policy="guide-2026")


def codes(run: Run) -> list[str]:
    """What is asked."""
    return [code for _visit, code in asked_of(run)]


def management(run: Run) -> list[str]:
    """The questions on which each unit of management rests."""
    lines = run.visits[0].draft.lines
    return [line.provisional for line in lines if line.code == "77427"]


FIRST = one_a_day(range(1, 9), 1)
LOST_EIGHT = [*FIRST, *one_a_day([*range(1, 8), 0, *range(9, 14)], 10)]
LOST_TWO = [*one_a_day(range(1, 5), 1), *one_a_day([1, 0, *range(3, 14)], 10)]
LOST_TWO_BEFORE = [*one_a_day([1, 0, *range(3, 9)], 1), *one_a_day(range(1, 9), 10)]


@pytest.mark.parametrize(
    "sent", [LOST_EIGHT, LOST_TWO, LOST_TWO_BEFORE], ids=["the last", "the second", "one before"]
)
def test_a_lost_report_does_not_hide_that_numbers_begin_again(
    tmp_path: Path, sent: list[bytes]
) -> None:
    """Which of the fractions of either series it is; nobody is asked whether they came twice."""
    assert CODE in codes(run(tmp_path, sent))
    assert "radiation.number_twice" not in codes(run(tmp_path, sent))


def test_as_another_course_it_is_counted_by_itself(tmp_path: Path) -> None:
    """Eight and twelve, both open: one unit and two; the second rests on the report that is not
    here.
    """
    new = answer(run(tmp_path, LOST_EIGHT), CODE, "new_course")
    after = run(tmp_path, LOST_EIGHT, new)
    assert codes(after) == ["radiation.missing"]
    assert management(after) == ["", "", "radiation.missing"]


def test_a_word_holds_when_the_next_report_comes(tmp_path: Path) -> None:
    """Fractions 1 to 7 of a new course, and the ninth: that was a new course, and it still is."""
    ten = one_a_day(range(1, 9), 1, "10")
    sent = [*ten, *one_a_day([*range(1, 8), 0, 9], 10, "10")]
    new = answer(run(tmp_path, sent[:-2]), CODE, "new_course")
    after = run(tmp_path, sent, new)
    assert codes(after) == ["radiation.missing"]
    sessions = [line for line in after.visits[0].draft.lines if line.code == "77407"]
    assert len(sessions) == 16


def test_two_reports_of_a_day_in_the_wrong_order_change_nothing(tmp_path: Path) -> None:
    """The ninth of a new course in the morning, the eighth in the afternoon."""
    swapped = [
        fraction(9, "202604171000", technique="3D"),
        fraction(8, "202604171600", technique="3D"),
    ]
    sent = [*FIRST, *one_a_day(range(1, 8), 10), *swapped]
    assert CODE in codes(run(tmp_path, sent))


@pytest.mark.parametrize(("choice", "units"), [("new_course", 4), ("same_course", 3)])
def test_a_course_that_begins_on_the_day_on_which_another_ends(
    tmp_path: Path, choice: str, units: int
) -> None:
    """The eighth of eight in the morning, the first of eight in the afternoon."""
    afternoon = fraction(1, "202604081600", technique="3D", planned="8")
    sent = [*one_a_day(range(1, 9), 1, "8"), afternoon, *one_a_day(range(2, 9), 9, "8")]
    before = run(tmp_path, sent)
    assert set(codes(before)) == {CODE}
    after = run(tmp_path, sent, answer(before, CODE, choice))
    assert len(management(after)) == units
    assert set(codes(after)) <= {"radiation.beyond_plan"}


def test_a_gap_before_the_course_was_resumed_stays_one(tmp_path: Path) -> None:
    """Fractions 5 and 6 of the first part are asked about, though the second part tells such."""
    sent = [*one_a_day([1, 2, 3, 4, 0, 0, 7, 8], 1, "25"), *one_a_day(range(1, 11), 10, "10")]
    before = run(tmp_path, sent)
    assert "radiation.missing" in codes(before)
    after = run(tmp_path, sent, answer(before, CODE, "same_course"))
    assert codes(after) == ["radiation.missing"] and set(management(after)) >= {"radiation.missing"}


def test_a_second_series_with_a_plan_of_its_own_is_held_against_that(tmp_path: Path) -> None:
    """A boost of three within a course of six that goes on, under one number: confirmed sessions of
    the one are not beyond the plan of the other.
    """
    sent = [
        *one_a_day(range(1, 5), 1, "6"),
        *one_a_day(range(1, 4), 5, "3"),
        *one_a_day(range(5, 7), 8, "6"),
    ]
    before = run(tmp_path, sent)
    assert "radiation.number_twice" in codes(before) and CODE not in codes(before)
    after = run(tmp_path, sent, answer(before, "radiation.number_twice", "confirm"))
    assert "radiation.beyond_plan" not in codes(after)
