"""Reading a large message or drafting a large visit beside the event loop, so that other tasks of
the program have their turn meanwhile.

A message of 5,000 RXA takes about half a second to read, and a visit of so many rows as long to
draft. A usual message takes a tenth of a millisecond, for which a thread does not pay. What a visit
in memory holds is touched by nobody else meanwhile: the programs work off one poll at a time, and a
transaction that is broken off leaves its cache behind (`Processor.drop`).
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from chargeline.drafting.settling import ROWS_AT_ONCE
from chargeline.hl7.reader import LARGE_BYTES

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


async def read_beside(
    raw: bytes, read: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> _Result:
    """The result of `read(*arguments)`, which reads `raw`: in a thread if the message is large."""
    if len(raw) <= LARGE_BYTES:
        return read(*arguments)
    return await asyncio.to_thread(read, *arguments)


async def draft_beside(rows: int, work: Callable[[], _Result]) -> _Result:
    """The result of `work()` on a visit of so many charted rows: in a thread if it is large."""
    if rows <= ROWS_AT_ONCE:
        return work()
    return await asyncio.to_thread(work)
