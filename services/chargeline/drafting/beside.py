"""Reading a large message beside the event loop, so that other senders do not wait for it.

A message of 5,000 RXA takes about half a second to read. A usual one takes a tenth of a
millisecond, for which a thread does not pay.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

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
