"""Claims about TLS: who may connect, and that a refusal is counted and logged.

The tests make their certificates with openssl.
"""

import asyncio
import io
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path

import pytest

from chargeline.certificates import end_of, revoked_in, seconds_left
from chargeline.gateway import tls
from chargeline.gateway.server import Gateway
from chargeline.gateway.tls import CertificateError, Certificates, TlsFiles, tls_material
from chargeline.hl7.reader import read_message
from chargeline.mllp.client import MllpClient
from chargeline.mllp.wire import MllpError
from tests.clock import PATIENCE_SECONDS, elapse
from tests.gateway import (
    HOST,
    MemoryStore,
    make_authority,
    make_certificate,
    make_revocations,
    openssl,
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
    return {"tls": TlsFiles(folder / "gateway.pem", folder / "gateway.key")}


def mutual(folder: Path) -> dict[str, object]:
    files = (folder / "gateway.pem", folder / "gateway.key", folder / "hospital.pem")
    return {"tls": TlsFiles(*files)}


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
    authorities = folder / "hospital.pem" if missing == "certificate" else None
    files = TlsFiles(private_key=folder / "gateway.key", authorities=authorities)
    with pytest.raises(CertificateError, match="expected a certificate"):
        tls_material(files)


def test_a_key_with_a_password_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    """The error names the file and the command that decrypts it; nobody is asked for a password."""
    locked = tmp_path / "locked.key"
    openssl("pkey", "-in", folder / "gateway.key", "-aes256", "-passout", "pass:x", "-out", locked)
    with pytest.raises(CertificateError) as caught:
        tls_material(TlsFiles(folder / "gateway.pem", locked))
    assert "an encrypted one" in str(caught.value) and "openssl pkey" in str(caught.value)
    assert caught.value.finding.where == f"{tls.PRIVATE_KEY} ({locked})"


# ------------------------------------------------------------------ renewal


@pytest.fixture
def renewable(folder: Path, tmp_path: Path) -> Path:
    """A folder of its own with the authority `hospital` and a certificate of `gateway`."""
    for name in ("hospital.pem", "hospital.key", "pharmacy.pem", "pharmacy.key"):
        shutil.copy(folder / name, tmp_path / name)
    make_certificate(tmp_path, "gateway", "hospital")
    return tmp_path


async def shown(gateway: Gateway, folder: Path) -> bytes:
    """The certificate that a new connection is shown."""
    async with connected(gateway, folder, "pharmacy") as client:
        certificate = client._writer.get_extra_info("ssl_object").getpeercert(True)
        assert isinstance(certificate, bytes)
        return certificate


@pytest.mark.parametrize("asked", [True, False])
async def test_new_certificates_count_and_no_connection_is_dropped(
    renewable: Path, asked: bool
) -> None:
    """After the files have changed, or at SIGHUP, a new connection is shown the new certificate,
    and a message on an old connection is answered.
    """
    async with (
        running(MemoryStore(), **mutual(renewable)) as gateway,
        connected(gateway, renewable, "pharmacy") as client,
    ):
        before = await shown(gateway, renewable)
        make_certificate(renewable, "gateway", "hospital")
        gateway.certificates.look(asked=asked)
        assert await shown(gateway, renewable) != before
        assert read_message(await client.send(RAS)).value("MSA-1") == "AA"


async def test_the_files_are_looked_at_while_the_listener_runs(renewable: Path) -> None:
    """Nobody asks: ten seconds after the files have changed the new certificate is shown."""
    async with running(MemoryStore(), **mutual(renewable)) as gateway:
        before = await shown(gateway, renewable)
        make_certificate(renewable, "gateway", "hospital")
        elapse(tls.LOOK_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await shown(gateway, renewable) == before:
                await asyncio.sleep(0.01)


async def test_files_that_cannot_be_used_leave_those_before_in_force(
    renewable: Path, out: io.StringIO
) -> None:
    """A certificate without its key, as in the middle of a change: it is logged, senders are served
    as before, and the key that follows is taken.
    """
    async with running(MemoryStore(), **mutual(renewable)) as gateway:
        before = await shown(gateway, renewable)
        key = (renewable / "gateway.key").read_bytes()
        make_certificate(renewable, "gateway", "hospital")
        new_key = (renewable / "gateway.key").read_bytes()
        (renewable / "gateway.key").write_bytes(key)
        gateway.certificates.look()
        assert await shown(gateway, renewable) == before
        (renewable / "gateway.key").write_bytes(new_key)
        gateway.certificates.look(asked=True)
        assert await shown(gateway, renewable) != before
    events = [line["event"] for line in lines(out)]
    assert "certificates.refused" in events and "certificates.read" in events


def revoking(folder: Path) -> TlsFiles:
    """The files of a gateway that asks for certificates and has a list of revoked ones."""
    names = ("gateway.pem", "gateway.key", "hospital.pem", "revoked.pem")
    return TlsFiles(*(folder / name for name in names))


async def test_a_list_of_another_authority_leaves_the_one_before_in_force(
    folder: Path, renewable: Path, out: io.StringIO
) -> None:
    """The list of `elsewhere` is put in place of ours: senders are served as before, the log names
    the setting and why, once, and at the start such a list is refused.
    """
    make_revocations(renewable, "hospital", revoked=False)
    files = revoking(renewable)
    async with running(MemoryStore(), tls=files) as gateway:
        for suffix in ("pem", "key"):
            shutil.copy(folder / f"elsewhere.{suffix}", renewable / f"elsewhere.{suffix}")
        make_revocations(renewable, "elsewhere", revoked=False)
        for _ in range(3):
            gateway.look()
        async with connected(gateway, renewable, "pharmacy") as client:
            assert read_message(await client.send(RAS)).value("MSA-1") == "AA"
    (said,) = [line for line in lines(out) if line["event"] == "certificates.refused"]
    assert said["variable"] == tls.REVOKED
    assert "a list of another authority" in said["says"]
    with pytest.raises(CertificateError, match="another authority"):
        tls_material(files)


def test_a_list_that_borrows_the_name_of_our_authority_is_not_its_list(
    renewable: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The name is that of `hospital`, and the key is not: the signature decides."""
    other = tmp_path_factory.mktemp("other")
    make_authority(other, "hospital")
    make_revocations(other, "hospital", revoked=False)
    shutil.copy(other / "revoked.pem", renewable / "revoked.pem")
    with pytest.raises(CertificateError, match="another authority"):
        tls_material(revoking(renewable))


@pytest.mark.parametrize(
    ("broken", "content", "variable", "reason"),
    [
        ("gateway.key", "pharmacy.key", tls.PRIVATE_KEY, "KEY_VALUES_MISMATCH"),
        ("gateway.key", "hospital.pem", tls.PRIVATE_KEY, "the private key of"),
        ("gateway.pem", "pharmacy.key", tls.CERTIFICATE, "expected a certificate as PEM"),
        ("hospital.pem", "pharmacy.key", tls.AUTHORITIES, "expected certificates as PEM"),
        ("revoked.pem", "", tls.REVOKED, "an empty file"),
        ("revoked.pem", "hospital.pem", tls.REVOKED, "expected a list of revoked"),
    ],
)
def test_a_refusal_names_the_setting_and_the_reason(
    renewable: Path,
    out: io.StringIO,
    broken: str,
    content: str,
    variable: str,
    reason: str,
) -> None:
    """One of four files cannot be used: the log says which and why, and nothing is taken."""
    make_revocations(renewable, "hospital", revoked=False)
    used: list[ssl.SSLContext] = []
    certificates = Certificates(revoking(renewable), used.append, lambda: datetime.now(UTC))
    certificates.first()
    text = (renewable / content).read_text() if content else ""
    (renewable / broken).write_text(text)
    certificates.look()
    (said,) = [line for line in lines(out) if line["event"] == "certificates.refused"]
    assert said["variable"] == variable
    assert reason in said["says"] and str(renewable / broken) in said["says"]
    assert used == []


async def test_the_watcher_outlives_a_folder_that_cannot_be_looked_at(
    renewable: Path, out: io.StringIO
) -> None:
    """The folder of the files is replaced by a file (ENOTDIR) and comes back with a new
    certificate: one line says that it cannot be looked at, one that it can, and the new
    certificate is shown.
    """
    folder = renewable / "own"
    folder.mkdir()
    for name in ("gateway.pem", "gateway.key"):
        shutil.move(renewable / name, folder / name)
    files = TlsFiles(folder / "gateway.pem")
    (folder / "gateway.pem").write_bytes(
        (folder / "gateway.pem").read_bytes() + (folder / "gateway.key").read_bytes()
    )

    def said(event: str) -> list[dict[str, object]]:
        return [line for line in lines(out) if line["event"] == event]

    async with running(MemoryStore(), tls=files) as gateway:
        before = await shown(gateway, renewable)
        folder.rename(renewable / "aside")
        folder.write_text("not a folder")
        elapse(tls.LOOK_SECONDS)
        await until(lambda: len(said("file.unreadable")) == 1)
        gateway.look()
        assert await shown(gateway, renewable) == before
        folder.unlink()
        folder.mkdir()
        make_certificate(renewable, "gateway", "hospital")
        (folder / "gateway.pem").write_bytes(
            (renewable / "gateway.pem").read_bytes() + (renewable / "gateway.key").read_bytes()
        )
        elapse(tls.LOOK_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await shown(gateway, renewable) == before:
                await asyncio.sleep(0.01)
    assert [line["reason"] for line in said("file.unreadable")] == ["ENOTDIR"]
    assert len(said("file.readable")) == 1


async def test_the_watcher_goes_on_after_a_look_that_failed(
    renewable: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look fails with an error that nobody thought of: the log says so, and the next look
    comes.
    """
    looks = []

    def fails(**_asked: bool) -> None:
        looks.append(1)
        raise ZeroDivisionError

    async with running(MemoryStore(), **mutual(renewable)) as gateway:
        monkeypatch.setattr(gateway.senders, "look", fails)
        for count in (1, 2):
            elapse(tls.LOOK_SECONDS)
            await until(lambda count=count: len(looks) == count)
    assert [line["error"] for line in lines(out) if line["event"] == "watch.failed"] == [
        "ZeroDivisionError"
    ] * 2


async def test_a_revoked_certificate_is_refused_once_the_list_says_so(renewable: Path) -> None:
    """The list is empty, and then holds the sender: the sender is served, and then refused."""
    make_revocations(renewable, "hospital", revoked=False)
    files = revoking(renewable)
    async with running(MemoryStore(), tls=files) as gateway:
        async with connected(gateway, renewable, "pharmacy") as client:
            assert read_message(await client.send(RAS)).value("MSA-1") == "AA"
        make_revocations(renewable, "hospital", revoked=True)
        gateway.certificates.look()
        with pytest.raises(REFUSED):
            async with connected(gateway, renewable, "pharmacy") as client:
                await client.send(RAS)
        await until(lambda: gateway.counts["handshake_failed"] == 1)


async def test_a_certificate_that_is_revoked_ends_its_open_connections(
    renewable: Path, out: io.StringIO
) -> None:
    """The list is read again: the connection of that certificate is cut, counted and logged once,
    and that of another sender goes on.
    """
    make_revocations(renewable, "hospital", revoked=False)
    make_certificate(renewable, "mar", "hospital", serial=2**64 + 7)
    files = revoking(renewable)
    async with (
        running(MemoryStore(), tls=files) as gateway,
        connected(gateway, renewable, "mar") as other,
        connected(gateway, renewable, "pharmacy") as client,
    ):
        for sender in (client, other):
            assert read_message(await sender.send(RAS)).value("MSA-1") == "AA"
        make_revocations(renewable, "hospital", revoked=True)
        for _ in range(2):
            gateway.look()
        with pytest.raises(MllpError):
            await client.send(RAS)
        assert read_message(await other.send(RAS)).value("MSA-1") == "AA"
        assert gateway.counts["connection_revoked"] == 1
    (said,) = [line for line in lines(out) if line["event"] == "connection.refused"]
    assert (said["host"], said["reason"]) == (HOST, "connection_revoked")


def test_the_numbers_of_a_list_are_those_that_openssl_wrote(renewable: Path) -> None:
    """One, none, and none where the file is no list."""
    for revoked, numbers in ((True, {1}), (False, set[int]())):
        make_revocations(renewable, "hospital", revoked=revoked)
        assert revoked_in((renewable / "revoked.pem").read_text()) == numbers
    with pytest.raises(ValueError, match="no list"):
        revoked_in((renewable / "hospital.pem").read_text())


@pytest.mark.parametrize("days", [2, 40, 10_000])
def test_the_days_of_our_certificate_are_those_that_openssl_gave_it(
    renewable: Path, days: int
) -> None:
    """Two days and forty (a time with two digits of the year), and after 2050 (with four)."""
    make_certificate(renewable, "gateway", "hospital", days=days)
    ends = end_of((renewable / "gateway.pem").read_text())
    assert timedelta(0) <= datetime.now(UTC) + timedelta(days=days) - ends < timedelta(minutes=5)


def test_the_seconds_that_are_left_are_unknown_without_a_certificate(renewable: Path) -> None:
    """Two days for one of two days; NaN without a file, for a missing one and for another file."""
    make_certificate(renewable, "gateway", "hospital", days=2)
    now = datetime.now(UTC)
    left = seconds_left(renewable / "gateway.pem", now)
    assert 0 <= 2 * 86_400 - left < 300
    for other in (None, renewable / "absent.pem", renewable / "gateway.key"):
        assert isnan(seconds_left(other, now))


async def test_the_end_of_our_certificate_is_said_before_it_comes(
    renewable: Path, out: io.StringIO
) -> None:
    """Above 30 days nothing is said; below, one line a day; after the end, one line."""
    make_certificate(renewable, "gateway", "hospital", days=40)
    now = datetime.now(UTC)
    clock = [now]
    files = TlsFiles(renewable / "gateway.pem", renewable / "gateway.key")
    certificates = Certificates(files, lambda _context: None, lambda: clock[-1])
    said = []
    for days in (0, 20, 20.5, 21, 41, 42):
        clock.append(now + timedelta(days=days))
        before = len(lines(out))
        if certificates.ends is None:
            certificates.first()
        else:
            certificates.look()
        said.append([line["event"] for line in lines(out)][before:])
    soon, ended = ["certificate.ends_soon"], ["certificate.expired"]
    assert said == [[], soon, [], soon, ended, []]
    assert int(certificates.days_left()) == -2
