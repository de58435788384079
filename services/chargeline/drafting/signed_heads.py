"""The head of the ledger, signed, to be kept where nobody can change it.

It owns the text that is signed and the look at a signature. A signed head is a JSON object with
`head`, the signed text, `signature`, Ed25519 over the bytes of that text in base64, and `key`, the
beginning of a hash of the public key. A line of the log has the same three and others beside, so a
log store is a place to keep heads. What a head says, the ledger knows (`ledger/heads.py`).
"""

import json
from base64 import b64decode, b64encode
from codecs import BOM_UTF8
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from structlog.typing import FilteringBoundLogger

from chargeline.ledger.auditing import canonical_json
from chargeline.ledger.errors import KeyUnusable
from chargeline.ledger.heads import TableHead
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings

WHAT = "chargeline ledger head 1"
MAKE_A_PAIR = (
    "make a pair: `openssl genpkey -algorithm ed25519 -out FILE`, and its public half with "
    "`openssl pkey -in FILE -pubout`"
)
_SIGNING_KEY = "CHARGELINE_SIGNING_KEY_FILE"


class SignedHead(NamedTuple):
    """A head: its text, the signature, and the id of the key; both "" if nobody signed it."""

    head: str
    signature: str = ""
    key: str = ""


async def head_of(ledger: Ledger, now: datetime, signer: Ed25519PrivateKey | None) -> SignedHead:
    """The head of the ledger as of now. Raises LedgerError."""
    told = {name: head._asdict() for name, head in (await ledger.heads()).items()}
    text = canonical_json({"what": WHAT, "at": now.isoformat(), "tables": told})
    if signer is None:
        return SignedHead(text)
    signature = b64encode(signer.sign(text.encode())).decode()
    return SignedHead(text, signature, _id_of(signer.public_key()))


async def tell_head(
    ledger: Ledger, settings: Settings, now: datetime, log: FilteringBoundLogger
) -> None:
    """Log the head of the ledger, signed if the settings name a key.

    Without a key that can be used the log says so in place of the head: a head that nobody signed
    would spoil the file in which heads are kept. Raises LedgerError.
    """
    try:
        signer = signer_of(settings)
    except KeyUnusable as error:
        log.error("signing_key.unusable", variable=_SIGNING_KEY, exc_info=error)
        return
    log.info("ledger.head", **(await head_of(ledger, now, signer))._asdict())


def signer_of(settings: Settings) -> Ed25519PrivateKey | None:
    """The key of the settings that signs; None if there is none. Raises KeyUnusable."""
    path = settings.signing_key_file
    if path is None:
        return None
    try:
        pem = path.read_bytes().removeprefix(BOM_UTF8)
        if not pem.strip():
            raise _no_key(_SIGNING_KEY, "an empty file")
        key = load_pem_private_key(pem, password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(_SIGNING_KEY, type(error).__name__) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(_SIGNING_KEY, "a key of another kind")
    return key


def public_key_of(path: Path) -> Ed25519PublicKey:
    """The key with which signatures are looked at. Raises KeyUnusable."""
    try:
        key = load_pem_public_key(path.read_bytes().removeprefix(BOM_UTF8))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _no_key("--public-key", type(error).__name__) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key("--public-key", "a key of another kind")
    return key


def _no_key(where: str, found: str) -> KeyUnusable:
    return KeyUnusable(
        expected=f"an Ed25519 key as PEM ({where})",
        found=found,
        do=MAKE_A_PAIR,
    )


def _id_of(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


class NoHeadError(ValueError):
    """A text is no head that this key signed; the message says why, in one phrase."""


class KeptHead(NamedTuple):
    """A head that was kept: when it was signed, with its zone, and what it says of each table."""

    at: datetime
    tables: dict[str, TableHead]


def heads_in(text: str, key: Ed25519PublicKey) -> list[KeptHead]:
    """The heads in a file: what `ledger head --sign` printed, or lines of the log.

    Lines without a head are passed over. Raises NoHeadError if there is none, or one was changed.
    """
    lines = [_object(line) for line in text.splitlines()]
    signed = [line for line in lines if "head" in line]
    if not signed:
        raise NoHeadError("no head")
    return [_checked(line, key) for line in signed]


def _object(line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _checked(line: dict[str, object], key: Ed25519PublicKey) -> KeptHead:
    text, signature = line["head"], line.get("signature")
    if not isinstance(text, str) or not isinstance(signature, str) or not signature:
        raise NoHeadError("a head without a signature")
    try:
        key.verify(b64decode(signature), text.encode())
    except (InvalidSignature, ValueError):
        raise NoHeadError("a head that this key did not sign") from None
    told = json.loads(text)
    if told.get("what") != WHAT:
        raise NoHeadError("a signature over something else")
    tables = {name: TableHead(**head) for name, head in told["tables"].items()}
    return KeptHead(datetime.fromisoformat(told["at"]), tables)
