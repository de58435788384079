"""The end of a service: told by a signal or by a failure, and over in time whatever does not
answer.

It owns the deadline. Until then all work may end in good order; after it the process breaks off,
which loses nothing: what is not committed is read again, and what is not published stays in the
outbox.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence

from structlog.typing import FilteringBoundLogger

from chargeline.engine import Finding

BROKEN_OFF = 1
CLOSE_SECONDS = 5.0


class Shutdown:
    """When to end, and by when. `unfinished` says what is still to be done or lacking."""

    def __init__(
        self, seconds: float, unfinished: Callable[[], Sequence[str]], log: FilteringBoundLogger
    ) -> None:
        self.told = asyncio.Event()
        self._seconds = seconds
        self._unfinished = unfinished
        self._log = log

    def on_signals(self) -> None:
        """Begin to end at SIGTERM and SIGINT."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.begin)

    def begin(self) -> None:
        """Tell all work to end; from now on the time runs."""
        if not self.told.is_set():
            self.told.set()
            asyncio.get_running_loop().call_later(self._seconds, self._break_off)

    def _break_off(self) -> None:
        """End at once: a server that does not answer could hold up every orderly way out."""
        self._log.critical("stop.overdue", seconds=self._seconds)
        found = "; ".join(self._unfinished()) or "work that waits for the ledger or for Kafka"
        finding = Finding(
            "stop.overdue",
            expected=f"to end within {self._seconds:g} seconds",
            found=found,
            where="",
            do="nothing is lost: what was not committed is read again, what was not published is "
            "published by the next process",
        )
        print(f"chargeline: {finding}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(BROKEN_OFF)

    async def beside(self, *work: Awaitable[None]) -> None:
        """Run side by side until all end; the first that fails ends the others."""
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(self._until_failure(each))

    async def _until_failure(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                self._log.critical("work.failed", exc_info=error)
            self.begin()
            raise


async def closed(close: Awaitable[object], what: str, log: FilteringBoundLogger) -> None:
    """Close something that may wait for a server, but not for long.

    Without Kafka, aiokafka's stop ends by the cancelling of a task of its own: that must not end
    us.
    """
    closing = asyncio.ensure_future(close)
    await asyncio.wait([closing], timeout=CLOSE_SECONDS)
    if closing.done() and not closing.cancelled():
        closing.result()
    else:
        closing.cancel()
        log.warning("close.given_up", reason=what)
