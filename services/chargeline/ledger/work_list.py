"""The work list: the visits of which a person has something to do, and the question to begin with.

This module owns the queries: one row a visit, filtered, counted, and in the order in which people
should work. What becomes final soonest comes first, then what is final already with the most
money, then what still runs. It does not know how a row is shown.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    union_all,
)

from chargeline.ledger import tables
from chargeline.ledger.transaction import Transaction

Due = Literal[
    "4h",  # final within four hours
    "24h",  # final within a day
    "passed",  # final already
    "running",  # nothing says when: the patient has not left
]
NOBODY = "nobody"
"""The owner of what is nobody's, in a filter."""
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_HOURS: dict[Due, int] = {"4h": 4, "24h": 24}


class WorkFilter(NamedTuple):
    """Which visits are wanted; an empty field leaves all.

    `codes` are codes of questions, or what a bill waits for, such as `hold`: a visit with any of
    them is wanted. `owner` may be NOBODY. `text` is part of a drug's name, or a visit number.
    `first_day` and `last_day` are days of service such as 2026-03-19, both included.
    """

    codes: tuple[str, ...] = ()
    place: str = ""
    payer: str = ""
    owner: str = ""
    text: str = ""
    due: Due | Literal[""] = ""
    asked_unit: bool = False
    least_cents: int = 0
    facility: str = ""
    first_day: str = ""
    last_day: str = ""


class WorkPlace(NamedTuple):
    """A place in the order of the list: behind it the next page begins."""

    rank: int
    due: datetime
    less_cents: int
    facility: str
    visit: str


class WorkRow(NamedTuple):
    """A visit of the list. `body` is the published question in JSON, "" where none is open."""

    facility: str
    visit: str
    status: str
    place: str
    payer: str
    day: str
    final_due: datetime | None
    waiting_cents: int
    waits_for: str | None
    asks: int
    question_id: str
    code: str
    opened_at: datetime | None
    stake_cents: int | None
    body: str
    owner: str
    asked_unit_at: datetime | None
    here: WorkPlace


class WorkSums(NamedTuple):
    """How many visits and open questions, and how many cents wait."""

    visits: int
    questions: int
    cents: int


class Facet(NamedTuple):
    """How many visits of the list have a value of a kind, such as `place` and `TOWER`."""

    kind: Literal["code", "place", "payer", "owner", "due"]
    value: str
    visits: int


class Cause(NamedTuple):
    """What many open questions ask alike."""

    code: str
    drug: str
    questions: int


class WorkList:
    """The work list as one transaction sees it at a moment."""

    def __init__(self, transaction: Transaction, now: datetime) -> None:
        self._transaction = transaction
        self._now = now

    async def rows(
        self, wanted: WorkFilter, *, most: int, after: WorkPlace | None = None
    ) -> list[WorkRow]:
        """The next rows, at most `most`, behind a place or from the beginning."""
        order = _order()
        places = select(*order).select_from(_assigned()).where(*self._conditions(wanted))
        if after is not None:
            last = tuple_(*[literal(value, column.type) for value, column in _pairs(after, order)])
            places = places.where(tuple_(*order) > last)
        # The places come of an index. Only of those that are shown, the rest is looked up.
        chosen = places.order_by(*order).limit(most).subquery("chosen")
        asked, given, visit = tables.question, tables.assignment, tables.visit
        begin = and_(_of(asked, visit), asked.c.question_id == visit.c.asks_first)
        shown = (
            chosen.join(visit, _of(visit, chosen))
            .outerjoin(given, _of(given, visit))
            .outerjoin(asked, begin)
        )
        columns = [
            *_VISIT_COLUMNS,
            func.coalesce(asked.c.question_id, ""),
            func.coalesce(asked.c.code, ""),
            asked.c.opened_at,
            asked.c.stake_cents,
            func.coalesce(asked.c.body, ""),
            func.coalesce(given.c.owner, ""),
            given.c.asked_unit_at,
            *chosen.c,
        ]
        statement = select(*columns).select_from(shown).order_by(*chosen.c)
        fields = len(WorkRow._fields) - 1
        return [
            WorkRow._make([*row[:fields], WorkPlace._make(row[fields:])])
            for row in map(tuple, await self._transaction.rows(statement))
        ]

    async def sums(self, wanted: WorkFilter) -> WorkSums:
        """How much waits of what is wanted."""
        visit = tables.visit
        statement = select(
            func.count(),
            func.coalesce(func.sum(visit.c.asks), 0),
            func.coalesce(func.sum(visit.c.waiting_cents), 0),
        ).select_from(_assigned())
        rows = await self._transaction.rows(statement.where(*self._conditions(wanted)))
        return WorkSums(*map(int, tuple(rows[0])))

    async def counts(self, views: Sequence[WorkFilter]) -> list[int]:
        """How many visits each of several filters leaves, in one pass."""
        sums = [
            func.sum(case((and_(*self._conditions(view)), 1), else_=0)).label(f"view_{number}")
            for number, view in enumerate(views)
        ]
        statement = select(*sums).select_from(_assigned()).where(_IS_WORK)
        rows = await self._transaction.rows(statement)
        return [int(number or 0) for number in rows[0]]

    async def ready(self, most: int) -> int:
        """How many visits wait for nothing: a bill may be made of them. It counts to `most`."""
        visit = tables.visit  # in the order of the index, which then is what is read
        some = select(visit.c.facility).where(_IS_READY).order_by(visit.c.facility).limit(most)
        rows = await self._transaction.rows(select(func.count()).select_from(some.subquery()))
        return int(rows[0][0])

    async def facets(self, wanted: WorkFilter) -> list[Facet]:
        """How many visits of what is wanted have each value, the most first."""
        waiting = self._waiting(wanted)
        asked = tables.question
        codes = select(asked.c.code, asked.c.facility, asked.c.visit).distinct()
        codes = codes.where(asked.c.closed_at.is_(None))
        if wanted != WorkFilter():  # else every open question is of a visit of the list
            here = select(waiting.c.facility, waiting.c.visit)
            codes = codes.where(tuple_(asked.c.facility, asked.c.visit).in_(here))
        open_codes = codes.subquery()
        by_code = select(literal("code"), open_codes.c.code, func.count()).group_by(
            open_codes.c.code
        )
        no_question = (
            select(literal("code"), waiting.c.waits_for, func.count())
            .where(waiting.c.asks == 0)
            .group_by(waiting.c.waits_for)
        )
        others = [
            select(literal(kind), waiting.c[kind], func.count()).group_by(waiting.c[kind])
            for kind in ("place", "payer", "owner", "due")
        ]
        rows = await self._transaction.rows(union_all(by_code, no_question, *others))
        return sorted(
            [Facet._make(row) for row in rows], key=lambda facet: (-facet.visits, facet.value)
        )

    async def causes(self, least: int, most: int = 1) -> list[Cause]:
        """What at least so many open questions ask alike of one drug, the most first."""
        asked = tables.question
        number = func.count()
        statement = (
            select(asked.c.code, asked.c.drug, number)
            .where(asked.c.closed_at.is_(None), asked.c.drug != "")
            .group_by(asked.c.code, asked.c.drug)
            .having(number >= least)
            .order_by(number.desc(), asked.c.code, asked.c.drug)
            .limit(most)
        )
        return [Cause._make(row) for row in await self._transaction.rows(statement)]

    def _waiting(self, wanted: WorkFilter) -> CTE:
        """What is wanted, as a table to count in."""
        visit = tables.visit
        in_time = [
            (visit.c.final_due <= self._now + timedelta(hours=hours), due)
            for due, hours in sorted(_HOURS.items(), key=lambda pair: pair[1])
        ]
        due = case(
            *in_time,
            (visit.c.final_due.is_not(None), "later"),
            (visit.c.status == "final", "passed"),
            else_="running",
        )
        columns = [
            *(visit.c[name] for name in ("facility", "visit", "place", "payer", "asks")),
            visit.c.waits_for,
            func.coalesce(tables.assignment.c.owner, "").label("owner"),
            due.label("due"),
        ]
        waiting = select(*columns).select_from(_assigned()).where(*self._conditions(wanted))
        return waiting.cte("waiting")

    def _conditions(self, wanted: WorkFilter) -> list[ColumnElement[bool]]:
        visit, given = tables.visit, tables.assignment
        conditions = [_IS_WORK]
        if wanted.codes:
            codes = sorted(wanted.codes)
            conditions.append(or_(_asks(_CODE.in_(codes)), visit.c.waits_for.in_(codes)))
        if wanted.text:
            named = func.lower(_DRUG).contains(wanted.text.lower(), autoescape=True)
            conditions.append(or_(_asks(named), visit.c.visit == wanted.text))
        if wanted.place:
            conditions.append(visit.c.place == wanted.place)
        if wanted.payer:
            conditions.append(visit.c.payer == wanted.payer)
        if wanted.owner:
            owner = "" if wanted.owner == NOBODY else wanted.owner
            conditions.append(func.coalesce(given.c.owner, "") == owner)
        if wanted.asked_unit:
            conditions.append(given.c.asked_unit_at.is_not(None))
        if wanted.least_cents:
            conditions.append(visit.c.waiting_cents >= wanted.least_cents)
        if wanted.due:
            conditions += self._due(wanted.due)
        return [*conditions, *_where_and_when(wanted)]

    def _due(self, due: Due) -> Iterable[ColumnElement[bool]]:
        visit = tables.visit
        if due == "passed":
            return [visit.c.status == "final"]
        if due == "running":
            return [visit.c.final_due.is_(None), visit.c.status != "final"]
        return [visit.c.final_due <= self._now + timedelta(hours=_HOURS[due])]


# As texts, so that the database sees the conditions of its indexes.
_IS_WORK: ColumnElement[bool] = text(f"({tables.WAITS_FOR_A_PERSON})")  # type: ignore[assignment]
_IS_READY: ColumnElement[bool] = text(f"({tables.READY})")  # type: ignore[assignment]
_OTHER = tables.question.alias()  # a query may read the first question of a visit as well
_CODE, _DRUG = _OTHER.c.code, _OTHER.c.drug
_VISIT_COLUMNS = [tables.visit.c[name] for name in WorkRow._fields[:10]]


def _where_and_when(wanted: WorkFilter) -> Iterable[ColumnElement[bool]]:
    """The conditions on the facility and on the last day of service, which a visit may lack."""
    visit = tables.visit
    if wanted.facility:
        yield visit.c.facility == wanted.facility
    if wanted.first_day:
        yield visit.c.day >= wanted.first_day
    if wanted.last_day:
        yield visit.c.day.between("0", wanted.last_day)


def _assigned() -> Any:
    """The visits, each with its assignment, if it has one."""
    return tables.visit.outerjoin(tables.assignment, _of(tables.assignment, tables.visit))


def _of(table: FromClause, visit: FromClause) -> ColumnElement[bool]:
    return and_(table.c.facility == visit.c.facility, table.c.visit == visit.c.visit)


def _asks(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an open question of a visit is such. All such questions are read once, and not those
    of each visit.
    """
    such = select(_OTHER.c.facility, _OTHER.c.visit).where(_OTHER.c.closed_at.is_(None), condition)
    return tuple_(tables.visit.c.facility, tables.visit.c.visit).in_(such)


def _order() -> list[ColumnElement[Any]]:
    """What the list is sorted by, in the fields of a WorkPlace."""
    visit = tables.visit
    rank = case((visit.c.final_due.is_not(None), 0), (visit.c.status == "final", 1), else_=2)
    due = func.coalesce(visit.c.final_due, literal(_NEVER, visit.c.final_due.type))
    return [
        rank.label("rank"),
        due.label("due"),
        (-visit.c.waiting_cents).label("less_cents"),
        visit.c.facility,
        visit.c.visit,
    ]


def _pairs(
    place: WorkPlace, order: Sequence[ColumnElement[Any]]
) -> Iterable[tuple[Any, ColumnElement[Any]]]:
    return zip(place, order, strict=True)
