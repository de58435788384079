"""Legal holds: what stays although its days are over, until a person releases it.

This module owns the rows of `hold` and the question whether something is held. A hold of a visit is
a row for each number that merges link with it. A hold of a patient is a row for each number of the
patient and for each visit, message and parked message of the patient that the ledger has then. What
comes later is held by the patient's numbers: `HeldPatients` says whether bytes name a held patient,
and who removes anything asks it and adds a row. The column `of` names the hold that a row belongs
to. It removes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, delete, exists, select

from chargeline.ledger import statements, tables
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import Belongings, HoldKind, StoredHold
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.view import View


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


PatientsOf = Callable[[bytes], Iterable[str]]
"""The patient numbers that stand in the bytes of a message."""


class HeldPatients:
    """The holds on patients, and which of them are about a message."""

    def __init__(self, holds: Mapping[tuple[str, str], StoredHold], reads: PatientsOf) -> None:
        self._holds = holds
        self._reads = reads

    def __bool__(self) -> bool:
        return bool(self._holds)

    def on(self, facility: str | None, raw: bytes | None) -> list[StoredHold]:
        """The holds on the patients whom a message names; without a facility, those of any.

        Without the bytes, because the row does not open, nobody can tell whom it names: then it is
        held with every patient of the facility.
        """
        if not self._holds:
            return []
        named = None if raw is None else set(self._reads(raw))
        return [
            hold
            for (where, number), hold in self._holds.items()
            if (named is None or number in named) and facility in (where, None)
        ]


async def held_patients(transaction: Transaction, reads: PatientsOf | None) -> HeldPatients:
    """The patients on hold, under every number that merges link by now."""
    table = tables.hold
    rows = await transaction.rows(select(table).where(table.c.kind == "patient"))
    holds = {(hold.facility, hold.number): hold for hold in map(StoredHold._make, rows)}
    assert reads is not None or not holds, "who removes must be able to tell patients"
    for key, hold in list(holds.items()):
        for merge in await View(transaction).patient_merges_around([key]):
            for end in (merge.prior, merge.surviving):
                holds.setdefault((merge.facility, end), hold._replace(number=end))
    return HeldPatients(holds, reads or (lambda _raw: ()))


async def holds_by_bytes(
    transaction: Transaction, visits: Iterable[tuple[str, str]], patients: HeldPatients
) -> list[StoredHold]:
    """The holds on patients whom messages of these visits name: a held patient's later visit.

    A visit of which a message does not open is held with every held patient of its facility.
    """
    holds: list[StoredHold] = []
    for key in visits if patients else ():
        try:
            ((_key, messages),) = (await View(transaction).messages_of([key], merges=())).items()
        except UnreadableRow:
            holds += patients.on(key[0], None)
        else:
            holds += [hold for row in messages for hold in patients.on(row.facility, row.raw)]
    return holds


async def extend(
    transaction: Transaction, holds: Iterable[StoredHold], kind: HoldKind, number: str
) -> None:
    """Hold something else for as long as these holds last."""
    rows = [hold._replace(kind=kind, number=number) for hold in holds]
    await transaction.insert(tables.hold, rows, "replace")


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
