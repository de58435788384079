"""The reader of the inbound topic: it polls Kafka, and hands each poll to the processor as a batch.

This module owns the loop of the poll and aiokafka's traps. It drops a poll that spans a rebalance,
and goes back to the ledger's offset whenever a transaction fails. It refuses to know what a message
means: that is `drafting/`. `courtesies.py` tells Kafka our offsets; those in the ledger decide.

Rebalance and claims. Four parties have an opinion on who reads a partition and from where:

    the coordinator  the broker that leads our consumer group. It knows which capture has which
                     partition. What moves it: a capture that joins or leaves, or 45 s without a
                     heartbeat from one (a capture sends one every 3 s).
    aiokafka         the Kafka client inside a capture. It has a position in each partition, which
                     each poll moves on, whatever becomes of the records afterwards.
    the capture      holds each partition in one of three states (`partitions.py`). What moves them:

                         not ours   -- assigned -->  unclaimed   it is paused, nothing is read
                         unclaimed  -- claimed  -->  ours        it is read from the ledger's offset
                         ours       -- fenced   -->  unclaimed   for 3.5 s at least
                         any        -- revoked  -->  not ours    what is in memory is dropped

    the ledger       has one row for each partition: owner and next offset. It decides. `claim`
                     writes a new owner over any other, and leaves the offset. `advance` moves the
                     offset and is the first step of each batch; it is refused (`Fenced`) unless the
                     row names this owner and exactly the offset from which the batch was read.

The coordinator alone cannot decide: a capture that hangs does not hear that its partition was
given away. When it wakes up, it still holds half a batch. One sequence, worked through, on
PostgreSQL and with the settings as they ship. Capture A has partition 7; its row is (A, 1200).

    09:00:00  A polls the records 1200-1249. Its transaction moves the row to (A, 1250), which
              locks the row. Before the commit the machine of A hangs.
    09:00:22  PostgreSQL ends A's session, which was idle in a transaction for 22.5 s, half of the
              45 s of Kafka. The row is (A, 1200) again, and no longer locked.
    09:00:45  The coordinator has had no heartbeat from A for 45 s. It takes A out of the group.
    09:00:48  Capture B hears of the rebalance in the answer to its heartbeat. B finishes its
              batch, drops what it has in memory, joins again, and gets its old partitions and 7.
              It pauses all of them and claims each: the row of 7 is (B, 1200). B seeks to 1200
              and resumes.
    09:00:50  B works off the records 1200-1259. The row is (B, 1260).
    09:03:00  A wakes up and believes that 7 is its own. Its transaction fails, because its session
              is gone, and has written nothing. A drops its visits in memory and seeks to 1200.
    09:03:01  A reads 1200-1249 again and begins a batch. `advance` finds (B, 1260) and raises
              Fenced: nothing is written. A pauses 7 and will not claim it before 09:03:04.5.
    09:03:02  The answer to A's heartbeat arrives: the coordinator does not know this member. A
              lets go of all its partitions and of the waiting claim, and joins as a new member.

Each record was worked off once: 1200-1249 by B, and A's half batch left no trace. Often the answer
of 09:03:02 comes first, and the fence has nothing to refuse.

Why A waits 3.5 s: `claim` takes a partition from anybody. If A claimed 7 at 09:03:01, the row would
be (A, 1260), and the next batch of B, the rightful reader, would be fenced. This happens when A
hangs just before a claim and wakes up in it. Then B waits 3.5 s. In that time A hears from the
coordinator that it is out; B's heartbeats go on as ever, 7 stays assigned to B, and B claims it
again: (B, 1260). The price is a pause and one batch that is read twice; no record is lost or
doubled, because a claim never moves an offset.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from structlog.typing import FilteringBoundLogger

from chargeline.capture.courtesies import waited
from chargeline.capture.failures import TaskFailures
from chargeline.capture.partitions import Partitions
from chargeline.capture.records import CannotBeReadError, inbound_of, one_by_one
from chargeline.drafting.counting import count_poll
from chargeline.drafting.garbage import Garbage
from chargeline.drafting.inbound import InboundRecord, ReadRecord
from chargeline.drafting.polls import PartitionBatch, PollResult
from chargeline.drafting.redrafting import Redrafting
from chargeline.engine import Finding
from chargeline.kafka.starting import TopicsMissingError
from chargeline.ledger.errors import Fenced, LedgerError
from chargeline.ledger.records import Move

RETRY_SECONDS = 1.0
GATHER_SECONDS = 0.05
READ_AT_ONCE = 50  # messages: reading usual ones blocks other tasks for a few milliseconds
MOMENT_SECONDS = 0.001


class _Polled(NamedTuple):
    """The records of one poll, read; worthless once `Partitions.generation` is another.

    `seconds` is how long the reading took for each partition. `full`: the poll brought as many
    records as it may, so more are probably waiting.
    """

    generation: int
    records: Mapping[TopicPartition, Sequence[ReadRecord]]
    seconds: Mapping[TopicPartition, float]
    full: bool


class Consumer:
    """Reads the inbound topic until it is stopped."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        partitions: Partitions,
        *,
        topic: str,
        most: int,
        largest: int,
        poll_ms: int,
        failures: TaskFailures,
        log: FilteringBoundLogger,
        stop: asyncio.Event,
        committed: Callable[[], None],
    ) -> None:
        self.consumer = consumer
        self.partitions = partitions
        self.topic = topic
        self.most = most
        self.largest = largest
        self.poll_ms = poll_ms
        self.failures = failures
        self.log = log
        self.stop = stop
        self.committed = committed
        self.garbage = Garbage()
        self._begun = 0.0
        self._ahead: asyncio.Task[_Polled] | None = None
        self._working = False

    async def run(self) -> None:
        """Work until told to stop. The poll at hand is finished. A poll that was read ahead is
        dropped: whoever has the partition next reads it again.

        Raises a LedgerError or KafkaError that needs a person.
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
        """The next poll. If it is full, begin the poll after it, to be read beside the work."""
        ahead, self._ahead = self._ahead, None
        self._working = False
        try:
            polled = await ahead if ahead is not None else await self._poll(gather=True)
        except CannotBeReadError as error:
            polled = await self._poll_apart(error)
        self._working = True
        if polled.full:
            self._ahead = asyncio.create_task(self._poll(gather=False))
        return polled

    async def _poll(self, *, gather: bool) -> _Polled:
        """Poll Kafka and read the records. After every READ_AT_ONCE messages other tasks have their
        turn.

        A poll that is read ahead sleeps for a moment between two such parts, so that the batch at
        hand goes first and the reading fills the time in which that batch waits for the ledger.
        """
        loop = asyncio.get_running_loop()
        if gather:  # let messages come together: a commit of 2 costs about as much as one of 50
            await waited(self.stop, self._begun + GATHER_SECONDS - loop.time())
        self._begun = loop.time()
        generation = self.partitions.generation
        try:
            polled = await self.consumer.getmany(timeout_ms=self.poll_ms, max_records=self.most)
        except KafkaError:
            raise
        except Exception as error:  # whatever aiokafka fails with, a record has made it fail
            raise CannotBeReadError from error
        return await self._read(polled, generation)

    async def _poll_apart(self, error: CannotBeReadError) -> _Polled:
        """Read the partitions one by one from the ledger's offsets, until one has a record that
        cannot be read: what lies before it is this poll, and it is the next.

        Each partition takes a moment. If a rebalance comes meanwhile, the poll is worthless, and
        aiokafka refuses to tell of partitions that are no longer ours.
        """
        self.log.error("poll.unreadable", exc_info=error)
        for partition in self.partitions.expected:
            self.partitions.rewind(partition)
        generation = self.partitions.generation
        polled: dict[TopicPartition, list[ConsumerRecord | InboundRecord]] = {}
        for partition, offset in list(self.partitions.expected.items()):
            if self.partitions.generation != generation:
                break
            if self.consumer.highwater(partition) == (offset or 0):
                continue
            records, unreadable = await one_by_one(self.consumer, partition, self.most, self.log)
            polled[partition] = [*records, *([unreadable] if unreadable is not None else [])]
        if not any(polled.values()):
            await waited(self.stop, RETRY_SECONDS)
        return await self._read({tp: some for tp, some in polled.items() if some}, generation)

    async def _read(
        self,
        polled: Mapping[TopicPartition, Sequence[ConsumerRecord | InboundRecord]],
        generation: int,
    ) -> _Polled:
        """Read the records of a poll."""
        loop = asyncio.get_running_loop()
        read: dict[TopicPartition, list[ReadRecord]] = {partition: [] for partition in polled}
        seconds = dict.fromkeys(polled, 0.0)
        for partition, records in polled.items():
            for first in range(0, len(records), READ_AT_ONCE):
                began = loop.time()
                part = [
                    record
                    if isinstance(record, InboundRecord)
                    else inbound_of(record, self.largest)
                    for record in records[first : first + READ_AT_ONCE]
                ]
                read[partition] += await self.partitions.processor.read(part)
                seconds[partition] += loop.time() - began
                await asyncio.sleep(MOMENT_SECONDS if self._working else 0)
        return _Polled(generation, read, seconds, sum(map(len, read.values())) >= self.most)

    async def _work_off(self, polled: _Polled) -> None:
        """Work off a poll. If a rebalance or a rewind came meanwhile, read it again instead."""
        async with self.partitions.lock:
            if polled.generation != self.partitions.generation:
                for partition in polled.records:
                    self.partitions.rewind(partition)
                return
            ours = {
                partition: records
                for partition, records in polled.records.items()
                if partition in self.partitions.expected
            }
            if ours:
                await self._batch(ours, polled.seconds)

    async def _batch(
        self,
        polled: Mapping[TopicPartition, Sequence[ReadRecord]],
        seconds: Mapping[TopicPartition, float],
    ) -> None:
        """Work off all records of one poll in one transaction."""
        for partition, records in polled.items():
            first = records[0].record.offset
            self._must_follow(partition, self.partitions.expected[partition], first)
            self.partitions.unread.polled(partition, first, records[0].record.received_at)
        batches = {
            partition.partition: PartitionBatch(
                records,
                Move(self.partitions.expected[partition], records[-1].record.offset + 1),
                seconds[partition],
            )
            for partition, records in polled.items()
        }
        try:
            done = await self.partitions.processor.process(batches, owner=self.partitions.owner)
        except Fenced as error:
            for partition in polled:
                if partition.partition in error.partitions:
                    self.partitions.lost(partition)
                else:
                    self.partitions.rewind(partition)
            return
        offsets = {partition: batches[partition.partition].move.next_offset for partition in polled}
        self.partitions.expected.update(offsets)
        self._count(offsets, done)
        self.garbage.after_batch()
        self.committed()

    def _must_follow(self, partition: TopicPartition, expected: int | None, first: int) -> None:
        """Compare the first offset of a poll with the ledger's.

        A gap is logged: the ledger is at 1200 and the poll begins at 1230, so Kafka has
        deleted 30 records that nobody has read. Raises TopicsMissingError if the poll begins
        before the ledger's offset.
        """
        if first < (expected or 0):
            raise TopicsMissingError(
                Finding(
                    "kafka.topic_recreated",
                    expected=f"{partition.topic}[{partition.partition}] to go on at offset "
                    f"{expected}, where the ledger is",
                    found=f"offset {first}: the topic was created anew or has lost messages, or "
                    "somebody has skipped beyond its end",
                    where="",
                    do="give the new topic another name (CHARGELINE_TOPIC_INBOUND), so that the "
                    "ledger can tell the two apart. If `chargeline audit list --what offsets.skip` "
                    "has this partition, take a new topic too, and send into it again what stands "
                    "in this one from the offset on at which the skip began",
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
        """Tell the metrics and the log how much a batch read, and how long each phase took."""
        metrics = self.partitions.metrics
        for partition, offset in offsets.items():
            lag = (self.consumer.highwater(partition) or 0) - (offset or 0)
            metrics.lag.set(lag, partition=str(partition.partition))
        count_poll(metrics, done)
        self.log.debug(
            "batch", topic=self.topic, count=done.read, seconds=sum(done.seconds.values())
        )

    async def _give_back_all(self) -> None:
        """After a failure: forget the visits in memory, and read on from the ledger's offsets."""
        async with self.partitions.lock:
            self.partitions.processor.drop()
            self.garbage.let_go()
            for partition in self.partitions.expected:
                self.partitions.rewind(partition)

    async def work_off_due(self, limit: int) -> int:
        """Draft the visits of our partitions whose time has come; returns how many, 0 if fenced."""
        async with self.partitions.lock:
            with self._letting_go():
                return await self.partitions.processor.work_off_due(
                    self.partitions.partition_of, self._offsets(), self.partitions.owner, limit
                )
        return 0

    async def redraft(self, redrafting: Redrafting) -> float:
        """Draft the next visits of our partitions that rest on other rules, if no message waits.

        Returns the seconds until the next call.
        """
        async with self.partitions.lock:
            if self._all_in_ledger():
                with self._letting_go():
                    return await redrafting.draft_next(
                        self.partitions.partition_of, self._offsets(), self.partitions.owner
                    )
        return RETRY_SECONDS

    def _all_in_ledger(self) -> bool:
        """Whether the ledger has all records of our partitions of which Kafka has told us."""
        ends = {tp: self.consumer.highwater(tp) for tp in self.partitions.expected}
        return all(
            end is not None and end <= (self.partitions.expected[tp] or 0)
            for tp, end in ends.items()
        )

    def _offsets(self) -> dict[int, int | None]:
        return {tp.partition: offset for tp, offset in self.partitions.expected.items()}

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """Let go of the partitions from which the ledger fences us off meanwhile."""
        try:
            yield
        except Fenced as error:
            for number in error.partitions:
                self.partitions.lost(TopicPartition(self.topic, number))
