"""Claims about the budget of bytes: it holds for all connections, and nobody gets an error.

The senders are real sockets. A handler that waits shows what is in hand at its time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from chargeline.mllp.budget import BYTES_FOR_A_BYTE, Budget
from chargeline.mllp.client import MllpClient
from chargeline.mllp.connection import SenderConnection
from chargeline.mllp.limits import MllpLimits, Peer
from chargeline.mllp.server import MllpServer
from chargeline.mllp.wire import CHUNK_BYTES, END, START
from tests.clock import PATIENCE_SECONDS, elapse
from tests.mllp.test_mllp import HOST, answers, frame, raw, until

SENDERS = 12
FRAME_BYTES = 1_000_000
BUDGET = 2 * BYTES_FOR_A_BYTE * FRAME_BYTES  # for two frames of the twelve
# What may come on top: the frame of the one that may go on, and what each has read at once.
BEYOND = BYTES_FOR_A_BYTE * (FRAME_BYTES + SENDERS * 2 * CHUNK_BYTES)


class Ledger:
    """A handler that waits until it is opened, and notes the most that was held meanwhile."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.taken = 0
        self.most = 0
        self.server: MllpServer | None = None

    async def __call__(self, content: bytes, _peer: Peer) -> bytes:
        assert self.server is not None
        self.taken += 1
        await self.opened.wait()
        await asyncio.sleep(0)
        self.most = max(self.most, self.server.budget.used)
        return b"ok %d" % len(content)


@asynccontextmanager
async def serving(
    ledger: Ledger, memory_bytes: int = BUDGET, **limits: float
) -> AsyncIterator[MllpServer]:
    all_limits = MllpLimits(frame_bytes=FRAME_BYTES, memory_bytes=memory_bytes, in_flight=4)
    ledger.server = server = MllpServer(ledger, all_limits._replace(**limits))
    await server.start(HOST, 0)
    try:
        yield server
    finally:
        ledger.opened.set()
        await server.close(PATIENCE_SECONDS)


def all_of(server: MllpServer) -> list[SenderConnection]:
    return list(server._connections)


async def stands_still(state: Callable[[], object]) -> None:
    """Wait until a state no longer changes for many turns of the loop."""
    for _ in range(3):
        before = None
        while before != state():
            before = state()
            for _ in range(200):
                await asyncio.sleep(0.0005)


async def test_frames_of_all_senders_take_no_more_than_the_budget() -> None:
    """Twelve senders write a frame of 1 MB each at once; the budget is for two. While the store is
    stuck, some wait unread; then all are acknowledged, and nothing is held any more.
    """
    ledger = Ledger()
    async with serving(ledger) as server, AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                await MllpClient.connect(HOST, server.port, answer_seconds=PATIENCE_SECONDS)
            )
            for _ in range(SENDERS)
        ]
        sending = [asyncio.create_task(client.send(b"x" * FRAME_BYTES)) for client in clients]
        await until(lambda: server.budget.used >= BUDGET)
        await stands_still(lambda: (server.budget.used, ledger.taken))
        assert ledger.taken < SENDERS
        assert server.budget.used <= BUDGET + BEYOND
        ledger.opened.set()
        assert await asyncio.gather(*sending) == [b"ok 1000000"] * SENDERS
        await until(lambda: server.budget.used == 0)
    assert ledger.most <= BUDGET + BEYOND
    assert "connection_failed" not in server.counts


async def test_half_frames_do_not_wait_for_each_other_for_ever() -> None:
    """Twelve half frames use up the budget, and none is whole: each is read to its end, one after
    the other, and acknowledged.
    """
    ledger = Ledger()
    ledger.opened.set()
    async with serving(ledger, BYTES_FOR_A_BYTE * FRAME_BYTES) as server, AsyncExitStack() as stack:
        ends = [await stack.enter_async_context(raw(server)) for _ in range(SENDERS)]
        for _reader, writer in ends:
            writer.write(START + b"x" * (FRAME_BYTES // 2))
        await until(lambda: server.budget.used >= server.budget.most)
        for _reader, writer in ends:
            writer.write(b"x" * (FRAME_BYTES // 2) + END + b"\r")
        for reader, _writer in ends:
            assert await answers(reader, 1) == [b"ok 1000000"]
        await until(lambda: server.budget.used == 0)


async def test_a_half_frame_that_the_budget_made_wait_is_not_late() -> None:
    """Its second half is read after five times what a frame may take, when the store takes messages
    again; it is acknowledged.
    """
    ledger = Ledger()
    async with (
        serving(ledger, 40, frame_seconds=10) as server,
        raw(server) as late,
        raw(server) as first,
        raw(server) as second,
    ):
        late[1].write(START + b"l")
        await until(lambda: server.budget.used == BYTES_FOR_A_BYTE)
        first[1].write(frame(b"first frame"))
        await until(lambda: ledger.taken == 1)
        second[1].write(frame(b"goes on"))
        await until(lambda: ledger.taken == 2)
        late[1].write(b"at")
        await until(
            lambda: any(one._held_up and one._frames.partial for one in server._connections)
        )
        elapse(50)
        await asyncio.sleep(0.01)  # let the timers go off
        late[1].write(b"e" + END + b"\r")
        ledger.opened.set()
        for reader, _writer in (first, second, late):
            assert (await answers(reader, 1))[0].startswith(b"ok")
        assert server.counts["connection_idle"] == 0


async def test_a_connection_that_ends_gives_its_bytes_back() -> None:
    """Half a frame whose sender goes away is held no longer."""
    ledger = Ledger()
    async with serving(ledger) as server:
        async with raw(server) as (_reader, writer):
            writer.write(START + b"x" * 1000)
            await until(lambda: server.budget.used == 1000 * BYTES_FOR_A_BYTE)
        await until(lambda: server.budget.used == 0)


async def test_closing_does_not_wait_for_who_may_not_read() -> None:
    """A connection that waits for room and has no half frame ends when the server closes."""
    ledger = Ledger()
    async with serving(ledger, 1) as server, raw(server) as first, raw(server) as second:
        first[1].write(frame(b"first"))
        await until(lambda: ledger.taken == 1)
        await until(lambda: server.connections == 2)
        closing = asyncio.create_task(server.close(PATIENCE_SECONDS))
        assert await second[0].read() == b""
        ledger.opened.set()
        assert await answers(first[0], 1) == [b"ok 5"]
        await closing


@pytest.mark.parametrize("held", [0, 1])
def test_only_one_goes_on_when_all_is_used_up(held: int) -> None:
    """The one that goes on keeps its turn until it holds nothing; then it is the next one's."""
    budget = Budget(BYTES_FOR_A_BYTE * 10)
    budget.hold("full", 10)
    budget.hold("first", held)
    assert [budget.may_read(who) for who in ("first", "second", "first")] == [True, False, True]
    budget.hold("first", 5)
    assert not budget.may_read("second")
    budget.hold("first", 0)
    assert budget.may_read("second")
    budget.hold("full", 0)
    assert budget.may_read("third")
