"""Claims about places: a host that opens silent sockets for ever keeps no true sender out.

The floods are real sockets, from addresses of loopback other than the sender's. The decision itself
is pure, so its cases are a table.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chargeline.mllp import telling
from chargeline.mllp.client import MllpClient
from chargeline.mllp.limits import COUNTED, MllpLimits, Peer
from chargeline.mllp.places import Admission, Tenure, admission
from chargeline.mllp.server import MllpServer
from chargeline.mllp.telling import Seldom
from tests.clock import PATIENCE_SECONDS, elapse
from tests.gateway import make_authority, make_certificate
from tests.mllp.test_mllp import HOST, until

FLOOD_HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
LIMITS = MllpLimits(connections=16, connections_of_address=8, handshakes=8)
FLOODING = 12  # tasks of each host: more than it may have places
MESSAGES = 50


async def acknowledge(content: bytes, _peer: Peer) -> bytes:
    return b"ok " + content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority `hospital`, and the certificates of `gateway` and `pharmacy`."""
    certificates = tmp_path_factory.mktemp("certificates")
    make_authority(certificates, "hospital")
    for name in ("gateway", "pharmacy"):
        make_certificate(certificates, name, "hospital")
    return certificates


def listening_context(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "hospital.pem")
    )
    context.load_cert_chain(folder / "gateway.pem", folder / "gateway.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def sending_context(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "hospital.pem"))
    context.load_cert_chain(folder / "pharmacy.pem", folder / "pharmacy.key")
    return context


@asynccontextmanager
async def serving(
    limits: MllpLimits = LIMITS, context: ssl.SSLContext | None = None
) -> AsyncIterator[MllpServer]:
    server = MllpServer(acknowledge, limits)
    await server.start(HOST, 0, context)
    try:
        yield server
    finally:
        await server.close(PATIENCE_SECONDS)


@asynccontextmanager
async def flooded(server: MllpServer, hosts: tuple[str, ...]) -> AsyncIterator[None]:
    """Each host opens socket after socket and says nothing, for as long as the context is open."""

    async def open_and_say_nothing(host: str) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(
                    HOST, server.port, local_addr=(host, 0)
                )
                try:
                    await reader.read()
                finally:
                    writer.close()
            await asyncio.sleep(0)

    flood = [
        asyncio.create_task(open_and_say_nothing(host)) for host in hosts for _ in range(FLOODING)
    ]
    try:
        yield
    finally:
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)


def turned_away(server: MllpServer) -> int:
    """How many connections were refused or gave way."""
    return sum(server.counts[name] for name in COUNTED if "refused" in name or "gave_way" in name)


async def connect(server: MllpServer, context: ssl.SSLContext | None = None) -> MllpClient:
    return await MllpClient.connect(
        HOST,
        server.port,
        ssl_context=context,
        server_name="gateway",
        answer_seconds=PATIENCE_SECONDS,
    )


async def let_in(server: MllpServer, context: ssl.SSLContext | None = None) -> MllpClient:
    """A connection on which a message was acknowledged; a sender tries until it has one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(OSError):
                client = await connect(server, context)
                assert await client.send(b"let in") == b"ok let in"
                return client


@pytest.mark.parametrize("hosts", [FLOOD_HOSTS[:1], FLOOD_HOSTS])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_flood_of_silent_sockets_keeps_no_sender_out(
    folder: Path, hosts: tuple[str, ...], tls: bool
) -> None:
    """A sender connects for each of 50 messages while one host, or three, open silent sockets: it
    is let in each time, and a connection that stays open is never cut.
    """
    context = listening_context(folder) if tls else None
    sending = sending_context(folder) if tls else None
    async with serving(context=context) as server:
        established = await connect(server, sending)
        assert await established.send(b"first") == b"ok first"
        async with flooded(server, hosts):
            await until(lambda: turned_away(server) > 2 * FLOODING)
            for number in range(MESSAGES):
                async with await let_in(server, sending) as client:
                    assert await client.send(b"%d" % number) == b"ok %d" % number
                assert await established.send(b"again") == b"ok again"
        await established.close()


async def test_a_sender_behind_the_address_of_a_flood_gets_in(folder: Path) -> None:
    """A flood comes from the sender's own address, such as that of a proxy: the sender tries again
    until it is let in, and then each message is acknowledged on that connection.
    """
    async with (
        serving(context=listening_context(folder)) as server,
        flooded(server, (HOST,)),
    ):
        await until(lambda: turned_away(server) > 2 * FLOODING)
        client = await let_in(server, sending_context(folder))
        for number in range(MESSAGES):
            assert await client.send(b"%d" % number) == b"ok %d" % number
        await client.close()


async def test_the_connection_that_was_silent_longest_gives_way() -> None:
    """With two places, a third sender comes after ten silent seconds of both: the first is closed
    and counted, the second still gets its answers.
    """
    async with serving(LIMITS._replace(connections=2)) as server:
        first, second = await connect(server), await connect(server)
        assert await first.send(b"1") == b"ok 1"
        assert await second.send(b"2") == b"ok 2"
        elapse(10)
        third = await connect(server)
        assert await third.send(b"3") == b"ok 3"
        with pytest.raises(OSError):
            await first.send(b"1")
        assert await second.send(b"2") == b"ok 2"
        assert server.counts["connection_gave_way"] == 1
        for client in (first, second, third):
            await client.close()


async def test_a_connection_with_a_message_in_hand_gives_way_to_nobody() -> None:
    """Its handler takes longer than ten seconds: a newcomer is refused, and the answer comes."""
    answered = asyncio.Event()

    async def slow(content: bytes, _peer: Peer) -> bytes:
        await answered.wait()
        return b"ok " + content

    server = MllpServer(slow, LIMITS._replace(connections=1))
    await server.start(HOST, 0)
    client = await connect(server)
    await client.write(b"slow")
    await until(lambda: server.counts["frame_complete"] == 1)
    elapse(60)
    other = await connect(server)
    with pytest.raises(OSError):
        await other.send(b"x")
    answered.set()
    assert await client.answer() == b"ok slow"
    assert server.counts["connection_refused"] == 1
    await client.close()
    await other.close()
    await server.close()


async def test_a_flood_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A hundred connections of one host beyond its most: one line says that it is refused, and one
    at the end how many there were.
    """
    async with serving(LIMITS._replace(connections_of_address=1)) as server:
        first = await connect(server)
        assert await first.send(b"x") == b"ok x"
        for _ in range(100):
            other = await connect(server)
            with pytest.raises(OSError):
                await other.send(b"x")
            await other.close()
        assert server.counts["connection_refused_address"] == 100
        await first.close()
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in said] == ["connection.refused"] * 2
    assert [vars(record)["count"] for record in said] == [1, 99]


async def test_the_sum_of_a_flood_comes_while_the_server_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the end of a while the log says how many lines it has left out, though nobody comes any
    more; after a while without any, the next one is said at once.
    """
    monkeypatch.setattr(telling, "ALIKE_SECONDS", 0.3)
    said: list[tuple[str, int]] = []
    seldom = Seldom(lambda event, keys: said.append((event, int(keys["count"]))))
    for _ in range(181):
        seldom.warn("connection.refused", host="192.0.2.1", port=1, reason="connection_unknown")
    assert said == [("connection.refused", 1)]
    await until(lambda: sum(count for _, count in said) == 181)
    await until(lambda: not seldom.waits)
    seldom.warn("connection.refused", host="192.0.2.1", port=1, reason="connection_unknown")
    seldom.end()
    assert [count for _, count in said] == [1, 180, 1]


def tenures(*given: Tenure) -> dict[object, Tenure]:
    return dict(enumerate(given))


@pytest.mark.parametrize(
    ("newcomer", "there", "decided"),
    [
        pytest.param(
            Tenure("a", "unheard", 100),
            [Tenure("b", "heard", 99)],
            Admission(),
            id="there is room",
        ),
        pytest.param(
            Tenure("a", "unheard", 100),
            [Tenure("b", "heard", 95), Tenure("b", "heard", 91)],
            Admission(refused="connection_refused"),
            id="both spoke in the last ten seconds",
        ),
        pytest.param(
            Tenure("a", "unheard", 100),
            [Tenure("b", "heard", 50), Tenure("b", "unheard", 98)],
            Admission((1,)),
            id="who never spoke goes before who did",
        ),
        pytest.param(
            Tenure("a", "unheard", 100),
            [Tenure("b", "heard", 50), Tenure("c", "heard", 60, busy=True)],
            Admission((0,)),
            id="who is busy stays",
        ),
        pytest.param(
            Tenure("a", "unheard", 100),
            [Tenure("b", "unheard", 99.9), Tenure("b", "unheard", 99.8)],
            Admission((1,)),
            id="silent ones of a host with more places go at once",
        ),
        pytest.param(
            Tenure("b", "unheard", 100),
            [Tenure("b", "unheard", 99.9), Tenure("b", "unheard", 99.8)],
            Admission(refused="connection_refused_address"),
            id="but not for a third of the same host",
        ),
        pytest.param(
            Tenure("a", "handshake", 100),
            [Tenure("b", "heard", 0), Tenure("c", "heard", 0)],
            Admission(),
            id="handshakes and senders have places of their own",
        ),
        pytest.param(
            Tenure("a", "handshake", 100),
            [Tenure("c", "handshake", 99.6)],
            Admission(refused="handshake_refused"),
            id="a handshake has half a second",
        ),
        pytest.param(
            Tenure("a", "handshake", 100),
            [Tenure("c", "handshake", 99.5)],
            Admission((0,)),
            id="and then gives way",
        ),
        pytest.param(
            Tenure("b", "unheard", 100),
            [Tenure("b", "unheard", 98), Tenure("b", "unheard", 97), Tenure("c", "heard", 0)],
            Admission((1, 0)),
            id="one leaves for the address and one for the place",
        ),
    ],
)
def test_who_gives_way_to_whom(newcomer: Tenure, there: list[Tenure], decided: Admission) -> None:
    """With two places of senders, two of an address and one for handshakes, at 100 seconds."""
    limits = MllpLimits(connections=2, connections_of_address=2, handshakes=1)
    assert admission(newcomer, tenures(*there), limits, 100) == decided
