"""Claims about large visits: their messages share drafts, no message is left without one, and the
program goes on while they are drafted.
"""

import asyncio
import threading
from datetime import timedelta

import pytest

from chargeline.drafting.revisions import RevisionMaker
from chargeline.drafting.settling import ROWS_AT_ONCE, wait_of
from chargeline.engine import Feed
from tests.drafting.one_processor import bench
from tests.golden.messages import given, message, orc, rxa, rxr

from .test_processor import Bench

__all__ = ["bench"]

KEY = "ZEBRA|V1"


def charted(rows: int) -> bytes:
    """One message with so many pushes of one order, half a minute and more apart."""
    times = [f"20260302{minute // 60:02}{minute % 60:02}" for minute in range(rows)]
    pushes = [
        rxa("ONDANSETRON", "4 mg", time, number=number) + "\r" + rxr("IV", "IVP")
        for number, time in enumerate(times, 1)
    ]
    return message("RAS^O17", orc("R1"), *pushes)


@pytest.mark.parametrize(
    ("rows", "settle", "wait"),
    [(0, 0, 0), (150, 0, 0), (151, 0, 1.51), (1000, 0, 10), (1000, 120, 120), (50, 120, 120)],
)
def test_a_large_visit_waits_for_ten_milliseconds_a_row(
    rows: int, settle: int, wait: float
) -> None:
    """A site may let every visit wait longer, and never shorter."""
    assert wait_of(rows, timedelta(seconds=settle)) == timedelta(seconds=wait)


async def test_the_messages_of_a_large_visit_share_one_draft(bench: Bench) -> None:
    """Three lots come while the visit waits; one draft has them all, when the wait is over."""
    await bench.feed([(KEY, charted(ROWS_AT_ONCE), {})])
    first = len(bench.published)
    assert first > 0
    for hour in ("0901", "0902", "0903"):
        await bench.feed([(KEY, given("FUROSEMIDE", "20 mg", hour, order=f"S{hour}"), {})])
    assert len(bench.published) == first
    await bench.later(minutes=1)
    (draft,) = (await bench.drafts()).values()
    assert draft.revision == 2
    assert len(draft.encounters[0].administrations) == ROWS_AT_ONCE + 3


async def test_a_small_visit_does_not_wait_for_a_large_one(bench: Bench) -> None:
    await bench.feed([(KEY, charted(ROWS_AT_ONCE + 1), {})])
    other = given("CARBOPLATIN", "450 mg", "0900", "1000", visit="V2", patient="ZZ2")
    await bench.feed([("ZEBRA|V2", other, {})])
    assert [visit for _facility, visit in await bench.drafts()] == ["V2"]


@pytest.mark.parametrize(
    ("owner", "work"), [(Feed, "get"), (RevisionMaker, "draft"), (RevisionMaker, "revise")]
)
@pytest.mark.parametrize(("rows", "goes_on"), [(ROWS_AT_ONCE, False), (ROWS_AT_ONCE + 1, True)])
async def test_the_event_loop_goes_on_while_a_large_visit_is_drafted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, owner: type, work: str, rows: int, goes_on: bool
) -> None:
    """The timeline, the draft and the revision of 151 rows are made in a thread; those of 150 rows,
    a few milliseconds, in the loop. The loop takes its turn while the work is under way.
    """
    loop, turns, original = asyncio.get_running_loop(), list[bool](), getattr(owner, work)

    def watched(*arguments: object) -> object:
        turn = threading.Event()
        loop.call_soon_threadsafe(turn.set)
        in_loop = threading.current_thread() is threading.main_thread()
        turns.append(turn.wait(0 if in_loop else 60))
        return original(*arguments)

    monkeypatch.setattr(owner, work, watched)
    await bench.feed([(KEY, charted(rows), {})])
    await bench.later(minutes=1)
    assert turns[0] == goes_on  # the timeline is made once, and looked at again in the loop
    assert owner is Feed or set(turns) == {goes_on}
    (draft,) = (await bench.drafts()).values()
    assert len(draft.encounters[0].administrations) == rows
