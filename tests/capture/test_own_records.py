"""Claims about a record of our own that the inbound topic does not take: it is parked, once."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from sqlalchemy import text
from structlog.typing import FilteringBoundLogger

from chargeline.capture.failures import TRIES, Failure, TaskFailures
from chargeline.capture.relay import OutboxRelay
from chargeline.drafting.announcing import ParkedTopic, in_their_own_place, nudge
from chargeline.drafting.inbound import InboundRecord, ReadRecord
from chargeline.drafting.parked import retried
from chargeline.drafting.processor import utc_now
from chargeline.engine import VisitKey
from chargeline.ledger.encrypting import read_keys
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger
from chargeline.published import shapes
from chargeline.settings import Settings
from chargeline.telemetry.logs import logger
from tests.clock import PATIENCE_SECONDS
from tests.ledger import with_tables

INBOUND, VISIT = "hl7.inbound", VisitKey("ZEBRA", "V1")
LARGE = b"MSH|" + b"x" * 1000


class Topics:
    """A producer whose inbound topic takes no large record; it notes what it has taken."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0, 1}

    async def send(self, topic: str, *, value: bytes, **_more: object) -> Any:
        if topic == INBOUND and len(value) > 500:
            raise MessageSizeTooLargeError()
        self.taken.append((topic, value))

        async def acknowledged() -> None:
            return None

        return acknowledged()


async def published(ledger: Ledger, *waiting: Announcement) -> Topics:
    """What a relay publishes of these and of what follows from them."""
    topics = Topics()

    @asynccontextmanager
    async def producers() -> AsyncIterator[Any]:
        yield topics

    async with ledger.batch() as batch:
        await batch.announce(waiting)
    relay = OutboxRelay(
        ledger,
        producers,
        TaskFailures(logger("test")),
        ParkedTopic("hl7.parked"),
        inbound=INBOUND,
    )
    relay.stop.set()
    await relay.run()
    await relay.close()
    return topics


async def test_a_record_that_is_too_large_is_parked_by_its_place(tmp_path: Path) -> None:
    """A message that lay elsewhere is parked whole, where it came from, for its visit; the visit is
    nudged, the topic of parked messages is told, and what stands behind it goes out.
    """
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    record = InboundRecord(INBOUND, 1, 77, key="wrong", value=LARGE, headers={"own": "1"})
    read = ReadRecord(record, "rekey", visit=VISIT)
    other = nudge(INBOUND, VisitKey("ZEBRA", "V2"), utc_now())
    topics = await published(ledger, *in_their_own_place(INBOUND, [read], 2, utc_now()), other)
    (row,) = await ledger.parked()
    assert (row.topic, row.partition, row.offset) == (INBOUND, 1, 77)
    assert (row.facility, row.visit, row.code) == (*VISIT, "record.not_taken")
    assert row.raw == LARGE and json.loads(row.headers)["own"] == "1"
    assert sorted(topic for topic, _value in topics.taken) == [INBOUND, INBOUND, "hl7.parked"]
    (told,) = [json.loads(value) for topic, value in topics.taken if topic == "hl7.parked"]
    assert shapes.ParkedMessage.model_validate(told).number == row.id
    assert await ledger.take_outbox(10) == []
    await ledger.close()


async def test_a_retry_that_is_too_large_is_parked_again_by_the_first_place(
    tmp_path: Path,
) -> None:
    """The second row has the place of the first, and may be retried as well."""
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    record = InboundRecord(INBOUND, 1, 77, key="ZEBRA|V1", value=LARGE, headers={})
    read = ReadRecord(record, "rekey", visit=VISIT)
    await published(ledger, *in_their_own_place(INBOUND, [read], 2, utc_now()))
    (first,) = await ledger.parked()
    await ledger.set_status(first.id, "retried")
    await published(ledger, retried(Settings().topic_inbound, first))
    (second,) = await ledger.parked()
    assert second.id != first.id
    assert (second.partition, second.offset, second.raw) == (1, 77, LARGE)
    await ledger.close()


async def test_an_event_that_does_not_open_holds_up_none_behind_it(tmp_path: Path) -> None:
    """It stands first in the outbox. It is parked for its visit, with what stands in the clear of
    it, the visit is nudged, and the event behind it goes out.
    """
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    broken = nudge(INBOUND, VISIT, utc_now())._replace(topic="charge.draft", payload=b"a draft")
    behind = nudge(INBOUND, VisitKey("ZEBRA", "V2"), utc_now())
    async with ledger.batch() as batch:
        await batch.announce([broken, behind])
        change = text("UPDATE outbox SET data_key = 7 WHERE topic = 'charge.draft'")
        await batch._transaction.run(change)
    topics = await published(ledger)
    (row,) = await ledger.parked()
    assert (row.code, row.facility, row.visit) == ("event.unreadable", *VISIT)
    assert json.loads(row.headers)["event_id"] == broken.event_id
    assert sorted(topic for topic, _value in topics.taken) == [INBOUND, INBOUND, "hl7.parked"]
    assert await ledger.take_outbox(10) == []
    await ledger.close()


async def test_events_that_wait_for_the_key_do_not_end_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many tries as an unknown failure has: /readyz names the settings, and work goes on
    until somebody starts the program with its key.
    """
    monkeypatch.setattr("chargeline.capture.relay.RETRY_SECONDS", 0.0)
    url = await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite")
    ledger = await Ledger.open(url)
    keyed = await Ledger.open(url, keys=read_keys(b64encode(b"k" * 32).decode()))
    async with keyed.batch() as batch:
        await batch.announce([nudge(INBOUND, VISIT, utc_now())])
    await keyed.close()
    failures = Counted(logger("test"))
    parked = ParkedTopic("hl7.parked")
    relay = OutboxRelay(ledger, nowhere, failures, parked, inbound=INBOUND)
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await failures.enough.wait()
    assert not running.done()
    (lacking,) = failures.reasons()
    assert "KeyMissing" in lacking and "CHARGELINE_LEDGER_KEY_FILE" in lacking
    running.cancel()
    await asyncio.wait([running])
    await ledger.close()


class Counted(TaskFailures):
    """It tells when a task has failed twice as often as an unknown failure may come."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(log)
        self.enough = asyncio.Event()

    def bear(self, task: str, error: Failure) -> None:
        super().bear(task, error)
        if self._in_a_row[task] == 2 * TRIES:
            self.enough.set()


@asynccontextmanager
async def nowhere() -> AsyncIterator[Any]:
    """The producer of a relay that sends nothing."""
    raise AssertionError("nothing is sent")
    yield
