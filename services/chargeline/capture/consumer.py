"""The consumer group: partitions come and go, batches go to the processor.

It owns aiokafka and its traps: it pauses before it claims, drops a poll that straddles a rebalance,
and goes back to the ledger's offset whenever a transaction fails. Kafka's own offsets are committed
beside the work, for lag tools only; the ledger's decide.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.structs import ConsumerRecord
from structlog.typing import FilteringBoundLogger

from chargeline.capture.failures import TaskFailures
from chargeline.drafting.counting import count_poll
from chargeline.drafting.garbage import Garbage
from chargeline.drafting.inbound import InboundRecord, ReadRecord, instant_of
from chargeline.drafting.parked_limit import ParkedLimit
from chargeline.drafting.processor import PartitionBatch, PollResult, Processor
from chargeline.engine import Finding, VisitKey
from chargeline.kafka.starting import TopicsMissingError
from chargeline.ledger.errors import Fenced, LedgerError
from chargeline.ledger.records import Move
from chargeline.published.inbound import record_key
from chargeline.telemetry.metrics import Metrics

RETRY_SECONDS = 1.0
GATHER_SECONDS = 0.05
READ_AT_ONCE = 50  # messages: a few milliseconds, in which nothing else is done
MOMENT_SECONDS = 0.001
COURTESY_SECONDS = 5.0  # each look asks Kafka for all its topics
ONE_WAY_SECONDS = 0.5
ANSWER_SECONDS = 5.0


class _Polled(NamedTuple):
    """What one poll brought, read; worthless once the generation is another."""

    generation: int
    lots: Mapping[TopicPartition, Sequence[ReadRecord]]
    seconds: Mapping[TopicPartition, float]
    full: bool


class Partitions(ConsumerRebalanceListener):  # type: ignore[misc]
    """Which partitions are ours and where the ledger says that they go on."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        processor: Processor,
        owner: str,
        metrics: Metrics,
        log: FilteringBoundLogger,
        *,
        heartbeat_seconds: float,
    ) -> None:
        self.consumer = consumer
        self.processor = processor
        self.owner = owner
        self.metrics = metrics
        self.log = log
        # If what was fenced off is others' now, the next heartbeat says so; until then it is not
        # taken back.
        self.reclaim_seconds = heartbeat_seconds + ONE_WAY_SECONDS
        self.lock = asyncio.Lock()
        self.generation = 0
        self.in_group = False
        self.expected: dict[TopicPartition, int | None] = {}
        self.unclaimed: dict[TopicPartition, float] = {}
        """Assigned and not ours yet, with the time of the loop before which we do not claim it."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Others may have them now: nothing more is written for them."""
        self.generation += 1
        self.in_group = False
        async with self.lock:
            self.processor.drop()
            self.expected.clear()
            self.unclaimed.clear()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Pause first: aiokafka delivers records before this callback has ended."""
        if assigned:
            self.consumer.pause(*assigned)
        self.generation += 1
        self.unclaimed.update(dict.fromkeys(assigned, 0.0))
        self.in_group = True
        self.metrics.rebalances.add()
        self.log.info("partitions.assigned", count=len(assigned))

    async def claim_all(self) -> None:
        """Claim what is assigned and not yet ours, go to the ledger's offset, and let it flow."""
        async with self.lock:
            now = asyncio.get_running_loop().time()
            for partition in sorted(each for each, begin in self.unclaimed.items() if begin <= now):
                async with self.processor.ledger.batch() as batch:
                    offset = await batch.claim(partition.topic, partition.partition, self.owner)
                self.expected[partition] = offset
                del self.unclaimed[partition]
                if partition in self.consumer.assignment():
                    self.rewind(partition)
                    self.consumer.resume(partition)

    def rewind(self, partition: TopicPartition) -> None:
        """Go back to where the ledger is; a partition never read begins at its beginning.

        What was polled before is worthless: it may follow on what is given back.
        """
        self.generation += 1
        if partition in self.expected and partition in self.consumer.assignment():
            self.consumer.seek(partition, self.expected[partition] or 0)

    def lost(self, partition: TopicPartition) -> None:
        """Somebody else wrote for a partition that is still assigned to us: claim it again, in a
        while.
        """
        self.metrics.fenced.add()
        self.log.warning("fenced", topic=partition.topic, partition=partition.partition)
        self.expected.pop(partition, None)
        if partition in self.consumer.assignment():
            self.consumer.pause(partition)
            self.unclaimed[partition] = asyncio.get_running_loop().time() + self.reclaim_seconds

    def not_ready(self) -> list[str]:
        """Why no messages flow, if they do not."""
        if not self.in_group:
            return ["the consumer group has given us no partitions yet"]
        return ["partitions are being claimed"] if self.unclaimed else []


class Consumer:
    """Reads the inbound topic until it is stopped."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        partitions: Partitions,
        *,
        topic: str,
        most: int,
        poll_ms: int,
        limit: ParkedLimit,
        failures: TaskFailures,
        log: FilteringBoundLogger,
        stop: asyncio.Event,
        committed: Callable[[], None],
    ) -> None:
        self.consumer = consumer
        self.partitions = partitions
        self.topic = topic
        self.most = most
        self.poll_ms = poll_ms
        self.limit = limit
        self.failures = failures
        self.log = log
        self.stop = stop
        self.committed = committed
        self.garbage = Garbage()
        self._begun = 0.0
        self._ahead: asyncio.Task[_Polled] | None = None
        self._working = False

    async def run(self) -> None:
        """Work until told to stop; what was polled is finished or given back.

        Raises a LedgerError or KafkaError that needs a person, and TooManyParkedError.
        """
        try:
            await self._run()
        finally:
            if self._ahead is not None:
                self._ahead.cancel()
                await asyncio.gather(self._ahead, return_exceptions=True)

    async def _run(self) -> None:
        while not self.stop.is_set():
            try:
                if self.partitions.unclaimed:
                    await self.partitions.claim_all()
                await self._work_off(await self._next())
            except (LedgerError, KafkaError) as error:
                await self._give_back_all()
                self.failures.met("reader", error)
                await waited(self.stop, RETRY_SECONDS)
            else:
                self.failures.over("reader")

    async def _next(self) -> _Polled:
        """The next poll. While messages queue up, the one after it is read beside the work on this
        one.
        """
        ahead, self._ahead = self._ahead, None
        self._working = False
        polled = await ahead if ahead is not None else await self._poll(gather=True)
        self._working = True
        if polled.full:
            self._ahead = asyncio.create_task(self._poll(gather=False))
        return polled

    async def _poll(self, *, gather: bool) -> _Polled:
        """Poll and read, giving way to the rest of the program every few milliseconds.

        Beside the work on another poll it is read while that waits for the ledger for more than a
        moment.
        """
        loop = asyncio.get_running_loop()
        if gather:  # let messages come together: each batch has its price
            await waited(self.stop, self._begun + GATHER_SECONDS - loop.time())
        self._begun = loop.time()
        generation = self.partitions.generation
        polled = await self.consumer.getmany(timeout_ms=self.poll_ms, max_records=self.most)
        lots: dict[TopicPartition, list[ReadRecord]] = {each: [] for each in polled}
        seconds = dict.fromkeys(polled, 0.0)
        for each, records in polled.items():
            for first in range(0, len(records), READ_AT_ONCE):
                began = loop.time()
                part = [inbound_of(record) for record in records[first : first + READ_AT_ONCE]]
                lots[each] += self.partitions.processor.read(part)
                seconds[each] += loop.time() - began
                await asyncio.sleep(MOMENT_SECONDS if self._working else 0)
        return _Polled(generation, lots, seconds, sum(map(len, lots.values())) >= self.most)

    async def _work_off(self, polled: _Polled) -> None:
        async with self.partitions.lock:
            if polled.generation != self.partitions.generation:
                for partition in polled.lots:
                    self.partitions.rewind(partition)
                return
            ours = {
                each: looked
                for each, looked in polled.lots.items()
                if each in self.partitions.expected
            }
            if ours:
                await self._batch(ours, polled.seconds)

    async def _batch(
        self,
        polled: Mapping[TopicPartition, Sequence[ReadRecord]],
        seconds: Mapping[TopicPartition, float],
    ) -> None:
        """All that one poll brought, in one transaction."""
        for each, looked in polled.items():
            self._must_follow(each, self.partitions.expected[each], looked[0].record.offset)
        lots = {
            each.partition: PartitionBatch(
                looked,
                Move(self.partitions.expected[each], looked[-1].record.offset + 1),
                seconds[each],
            )
            for each, looked in polled.items()
        }
        try:
            done = await self.partitions.processor.process(lots, owner=self.partitions.owner)
        except Fenced as error:
            for each in polled:
                if each.partition in error.partitions:
                    self.partitions.lost(each)
                else:
                    self.partitions.rewind(each)
            return
        offsets = {each: lots[each.partition].move.next_offset for each in polled}
        self.partitions.expected.update(offsets)
        self._count(offsets, done)
        self.garbage.after_batch()
        self.committed()
        self.limit.count(done.parked, done.used)

    def _must_follow(self, partition: TopicPartition, expected: int | None, first: int) -> None:
        """Say what Kafka no longer has; raises TopicsMissingError if the topic is not the one we
        read.
        """
        if first < (expected or 0):
            raise TopicsMissingError(
                Finding(
                    "kafka.topic_recreated",
                    expected=f"{partition.topic}[{partition.partition}] to go on at offset "
                    f"{expected}, where the ledger is",
                    found=f"it at {first}: the topic was created anew or has lost messages",
                    where="",
                    do="use another name for the new topic, so that the ledger knows it apart",
                )
            )
        if first > (expected or 0):
            self.log.warning(
                "offsets.skipped",
                topic=partition.topic,
                partition=partition.partition,
                offset=expected or 0,
                count=first - (expected or 0),
            )

    def _count(self, offsets: Mapping[TopicPartition, int | None], done: PollResult) -> None:
        """Tell the metrics and the log what a batch came to."""
        metrics = self.partitions.metrics
        for partition, offset in offsets.items():
            lag = (self.consumer.highwater(partition) or 0) - (offset or 0)
            metrics.lag.set(lag, partition=str(partition.partition))
        count_poll(metrics, done)
        self.log.debug(
            "batch", topic=self.topic, count=done.read, seconds=sum(done.seconds.values())
        )

    async def _give_back_all(self) -> None:
        async with self.partitions.lock:
            self.partitions.processor.drop()
            self.garbage.let_go()
            for partition in self.partitions.expected:
                self.partitions.rewind(partition)

    async def courtesies(self) -> None:
        """Beside the work: look whether Kafka is there and has our topic, and tell it how far we
        are.

        A commit waits for as long as Kafka is away, so it must not stand between two batches.
        """
        told: dict[TopicPartition, int] = {}
        while not self.stop.is_set():
            try:
                await self._see_topic()
            except (KafkaError, TopicsMissingError, TimeoutError) as error:
                self.failures.met("kafka", error)
            else:
                self.failures.over("kafka")
                await self._tell_kafka(told)
            await waited(self.stop, COURTESY_SECONDS)
        await self._tell_kafka(told)

    async def _see_topic(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                topics = await self.consumer.topics()
        except KafkaError as error:
            if type(error) is KafkaError:  # aiokafka's word for brokers none of which answers
                raise KafkaConnectionError() from error
            raise
        if self.topic not in topics:
            raise TopicsMissingError(
                Finding(
                    "kafka.topics_missing",
                    expected=f"the topic {self.topic}",
                    found="none of that name any more",
                    where="",
                    do="create it with `chargeline topics create`, or give our user the right to "
                    "see it",
                )
            )

    async def _tell_kafka(self, told: dict[TopicPartition, int]) -> None:
        """Commit the offsets that Kafka has not been told; nothing depends on it."""
        news = {
            partition: offset
            for partition, offset in self.partitions.expected.items()
            if offset is not None and told.get(partition) != offset
        }
        if not news:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.consumer.commit(news)
            told.update(news)
        except (KafkaError, TimeoutError) as error:
            self.log.debug("commit.refused", exc_info=error)

    async def work_off_due(self, limit: int) -> int:
        """Draft visits of ours whose time has come; returns how many."""
        partitions = self.partitions
        async with partitions.lock:
            offsets = {each.partition: offset for each, offset in partitions.expected.items()}
            try:
                return await partitions.processor.work_off_due(
                    self._partition_of, offsets, partitions.owner, limit
                )
            except Fenced as error:
                for number in error.partitions:
                    partitions.lost(TopicPartition(self.topic, number))
                return 0

    def _partition_of(self, key: VisitKey) -> int | None:
        """The partition of a visit if it is ours, by the same hash as every Kafka producer."""
        count = len(self.consumer.partitions_for_topic(self.topic) or ())
        if not count:
            return None
        number = (murmur2(record_key(*key).encode()) & 0x7FFFFFFF) % count
        partition = TopicPartition(self.topic, number)
        return number if partition in self.partitions.expected else None


async def waited(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond the moment when we are told to stop."""
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def inbound_of(record: ConsumerRecord) -> InboundRecord:
    """A Kafka record as a value."""
    return InboundRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        value=record.value or b"",
        headers={name: (value or b"").decode("utf-8", "replace") for name, value in record.headers},
        received_at=instant_of(record.timestamp),
    )
