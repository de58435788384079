"""Claims about work: four times the rows are about four times the work, counted and not timed."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest

from chargeline.engine import Timeline, VisitKey, draft
from chargeline.engine.spans import Span, overlap, subtract
from chargeline.engine.timeline.records import Day, VisitContext
from chargeline.rulebook.notation import administration_of
from tests.engine import read, rulebook, visits_of
from tests.golden.messages import DAY, given, message, orc, rxa, rxr


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def account(doses: int, *texts: str) -> Timeline:
    """A visit of one day with so many administrations, two minutes apart, each of its own order.

    The texts take turns.
    """
    given = [
        administration_of(
            texts[n % len(texts)].format(start=_clock(2 * n), stop=_clock(2 * n + 1)), n + 1
        )
        for n in range(doses)
    ]
    days = (Day(given[0].day, tuple(sorted(given, key=lambda item: (item.start, item.key)))),)
    context = VisitContext(patient="ZZ1", classes=((None, "outpatient"),))
    return Timeline(VisitKey("ZEBRA", "V1"), context, days, patients=("ZZ1",))


def calls_of(work: Callable[[], object]) -> int:
    """How many functions some work calls, a generator's steps included."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    "texts",
    [
        ("ondansetron 4 mg iv push {start}",),
        ("vancomycin 1 g iv {start}-{stop}",),
        ("pembrolizumab 200 mg iv {start}-{stop}",),
        ("vancomycin 1 g iv {start}-{stop}", "ceftriaxone 1 g iv {start}-{stop}"),
        ("vancomycin 1 g iv {start}-?",),
        ("vancomycin 1 g iv {start}-{stop} order=R1", "vancomycin 1 g iv {start}-? order=R1"),
        ("vancomycin 1 g iv {start}-{stop} line=L", "ondansetron 4 mg iv push {start} line=R"),
        ("ondansetron 4 mg iv push {start} line=L", "furosemide 20 mg iv push {start}"),
        ("sodium-chloride-0.9 500 mL iv {start}-{stop}", "vancomycin 1 g iv {start}-{stop}"),
        ("ketorolac 30 mg im {start}",),
        ("heparin-flush 5 mL iv push {start} line=PORT flush",),
    ],
    ids=lambda texts: " / ".join(texts),
)
def test_four_times_the_administrations_are_about_four_times_the_work(
    texts: tuple[str, ...],
) -> None:
    """Each push was compared with every push before it: sixteen times the work."""
    few, many = account(100, *texts), account(400, *texts)
    draft(many, rulebook())  # what is looked up once is looked up here
    draft(few, rulebook())
    work = [calls_of(partial(draft, visit, rulebook())) for visit in (few, many)]
    assert work[1] < 7 * work[0]


def test_four_times_the_rows_of_an_order_are_about_four_times_the_work() -> None:
    """The drugs of a row were compared with those of every row before it."""

    def stretches(count: int) -> bytes:
        rows = [
            rxa("VANCOMYCIN", "", f"{DAY}{_hm(2 * n)}", f"{DAY}{_hm(2 * n + 1)}", number=n + 1)
            for n in range(count)
        ]
        return message("RAS^O17", orc("R1"), *[row + "\r" + rxr("IV") for row in rows])

    work = []
    for count in (150, 600):
        reading = read(stretches(count))
        visits = visits_of([given("ONDANSETRON", "4 mg", "0800", "")])
        visits.add(reading)
        work.append(calls_of(partial(visits.__getitem__, next(iter(visits)))))
    assert work[1] < 7 * work[0]


def _hm(minutes: int) -> str:
    return _clock(minutes).replace(":", "")


@pytest.mark.parametrize("arithmetic", [overlap, subtract])
def test_four_times_the_stretches_are_about_four_times_the_work(
    arithmetic: Callable[[list[Span], list[Span]], object],
) -> None:
    """Each stretch of one drug was compared with every stretch of the other."""

    def work(count: int) -> int:
        ours = [(10 * n, 10 * n + 6) for n in range(count)]
        theirs = [(10 * n + 3, 10 * n + 9) for n in range(count)]
        return calls_of(lambda: arithmetic(ours, theirs))

    assert work(800) < 7 * work(200)
