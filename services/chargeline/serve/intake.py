"""From the gateway to the ledger without Kafka: messages wait here for the transaction that keeps
them.

This module owns the one partition of this mode, with its offset and its fence. It also owns who is
told whether a batch was committed: each waiting sender, and the publisher. It refuses to know what
a message means (the processor knows) and how a sender is answered (the gateway knows).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from chargeline.drafting.counting import count_poll
from chargeline.drafting.garbage import Garbage
from chargeline.drafting.inbound import InboundRecord
from chargeline.drafting.polls import PartitionBatch, PollResult
from chargeline.drafting.processor import Processor
from chargeline.drafting.redrafting import Redrafting
from chargeline.engine import VisitKey
from chargeline.gateway.received import InboundMessage
from chargeline.gateway.server import StoreFull, StoreUnavailable
from chargeline.ledger.errors import DiskFull, Fenced, LedgerError
from chargeline.ledger.records import Move
from chargeline.telemetry.metrics import Metrics

# A Kafka topic cannot have a colon in its name. So a site that moves to Kafka with the same ledger
# reads its topic from the beginning, and not from the offset of this mode.
TOPIC, PARTITION = "serve:inbound", 0
DUE_AT_ONCE = 200
BATCH_BYTES = 4_194_304  # of messages in a transaction: what is read of them takes many times that
BUSY_SECONDS = 1.0  # until redrafting asks again whether messages wait
_R = TypeVar("_R")


@dataclass(eq=False)
class _UnkeptMessage:
    """One message, and the future of the sender who waits until the message is kept."""

    key: str
    value: bytes
    headers: Mapping[str, str]
    received_at: datetime
    kept: asyncio.Future[None]


class Intake:
    """The gateway's store. It sets `committed` after each transaction: the outbox may have events.

    `trouble` says why the ledger refused the last transaction, "" if the ledger took it.
    """

    def __init__(
        self,
        processor: Processor,
        *,
        owner: str,
        most: int,
        metrics: Metrics,
        log: FilteringBoundLogger,
    ) -> None:
        self.processor = processor
        self.owner = owner
        self.most = most
        self.metrics = metrics
        self.log = log
        self.committed = asyncio.Event()
        self.garbage = Garbage()
        self.trouble = "the ledger is not claimed yet"
        self._refused = 0
        # One transaction at a time: batches and timers share the visits in memory.
        self._lock = asyncio.Lock()
        self._queue: deque[_UnkeptMessage] = deque()
        self._in_hand: Sequence[_UnkeptMessage] = ()
        self._filled = asyncio.Event()
        self._ended = False
        self._offset = 0
        self._attempted: int | None = None
        """Where the ledger stands if a commit succeeded whose answer never came; None else."""

    @property
    def rulebook(self) -> str:
        """The version of the rules that it drafts by."""
        return self.processor.maker.rulebook.version

    async def claim(self) -> None:
        """Take over from the program that served this ledger before; the fence stops that one, also
        if it hangs in the middle of a transaction.
        """
        async with self.processor.ledger.takeover() as batch:
            offset = await batch.claim(TOPIC, PARTITION, self.owner)
            if offset is None:
                await batch.advance(TOPIC, {PARTITION: Move(None, 0)}, owner=self.owner)
        self._offset = offset or 0
        self.trouble = ""
        self.committed.set()  # an earlier run may have left events in the outbox

    async def put(self, message: InboundMessage) -> None:
        """Return when the ledger has the message. Raises StoreUnavailable, StoreFull."""
        await self.keep(message.key, message.raw, message.headers, message.received_at)

    async def keep(
        self, key: str, value: bytes, headers: Mapping[str, str], received_at: datetime
    ) -> None:
        """Return when the ledger has a record: a message, or a record that chargeline sends to
        itself, such as a nudge.

        Raises StoreUnavailable, StoreFull.
        """
        if self._ended:
            raise StoreUnavailable("this program is ending")
        waiting = _UnkeptMessage(
            key=key,
            value=value,
            headers=headers,
            received_at=received_at,
            kept=asyncio.get_running_loop().create_future(),
        )
        self._queue.append(waiting)
        self._filled.set()
        try:
            await waiting.kept
        except asyncio.CancelledError:
            # A message that is in a batch already is still kept. Sent again, it is a duplicate.
            with suppress(ValueError):
                self._queue.remove(waiting)
            raise

    async def run(self) -> None:
        """Work until cancelled.

        Raises Fenced when another program serves this ledger now.
        """
        try:
            while True:
                await self._filled.wait()
                messages = self._next()
                if not self._queue:
                    self._filled.clear()
                self._in_hand = messages
                await self._work(messages)
                self._in_hand = ()
        finally:
            self._ended = True
            _refuse(self._queue, StoreUnavailable("this program is ending"))

    def oldest_age(self, now: datetime) -> float:
        """Seconds that the message has waited that waits longest, 0 if none does."""
        waiting = [*self._in_hand, *list(self._queue)[:1]]
        since = [message.received_at for message in waiting if not message.kept.done()]
        return max(0.0, (now - min(since, default=now)).total_seconds())

    def _next(self) -> list[_UnkeptMessage]:
        """The messages of the next transaction: one, and more while they are few and small."""
        messages: list[_UnkeptMessage] = []
        size = 0
        while self._queue and len(messages) < self.most and size < BATCH_BYTES:
            messages.append(self._queue.popleft())
            size += len(messages[-1].value)
        return messages

    async def _work(self, messages: Sequence[_UnkeptMessage]) -> None:
        """Keep messages in one transaction. If that fails for good, keep each in a transaction of
        its own, so that only the message at fault is refused.
        """
        if not messages:
            return
        try:
            done = await self._transaction(messages)
        except Fenced as error:
            _refuse(messages, StoreUnavailable("another program serves this ledger"))
            raise _taken_over(error) from error
        except LedgerError as error:
            if len(messages) > 1 and not error.passing:
                for waiting in messages:
                    await self._work([waiting])
                return
            self._troubled(error)
            full = isinstance(error, DiskFull)
            _refuse(
                messages, StoreFull("no room") if full else StoreUnavailable(type(error).__name__)
            )
            return
        except BaseException:
            _refuse(messages, StoreUnavailable("this program is ending"))
            raise
        for waiting in messages:
            if not waiting.kept.done():
                waiting.kept.set_result(None)
        self._count(done)

    async def _transaction(self, messages: Sequence[_UnkeptMessage]) -> PollResult:
        async with self._lock:
            if self._attempted is not None:
                await self._still_ours()
            first, self._attempted = self._offset, self._offset + len(messages)
            records = [
                InboundRecord(
                    topic=TOPIC,
                    partition=PARTITION,
                    offset=first + n,
                    key=waiting.key,
                    value=waiting.value,
                    headers=dict(waiting.headers),
                    received_at=waiting.received_at,
                )
                for n, waiting in enumerate(messages)
            ]
            batch = PartitionBatch(await self.processor.read(records), Move(first, self._attempted))
            done = await self.processor.process({PARTITION: batch}, owner=self.owner)
            self._offset, self._attempted = self._attempted, None
        self._taken()
        self.committed.set()
        return done

    async def _still_ours(self) -> None:
        """Ask the fence whether the partition is still ours. Raises Fenced.

        If the answer to the last commit was lost, first learn whether the commit was made: with a
        commit from 120 to 150, the ledger is then at 150, else still at 120.
        """
        if self._attempted is not None:
            with suppress(Fenced):
                await self._ask(self._attempted)
                self._offset = self._attempted
            self._attempted = None
        await self._ask(self._offset)

    async def _ask(self, offset: int) -> None:
        async with self.processor.ledger.batch() as batch:
            await batch.advance(TOPIC, {PARTITION: Move(offset, offset)}, owner=self.owner)

    async def work_off_due(self) -> int:
        """Draft the visits whose time has come, at most DUE_AT_ONCE; returns how many.

        Raises Fenced.
        """
        count = await self._beside_messages(
            lambda offsets: self.processor.work_off_due(
                _one_partition, offsets, self.owner, DUE_AT_ONCE
            )
        )
        return count or 0

    async def redraft(self, redrafting: Redrafting) -> float:
        """Draft the next visits that rest on other rules, if no message waits; returns the seconds
        until the next call.

        Raises Fenced.
        """
        if self._queue:
            return BUSY_SECONDS
        seconds = await self._beside_messages(
            lambda offsets: redrafting.draft_next(_one_partition, offsets, self.owner)
        )
        return BUSY_SECONDS if seconds is None else seconds

    async def _beside_messages(
        self, work: Callable[[Mapping[int, int | None]], Awaitable[_R]]
    ) -> _R | None:
        """Do work that no message asks for; None if the ledger refuses it. Raises Fenced."""
        try:
            async with self._lock:
                await self._still_ours()
                result = await work({PARTITION: self._offset})
        except Fenced as error:
            raise _taken_over(error) from error
        except LedgerError as error:
            self._troubled(error)
            return None
        self._taken()
        if result:
            self.committed.set()
        return result

    def _troubled(self, error: LedgerError) -> None:
        """Note that the ledger refused a transaction."""
        self.trouble = f"the ledger refuses messages: {type(error).__name__}"
        self._refused += 1
        if self._refused & (self._refused - 1) == 0:  # 1, 2, 4, 8: an hour of tries is 12 lines
            self.log.error("ledger.unavailable", exc_info=error, attempt=self._refused)

    def _taken(self) -> None:
        """Note that the ledger took a transaction. The log says so once after a refusal."""
        self.trouble = ""
        refused, self._refused = self._refused, 0
        if refused:
            self.log.info("ledger.available", attempt=refused)

    def _count(self, done: PollResult) -> None:
        """Tell the metrics what a batch did.

        The lag is how many messages wait for the next batch.
        """
        self.metrics.lag.set(len(self._queue), partition=str(PARTITION))
        count_poll(self.metrics, done)
        self.garbage.after_batch()


def _one_partition(_key: VisitKey) -> int:
    return PARTITION


def _taken_over(error: Fenced) -> Fenced:
    return Fenced(
        expected="to be the only `chargeline serve` of this ledger",
        found=f"another one that has taken it over, {error.finding.found}",
        do="let only one run; nothing is lost: senders repeat what was not acknowledged",
        partitions=error.partitions,
    )


def _refuse(waiting: Sequence[_UnkeptMessage] | deque[_UnkeptMessage], why: Exception) -> None:
    """Tell all waiting senders that their message was not kept."""
    for message in waiting:
        if not message.kept.done():
            message.kept.set_exception(why)
