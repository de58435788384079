"""Invented courses of radiation: the feed, its truth, and what chargeline makes of it."""

from collections import Counter
from functools import cache

from chargeline import code
from chargeline.coding.run import Run
from chargeline.simulator import InventedFeed, simulate
from chargeline.simulator.courses import PLANS

SEED = 5


@cache
def feed() -> InventedFeed:
    return simulate(visits=1, seed=SEED, style="standard", courses=len(PLANS))


@cache
def coded() -> Run:
    return code(b"".join(text for _style, text in feed().messages), policy="guide-2026")


def test_each_course_has_the_units_that_a_coder_counts_by_hand() -> None:
    """Eight, eighteen, thirty-three, sixty-two twice a day, with days off, and resumed."""
    lines = [
        (visit.timeline.key.visit, line) for visit in coded().visits for line in visit.draft.lines
    ]
    courses = feed().truth["courses"]
    assert isinstance(courses, list) and len(courses) == len(PLANS)
    for course in courses:
        units: Counter[str] = Counter()
        for visit, line in lines:
            if visit in course["visits"]:
                units[line.code] += line.units
        assert units == {"77407": course["fractions"], "77427": course["management_units"]}


def test_the_schedule_tells_some_courses_too_and_changes_no_count() -> None:
    """Each of their sessions is booked and completed; one more is cancelled, and one missed."""
    scheduled = [text for _style, text in feed().messages if b"|SIU^" in text]
    told = Counter(text.split(b"|SIU^")[1][:3].decode() for text in scheduled)
    booking = [plan for plan in PLANS if plan.books]
    sessions = sum(plan.fractions for plan in booking)
    lost = len(booking)
    assert lost > 1
    assert told == {"S12": sessions + 2 * lost, "S14": sessions, "S15": lost, "S26": lost}
    withheld = Counter(
        entry.reason
        for visit in coded().visits
        for encounter in visit.draft.encounters
        for entry in encounter.withheld
        if entry.reason.startswith("appointment.")
    )
    assert withheld == {"appointment.cancelled": lost, "appointment.missed": lost}
    assert not coded().set_aside


def test_a_clean_course_is_asked_nothing() -> None:
    """No question is about a course."""
    asked = [
        question.finding.code
        for visit in coded().visits
        for encounter in visit.draft.encounters
        for question in encounter.questions
    ]
    assert [question for question in asked if question.startswith("radiation.")] == []
