"""A visit is asked what its truth asks for: nothing without mess, and every fault by its question.

This module owns the comparison of questions with truth.json, by codes. The few doubts that the
truth does not ask for stand in one table with their reasons. `make questions` prints the rates.
"""

from functools import cache
from typing import Any

import pytest

from chargeline import code
from chargeline.simulator import InventedFeed, simulate
from chargeline.simulator.faults import FAULTS
from chargeline.simulator.visits import FACILITIES

Truth = dict[str, Any]
VISITS, SEED = 500, 31

# Code -> (the fault of the visit, or none for any with mess; why a person is asked all the same).
DOUBTS = {
    "dose.missing": ("", "the piece after a pause lost its stop, and its row has an amount of 0"),
    "role.none": ("stop one day late", "beside the infusion of a day no code is concurrent"),
    "drug.no_code": ("day outside the visit", "the formulary of that day has no code yet"),
}
styles = pytest.mark.parametrize("style", sorted(FACILITIES))


@cache
def asked(style: str, mess: float, faults: float) -> tuple[tuple[Truth, set[str]], ...]:
    """Each visit's truth, and the codes of the questions that its draft asks."""
    feed = simulate(visits=VISITS, seed=SEED, style=style, mess=mess, faults=faults)
    run = code(b"".join(text for _style, text in feed.messages), interface=style)
    codes = {
        visit.timeline.key.visit: {
            question.finding.code
            for draft in (visit.draft, *visit.draft.encounters)
            for question in draft.questions
        }
        for visit in run.visits
    }
    return tuple((truth, codes.get(truth["visit"], set())) for truth in truths(feed))


def truths(feed: InventedFeed) -> list[Truth]:
    visits = feed.truth["visits"]
    assert isinstance(visits, list)
    return visits


def is_doubt(truth: Truth, question: str) -> bool:
    """Whether the table above has the question for the fault of this visit."""
    fault = truth["fault"]["name"] if truth["fault"] else ""
    return question in DOUBTS and DOUBTS[question][0] in ("", fault)


@styles
def test_without_mess_exactly_the_questions_of_the_truth_are_asked(style: str) -> None:
    """Two lines at once, of which nobody says why, are all that a clean feed is asked about."""
    for truth, codes in asked(style, 0.0, 0.0):
        assert codes == set(truth["questions"]), truth["visit"]


@styles
@pytest.mark.parametrize(("mess", "faults"), [(0.7, 0.0), (0.0, 1.0), (0.7, 1.0)])
def test_a_question_is_one_of_the_truth_or_a_doubt_of_the_table(
    style: str, mess: float, faults: float
) -> None:
    """Mess and faults ask nothing else."""
    for truth, codes in asked(style, mess, faults):
        more = codes - set(truth["questions"])
        assert all(is_doubt(truth, question) for question in more), (truth["visit"], more)


@styles
@pytest.mark.parametrize(("mess", "faults"), [(0.7, 0.0), (0.0, 1.0), (0.7, 1.0)])
def test_each_question_of_the_truth_is_asked(style: str, mess: float, faults: float) -> None:
    """No fault that should be asked about passes in silence."""
    for truth, codes in asked(style, mess, faults):
        assert set(truth["questions"]) <= codes, (truth["visit"], truth["fault"])


@styles
def test_each_fault_of_the_style_strikes_in_these_feeds(style: str) -> None:
    """A claim about a fault that never happens would say nothing."""
    struck = {truth["fault"]["name"] for truth, _codes in asked(style, 0.0, 1.0) if truth["fault"]}
    assert struck == {name for name, fault in FAULTS.items() if style in fault.styles}
