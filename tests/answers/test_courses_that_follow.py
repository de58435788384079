"""A course that begins soon after another one: both are one, such as with a boost, or two."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.sessions import examined, fraction

CODE = "radiation.follows"
DAYS = [f"0{month}{day:02}" for month in (3, 4) for day in range(1, 31)]


def course(name: str, days: Sequence[str], visit: str) -> list[bytes]:
    """A whole course of one fraction a day, with an examination each day."""
    planned = str(len(days))
    sent = [
        fraction(n, f"2026{day}1000", course=name, technique="3D", planned=planned, visit=visit)
        for n, day in enumerate(days, 1)
    ]
    return [*sent, *[examined(f"2026{day}1100", visit=visit) for day in days]]


def feed(first: int, second: int) -> list[bytes]:
    """A course of so many fractions, and one under another number from the next day on."""
    of_second = DAYS[first : first + second]
    return [*course("C1", DAYS[:first], "V1"), *course("C2", of_second, "V2")]


def run(folder: Path, *answers: GivenAnswer, sent: Sequence[bytes]) -> Run:
    return run_after(folder, [data.decode() for data in sent], *answers, policy="guide-2026")


def units(run: Run, code: str = "77427") -> list[tuple[str, str]]:
    """The lines of a code, each with its visit and the question on which it rests."""
    return [
        (visit.timeline.key.visit, line.provisional)
        for visit in run.visits
        for line in visit.draft.lines
        if line.code == code
    ]


def test_both_visits_ask_and_what_differs_is_not_firm(tmp_path: Path) -> None:
    """28 and 8 are six units and two; the sixth and those of the boost rest on the question."""
    before = run(tmp_path, sent=feed(28, 8))
    assert asked_of(before) == [("V1", CODE), ("V2", CODE)]
    assert units(before) == [*[("V1", "")] * 5, ("V1", CODE), *[("V2", CODE)] * 2]
    assert {rests_on for _visit, rests_on in units(before, "77407")} == {""}


@pytest.mark.parametrize("visit", ["V1", "V2"])
@pytest.mark.parametrize(
    ("choice", "of_first", "of_second"),
    [("new_course", 6, 2), ("same_course", 5, 2), ("by_hand", 5, 0)],
)
def test_one_word_holds_for_both_visits(
    tmp_path: Path, visit: str, choice: str, of_first: int, of_second: int
) -> None:
    """As one course, 36 sessions are seven units and a rest of one. By hand nothing is left of
    what differs.
    """
    sent = feed(28, 8)
    after = run(tmp_path, answer(run(tmp_path, sent=sent), CODE, choice, visit=visit), sent=sent)
    assert asked_of(after) == []
    assert units(after) == [*[("V1", "")] * of_first, *[("V2", "")] * of_second]


def test_a_short_boost_is_none_by_itself(tmp_path: Path) -> None:
    """25 and 2: 77431 for the two by themselves, and nothing more as the end of 27."""
    sent = feed(25, 2)
    before = run(tmp_path, sent=sent)
    assert units(before, "77431") == [("V2", CODE)]
    after = run(tmp_path, answer(before, CODE, "same_course", visit="V2"), sent=sent)
    assert units(after, "77431") == [] and len(units(after)) == 5


@pytest.mark.parametrize(("first", "second"), [(25, 8), (27, 8), (30, 3)])
def test_where_both_counts_agree_nobody_is_asked(tmp_path: Path, first: int, second: int) -> None:
    """One course or two, the units are the same."""
    assert asked_of(run(tmp_path, sent=feed(first, second))) == []


def test_three_in_a_row_are_settled_one_by_one(tmp_path: Path) -> None:
    """8, 8 and 7: beside the second the third has the same units either way; beside the sixteen of
    the first two it has not, and is asked about once these are one.
    """
    sent = [
        *course("C1", DAYS[:8], "V1"),
        *course("C2", DAYS[8:16], "V2"),
        *course("C3", DAYS[16:23], "V3"),
    ]
    before = run(tmp_path, sent=sent)
    assert len(units(before)) == 5 and ("V3", CODE) not in asked_of(before)
    one = answer(before, CODE, "same_course", visit="V2")
    between = run(tmp_path, one, sent=sent)
    assert len(units(between)) == 4 and ("V3", CODE) in asked_of(between)
    both = run(tmp_path, one, answer(between, CODE, "same_course", visit="V3"), sent=sent)
    assert asked_of(both) == [] and len(units(both)) == 5
