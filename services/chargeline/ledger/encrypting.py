"""Encryption at rest: which bytes of a row are encrypted, how, and what they are bound to.

A data key encrypts the bytes of messages, parked messages and events that wait, each together with
its headers, by AES-256-GCM. A data key is stored too, wrapped (encrypted) by a key-encryption key,
which the ledger never holds. There are two steps for each row and two for each data key:

    stored bytes  =  nonce (12)  +  AES-256-GCM(data key, headers and bytes, bound to the row)
    wrapped key   =  nonce (12)  +  AES-256-GCM(key-encryption key, data key, bound to its number)

"Bound to the row" means that the table and the key of the row are authenticated with the bytes: the
bytes of one row do not open in another. The module sends nothing, and reads no key from anywhere.
"""

import os
from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import NamedTuple, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chargeline.engine import canonical
from chargeline.ledger.column_types import stamp
from chargeline.ledger.errors import KeyUnusable, NotAsWritten
from chargeline.ledger.records import Announcement, StoredMessage, StoredParkedMessage

KEY_BYTES, NONCE_BYTES = 32, 12
NO_HEADERS = "{}"
"""What stands in the column of headers where they are encrypted with the bytes."""
_LENGTH = Struct(">I")
EncryptedRow = TypeVar("EncryptedRow", StoredMessage, StoredParkedMessage, Announcement)


class KeyEncryptionKey(NamedTuple):
    """A key that wraps data keys. Its id is the beginning of a hash of it, and no secret."""

    id: str
    cipher: AESGCM


class DataKey(NamedTuple):
    """A key that encrypts rows. `digest` tells whether a stored data key is this one."""

    number: int
    cipher: AESGCM
    digest: str


def read_keys(text: str) -> list[KeyEncryptionKey]:
    """Key-encryption keys as a key file has them: one a line in base64, the newest first.

    `openssl rand -base64 32` writes such a line. A line that begins with # is a comment. Raises
    KeyUnusable, which shows nothing of a key.
    """
    lines = [line.strip() for line in text.splitlines()]
    keys = [_key_of(line) for line in lines if line and not line.startswith("#")]
    if not keys:
        raise _no_key("none")
    return keys


def _key_of(line: str) -> KeyEncryptionKey:
    try:
        key = b64decode(line, validate=True)
    except (Error, ValueError):
        raise _no_key("a line that is not base64") from None
    if len(key) != KEY_BYTES:
        raise _no_key(f"a key of {len(key)} bytes")
    return KeyEncryptionKey(_digest("key-encryption key", key)[:16], AESGCM(key))


def _no_key(found: str) -> KeyUnusable:
    return KeyUnusable(
        expected=f"keys of {KEY_BYTES} bytes in base64, one a line, the newest first",
        found=found,
        do="make one with `openssl rand -base64 32`",
    )


def _digest(what: str, key: bytes) -> str:
    return sha256(canonical(("chargeline", what, key))).hexdigest()


class Keyring:
    """The keys that one open ledger has in memory.

    `keks` are the key-encryption keys by their id, of which `newest` wraps new data keys; without
    one nothing is encrypted. `opened` are the data keys by number, of which `writing` encrypts, for
    the month that is given with it. `in_the_clear` says that the ledger never had a data key, and
    that we are not to make its first: then nothing is encrypted either.
    """

    def __init__(self, keks: Sequence[KeyEncryptionKey] = ()) -> None:
        self.take(keks)
        self.opened: dict[int, DataKey] = {}
        self.writing: tuple[str, DataKey] | None = None
        self.in_the_clear = False

    def take(self, keks: Sequence[KeyEncryptionKey]) -> None:
        """Have these key-encryption keys, the newest first, and no others."""
        self.keks = {kek.id: kek for kek in keks}
        self.newest = keks[0] if keks else None


# ------------------------------------------------------------------ data keys


def new_data_key() -> bytes:
    """The bytes of a new data key."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def digest_of(key: bytes) -> str:
    """What tells a data key from others without telling the key."""
    return _digest("data key", key)


def wrapped(kek: KeyEncryptionKey, number: int, key: bytes) -> bytes:
    """A data key as it is stored."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + kek.cipher.encrypt(nonce, key, canonical(("data_key", number, kek.id)))


def unwrapped(kek: KeyEncryptionKey, number: int, stored: bytes) -> bytes:
    """The data key in what is stored. Raises NotAsWritten."""
    bound = canonical(("data_key", number, kek.id))
    try:
        return kek.cipher.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise _changed(f"data_key {number}") from None


# ------------------------------------------------------------------ rows


def encrypted(key: DataKey, about: str, row: EncryptedRow) -> EncryptedRow:
    """A row of the table `about` with its bytes and headers encrypted; it must have its key."""
    headers = row.headers.encode("utf-8", "surrogatepass")
    clear = b"".join((_LENGTH.pack(len(headers)), headers, _bytes_of(row)))
    nonce = os.urandom(NONCE_BYTES)
    stored = nonce + key.cipher.encrypt(nonce, clear, _bound(about, row))
    return _with(row, stored, NO_HEADERS, key.number)


def decrypted(key: DataKey, about: str, row: EncryptedRow) -> EncryptedRow:
    """The row as it was before it was encrypted.

    Raises NotAsWritten if one bit of the bytes was changed, or if they are another row's.
    """
    stored = _bytes_of(row)
    try:
        clear = key.cipher.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], _bound(about, row))
    except (InvalidTag, ValueError):
        raise _changed(f"a row of {about}") from None
    (length,) = _LENGTH.unpack_from(clear)
    start = _LENGTH.size + length
    headers = clear[_LENGTH.size : start].decode("utf-8", "surrogatepass")
    return _with(row, clear[start:], headers, 0)


def _bytes_of(row: StoredMessage | StoredParkedMessage | Announcement) -> bytes:
    return row.payload if isinstance(row, Announcement) else row.raw


def _with(row: EncryptedRow, data: bytes, headers: str, data_key: int) -> EncryptedRow:
    if isinstance(row, Announcement):
        return row._replace(payload=data, headers=headers, data_key=data_key)
    return row._replace(raw=data, headers=headers, data_key=data_key)


def _bound(about: str, row: StoredMessage | StoredParkedMessage | Announcement) -> bytes:
    """What the bytes of a row are bound to: its table and its key.

    The database numbers an event when it is stored, so of an event it is what names it to readers.
    """
    key: Sequence[str | int]
    if isinstance(row, StoredMessage):
        key = (*row[:4], "" if row.sent is None else stamp(row.sent))
    elif isinstance(row, StoredParkedMessage):
        assert row.id, "the bytes are bound to the id"
        key = (row.id,)
    else:
        key = (row.topic, row.key, row.event_id)
    return canonical((about, *key))


def _changed(what: str) -> NotAsWritten:
    return NotAsWritten(
        expected=f"{what} with the bytes that were written",
        found="others: they do not open with their key",
        do="run `chargeline ledger verify`, and find out who changed the database",
    )
