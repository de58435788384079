"""What a person says of missing fractions holds for the course, whatever visit was asked."""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.sessions import examined, fraction

GUIDE = "guide-2026"
CODE = "radiation.missing"
# Fraction 1 under V1, fraction 4 under V2 after a gap, and the end of the course under V3.
FEED = [
    fraction(1, "202603021000", technique="3D", visit="V1"),
    fraction(4, "202603051000", technique="3D", visit="V2"),
    fraction(5, "202603061000", technique="3D", visit="V3", planned="5"),
    examined("202603061100", visit="V3"),
]


def run(folder: Path, *answers: GivenAnswer, feed: list[bytes] = FEED) -> Run:
    return run_after(folder, [data.decode() for data in feed], *answers, policy=GUIDE)


def units(run: Run) -> list[tuple[str, str]]:
    """The visits with a unit of management, and the question on which it rests."""
    return [
        (visit.timeline.key.visit, line.provisional)
        for visit in run.visits
        for line in visit.draft.lines
        if line.code == "77427"
    ]


def withheld(run: Run) -> list[str]:
    """The reasons of what is withheld, of all visits."""
    return [e.reason for v in run.visits for part in v.draft.encounters for e in part.withheld]


def said(run: Run, visit: str, choice: str) -> GivenAnswer:
    """The answer to the question of a visit about missing fractions."""
    return answer(run, CODE, choice, visit=visit)


def test_a_gap_is_asked_where_it_lies_and_where_a_unit_hangs_on_it(tmp_path: Path) -> None:
    """The rest of three at the end waits."""
    before = run(tmp_path)
    assert asked_of(before) == [("V2", CODE), ("V3", CODE)]
    assert units(before) == [] and withheld(before) == [CODE]


@pytest.mark.parametrize("visit", ["V2", "V3"])
@pytest.mark.parametrize(
    ("choice", "earned", "reasons"),
    [("confirm", [("V3", "")], []), ("by_hand", [], ["answer.by_hand"])],
)
def test_one_answer_settles_the_gap_in_all_visits(
    tmp_path: Path, visit: str, choice: str, earned: list[tuple[str, str]], reasons: list[str]
) -> None:
    """Given under either visit; nobody is asked again, and the unit is as the person said."""
    after = run(tmp_path, said(run(tmp_path), visit, choice))
    assert asked_of(after) == []
    assert units(after) == earned and withheld(after) == reasons


def test_of_two_answers_the_one_that_bills_nothing_counts(tmp_path: Path) -> None:
    """Whichever visit each was given under."""
    before = run(tmp_path)
    for one, other in (("V2", "V3"), ("V3", "V2")):
        answers = (said(before, one, "confirm"), said(before, other, "by_hand"))
        after = run(tmp_path, *answers)
        assert units(after) == [] and withheld(after) == ["answer.by_hand"]


def test_a_late_report_opens_the_question_again(tmp_path: Path) -> None:
    """The answer was about fractions 2 and 3; now only 3 is missing."""
    confirmed = said(run(tmp_path), "V3", "confirm")
    late = fraction(2, "202603031000", technique="3D", visit="V1")
    after = run(tmp_path, confirmed, feed=[*FEED, late])
    assert asked_of(after) == [("V2", CODE), ("V3", CODE)]


def test_an_answer_holds_for_its_gap_alone(tmp_path: Path) -> None:
    """A later gap of the same course is asked about by itself."""
    confirmed = said(run(tmp_path), "V2", "confirm")
    # without the fifth, so that seven is a gap of its own
    later = [
        *FEED[:2],
        fraction(7, "202603091000", technique="3D", visit="V3", planned="7"),
        examined("202603091100", visit="V3"),
    ]
    assert asked_of(run(tmp_path, feed=later)) == [("V2", CODE), *[("V3", CODE)] * 2]
    assert asked_of(run(tmp_path, confirmed, feed=later)) == [("V3", CODE)]
