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

from chargeline.certificates import all_signed_by, end_of, revoked_in
from chargeline.engine import Finding, FindingError
from chargeline.gateway.watching import WatchedFiles
from chargeline.telemetry import logs

log = logs.logger("gateway")

LOOK_SECONDS = 10.0
WARNING_DAYS = 30
_DAY = timedelta(days=1)

CERTIFICATE = "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE"
PRIVATE_KEY = "CHARGELINE_MLLP_TLS_KEY_FILE"
AUTHORITIES = "CHARGELINE_MLLP_TLS_CLIENT_CA_FILE"
REVOKED = "CHARGELINE_MLLP_TLS_CLIENT_CRL_FILE"


class CertificateError(FindingError, OSError):
    """A file of certificates or keys cannot be used. `variable` is the setting that names it."""

    def __init__(
        self, variable: str, path: Path | None, *, expected: str, found: str, do: str
    ) -> None:
        where = f"{variable} ({path})" if path is not None else variable
        finding = Finding("listen.refused", expected=expected, found=found, where=where, do=do)
        super().__init__(finding)
        self.variable = variable


class TlsFiles(NamedTuple):
    """PEM files, None where unset: our certificate and its key, the authorities whose certificates
    of senders are accepted (without them a sender needs none), and a list of revoked ones.
    """

    certificate: Path | None = None
    private_key: Path | None = None
    authorities: Path | None = None
    revoked: Path | None = None


class TlsMaterial(NamedTuple):
    """What the files hold: the context, when our certificate ends, and the revoked numbers."""

    context: ssl.SSLContext
    ends: datetime
    revoked: frozenset[int]


def tls_material(files: TlsFiles) -> TlsMaterial | None:
    """What the files hold, None for plain TCP.

    Raises CertificateError, which names the file and the reason, if one cannot be used or is
    missing.
    """
    if files.certificate is None:
        if any(files):
            raise CertificateError(
                CERTIFICATE,
                None,
                expected="a certificate beside the private key or the authorities",
                found="none",
                do="set the certificate and its key too",
            )
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ends = _load_own(context, files.certificate, files.private_key)
    if files.authorities is not None:
        _text(AUTHORITIES, files.authorities)
        try:
            context.load_verify_locations(cafile=files.authorities)
        except ssl.SSLError as error:
            raise _unusable(AUTHORITIES, files.authorities, "certificates as PEM", error) from None
        context.verify_mode = ssl.CERT_REQUIRED
    revoked = frozenset[int]()
    if files.revoked is not None:
        revoked = _load_revoked(context, files.revoked, files.authorities)
    return TlsMaterial(context, ends, revoked)


def _load_own(context: ssl.SSLContext, certificate: Path, private_key: Path | None) -> datetime:
    """Load our certificate and its key; returns when the certificate ends."""
    variable, path = (PRIVATE_KEY, private_key) if private_key else (CERTIFICATE, certificate)
    try:
        ends = end_of(_text(CERTIFICATE, certificate))
    except ValueError as error:
        raise _unusable(CERTIFICATE, certificate, "a certificate as PEM", error) from None
    _text(variable, path)

    def has_a_password() -> NoReturn:
        raise CertificateError(
            variable,
            path,
            expected="a private key without a password",
            found="an encrypted one",
            do="decrypt it with `openssl pkey -in KEY -out NEW`, and let only the user of "
            "chargeline read the new file",
        )

    try:
        context.load_cert_chain(certificate, private_key, password=has_a_password)
    except ssl.SSLError as error:
        raise _unusable(
            variable, path, f"the private key of {CERTIFICATE}, as PEM", error
        ) from None
    return ends


def _load_revoked(
    context: ssl.SSLContext, revoked: Path, authorities: Path | None
) -> frozenset[int]:
    """Load the lists of revoked certificates, each of which one of the authorities must have
    signed; returns the numbers in them.
    """
    text = _text(REVOKED, revoked)
    try:
        numbers = revoked_in(text)
        ours = authorities is None or all_signed_by(text, _text(AUTHORITIES, authorities))
        context.load_verify_locations(cafile=revoked)
    except (ssl.SSLError, ValueError) as error:
        raise _unusable(REVOKED, revoked, "a list of revoked certificates as PEM", error) from None
    if not ours:
        raise CertificateError(
            REVOKED,
            revoked,
            expected=f"lists that an authority of {AUTHORITIES} has signed",
            found="a list of another authority",
            do="take the list of the authority that signs the senders, or add the authority",
        )
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return numbers


def _text(variable: str, path: Path) -> str:
    """The text of a file. Raises CertificateError if the file cannot be read or is empty."""
    try:
        text = path.read_text("ascii", "replace")
    except OSError as error:
        raise _unusable(variable, path, "a file that can be read", error) from None
    if not text.strip():
        raise CertificateError(
            variable, path, expected="a PEM file", found="an empty file", do="put the file back"
        )
    return text


def _unusable(variable: str, path: Path, expected: str, error: Exception) -> CertificateError:
    """The error about a file. OpenSSL's word for the reason is told; its text may be anything."""
    if isinstance(error, ssl.SSLError):
        reason = error.reason or "no PEM"
    else:
        reason = getattr(error, "strerror", None) or "something else"
    return CertificateError(
        variable, path, expected=expected, found=reason, do="correct the file or the setting"
    )


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
        self._watched = WatchedFiles(
            dict(zip((CERTIFICATE, PRIVATE_KEY, AUTHORITIES, REVOKED), files, strict=True))
        )
        self._refused = ""
        self._warned: datetime | None = None
        self._said_expired = False

    def first(self) -> ssl.SSLContext | None:
        """The context at the start, None for plain TCP. Raises CertificateError."""
        material = tls_material(self.files)
        if material is None:
            return None
        self._note(material)
        return material.context

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
        """Read the files again if one has changed or somebody asked for it (SIGHUP).

        Files that were refused are tried again at each look: a disk may have been away. A refusal
        is logged once, until it is another.
        """
        if self._watched.changed() or asked:
            self._read_again()
        elif self._refused:
            self._read_again(said=self._refused)
        self._warn()

    def _read_again(self, said: str = "") -> None:
        try:
            material = tls_material(self.files)
        except CertificateError as error:
            self._refused = str(error)
            if self._refused != said:
                log.error("certificates.refused", variable=error.variable, exc_info=error)
            return
        self._refused = ""
        if material is not None:
            self._note(material)
            self._use(material.context)
        log.info("certificates.read")

    def _note(self, material: TlsMaterial) -> None:
        self._revoked, self.ends = material.revoked, material.ends
        self._warned, self._said_expired = None, False
        self._warn()

    def _warn(self) -> None:
        """Say once a day that our certificate ends soon, and once that it has ended."""
        now, days = self._now(), self.days_left()
        if days <= 0 and not self._said_expired:
            self._said_expired = True
            log.error("certificate.expired", where=CERTIFICATE)
        elif 0 < days < WARNING_DAYS and (self._warned is None or now - self._warned >= _DAY):
            self._warned = now
            log.warning("certificate.ends_soon", where=CERTIFICATE, count=int(days))
