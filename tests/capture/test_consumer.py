"""Claims about the consumer: each record is worked off once, whatever fails and is read ahead.

This file plays Kafka and the ledger, so that a failure can come at every step. A seed decides where
failures come, so each run can be repeated.
"""

import asyncio
import gc
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, RequestTimedOutError
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from chargeline.capture import consumer, partitions
from chargeline.capture.consumer import Consumer
from chargeline.capture.courtesies import Courtesies
from chargeline.capture.failures import TaskFailures
from chargeline.capture.partitions import Partitions
from chargeline.capture.unread import UnreadSince
from chargeline.drafting.inbound import InboundRecord, ReadRecord
from chargeline.drafting.polls import PartitionBatch, PollResult
from chargeline.kafka.placing import KeyPlacement
from chargeline.kafka.starting import TopicsMissingError
from chargeline.ledger.errors import Fenced, Unreachable
from chargeline.telemetry.metrics import Metrics

SEEDS = range(int(os.environ.get("CONSUMER_SEEDS", "8")))
TOPIC = "hl7.inbound"
RECORDS, MOST = 400, 23
PLACES = [TopicPartition(TOPIC, number) for number in range(3)]


class PlayedKafka:
    """The part of aiokafka's consumer that ours uses. A poll moves the positions on, or fails.

    Some records cannot be read. As in aiokafka, a poll that meets one fails and returns nothing,
    and nothing may be asked of a partition that is not ours.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.assigned: set[TopicPartition] = set()
        self.paused: set[TopicPartition] = set()
        self.positions: dict[TopicPartition, int] = {}
        self.unreadable = {place: set(chance.sample(range(RECORDS), 4)) for place in PLACES}

    async def getmany(
        self, *wanted: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[SimpleNamespace]]:
        """Up to `max_records` records, the partitions in random order; none when all are read."""
        for _wait in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        if self.chance.random() < 0.03:
            raise RequestTimedOutError()
        polled: dict[TopicPartition, list[SimpleNamespace]] = {}
        places = (set(wanted) or self.assigned) & (self.assigned - self.paused)
        for place in sorted(places, key=lambda _place: self.chance.random()):
            begin = self.positions[place]
            if count := min(max_records, RECORDS - begin):
                offsets = range(begin, begin + count)
                if bad := self.unreadable[place].intersection(offsets):
                    self.positions[place] = min(bad)
                    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
                polled[place] = [record_of(place, offset) for offset in offsets]
                self.positions[place] += count
                max_records -= count
        return polled

    async def position(self, place: TopicPartition) -> int:
        """The offset of the next record."""
        self._must_be_assigned(place)
        return self.positions[place]

    def _must_be_assigned(self, place: TopicPartition) -> None:
        if place not in self.assigned:
            raise IllegalStateError(place)

    @property
    def _client(self) -> "PlayedKafka":
        return self

    async def force_metadata_update(self) -> bool:
        """Hear of all partitions."""
        return True

    def partitions_for_topic(self, topic: str) -> set[int]:
        """The partitions of the topic."""
        return {place.partition for place in PLACES}

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on from another offset."""
        self._must_be_assigned(place)
        self.positions[place] = offset

    def pause(self, *places: TopicPartition) -> None:
        """Leave these partitions out of the next polls."""
        self.paused.update(places)

    def resume(self, *places: TopicPartition) -> None:
        """Take these partitions into the next polls again."""
        self.paused.difference_update(places)

    def assignment(self) -> set[TopicPartition]:
        """The partitions that the group has given us."""
        return self.assigned

    def highwater(self, place: TopicPartition) -> int:
        """The offset at which the partition ends."""
        assert place in self.assigned, "Partition is not assigned"
        return RECORDS


def record_of(place: TopicPartition, offset: int) -> SimpleNamespace:
    return SimpleNamespace(
        topic=place.topic, partition=place.partition, offset=offset, key=b"F|V", value=b"",
        headers=(), timestamp=0,
    )  # fmt: skip


class PlayedProcessor:
    """A processor and its ledger, which keeps offsets only. Transactions fail before the commit,
    after it, or because another owner has written.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.offsets: dict[int, int | None] = {each.partition: None for each in PLACES}
        self.kept: dict[int, list[int]] = {each.partition: [] for each in PLACES}
        self.ledger = self
        self.read_beside = 0
        self._working = False

    def drop(self) -> None:
        """Do nothing: this processor has no visits in memory."""

    async def read(self, records: Sequence[InboundRecord]) -> list[ReadRecord]:
        """Read each record as one that nobody uses."""
        self.read_beside += self._working
        return [ReadRecord(each, "unused", None, None, None) for each in records]

    def place(self, placement: KeyPlacement) -> None:
        """Do nothing: this processor does not ask where a record lies."""

    @asynccontextmanager
    async def view(self) -> AsyncIterator[Any]:
        """A transaction that reads."""
        yield self

    async def partitions(self, topic: str) -> int:
        """How many partitions were claimed."""
        return len(PLACES)

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Any]:
        """A transaction, in which a test claims a partition."""
        yield self

    async def claim(self, topic: str, partition: int, owner: str) -> int | None:
        """The offset at which a partition goes on."""
        await self._work()
        return self.offsets[partition]

    async def process(self, lots: Mapping[int, PartitionBatch], *, owner: str) -> PollResult:
        """Keep the offsets of the records, if the first follows on the last one that is kept."""
        self._working = True
        try:
            await self._work()
        finally:
            self._working = False
        stale = {n for n, lot in lots.items() if lot.move.expected != self.offsets[n]}
        if not stale and self.chance.random() < 0.1:  # another program wrote for one of them
            stale = {self.chance.choice(list(lots))}
        if stale:
            raise Fenced(expected="", found="", do="", partitions=frozenset(stale))
        for number, lot in lots.items():
            self.kept[number] += [each.record.offset for each in lot.records]
            self.offsets[number] = lot.move.next_offset
        if self.chance.random() < 0.05:  # the commit succeeded and its answer was lost
            raise self._unreachable()
        return PollResult(sum(len(lot.records) for lot in lots.values()), 0, (), {}, 0, {})

    async def _work(self) -> None:
        for _wait in range(self.chance.randrange(6)):
            await asyncio.sleep(0)
        if self.chance.random() < 0.1:
            raise self._unreachable()

    def _unreachable(self) -> Unreachable:
        return Unreachable(expected="", found="", do="")


class Log:
    """Remembers the events that were logged."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def _say(self, event: str, **_more: object) -> None:
        self.said.append(event)

    info = warning = error = debug = _say


class Played:
    """Our consumer on the played Kafka and the played ledger."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kafka = PlayedKafka(chance)
        self.processor = PlayedProcessor(chance)
        self.log = Log()
        self.stop = asyncio.Event()
        metrics = Metrics(CollectorRegistry(), program="capture", version="test")
        kafka: Any = self.kafka
        processor: Any = self.processor
        log: Any = self.log
        self.partitions = Partitions(
            consumer=kafka,
            processor=processor,
            owner="us",
            metrics=metrics,
            log=log,
            heartbeat_seconds=0.0,
        )
        self.consumer = Consumer(
            kafka,
            self.partitions,
            topic=TOPIC,
            most=MOST,
            largest=1,
            poll_ms=1,
            stop=self.stop,
            committed=lambda: None,
            failures=TaskFailures(log),
            log=log,
        )

    async def rebalance(self, places: Sequence[TopicPartition]) -> None:
        """A rebalance: the group takes all partitions away and gives these."""
        await self.partitions.on_partitions_revoked(list(self.kafka.assigned))
        self.kafka.assigned = set(places)
        self.kafka.paused.clear()
        self.kafka.positions = dict.fromkeys(places, self.chance.randrange(RECORDS))
        await self.partitions.on_partitions_assigned(list(self.kafka.assigned))

    async def until_all_is_kept(self) -> None:
        """Rebalance six times; the last rebalance gives us all partitions until the end."""
        for _time in range(6):
            await self.rebalance(self.chance.sample(PLACES, self.chance.randrange(4)))
            for _wait in range(self.chance.randrange(60)):
                await asyncio.sleep(0)
        await self.rebalance(PLACES)
        while any(offset != RECORDS for offset in self.processor.offsets.values()):
            await asyncio.sleep(0)
        self.stop.set()


@pytest.fixture(autouse=True, scope="module")
def little_garbage_to_walk_over() -> None:
    """Exclude what earlier tests have left in this process from garbage collection.

    A consumer collects after each error, here some hundred times, and each time would walk over
    all of it: with three million objects in memory one seed took 48 s instead of 0.1 s.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def collect_garbage_again() -> Iterator[None]:
    """Turn Python's garbage collection on again: a consumer turns it off for the whole process."""
    yield
    gc.enable()


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_record_is_worked_off_once_and_in_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polls are read ahead while transactions fail, partitions move and Kafka does not answer.

    What cannot be read is passed one record at a time, also while partitions move.
    """
    monkeypatch.setattr(consumer, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(consumer, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(partitions, "ONE_WAY_SECONDS", 0.0)
    monkeypatch.setattr(consumer, "READ_AT_ONCE", 5)
    played = Played(random.Random(seed))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(played.consumer.run())
        group.create_task(played.until_all_is_kept())
    assert played.processor.kept == {each.partition: list(range(RECORDS)) for each in PLACES}
    assert played.processor.read_beside, "the next poll is read while this one is worked off"
    assert "offsets.skipped" not in played.log.said
    assert len(asyncio.all_tasks()) == 1, "nothing is left running"


async def test_the_log_says_which_partitions_were_assigned() -> None:
    """A count alone does not say whose messages a program reads from now on."""
    played = Played(random.Random(1))
    with capture_logs() as said:
        played.partitions.log = structlog.get_logger()
        await played.partitions.on_partitions_assigned([PLACES[1], PLACES[0]])
    numbers = ", ".join(str(place.partition) for place in PLACES[:2])
    assert [(line["event"], line["count"], line["where"]) for line in said] == [
        ("partitions.assigned", 2, numbers)
    ]


def test_a_topic_that_ends_before_the_ledger_names_a_skip_as_a_cause() -> None:
    """The ledger is at 1000 and the poll begins at 0: the error says what may have happened, and
    what to do after a skip that went beyond the end.
    """
    with pytest.raises(TopicsMissingError) as caught:
        Played(random.Random(1)).consumer._must_follow(PLACES[0], 1000, 0)
    assert "skipped beyond its end" in caught.value.finding.found
    assert "offsets.skip" in caught.value.finding.do
    assert "from the offset on at which the skip began" in caught.value.finding.do


# ------------------------------------------------------------------ lag


class BusyTopic:
    """A topic whose partitions end at these offsets, or nobody answers."""

    def __init__(self, ends: Mapping[TopicPartition, int] | None) -> None:
        self.ends = ends

    def assignment(self) -> set[TopicPartition]:
        """None of them was fetched from."""
        return set()

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the partitions end."""
        if self.ends is None:
            raise RequestTimedOutError()
        return {place: self.ends[place] for place in places}


async def lags_of(ends: Mapping[TopicPartition, int] | None) -> dict[str, float | None]:
    """The lag of three partitions: at offset 400, at 0, and one of which nothing was worked off."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, program="capture", version="test")
    metrics.lag.set(7, partition="0")
    expected = dict(zip(PLACES, (400, 0, None), strict=True))
    log: Any = SimpleNamespace(debug=lambda *_, **__: None)
    courtesies = Courtesies(
        cast(Any, BusyTopic(ends)),
        cast(Any, SimpleNamespace(expected=expected, metrics=metrics, unread=UnreadSince())),
        topic=TOPIC,
        failures=TaskFailures(log),
        log=log,
        stop=asyncio.Event(),
    )
    await courtesies.measure_lag()
    name = "chargeline_consumer_lag_messages"
    return {str(n): registry.get_sample_value(name, {"partition": str(n)}) for n in range(3)}


async def test_the_lag_grows_while_nothing_is_committed() -> None:
    """Kafka's end moves on and the ledger does not: the messages between are the lag."""
    ends = dict(zip(PLACES, (1218, 5, 9), strict=True))
    assert await lags_of(ends) == {"0": 818, "1": 5, "2": 9}


async def test_without_an_answer_the_lag_stays_as_it_was() -> None:
    """While Kafka is away nobody knows how far behind we are."""
    assert await lags_of(None) == {"0": 7, "1": None, "2": None}


# ------------------------------------------------------------------ redrafting


class AskedRedrafting:
    """A walk that only counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def draft_next(self, *_arguments: object) -> float:
        """Draft nothing, and ask for a pause of 7 seconds."""
        self.asked += 1
        return 7.0


@pytest.mark.parametrize(("offset", "seconds"), [(RECORDS - 1, 1.0), (RECORDS, 7.0)])
async def test_visits_are_redrafted_only_while_no_message_waits(
    offset: int, seconds: float
) -> None:
    """With one record of Kafka left to read, redrafting waits for a second."""
    played, redrafting = Played(random.Random(1)), AskedRedrafting()
    played.kafka.assigned, played.partitions.expected = {PLACES[0]}, {PLACES[0]: offset}
    assert await played.consumer.redraft(cast(Any, redrafting)) == seconds
    assert redrafting.asked == (offset == RECORDS)
