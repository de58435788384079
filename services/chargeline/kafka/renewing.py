"""Clients of Kafka that show the certificate and the password of now.

A password or a certificate is replaced while a program runs. aiokafka takes both once, when a
client is made, and uses them for each connection. So this module owns a TLS context that reads its
files again when they have changed, and a client that asks for its password again; both count for
new connections, and those that are open go on. Files that cannot be used are logged, and the ones
before them stay in force. It refuses to know where the files are named.
"""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.helpers import create_ssl_context

from chargeline.engine import FindingError

log = logging.getLogger(__name__)

TlsFiles = tuple[Path | None, Path | None, Path | None]
"""PEM files, None where unset: the authority that signed Kafka's certificate, our certificate, and
its key."""


class RenewedContext(ssl.SSLContext):
    """A TLS context for connections that begin: that of the files as they are then.

    Raises OSError if the files cannot be used at first.
    """

    def __new__(cls, files: TlsFiles) -> "RenewedContext":
        """A context, as `ssl.SSLContext` makes it: with its protocol."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._contents = _contents(files)
        self._current = _context(files)

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """Begin TLS on a connection; asyncio calls this for each."""
        self._look()
        return self._current.wrap_bio(*given, **named)

    def _look(self) -> None:
        """Read the files again if one of them has another content."""
        try:
            contents = _contents(self._files)
            if contents == self._contents:
                return
            self._current = _context(self._files)
        except OSError as error:  # an SSLError is one
            log.error("kafka.certificates_refused", exc_info=error)
        else:
            self._contents = contents
            log.info("kafka.certificates_read")


class _RenewedClient(AIOKafkaClient):  # type: ignore[misc]  # aiokafka has no types
    """A client whose password is asked for at each connection."""

    renewed: Callable[[], str]
    password: str

    @property
    def _sasl_plain_password(self) -> str:
        try:
            self.password = self.renewed()
        except FindingError as error:
            log.error("kafka.password_refused", exc_info=error)
        return self.password


def with_password_of_now(client: AIOKafkaClient, renewed: Callable[[], str]) -> None:
    """Have a client ask for its password at each connection that it makes from now on.

    While `renewed` raises a FindingError, the password before stays in force. A consumer and a
    producer make their client themselves, so it is changed here and not made so.
    """
    password = client._sasl_plain_password
    client.__class__ = _RenewedClient
    client.renewed, client.password = renewed, password


def _contents(files: TlsFiles) -> list[bytes]:
    return [path.read_bytes() for path in files if path is not None]


def _context(files: TlsFiles) -> ssl.SSLContext:
    authority, certificate, key = (str(path) if path else None for path in files)
    # Without a password OpenSSL would ask for one at the terminal, and everything would wait.
    context: ssl.SSLContext = create_ssl_context(
        cafile=authority, certfile=certificate, keyfile=key, password=lambda: ""
    )
    return context
