"""The listening end of MLLP: HL7 messages come in over TCP or TLS, and answers go out in order.

This module owns the sockets: limits on size, time, number of connections and frames in flight, and
a close that answers what it has taken. It refuses to know what a message says; the handler that is
passed in gives the answer. A frame is a patient's record, so this module counts by name and logs
without content: the name of an event, and in `extra` only keys that `telemetry.logs` lets through.
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from chargeline.mllp.wire import (
    CHUNK_BYTES,
    END,
    FRAME_BYTES,
    START,
    FrameReader,
    MllpFrame,
    close_writer,
)

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0

# The names that a server counts by, and what each of them means.
COUNTED = {
    "connection_opened": "a sender connected",
    "connection_refused": "a sender connected beyond the most connections allowed",
    "handshake_failed": "a sender connected without TLS or without an accepted certificate",
    "connection_idle": "a connection was closed because nothing came",
    "connection_failed": "a connection was closed unanswered because the handler failed or hung up",
    "frame_complete": "a frame was received whole",
    "frame_too_large": "a frame was refused for its size",
    "frame_cut_off": "a frame whose end never came, or was begun anew before its end",
    "frame_empty": "a frame without content, as some senders keep a connection alive",
    "stranger_http": "a connection was closed because it spoke HTTP",
    "stranger_tls": "a connection was closed because it spoke TLS where none is set",
    "stranger_unframed": "a connection was closed because HL7 came without a frame",
    "bytes_between_frames": "bytes outside frames, other than line ends",
    "answer_sent": "an answer was written",
}


class Peer(NamedTuple):
    """The other end of a connection. `certificate` is the common name in its certificate, or ""."""

    host: str
    port: int
    certificate: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" + (f" ({self.certificate})" if self.certificate else "")


class MllpLimits(NamedTuple):
    """What a connection may take. At worst connections x (in_flight + 1) x frame_bytes are in
    memory: with these numbers 200 x 17 x 5 MB.

    idle_seconds: the longest time without a byte while nothing is in flight. frame_seconds: the
    longest time from the first byte of a frame to its last, and for the peer to take an answer.
    """

    frame_bytes: int = FRAME_BYTES
    idle_seconds: float = 900.0
    frame_seconds: float = 60.0
    connections: int = 200
    in_flight: int = 16


class HangUpError(Exception):
    """A handler raises this error when it can give no answer. The server closes the connection, so
    that the sender notices.
    """


Handler = Callable[[bytes, Peer], Awaitable[bytes | None]]
Refusal = Callable[[bytes, str, Peer], bytes | None]
Report = Callable[[str, int], None]
Answer = bytes | None | HangUpError


def _no_refusal(_head: bytes, _reason: str, _peer: Peer) -> bytes | None:
    return None


def _no_report(_name: str, _amount: int) -> None:
    return None


class MllpServer:
    """Listens, hands each frame to `handler`, and writes the answers in the order of the frames.

    Handlers of one connection start in the order of its frames and then run side by side, at most
    `limits.in_flight` of them. While so many run, the server reads no more from that connection, so
    a slow handler slows down its sender. If a handler returns None, the frame gets no answer. If a
    handler raises an error, the server closes the connection without an answer.

    `refusal` gives the answer to a frame that is too large, from its beginning and the reason; the
    server sends that answer and closes the connection. `report` is called for each count, with its
    name in `COUNTED`.
    """

    def __init__(
        self,
        handler: Handler,
        limits: MllpLimits | None = None,
        *,
        refusal: Refusal = _no_refusal,
        report: Report = _no_report,
    ) -> None:
        self.handler = handler
        self.limits = limits or MllpLimits()
        self.refusal = refusal
        self.counts: Counter[str] = Counter()
        self._report = report
        self._server: asyncio.Server | None = None
        self._ssl_context: ssl.SSLContext | None = None
        self._connections: dict[_Connection, asyncio.Task[None]] = {}

    async def start(self, host: str, port: int, ssl_context: ssl.SSLContext | None = None) -> None:
        """Listen. With port 0 the system chooses a free one, see `port`.

        Raises OSError if the address cannot be used.
        """
        assert self._server is None, "a server is started once"
        self._ssl_context = ssl_context
        self._server = await asyncio.start_server(self._accept, host, port)

    @property
    def port(self) -> int:
        """The port on which this server listens."""
        assert self._server is not None, "the server is started"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Accept no more connections, and answer frames that have begun to arrive.

        After `grace_seconds`, cut the connections that are left.
        """
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.stop()
        running = list(self._connections.values())
        if running:
            _, late = await asyncio.wait(running, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def count(self, name: str, amount: int = 1) -> None:
        """Count something that happened, by its name in `COUNTED`."""
        assert name in COUNTED, name
        if amount:
            self.counts[name] += amount
            self._report(name, amount)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():
            writer.transport.abort()
        elif len(self._connections) >= self.limits.connections:
            self.count("connection_refused")
            log.warning(
                "connection.refused", extra={"count": self.limits.connections, "reason": "too_many"}
            )
            writer.transport.abort()
        else:
            self.count("connection_opened")
            connection = _Connection(self, reader, writer, self._ssl_context)
            task = asyncio.create_task(connection.run())
            self._connections[connection] = task
            task.add_done_callback(lambda _: self._connections.pop(connection))


class _Connection:
    """One sender: a task reads its frames, a task writes its answers, handlers run in between."""

    def __init__(
        self,
        server: MllpServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self._server = server
        self._limits = server.limits
        self._reader = reader
        self._writer = writer
        self._ssl_context = ssl_context
        self._peer = _peer_of(writer)
        self._frames = FrameReader(server.limits.frame_bytes)
        self._slots = asyncio.Semaphore(server.limits.in_flight)
        self._answers: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue()
        self._in_flight = 0
        self._frame_since: float | None = None
        self._waiting: asyncio.Timeout | None = None
        self._stopping = False
        self._strangers_told = False

    @property
    def _whose(self) -> dict[str, object]:
        """The sender, in keys that a log may say."""
        return {"host": self._peer.host, "port": self._peer.port}

    def stop(self) -> None:
        """Read no more, except the rest of a frame that has begun. Frames in flight
        still get their answers.
        """
        self._stopping = True
        if self._waiting is not None and not self._frames.partial:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Serve the connection to its end. An error that comes out is a mistake of our own."""
        try:
            if self._ssl_context is not None:
                await self._shake_hands(self._ssl_context)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(group))
                group.create_task(self._write())
        except* HangUpError as reasons:
            self._server.count("connection_failed")
            log.error("connection.failed", extra=self._whose, exc_info=reasons.exceptions[0])
        except* OSError as reasons:
            error = type(reasons.exceptions[0]).__name__
            log.warning("connection.lost", extra={**self._whose, "error": error})
        finally:
            if self._frames.partial:
                self._server.count("frame_cut_off")
                log.warning("frame.cut_off", extra=self._whose)
            await close_writer(self._writer)

    async def _shake_hands(self, context: ssl.SSLContext) -> None:
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=HANDSHAKE_SECONDS)
        except OSError as error:
            self._server.count("handshake_failed")
            reason = getattr(error, "reason", None) or type(error).__name__
            log.warning("handshake.failed", extra={**self._whose, "reason": reason})
            raise
        self._peer = _peer_of(self._writer)

    # reading

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while (not self._stopping or self._frames.partial) and (data := await self._receive()):
            frames = self._feed(data)
            for frame in frames:
                if not frame.whole:
                    await self._refuse(frame.data, group)
                    return
                await self._slots.acquire()
                self._take(group.create_task(self._handle(frame.data)))
            if stranger := self._frames.stranger:  # it waits in vain for an answer
                self._server.count(f"stranger_{stranger}")
                log.warning("connection.stranger", extra={**self._whose, "reason": stranger})
                break
            self._start_clock(anew=bool(frames))
        self._answers.put_nowait(None)

    def _feed(self, data: bytes) -> list[MllpFrame]:
        frames = self._frames.feed(data)
        counts, self._frames.counts = self._frames.counts, Counter()
        for name, amount in counts.items():
            self._server.count(name, amount)
        if counts["bytes_between_frames"] and not self._strangers_told:
            self._strangers_told = True  # once: some senders send such bytes as a keep-alive
            extra = {**self._whose, "bytes": counts["bytes_between_frames"]}
            log.warning("frame.start_block_missing", extra=extra)
        return frames

    def _start_clock(self, *, anew: bool) -> None:
        """Note when a frame began that has not ended.

        The clock starts after the handlers have taken the frames before it: those may have waited
        for a free slot, and that time is not the sender's fault.
        """
        if not self._frames.partial:
            self._frame_since = None
        elif self._frame_since is None or anew:
            self._frame_since = asyncio.get_running_loop().time()

    def _take(self, answer: asyncio.Task[Answer]) -> None:
        self._in_flight += 1
        self._answers.put_nowait(answer)

    async def _receive(self) -> bytes:
        """The next bytes; none at the end of the stream, after the time allowed, or at a stop."""
        while True:
            waiting = self._waiting = asyncio.timeout_at(self._deadline())
            try:
                async with waiting:
                    return await self._reader.read(CHUNK_BYTES)
            except OSError:
                if not waiting.expired() or (self._stopping and not self._frames.partial):
                    # A connection that was cut in this direction may still take answers.
                    return b""
                if self._frames.partial or not self._in_flight:
                    self._server.count("connection_idle")
                    log.info("connection.idle", extra=self._whose)
                    return b""
            finally:
                self._waiting = None

    def _deadline(self) -> float:
        if self._frame_since is not None:
            return self._frame_since + self._limits.frame_seconds
        return asyncio.get_running_loop().time() + self._limits.idle_seconds

    async def _refuse(self, head: bytes, group: asyncio.TaskGroup) -> None:
        """Answer a frame that is too large, and end.

        The rest of the frame is read first: if we closed with bytes unread, the system would reset
        the connection, and the sender would lose the answer.
        """
        reason = f"expected a frame of at most {self._limits.frame_bytes} bytes, found a larger one"
        log.warning(
            "frame.too_large", extra={**self._whose, "reason": f"above_{self._limits.frame_bytes}"}
        )
        with suppress(OSError):
            async with asyncio.timeout(self._limits.frame_seconds):
                while self._frames.partial and (data := await self._reader.read(CHUNK_BYTES)):
                    self._frames.feed(data)
        self._frames = FrameReader(self._limits.frame_bytes)
        await self._slots.acquire()
        self._take(group.create_task(_given(self._server.refusal(head, reason, self._peer))))
        self._answers.put_nowait(None)

    # answering

    async def _handle(self, frame: bytes) -> Answer:
        """The answer, or the reason to hang up.

        The reason is returned and not raised, so that the answers to earlier frames go out first.
        """
        try:
            return await self._server.handler(frame, self._peer)
        except HangUpError as error:
            return error
        except Exception as error:  # this sender must notice any error, and other senders must not
            return HangUpError(
                f"the handler failed with {type(error).__name__} at {_innermost(error)}"
            )

    async def _write(self) -> None:
        while (answer := await self._answers.get()) is not None:
            content = await answer
            if isinstance(content, HangUpError):
                raise content
            if content is not None:
                async with asyncio.timeout(self._limits.frame_seconds):
                    self._writer.write(START + content + END + b"\r")
                    await self._writer.drain()
                self._server.count("answer_sent")
            self._in_flight -= 1
            self._slots.release()


async def _given(answer: Answer) -> Answer:
    return answer


def _innermost(error: BaseException) -> str:
    """Where an error arose. Its text is left out, since the text may quote a message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace else "an unknown place"
    )


def _peer_of(writer: asyncio.StreamWriter) -> Peer:
    host, port = (writer.get_extra_info("peername") or ("unknown", 0))[:2]
    certificate = writer.get_extra_info("peercert") or {}
    names = [
        value
        for part in certificate.get("subject", ())
        for key, value in part
        if key == "commonName"
    ]
    return Peer(str(host), int(port), names[0] if names else "")
