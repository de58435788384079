"""What a capture does beside its work: it looks for the topic, tells its offsets, counts its lag.

This module owns one task of the consumer. Nothing here decides what is read: Kafka's own offsets
are committed for lag tools and autoscalers only, and the offsets in the ledger decide.
"""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from structlog.typing import FilteringBoundLogger

from chargeline.capture.failures import TaskFailures
from chargeline.capture.partitions import Partitions
from chargeline.drafting.processor import utc_now
from chargeline.engine import Finding
from chargeline.kafka.starting import TopicsMissingError

COURTESY_SECONDS = 5.0  # not shorter, since each look asks Kafka for all its topics
ANSWER_SECONDS = 5.0
HELD_SECONDS = 10.0  # a transaction of a producer that works takes less


class Courtesies:
    """The courtesies of one consumer, until it is stopped."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        partitions: Partitions,
        *,
        topic: str,
        failures: TaskFailures,
        log: FilteringBoundLogger,
        stop: asyncio.Event,
    ) -> None:
        self.consumer = consumer
        self.partitions = partitions
        self.topic = topic
        self.failures = failures
        self.log = log
        self.stop = stop
        self._held: dict[TopicPartition, tuple[float, int | None, bool]] = {}
        """Partitions with an open transaction: since when, at which offset, and whether told."""

    async def run(self) -> None:
        """Every few seconds, look whether Kafka has our topic and how far we are behind, and commit
        our offsets to Kafka.

        This is a task of its own: while Kafka is away, a commit waits, and no batch
        should wait for it.
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
                await self.measure_lag()
            await waited(self.stop, COURTESY_SECONDS)
        await self._tell_kafka(told)

    async def _see_topic(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                topics = await self.consumer.topics()
        except KafkaError as error:
            if type(error) is KafkaError:  # aiokafka raises the bare class when no broker answers
                raise KafkaConnectionError() from error
            raise
        if self.topic not in topics:
            raise TopicsMissingError(
                Finding(
                    "kafka.topics_missing",
                    expected=f"the topic {self.topic}",
                    found="no topic of that name any more",
                    where="",
                    do="create it with `chargeline topics create`, or give our user the right to "
                    "see it",
                )
            )

    async def _tell_kafka(self, told: dict[TopicPartition, int]) -> None:
        """Commit the offsets that Kafka has not been told. No decision of ours rests on them."""
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

    async def measure_lag(self) -> None:
        """Set the lag of our partitions: how far Kafka's end lies ahead of the ledger.

        After a batch the lag is set as well. This look also counts while nothing is committed: it
        grows when the ledger is away and messages keep coming. A partition of which nothing was
        ever worked off begins at offset 0.
        """
        expected = {
            partition: offset or 0 for partition, offset in self.partitions.expected.items()
        }
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self.consumer.end_offsets(list(expected)) if expected else {}
        except (KafkaError, TimeoutError) as error:
            self.log.debug("lag.unknown", exc_info=error)
            return
        for partition, end in ends.items():
            # Of records that are not committed, Kafka's end does not tell; the high water does.
            if partition in self.consumer.assignment():
                end = max(end, self.consumer.highwater(partition) or 0)
            behind = max(0, end - expected[partition])
            self.partitions.metrics.lag.set(behind, partition=str(partition.partition))
            if behind:
                self.partitions.unread.seen(partition, end, utc_now())
        self.see_transactions()

    def see_transactions(self) -> None:
        """Tell of transactions that hold back what stands behind them.

        We read what is committed, up to the last stable offset. A producer that begins a
        transaction and goes away holds up all records behind it, of whoever, until Kafka ends the
        transaction (transaction.timeout.ms of that producer, at most 15 minutes as Kafka ships).
        """
        now = asyncio.get_running_loop().time()
        for partition in self.consumer.assignment() & set(self.partitions.expected):
            stable = self.consumer.last_stable_offset(partition)
            high = self.consumer.highwater(partition)
            held = high - stable if stable is not None and high is not None and stable >= 0 else 0
            self.partitions.metrics.held_back.set(held, partition=str(partition.partition))
            since, at, told = self._held.get(partition, (now, stable, False))
            if held <= 0 or at != stable:
                if told:
                    self._say("transaction.over", partition, 0)
                self._held.pop(partition, None)
                if held <= 0:
                    continue
                since, told = now, False
            if not told and now - since >= HELD_SECONDS:
                self._say("transaction.open", partition, held)
                told = True
            self._held[partition] = (since, stable, told)

    def _say(self, event: str, partition: TopicPartition, count: int) -> None:
        self.log.warning(event, topic=partition.topic, partition=partition.partition, count=count)


async def waited(stop: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until `stop` is set."""
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
