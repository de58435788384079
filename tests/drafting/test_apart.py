"""Claims about our own mistakes: one record or one visit makes us fail, and the others go on."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from chargeline.drafting import inbound, processor
from chargeline.engine import Feed, Reading, VisitKey
from chargeline.ledger.batch import Batch
from chargeline.ledger.errors import Unreachable
from tests.golden.messages import given

from .test_processor import Bench, bench, by_bench, by_code, keyed

__all__ = ["bench"]

SECRET = "TESTPATIENT^ZEBRA"
GUILTY = "V3"
VISITS = [f"V{number}" for number in range(8)]


def dose(visit: str, hour: str = "09") -> bytes:
    return given(
        "PACLITAXEL", "100 mg", f"{hour}00", f"{hour}45", visit=visit, patient=f"ZZ{visit}"
    )


def fails_to_read(patch: pytest.MonkeyPatch) -> None:
    whole = inbound.read_events

    def read(message: Any, profile: Any) -> Reading:
        reading = whole(message, profile)
        if reading.visit == GUILTY:
            raise ValueError(SECRET)
        return reading

    patch.setattr(inbound, "read_events", read)


def fails_to_fold(patch: pytest.MonkeyPatch) -> None:
    whole = Feed.add

    def add(feed: Feed, reading: Reading) -> set[VisitKey]:
        if reading.visit == GUILTY:
            raise KeyError(SECRET)
        return whole(feed, reading)

    patch.setattr(Feed, "add", add)


def fails_to_draft(patch: pytest.MonkeyPatch) -> None:
    whole = processor.draft_with_records

    async def draft(batch: Any, cache: Any, maker: Any, timelines: Mapping[VisitKey, Any]) -> Any:
        if any(key.visit == GUILTY and timelines[key] for key in timelines):
            raise AssertionError(SECRET)
        return await whole(batch, cache, maker, timelines)

    patch.setattr(processor, "draft_with_records", draft)


@pytest.fixture
def said() -> Iterator[list[Any]]:
    """What is logged."""
    with capture_logs() as lines:
        yield lines


@pytest.mark.parametrize("fails", [fails_to_read, fails_to_fold, fails_to_draft])
async def test_only_the_record_that_makes_us_fail_is_parked(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    said: list[Any],
    fails: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """Two doses of V3 among those of seven other visits: the doses of V3 are parked with the type
    of our exception, never its text, and the others are drafted.
    """
    own = [dose(GUILTY, hour) for hour in ("09", "11")]
    others = [dose(visit, hour) for hour in ("09", "11") for visit in VISITS if visit != GUILTY]
    wanted = by_code(others)
    fails(monkeypatch)
    done = await bench.feed(keyed([*others[:7], *own, *others[7:]]))
    rows = await bench.ledger.parked()
    assert {row.code for row in rows} == {"record.failed"}
    assert sorted(row.raw for row in rows) == sorted(own)
    assert by_bench(await bench.drafts()) == wanted
    assert sum(len(poll.parked) for poll in done) == len(own)
    assert not any("TESTPATIENT" in str(row._replace(raw=b"")) for row in rows)
    assert [line["event"] for line in said] == ["record.failed"] * len(own)


async def test_a_visit_that_cannot_be_drafted_holds_up_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visits settle before they are drafted. Of V3 a nudge is parked, it is due no more, and
    the others are drafted. Retried when the mistake is mended, V3 is drafted.
    """
    messages = [dose(visit) for visit in VISITS]
    wanted = by_code(messages)
    for program in bench.processors:
        program.settings = program.settings._replace(settle=timedelta(minutes=2))
    await bench.feed(keyed(messages))
    with monkeypatch.context() as patch:
        fails_to_draft(patch)
        await bench.later(minutes=5)
        await bench.later(minutes=5)
    assert by_bench(await bench.drafts()) == {v: n for v, n in wanted.items() if v != GUILTY}
    (row,) = await bench.ledger.parked()
    assert (row.code, row.visit, row.raw) == ("visit.failed", GUILTY, b"")
    await bench.feed([(row.key or "", row.raw, json.loads(row.headers))])
    await bench.later(minutes=5)
    assert by_bench(await bench.drafts()) == wanted


async def test_a_failure_of_the_ledger_parks_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger goes away while messages are kept: all of them wait, and none is to blame."""

    async def gone(_batch: Any, _messages: Any) -> None:
        raise Unreachable(expected="a commit", found="a server that is gone", do="try again")

    with monkeypatch.context() as patch:
        patch.setattr(Batch, "add_messages", gone)
        with pytest.raises(Unreachable):
            await bench.feed(keyed([dose(visit) for visit in VISITS]))
    assert await bench.ledger.parked() == []
