"""The TLS of a listener, from the files that the settings name, and from their successors.

It owns which certificates are shown and asked for, when the files are read again, and what is said
before our own certificate ends. New files count for new connections; those that are open go on,
but for those whose certificate is revoked by then. It listens on nothing.
"""

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, NoReturn

from chargeline.certificates import end_of, revoked_in
from chargeline.engine import Finding, FindingError
from chargeline.telemetry import logs

log = logs.logger("gateway")

LOOK_SECONDS = 10.0
WARNING_DAYS = 30
_DAY = timedelta(days=1)

Stamp = tuple[int, int, int]


class CertificateError(FindingError, OSError):
    """A file of certificates or keys cannot be used."""


class TlsFiles(NamedTuple):
    """PEM files, None where unset: our certificate and its key, the authorities whose certificates
    of senders are accepted (without them a sender needs none), and a list of revoked ones.
    """

    certificate: Path | None = None
    private_key: Path | None = None
    authorities: Path | None = None
    revoked: Path | None = None


def tls_context(files: TlsFiles) -> ssl.SSLContext | None:
    """The TLS context of the files, or None for plain TCP.

    Raises OSError if a file cannot be used, CertificateError if a certificate is missing or a key
    has a password.
    """
    if files.certificate is None:
        if any(files):
            raise CertificateError(
                Finding(
                    "listen.refused",
                    expected="a certificate beside the private key or the authorities",
                    found="none",
                    where="CHARGELINE_MLLP_TLS_CERTIFICATE_FILE",
                    do="set the certificate and its key too",
                )
            )
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.authorities)

    def has_a_password() -> NoReturn:
        raise CertificateError(
            Finding(
                "listen.refused",
                expected="a private key without a password",
                found="an encrypted one",
                where=str(files.private_key or files.certificate),
                do="decrypt it with `openssl pkey -in KEY -out NEW`, and let only the user of "
                "chargeline read the new file",
            )
        )

    context.load_cert_chain(files.certificate, files.private_key, password=has_a_password)
    if files.authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    if files.revoked is not None:
        context.load_verify_locations(cafile=files.revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


class Certificates:
    """The TLS files of a listener while it runs. `use` gets each new context.

    Files that cannot be used are logged, and the ones before them stay in force.
    """

    def __init__(
        self,
        files: TlsFiles,
        use: Callable[[ssl.SSLContext], None],
        now: Callable[[], datetime],
    ) -> None:
        self.files = files
        self.ends: datetime | None = None
        self._revoked: frozenset[int] = frozenset()
        self._use = use
        self._now = now
        self._stamps = self._stamped()
        self._warned: datetime | None = None
        self._said_expired = False

    def first(self) -> ssl.SSLContext | None:
        """The context at the start, None for plain TCP. Raises OSError, CertificateError."""
        context = tls_context(self.files)
        self._note_files()
        return context

    def revokes(self, serial: int | None) -> bool:
        """Whether the list of revoked certificates has the serial number of a peer's certificate.

        Two authorities may give one number. A connection that is ended for that comes back: the
        handshake asks whose certificate it is.
        """
        return serial in self._revoked

    def days_left(self) -> float:
        """Days until our certificate ends, below 0 when it has ended; NaN without one."""
        return (self.ends - self._now()) / _DAY if self.ends is not None else float("nan")

    def look(self, *, asked: bool = False) -> None:
        """Read the files again if one has changed or somebody asked for it (SIGHUP)."""
        stamps = self._stamped()
        if asked or stamps != self._stamps:
            self._stamps = stamps
            try:
                context = tls_context(self.files)
                self._note_files()
            except (OSError, ValueError) as error:
                log.error("certificates.refused", exc_info=error)
            else:
                if context is not None:
                    self._use(context)
                log.info("certificates.read")
        self._warn()

    def _note_files(self) -> None:
        if self.files.revoked is not None:
            self._revoked = revoked_in(self.files.revoked.read_text("ascii", "replace"))
        if self.files.certificate is not None:
            self.ends = end_of(self.files.certificate.read_text("ascii", "replace"))
            self._warned, self._said_expired = None, False
            self._warn()

    def _warn(self) -> None:
        """Say once a day that our certificate ends soon, and once that it has ended."""
        now, days = self._now(), self.days_left()
        if days <= 0 and not self._said_expired:
            self._said_expired = True
            log.error("certificate.expired", where="CHARGELINE_MLLP_TLS_CERTIFICATE_FILE")
        elif 0 < days < WARNING_DAYS and (self._warned is None or now - self._warned >= _DAY):
            self._warned = now
            where = "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE"
            log.warning("certificate.ends_soon", where=where, count=int(days))

    def _stamped(self) -> tuple[Stamp | None, ...]:
        """What tells each file from its successor; None for one that is not there."""
        return tuple(stamp(path) for path in self.files if path is not None)


def stamp(path: Path) -> Stamp | None:
    """What tells a file from its successor, None if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None  # between two versions of it; the next look sees the new one
    return status.st_ino, status.st_mtime_ns, status.st_size
