"""What a program can read from the ledger, in one transaction.

This module owns the queries. It does not decide what follows from the rows: the engine says which
of two merges counts and what a draft says. A method that takes keys takes many of them and sends
one statement, because a batch touches hundreds of visits.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Executable, Row, Table, exists, func, select

from chargeline.engine import VisitKey, words
from chargeline.ledger import data_keys, statements, tables
from chargeline.ledger.counting import Counts, counts_of
from chargeline.ledger.errors import NotFound
from chargeline.ledger.merges import leading_to
from chargeline.ledger.periods import PeriodFilter, VisitsOfPeriod
from chargeline.ledger.records import (
    Announcement,
    StoredAct,
    StoredAnswer,
    StoredContribution,
    StoredMerge,
    StoredMessage,
    StoredOffset,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.ledger.removed_visits import forgotten_among, removed_visits
from chargeline.ledger.reporting import Reporting
from chargeline.ledger.running import RunningVisits
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.watching import FeedWatch
from chargeline.ledger.work_list import WorkList
from chargeline.ledger.workbench_rows import WorkbenchRows

Keys = Iterable[tuple[str, str]]
LARGEST_ID = 2**63 - 1  # of a column of numbers; the database refuses to be asked for more
_ARRIVAL = attrgetter(*["received_at", "topic", "partition", "offset", "digest"])  # always alike
_DUE = ("settle_due", "final_due", "asked_due")


class View:
    """The ledger as this transaction sees it. A key is a VisitKey, or (facility, number)."""

    _locks = False

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @property
    def workbench(self) -> WorkbenchRows:
        """Assignments and sessions; of a batch, also to write."""
        return WorkbenchRows(self._transaction)

    def work_list(self, now: datetime) -> WorkList:
        """The visits of which a person has something to do."""
        return WorkList(self._transaction, now)

    def running(self, now: datetime) -> RunningVisits:
        """The visits in which a stop may be missing."""
        return RunningVisits(self._transaction, now)

    def period(self, wanted: PeriodFilter) -> VisitsOfPeriod:
        """The visits of some days."""
        return VisitsOfPeriod(self._transaction, wanted)

    @property
    def reporting(self) -> Reporting:
        """What reports are made of."""
        return Reporting(self._transaction)

    @property
    def watch(self) -> FeedWatch:
        """When each sender was last heard, and by which rules visits are drafted."""
        return FeedWatch(self._transaction)

    async def messages_of(
        self, keys: Keys, merges: Sequence[StoredMerge] | None = None
    ) -> dict[VisitKey, list[StoredMessage]]:
        """The messages of each visit in order of arrival, with those of every number that leads to
        it.

        Every key is in the result. Pass as `merges` the merges around the keys if you have read
        them already; they say to which visit a merged number leads. Raises UnreadableRow of the
        first that does not open; the others may then be read visit by visit.
        """
        wanted = _visit_keys(keys)
        members = leading_to(wanted, await self.merges_around(wanted) if merges is None else merges)
        by_number: dict[tuple[str, str], list[StoredMessage]] = {}
        everyone = {member for numbers in members.values() for member in numbers}
        rows = [StoredMessage(*row) for row in await self._of(tables.message, everyone)]
        for message in await data_keys.to_read(self._transaction, "message", rows):
            by_number.setdefault((message.facility, message.visit), []).append(message)
        return {
            key: sorted(
                (message for member in members[key] for message in by_number.get(member, ())),
                key=_ARRIVAL,
            )
            for key in wanted
        }

    async def merges_around(self, visits: Keys) -> list[StoredMerge]:
        """Every merge that links these visits with others, in either direction.

        The links of links belong to it, over any number of steps.
        """
        return await self._linked(tables.visit_merge, visits)

    async def patient_merges_around(self, patients: Keys) -> list[StoredMerge]:
        """Every merge that links these patients with others; a patient is (facility, number)."""
        return await self._linked(tables.patient_merge, patients)

    async def _linked(self, table: Table, numbers: Keys) -> list[StoredMerge]:
        merges: dict[StoredMerge, None] = {}
        seen: set[tuple[str, str]] = set()
        frontier = set(numbers)
        while frontier:
            seen |= frontier
            rows = await self._rows(statements.touching(self._dialect, table), frontier)
            merges |= dict.fromkeys(map(StoredMerge._make, rows))
            ends = {(m.facility, number) for m in merges for number in (m.prior, m.surviving)}
            frontier = ends - seen
        return sorted(
            merges, key=lambda merge: (merge.facility, merge.prior, *merge.version, merge.surviving)
        )

    async def visits(self, keys: Keys) -> dict[VisitKey, StoredVisit]:
        """Where each visit stands. A visit without a row is not in the result, unless a person had
        it removed: then it stands as forgotten.
        """
        wanted = _visit_keys(keys)
        statement = statements.visits(self._dialect, locked=self._locks)
        rows = map(StoredVisit._make, await self._rows(statement, wanted))
        here = {row.key: row for row in rows}
        absent = [key for key in wanted if key not in here]
        removed = await removed_visits(self._transaction, absent) if absent else {}
        return {**here, **removed}

    async def forgotten(self, keys: Keys) -> set[VisitKey]:
        """Those of some visits whose messages retention or a person has removed."""
        return await forgotten_among(self._transaction, _visit_keys(keys))

    async def last_revisions(self, keys: Keys) -> dict[VisitKey, StoredRevision]:
        """The last revision of each visit that has one."""
        rows = await self._rows(statements.last_revisions(self._dialect), keys)
        return {VisitKey(row.facility, row.visit): StoredRevision(*row) for row in rows}

    async def chains(self, keys: Keys) -> dict[tuple[VisitKey, int], str]:
        """The chain of each revision of visits, by visit and number."""
        rows = await self._rows(statements.chains(self._dialect), keys)
        return {(VisitKey(row.facility, row.visit), row.revision): row.chain for row in rows}

    async def revisions(self, facility: str, visit: str) -> list[StoredRevision]:
        """All revisions of one visit, in the order of their numbers."""
        table = tables.draft_revision
        statement = statements.of_visits(self._dialect, table).order_by(table.c.revision)
        return [StoredRevision(*row) for row in await self._rows(statement, [(facility, visit)])]

    async def open_questions(self, keys: Keys) -> dict[VisitKey, list[StoredQuestion]]:
        """The open questions of each visit. Every key is in the result."""
        by_visit: dict[VisitKey, list[StoredQuestion]] = {key: [] for key in _visit_keys(keys)}
        statement = statements.open_questions(self._dialect)
        for question in map(StoredQuestion._make, await self._rows(statement, by_visit)):
            by_visit[VisitKey(question.facility, question.visit)].append(question)
        return by_visit

    async def asked(
        self, *, visit: str = "", code: str = "", question_id: str = "", closed: bool = False
    ) -> list[StoredQuestion]:
        """Questions, the oldest first: of a visit number, of a code, or with a number.

        `closed` takes those that are settled too.
        """
        table = tables.question
        wanted = {"visit": visit, "code": code, "question_id": question_id}
        statement = select(*(table.c[name] for name in StoredQuestion._fields))
        for column, value in wanted.items():
            if value:
                statement = statement.where(table.c[column] == value)
        if not closed:
            statement = statement.where(table.c.closed_at.is_(None))
        ordered = statement.order_by(table.c.opened_at, table.c.question_id)
        return list(map(StoredQuestion._make, await self._transaction.rows(ordered)))

    async def answers_of(
        self, keys: Keys, merges: Sequence[StoredMerge]
    ) -> dict[VisitKey, list[StoredAnswer]]:
        """What people answered of each visit, and of every number that leads to it, oldest first.

        Every key is in the result. `merges` are those around the keys.
        """
        wanted = _visit_keys(keys)
        members = leading_to(wanted, merges)
        everyone = {member for numbers in members.values() for member in numbers}
        rows = [StoredAnswer(*row) for row in await self._of(tables.answer, everyone)]
        ordered = sorted(rows, key=lambda row: (row.at, row.answer_id))
        return {
            key: [row for row in ordered if VisitKey(row.facility, row.visit) in members[key]]
            for key in wanted
        }

    async def contributions(
        self, patients: Keys, kinds: Iterable[words.ContributionKind] = ()
    ) -> list[StoredContribution]:
        """The records of some patients, given as (facility, number), in order of time.

        With `kinds` only what they have of these.
        """
        statement = statements.contributions(self._dialect)
        if wanted := frozenset(kinds):
            statement = statements.contributions_of_kinds(self._dialect, wanted)
        rows = await self._rows(statement, patients)
        return list(map(StoredContribution._make, rows))

    async def contributions_of(self, visits: Keys) -> list[StoredContribution]:
        """What some visits contribute, to whichever patients."""
        return list(map(StoredContribution._make, await self._of(tables.contribution, visits)))

    async def patients_with(
        self, kinds: Iterable[words.ContributionKind], *, after: tuple[str, str], most: int
    ) -> list[tuple[str, str]]:
        """The next patients (facility, number) with contributions of some kinds, by key."""
        asked = {"facility": after[0], "patient": after[1], "most": most}
        rows = await self._transaction.rows(statements.patients_with(frozenset(kinds)), asked)
        return [(row.facility, row.patient) for row in rows]

    async def announced(self, limit: int) -> list[Announcement]:
        """The first events of the outbox by id; one that does not open as stored, with its key."""
        rows = await self._transaction.rows(statements.announced(), {"most": limit})
        events = list(map(Announcement._make, rows))
        return await data_keys.as_far_as_they_open(self._transaction, "outbox", events)

    async def parked(
        self, status: str | None, limit: int, after: int, code: str = ""
    ) -> list[StoredParkedMessage]:
        """Parked messages with a greater id than `after`, in the order of their ids.

        With a `code`, only those that were parked for that reason. One that does not open comes as
        it is stored, with its `data_key`, so that it hides none of the others.
        """
        statement = statements.parked().where(tables.parked.c.id > after)
        statement = statement.order_by(tables.parked.c.id).limit(limit)
        if status is not None:
            statement = statement.where(tables.parked.c.status == status)
        if code:
            statement = statement.where(tables.parked.c.code == code)
        stored = _as_parked(await self._transaction.rows(statement))
        return await data_keys.as_far_as_they_open(self._transaction, "parked", stored)

    async def visits_with_parked(self, keys: Keys) -> tuple[set[VisitKey], set[VisitKey]]:
        """Two sets of visits, of which a parked message waits, and has been seen to by a person."""
        waiting: set[VisitKey] = set()
        settled: set[VisitKey] = set()
        for row in await self._rows(statements.visits_with_parked(self._dialect), keys):
            (waiting if row.status == "parked" else settled).add(VisitKey(row.facility, row.visit))
        return waiting, settled

    async def visits_waiting_for(self, keys: Keys, code: str) -> set[VisitKey]:
        """The visits of which a message that was parked for a reason waits for a person."""
        asked = {"code": code, **statements.keyed(self._dialect, keys)}
        rows = await self._transaction.rows(statements.waiting_for(self._dialect), asked)
        return {VisitKey(row.facility, row.visit) for row in rows}

    async def dropped(self, keys: Keys) -> dict[VisitKey, list[bytes]]:
        """The parked messages that a person has dropped, by visit. Raises UnreadableRow."""
        by_visit: dict[VisitKey, list[bytes]] = {}
        rows = await self._rows(statements.dropped(self._dialect), keys)
        for row in await self._parked_messages(rows):
            assert row.facility is not None and row.visit is not None, "they are among the keys"
            by_visit.setdefault(VisitKey(row.facility, row.visit), []).append(row.raw)
        return by_visit

    async def visit_keys(
        self,
        *,
        visit: str = "",
        question: str = "",
        statuses: Sequence[str] = ("open", "final"),
    ) -> list[VisitKey]:
        """The visits that have a draft, sorted: all, those of one number, or those in question.

        `question` is the code of a question that is open. Visits that were merged away or forgotten
        have no draft of their own.
        """
        table = tables.visit
        keys = select(table.c.facility, table.c.visit).where(table.c.status.in_(statuses))
        if visit:
            keys = keys.where(table.c.visit == visit)
        if question:
            asked = tables.question
            keys = keys.where(
                exists().where(
                    asked.c.facility == table.c.facility,
                    asked.c.visit == table.c.visit,
                    asked.c.code == question,
                    asked.c.closed_at.is_(None),
                )
            )
        rows = await self._transaction.rows(keys.order_by(table.c.facility, table.c.visit))
        return [VisitKey(row.facility, row.visit) for row in rows]

    async def due_visits(self, now: datetime, limit: int) -> list[VisitKey]:
        """The visits with something due by now, the longest due first."""
        due_since: dict[VisitKey, datetime] = {}
        for due in _DUE:
            for row in await self._transaction.rows(
                statements.due(due), {"now": now, "most": limit}
            ):
                key = VisitKey(row.facility, row.visit)
                due_since[key] = min(row.since, due_since.get(key, row.since))
        return sorted(due_since, key=lambda key: (due_since[key], key))[:limit]

    async def open_under_other_rules(
        self, rulebook: str, after: VisitKey, limit: int
    ) -> list[VisitKey]:
        """Open visits that were last drafted with other rules, sorted, from behind one key on.

        A visit that is due to be drafted soon is left out.
        """
        asked = {"rulebook": rulebook, **after._asdict(), "most": limit}
        rows = await self._transaction.rows(statements.open_under_other_rules(), asked)
        return [VisitKey(row.facility, row.visit) for row in rows]

    async def show(self, parked_id: int) -> StoredParkedMessage:
        """One parked message; raises NotFound, and UnreadableRow if it does not open."""
        here = statements.parked().where(tables.parked.c.id == parked_id)
        rows = await self._transaction.rows(here) if parked_id <= LARGEST_ID else []
        if not rows:
            raise NotFound(
                expected=f"the parked message {parked_id}",
                found="none",
                do="list the parked messages, and choose another",
            )
        return (await self._parked_messages(rows))[0]

    async def offsets(self) -> list[StoredOffset]:
        """How far each partition that was ever claimed has been read, in order."""
        table = tables.partition_offset
        ordered = select(table).order_by(table.c.topic, table.c.partition)
        return [StoredOffset(**row._asdict()) for row in await self._transaction.rows(ordered)]

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has as far as anybody has claimed them."""
        rows = await self._transaction.rows(statements.claimed(), {"topic": topic})
        return max([row.partition for row in rows], default=-1) + 1

    async def acts(
        self, after: int, limit: int, *, since: datetime | None = None, who: str = "", did: str = ""
    ) -> list[StoredAct]:
        """Rows of the audit trail with a greater number than `after`, in order.

        `since` takes those from a moment on, `who` those of one person, `did` those of one kind.
        """
        table = tables.audit
        statement = select(table).where(table.c.number > after)
        if since is not None:
            statement = statement.where(table.c.at >= since)
        if who:
            statement = statement.where(table.c.who == who)
        if did:
            statement = statement.where(table.c.did == did)
        rows = await self._transaction.rows(statement.order_by(table.c.number).limit(limit))
        return list(map(StoredAct._make, rows))

    async def counts(self) -> Counts:
        """How much waits, and since when."""
        return await counts_of(self._transaction)

    async def count_visits(self, status: str) -> int:
        """How many visits have a status."""
        visits = select(func.count()).where(tables.visit.c.status == status)
        return int((await self._transaction.rows(visits))[0][0])

    async def _parked_messages(self, rows: Sequence[Row[Any]]) -> list[StoredParkedMessage]:
        return await data_keys.to_read(self._transaction, "parked", _as_parked(rows))

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


def _as_parked(rows: Sequence[Row[Any]]) -> list[StoredParkedMessage]:
    return [StoredParkedMessage(**row._mapping) for row in rows]
