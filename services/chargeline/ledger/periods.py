"""The visits of some days of service: which there are, and whether any of them changed.

This module owns the queries. A visit is of the last day of which its messages tell, as its row
says. One whose row has no day, because nothing was charted or nobody drafted it since that column
is there, is of no period and counted apart.
"""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from chargeline.engine import VisitKey
from chargeline.ledger import tables
from chargeline.ledger.transaction import Transaction

_DRAFTED = ("open", "final")  # what was merged away or forgotten has no draft of its own


class PeriodFilter(NamedTuple):
    """Which visits are wanted: of the days from `first` to `last`, and of a unit and a payer, ""
    for any.
    """

    first: date
    last: date
    place: str = ""
    payer: str = ""


class PeriodStamp(NamedTuple):
    """How many visits a period has, and when the last of them changed; None where it has none.

    `undated` counts the visits of the ledger that are of no period.
    """

    visits: int
    changed: datetime | None
    undated: int


class PeriodVisit(NamedTuple):
    """A visit of the period, with what its row says of it."""

    facility: str
    visit: str
    status: str
    place: str
    payer: str
    day: str

    @property
    def key(self) -> VisitKey:
        """The key of the visit."""
        return VisitKey(self.facility, self.visit)


class VisitsOfPeriod:
    """The visits of a period, as one transaction sees them."""

    def __init__(self, transaction: Transaction, wanted: PeriodFilter) -> None:
        self._transaction = transaction
        self._wanted = wanted

    async def rows(self, most: int) -> list[PeriodVisit]:
        """The visits, the last day first, at most so many."""
        visit = tables.visit
        statement = select(*(visit.c[name] for name in PeriodVisit._fields))
        ordered = statement.where(*self._conditions()).order_by(
            visit.c.day.desc(), visit.c.facility, visit.c.visit
        )
        rows = await self._transaction.rows(ordered.limit(most))
        return list(map(PeriodVisit._make, rows))

    async def stamp(self) -> PeriodStamp:
        """How many there are, and when the last one changed."""
        visit = tables.visit
        of_period = select(func.count(), func.max(visit.c.updated_at)).where(*self._conditions())
        undated = select(func.count()).where(visit.c.day == "", visit.c.status.in_(_DRAFTED))
        ((number, changed),) = map(tuple, await self._transaction.rows(of_period))
        without_day = (await self._transaction.rows(undated))[0][0]
        return PeriodStamp(int(number), changed, int(without_day))

    async def values(self, column: str) -> list[str]:
        """The units (`place`) or payers (`payer`) of the visits of these days, sorted."""
        of_column = tables.visit.c[column]
        of_days = drafted_between(self._wanted.first, self._wanted.last)
        statement = select(of_column).distinct().where(*of_days, of_column != "")
        rows = await self._transaction.rows(statement.order_by(of_column))
        return [str(row[0]) for row in rows]

    def _conditions(self) -> list[ColumnElement[bool]]:
        visit, wanted = tables.visit, self._wanted
        conditions = drafted_between(wanted.first, wanted.last)
        if wanted.place:
            conditions.append(visit.c.place == wanted.place)
        if wanted.payer:
            conditions.append(visit.c.payer == wanted.payer)
        return conditions


def drafted_between(first: date, last: date) -> list[ColumnElement[bool]]:
    """The visits that have a draft of their own and their last day of service among some days."""
    visit = tables.visit
    # Days are written as 2026-03-02, so that their order is that of their texts.
    return [
        visit.c.status.in_(_DRAFTED),
        visit.c.day >= first.isoformat(),
        visit.c.day <= last.isoformat(),
    ]
