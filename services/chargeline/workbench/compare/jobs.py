"""Comparisons that go on beside the requests that ask for them, and their results for a while.

Drafting 500 visits twice takes minutes. So a comparison is a job: who asks for it first begins it,
everybody who asks for the same sees how far it is, and then its result, until that is half an hour
old or eight newer ones are kept. One job works at a time, because all of them share one thread and
one ledger; a few more wait in line. Everything is in memory: after a restart a comparison begins
anew when somebody asks.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Any

from chargeline.engine import Finding, FindingError
from chargeline.telemetry import logs

KEPT_FOR = timedelta(minutes=30)
KEPT_MOST = 8
IN_LINE_MOST = 4
"""So many comparisons may wait or work; a further one is refused."""
_log = logs.logger("workbench")


class ComparisonJob:
    """One comparison: how far it is, and its result.

    `total` is None until the visits are counted, and `ended` until it is over. Then `result` is
    there, or `refused` says why it is not.
    """

    def __init__(self, begun: datetime) -> None:
        self.begun = begun
        self.done = 0
        self.total: int | None = None
        self.ended: datetime | None = None
        self.result: Any = None
        self.refused: tuple[Finding, ...] = ()
        self.task: asyncio.Task[None] | None = None


Work = Callable[[ComparisonJob], Awaitable[Any]]
"""What a job does: it counts in the job how far it is, and returns the result."""


class Comparisons:
    """The comparisons of one workbench."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[Hashable, ComparisonJob] = OrderedDict()
        self._turn = asyncio.Semaphore(1)

    def find(self, asked: Hashable, now: datetime) -> ComparisonJob | None:
        """The job of what is asked for, None where there is none or its result is too old."""
        for key, job in list(self._jobs.items()):
            if job.ended is not None and now - job.ended > KEPT_FOR:
                del self._jobs[key]
        return self._jobs.get(asked)

    def begin(
        self, asked: Hashable, work: Work, clock: Callable[[], datetime]
    ) -> ComparisonJob | None:
        """Begin a job; None where too many wait already."""
        if sum(job.ended is None for job in self._jobs.values()) >= IN_LINE_MOST:
            return None
        job = self._jobs[asked] = ComparisonJob(clock())
        job.task = asyncio.create_task(self._do(job, work, clock))
        over = [key for key, old in self._jobs.items() if old.ended is not None]
        for key in over[: max(len(self._jobs) - KEPT_MOST, 0)]:
            del self._jobs[key]
        return job

    def jobs(self) -> list[ComparisonJob]:
        """All jobs that are kept."""
        return list(self._jobs.values())

    def forget(self, asked: Hashable) -> None:
        """Let go of a result, so that the next who asks begins anew; a job that works goes on."""
        job = self._jobs.get(asked)
        if job is not None and job.ended is not None:
            del self._jobs[asked]

    async def stop(self) -> None:
        """Break off whatever works."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, job: ComparisonJob, work: Work, clock: Callable[[], datetime]) -> None:
        try:
            async with self._turn:
                job.result = await work(job)
        except FindingError as error:
            job.refused = error.findings
        except Exception as error:
            # Nobody waits for this task, so that its mistake has to be told by the page.
            _log.error("comparison.failed", exc_info=error)
            job.refused = (_FAILED,)
        finally:
            job.ended = clock()


_FAILED = Finding(
    "workbench.failed",
    expected="a comparison",
    found="a mistake of chargeline's own",
    where="compare",
    do="try again; if it stays, give whoever runs chargeline the time and this address",
)
