"""When a certificate of ours ends, and which ones a list says are revoked.

It owns the one field that is read of a certificate, and the numbers in a list. Python shows neither
of a file, and a library for two fields would be a large thing to keep up to date. It checks nothing
else: OpenSSL does, when the files are loaded.
"""

import re
import ssl
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

# Of ASN.1.
_VERSION, _INTEGER, _SEQUENCE, _UTC_TIME, _TIMES = 0xA0, 0x02, 0x30, 0x17, (0x17, 0x18)
_LIST = re.compile("-----BEGIN X509 CRL-----(.*?)-----END X509 CRL-----", re.DOTALL)


def end_of(pem: str) -> datetime:
    """The moment at which the first certificate of a PEM file ends.

    It is read from the DER form: the second time of `validity`, which follows version, serial
    number, algorithm and issuer.
    """
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    first = pem[pem.index(begin) : pem.index(end) + len(end)]
    content = _content(_content(ssl.PEM_cert_to_DER_cert(first)))
    skipped = 4 if content[0] == _VERSION else 3
    for _ in range(skipped):
        content = content[_ends_at(content) :]
    times = _content(content)
    until = times[_ends_at(times) :]
    text = _content(until).decode("ascii")
    if until[0] == _UTC_TIME:  # two digits of the year, from 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def revoked_in(pem: str) -> frozenset[int]:
    """The serial numbers in the lists of revoked certificates (CRL) of a PEM file.

    The numbers stand in the list that follows the two times, before which stand a version, if
    given, an algorithm and the name of the authority. Raises ValueError if there is no list.
    """
    lists = [b64decode("".join(match[1].split())) for match in _LIST.finditer(pem)]
    if not lists:
        raise ValueError("no list of revoked certificates")
    return frozenset(number for der in lists for number in _revoked(_content(_content(der))))


def _revoked(content: bytes) -> Iterator[int]:
    for _ in range(3 if content[0] == _INTEGER else 2):
        content = content[_ends_at(content) :]
    while content and content[0] in _TIMES:
        content = content[_ends_at(content) :]
    entries = _content(content) if content and content[0] == _SEQUENCE else b""
    while entries:
        yield int.from_bytes(_content(_content(entries)), "big")
        entries = entries[_ends_at(entries) :]


def _begins_at(der: bytes) -> int:
    """Where the content of the first element begins."""
    return 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)


def _ends_at(der: bytes) -> int:
    """Where the first element ends."""
    begins = _begins_at(der)
    length = int.from_bytes(der[2:begins], "big") if begins > 2 else der[1]
    return begins + length


def _content(der: bytes) -> bytes:
    """The content of the first element."""
    return der[_begins_at(der) : _ends_at(der)]


def seconds_left(certificate: Path | None, now: datetime) -> float:
    """Seconds until the certificate in a file ends, below 0 when it has ended.

    NaN without a file, and for one that is being replaced or holds no certificate.
    """
    try:
        ends = end_of(certificate.read_text("ascii", "replace")) if certificate else None
    except (OSError, ValueError):
        ends = None
    return (ends - now).total_seconds() if ends else float("nan")
