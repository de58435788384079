"""The data keys of one ledger: which one encrypts now, and how the others are opened.

This module owns the table `data_key`. A key encrypts the rows of one month (UTC). It is stored and
committed before any row is encrypted with it, and a batch looks whether it is still stored: else a
database that came back without its last second would hold rows that nobody can read. No number is
used twice: the tally of data keys holds the highest, so a lost row can be put back. Without a
key-encryption key nothing is encrypted, and what is in the clear is read.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, select, update

from chargeline.ledger import statements, tables
from chargeline.ledger.encrypting import (
    DataKey,
    EncryptedRow,
    KeyEncryptionKey,
    Keyring,
    decrypted,
    digest_of,
    encrypted,
    new_data_key,
    unwrapped,
    wrapped,
)
from chargeline.ledger.errors import (
    KeyGone,
    KeyMissing,
    KeyWrong,
    LedgerError,
    NotAsWritten,
    UnreadableRow,
)
from chargeline.ledger.records import StoredDataKey
from chargeline.ledger.sealing import tally_of_all
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.unreadable import unreadable

# The number of an advisory lock of PostgreSQL: any will do that nobody else uses in this database.
_DATA_KEY_LOCK = 7_203_114_004


def is_ready(keys: Keyring) -> bool:
    """Whether a batch can begin: nothing is encrypted, or there is a data key of this month."""
    return keys.newest is None or (keys.writing is not None and keys.writing[0] == _month())


async def make(transaction: Transaction, *, first: bool) -> tuple[str, DataKey] | None:
    """This month, and its data key, which may be new. Use the key after the commit only.

    None if the ledger never had a data key, unless we may make its `first` one. Raises KeyWrong if
    a stored data key is wrapped by a key that we do not have: ours may be a retired one, and what
    it wraps, nobody could open once it is destroyed.
    """
    month, newest = _month(), transaction.keys.newest
    assert newest is not None, "without a key nothing is encrypted"
    await _lock(transaction)
    stored = await _stored(transaction)
    for row in stored:
        if row.month == month:
            return month, _opened(transaction, row)
    for row in stored:
        _key_in(transaction, row)
    highest = await _highest(transaction)
    if not first and not stored and not highest:
        return None
    number, key = max([highest or 0, *(row.number for row in stored)]) + 1, new_data_key()
    if highest is None:
        number, highest = await _highest_used(transaction, number), 0
    new = StoredDataKey(
        month=month,
        number=number,
        kek=newest.id,
        wrapped=wrapped(newest, number, key),
        digest=digest_of(key),
        made_at=datetime.now(UTC),
    )
    await transaction.insert(tables.data_key, [new])
    total = tally_of_all(tables.data_key.name, [new.digest])._replace(number=number - highest)
    await transaction.insert(tables.tally, [total], "add")
    return month, _opened(transaction, new)


async def _highest(transaction: Transaction) -> int | None:
    """The highest number that a data key ever had, whether or not its row is still there."""
    table = tables.tally
    here = select(table.c.number).where(table.c.about == tables.data_key.name)
    rows = await transaction.rows(here)
    return rows[0].number if rows else None


async def _highest_used(transaction: Transaction, number: int) -> int:
    """The number, or one above all that rows use. It reads all rows, if the tally was lost."""
    for table in (tables.message, tables.parked, tables.outbox):
        ((most,),) = await transaction.rows(select(func.max(table.c.data_key)))
        number = max(number, (most or 0) + 1)
    return number


async def _lock(transaction: Transaction) -> None:
    """Have no data key made or wrapped anew by others until the transaction ends."""
    if transaction.dialect == "postgresql":  # SQLite has only one writer
        await transaction.rows(statements.lock_numbers(), {"numbers": [_DATA_KEY_LOCK]})


async def open_all(transaction: Transaction) -> None:
    """Open every data key of the ledger. Raises KeyMissing, KeyWrong or NotAsWritten."""
    rows = await _stored(transaction)
    if rows and transaction.keys.newest is None:
        raise transaction.fail(_no_key(rows))
    transaction.keys.opened |= {row.number: _opened(transaction, row) for row in rows}


async def openable(
    transaction: Transaction,
) -> tuple[dict[int, DataKey], dict[int, LedgerError]]:
    """The stored data keys that open, by number, and why each of the others does not."""
    opened: dict[int, DataKey] = {}
    closed: dict[int, LedgerError] = {}
    for row in await _stored(transaction):
        try:
            opened[row.number] = _data_key(transaction.keys, row)
        except (KeyWrong, NotAsWritten) as error:
            closed[row.number] = error
    return opened, closed


async def to_write(
    transaction: Transaction, about: str, rows: Sequence[EncryptedRow]
) -> list[EncryptedRow]:
    """Rows of the table `about` as they are stored: encrypted if the ledger is."""
    keys = transaction.keys
    if keys.newest is None or keys.in_the_clear or not rows:
        return list(rows)
    assert keys.writing is not None, "the data key is made before the batch begins"
    _month, key = keys.writing
    if not transaction.is_key_there:
        await _look_for(transaction, key)
        transaction.is_key_there = True
    return [encrypted(key, about, row) for row in rows]


async def _look_for(transaction: Transaction, key: DataKey) -> None:
    table = tables.data_key
    here = select(table.c.digest).where(table.c.number == key.number)
    if [row.digest for row in await transaction.rows(here)] == [key.digest]:
        return
    transaction.keys.writing = None
    raise transaction.fail(
        KeyGone(
            expected=f"data key {key.number} in the ledger, as it was made",
            found="none, or another one",
            do="find out what was restored, or who removed the row; the next batch makes a new key",
        )
    )


def take(keys: Keyring, anew: Sequence[KeyEncryptionKey]) -> None:
    """Have other key-encryption keys from now on. Raises KeyMissing if there are none: a ledger
    that is encrypted must not go on in the clear.
    """
    if not anew:
        raise _no_key()
    keys.take(anew)


def must_encrypt(transaction: Transaction) -> None:
    """Raise KeyMissing if there is no key to encrypt with."""
    if transaction.keys.newest is None:
        raise transaction.fail(_no_key())


async def to_read(
    transaction: Transaction, about: str, rows: Sequence[EncryptedRow]
) -> list[EncryptedRow]:
    """Rows as they were before they were encrypted.

    Raises UnreadableRow of the first that does not open: the transaction may go on without it.
    KeyMissing, KeyWrong, and NotAsWritten of a data key are faults of the whole program.
    """
    numbers = {row.data_key for row in rows} - {0}
    if not numbers:
        return list(rows)
    opened = await _keys_of(transaction, numbers)
    return [_clear(opened, about, row) if row.data_key else row for row in rows]


async def read_or_not(
    transaction: Transaction, about: str, row: EncryptedRow
) -> EncryptedRow | UnreadableRow:
    """A row as it was before it was encrypted, or why it does not open."""
    try:
        (clear,) = await to_read(transaction, about, [row])
    except UnreadableRow as error:
        return error
    return clear


async def as_far_as_they_open(
    transaction: Transaction, about: str, rows: Sequence[EncryptedRow]
) -> list[EncryptedRow]:
    """Rows as they were before they were encrypted; one that does not open comes as it is stored,
    with its `data_key`, so that it hides none of the others.
    """
    try:
        return await to_read(transaction, about, rows)
    except UnreadableRow:
        read = [await read_or_not(transaction, about, row) for row in rows]
    return [
        row if isinstance(clear, UnreadableRow) else clear
        for row, clear in zip(rows, read, strict=True)
    ]


def _clear(opened: Mapping[int, DataKey], about: str, row: EncryptedRow) -> EncryptedRow:
    number = row.data_key
    if number not in opened:
        raise unreadable(row, f"data key {number}, which the table data_key does not have")
    try:
        return decrypted(opened[number], about, row)
    except NotAsWritten:
        raise unreadable(row, f"bytes that do not open with data key {number}") from None


async def _keys_of(transaction: Transaction, numbers: set[int]) -> dict[int, DataKey]:
    """The data keys, those of these numbers among them as far as they are stored.

    Another program may have made some of them since. A program without any key lacks its key, and
    no row is to blame, if the ledger ever had a data key.
    """
    opened = transaction.keys.opened
    if not numbers <= opened.keys():
        await open_all(transaction)
        if transaction.keys.newest is None and await _highest(transaction):
            raise transaction.fail(_no_key())
    return opened


def lost(number: int) -> KeyWrong:
    """What is wrong if rows name a data key that is not stored."""
    return KeyWrong(
        expected=f"the data key {number} in the table data_key",
        found="none",
        do="restore the table: without that row its messages cannot be read",
    )


class Rotated(NamedTuple):
    """What `rotate` did: the id of the key that wraps all data keys now, how many of them another
    one wrapped before, and the ids of those.
    """

    key: str
    wrapped: int
    before: tuple[str, ...]


async def rotate(transaction: Transaction) -> Rotated:
    """Wrap every data key with the newest key-encryption key. Raises KeyMissing or KeyWrong."""
    must_encrypt(transaction)
    table, newest = tables.data_key, transaction.keys.newest
    assert newest is not None, "as was asked just now"
    await _lock(transaction)  # a key that is made now would stay with the retired one
    old = [row for row in await _stored(transaction, locked=True) if row.kek != newest.id]
    for row in old:
        anew = wrapped(newest, row.number, _key_in(transaction, row))
        here = update(table).where(table.c.number == row.number)
        await transaction.run(here.values(kek=newest.id, wrapped=anew))
    return Rotated(newest.id, len(old), tuple(sorted({row.kek for row in old})))


def _opened(transaction: Transaction, row: StoredDataKey) -> DataKey:
    return DataKey(row.number, AESGCM(_key_in(transaction, row)), row.digest)


def _data_key(keys: Keyring, row: StoredDataKey) -> DataKey:
    return DataKey(row.number, AESGCM(_unwrapped(keys, row)), row.digest)


def _key_in(transaction: Transaction, row: StoredDataKey) -> bytes:
    try:
        return _unwrapped(transaction.keys, row)
    except KeyWrong as error:
        raise transaction.fail(error) from None


def _unwrapped(keys: Keyring, row: StoredDataKey) -> bytes:
    keks = keys.keks
    if row.kek in keks:
        return unwrapped(keks[row.kek], row.number, row.wrapped)
    raise KeyWrong(
        expected=f"the key {row.kek}, which wraps data key {row.number}",
        found=f"the keys {', '.join(sorted(keks))}",
        do="give that key too, below the new one (`chargeline ledger key-id` prints which keys a "
        "file has); `chargeline ledger rotate` makes it needless",
    )


async def _stored(transaction: Transaction, *, locked: bool = False) -> list[StoredDataKey]:
    table = tables.data_key
    columns = [table.c[name] for name in StoredDataKey._fields]
    ordered = select(*columns).order_by(table.c.number)
    rows = await transaction.rows(ordered.with_for_update() if locked else ordered)
    return [StoredDataKey._make(row) for row in rows]


def _no_key(rows: Sequence[StoredDataKey] = ()) -> KeyMissing:
    ids = ", ".join(sorted({row.kek for row in rows}))
    return KeyMissing(
        expected="the key that the ledger is encrypted with" + (f", {ids}" if ids else ""),
        found="none",
        do="set CHARGELINE_LEDGER_KEY_FILE or CHARGELINE_LEDGER_KEY_COMMAND; `chargeline ledger "
        "key-id` prints which keys a file has",
    )


def _month() -> str:
    return datetime.now(UTC).strftime("%Y-%m")
