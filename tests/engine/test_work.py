"""Claims about work: twice the administrations are about twice the work, counted and not timed."""

import sys
from types import FrameType

import pytest

from chargeline.engine import Timeline, VisitKey, draft
from chargeline.engine.timeline.records import Day, VisitContext
from chargeline.rulebook.notation import administration_of
from tests.engine import rulebook


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def account(doses: int, text: str) -> Timeline:
    """A visit of one day with so many administrations, two minutes apart, each of its own order."""
    given = [
        administration_of(text.format(start=_clock(2 * n), stop=_clock(2 * n + 1)), n + 1)
        for n in range(doses)
    ]
    days = (Day(given[0].day, tuple(sorted(given, key=lambda item: (item.start, item.key)))),)
    context = VisitContext(patient="ZZ1", classes=((None, "outpatient"),))
    return Timeline(VisitKey("ZEBRA", "V1"), context, days, patients=("ZZ1",))


def calls_of(timeline: Timeline) -> int:
    """How many functions a draft calls, a generator's steps included."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        draft(timeline, rulebook())
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    "text",
    [
        "ondansetron 4 mg iv push {start}",
        "vancomycin 1 g iv {start}-{stop}",
        "pembrolizumab 200 mg iv {start}-{stop}",
    ],
)
def test_four_times_the_pushes_are_about_four_times_the_work(text: str) -> None:
    """Each push was compared with every push before it: sixteen times the work."""
    few, many = account(150, text), account(600, text)
    draft(many, rulebook())  # what is looked up once is looked up here
    draft(few, rulebook())
    assert calls_of(many) < 7 * calls_of(few)
