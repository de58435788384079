"""Legal holds: what stays although its days are over, until a person releases it.

This module owns the rows of `hold` and the question whether something is held. A hold of a visit is
a row for each number that merges link with it. A hold of a patient is a row for each number of the
patient and for each visit, message and parked message of the patient that the ledger has then. What
comes later is held by the patient's numbers: `HeldPatients` says whether bytes name a held patient,
and who removes anything asks it and adds a row. The column `of` names the hold that a row belongs
to. Whoever names a visit or patient names it under every number that merges link by then. It
removes nothing but holds.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple, get_args

from sqlalchemy import Column, ColumnElement, Table, delete, exists, func, select

from chargeline.ledger import statements, tables
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import Belongings, HoldKind, StoredHold, Whose
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

    @property
    def by_number(self) -> Mapping[tuple[str, str], StoredHold]:
        """A hold for each number, given as (facility, number)."""
        return self._holds

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


async def extend_to_merged(transaction: Transaction) -> None:
    """Hold patients under the numbers, too, that merges link with theirs since."""
    holds = await held_patients(transaction, lambda _raw: ())
    for (_, number), hold in holds.by_number.items():
        await extend(transaction, [hold], "patient", number)


class HeldRows(NamedTuple):
    """How many rows of the ledger a hold keeps: entries of patients' records, visits, messages and
    parked messages. `numbers` are those of the visit or patient itself, merged ones among them.
    """

    numbers: int
    visits: int
    messages: int
    parked: int
    entries: int

    @property
    def any(self) -> bool:
        """Whether the ledger has anything under the number: a row, or a merge with another."""
        return self.numbers > 1 or any(self[1:])


class Hold(NamedTuple):
    """A hold as a person placed it, and what it keeps."""

    whose: Whose
    placed_at: datetime
    who: str
    why: str
    rows: HeldRows


async def place(
    transaction: Transaction, belongings: Belongings, at: datetime, *, who: str, why: str
) -> HeldRows:
    """Hold all that belongs to a visit or patient; returns what the ledger has of it."""
    rows = [
        StoredHold(facility, kind, number, of=belongings.name, placed_at=at, who=who, why=why)
        for kind, numbers in belongings.by_kind().items()
        for facility, number in sorted(numbers)
    ]
    await transaction.insert(tables.hold, rows, "replace")
    return await _rows_of(transaction, belongings)


async def _rows_of(transaction: Transaction, owned: Belongings) -> HeldRows:
    visit, message, record = tables.visit, tables.message, tables.contribution
    numbers = owned.visits if owned.name.startswith("visit|") else owned.patients
    return HeldRows(
        numbers=len(numbers),
        visits=await _count(transaction, visit, "visit", owned.visits),
        messages=await _count(transaction, message, "visit", owned.visits)
        + await _count(transaction, message, "digest", owned.messages),
        parked=await _count_parked(transaction, owned),
        entries=await _count(transaction, record, "patient", owned.patients),
    )


async def _count(
    transaction: Transaction, table: Table, column: str, keys: Iterable[tuple[str, str]]
) -> int:
    among = statements.among(transaction.dialect, table.c.facility, table.c[column])
    keyed = statements.keyed(transaction.dialect, keys)
    counted = select(func.count()).select_from(table).where(among)
    return int((await transaction.rows(counted, keyed))[0][0])


async def _count_parked(transaction: Transaction, owned: Belongings) -> int:
    table, dialect = tables.parked, transaction.dialect
    of_visits = select(table.c.id).where(statements.among(dialect, table.c.facility, table.c.visit))
    alone = select(table.c.id).where(statements.numbered(dialect, table.c.id))
    numbers = statements.numbers(dialect, [int(number) for _, number in owned.parked])
    rows = [
        *await transaction.rows(of_visits, statements.keyed(dialect, owned.visits)),
        *await transaction.rows(alone, numbers),
    ]
    return len({row.id for row in rows})


async def all_holds(transaction: Transaction) -> list[Hold]:
    """Every hold, by facility and number, with what it keeps now."""
    table = tables.hold
    ordered = select(table).order_by(table.c.facility, table.c.of)
    stored = map(StoredHold._make, await transaction.rows(ordered))
    holds = []
    for (facility, name), rows in groupby(stored, key=lambda row: (row.facility, row.of)):
        whole = list(rows)
        latest = max(whole, key=lambda row: row.placed_at)
        keeps = await _rows_of(transaction, _belongings(name, whole))
        by = {"who": latest.who, "why": latest.why}
        holds.append(Hold(_named(facility, name), latest.placed_at, rows=keeps, **by))
    return holds


def _belongings(name: str, rows: Iterable[StoredHold]) -> Belongings:
    by_kind: dict[HoldKind, set[tuple[str, str]]] = {kind: set() for kind in get_args(HoldKind)}
    for row in rows:
        by_kind[row.kind].add((row.facility, row.number))
    return Belongings(
        name,
        visits=frozenset(by_kind["visit"]),
        patients=frozenset(by_kind["patient"]),
        messages=frozenset(by_kind["message"]),
        parked=frozenset(by_kind["parked"]),
    )


def _named(facility: str, name: str) -> Whose:
    kind, _, number = name.partition("|")
    return Whose("visit" if kind == "visit" else "patient", facility, number)


async def linked_numbers(view: View, whose: Whose) -> set[tuple[str, str]]:
    """The number of a visit or patient and all that merges link with it, as (facility, number)."""
    key = (whose.facility, whose.number)
    around = view.merges_around if whose.kind == "visit" else view.patient_merges_around
    merges = await around([key])
    return {key, *((one.facility, end) for one in merges for end in (one.prior, one.surviving))}


async def release(transaction: Transaction, whose: Whose) -> list[Whose]:
    """End the holds of a visit or patient, under whichever of its numbers they were placed.

    Returns the numbers under which there was one.
    """
    table, numbers = tables.hold, await linked_numbers(View(transaction), whose)
    names = [whose._replace(number=number).name for _, number in numbers]
    here = (table.c.facility == whose.facility) & table.c.of.in_(names)
    rows = await transaction.rows(delete(table).where(here).returning(table.c.of))
    return [_named(whose.facility, name) for name in sorted({row.of for row in rows})]


async def kept_by(transaction: Transaction, whose: Whose) -> list[Whose]:
    """Whose holds keep a visit or patient, such as that of the patient of a visit."""
    numbers = await linked_numbers(View(transaction), whose)
    holds = await holds_on(transaction, whose.kind, numbers)
    return sorted({_named(hold.facility, hold.of) for hold in holds})
