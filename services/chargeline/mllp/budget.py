"""How many bytes the frames of all connections may take together.

A frame counts from its first byte to its acknowledgement. While the budget is used up, nobody reads
on, and TCP makes the senders wait; none gets an error. One connection may go on all the same, until
it has given its bytes back: else frames of which each has arrived in part would wait for each other
for ever. This module owns that decision and reads nothing.
"""

import asyncio
from collections.abc import Hashable

BYTES_FOR_A_BYTE = 4
"""What a byte of a frame takes until its acknowledgement: in the buffer, as a frame, in the request
to the store and in the socket to it."""


class Budget:
    """The bytes that connections hold. `used` counts `BYTES_FOR_A_BYTE` for each of them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._held: dict[Hashable, int] = {}
        self._ahead: Hashable | None = None  # the one that may read though all is used up
        self._waiting: list[asyncio.Future[None]] = []

    def may_read(self, who: Hashable) -> bool:
        """Whether a connection may read more bytes now."""
        if self.used < self.most:
            return True
        if self._ahead is None:
            self._ahead = who
        return self._ahead == who

    def hold(self, who: Hashable, frame_bytes: int) -> None:
        """Note how many bytes of frames a connection holds now; with 0 it is forgotten."""
        before = self._held.get(who, 0)
        self.used += BYTES_FOR_A_BYTE * (frame_bytes - before)
        if frame_bytes:
            self._held[who] = frame_bytes
        else:
            self._held.pop(who, None)
            if self._ahead == who:
                self._ahead = None
        if frame_bytes < before or not frame_bytes:
            self.wake()

    def wake(self) -> None:
        """Let all who wait ask again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def changed(self) -> None:
        """Return when it is worth asking again whether one may read."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future
