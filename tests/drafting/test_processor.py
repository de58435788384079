"""Claims about the processor: from a feed it drafts what `chargeline code` drafts from files.

This module owns the bench on which other tests stand as well: partitions without Kafka.
"""

import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from chargeline.coding.assembly import code_feed
from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.inbound import InboundRecord
from chargeline.drafting.polls import PartitionBatch, PollResult
from chargeline.drafting.processor import Processor, ProcessorSettings
from chargeline.drafting.quarantine import Quarantine
from chargeline.drafting.revisions import RevisionMaker, Topics
from chargeline.engine import VisitKey
from chargeline.files import FeedFile
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.ledger.records import Announcement, Move
from chargeline.ledger.store import Ledger
from chargeline.published import shapes
from chargeline.published.inbound import record_key
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator.feed import simulate
from tests.ledger import with_tables

RULEBOOK = load_rulebook(rules_directory())
PROFILE = make_profile(read_interface(rules_directory(), "standard"))
NOW = datetime(2027, 1, 1, tzinfo=UTC)
PARTITIONS = 3
Lines = dict[str, list[tuple[str, int, tuple[str, ...]]]]


class Bench:
    """Three partitions without Kafka: records go in, and our own records come back.

    One processor has all partitions. With `apart`, each partition has a processor of its own, like
    programs side by side.
    """

    def __init__(
        self, ledger: Ledger, settle: timedelta = timedelta(0), *, apart: bool = False
    ) -> None:
        drafting = RevisionMaker(
            RULEBOOK,
            Topics("charge.draft", "documentation.question"),
            grace=timedelta(hours=24),
            stop_grace=timedelta(minutes=30),
        )
        terms = ProcessorSettings("hl7.inbound", ParkedTopic("hl7.parked"), settle, 10_000)
        self.ledger = ledger
        self.now = NOW
        self.processors = [
            Processor(
                ledger,
                PROFILE,
                drafting,
                terms,
                clock=lambda: self.now,
                quarantine=Quarantine(50, 500, minutes=15, clock=lambda: self.now),
            )
            for _number in range(PARTITIONS if apart else 1)
        ]
        self.offsets: dict[int, int | None] = {}
        self.published: list[Announcement] = []

    async def claim(self) -> None:
        """Claim all partitions."""
        for partition in range(PARTITIONS):
            async with self.ledger.batch() as batch:
                self.offsets[partition] = await batch.claim("hl7.inbound", partition, "test")

    async def feed(
        self, messages: Sequence[tuple[str, bytes, dict[str, str]]], lot: int = 50
    ) -> list[PollResult]:
        """Work off messages (key, bytes, headers) in lots, then our own records that they cause."""
        done = []
        waiting: dict[int, list[InboundRecord]] = {number: [] for number in range(PARTITIONS)}
        for key, value, headers in messages:
            number = sum(key.encode()) % PARTITIONS
            waiting[number].append(
                InboundRecord("hl7.inbound", number, 0, key, value, headers, NOW)
            )
        while any(waiting.values()):
            lots = {}
            for number, records in waiting.items():
                begin, part = self.offsets[number] or 0, records[:lot]
                if part:
                    placed = [record._replace(offset=begin + n) for n, record in enumerate(part)]
                    read = await self.processors[0].read(placed)
                    lots[number] = PartitionBatch(
                        read, Move(self.offsets[number], begin + len(part))
                    )
                    del records[:lot]
            for place, processor in enumerate(self.processors):
                own = {number: lot for number, lot in lots.items() if self._owner(number) == place}
                if own:
                    done.append(await processor.process(own, owner="test"))
            self.offsets.update({number: lot.move.next_offset for number, lot in lots.items()})
        again = await self.drain()
        return done + (await self.feed(again, lot) if again else [])

    def _owner(self, partition: int) -> int:
        """The place of the processor that has a partition."""
        return partition % len(self.processors)

    async def drain(self) -> list[tuple[str, bytes, dict[str, str]]]:
        """Empty the outbox; returns the events for the inbound topic."""
        again = []
        while events_out := await self.ledger.take_outbox(1000):
            await self.ledger.delete_outbox([event.id for event in events_out])
            self.published += events_out
            again += [
                (event.key, event.payload, json.loads(event.headers))
                for event in events_out
                if event.topic == "hl7.inbound"
            ]
        return again

    async def later(self, minutes: int) -> None:
        """Let time pass, work off the due visits, and then our own records that they caused."""
        self.now += timedelta(minutes=minutes)
        for place, processor in enumerate(self.processors):
            await processor.work_off_due(
                partial(self._partition, place), self.offsets, "test", 1000
            )
        await self.feed(await self.drain())

    def _partition(self, place: int, key: VisitKey) -> int | None:
        number = sum(record_key(*key).encode()) % PARTITIONS
        return number if self._owner(number) == place else None

    async def drafts(self) -> dict[tuple[str, str], shapes.DraftRevision]:
        """The last published revision of each visit."""
        last: dict[tuple[str, str], shapes.DraftRevision] = {}
        for event in self.published:
            if event.topic == "charge.draft":
                revision = shapes.DraftRevision.model_validate_json(event.payload)
                last[revision.facility, revision.visit] = revision
        return last


@pytest.fixture(params=[False, True], ids=["together", "apart"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """A fresh SQLite ledger under one processor, or under three."""
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    claimed = Bench(ledger, apart=request.param)
    await claimed.claim()
    yield claimed
    await ledger.close()


def keyed(messages: Sequence[bytes]) -> list[tuple[str, bytes, dict[str, str]]]:
    """Messages under the key of their visit, as the gateway sends them."""
    records: list[tuple[str, bytes, dict[str, str]]] = []
    for data in messages:
        reading = read_events(read_message(data), PROFILE)
        key = record_key(reading.facility, reading.visit or reading.message.digest[:8])
        records.append((key, data, {}))
    return records


def by_code(messages: Sequence[bytes]) -> Lines:
    """The lines of each visit that `chargeline code` drafts."""
    run = code_feed([FeedFile("feed", b"".join(messages))], RULEBOOK, PROFILE)
    by_visit: Lines = {}
    for coded in run.visits:
        lines = [
            (line.code, line.units, line.modifiers)
            for encounter in coded.draft.encounters
            for line in encounter.lines
        ]
        if lines:
            by_visit[coded.timeline.key.visit] = sorted(lines)
    return by_visit


def by_bench(
    drafts: dict[tuple[str, str], shapes.DraftRevision],
) -> Lines:
    """The lines of each visit that was published."""
    by_visit: Lines = {}
    for (_facility, visit), revision in drafts.items():
        lines = [
            (line.code, line.units, tuple(line.modifiers))
            for encounter in revision.encounters
            for line in encounter.lines
        ]
        if lines:
            by_visit[visit] = sorted(lines)
    return by_visit


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_messy_feed_in_disorder_drafts_what_code_drafts(bench: Bench, seed: int) -> None:
    """A shuffled feed with duplicates, corrections and merges, over three partitions.

    In the end the lines are those that `chargeline code` drafts from the feed in order.
    """
    messages = [
        data for _style, data in simulate(visits=60, seed=seed, style="standard", mess=0.6).messages
    ]
    shuffled = list(messages) + messages[::7]
    random.Random(seed).shuffle(shuffled)
    await bench.feed(keyed(shuffled))
    # A message of another partition may have joined two patients; the timers look for that.
    await bench.later(minutes=2)
    assert by_bench(await bench.drafts()) == by_code(messages)


async def test_a_feed_worked_off_twice_announces_nothing_new(bench: Bench) -> None:
    """Every message comes again, as after a replay of the topic.

    There is no further revision and no further question.
    """
    messages = [
        data for _style, data in simulate(visits=20, seed=3, style="standard", mess=0.4).messages
    ]
    await bench.feed(keyed(messages))
    before = [event for event in bench.published if event.topic != "hl7.inbound"]
    await bench.feed(keyed(messages))
    after = [event for event in bench.published if event.topic != "hl7.inbound"]
    assert len(after) == len(before)


async def test_a_correction_gives_a_revision_that_can_be_credited(bench: Bench) -> None:
    """A billing system that credits `before` and bills `after` has just the lines of the draft."""
    messages = [
        data for _style, data in simulate(visits=12, seed=5, style="standard", mess=0.0).messages
    ]
    for record in keyed(messages):
        await bench.feed([record])
    by_visit: dict[str, list[shapes.DraftRevision]] = {}
    for event in bench.published:
        if event.topic == "charge.draft":
            revision = shapes.DraftRevision.model_validate_json(event.payload)
            by_visit.setdefault(revision.visit, []).append(revision)
    assert any(len(revisions) > 1 for revisions in by_visit.values())
    for revisions in by_visit.values():
        numbers = [revision.revision for revision in revisions]
        assert numbers == list(range(1, len(revisions) + 1))
        billed: dict[str, shapes.Billed | None] = {}
        for revision in revisions:
            changes = revision.changes
            for change in (*changes.added, *changes.changed, *changes.removed):
                assert billed.get(change.line_id) == change.before
                billed[change.line_id] = change.after
            left = {line_id for line_id, what in billed.items() if what is not None}
            assert left == {
                line.line_id for encounter in revision.encounters for line in encounter.lines
            }


async def test_a_restart_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    """After every 40 messages all memory is thrown away, as if the program had been killed there.

    The drafts are the same in the end.
    """
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    messages = [
        data for _style, data in simulate(visits=40, seed=9, style="standard", mess=0.5).messages
    ]
    random.Random(4).shuffle(messages)
    published: list[Announcement] = []
    for first in range(0, len(messages), 40):
        bench = Bench(ledger)
        await bench.claim()
        await bench.feed(keyed(messages[first : first + 40]))
        published += bench.published
    bench.published = published
    await bench.later(minutes=2)
    assert by_bench(await bench.drafts()) == by_code(messages)
    await ledger.close()


async def test_a_message_under_another_key_is_sent_again_under_its_own(bench: Bench) -> None:
    """A sender writes every message under the key "nobody".

    Each is sent again under the key of its visit, and drafted there.
    """
    messages = [
        data for _style, data in simulate(visits=10, seed=2, style="standard", mess=0.0).messages
    ]
    await bench.feed([("nobody", data, {}) for data in messages])
    assert by_bench(await bench.drafts()) == by_code(messages)


async def test_a_broken_message_is_parked_and_the_others_go_on(bench: Bench) -> None:
    """Bytes that are not HL7 are parked with the reason; the messages around them are drafted.

    The event has the number in the ledger, size and hash, and nothing that the sender wrote.
    """
    messages = [
        data for _style, data in simulate(visits=5, seed=2, style="standard", mess=0.0).messages
    ]
    broken = [("ZEBRA|V0", b"PID|1||no header at all", {})]
    done = await bench.feed([*keyed(messages[:10]), *broken, *keyed(messages[10:])])
    (parked,) = await bench.ledger.parked()
    assert parked.code == "message.no_msh"
    assert parked.raw == broken[0][1]
    (told,) = [event for event in bench.published if event.topic == "hl7.parked"]
    event = shapes.ParkedMessage.model_validate_json(told.payload)
    assert (event.number, event.bytes) == (parked.id, len(parked.raw))
    assert event.sha256 == sha256(parked.raw).hexdigest()
    assert (event.raw_base64, event.headers) == (None, [])
    assert sum(len(poll.parked) for poll in done) == 1
    assert by_bench(await bench.drafts()) == by_code(messages)
