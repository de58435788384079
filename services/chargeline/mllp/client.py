"""The sending end of MLLP: messages go out, and their answers come in the same order.

This module owns one connection. The tests and the bench send with it. It refuses to know what a
message says, so that it can carry any.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from chargeline.mllp.wire import (
    CHUNK_BYTES,
    END,
    FRAME_BYTES,
    START,
    FrameReader,
    MllpError,
    close_writer,
)


class MllpClient:
    """Sends messages and awaits their answers.

    Use it as `async with await MllpClient.connect(…)`.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer_seconds: float = 30.0,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer_seconds = answer_seconds
        self._frames = FrameReader(FRAME_BYTES)
        self._received: deque[bytes] = deque()

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        server_name: str | None = None,
        answer_seconds: float = 30.0,
    ) -> Self:
        """Connect. `server_name` is the name in the server's certificate, if not `host`.

        Raises OSError.
        """
        name = (server_name or host) if ssl_context is not None else None
        reader, writer = await asyncio.open_connection(
            host, port, ssl=ssl_context, server_hostname=name
        )
        return cls(reader, writer, answer_seconds)

    async def send(self, message: bytes) -> bytes:
        """Send one message and return its answer.

        Raises MllpError, or TimeoutError if no answer comes in time.
        """
        await self.write(message)
        return await self.answer()

    async def send_many(
        self, messages: Iterable[bytes], in_flight: int = 1
    ) -> AsyncIterator[bytes]:
        """Send messages, at most `in_flight` unanswered at once; yields the answers in order."""
        waiting = 0
        for message in messages:
            if waiting >= in_flight:
                yield await self.answer()
                waiting -= 1
            await self.write(message)
            waiting += 1
        for _ in range(waiting):
            yield await self.answer()

    async def write(self, message: bytes) -> None:
        """Send one message without awaiting its answer. Raises MllpError."""
        if START in message or END in message:
            raise ValueError(
                "expected a message without MLLP frame, found a start or end block in it"
            )
        try:
            self._writer.write(START + message + END + b"\r")
            await self._writer.drain()
        except ConnectionError as error:
            raise MllpError("the connection was closed while a message was sent") from error

    async def answer(self) -> bytes:
        """The next answer. Raises MllpError, or TimeoutError if no answer comes in time."""
        async with asyncio.timeout(self._answer_seconds):
            while not self._received:
                try:
                    data = await self._reader.read(CHUNK_BYTES)
                except ConnectionError as error:
                    raise MllpError("the connection was cut before the answer came") from error
                if not data:
                    raise MllpError("the connection was closed before the answer came")
                self._received += [frame.data for frame in self._frames.feed(data)]
        return self._received.popleft()

    async def close(self) -> None:
        """Close the connection. Answers that nobody has awaited are lost."""
        await close_writer(self._writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()
