"""Legal holds: what stays although its days are over, until a person releases it.

This module owns the rows of `hold` and the question whether something is held. A hold of a visit is
a row for each number that merges link with it. A hold of a patient is a row for each number of the
patient and for each visit, message and parked message of the patient that the ledger has then; the
column `of` names the hold that a row belongs to. It removes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, delete, exists, select

from chargeline.ledger import statements, tables
from chargeline.ledger.records import Belongings, HoldKind, StoredHold
from chargeline.ledger.transaction import Transaction


def is_held(kind: HoldKind, facility: Column[Any], number: Column[Any]) -> ColumnElement[bool]:
    """The condition that the row with these columns is held."""
    hold = tables.hold.alias()
    return exists().where(hold.c.kind == kind, hold.c.facility == facility, hold.c.number == number)


async def holds_on(
    transaction: Transaction, kind: HoldKind, numbers: Iterable[tuple[str, str]]
) -> list[StoredHold]:
    """The holds on some numbers of a kind, each given as (facility, number)."""
    table = tables.hold
    among = statements.among(transaction.dialect, table.c.facility, table.c.number)
    statement = select(table).where(table.c.kind == kind, among)
    keyed = statements.keyed(transaction.dialect, numbers)
    return [StoredHold._make(row) for row in await transaction.rows(statement, keyed)]


async def holds_on_any(transaction: Transaction, belongings: Belongings) -> list[StoredHold]:
    """The holds on anything of a visit or patient."""
    holds = []
    for kind, numbers in belongings.by_kind().items():
        if numbers:
            holds += await holds_on(transaction, kind, numbers)
    return holds


async def place(
    transaction: Transaction, belongings: Belongings, at: datetime, *, who: str, why: str
) -> int:
    """Hold all that belongs to a visit or patient; returns how many rows of `hold` it takes."""
    rows = [
        StoredHold(facility, kind, number, of=belongings.name, placed_at=at, who=who, why=why)
        for kind, numbers in belongings.by_kind().items()
        for facility, number in sorted(numbers)
    ]
    await transaction.insert(tables.hold, rows, "replace")
    return len(rows)


async def release(transaction: Transaction, facility: str, name: str) -> int:
    """Remove the rows of one hold; returns how many there were."""
    table = tables.hold
    here = (table.c.facility == facility) & (table.c.of == name)
    return await transaction.run(delete(table).where(here))


async def spread(transaction: Transaction, holds: Sequence[StoredHold], visit: str) -> None:
    """Hold a visit into which a held one was merged since, for as long as that one is held."""
    await transaction.insert(
        tables.hold, [hold._replace(number=visit) for hold in holds], "replace"
    )
