"""One sender: a task reads its frames, a task writes its answers, handlers run in between.

This module owns the limits on size, time and frames in flight of a connection, and an end that
answers what it has taken. It refuses to know what a message says, and which other connections there
are. A frame is a patient's record, so this module counts by name and logs without content: the name
of an event, and in `extra` only keys that `telemetry.logs` lets through.
"""

import asyncio
import logging
import ssl
from collections import Counter
from contextlib import suppress
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Protocol

from chargeline.mllp.budget import Budget
from chargeline.mllp.limits import Handler, HangUpError, MllpLimits, Peer, Refusal
from chargeline.mllp.places import Stage, Tenure
from chargeline.mllp.telling import LINES, Seldom
from chargeline.mllp.wire import CHUNK_BYTES, END, START, FrameReader, MllpFrame, close_writer

log = logging.getLogger(LINES)

# Other kinds, such as a directory name, are no plain text.
_ALTERNATIVES = frozenset({"DNS", "URI", "email", "IP Address"})
UNKNOWN_HOST = "unknown"  # of a connection that was gone before it was accepted

Answer = bytes | None | HangUpError


class Listener(Protocol):
    """What a connection needs of the server that accepted it."""

    handler: Handler
    refusal: Refusal
    limits: MllpLimits
    seldom: Seldom
    budget: Budget

    def count(self, name: str, amount: int = 1) -> None:
        """Count something that happened, by its name in `limits.COUNTED`."""


class SenderConnection:
    """One sender, from its handshake to its end. `tenure` says how it holds its place."""

    def __init__(
        self,
        server: Listener,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stage: Stage,
    ) -> None:
        self._server = server
        self._limits = server.limits
        self._reader = reader
        self._writer = writer
        self._peer = _peer_of(writer)
        self._stage: Stage = stage
        self._since = asyncio.get_running_loop().time()
        self._frames = FrameReader(server.limits.frame_bytes)
        self._slots = asyncio.Semaphore(server.limits.in_flight)
        self._answers: asyncio.Queue[tuple[asyncio.Task[Answer], int] | None] = asyncio.Queue()
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._held_up = False  # we read no further, so its silence is not its fault
        self._frame_since: float | None = None
        self._waiting: asyncio.Timeout | None = None
        self._stopping = False
        self._strangers_told = False

    @property
    def tenure(self) -> Tenure:
        """How this connection holds its place now."""
        host = _counted_as(self._peer.host)
        busy = self._in_flight > 0 or self._held_up
        return Tenure(host, self._stage, self._since, busy=busy)

    @property
    def peer(self) -> Peer:
        """The other end; its certificate is told after the handshake."""
        return self._peer

    @property
    def _whose(self) -> dict[str, object]:
        """The sender, in keys that a log may say."""
        return {"host": self._peer.host, "port": self._peer.port}

    def cut(self) -> None:
        """Close the connection at once. What was written and not taken is lost."""
        self._writer.transport.abort()

    def stop(self) -> None:
        """Read no more, except the rest of a frame that has begun. Frames in flight
        still get their answers.
        """
        self._stopping = True
        self._server.budget.wake()
        if self._waiting is not None and not self._frames.partial:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def shake_hands(self, context: ssl.SSLContext) -> bool:
        """Agree on TLS; returns whether that succeeded. Else the connection is cut."""
        agreed = False
        try:
            await self._writer.start_tls(
                context, ssl_handshake_timeout=self._limits.handshake_seconds
            )
            agreed = True
        except OSError as error:
            self._server.count("handshake_failed")
            reason = getattr(error, "reason", None) or type(error).__name__
            host, port = self._peer.host, self._peer.port
            self._server.seldom.warn("handshake.failed", host=host, port=port, reason=reason)
        finally:
            if not agreed:
                self.cut()
        self._peer = _peer_of(self._writer)
        return agreed

    def take_place(self) -> None:
        """Note that the handshake has ended and the connection has a place of a sender."""
        self._stage, self._since = "unheard", asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Serve the connection to its end. An error that comes out is a mistake of our own."""
        try:
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
            self._server.budget.hold(self, 0)
            await close_writer(self._writer)

    # reading

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while (not self._stopping or self._frames.partial) and (data := await self._receive()):
            frames = self._feed(data)
            for frame in frames:
                if not frame.whole:
                    await self._refuse(frame.data, group)
                    return
                await self._slots.acquire()
                self._take(group.create_task(self._handle(frame.data)), len(frame.data))
            self._hold()
            if stranger := self._frames.stranger:  # it waits in vain for an answer
                self._server.count(f"stranger_{stranger}")
                log.warning("connection.stranger", extra={**self._whose, "reason": stranger})
                break
            self._start_clock(anew=bool(frames))
        self._answers.put_nowait(None)

    def _feed(self, data: bytes) -> list[MllpFrame]:
        self._stage, self._since = "heard", asyncio.get_running_loop().time()
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

    def _take(self, answer: asyncio.Task[Answer], frame_bytes: int) -> None:
        self._in_flight += 1
        self._in_flight_bytes += frame_bytes
        self._answers.put_nowait((answer, frame_bytes))

    def _hold(self) -> None:
        """Tell the budget what this connection holds now."""
        self._server.budget.hold(self, self._frames.held_bytes + self._in_flight_bytes)

    async def _wait_for_room(self) -> None:
        """Wait while the frames of all connections take more than they may.

        The time of a half frame stands still meanwhile, since the sender is not at fault.
        """
        budget, time = self._server.budget, asyncio.get_running_loop().time
        began = time()
        while not budget.may_read(self) and (not self._stopping or self._frames.partial):
            self._held_up = True
            await budget.changed()
        self._held_up = False
        if self._frame_since is not None:
            self._frame_since += time() - began

    async def _receive(self) -> bytes:
        """The next bytes; none at the end of the stream, after the time allowed, or at a stop."""
        await self._wait_for_room()
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
        self._hold()
        self._take(group.create_task(_given(self._server.refusal(head, reason, self._peer))), 0)
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
        while (taken := await self._answers.get()) is not None:
            answer, frame_bytes = taken
            content = await answer
            if isinstance(content, HangUpError):
                raise content
            if content is not None:
                async with asyncio.timeout(self._limits.frame_seconds):
                    self._writer.write(START + content + END + b"\r")
                    await self._writer.drain()
                self._server.count("answer_sent")
            self._in_flight -= 1
            self._in_flight_bytes -= frame_bytes
            self._hold()
            self._slots.release()


def _counted_as(host: str) -> str:
    """The address that a host's connections are counted by: of IPv6 the network of 64 bits, since
    one host may have all addresses of it.
    """
    address = ip_address(host.partition("%")[0]) if host != UNKNOWN_HOST else None
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))
    return host


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
    host, port = (writer.get_extra_info("peername") or (UNKNOWN_HOST, 0))[:2]
    certificate = writer.get_extra_info("peercert") or {}
    names = [
        value
        for part in certificate.get("subject", ())
        for key, value in part
        if key == "commonName"
    ]
    alternatives = [
        value for kind, value in certificate.get("subjectAltName", ()) if kind in _ALTERNATIVES
    ]
    number = certificate.get("serialNumber")
    return Peer(
        str(host),
        int(port),
        certificate=names[0] if names else "",
        names=tuple(names + alternatives),
        serial=int(number, 16) if number else None,
    )
