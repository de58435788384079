"""Claims about who may send what by the file of senders, and about the file while it changes."""

import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from chargeline.gateway.permission import REFUSALS, SenderList, Senders
from chargeline.gateway.program import senders_of
from chargeline.gateway.server import Gateway
from chargeline.gateway.tls import LOOK_SECONDS, TlsFiles
from chargeline.hl7.acknowledge import salvaged_header
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.mllp.client import MllpClient
from chargeline.mllp.limits import Peer
from chargeline.published.inbound import INTERFACE
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.settings import Settings
from chargeline.settings.senders import AllowedSender, SendersError
from tests.clock import PATIENCE_SECONDS, elapse
from tests.gateway import (
    HOST,
    MemoryStore,
    connected,
    make_authority,
    make_certificate,
    profile,
    settings,
    until,
)
from tests.hl7 import RAS, with_header
from tests.telemetry.test_logs import lines, out

__all__ = ["out"]  # a fixture

OURS = f'[[sender]]\nname = "mar"\naddresses = ["{HOST}"]\n'
OTHERS = '[[sender]]\nname = "mar"\naddresses = ["192.0.2.1"]\n'
FACILITY = read_message(RAS).value("MSH-4")


@asynccontextmanager
async def listening(
    path: Path, text: str, store: MemoryStore, **given: object
) -> AsyncIterator[Gateway]:
    """A gateway with this file of senders."""
    path.write_text(text)
    tls = given.get("tls")
    authorities = tls.authorities if isinstance(tls, TlsFiles) else None
    values = Settings.model_construct(senders=path, rules=None, mllp_tls_client_ca_file=authorities)
    gateway = Gateway(store, profile(), settings(**given), senders=senders_of(values, profile()))
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "senders.toml"


async def answer(gateway: Gateway, message: bytes) -> str:
    async with connected(gateway) as client:
        return read_message(await client.send(message)).value("MSA-1") or ""


async def test_without_a_file_every_sender_may_send_all() -> None:
    """As before there was one."""
    senders = Senders(profile())
    assert senders.knows(Peer(HOST, 1))
    assert senders.permit(Peer(HOST, 1), salvaged_header(RAS)).refused == ""


async def test_a_sender_of_the_file_is_served_by_its_interface(path: Path) -> None:
    """The message is stored with the name of the profile that the file gives this sender."""
    store = MemoryStore()
    async with listening(path, OURS + 'interface = "action-stream"\n', store) as gateway:
        assert await answer(gateway, RAS) == "AA"
    assert [message.headers[INTERFACE] for message in store.kept] == ["action-stream"]


async def test_a_connection_that_nothing_identifies_is_refused(
    path: Path, out: io.StringIO
) -> None:
    """It is cut off before it can send, counted and logged with its host."""
    store = MemoryStore()
    async with listening(path, OTHERS, store) as gateway:
        with pytest.raises(ConnectionError):
            await answer(gateway, RAS)
        await until(lambda: gateway.counts["connection_unknown"] == 1)
        assert gateway.server.connections == 0
    assert store.kept == []
    (said,) = [line for line in lines(out) if line["event"] == "connection.refused"]
    assert (said["host"], said["reason"]) == (HOST, "connection_unknown")


@pytest.mark.parametrize(
    ("allowed", "message", "reason"),
    [
        ('applications = ["GIRAFFE"]', RAS, "application_not_allowed"),
        ('facilities = ["GIRAFFE"]', RAS, "facility_not_allowed"),
        ('types = ["ADT"]', RAS, "type_not_allowed"),
        ('processing_ids = ["P"]', with_header(MSH_11="D"), "processing_id_not_allowed"),
    ],
)
async def test_what_a_sender_may_not_send_is_rejected_and_counted(
    path: Path, allowed: str, message: bytes, reason: str
) -> None:
    """AR with the field of MSH; nothing is stored, and the reason is counted."""
    store = MemoryStore()
    async with listening(path, f"{OURS}{allowed}\n", store) as gateway:
        async with connected(gateway) as client:
            told = read_message(await client.send(message))
        assert gateway.counts[reason] == 1
        assert gateway.counts["message_stored"] == 0
    assert told.value("MSA-1") == "AR"
    assert told.value("ERR-3.1") == REFUSALS[reason].code
    assert store.kept == []


async def test_what_a_sender_may_send_is_taken(path: Path) -> None:
    """All three lists name what comes, beside something else."""
    store = MemoryStore()
    lists = f'facilities = ["A", "{FACILITY}"]\ntypes = ["ADT", "RAS"]\nprocessing_ids = ["P"]\n'
    async with listening(path, OURS + lists, store) as gateway:
        assert await answer(gateway, with_header(MSH_11="P")) == "AA"
    assert len(store.kept) == 1


async def test_one_of_several_senders_behind_an_address_may_send(path: Path) -> None:
    """Behind one proxy: each message is judged by the senders that may be meant."""
    store = MemoryStore()
    other = f'[[sender]]\nname = "adt"\naddresses = ["{HOST}"]\ntypes = ["RAS"]\n'
    async with listening(path, f'{OURS}types = ["ADT"]\n{other}', store) as gateway:
        assert await answer(gateway, RAS) == "AA"


@pytest.mark.parametrize("asked", [True, False])
async def test_a_new_file_counts_for_connections_that_are_open(path: Path, asked: bool) -> None:
    """Read again at SIGHUP, or ten seconds after it changed: the next message gets AR."""
    async with listening(path, OURS, MemoryStore()) as gateway, connected(gateway) as client:
        assert read_message(await client.send(RAS)).value("MSA-1") == "AA"
        path.write_text(OTHERS)
        if asked:
            gateway.look(asked=True)
        else:
            elapse(LOOK_SECONDS)
            await until(lambda: not gateway.senders.knows(Peer(HOST, 1)))
        assert read_message(await client.send(RAS)).value("MSA-1") == "AR"
        assert gateway.counts["unknown_sender"] == 1


async def test_a_file_with_mistakes_leaves_the_one_before_in_force(
    path: Path, out: io.StringIO
) -> None:
    """It is logged in words, and senders are served as before."""
    async with listening(path, OURS, MemoryStore()) as gateway:
        path.write_text("[[sender]]\n")
        gateway.look()
        assert await answer(gateway, RAS) == "AA"
    (said,) = [line for line in lines(out) if line["event"] == "senders.refused"]
    assert "sender 1: expected a name" in said["says"]


async def test_a_file_with_mistakes_ends_the_start(path: Path) -> None:
    """Nobody is let in by a file that nobody can read."""
    with pytest.raises(SendersError, match="expected certificate or addresses"):
        async with listening(path, '[[sender]]\nname = "mar"\n', MemoryStore()):
            pass


DIRECTORY = "dirName:place,URI:urn:pharmacy\n[place]\nCN=pharmacy"


@pytest.mark.parametrize(
    ("name", "alternative", "served"),
    [
        ("pharmacy", "DNS:other", True),
        ("canteen", "DNS:other,DNS:pharmacy", True),
        ("canteen", "", False),
        ("canteen", DIRECTORY, False),
    ],
)
async def test_a_certificate_of_the_authority_is_not_enough(
    path: Path, name: str, alternative: str, served: bool
) -> None:
    """The file names one sender. Its common name or an alternative one must be that; else it is cut
    off, also with a name that is no plain text.
    """
    folder = path.parent
    make_authority(folder, "hospital")
    make_certificate(folder, "gateway", "hospital")
    make_certificate(folder, name, "hospital", alternative=alternative)
    files = TlsFiles(folder / "gateway.pem", folder / "gateway.key", folder / "hospital.pem")
    store = MemoryStore()
    text = '[[sender]]\nname = "mar"\ncertificate = "PHARMACY"\n'
    async with listening(path, text, store, tls=files) as gateway:
        context = client_context(folder, name)
        try:
            async with await MllpClient.connect(
                HOST,
                gateway.server.port,
                ssl_context=context,
                server_name="gateway",
                answer_seconds=PATIENCE_SECONDS,
            ) as client:
                await client.send(RAS)
        except ConnectionError:
            await until(lambda: gateway.counts["connection_unknown"] == 1)
    assert len(store.kept) == served
    assert (gateway.counts["connection_unknown"] == 0) == served


def client_context(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / "hospital.pem")
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def test_a_sender_is_known_by_any_name_of_its_certificate_and_by_its_network() -> None:
    """Both must fit where both are given. An IPv4 address in the form of IPv6 is the same."""
    sender = AllowedSender(
        name="mar", certificate="mar.example", addresses=(ip_network("192.0.2.0/24"),)
    )
    senders = Senders(profile(), Path("/nowhere"), lambda: SenderList((sender,), {}))
    senders.first()
    names = ("pharmacy", "MAR.example")
    assert senders.knows(Peer("192.0.2.7", 1, "pharmacy", names))
    assert senders.knows(Peer("::ffff:192.0.2.7", 1, "pharmacy", names))
    assert not senders.knows(Peer("192.0.3.7", 1, "pharmacy", names))
    assert not senders.knows(Peer("192.0.2.7", 1, "pharmacy", ("pharmacy",)))
    assert not senders.knows(Peer("unknown", 0, "pharmacy", names))


async def test_the_facility_that_the_interface_reads_must_be_allowed_too(path: Path) -> None:
    """An interface that takes the facility from MSH-6: MSH-4 is allowed, and that one is not."""
    table = read_interface(rules_directory(), "standard") | {"facility": ["MSH-6"]}
    sender = AllowedSender(
        name="mar", addresses=(ip_network(HOST),), facilities=frozenset({FACILITY or ""})
    )
    elsewhere = make_profile(table)
    senders = Senders(elsewhere, path, lambda: SenderList((sender,), {}))
    store = MemoryStore()
    gateway = Gateway(store, elsewhere, settings(), senders=senders)
    await gateway.start()
    try:
        assert await answer(gateway, with_header(MSH_6="GIRAFFE")) == "AR"
        assert await answer(gateway, with_header(MSH_6=FACILITY or "")) == "AA"
    finally:
        await gateway.close()
    assert gateway.counts["facility_not_allowed"] == 1


def test_a_message_is_of_the_sender_by_its_name_in_the_file() -> None:
    """The label of the metrics. Without a file it is the name of the interface, and whom the file
    does not know has none.
    """
    sender = AllowedSender(name="mar", addresses=(ip_network("192.0.2.0/24"),))
    senders = Senders(profile(), Path("/nowhere"), lambda: SenderList((sender,), {}))
    senders.first()
    header = salvaged_header(RAS)
    assert senders.permit(Peer("192.0.2.7", 1), header).sender == "mar"
    assert senders.permit(Peer("192.0.3.7", 1), header).sender == ""
    assert Senders(profile()).permit(Peer(HOST, 1), header).sender == profile().name
