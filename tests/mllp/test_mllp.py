"""Claims about MLLP: each frame is handed over once, answered in order, and no sender can take too
much memory, time or connections.

This file plays senders with good and bad habits. Most frames are short texts, since MLLP
does not know HL7.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import hl7.mllp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeline.mllp.client import MllpClient
from chargeline.mllp.limits import HangUpError, MllpLimits, Peer
from chargeline.mllp.server import MllpServer
from chargeline.mllp.wire import END, START, FrameReader, MllpError, MllpFrame
from tests.clock import PATIENCE_SECONDS, elapse
from tests.hl7 import RAS

HOST = "127.0.0.1"
WHILE_SECONDS = 10  # a time limit that a test lets run out


def frame(content: bytes) -> bytes:
    return START + content + END + b"\r"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


class Ward:
    """A handler that remembers its frames and answers `ok <frame>`; it waits at a frame on hold."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.peers: list[Peer] = []
        self.held: dict[bytes, asyncio.Event] = {}

    def hold(self, name: bytes) -> asyncio.Event:
        return self.held.setdefault(name, asyncio.Event())

    async def __call__(self, content: bytes, peer: Peer) -> bytes | None:
        self.frames.append(content)
        self.peers.append(peer)
        if content in self.held:
            await self.held[content].wait()
        match content:
            case b"silent":
                return None
            case b"broken":
                raise RuntimeError("TESTPATIENT^ZEBRA")
            case b"hang up":
                raise HangUpError("nothing can be said")
        return b"ok " + content


def refusal(head: bytes, reason: str, _peer: Peer) -> bytes | None:
    return b"refused " + head[:4] + b": " + reason.encode()


@asynccontextmanager
async def serving(ward: Ward, **limits: float) -> AsyncIterator[MllpServer]:
    server = MllpServer(ward, MllpLimits()._replace(**limits), refusal=refusal)
    await server.start(HOST, 0)
    try:
        yield server
    finally:
        for event in ward.held.values():
            event.set()
        await server.close(PATIENCE_SECONDS)


@asynccontextmanager
async def connected(server: MllpServer) -> AsyncIterator[MllpClient]:
    async with await MllpClient.connect(
        HOST, server.port, answer_seconds=PATIENCE_SECONDS
    ) as client:
        yield client


@asynccontextmanager
async def raw(
    server: MllpServer,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection whose bytes the test writes itself."""
    reader, writer = await asyncio.open_connection(HOST, server.port, limit=1 << 22)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield reader, writer
    except BaseException:
        writer.transport.abort()  # what nobody reads would keep the test from ending
        raise
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def half_a_frame_is_there(server: MllpServer) -> bool:
    """Whether a connection waits for the rest of a frame."""
    return any(connection._frames.partial for connection in server._connections)


def unsent_bytes(connection: Any) -> int:
    """How many bytes of its answers a connection could not send yet."""
    size: int = connection._writer.transport.get_write_buffer_size()
    return size


def reset_on_close(writer: asyncio.StreamWriter) -> None:
    """Have the connection end with RST and not with FIN, as when a machine breaks off."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


async def answers(reader: asyncio.StreamReader, number: int) -> list[bytes]:
    return [(await reader.readuntil(END + b"\r"))[1:-2] for _ in range(number)]


# ------------------------------------------------------------------ frames in a stream


@given(
    contents=st.lists(
        st.binary(min_size=1).map(lambda b: b.replace(START, b"").replace(END, b"") + b".")
    ),
    chops=st.lists(st.integers(1, 7), min_size=1),
)
def test_however_a_stream_is_chopped_the_frames_are_the_same(
    contents: list[bytes], chops: list[int]
) -> None:
    """Every content comes out once, in order and unchanged, and nothing is left over."""
    reader = FrameReader(10_000)
    stream, at, frames = b"".join(map(frame, contents)), 0, []
    for step in range(len(stream)):
        size = chops[step % len(chops)]
        frames += reader.feed(stream[at : at + size])
        at += size
    assert frames == [MllpFrame(content) for content in contents]
    assert not reader.partial
    assert reader.counts["bytes_between_frames"] == 0


@pytest.mark.parametrize(
    ("stream", "counts"),
    [
        (b"\x00\x00" + frame(b"A") + b"PING" + frame(b"B"), {"bytes_between_frames": 6}),
        (frame(b"A") + b"\n\r\n" + frame(b"B"), {}),
        (START + b"A" + END + START + b"B" + END, {}),
        (frame(b"A") + frame(b"") + frame(b"B"), {"frame_empty": 1}),
        (frame(b"A") + END + b"\r" + frame(b"B"), {"bytes_between_frames": 1}),
        (frame(b"A") + b"no start block" + END + b"\r" + frame(b"B"), {"bytes_between_frames": 15}),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_stands_between_frames_is_counted_and_costs_no_frame(
    stream: bytes, counts: dict[str, int], whole: bool
) -> None:
    """Frames A and B come out, whatever stands between: keep-alive bytes, line feeds, an end block
    without CR, an empty frame, or text without a start block.
    """
    reader = FrameReader(100)
    pieces = [stream] if whole else [bytes([byte]) for byte in stream]
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    assert [frame.data for frame in frames] == [b"A", b"B"]
    assert +reader.counts == {"frame_complete": 2} | counts


def test_a_frame_that_is_begun_anew_before_its_end_leaves_the_second() -> None:
    """A sender whose connection broke inside a proxy starts over: the half is only counted."""
    reader = FrameReader(100)
    assert reader.feed(START + b"MSH|half" + frame(b"MSH|whole")) == [MllpFrame(b"MSH|whole")]
    assert reader.counts == {"frame_cut_off": 1, "frame_complete": 1, "bytes_between_frames": 0}


@pytest.mark.parametrize("whole", [True, False])
def test_a_frame_is_too_large_from_the_first_byte_beyond_the_limit(whole: bool) -> None:
    """100 bytes are a frame, 101 are not; the frame after it is one again."""
    stream = frame(b"a" * 100) + frame(b"b" * 101) + frame(b"c")
    reader = FrameReader(100)
    pieces = [stream] if whole else [bytes([byte]) for byte in stream]
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    assert frames == [MllpFrame(b"a" * 100), MllpFrame(b"b" * 101, whole=False), MllpFrame(b"c")]
    assert reader.counts["frame_too_large"] == 1


def test_a_frame_without_end_takes_no_more_memory_than_the_limit() -> None:
    """A million bytes without an end: the reader drops what comes after the limit of 1000."""
    reader = FrameReader(1000)
    reader.feed(START)
    for _ in range(1000):
        reader.feed(b"x" * 1000)
    assert len(reader._buffer) <= 1000
    assert reader.partial


# ------------------------------------------------------------------ senders


async def test_a_sender_may_write_byte_by_byte() -> None:
    """The bytes arrive one by one and are handed over as one frame."""
    ward = Ward()
    async with serving(ward) as server, raw(server) as (reader, writer):
        for byte in frame(RAS):
            writer.write(bytes([byte]))
            await writer.drain()
        assert await answers(reader, 1) == [b"ok " + RAS]
    assert ward.frames == [RAS]


async def test_half_a_frame_is_never_handed_over() -> None:
    """The sender disconnects within a frame: the half is no message, and is counted."""
    ward = Ward()
    async with serving(ward) as server:
        async with raw(server) as (_, writer):
            writer.write(frame(b"whole") + START + b"half")
            await writer.drain()
            await until(lambda: server.counts["frame_complete"] == 1)
        await until(lambda: server.connections == 0)
        assert server.counts["frame_cut_off"] == 1
    assert ward.frames == [b"whole"]


async def test_two_frames_in_one_segment_are_two_messages() -> None:
    """Both are answered, in order."""
    ward = Ward()
    async with serving(ward) as server, raw(server) as (reader, writer):
        writer.write(frame(b"first") + frame(b"second"))
        assert await answers(reader, 2) == [b"ok first", b"ok second"]


async def test_answers_keep_the_order_of_the_frames() -> None:
    """The first handler finishes last; its answer is still the first."""
    ward = Ward()
    release = ward.hold(b"first")
    async with serving(ward) as server, connected(server) as client:
        for content in (b"first", b"second", b"third"):
            await client.write(content)
        await until(lambda: len(ward.frames) == 3)
        release.set()
        assert [await client.answer() for _ in range(3)] == [b"ok first", b"ok second", b"ok third"]


async def test_a_sender_that_does_not_wait_is_bounded() -> None:
    """Of 20 frames 3 are in flight and 17 wait; all are answered in the end."""
    ward = Ward()
    release = ward.hold(b"x")
    async with serving(ward, in_flight=3) as server, connected(server) as client:
        for _ in range(20):
            await client.write(b"x")
        await until(lambda: len(ward.frames) == 3)
        async with connected(server) as other:
            await other.send(b"y")  # meanwhile the first connection could take more
        assert ward.frames.count(b"x") == 3
        release.set()
        assert [await client.answer() for _ in range(20)] == [b"ok x"] * 20


async def test_a_slow_handler_pushes_back_on_the_network() -> None:
    """While one handler is stuck, more than half of the sender's 64 MB stay with the sender."""
    ward = Ward()
    release = ward.hold(b"stuck")
    async with serving(ward, in_flight=1) as server, raw(server) as (reader, writer):
        writer.write(frame(b"stuck") + frame(b"x" * 1_000_000) * 64)
        await until(lambda: ward.frames == [b"stuck"])
        async with connected(server) as other:
            await other.send(b"y")
        assert writer.transport.get_write_buffer_size() > 32_000_000
        release.set()
        assert await answers(reader, 65) == [b"ok stuck"] + [b"ok " + b"x" * 1_000_000] * 64


async def test_a_handler_may_answer_nothing() -> None:
    """A frame without an answer is skipped: the next answer belongs to the next frame."""
    async with serving(Ward()) as server, connected(server) as client:
        await client.write(b"silent")
        assert await client.send(b"spoken") == b"ok spoken"


async def test_fifty_connections_at_once_are_all_served() -> None:
    """Each sends 20 messages and gets its own answers."""
    ward = Ward()
    async with serving(ward) as server:

        async def send(number: int) -> list[bytes]:
            async with connected(server) as client:
                messages = [b"%d/%d" % (number, count) for count in range(20)]
                return [answer async for answer in client.send_many(messages, in_flight=4)]

        got = await asyncio.gather(*(send(number) for number in range(50)))
    assert got == [[b"ok %d/%d" % (number, count) for count in range(20)] for number in range(50)]
    assert len(ward.frames) == 1000


async def test_a_connection_beyond_the_most_is_closed_at_once() -> None:
    """The refused connection is counted, the first one works on, and a place that becomes
    free can be taken.
    """
    async with serving(Ward(), connections=1) as server:
        async with connected(server) as first:
            await first.send(b"1")
            async with connected(server) as second:
                with pytest.raises(MllpError):
                    await second.send(b"2")
            assert await first.send(b"3") == b"ok 3"
            assert server.counts["connection_refused"] == 1
        await until(lambda: server.connections == 0)
        async with connected(server) as third:
            assert await third.send(b"4") == b"ok 4"


# ------------------------------------------------------------------ limits


async def test_a_frame_that_is_too_large_is_refused_with_its_reason_and_the_connection_closed() -> (
    None
):
    """The frame before it is answered first. The frame itself never reaches the handler, but the
    sender can write it to its end.
    """
    ward = Ward()
    async with serving(ward, frame_bytes=1000) as server, raw(server) as (reader, writer):
        writer.write(frame(b"small") + frame(b"MSH|" + b"x" * 30_000_000))
        assert await answers(reader, 2) == [
            b"ok small",
            b"refused MSH|: expected a frame of at most 1000 bytes, found a larger one",
        ]
        assert await reader.read() == b""
    assert ward.frames == [b"small"]
    assert server.counts["frame_too_large"] == 1


async def test_a_frame_without_end_is_refused_after_its_time() -> None:
    """A sender that never ends its frame cannot hold the connection open."""
    limits = {"frame_bytes": 10, "frame_seconds": WHILE_SECONDS}
    async with serving(Ward(), **limits) as server, raw(server) as (reader, writer):
        writer.write(START + b"x" * 100)
        await until(lambda: server.counts["frame_too_large"] == 1)
        elapse(WHILE_SECONDS)
        assert (await answers(reader, 1))[0].startswith(b"refused")
        assert await reader.read() == b""
        await until(lambda: server.connections == 0)
        assert server.counts == {"connection_opened": 1, "frame_too_large": 1, "answer_sent": 1}


@pytest.mark.parametrize(
    ("pieces", "stranger"),
    [
        ([b"GET /healthz HTTP/1.1\r\n"], "http"),
        ([b"PO", b"ST / HTTP/1.1\r\n"], "http"),
        ([bytes.fromhex("1603010200010001fc0303")], "tls"),
        ([RAS], "unframed"),
        ([b"\r\n", b"M", b"SH|^~\\&|MAR"], "unframed"),
        ([b"BHS|^~\\&|MAR|ZEBRA\r", RAS], "unframed"),
    ],
)
async def test_who_will_never_send_a_frame_is_told_so_at_once(
    pieces: list[bytes], stranger: str
) -> None:
    """The connection is closed and counted, long before it would be idle."""
    async with serving(Ward()) as server, raw(server) as (reader, writer):
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            assert await reader.read() == b""
        await until(lambda: server.connections == 0)
        assert (server.counts[f"stranger_{stranger}"], server.counts["connection_idle"]) == (1, 0)


async def test_a_frame_before_an_unframed_message_is_answered() -> None:
    """The message without a frame is not, and the connection is closed."""
    ward = Ward()
    async with serving(ward) as server, raw(server) as (reader, writer):
        writer.write(frame(b"first") + RAS + END + b"\r")
        assert await answers(reader, 1) == [b"ok first"]
        await until(lambda: server.connections == 0)
        assert server.counts["stranger_unframed"] == 1
    assert ward.frames == [b"first"]


async def test_an_idle_connection_is_closed() -> None:
    """One message is answered, then nothing comes: the server closes the connection."""
    async with serving(Ward(), idle_seconds=WHILE_SECONDS) as server, connected(server) as client:
        assert await client.send(b"one") == b"ok one"
        elapse(WHILE_SECONDS)
        with pytest.raises(MllpError):
            await client.answer()
        assert server.counts["connection_idle"] == 1


async def test_half_a_frame_may_not_take_longer_than_its_time() -> None:
    """A sender that begins a frame and does not end it in time is cut off."""
    async with (
        serving(Ward(), frame_seconds=WHILE_SECONDS) as server,
        raw(server) as (reader, writer),
    ):
        writer.write(START + b"half")
        await until(lambda: half_a_frame_is_there(server))
        elapse(WHILE_SECONDS)
        assert await reader.read() == b""
        await until(lambda: server.connections == 0)
        assert server.counts["frame_cut_off"] == 1


async def test_a_sender_that_waits_for_a_slow_answer_is_not_idle() -> None:
    """The connection stays open for five times the idle time while its frame is in flight."""
    ward = Ward()
    release = ward.hold(b"slow")
    async with serving(ward, idle_seconds=WHILE_SECONDS) as server, connected(server) as client:
        await client.write(b"slow")
        await until(lambda: ward.frames == [b"slow"])
        for _ in range(5):
            elapse(WHILE_SECONDS)
            await asyncio.sleep(0.01)  # let the timers go off
        assert server.counts["connection_idle"] == 0
        release.set()
        assert await client.answer() == b"ok slow"


async def test_half_a_frame_that_we_made_wait_is_not_late() -> None:
    """The frames before it were in flight for 20 seconds, twice what a frame may take. Its second
    half comes after that and is in time.
    """
    ward = Ward()
    release = ward.hold(b"first")
    async with (
        serving(ward, in_flight=1, frame_seconds=WHILE_SECONDS) as server,
        raw(server) as (reader, writer),
    ):
        writer.write(START + b"fir")
        await until(lambda: half_a_frame_is_there(server))
        writer.write(b"st" + END + frame(b"second") + START + b"thi")
        await until(lambda: ward.frames == [b"first"])
        elapse(2 * WHILE_SECONDS)
        await asyncio.sleep(0.01)  # let the timers go off
        release.set()
        assert await answers(reader, 2) == [b"ok first", b"ok second"]
        writer.write(b"rd" + END + b"\r")
        assert await answers(reader, 1) == [b"ok third"]


async def test_a_sender_that_takes_no_answers_is_cut_off() -> None:
    """The server closes the connection when an answer has waited for `frame_seconds`."""
    ward = Ward()
    async with serving(ward, frame_seconds=WHILE_SECONDS, frame_bytes=50_000_000) as server:
        async with raw(server) as (reader, writer):
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(frame(b"x" * 20_000_000))
            await until(lambda: any(unsent_bytes(one) for one in server._connections))
            elapse(WHILE_SECONDS)
            await until(lambda: server.connections == 0)
        assert server.counts["answer_sent"] == 0


# ------------------------------------------------------------------ failures


@pytest.mark.parametrize("name", [b"broken", b"hang up"])
async def test_a_handler_that_fails_closes_its_connection_only(
    name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The frame before it is answered, the frame at fault gets no answer, another sender is served,
    and the log shows no content.
    """
    async with serving(Ward()) as server, connected(server) as other:
        async with connected(server) as client:
            await client.write(b"before")
            await client.write(name)
            assert await client.answer() == b"ok before"
            with pytest.raises(MllpError):
                await client.answer()
        assert await other.send(b"x") == b"ok x"
        assert server.counts["connection_failed"] == 1
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "chargeline.mllp.server"
    assert "TESTPATIENT" not in caplog.text


async def test_a_sender_that_resets_the_connection_harms_nobody() -> None:
    """The handler of its message runs to its end, and the next sender is served."""
    ward = Ward()
    release = ward.hold(b"lost")
    async with serving(ward) as server:
        client = await MllpClient.connect(HOST, server.port)
        await client.write(b"lost")
        await until(lambda: ward.frames == [b"lost"])
        reset_on_close(client._writer)
        client._writer.transport.abort()
        await until(lambda: all(one._reader.exception() for one in server._connections))
        release.set()
        await until(lambda: server.connections == 0)
        async with connected(server) as other:
            assert await other.send(b"x") == b"ok x"


# ------------------------------------------------------------------ closing


async def test_closing_finishes_what_is_in_flight_and_accepts_no_more() -> None:
    """A message in flight is answered after the close has begun; then nobody listens."""
    ward = Ward()
    release = ward.hold(b"held")
    async with serving(ward) as server, connected(server) as client, connected(server) as idle:
        await idle.send(b"x")
        await client.write(b"held")
        await until(lambda: b"held" in ward.frames)
        port = server.port
        closing = asyncio.create_task(server.close(PATIENCE_SECONDS))
        with pytest.raises(MllpError):
            await idle.answer()  # the server closes an idle connection at once
        release.set()
        assert await client.answer() == b"ok held"
        await closing
        with pytest.raises(ConnectionRefusedError):
            await MllpClient.connect(HOST, port)


async def test_closing_lets_half_a_frame_arrive() -> None:
    """The second half comes during the grace: the frame is answered, then the connection ends."""
    ward = Ward()
    async with serving(ward) as server, raw(server) as (reader, writer):
        writer.write(frame(b"first") + START + b"sec")
        await answers(reader, 1)
        closing = asyncio.create_task(server.close(PATIENCE_SECONDS))
        await asyncio.sleep(0)  # let the close tell every connection to stop
        writer.write(b"ond" + END + b"\r")
        assert await answers(reader, 1) == [b"ok second"]
        assert await reader.read() == b""
        await closing


async def test_closing_takes_no_longer_than_the_grace() -> None:
    """A handler that never ends is cancelled, and its sender sees the connection close."""
    ward = Ward()
    ward.hold(b"forever")
    async with serving(ward) as server, connected(server) as client:
        await client.write(b"forever")
        await until(lambda: ward.frames == [b"forever"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await server.close(grace_seconds=0.01)
        assert server.connections == 0
        with pytest.raises(MllpError):
            await client.answer()


# ------------------------------------------------------------------ the client, and others' MLLP


async def test_python_hl7_as_sender_is_served() -> None:
    """The client of python-hl7 writes and reads the same frames as we do."""
    ward = Ward()
    async with serving(ward) as server:
        reader, writer = await hl7.mllp.open_hl7_connection(HOST, server.port)
        writer.writeblock(RAS)
        assert await reader.readblock() == b"ok " + RAS
        writer.close()
        await writer.wait_closed()


async def test_python_hl7_as_receiver_answers_our_client() -> None:
    """The server of python-hl7 reads our frames, and we read its answers."""

    async def serve(reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
        while not reader.at_eof():
            try:
                message = await reader.readmessage()
            except asyncio.IncompleteReadError:
                break
            writer.writemessage(message.create_ack())
            await writer.drain()
        writer.close()

    server = await hl7.mllp.start_hl7_server(serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with await MllpClient.connect(HOST, port) as client:
        got = [answer async for answer in client.send_many([RAS, RAS], in_flight=2)]
    server.close()
    numbers = [hl7.parse(answer.decode())["MSA"][0][2][0] for answer in got]
    assert numbers == ["MSG00001", "MSG00001"]


async def test_a_client_is_told_when_no_answer_comes_in_time() -> None:
    """The client waits for 0.02 seconds and not for ever."""
    async with serving(Ward()) as server:
        client = await MllpClient.connect(HOST, server.port, answer_seconds=0.02)
        with pytest.raises(TimeoutError):
            await client.send(b"silent")
        await client.close()


async def test_a_client_refuses_a_message_with_block_characters() -> None:
    """A receiver would cut such a message into two frames."""
    async with serving(Ward()) as server, connected(server) as client:
        with pytest.raises(ValueError, match="without MLLP frame"):
            await client.send(frame(b"x"))


async def test_each_count_is_reported_as_it_happens() -> None:
    """The amounts that `report` hears add up to the counts."""
    heard: list[tuple[str, int]] = []
    server = MllpServer(Ward(), report=lambda name, amount: heard.append((name, amount)))
    await server.start(HOST, 0)
    async with connected(server) as client:
        await client.send(b"x")
    await server.close()
    assert (
        dict(heard)
        == server.counts
        == {"connection_opened": 1, "frame_complete": 1, "answer_sent": 1}
    )
