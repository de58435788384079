"""Sending a list of messages to a listener, and what became of each.

It owns the TLS of the sending end and which answers count as accepted. It does not know what the
messages say, nor who asked for it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import NamedTuple

from chargeline.engine import Finding, FindingError
from chargeline.mllp.client import MllpClient

_ACCEPTED = (b"AA", b"CA")


class SendingTls(NamedTuple):
    """PEM files of the sending end: the authorities by which the listener's certificate is checked,
    our own certificate and its key, None where unset. `name` is the name in the listener's
    certificate, "" if it is the host.
    """

    authorities: Path
    certificate: Path | None = None
    private_key: Path | None = None
    name: str = ""

    def context(self) -> ssl.SSLContext:
        """The context. Raises FindingError for a file that cannot be used, and OSError."""
        file = self.authorities
        try:
            file.read_bytes()
            context = ssl.create_default_context(cafile=file)
            if self.certificate is not None:
                file = self.certificate
                file.read_bytes()
                context.load_cert_chain(self.certificate, self.private_key, password=_no_password)
        except ssl.SSLError as error:
            raise FindingError(
                Finding(
                    "command.unreadable",
                    expected="PEM: certificates, or a certificate and its key without a password",
                    found=error.reason or "something else",
                    where=str(file),
                    do="correct the file; `openssl x509 -in FILE -text` shows a certificate",
                )
            ) from None
        return context


def _no_password() -> str:
    return ""


class MllpListener(NamedTuple):
    """Where a listener is, and the TLS by which it is reached, None in the clear."""

    host: str
    port: int
    tls: SendingTls | None = None


class SentMessage(NamedTuple):
    """The place of a message in the list, from 1; whether it was accepted; the whole answer."""

    number: int
    accepted: bool
    answer: bytes


async def sent(
    messages: Iterable[bytes], to: MllpListener, *, per_second: int | None = None
) -> AsyncIterator[SentMessage]:
    """Send messages one after another; yields what became of each.

    With `per_second`, message n waits until (n - 1) / per_second seconds after the first: a slow
    answer is caught up, so the pace of a long feed is even.

    Raises OSError, MllpError, or TimeoutError if no answer comes in time. What was sent until then
    may be sent again: a listener knows a repeat.
    """
    context = to.tls.context() if to.tls is not None else None
    name = to.tls.name or None if to.tls is not None else None
    async with await MllpClient.connect(
        to.host, to.port, ssl_context=context, server_name=name
    ) as client:
        began = _now()
        for number, message in enumerate(messages, start=1):
            if per_second is not None:
                await asyncio.sleep(began + (number - 1) / per_second - _now())
            answer = await client.send(message)
            codes = [line[4:6] for line in answer.split(b"\r") if line[:3] == b"MSA"]
            yield SentMessage(number, any(code in _ACCEPTED for code in codes), answer)


def _now() -> float:
    return asyncio.get_running_loop().time()
