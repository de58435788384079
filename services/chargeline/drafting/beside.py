"""Reading a large message or drafting a large visit beside the event loop, so that other tasks of
the program have their turn meanwhile.

A message of 5,000 RXA takes about half a second to read, and a visit of so many rows as long to
draft. A usual message takes a tenth of a millisecond, for which a thread does not pay. One thread
does all of this in the process, one after the other: a message takes many times its bytes while it
is read, and threads side by side would not be faster, but keep the event loop from its turn. What a
visit in memory holds is touched by nobody else meanwhile: the programs work off one poll at a time,
and a transaction that is broken off leaves its cache behind (`Processor.drop`).
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar, TypeVarTuple

from chargeline.drafting.settling import ROWS_AT_ONCE
from chargeline.hl7.reader import LARGE_BYTES

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large")


SWITCH_SECONDS = 0.0005
"""So long a thread keeps the interpreter while another one wants it; Python's own is 0.005."""


def let_the_loop_have_its_turn() -> None:
    """Make the thread that reads and drafts give way to the event loop sooner.

    The loop asks for its turn at each socket that it reads. At Python's own interval a probe waits
    for seconds while many senders write large messages.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


async def read_beside(
    raw: bytes, read: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> _Result:
    """The result of `read(*arguments)`, which reads `raw`: in a thread if the message is large."""
    if len(raw) <= LARGE_BYTES:
        return read(*arguments)
    return await _in_thread(partial(read, *arguments))


async def draft_beside(rows: int, work: Callable[[], _Result]) -> _Result:
    """The result of `work()` on a visit of so many charted rows: in a thread if it is large."""
    if rows <= ROWS_AT_ONCE:
        return work()
    return await _in_thread(work)


async def work_beside(work: Callable[[], _Result]) -> _Result:
    """The result of `work()`, which takes long and for which nobody waits in line."""
    return await _in_thread(work)


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work)
