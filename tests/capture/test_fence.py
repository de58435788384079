"""Claims about the fence: a consumer writes from its memory only while the partition is its own.

The two consumers of these tests share one SQLite ledger and speak to no Kafka.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.inbound import InboundRecord
from chargeline.drafting.polls import PartitionBatch
from chargeline.drafting.processor import Processor, ProcessorSettings
from chargeline.drafting.quarantine import Quarantine
from chargeline.drafting.revisions import RevisionMaker, Topics
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.ledger.batch import Batch
from chargeline.ledger.errors import Fenced, Unreachable
from chargeline.ledger.records import Move
from chargeline.ledger.store import Ledger
from chargeline.published import shapes
from chargeline.published.inbound import record_key
from chargeline.simulator.feed import simulate
from tests.drafting.test_processor import NOW, PROFILE, RULEBOOK
from tests.ledger import with_tables

PLACE = ("hl7.inbound", 0)
PARTITION = 0
SETTLE = timedelta(minutes=2)


class Worker:
    """One consumer of the only partition, without Kafka."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        topics = Topics("charge.draft", "documentation.question")
        drafting = RevisionMaker(
            RULEBOOK, topics, grace=timedelta(hours=24), stop_grace=timedelta(minutes=30)
        )
        self.now = NOW
        self.name = name
        self.ledger = ledger
        self.processor = Processor(
            ledger,
            PROFILE,
            drafting,
            ProcessorSettings(PLACE[0], ParkedTopic("hl7.parked"), SETTLE, 100),
            clock=lambda: self.now,
            quarantine=Quarantine(50, 500, minutes=15, clock=lambda: self.now),
        )
        self.expected: int | None = None

    async def claim(self) -> None:
        """Claim the partition, and go on at the ledger's offset."""
        async with self.ledger.batch() as batch:
            self.expected = await batch.claim(*PLACE, self.name)

    async def read(self, messages: list[bytes]) -> None:
        """Work off these messages as the next records of the partition."""
        first = self.expected or 0
        records = []
        for number, data in enumerate(messages):
            reading = read_events(read_message(data), PROFILE)
            key = record_key(reading.facility, reading.visit or "")
            records.append(InboundRecord(*PLACE, first + number, key, data, {}, NOW))
        following = first + len(messages)
        lot = PartitionBatch(await self.processor.read(records), Move(self.expected, following))
        await self.processor.process({PARTITION: lot}, owner=self.name)
        self.expected = following

    async def draft(self) -> int:
        """Draft the settled visits, as a consumer that believes the partition to be its own."""
        self.now = NOW + 2 * SETTLE
        offsets = {PARTITION: self.expected}
        return await self.processor.work_off_due(lambda _key: PARTITION, offsets, self.name, 10)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A fresh SQLite ledger."""
    opened = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    yield opened
    await opened.close()


async def test_a_consumer_that_slept_does_not_draft_from_what_it_remembers(ledger: Ledger) -> None:
    """A consumer is frozen with half a visit in memory, and another reads the rest: the frozen one
    is fenced, and the other drafts the whole visit.
    """
    messages = [data for _style, data in simulate(visits=1, seed=3, style="standard").messages]
    half = len(messages) // 2
    slept, awake = Worker(ledger, "slept"), Worker(ledger, "awake")
    await slept.claim()
    await slept.read(messages[:half])
    await awake.claim()
    await awake.read(messages[half:])
    with pytest.raises(Fenced):
        await slept.draft()
    assert await awake.draft() == 1
    (event,) = [row for row in await ledger.take_outbox(100) if row.topic == "charge.draft"]
    revision = shapes.DraftRevision.model_validate_json(event.payload)
    alone = Worker(await _another(ledger), "alone")
    await alone.claim()
    await alone.read(messages)
    await alone.draft()
    (whole,) = [row for row in await alone.ledger.take_outbox(100) if row.topic == "charge.draft"]
    await alone.ledger.close()
    assert any(encounter.lines for encounter in revision.encounters), "the visit has charges"
    assert revision == shapes.DraftRevision.model_validate_json(whole.payload)


async def test_a_draft_whose_commit_failed_is_made_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger goes away at the commit of a round of timers: the next round announces the draft
    that this round could not announce.
    """
    worker = Worker(ledger, "only")
    await worker.claim()
    await worker.read(
        [data for _style, data in simulate(visits=1, seed=3, style="standard").messages]
    )
    whole = ledger.batch

    @asynccontextmanager
    async def breaking() -> AsyncIterator[Batch]:
        async with whole() as batch:
            yield batch
            raise Unreachable(expected="a commit", found="a server that is gone", do="try again")

    monkeypatch.setattr(ledger, "batch", breaking)
    with pytest.raises(Unreachable):
        await worker.draft()
    monkeypatch.setattr(ledger, "batch", whole)
    assert await ledger.take_outbox(100) == []
    assert await worker.draft() == 1
    assert [row.topic for row in await ledger.take_outbox(100)][:1] == ["charge.draft"]


async def _another(ledger: Ledger) -> Ledger:
    """A second fresh ledger, beside the first."""
    return await Ledger.open(await with_tables(f"sqlite:///{ledger._address.place}.other"))
