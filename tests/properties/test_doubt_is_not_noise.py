"""A visit is asked what its truth asks for: nothing without mess, and every fault by its question.

This module owns the comparison of questions with truth.json, by codes. The few doubts that the
truth does not ask for stand in one table with their reasons. tests/by_hand/questions.py prints the
rates.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from chargeline import code
from chargeline.coding.run import Run
from chargeline.simulator import simulate
from chargeline.simulator.faults import FAULTS
from chargeline.simulator.visits import FACILITIES

Truth = dict[str, Any]
VISITS, SEED = 500, 31


def has_fault(name: str) -> Callable[[Truth], bool]:
    return lambda truth: bool(truth["fault"]) and truth["fault"]["name"] == name


def lost_a_stop(truth: Truth) -> bool:
    return "stop.missing" in truth["questions"]


# Code -> (the visits that may be asked beyond their truth, and why).
DOUBTS: dict[str, tuple[Callable[[Truth], bool], str]] = {
    "dose.missing": (lost_a_stop, "the row after a pause or a change of rate has an amount of 0"),
    "time.short": (lost_a_stop, "the row before the pause has the whole dose"),
    "vial.too_few": (has_fault("ten times the dose"), "the vials hold a tenth of it"),
    "ndc.several": (lost_a_stop, "that row has no scans, so the vials of the day are not counted"),
    "role.none": (has_fault("stop one day late"), "no code is concurrent to chemotherapy"),
    "drug.no_code": (has_fault("day outside the visit"), "on that day the drug had no code yet"),
}
styles = pytest.mark.parametrize("style", sorted(FACILITIES))


@cache
def coded(style: str, mess: float, faults: float) -> tuple[tuple[Truth, ...], Run]:
    """The truths of the visits of a feed, and what the feed comes to."""
    feed = simulate(visits=VISITS, seed=SEED, style=style, mess=mess, faults=faults)
    truths = feed.truth["visits"]
    assert isinstance(truths, list)
    run = code(b"".join(text for _style, text in feed.messages), interface=style)
    return tuple(truths), run


def asked(style: str, mess: float, faults: float) -> Iterator[tuple[Truth, set[str]]]:
    """The truth of each visit, and the codes of the questions that its draft asks."""
    truths, run = coded(style, mess, faults)
    codes = {
        visit.timeline.key.visit: {
            question.finding.code
            for draft in (visit.draft, *visit.draft.encounters)
            for question in draft.questions
        }
        for visit in run.visits
    }
    for truth in truths:
        yield truth, codes.get(truth["visit"], set())


def is_doubt(truth: Truth, question: str) -> bool:
    """Whether the table above has the question for such a visit."""
    return question in DOUBTS and DOUBTS[question][0](truth)


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


@styles
def test_the_messages_that_the_truth_names_are_set_aside(style: str) -> None:
    """Two messages glued into one bill nobody, and each such pair is told; no other message is."""
    truths, run = coded(style, 0.0, 1.0)
    told = Counter(name for truth in truths for name in truth["set_aside"])
    found = Counter(entry.finding.code for entry in run.set_aside if entry.visit is None)
    assert found == told
    assert told
