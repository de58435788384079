"""What both ends of an MLLP connection share: cutting a stream into frames, limits, and closing.

This module owns the framing. TCP delivers a frame in any number of pieces, or several frames in one
piece; the frames come out the same. It counts what it sees by name. It touches a socket only to
close it, and refuses to know what a message says.
"""

import asyncio
import re
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

START, END = b"\x0b", b"\x1c"
CHUNK_BYTES = 1 << 16
HEAD_BYTES = 1 << 12  # kept of a frame that is too large: enough for its MSH
CLOSING_SECONDS = 2.0  # a peer has so long to take what was written; then we cut the connection
FRAME_BYTES = 5_000_000

# The first bytes of what comes outside a frame, for senders that will never send one.
STRANGERS = {
    "http": re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE|PRI) "),
    "tls": re.compile(rb"\x16\x03"),
    "unframed": re.compile(rb"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]"),
}
_LONGEST_STRANGER = 8
_NOISE = b"\r\n\t \x00" + END  # may come before them


class MllpError(ConnectionError):
    """The connection ended before the answer came, or the answer was no MLLP frame."""


class MllpFrame(NamedTuple):
    """The content of one frame. If the frame is too large: its beginning, and `whole` is False."""

    data: bytes
    whole: bool = True


class FrameReader:
    """Cuts a stream into frames. A frame begins at 0x0B and ends at the next 0x1C; a CR may follow.

    `counts` holds what was seen, by the names of `COUNTED` in `limits.py`. `partial` is True while
    a frame has begun and not ended. `stranger` is the name in `STRANGERS` of what came outside a
    frame and is no noise, "" if nothing did.
    """

    def __init__(self, frame_bytes: int) -> None:
        self.counts: Counter[str] = Counter()
        self.partial = False
        self.stranger = ""
        self._outside = b""  # the first bytes since the last frame
        self._most = frame_bytes
        self._buffer = bytearray()
        self._searched = 0
        self._discarding = False

    @property
    def held_bytes(self) -> int:
        """How many bytes of a frame wait here for its end."""
        return len(self._buffer)

    def feed(self, received: bytes) -> list[MllpFrame]:
        """The frames that these bytes complete, in order.

        A frame that is too large is handed out as soon as it passes the limit, before its end.
        """
        self._buffer += received
        frames: list[MllpFrame] = []
        while self._buffer and (self.partial or self._begin()):
            end = self._buffer.find(END, self._searched)
            length = end if end >= 0 else len(self._buffer)
            if length > self._most and not self._discarding:
                self.counts["frame_too_large"] += 1
                self._discarding = True
                frames.append(
                    MllpFrame(bytes(self._buffer[: min(length, HEAD_BYTES)]), whole=False)
                )
            if end < 0:
                self._wait_for_more()
                break
            if not self._discarding:
                with memoryview(self._buffer) as view:  # a slice of the buffer would be a copy more
                    data = bytes(view[:end])
                frames += self._complete(data)
            del self._buffer[: end + 1]
            self.partial = self._discarding = False
        return frames

    def _begin(self) -> bool:
        """Drop the bytes before the next frame; True if a frame begins."""
        start = self._buffer.find(START)
        between = self._buffer if start < 0 else self._buffer[:start]
        self.counts["bytes_between_frames"] += len(between.translate(None, b"\r\n"))
        if between and not self.stranger and len(self._outside) < _LONGEST_STRANGER:
            self._look_at(bytes(between))
        del self._buffer[: len(between) + 1]
        self._searched = 0
        self.partial = start >= 0
        if self.partial:
            self._outside = b""
        return self.partial

    def _look_at(self, between: bytes) -> None:
        """Note whether bytes outside frames begin like HTTP, TLS, or HL7 without a frame."""
        self._outside = (self._outside + between).lstrip(_NOISE)[:_LONGEST_STRANGER]
        for name, begins in STRANGERS.items():
            if begins.match(self._outside):
                self.stranger = name

    def _wait_for_more(self) -> None:
        if self._discarding:
            self._buffer.clear()
        self._searched = len(self._buffer)

    def _complete(self, data: bytes) -> list[MllpFrame]:
        """The frame. If a message begins a second time inside it, the half before that is dropped.

        This happens when a sender's connection breaks inside a proxy and the sender starts over.
        """
        anew = data.rfind(START + b"MSH")
        if anew >= 0:
            self.counts["frame_cut_off"] += 1
            data = data[anew + 1 :]
        self.counts["frame_complete" if data else "frame_empty"] += 1
        return [MllpFrame(data)] if data else []


async def close_writer(writer: asyncio.StreamWriter) -> None:
    """Close the connection after the written bytes have gone out.

    If the peer does not take them in CLOSING_SECONDS, cut the connection. A connection that closed
    by itself is not cut: Python 3.11.2 raises an AttributeError for a TLS transport that is gone.
    """
    writer.close()
    try:
        async with asyncio.timeout(CLOSING_SECONDS):
            await writer.wait_closed()
    except OSError:
        with suppress(AttributeError):
            writer.transport.abort()
