"""The end of a service: begun by a signal or a failure, and over in time even if a server does not
answer.

This module owns the deadline. Until then every task may end in good order. After it the process
breaks off. That loses nothing: messages that are not committed are read again, and events that are
not published stay in the outbox. The module refuses to know what the tasks do.
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
    """When to end, and by when. `unfinished` names the work that is left and what it waits for."""

    def __init__(
        self, seconds: float, unfinished: Callable[[], Sequence[str]], log: FilteringBoundLogger
    ) -> None:
        self.told = asyncio.Event()
        self._seconds = seconds
        self._unfinished = unfinished
        self._log = log

    def on_signals(self) -> None:
        """Begin the end at SIGTERM and at SIGINT."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.begin)

    def begin(self) -> None:
        """Tell all tasks to end, and start the clock of the deadline."""
        if not self.told.is_set():
            self.told.set()
            asyncio.get_running_loop().call_later(self._seconds, self._break_off)

    def _break_off(self) -> None:
        """End the process at once: an orderly end could wait for a server that never answers."""
        self._log.critical("stop.overdue", seconds=self._seconds)
        left = "; ".join(self._unfinished()) or "work that waits for the ledger or for Kafka"
        finding = Finding(
            "stop.overdue",
            expected=f"to end within {self._seconds:g} seconds",
            found=left,
            where="",
            do="start it again; nothing is lost: the next process reads what was not committed "
            "and publishes what was not published",
        )
        print(f"chargeline: {finding}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(BROKEN_OFF)

    async def beside(self, *work: Awaitable[None]) -> None:
        """Run tasks side by side until all have ended. One that fails begins the end of all."""
        async with asyncio.TaskGroup() as group:
            for task in work:
                group.create_task(self._until_failure(task))

    async def _until_failure(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                self._log.critical("work.failed", exc_info=error)
            self.begin()
            raise


async def closed(close: Awaitable[object], what: str, log: FilteringBoundLogger) -> None:
    """Close something that may wait for a server, for at most CLOSE_SECONDS.

    While Kafka is away, aiokafka's stop ends with a CancelledError from a task of its own. That
    error must not end this program, so the close runs in a task.
    """
    closing = asyncio.ensure_future(close)
    await asyncio.wait([closing], timeout=CLOSE_SECONDS)
    if closing.done() and not closing.cancelled():
        closing.result()
    else:
        closing.cancel()
        log.warning("close.given_up", reason=what)
