"""The partitions of a capture: which are assigned, which are claimed, and where each goes on.

This module owns the answer to "may we write for this partition, and from which offset?". It
listens to rebalances of the consumer group and claims partitions in the ledger. It refuses to know
what a message says and how a poll is worked off. The page "rebalance and claims" at the top of
`consumer.py` says why each step is needed, with a sequence worked through.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import StaleMetadata
from structlog.typing import FilteringBoundLogger

from chargeline.capture.unread import UnreadSince
from chargeline.drafting.processor import Processor
from chargeline.engine import VisitKey
from chargeline.kafka.placing import KeyPlacement
from chargeline.published.inbound import record_key
from chargeline.telemetry.logs import WORDS_MOST
from chargeline.telemetry.metrics import Metrics

ONE_WAY_SECONDS = 0.5
"""How long the answer to a heartbeat may be on its way."""


class Partitions(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions that are ours, each with the offset where the ledger stands."""

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
        self.unread = UnreadSince()
        self.log = log
        # If another capture has the partition now, the next heartbeat tells us. Until then we do
        # not claim it: 3 s between heartbeats and 0.5 s on the way are 3.5 s.
        self.reclaim_seconds = heartbeat_seconds + ONE_WAY_SECONDS
        self.lock = asyncio.Lock()
        """Held by a batch, a round of timers, a claim or a rebalance: one of them at a time."""
        self.generation = 0
        """Counts rebalances and rewinds. A poll that began under another number is worthless."""
        self.in_group = False
        self.placement: KeyPlacement | None = None
        """By how many partitions visits lie; it changes only when partitions are claimed."""
        self.expected: dict[TopicPartition, int | None] = {}
        """Ours, each with the next offset by the ledger; None where nothing was read yet."""
        self.unclaimed: dict[TopicPartition, float] = {}
        """Assigned and not ours yet, each with the loop's time before which we do not claim it."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Wait for the batch at hand, then write nothing more: others may have the partitions."""
        self.generation += 1
        self.in_group = False
        async with self.lock:
            self.processor.drop()
            self.expected.clear()
            self.unclaimed.clear()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Note what to claim. Pause first: aiokafka delivers records before this callback ends."""
        if assigned:
            self.consumer.pause(*assigned)
        self.generation += 1
        self.unclaimed.update(dict.fromkeys(assigned, 0.0))
        self.in_group = True
        self.metrics.rebalances.add()
        which = ", ".join(str(partition.partition) for partition in sorted(assigned))
        self.log.info("partitions.assigned", count=len(assigned), where=which[:WORDS_MOST])

    async def claim_all(self) -> None:
        """Claim each partition whose time has come, seek to the ledger's offset, and resume it.

        Raises StaleMetadata while Kafka tells us of fewer partitions than others have claimed.
        """
        async with self.lock:
            now = asyncio.get_running_loop().time()
            ready = sorted(tp for tp, begin in self.unclaimed.items() if begin <= now)
            if ready:
                await self._count_partitions(ready[0].topic)
            for partition in ready:
                offset = await self.processor.ledger.claim(
                    partition.topic, partition.partition, self.owner
                )
                self.expected[partition] = offset
                del self.unclaimed[partition]
                if partition in self.consumer.assignment():
                    self.rewind(partition)
                    self.consumer.resume(partition)

    async def _count_partitions(self, topic: str) -> None:
        """Ask Kafka how many partitions the topic has; by this number we know our visits.

        Until the next claims the number stays, whatever aiokafka hears meanwhile: visits must not
        move while they are in memory. If partitions are added and claimed, the ledger refuses our
        batches (`Batch.advance`), and we come here again.
        """
        answered = await self.consumer._client.force_metadata_update()
        count = len(self.consumer.partitions_for_topic(topic) or ())
        async with self.processor.ledger.view() as view:
            claimed = await view.partitions(topic)
        if not answered or not count or count < claimed:
            raise StaleMetadata(topic)
        if self.placement != KeyPlacement(count):
            self.placement = KeyPlacement(count)
            self.generation += 1
            self.processor.place(self.placement)

    def partition_of(self, key: VisitKey) -> int | None:
        """The partition of a visit, None if it is not ours."""
        if self.placement is None:
            return None
        number = self.placement.of(record_key(*key))
        return number if number in {ours.partition for ours in self.expected} else None

    def rewind(self, partition: TopicPartition) -> None:
        """Seek to the ledger's offset; a partition that was never read begins at offset 0.

        The poll that is being read ahead becomes worthless: it may begin after the records that
        are now read again.
        """
        self.generation += 1
        if partition in self.expected and partition in self.consumer.assignment():
            self.consumer.seek(partition, self.expected[partition] or 0)

    def lost(self, partition: TopicPartition) -> None:
        """The ledger has fenced us off from a partition. If it stays assigned to us, claim
        it again after `reclaim_seconds`.
        """
        self.metrics.fenced.add()
        self.log.warning("fenced", topic=partition.topic, partition=partition.partition)
        self.expected.pop(partition, None)
        if partition in self.consumer.assignment():
            self.consumer.pause(partition)
            self.unclaimed[partition] = asyncio.get_running_loop().time() + self.reclaim_seconds

    def not_ready(self) -> list[str]:
        """Why no messages flow; empty if they do."""
        if not self.in_group:
            return ["the consumer group has given us no partitions yet"]
        return ["partitions are being claimed"] if self.unclaimed else []
