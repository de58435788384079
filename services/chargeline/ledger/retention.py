"""Forgetting: removing the rows that were kept long enough, a bounded piece at a time.

This module owns which rows go together. It does not know how long a site keeps them. A visit goes
with the messages of every number that leads to it. Its row in `visit` stays, with the status
"forgotten", so that a message that comes later is not drafted as if it were the whole visit. That
row, the merges of the visit's numbers and those of patients' numbers go when patients' records go.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    Text,
    cast,
    delete,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete

from chargeline.engine import VisitKey
from chargeline.ledger import statements, tables
from chargeline.ledger.auditing import Act, append
from chargeline.ledger.data_keys import read_or_not
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.holding import (
    HeldPatients,
    PatientsOf,
    extend,
    extend_to_merged,
    held_patients,
    holds_by_bytes,
    holds_on,
    is_held,
)
from chargeline.ledger.merges import leading_to
from chargeline.ledger.records import Forgotten, StoredMessage, StoredParkedMessage
from chargeline.ledger.sealing import added
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.view import Keys, View

_SETTLED = ("retried", "dropped")


async def forget_some(
    transaction: Transaction,
    before: datetime,
    parked_before: datetime,
    *,
    chunk: int,
    reads: PatientsOf | None,
) -> Forgotten:
    """Remove old visits, old messages of no visit and old parked messages, at most `chunk` of each.

    A parked message goes when a person has seen to it and it came before `before`, or when it came
    before `parked_before`, whether or not a person has seen to it. What was removed is an act of
    the audit trail. `reads` tells which patients a message names: what is a held patient's stays.
    """
    patients = await held_patients(transaction, reads)
    old = await _old_visits(transaction, before, chunk)
    members = leading_to(old, await View(transaction).merges_around(old))
    members = await _not_held(transaction, members)
    members = await _of_no_held_patient(transaction, members, patients)
    everyone = {member for numbers in members.values() for member in numbers}
    messages = await _stray_messages(transaction, before, chunk, patients)
    some, answers, revisions = Forgotten(), list[str](), list[str]()
    if everyone:
        messages += await remove_sealed(transaction, tables.message, everyone)
        answers = await remove_sealed(transaction, tables.answer, everyone)
        revisions = await remove_sealed(transaction, tables.draft_revision, everyone)
        some = await _forget_visits(transaction, everyone)
    bounds = (max(before, parked_before), parked_before)
    seen_to, unseen = await _parked(transaction, bounds, chunk, patients)
    some = some._replace(
        messages=len(messages),
        answers=len(answers),
        revisions=len(revisions),
        parked=len(seen_to),
        parked_unseen=len(unseen),
    )
    if some != Forgotten():
        removed = {
            "message": added(messages),
            "parked": added([*seen_to, *unseen]),
            "answer": added(answers),
            "draft_revision": added(revisions),
        }
        details = {**some._asdict(), "before": before.isoformat(), "sums": removed}
        why = "kept for as many days as the settings say"
        act = Act("retention", "ledger", "rows", who="retention", why=why, details=details)
        await append(transaction, [act])
    return some


async def _forget_visits(transaction: Transaction, everyone: Iterable[VisitKey]) -> Forgotten:
    """Mark visits as forgotten, and remove all of them that has no tally."""
    await remove(transaction, tables.assignment, everyone)
    await remove(transaction, tables.still_running, everyone)
    ours = statements.among(transaction.dialect, tables.visit.c.facility, tables.visit.c.visit)
    marked = update(tables.visit).where(ours).values(_nothing_due())
    return Forgotten(
        visits=await transaction.run(marked, statements.keyed(transaction.dialect, everyone)),
        questions=await remove(transaction, tables.question, everyone),
    )


async def _not_held(
    transaction: Transaction, members: dict[VisitKey, list[VisitKey]]
) -> dict[VisitKey, list[VisitKey]]:
    """The visits of which no number is held. The others are held from now on, with that number."""
    everyone = {number for numbers in members.values() for number in numbers}
    holds = await holds_on(transaction, "visit", everyone) if everyone else []
    free = {}
    for key, numbers in members.items():
        on = [hold for hold in holds if VisitKey(hold.facility, hold.number) in numbers]
        if on:
            await extend(transaction, on, "visit", key.visit)
        else:
            free[key] = numbers
    return free


async def _of_no_held_patient(
    transaction: Transaction, members: dict[VisitKey, list[VisitKey]], patients: HeldPatients
) -> dict[VisitKey, list[VisitKey]]:
    """The visits of which no message names a held patient. The others are held from now on."""
    if not patients:
        return members
    free = {}
    for key, numbers in members.items():
        on = {hold.of: hold for hold in await holds_by_bytes(transaction, numbers, patients)}
        if on:
            await extend(transaction, on.values(), "visit", key.visit)
        else:
            free[key] = numbers
    return free


def _nothing_due() -> dict[str, Any]:
    return {
        "status": "forgotten",
        "settle_due": None,
        "final_due": None,
        "asked_due": None,
        "incomplete": False,
        "stake_cents": 0,
        "waits_for": None,
        "waiting_cents": 0,
        "place": "",
        "payer": "",
        "day": "",
        "asks": 0,
        "asks_first": "",
    }


async def _old_visits(transaction: Transaction, before: datetime, limit: int) -> list[VisitKey]:
    """Visits that nothing has changed since, final or not. A forgotten visit is among them if a
    message came later: its row says that the visit is incomplete.

    A number that was merged away is left out: it goes together with the visit that it leads to.
    """
    visit, merge = tables.visit, tables.visit_merge
    merged_away = exists().where(
        merge.c.facility == visit.c.facility, merge.c.prior == visit.c.visit
    )
    is_late = (visit.c.status == "forgotten") & visit.c.incomplete
    statement = (
        select(visit.c.facility, visit.c.visit)
        .where(((visit.c.status != "forgotten") & ~merged_away) | is_late)
        .where(visit.c.updated_at < before)
        .where(~is_held("visit", visit.c.facility, visit.c.visit))
        .order_by(visit.c.updated_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=visit)
    )
    return [VisitKey(row.facility, row.visit) for row in await transaction.rows(statement)]


async def remove(transaction: Transaction, table: Table, keys: Iterable[VisitKey]) -> int:
    """Remove rows of visits; returns how many."""
    gone = statements.delete_of_visits(transaction.dialect, table)
    return await transaction.run(gone, statements.keyed(transaction.dialect, keys))


async def remove_sealed(
    transaction: Transaction, table: Table, keys: Iterable[VisitKey]
) -> list[str]:
    """Remove rows of visits; gives their seals."""
    gone = statements.delete_sealed(transaction.dialect, table)
    return await removed_seals(transaction, gone, statements.keyed(transaction.dialect, keys))


async def removed_seals(
    transaction: Transaction,
    removal: ReturningDelete[Any],
    asked: Mapping[str, Any] | None = None,
) -> list[str]:
    """Remove rows by a statement that returns their seals; gives the seals."""
    return [row.seal for row in await transaction.rows(removal, asked)]


async def _stray_messages(
    transaction: Transaction, before: datetime, limit: int, patients: HeldPatients
) -> list[str]:
    """Remove old messages that name no visit; gives their seals. Their merges stay, in
    `patient_merge`.
    """
    table = tables.message
    keys = tuple(table.primary_key)
    held = is_held("message", table.c.facility, table.c.digest)
    is_old = (table.c.visit == "") & (table.c.received_at < before) & ~held
    while await _hold_strays(transaction, is_old, limit, patients):
        pass
    old = select(*keys).where(is_old).order_by(*keys).limit(limit)
    gone = delete(table).where(tuple_(*keys).in_(old)).returning(table.c.seal)
    return await removed_seals(transaction, gone)


async def _hold_strays(
    transaction: Transaction, is_old: ColumnElement[bool], limit: int, patients: HeldPatients
) -> int:
    """Hold what is a held patient's among the next rows; returns how many those are."""
    if not patients:
        return 0
    table, count = tables.message, 0
    columns = [table.c[name] for name in StoredMessage._fields]
    ordered = select(*columns).where(is_old).order_by(*table.primary_key).limit(limit)
    for message in [StoredMessage._make(row) for row in await transaction.rows(ordered)]:
        read = await read_or_not(transaction, "message", message)
        on = patients.on(message.facility, None if isinstance(read, UnreadableRow) else read.raw)
        await extend(transaction, on, "message", message.digest)
        count += bool(on)
    return count


async def forget_contributions(transaction: Transaction, before: datetime, chunk: int) -> Forgotten:
    """Remove at most `chunk` old contributions to patients' records.

    They are kept longer than the messages of their visits.
    """
    await extend_to_merged(transaction)
    table = tables.contribution
    keys = tuple(table.primary_key)
    held = (is_held(kind, table.c.facility, table.c[kind]) for kind in ("visit", "patient"))
    old = select(*keys).where(table.c.at < before, ~or_(*held)).limit(chunk)
    return Forgotten(
        contributions=await transaction.run(delete(table).where(tuple_(*keys).in_(old)))
    )


async def _parked(
    transaction: Transaction, bounds: tuple[datetime, datetime], limit: int, patients: HeldPatients
) -> tuple[list[str], list[str]]:
    """Remove old parked messages; gives the seals of those to which a person had seen, and of the
    others. `bounds` are the moments before which they came.
    """
    table = tables.parked
    seen_to = table.c.status.in_(_SETTLED)
    alone = exists().where(
        tables.hold.c.kind == "parked", tables.hold.c.number == cast(table.c.id, Text)
    )
    held = or_(alone, is_held("visit", table.c.facility, table.c.visit))
    seals = []
    for kind, end in zip((seen_to, ~seen_to), bounds, strict=True):
        is_old = kind & (table.c.first_seen < end) & ~held
        while await _hold_parked(transaction, is_old, limit, patients):
            pass
        old = select(table.c.id).where(is_old).order_by(table.c.id).limit(limit)
        gone = delete(table).where(table.c.id.in_(old)).returning(table.c.seal)
        seals.append(await removed_seals(transaction, gone))
    return seals[0], seals[1]


async def _hold_parked(
    transaction: Transaction, is_old: ColumnElement[bool], limit: int, patients: HeldPatients
) -> int:
    """Hold what is a held patient's among the next rows; returns how many those are."""
    if not patients:
        return 0
    table, count = tables.parked, 0
    columns = [table.c[name] for name in StoredParkedMessage._fields]
    rows = await transaction.rows(select(*columns).where(is_old).order_by(table.c.id).limit(limit))
    for message in [StoredParkedMessage._make(row) for row in rows]:
        read = await read_or_not(transaction, "parked", message)
        on = patients.on(message.facility, None if isinstance(read, UnreadableRow) else read.raw)
        await extend(transaction, on, "parked", str(message.id))
        count += bool(on)
    return count


async def forget_traces(transaction: Transaction, before: datetime, chunk: int) -> Forgotten:
    """Remove what retention has left of visits and patients: at most `chunk` of each.

    Of a visit these are the row that says "forgotten", the hash of one that a person had removed,
    and the merges of its numbers. Of a patient they are the merges of numbers that have nothing in
    any patient's record.
    """
    visit = tables.visit
    old = (
        select(visit.c.facility, visit.c.visit)
        .where(visit.c.status == "forgotten", visit.c.updated_at < before)
        .where(~is_held("visit", visit.c.facility, visit.c.visit))
        .order_by(visit.c.updated_at)
        .limit(chunk)
        .with_for_update(skip_locked=True, of=visit)
    )
    numbers = [VisitKey(row.facility, row.visit) for row in await transaction.rows(old)]
    patients = await _patients_of_old_merges(transaction, before, chunk)
    removed = await remove(transaction, visit, numbers) if numbers else 0
    return Forgotten(
        rows=removed + await _old_hashes(transaction, before, chunk),
        visit_merges=await remove_merges(transaction, tables.visit_merge, numbers),
        patient_merges=await remove_merges(transaction, tables.patient_merge, patients),
    )


async def _old_hashes(transaction: Transaction, before: datetime, limit: int) -> int:
    table = tables.forgotten_visit
    keys = tuple(table.primary_key)
    old = select(*keys).where(table.c.at < before).order_by(*keys).limit(limit)
    return await transaction.run(delete(table).where(tuple_(*keys).in_(old)))


async def remove_merges(transaction: Transaction, table: Table, numbers: Keys) -> int:
    """Remove the merges that name one of the numbers; returns how many."""
    wanted = statements.keyed(transaction.dialect, numbers)
    removed = 0
    for end in (table.c.prior, table.c.surviving):
        here = statements.among(transaction.dialect, table.c.facility, end)
        removed += await transaction.run(delete(table).where(here), wanted)
    return removed


async def _patients_of_old_merges(
    transaction: Transaction, before: datetime, limit: int
) -> list[tuple[str, str]]:
    """Numbers of patients that were merged before a moment, and of which no record has anything.

    All numbers that merges link are one patient: while one of them has something, all stay. A merge
    without a time stays as long as its message is kept.
    """
    merge, record, message = tables.patient_merge, tables.contribution, tables.message
    used = exists().where(
        record.c.facility == merge.c.facility,
        record.c.patient.in_([merge.c.prior, merge.c.surviving]),
    )
    kept = exists().where(
        message.c.facility == merge.c.facility, message.c.digest == merge.c.digest
    )
    timed = literal_column("patient_merge.sent") != ""
    old = select(merge.c.facility, merge.c.surviving).where(
        merge.c.sent < before, ~used, or_(timed, ~kept)
    )
    view = View(transaction)
    idle: list[tuple[str, str]] = []
    for row in dict.fromkeys(map(tuple, await transaction.rows(old))):
        if len(idle) >= limit:
            break
        merges = await view.patient_merges_around([row])
        linked = {(one.facility, end) for one in merges for end in (one.prior, one.surviving)}
        held = await holds_on(transaction, "patient", linked)
        if not held and not await view.contributions(linked):
            idle += sorted(linked)
    return idle
