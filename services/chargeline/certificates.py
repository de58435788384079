"""When a certificate of ours ends, which ones a list says are revoked, and whose list it is.

It owns the fields that are read of certificates and lists. OpenSSL checks all else when the files
are loaded; but it takes a list of any authority, and then refuses every sender of ours, for whom
there is no list. So the signature of a list is looked at here.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    Certificate,
    CertificateRevocationList,
    load_pem_x509_certificate,
    load_pem_x509_certificates,
    load_pem_x509_crl,
)

_LIST = re.compile("-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)


def end_of(pem: str) -> datetime:
    """The moment at which the first certificate of a PEM file ends. Raises ValueError."""
    return load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def revoked_in(pem: str) -> frozenset[int]:
    """The serial numbers in the lists of revoked certificates (CRL) of a PEM file.

    Raises ValueError if there is no list.
    """
    return frozenset(entry.serial_number for some in _lists(pem) for entry in some)


def all_signed_by(pem: str, authorities: str) -> bool:
    """Whether each list of a PEM file is signed by a certificate of another PEM file.

    Raises ValueError if the first has no list or the second no certificate.
    """
    certificates = load_pem_x509_certificates(authorities.encode())
    return all(_is_signed(some, certificates) for some in _lists(pem))


def _lists(pem: str) -> list[CertificateRevocationList]:
    lists = [load_pem_x509_crl(match[0].encode()) for match in _LIST.finditer(pem)]
    if not lists:
        raise ValueError("no list of revoked certificates")
    return lists


def _is_signed(some: CertificateRevocationList, certificates: Sequence[Certificate]) -> bool:
    # Several authorities may have one name: an authority that has a new key keeps its name.
    return any(
        _has_signed(certificate, some)
        for certificate in certificates
        if certificate.subject == some.issuer
    )


def _has_signed(certificate: Certificate, some: CertificateRevocationList) -> bool:
    try:
        return some.is_signature_valid(certificate.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):  # a key that signs no lists
        return False


def seconds_left(certificate: Path | None, now: datetime) -> float:
    """Seconds until the certificate in a file ends, below 0 when it has ended.

    NaN without a file, and for one that is being replaced or holds no certificate.
    """
    try:
        ends = end_of(certificate.read_text("ascii", "replace")) if certificate else None
    except (OSError, ValueError):
        ends = None
    return (ends - now).total_seconds() if ends else float("nan")
