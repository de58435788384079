"""Forgetting one visit or one patient because a person says so, whatever its age.

This module owns what belongs to a visit or a patient, and that all of it goes in one transaction.
It does not know HL7 or Kafka: whoever calls says which patient numbers stand in a message, and
under which key the events of a visit wait in the outbox.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, LargeBinary, Select, Table, delete, func, literal, or_, select

from chargeline.engine import VisitKey
from chargeline.ledger import data_keys, statements, tables
from chargeline.ledger.encrypting_old import MESSAGES, PARKED, Sealed
from chargeline.ledger.errors import OnHold, UnreadableRow
from chargeline.ledger.holding import held_patients, holds_by_bytes, holds_on_any, linked_numbers
from chargeline.ledger.records import Belongings, StoredMessage, StoredParkedMessage, Whose
from chargeline.ledger.removed import RemovedVisit, number_digest
from chargeline.ledger.retention import remove, remove_merges, remove_sealed, removed_seals
from chargeline.ledger.sealing import Sum, added
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.view import View

_Row = TypeVar("_Row", StoredMessage, StoredParkedMessage)
_OF_VISITS = (
    tables.assignment,
    tables.still_running,
    tables.question,
    tables.contribution,
    tables.visit,
)


class Identification(NamedTuple):
    """What the ledger cannot tell: the patient numbers in a message, and the key of a visit."""

    patients_of: Callable[[bytes], Iterable[str]]
    key_of: Callable[[str, str], str]


async def belongings(transaction: Transaction, whose: Whose, reading: Identification) -> Belongings:
    """All that a visit or a patient has in the ledger, under every number that merges link."""
    view = View(transaction)
    numbers = await linked_numbers(view, whose)
    if whose.kind == "visit":
        return Belongings(whose.name, frozenset(numbers))
    patients = numbers
    visits = {(row.facility, row.visit) for row in await view.contributions(patients)}
    messages, parked = set(), set()
    unread: dict[str, UnreadableRow] = {}
    for facility, number in sorted(patients):
        for row in await _naming(transaction, MESSAGES, number, unread):
            if row.facility == facility and number in reading.patients_of(row.raw):
                if row.visit:
                    visits.add((facility, row.visit))
                else:
                    messages.add((facility, row.digest))
        for aside in await _naming(transaction, PARKED, number, unread):
            if aside.facility in (facility, None) and number in reading.patients_of(aside.raw):
                parked.add((whose.facility, str(aside.id)))
    visits = await _linked_visits(view, visits)
    return Belongings(
        whose.name,
        visits=frozenset(visits),
        patients=frozenset(patients),
        messages=frozenset(messages),
        parked=frozenset(parked),
        # Of another facility nothing is this patient's, and what is of these visits goes anyway.
        unsearched=tuple(
            row
            for row in unread.values()
            if row.visit[0] in (whose.facility, None) and row.visit not in visits
        ),
    )


async def _linked_visits(view: View, visits: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    numbers = {(facility, visit) for facility, visit in visits}
    merges = await view.merges_around(numbers)
    return numbers | {(one.facility, end) for one in merges for end in (one.prior, one.surviving)}


async def _naming(
    transaction: Transaction, kind: Sealed[_Row], number: str, unread: dict[str, UnreadableRow]
) -> list[_Row]:
    """The messages, or parked messages, whose bytes hold a number somewhere.

    It reads the whole table. Rows that do not open come into `unread`, by their place.
    """
    table, naming = kind.table, list[_Row]()
    columns = [table.c[name] for name in kind.fields]
    async for stored in transaction.stream(_holding(transaction, table, columns, number)):
        row = await data_keys.read_or_not(transaction, table.name, kind.record(stored))
        if isinstance(row, UnreadableRow):
            unread[str(row.place)] = row
        elif number.encode() in row.raw:
            naming.append(row)
    return naming


def _holding(
    transaction: Transaction, table: Table, columns: Sequence[Column[Any]], number: str
) -> Select[Any]:
    """The rows whose bytes hold a number or are encrypted."""
    wanted = literal(number.encode(), LargeBinary)
    sqlite = transaction.dialect == "sqlite"
    place = (func.instr if sqlite else func.pg_catalog.position)(table.c.raw, wanted)
    return select(*columns).where(or_(table.c.data_key != 0, place > 0))


class Erased(NamedTuple):
    """What went: the number of rows by table, the visits, and the sums of the seals of messages,
    parked messages, answers and revisions, which `ledger verify` needs. `unsearched` are rows that
    do not open: they stay, and may belong to it.
    """

    rows: dict[str, int]
    visits: frozenset[tuple[str, str]]
    sums: dict[str, Sum]
    unsearched: tuple[UnreadableRow, ...] = ()


async def erase(
    transaction: Transaction, whose: Whose, reading: Identification, at: datetime
) -> Erased:
    """Remove all that belongs to a visit or patient, and remember the hashes of the visits.

    Whoever calls writes the sums into the audit trail. Raises OnHold if any of it is held: then
    nothing is removed.
    """
    owned = await belongings(transaction, whose, reading)
    holds = await holds_on_any(transaction, owned)
    patients = await held_patients(transaction, reading.patients_of)
    holds += await holds_by_bytes(transaction, sorted(owned.visits), patients)
    if holds:
        since = min(hold.placed_at for hold in holds).isoformat(timespec="seconds")
        raise transaction.fail(
            OnHold(
                expected="a visit or patient of which nothing is held",
                found=f"{len(holds)} of its numbers or messages on hold, since {since} (one "
                "that does not open counts as held by each held patient)",
                do="see who holds it, and release it with `chargeline ledger release` first",
            )
        )
    visits = [VisitKey(*key) for key in owned.visits]
    await _remember(transaction, visits, at)
    removed = {table.name: await remove(transaction, table, visits) for table in _OF_VISITS}
    messages, parked = await _sealed(transaction, owned, visits)
    answers = await remove_sealed(transaction, tables.answer, visits)
    revisions = await remove_sealed(transaction, tables.draft_revision, visits)
    removed["visit_merge"] = await remove_merges(transaction, tables.visit_merge, visits)
    removed["patient_merge"] = await remove_merges(
        transaction, tables.patient_merge, owned.patients
    )
    removed["contribution"] += await _among(
        transaction, tables.contribution, "patient", owned.patients
    )
    keys = [reading.key_of(*visit) for visit in visits]
    removed["outbox"] = await transaction.run(
        delete(tables.outbox).where(tables.outbox.c.key.in_(keys))
    )
    sealed = {
        "message": messages,
        "parked": parked,
        "answer": answers,
        "draft_revision": revisions,
    }
    removed |= {name: len(seals) for name, seals in sealed.items()}
    sums = {name: added(seals) for name, seals in sealed.items()}
    return Erased(removed, owned.visits, sums, owned.unsearched)


async def _remember(transaction: Transaction, visits: Iterable[VisitKey], at: datetime) -> None:
    """Remember by its hash that a visit was removed, so that a message that comes later is not
    drafted as if it were the whole visit. A number of which nothing is stored may be mistyped.
    """
    keys = statements.keyed(transaction.dialect, visits)
    stored = [
        VisitKey(row.facility, row.visit)
        for table in (tables.visit, tables.message, tables.parked)
        for row in await transaction.rows(statements.visits_in(transaction.dialect, table), keys)
    ]
    before = await View(transaction).visits(stored)
    rows = [
        RemovedVisit(
            facility=key.facility,
            digest=number_digest(*key),
            revision=before[key].revision if key in before else 0,
            at=at,
        )
        for key in dict.fromkeys(stored)
    ]
    await transaction.insert(tables.forgotten_visit, rows, "replace")


async def _sealed(
    transaction: Transaction, owned: Belongings, visits: Sequence[VisitKey]
) -> tuple[list[str], list[str]]:
    """Remove messages and parked messages; gives their seals."""
    dialect, message, parked = transaction.dialect, tables.message, tables.parked
    digests = statements.among(dialect, message.c.facility, message.c.digest)
    stray = delete(message).where(digests).returning(message.c.seal)
    alone = delete(parked).where(statements.numbered(dialect, parked.c.id))
    numbers = statements.numbers(dialect, [int(number) for _, number in owned.parked])
    of_messages = statements.keyed(dialect, owned.messages)
    return (
        [
            *await remove_sealed(transaction, message, visits),
            *await removed_seals(transaction, stray, of_messages),
        ],
        [
            *await remove_sealed(transaction, parked, visits),
            *await removed_seals(transaction, alone.returning(parked.c.seal), numbers),
        ],
    )


async def _among(
    transaction: Transaction, table: Table, column: str, keys: Iterable[tuple[str, str]]
) -> int:
    here = statements.among(transaction.dialect, table.c.facility, table.c[column])
    keyed = statements.keyed(transaction.dialect, keys)
    return await transaction.run(delete(table).where(here), keyed)
