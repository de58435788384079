"""Tests of the gateway, and the store and the certificates that they share.

All patients are invented.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from chargeline.gateway.received import InboundMessage
from chargeline.gateway.server import Gateway, ListenerSettings
from chargeline.hl7.profile import Profile, make_profile
from chargeline.mllp.client import MllpClient
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.clock import PATIENCE_SECONDS

HOST = "127.0.0.1"


@cache
def profile() -> Profile:
    return make_profile(read_interface(rules_directory(), "standard"))


class MemoryStore:
    """Keeps messages in a list. A put of the bytes in `held` waits for `opened`. If `failing` is
    set, each put raises it.
    """

    def __init__(self) -> None:
        self.kept: list[InboundMessage] = []
        self.tries = 0
        self.held = b""
        self.opened = asyncio.Event()
        self.failing: Exception | None = None

    async def put(self, message: InboundMessage) -> None:
        self.tries += 1
        if self.failing is not None:
            raise self.failing
        if message.raw == self.held:
            await self.opened.wait()
        self.kept.append(message)


def settings(**given: object) -> ListenerSettings:
    usual = {"host": HOST, "port": 0, "store_seconds": PATIENCE_SECONDS, "retry_seconds": 0.001}
    return ListenerSettings(**(usual | given))  # type: ignore[arg-type]


@asynccontextmanager
async def running(store: MemoryStore, **given: object) -> AsyncIterator[Gateway]:
    gateway = Gateway(store, profile(), settings(**given))
    await gateway.start()
    try:
        yield gateway
    finally:
        store.opened.set()
        await gateway.close()


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[MllpClient]:
    async with await MllpClient.connect(
        HOST, gateway.server.port, answer_seconds=PATIENCE_SECONDS
    ) as client:
        yield client


async def until(condition: Callable[[], bool]) -> None:
    """Wait until other tasks make a condition true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


def make_authority(folder: Path, name: str) -> None:
    """A certificate authority of that name: `name.pem` and `name.key`."""
    openssl(
        "req", "-x509", "-new", *_NEW_KEY, "-keyout", folder / f"{name}.key",
        "-out", folder / f"{name}.pem", "-days", "2", "-subj", f"/CN={name}",
    )  # fmt: skip


def make_certificate(
    folder: Path,
    name: str,
    authority: str,
    *,
    days: int = 2,
    alternative: str = "",
    serial: int = 1,
) -> None:
    """A certificate for a server or a client of that name: `name.pem` and `name.key`. `alternative`
    replaces its subject alternative name, in the words of openssl.
    """
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={alternative or f'DNS:{name}'}\n")
    openssl(
        "req", "-new", *_NEW_KEY, "-keyout", folder / f"{name}.key",
        "-out", request, "-subj", f"/CN={name}",
    )  # fmt: skip
    openssl(
        "x509", "-req", "-in", request, "-CA", folder / f"{authority}.pem",
        "-CAkey", folder / f"{authority}.key", "-set_serial", str(serial), "-days", str(days),
        "-extfile", extensions, "-out", folder / f"{name}.pem",
    )  # fmt: skip


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_revocations(folder: Path, authority: str, *, revoked: bool) -> None:
    """The list of revoked certificates of an authority, `revoked.pem`: all that it has signed, or
    none.
    """
    entry = "R\t400101000000Z\t200101000000Z\t01\tunknown\t/CN=revoked\n" if revoked else ""
    (folder / "index.txt").write_text(entry)
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index.txt\ndefault_md=sha256\n"
    )
    openssl(
        "ca", "-gencrl", "-config", folder / "ca.cnf", "-cert", folder / f"{authority}.pem",
        "-keyfile", folder / f"{authority}.key", "-crldays", "1", "-out", folder / "revoked.pem",
    )  # fmt: skip


def openssl(*arguments: str | Path) -> None:
    """Run openssl with these arguments."""
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
