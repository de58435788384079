"""Publishes the outbox without Kafka: events to the output, our own messages back to the intake.

This module owns one promise: an announcement is deleted from the outbox only after it is written or
kept. After a crash between the two, the next process writes the event again under the same id. If
only the delete fails, this process remembers the event and does not write it again. The module
refuses to know what an event says: `output.py` writes it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from json import loads

from structlog.typing import FilteringBoundLogger

from chargeline.drafting.counting import count_published
from chargeline.drafting.unreadable_events import those_that_open
from chargeline.gateway.server import StoreFull, StoreUnavailable
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger
from chargeline.serve.intake import Intake
from chargeline.serve.output import Output

MOST = 200
TOGETHER_SECONDS = 0.02  # the events of so many seconds are written together
ASK_AGAIN_SECONDS = 0.1  # at the end, while another program is the relay
LOOK_AGAIN_SECONDS = 1.0  # other programs announce as well, such as `chargeline parked retry`


class Publisher:
    """Empties the outbox after each commit.

    `trouble` says what is lacking if events wait for a person, such as for the key of the ledger;
    "" else. A ledger that cannot be reached is the trouble of the intake.
    """

    def __init__(
        self,
        ledger: Ledger,
        intake: Intake,
        output: Output,
        inbound: AbstractSet[str],
        log: FilteringBoundLogger,
    ) -> None:
        self.ledger = ledger
        self._tell = count_published(intake.metrics)
        self.intake = intake
        self.output = output
        self.inbound = inbound
        self.log = log
        self.trouble = ""
        self._lock = asyncio.Lock()
        self._written: set[int] = set()  # ids of announcements that are written and not deleted yet

    async def run(self) -> None:
        """Publish until cancelled. Raises OutputError."""
        waiting = ""
        try:
            while True:
                await self._wait()
                try:
                    await self.drain()
                    waiting = self.trouble = ""
                except (LedgerError, StoreUnavailable, StoreFull) as error:
                    before, waiting = waiting, type(error).__name__
                    if waiting != before:  # logged once, and not at each try
                        self.log.error("outbox.waiting", exc_info=error)
                    self.trouble = _lacking(error)
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        finally:
            self.output.give_up.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self.intake.committed.wait()
                await asyncio.sleep(TOGETHER_SECONDS)
        except TimeoutError:
            return

    async def drain(self) -> None:
        """Publish the whole outbox, and the events that our own messages in it bring about.

        Raises OutputError, LedgerError, StoreUnavailable, StoreFull.
        """
        async with self._lock:
            self.intake.committed.clear()
            while rows := await self.ledger.take_outbox(MOST):
                await self._publish(await self._opened(rows))

    async def _opened(self, rows: Sequence[Announcement]) -> list[Announcement]:
        """The events that open; the others are parked."""
        terms = self.intake.processor.settings
        return await those_that_open(
            self.ledger,
            rows,
            inbound=terms.inbound_topic,
            topic=terms.parked,
            now=self.intake.processor.clock(),
        )

    async def finish(self) -> None:
        """Publish the whole outbox before the program ends.

        The program that this one succeeded may be the relay for a moment longer: PostgreSQL frees
        its lock when it notices that the session is gone. Raises what `drain` raises.
        """
        await self.drain()
        while not self.ledger.is_relay:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            await self.drain()

    async def _publish(self, rows: Sequence[Announcement]) -> None:
        ours = [row for row in rows if row.topic in self.inbound]
        outward = [
            row for row in rows if row.topic not in self.inbound and row.id not in self._written
        ]
        if outward:
            if not await asyncio.to_thread(self.output.write, outward):
                raise StoreUnavailable("nobody reads the output")
            self._written.update(row.id for row in outward)
            for topic, count in Counter(row.topic for row in outward).items():
                self._tell(topic, count)
        if self._written:
            await self._delete(self._written)
            self._written.clear()
        if ours:
            await self._work_off(ours)

    async def _work_off(self, ours: Sequence[Announcement]) -> None:
        """Give our own messages to the intake, and delete those that the ledger has.

        They are nudges, copies of merges, and messages that came under a wrong key.
        """
        ended = await asyncio.gather(
            *(
                self.intake.keep(row.key, row.payload, loads(row.headers), row.created_at)
                for row in ours
            ),
            return_exceptions=True,
        )
        kept = [row.id for row, problem in zip(ours, ended, strict=True) if problem is None]
        await self._delete(kept)
        for problem in ended:
            if problem is not None:
                raise problem

    async def _delete(self, ids: "Sequence[int] | set[int]") -> None:
        if ids:
            await self.ledger.delete_outbox(ids)


def _lacking(error: LedgerError | StoreUnavailable | StoreFull) -> str:
    """What a person must see to, so that events are published again; "" if that passes."""
    if not isinstance(error, LedgerError) or error.passing:
        return ""
    return f"events are not published ({type(error).__name__}): {error.finding.do}"
