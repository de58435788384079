"""Encrypting rows that were stored in the clear, a page at a time, while programs go on.

This module owns the walk, and that seals and tallies follow. A row whose seal is broken stays as it
is: else its seal would be made anew, and nobody would see that somebody changed the row.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Table, bindparam, select, tuple_

from chargeline.ledger import data_keys, tables
from chargeline.ledger.records import StoredMessage, StoredParkedMessage
from chargeline.ledger.sealing import (
    Tally,
    plus,
    sealed_message,
    sealed_parked,
    tallies,
)
from chargeline.ledger.transaction import Transaction

_Row = TypeVar("_Row", StoredMessage, StoredParkedMessage)


class Sealed(NamedTuple, Generic[_Row]):
    """A table with bytes and seals: how a row of it is made, and how it is sealed."""

    table: Table
    record: Callable[[Sequence[Any]], _Row]
    fields: tuple[str, ...]
    seal: Callable[[_Row], _Row]


MESSAGES = Sealed(tables.message, StoredMessage._make, StoredMessage._fields, sealed_message)
PARKED = Sealed(
    tables.parked, StoredParkedMessage._make, StoredParkedMessage._fields, sealed_parked
)


class Page(NamedTuple):
    """What one step did: rows encrypted, rows left because their seal is broken, and the key behind
    which to go on, None at the end.
    """

    encrypted: int
    left: int
    after: tuple[Any, ...] | None


START = Page(0, 0, ())
"""The page before the first."""


async def encrypt_page(
    transaction: Transaction, kind: Sealed[_Row], after: tuple[Any, ...] | None, limit: int
) -> Page:
    """Encrypt at most `limit` rows that are in the clear, from behind one key on.

    Raises KeyMissing.
    """
    data_keys.must_encrypt(transaction)
    rows = await _in_the_clear(transaction, kind, after, limit)
    whole = [row for row in rows if kind.seal(row).seal == row.seal]
    anew = [kind.seal(row) for row in await data_keys.to_write(transaction, kind.table.name, whole)]
    await transaction.insert(kind.table, anew, "replace")
    changes = _changes(tallies(kind.table.name, whole), tallies(kind.table.name, anew))
    await transaction.insert(tables.tally, changes, "add")
    assert all(change.number == 0 for change in changes), "no row came and none went"
    keys = [column.name for column in kind.table.primary_key]
    last = tuple(getattr(rows[-1], name) for name in keys) if len(rows) == limit else None
    return Page(len(anew), len(rows) - len(whole), last)


def _changes(before: Sequence[Tally], after: Sequence[Tally]) -> list[Tally]:
    """What tallies change by when the same rows have other seals."""
    gone = {tally[:3]: tally[3:] for tally in before}
    return [Tally._make((*new[:3], *plus(new[3:], gone[new[:3]], -1))) for new in after]


async def _in_the_clear(
    transaction: Transaction, kind: Sealed[_Row], after: tuple[Any, ...] | None, limit: int
) -> list[_Row]:
    """The next rows in the clear, locked, in the order of their keys."""
    keys = list(kind.table.primary_key)
    columns = [kind.table.c[name] for name in kind.fields]
    page = select(*columns).where(kind.table.c.data_key == 0).order_by(*keys).limit(limit)
    if after:
        ends = zip(keys, after, strict=True)
        last = [bindparam(None, value, column.type) for column, value in ends]
        page = page.where(tuple_(*keys) > tuple_(*last))
    return [kind.record(row) for row in await transaction.rows(page.with_for_update())]
