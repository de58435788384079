"""Publishes the outbox without Kafka: events to the output, our own messages back to the intake.

It owns that an announcement is deleted only when it is written or kept. A crash in between repeats
it under the same id; it is not repeated merely because the ledger could not delete it.
"""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from json import loads

from structlog.typing import FilteringBoundLogger

from chargeline.gateway.server import StoreFull, StoreUnavailable
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger
from chargeline.serve.intake import Intake
from chargeline.serve.output import Output

MOST = 200
TOGETHER_SECONDS = 0.02  # what the batches of so long announced goes out in one go
LOOK_AGAIN_SECONDS = 1.0  # for what other programs announce, such as `chargeline parked retry`


class Publisher:
    """Empties the outbox whenever something was committed."""

    def __init__(
        self,
        ledger: Ledger,
        intake: Intake,
        output: Output,
        inbound: AbstractSet[str],
        log: FilteringBoundLogger,
    ) -> None:
        self.ledger = ledger
        self.intake = intake
        self.output = output
        self.inbound = inbound
        self.log = log
        self._lock = asyncio.Lock()
        self._written: set[int] = set()  # numbers of announcements that are out and not yet deleted

    async def run(self) -> None:
        """Publish until cancelled. Raises OutputError."""
        waiting = ""
        try:
            while True:
                await self._wait()
                try:
                    await self.drain()
                    waiting = ""
                except (LedgerError, StoreUnavailable, StoreFull) as error:
                    before, waiting = waiting, type(error).__name__
                    if waiting != before:  # once, not at each try
                        self.log.error("outbox.waiting", exc_info=error)
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
        """Publish all there is, and what follows from it.

        Raises OutputError, LedgerError, StoreUnavailable, StoreFull.
        """
        async with self._lock:
            self.intake.committed.clear()
            while lot := await self.ledger.take_outbox(MOST):
                await self._publish(lot)

    async def _publish(self, lot: Sequence[Announcement]) -> None:
        ours = [each for each in lot if each.topic in self.inbound]
        outward = [
            each for each in lot if each.topic not in self.inbound and each.id not in self._written
        ]
        if outward:
            if not await asyncio.to_thread(self.output.write, outward):
                raise StoreUnavailable("nobody reads the output")
            self._written.update(each.id for each in outward)
        if self._written:
            await self._delete(self._written)
            self._written.clear()
        if ours:
            await self._work_off(ours)

    async def _work_off(self, ours: Sequence[Announcement]) -> None:
        """Nudges, copies of merges and messages under their right key: records again, deleted when
        kept.
        """
        ended = await asyncio.gather(
            *(
                self.intake.keep(each.key, each.payload, loads(each.headers), each.created_at)
                for each in ours
            ),
            return_exceptions=True,
        )
        kept = [each.id for each, problem in zip(ours, ended, strict=True) if problem is None]
        await self._delete(kept)
        for problem in ended:
            if problem is not None:
                raise problem

    async def _delete(self, ids: "Sequence[int] | set[int]") -> None:
        if ids:
            await self.ledger.delete_outbox(ids)
