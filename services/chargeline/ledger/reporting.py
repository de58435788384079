"""What reports are made of: counts over the columns of the ledger, and last revisions to read.

This module owns the queries. What stands in a column is counted by the database. What stands only
in the document of a draft is handed out as it is, a page at a time, the newest day first, so that
whoever reads can stop and say where. The module does not know what a report looks like.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from chargeline.ledger import statements, tables
from chargeline.ledger.periods import drafted_between
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.running import STOP_MISSING
from chargeline.ledger.transaction import Transaction

AGES_DAYS = (2, 4, 9)
"""Where the age of an open question changes its column: under 2 days, under 4, under 9, and more.

Chosen: a nurse still remembers yesterday; bills go out after three to five days.
"""
_IDS_AT_ONCE = 500


class ReportPeriod(NamedTuple):
    """Days of service, the first and the last included; an empty facility leaves all."""

    first: date
    last: date
    facility: str = ""


class MomentSpan(NamedTuple):
    """From a moment until before another one; an empty facility leaves all."""

    since: datetime
    until: datetime
    facility: str = ""


class VisitsCounted(NamedTuple):
    """How many visits of a period have a draft, and how many anywhere ask and have no day."""

    drafted: int
    undated: int


class QuestionsOfCode(NamedTuple):
    """How many questions of a code were put, how many of them are open, and their stake in cents.

    `ages` are the open ones by AGES_DAYS, and `oldest` is when the first of them was put. The stake
    is None where no question has one, as without a price list.
    """

    code: str
    put: int
    open: int
    stake_cents: int | None
    ages: tuple[int, ...]
    oldest: datetime | None


class ParkedOfCode(NamedTuple):
    """How many messages were parked for a reason, and how many of them still wait."""

    code: str
    parked: int
    waiting: int


class DraftToRead(NamedTuple):
    """The last revision of a visit, in JSON. `put` are its open questions about a missing stop."""

    facility: str
    visit: str
    place: str
    day: str
    body: str
    put: frozenset[str] = frozenset()


class Reporting:
    """What reports are made of, as one transaction sees it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def facilities(self) -> list[str]:
        """All facilities that have a visit, sorted."""
        facility = tables.visit.c.facility
        rows = await self._transaction.rows(select(facility).distinct().order_by(facility))
        return [row[0] for row in rows]

    async def visits(self, period: ReportPeriod) -> VisitsCounted:
        """How many visits a period has."""
        visit = tables.visit
        drafted = select(func.count()).where(*_of_period(period), visit.c.revision > 0)
        undated = select(func.count()).where(
            visit.c.day == "", visit.c.asks > 0, *_of_facility(visit, period.facility)
        )
        counts = [await self._transaction.rows(statement) for statement in (drafted, undated)]
        return VisitsCounted(*[int(rows[0][0]) for rows in counts])

    async def questions(self, period: ReportPeriod, now: datetime) -> list[QuestionsOfCode]:
        """The questions of visits of a period by code, sorted by code; ages are those at `now`."""
        asked, visit = tables.question, tables.visit
        is_open = asked.c.closed_at.is_(None)
        bounds = [now - timedelta(days=days) for days in AGES_DAYS]
        younger = [asked.c.opened_at > bound for bound in bounds]
        counted = [
            func.count(),
            _number_of(is_open),
            func.sum(case((is_open, asked.c.stake_cents))),
            *[_number_of(and_(is_open, is_younger)) for is_younger in younger],
            func.min(case((is_open, asked.c.opened_at))),
        ]
        statement = (
            select(asked.c.code, *counted)
            .select_from(asked.join(visit, _same_visit(asked, visit)))
            .where(*_of_period(period))
            .group_by(asked.c.code)
            .order_by(asked.c.code)
        )
        rows = await self._transaction.rows(statement)
        return [_questions_of(tuple(row)) for row in rows]

    async def parked(self, span: MomentSpan) -> list[ParkedOfCode]:
        """The messages that were parked in a time, by code; those of no facility with all only."""
        table = tables.parked
        statement = (
            select(table.c.code, func.count(), _number_of(table.c.status == "parked"))
            .where(
                table.c.first_seen >= span.since,
                table.c.first_seen < span.until,
                *_of_facility(table, span.facility),
            )
            .group_by(table.c.code)
            .order_by(table.c.code)
        )
        return [ParkedOfCode._make(row) for row in await self._transaction.rows(statement)]

    async def drafts(
        self, period: ReportPeriod, most: int, after: DraftToRead | None = None
    ) -> list[DraftToRead]:
        """The last revisions of visits of a period behind one, the newest day first."""
        visit, revision = tables.visit, tables.draft_revision
        columns = [visit.c[name] for name in DraftToRead._fields[:4]]
        last = and_(_same_visit(revision, visit), revision.c.revision == visit.c.revision)
        statement = (
            select(*columns, revision.c.body)
            .select_from(visit.join(revision, last))
            .where(*_of_period(period))
            .order_by(visit.c.day.desc(), visit.c.facility, visit.c.visit)
            .limit(most)
        )
        if after is not None:
            same_day = and_(
                visit.c.day == after.day,
                or_(
                    visit.c.facility > after.facility,
                    and_(visit.c.facility == after.facility, visit.c.visit > after.visit),
                ),
            )
            statement = statement.where(or_(visit.c.day < after.day, same_day))
        rows = [DraftToRead._make([*row, frozenset()]) for row in await self._rows(statement)]
        put = await self._stops_asked_for([row[:2] for row in rows])
        return [row._replace(put=put) for row in rows]

    async def answers(
        self, span: MomentSpan, most: int, after: StoredAnswer | None = None
    ) -> list[StoredAnswer]:
        """What people said in a time, behind one row, in the order in which they said it."""
        table = tables.answer
        order = [table.c.at, table.c.facility, table.c.visit, table.c.answer_id]
        statement = select(*[table.c[name] for name in StoredAnswer._fields[:-1]]).where(
            table.c.at >= span.since, table.c.at < span.until, *_of_facility(table, span.facility)
        )
        if after is not None:
            place = (after.at, after.facility, after.visit, after.answer_id)
            pairs = zip(place, order, strict=True)
            last = tuple_(*[literal(value, column.type) for value, column in pairs])
            statement = statement.where(tuple_(*order) > last)
        rows = await self._rows(statement.order_by(*order).limit(most))
        return [StoredAnswer._make([*row, ""]) for row in rows]

    async def put_at(self, questions: Iterable[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
        """When questions were first put; each is (facility, number of the question)."""
        table = tables.question
        wanted = sorted(set(questions))
        put: dict[tuple[str, str], datetime] = {}
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            part = wanted[start : start + _IDS_AT_ONCE]
            statement = (
                select(table.c.facility, table.c.question_id, func.min(table.c.opened_at))
                .where(table.c.question_id.in_([number for _facility, number in part]))
                .group_by(table.c.facility, table.c.question_id)
            )
            for facility, number, moment in await self._rows(statement):
                put[facility, number] = moment
        return put

    async def _stops_asked_for(self, visits: Sequence[tuple[str, str]]) -> frozenset[str]:
        """The open questions about a missing stop of some visits."""
        asked, dialect = tables.question, self._transaction.dialect
        statement = select(asked.c.question_id).where(
            statements.among(dialect, asked.c.facility, asked.c.visit),
            asked.c.code == STOP_MISSING,
            asked.c.closed_at.is_(None),
        )
        rows = await self._transaction.rows(statement, statements.keyed(dialect, visits))
        return frozenset([row[0] for row in rows])

    async def _rows(self, statement: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._transaction.rows(statement)]


def _questions_of(row: tuple[Any, ...]) -> QuestionsOfCode:
    code, put, still_open, stake, *younger, oldest = row
    reached = [*map(int, younger), int(still_open)]
    ages = [count - before for count, before in zip(reached, [0, *reached], strict=False)]
    return QuestionsOfCode(
        code=code,
        put=int(put),
        open=int(still_open),
        stake_cents=int(stake) if stake is not None else None,
        ages=tuple(ages),
        oldest=oldest,
    )


def _number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _of_period(period: ReportPeriod) -> list[ColumnElement[bool]]:
    """The visits that have a draft of their own and their last day of service in a period."""
    of_days = drafted_between(period.first, period.last)
    return [*of_days, *_of_facility(tables.visit, period.facility)]


def _of_facility(table: FromClause, facility: str) -> list[ColumnElement[bool]]:
    return [table.c.facility == facility] if facility else []


def _same_visit(table: FromClause, visit: FromClause) -> ColumnElement[bool]:
    return and_(table.c.facility == visit.c.facility, table.c.visit == visit.c.visit)
