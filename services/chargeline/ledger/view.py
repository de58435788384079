"""What can be read from the ledger, in one transaction.

It owns the questions, not what follows from the answers: which of two merges stands, or what a draft
says, is the engine's. Whatever takes keys takes many, in one statement, because a batch touches hundreds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, func, select, tuple_, union

from chargeline.engine.events import VisitKey
from chargeline.ledger import tables
from chargeline.ledger.errors import NotFound
from chargeline.ledger.merges import leading_to
from chargeline.ledger.records import (
    Announcement,
    Counts,
    ParkedMessage,
    PatientDay,
    StoredMerge,
    StoredMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.ledger.transaction import Transaction

Keys = Iterable[tuple[str, str]]


class View:
    """The ledger as it is in this transaction. Keys are VisitKey, or (facility, number)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def messages_of(self, keys: Keys) -> dict[VisitKey, list[StoredMessage]]:
        """The messages of each visit, in order of arrival, those of every number that leads to it among them.

        Every key is in the result. To learn which visit a merged number belongs to, see `merges_around`.
        """
        wanted = _visit_keys(keys)
        members = leading_to(wanted, await self.merges_around(wanted))
        found: dict[tuple[str, str], list[StoredMessage]] = {}
        everyone = {member for each in members.values() for member in each}
        for row in await self._of(tables.message, everyone):
            message = StoredMessage._make(row)
            found.setdefault((message.facility, message.visit), []).append(message)
        return {
            key: sorted((m for member in members[key] for m in found.get(member, ())), key=_arrival)
            for key in wanted
        }

    async def merges_around(self, visits: Keys) -> list[StoredMerge]:
        """Every merge that links these visits with others, in either direction, over any distance."""
        return await self._linked(tables.visit_merge, visits)

    async def patient_merges_around(self, patients: Keys) -> list[StoredMerge]:
        """The same of patients, as (facility, number)."""
        return await self._linked(tables.patient_merge, patients)

    async def _linked(self, table: Table, numbers: Keys) -> list[StoredMerge]:
        known: dict[StoredMerge, None] = {}
        seen: set[tuple[str, str]] = set()
        frontier = set(numbers)
        while frontier:
            seen |= frontier
            found = await self._transaction.rows(self._touching(table, frontier))
            known |= dict.fromkeys(map(StoredMerge._make, found))
            ends = {(m.facility, number) for m in known for number in (m.prior, m.surviving)}
            frontier = ends - seen
        return sorted(known, key=lambda merge: (merge.facility, merge.prior, *merge.version, merge.surviving))

    def _touching(self, table: Table, numbers: Keys) -> Any:
        """The merges with one end among these numbers: two indexed searches."""
        listed = self._transaction.listed(numbers)
        ends = (table.c.prior, table.c.surviving)
        return union(*(select(table).where(tuple_(table.c.facility, end).in_(listed)) for end in ends))

    async def visits(self, keys: Keys) -> dict[VisitKey, StoredVisit]:
        """Where each visit stands; a visit that is not known is not in the result."""
        found = map(StoredVisit._make, await self._transaction.rows(self._visits(keys)))
        return {each.key: each for each in found}

    def _visits(self, keys: Keys) -> Select[Any]:
        return self._select(tables.visit, keys).order_by(tables.visit.c.facility, tables.visit.c.visit)

    async def last_revisions(self, keys: Keys) -> dict[VisitKey, StoredRevision]:
        """The last revision of each visit that has one."""
        table, other = tables.draft_revision, tables.draft_revision.alias()
        same = (other.c.facility == table.c.facility) & (other.c.visit == table.c.visit)
        last = select(func.max(other.c.revision)).where(same).scalar_subquery()
        found = await self._transaction.rows(self._select(table, keys).where(table.c.revision == last))
        return {VisitKey(row.facility, row.visit): StoredRevision._make(row) for row in found}

    async def revisions(self, facility: str, visit: str) -> list[StoredRevision]:
        """All revisions of one visit, the first first."""
        table = tables.draft_revision
        statement = self._select(table, [(facility, visit)]).order_by(table.c.revision)
        return list(map(StoredRevision._make, await self._transaction.rows(statement)))

    async def open_questions(self, keys: Keys) -> dict[VisitKey, list[StoredQuestion]]:
        """The questions of each visit that nobody has settled; every key is in the result."""
        table = tables.question
        statement = self._select(table, keys := _visit_keys(keys)).where(table.c.closed_at.is_(None))
        found: dict[VisitKey, list[StoredQuestion]] = {key: [] for key in keys}
        ordered = statement.order_by(table.c.opened_at, table.c.question_id)
        for question in map(StoredQuestion._make, await self._transaction.rows(ordered)):
            found[VisitKey(question.facility, question.visit)].append(question)
        return found

    async def patient_days(self, patients: Keys) -> list[PatientDay]:
        """The days of some patients, given as (facility, number), in order of the clock."""
        table = tables.patient_day
        among = self._transaction.among((table.c.facility, table.c.patient), patients)
        ordered = select(table).where(among).order_by(table.c.start, table.c.visit)
        return list(map(PatientDay._make, await self._transaction.rows(ordered)))

    async def patient_days_of(self, visits: Keys) -> list[PatientDay]:
        """The days that some visits have, whoever their patient was."""
        found = await self._transaction.rows(self._select(tables.patient_day, visits))
        return list(map(PatientDay._make, found))

    async def announced(self, limit: int) -> list[Announcement]:
        """The first of the outbox, in order of id."""
        columns = [tables.outbox.c[name] for name in Announcement._fields]
        statement = select(*columns).order_by(tables.outbox.c.id).limit(limit)
        return list(map(Announcement._make, await self._transaction.rows(statement)))

    async def parked(self, status: str | None, limit: int, after: int) -> list[ParkedMessage]:
        """Parked messages in order of id, those after the id `after`."""
        statement = _parked().where(tables.parked.c.id > after).order_by(tables.parked.c.id).limit(limit)
        if status is not None:
            statement = statement.where(tables.parked.c.status == status)
        return list(map(ParkedMessage._make, await self._transaction.rows(statement)))

    async def show(self, parked_id: int) -> ParkedMessage:
        """One parked message; raises NotFound."""
        found = await self._transaction.rows(_parked().where(tables.parked.c.id == parked_id))
        if not found:
            raise NotFound(
                expected=f"the parked message {parked_id}", found="none", do="list them, and choose another"
            )
        return ParkedMessage._make(found[0])

    async def counts(self) -> Counts:
        """What is waiting."""
        parked = select(func.count(), func.min(tables.parked.c.first_seen))
        waiting = await self._transaction.rows(parked.where(tables.parked.c.status == "parked"))
        queue = await self._transaction.rows(select(func.count(), func.min(tables.outbox.c.created_at)))
        visits = select(func.count()).select_from(tables.visit).where(tables.visit.c.status == "open")
        opened = await self._transaction.rows(visits)
        return Counts._make((*queue[0], *waiting[0], *opened[0]))

    def _select(self, table: Table, keys: Keys) -> Select[Any]:
        """The rows of a table that belong to these visits."""
        return select(table).where(self._transaction.among((table.c.facility, table.c.visit), keys))

    async def _of(self, table: Table, keys: Keys) -> Sequence[Any]:
        return await self._transaction.rows(self._select(table, keys))


def _visit_keys(keys: Keys) -> list[VisitKey]:
    return list(dict.fromkeys(VisitKey(*key) for key in keys))


def _parked() -> Select[Any]:
    return select(*(tables.parked.c[name] for name in ParkedMessage._fields))


def _arrival(message: StoredMessage) -> tuple[datetime, str, int, int, str]:
    """Time of arrival, then place in the feed; the digest makes the order of the rest always the same."""
    return (message.received_at, message.topic, message.partition, message.offset, message.digest)
