"""Claims about TLS: who may connect, and that a refusal is counted and logged.

The tests make their certificates with openssl.
"""

import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chargeline.gateway.server import Gateway
from chargeline.gateway.tls import tls_context
from chargeline.hl7.reader import read_message
from chargeline.mllp.client import MllpClient
from tests.clock import PATIENCE_SECONDS
from tests.gateway import (
    HOST,
    MemoryStore,
    make_authority,
    make_certificate,
    running,
    until,
)
from tests.hl7 import RAS
from tests.telemetry.test_logs import lines, out

__all__ = ["out"]  # a fixture

REFUSED = (ConnectionError, ssl.SSLError)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities: `hospital` has signed `gateway` and `pharmacy`,
    `elsewhere` has signed `stranger`.
    """
    certificates = tmp_path_factory.mktemp("certificates")
    for authority in ("hospital", "elsewhere"):
        make_authority(certificates, authority)
    for name, authority in (
        ("gateway", "hospital"),
        ("pharmacy", "hospital"),
        ("stranger", "elsewhere"),
    ):
        make_certificate(certificates, name, authority)
    return certificates


def own_certificate(folder: Path) -> dict[str, object]:
    return {"certificate": folder / "gateway.pem", "private_key": folder / "gateway.key"}


def mutual(folder: Path) -> dict[str, object]:
    return own_certificate(folder) | {"authorities": folder / "hospital.pem"}


@asynccontextmanager
async def connected(gateway: Gateway, folder: Path, name: str = "") -> AsyncIterator[MllpClient]:
    """A client that trusts the hospital's authority and shows the certificate of that name."""
    context = ssl.create_default_context(cafile=folder / "hospital.pem")
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    client = await MllpClient.connect(
        HOST,
        gateway.server.port,
        ssl_context=context,
        server_name="gateway",
        answer_seconds=PATIENCE_SECONDS,
    )
    async with client:
        yield client


async def test_a_message_is_accepted_over_tls(folder: Path) -> None:
    """The gateway shows its certificate, and the sender needs none."""
    store = MemoryStore()
    async with (
        running(store, **own_certificate(folder)) as gateway,
        connected(gateway, folder) as client,
    ):
        assert read_message(await client.send(RAS)).value("MSA-1") == "AA"
    assert store.kept[0].raw == RAS


async def test_a_certified_sender_is_named_in_the_header(folder: Path) -> None:
    """The header has the sender's address and the common name of its certificate."""
    store = MemoryStore()
    async with (
        running(store, **mutual(folder)) as gateway,
        connected(gateway, folder, "pharmacy") as client,
    ):
        await client.send(RAS)
    assert store.kept[0].headers["chargeline-peer"] == f"{HOST} pharmacy"


@pytest.mark.parametrize("name", ["stranger", ""])
async def test_a_sender_without_an_accepted_certificate_is_refused(
    folder: Path, name: str, out: io.StringIO
) -> None:
    """A certificate of another authority, or none: nothing is stored, and the refusal is
    counted and logged.
    """
    store = MemoryStore()
    async with running(store, **mutual(folder)) as gateway:
        with pytest.raises(REFUSED):
            async with connected(gateway, folder, name) as client:
                await client.send(RAS)
        await until(lambda: gateway.counts["handshake_failed"] == 1)
        async with connected(gateway, folder, "pharmacy") as client:
            assert read_message(await client.send(RAS)).value("MSA-1") == "AA"
    assert len(store.kept) == 1
    (said,) = [line for line in lines(out) if line["event"] == "handshake.failed"]
    assert (said["host"], said["source"]) == (HOST, "mllp.server")
    assert said["reason"].isupper() and "dropped_keys" not in said


async def test_a_sender_without_tls_gets_nothing(folder: Path) -> None:
    """A sender that speaks plain TCP is cut off, and its message is not read."""
    store = MemoryStore()
    async with running(store, **own_certificate(folder)) as gateway:
        async with await MllpClient.connect(
            HOST, gateway.server.port, answer_seconds=PATIENCE_SECONDS
        ) as client:
            with pytest.raises(ConnectionError):
                await client.send(RAS)
        await until(lambda: gateway.counts["handshake_failed"] == 1)
    assert store.kept == []


async def test_large_messages_and_many_of_them_pass_through_tls(folder: Path) -> None:
    """50 messages of 200 kB, sent without waiting for answers, are stored byte for byte."""
    data = RAS + b"NTE|1||" + b"x" * 200_000 + b"\r"
    store = MemoryStore()
    async with (
        running(store, **own_certificate(folder)) as gateway,
        connected(gateway, folder) as client,
    ):
        got = [
            read_message(answer).value("MSA-1")
            async for answer in client.send_many([data] * 50, in_flight=50)
        ]
    assert got == ["AA"] * 50
    assert [copy.raw for copy in store.kept] == [data] * 50


async def test_closing_under_tls_answers_what_is_in_flight(folder: Path) -> None:
    """The answer goes out before the connection ends."""
    store = MemoryStore()
    store.held = RAS
    async with (
        running(store, **own_certificate(folder)) as gateway,
        connected(gateway, folder) as client,
    ):
        await client.write(RAS)
        await until(lambda: store.tries == 1)
        store.opened.set()
        await gateway.close()
        assert read_message(await client.answer()).value("MSA-1") == "AA"


@pytest.mark.parametrize("missing", ["certificate", "both"])
def test_authorities_or_a_key_need_a_certificate(folder: Path, missing: str) -> None:
    """With such settings a gateway would serve without TLS, so it does not start."""
    files: dict[str, Path | None] = {
        "certificate": None,
        "private_key": folder / "gateway.key",
        "authorities": folder / "hospital.pem",
    }
    if missing == "both":
        files["authorities"] = None
    with pytest.raises(ValueError, match="expected a certificate"):
        tls_context(**files)
