"""The head of the ledger: how long its chains are, and how they end, at one moment.

A chain shows what was changed in the middle. It cannot show that its end was cut off, or that the
whole database was put back to last week: what is left is whole. Against that a head is kept
elsewhere, signed (`drafting/signed_heads.py`). This module owns what a head says, and how a ledger
is held against one. Of the audit trail a head says the number of rows and the last chain, of each
table with a tally how many rows were ever stored and the sum of their seals.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select

from chargeline.ledger import tables
from chargeline.ledger.sealing import NOTHING, Sum
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.verifying import BrokenLink, Verified, sum_in_words, sums_of_tallies


class TableHead(NamedTuple):
    """How many rows a table ever had, and the last chain or the sum of all seals."""

    rows: int
    hash: str


async def heads(transaction: Transaction) -> dict[str, TableHead]:
    """The head of the audit trail and of each table with a tally, by the name of the table."""
    table = tables.audit
    last = select(table.c.number, table.c.chain).order_by(table.c.number.desc()).limit(1)
    rows = await transaction.rows(last)
    kept = await sums_of_tallies(transaction)
    kept.pop(table.name, None)
    return {
        table.name: TableHead(rows[0].number, rows[0].chain) if rows else TableHead(0, ""),
        **{name: _head(kept[name]) for name in sorted(kept)},
    }


def _head(kept: Sum) -> TableHead:
    return TableHead(kept[0], sum_in_words(kept))


async def held_against(transaction: Transaction, before: Mapping[str, TableHead]) -> Verified:
    """Whether the ledger goes on from a head that was kept.

    The trail must have the row with which it ended then. A table must have had as many rows, and
    where it has had no more since, their sum must be the same.
    """
    now = await heads(transaction)
    broken = None
    for name, head in before.items():
        if broken is None:
            present = now.get(name, _head(NOTHING))
            here = await _then(transaction, head.rows) if name == "audit" else present
            broken = _shorter(name, head, present) or _other(name, head, here)
    return Verified("head", sum(head.rows for head in before.values()), "", broken)


def _shorter(name: str, head: TableHead, now: TableHead) -> BrokenLink | None:
    if now.rows >= head.rows:
        return None
    expected = f"{head.rows} rows or more, as at the time of the head"
    return BrokenLink(name, expected, f"{now.rows}")


def _other(name: str, head: TableHead, here: TableHead) -> BrokenLink | None:
    if here.rows != head.rows or here.hash == head.hash:
        return None
    return BrokenLink(name, f"{head.hash} at row {head.rows}", here.hash or "none")


async def _then(transaction: Transaction, count: int) -> TableHead:
    """The head that the trail had when it had so many rows."""
    table = tables.audit
    rows = await transaction.rows(select(table.c.chain).where(table.c.number == count))
    return TableHead(count, rows[0].chain if rows else "")
