"""The consumer group: partitions come and go, batches go to the processor.

It owns aiokafka and its traps: it pauses before it claims, drops a poll that straddles a rebalance,
and goes back to the ledger's offset whenever a transaction fails. Kafka's own offsets are committed
for lag tools only; the ledger's decide.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.structs import ConsumerRecord
from structlog.typing import FilteringBoundLogger

from chargeline.capture.inbound import InboundRecord, instant_of, key_text
from chargeline.capture.limits import ParkedLimit
from chargeline.capture.processor import Done, Processor
from chargeline.engine.events import VisitKey
from chargeline.ledger.errors import Fenced, LedgerError
from chargeline.telemetry.metrics import Metrics, message_type

RETRY_SECONDS = 1.0


class Partitions(ConsumerRebalanceListener):  # type: ignore[misc]
    """Which partitions are ours and where the ledger says that they go on."""

    def __init__(
        self, consumer: AIOKafkaConsumer, processor: Processor, owner: str, metrics: Metrics
    ) -> None:
        self.consumer = consumer
        self.processor = processor
        self.owner = owner
        self.metrics = metrics
        self.lock = asyncio.Lock()
        self.generation = 0
        self.expected: dict[TopicPartition, int | None] = {}
        self.unclaimed: set[TopicPartition] = set()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Others may have them now: nothing more is written for them."""
        self.generation += 1
        self.metrics.rebalances.add()
        async with self.lock:
            for partition in revoked:
                self.expected.pop(partition, None)
                self.unclaimed.discard(partition)
                self.processor.drop(partition.topic, partition.partition)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Pause first: aiokafka delivers records before this callback has ended."""
        if assigned:
            self.consumer.pause(*assigned)
        self.generation += 1
        self.unclaimed |= set(assigned)

    async def claim_all(self) -> None:
        """Claim what is assigned and not yet ours, go to the ledger's offset, and let it flow."""
        async with self.lock:
            for partition in sorted(self.unclaimed & self.consumer.assignment()):
                async with self.processor.ledger.batch() as batch:
                    offset = await batch.claim(partition.topic, partition.partition, self.owner)
                self.processor.drop(partition.topic, partition.partition)
                self.expected[partition] = offset
                self.rewind(partition)
                self.unclaimed.discard(partition)
                self.consumer.resume(partition)
            self.unclaimed &= self.consumer.assignment()

    def rewind(self, partition: TopicPartition) -> None:
        """Go back to where the ledger is; a partition never read begins at its beginning."""
        if partition in self.consumer.assignment():
            self.consumer.seek(partition, self.expected.get(partition) or 0)

    def lost(self, partition: TopicPartition) -> None:
        """Somebody else wrote for a partition that is still assigned to us: claim it again."""
        self.processor.drop(partition.topic, partition.partition)
        self.expected.pop(partition, None)
        if partition in self.consumer.assignment():
            self.consumer.pause(partition)
            self.unclaimed.add(partition)


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
        log: FilteringBoundLogger,
    ) -> None:
        self.consumer = consumer
        self.partitions = partitions
        self.topic = topic
        self.most = most
        self.poll_ms = poll_ms
        self.limit = limit
        self.log = log
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stopping` is set; what was polled is finished or given back."""
        while not self.stopping.is_set():
            try:
                if self.partitions.unclaimed:
                    await self.partitions.claim_all()
                await self._poll()
            except LedgerError as error:
                self.log.error("ledger.unavailable", exc_info=error)
                await self._give_back_all()
                await asyncio.sleep(RETRY_SECONDS)

    async def _poll(self) -> None:
        generation = self.partitions.generation
        polled = await self.consumer.getmany(timeout_ms=self.poll_ms, max_records=self.most)
        async with self.partitions.lock:
            if generation != self.partitions.generation:
                for partition in polled:
                    self.partitions.rewind(partition)
                return
            for partition, records in polled.items():
                await self._batch(partition, records)

    async def _batch(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        if partition not in self.partitions.expected:
            return
        next_offset = records[-1].offset + 1
        try:
            done = await self.partitions.processor.process(
                [inbound_of(each) for each in records],
                owner=self.partitions.owner,
                expected=self.partitions.expected[partition],
                next_offset=next_offset,
            )
        except Fenced:
            self.partitions.metrics.fenced.add()
            self.partitions.lost(partition)
            return
        except LedgerError:
            self.partitions.rewind(partition)
            raise
        self.partitions.expected[partition] = next_offset
        self._count(partition, done)
        await self._courtesy(partition, next_offset)
        self.limit.count(done.parked, done.used)

    def _count(self, partition: TopicPartition, done: Done) -> None:
        """Tell the metrics and the log what a batch came to."""
        metrics = self.partitions.metrics
        lag = (self.consumer.highwater(partition) or 0) - (self.partitions.expected[partition] or 0)
        metrics.lag.set(lag, partition=str(partition.partition))
        for (kind, outcome), count in done.outcomes.items():
            metrics.messages.add(count, message_type=message_type(kind), outcome=outcome)
        for code in done.parked:
            metrics.parked.add(reason=code)
        for phase, seconds in done.seconds.items():
            metrics.batch.observe(seconds, phase=phase)
        self.log.debug(
            "batch", topic=partition.topic, partition=partition.partition, count=done.read,
            seconds=sum(done.seconds.values()),
        )  # fmt: skip

    async def _courtesy(self, partition: TopicPartition, offset: int) -> None:
        """Tell Kafka too, for lag tools; nothing depends on it."""
        try:
            await self.consumer.commit({partition: offset})
        except KafkaError as error:
            self.log.debug(
                "commit.refused", topic=partition.topic, partition=partition.partition, exc_info=error
            )

    async def _give_back_all(self) -> None:
        async with self.partitions.lock:
            for partition in list(self.partitions.expected):
                self.partitions.processor.drop(partition.topic, partition.partition)
                self.partitions.rewind(partition)

    def owned(self, key: VisitKey) -> tuple[str, int] | None:
        """The partition of a visit if it is ours, by the same hash as every Kafka producer."""
        count = len(self.consumer.partitions_for_topic(self.topic) or ())
        if not count:
            return None
        number = (murmur2(key_text(key).encode()) & 0x7FFFFFFF) % count
        partition = TopicPartition(self.topic, number)
        return (self.topic, number) if partition in self.partitions.expected else None


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
