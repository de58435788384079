"""What can be read from the ledger, in one transaction.

It owns the questions, not what follows from the answers: which of two merges stands, or what a
draft says, is the engine's. Whatever takes keys takes many, in one statement, because a batch
touches hundreds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Select, Table, func, select

from chargeline.engine import VisitKey
from chargeline.ledger import statements, tables
from chargeline.ledger.errors import NotFound
from chargeline.ledger.merges import leading_to
from chargeline.ledger.records import (
    Announcement,
    Counts,
    OpenQuestions,
    StoredContribution,
    StoredMerge,
    StoredMessage,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.ledger.transaction import Transaction

Keys = Iterable[tuple[str, str]]


class View:
    """The ledger as it is in this transaction. Keys are VisitKey, or (facility, number)."""

    _locks = False

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def messages_of(
        self, keys: Keys, merges: Sequence[StoredMerge] | None = None
    ) -> dict[VisitKey, list[StoredMessage]]:
        """The messages of each visit, in order of arrival, those of every number that leads to it
        among them.

        Every key is in the result. `merges` are those around the keys, if they are known already;
        they tell which visit a merged number belongs to.
        """
        wanted = _visit_keys(keys)
        members = leading_to(wanted, await self.merges_around(wanted) if merges is None else merges)
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
        """Every merge that links these visits with others, in either direction, over any
        distance.
        """
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
            found = await self._rows(statements.touching(self._dialect, table), frontier)
            known |= dict.fromkeys(map(StoredMerge._make, found))
            ends = {(m.facility, number) for m in known for number in (m.prior, m.surviving)}
            frontier = ends - seen
        return sorted(
            known, key=lambda merge: (merge.facility, merge.prior, *merge.version, merge.surviving)
        )

    async def visits(self, keys: Keys) -> dict[VisitKey, StoredVisit]:
        """Where each visit stands; a visit that is not known is not in the result."""
        statement = statements.visits(self._dialect, locked=self._locks)
        found = map(StoredVisit._make, await self._rows(statement, keys))
        return {each.key: each for each in found}

    async def last_revisions(self, keys: Keys) -> dict[VisitKey, StoredRevision]:
        """The last revision of each visit that has one."""
        found = await self._rows(statements.last_revisions(self._dialect), keys)
        return {VisitKey(row.facility, row.visit): StoredRevision._make(row) for row in found}

    async def revisions(self, facility: str, visit: str) -> list[StoredRevision]:
        """All revisions of one visit, the first first."""
        table = tables.draft_revision
        statement = statements.of_visits(self._dialect, table).order_by(table.c.revision)
        return list(map(StoredRevision._make, await self._rows(statement, [(facility, visit)])))

    async def open_questions(self, keys: Keys) -> dict[VisitKey, list[StoredQuestion]]:
        """The questions of each visit that nobody has settled; every key is in the result."""
        found: dict[VisitKey, list[StoredQuestion]] = {key: [] for key in _visit_keys(keys)}
        statement = statements.open_questions(self._dialect)
        for question in map(StoredQuestion._make, await self._rows(statement, found)):
            found[VisitKey(question.facility, question.visit)].append(question)
        return found

    async def contributions(self, patients: Keys) -> list[StoredContribution]:
        """The records of some patients, given as (facility, number), in order of the clock."""
        rows = await self._rows(statements.contributions(self._dialect), patients)
        return list(map(StoredContribution._make, rows))

    async def contributions_of(self, visits: Keys) -> list[StoredContribution]:
        """What some visits contribute, whoever their patient was."""
        return list(map(StoredContribution._make, await self._of(tables.contribution, visits)))

    async def announced(self, limit: int) -> list[Announcement]:
        """The first of the outbox, in order of id."""
        rows = await self._transaction.rows(statements.announced(), {"most": limit})
        return list(map(Announcement._make, rows))

    async def parked(self, status: str | None, limit: int, after: int) -> list[StoredParkedMessage]:
        """Parked messages in order of id, those after the id `after`."""
        statement = (
            _parked().where(tables.parked.c.id > after).order_by(tables.parked.c.id).limit(limit)
        )
        if status is not None:
            statement = statement.where(tables.parked.c.status == status)
        return list(map(StoredParkedMessage._make, await self._transaction.rows(statement)))

    async def visits_with_parked(self, keys: Keys) -> tuple[set[VisitKey], set[VisitKey]]:
        """Those of these visits for which a parked message waits, and those for which one waits no
        more.
        """
        waiting: set[VisitKey] = set()
        settled: set[VisitKey] = set()
        for row in await self._rows(statements.visits_with_parked(self._dialect), keys):
            (waiting if row.status == "parked" else settled).add(VisitKey(row.facility, row.visit))
        return waiting, settled

    async def show(self, parked_id: int) -> StoredParkedMessage:
        """One parked message; raises NotFound."""
        found = await self._transaction.rows(_parked().where(tables.parked.c.id == parked_id))
        if not found:
            raise NotFound(
                expected=f"the parked message {parked_id}",
                found="none",
                do="list them, and choose another",
            )
        return StoredParkedMessage._make(found[0])

    async def read_so_far(self, topic: str) -> int:
        """The next offsets of all partitions of a topic, added up."""
        table = tables.partition_offset
        added = select(func.coalesce(func.sum(table.c.next_offset), 0)).where(
            table.c.topic == topic
        )
        return int((await self._transaction.rows(added))[0][0])

    async def counts(self) -> Counts:
        """What is waiting."""
        parked = select(func.count(), func.min(tables.parked.c.first_seen))
        waiting = await self._transaction.rows(parked.where(tables.parked.c.status == "parked"))
        queue = await self._transaction.rows(
            select(func.count(), func.min(tables.outbox.c.created_at))
        )
        opened = await self.count_visits("open")
        added = select(func.coalesce(func.sum(tables.visit.c.stake_cents), 0))
        stake = await self._transaction.rows(added.where(tables.visit.c.stake_cents > 0))
        return Counts._make(
            (*queue[0], *waiting[0], opened, int(stake[0][0]), await self._questions())
        )

    async def count_visits(self, status: str) -> int:
        """How many visits have a status."""
        visits = (
            select(func.count()).select_from(tables.visit).where(tables.visit.c.status == status)
        )
        return int((await self._transaction.rows(visits))[0][0])

    async def _questions(self) -> tuple[OpenQuestions, ...]:
        table = tables.question
        by_code = select(table.c.code, func.count(), func.min(table.c.opened_at)).group_by(
            table.c.code
        )
        rows = await self._transaction.rows(
            by_code.where(table.c.closed_at.is_(None)).order_by(table.c.code)
        )
        return tuple(map(OpenQuestions._make, rows))

    async def _of(self, table: Table, keys: Keys) -> Sequence[Any]:
        """The rows of a table that belong to visits."""
        return await self._rows(statements.of_visits(self._dialect, table), keys)

    async def _rows(self, statement: Executable, keys: Keys) -> Sequence[Any]:
        return await self._transaction.rows(statement, statements.keyed(self._dialect, keys))

    @property
    def _dialect(self) -> str:
        return self._transaction.dialect


def _visit_keys(keys: Keys) -> list[VisitKey]:
    return list(dict.fromkeys(VisitKey(*key) for key in keys))


def _parked() -> Select[Any]:
    return select(*(tables.parked.c[name] for name in StoredParkedMessage._fields))


def _arrival(message: StoredMessage) -> tuple[datetime, str, int, int, str]:
    """Time of arrival, then place in the feed; the digest makes the order of the rest always the
    same.
    """
    return (message.received_at, message.topic, message.partition, message.offset, message.digest)
