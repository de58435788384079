"""How much waits in the ledger, and since when: for metrics and for `ledger status`.

It owns the queries of these counts. They read whole tables or partial indexes and no row twice, and
name no patient.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from chargeline.ledger import tables
from chargeline.ledger.transaction import Transaction


class OpenQuestions(NamedTuple):
    """How many questions of one code are open, and since when."""

    code: str
    number: int
    oldest: datetime


class WaitingVisits(NamedTuple):
    """How many visits wait for one thing first, "" for those that wait for nothing."""

    waits_for: str
    visits: int
    cents: int


class Counts(NamedTuple):
    """What an operations team watches. The time of the oldest is None when there is none."""

    outbox: int
    outbox_oldest: datetime | None
    parked: int
    parked_oldest: datetime | None
    stake_cents: int
    questions: tuple[OpenQuestions, ...]
    visits: Mapping[str, int]  # by status
    waiting: tuple[WaitingVisits, ...] = ()


async def counts_of(transaction: Transaction) -> Counts:
    """How much waits, and since when, as one transaction sees it."""
    parked, outbox, visit = tables.parked, tables.outbox, tables.visit
    waiting = select(func.count(), func.min(parked.c.first_seen))
    parked_rows: Sequence[Any] = await transaction.rows(waiting.where(parked.c.status == "parked"))
    queue: Sequence[Any] = await transaction.rows(
        select(func.count(), func.min(outbox.c.created_at))
    )
    stake = select(func.coalesce(func.sum(visit.c.stake_cents), 0)).where(visit.c.stake_cents > 0)
    by_standing = select(
        visit.c.status, visit.c.waits_for, func.count(), func.sum(visit.c.waiting_cents)
    ).group_by(visit.c.status, visit.c.waits_for)
    standing = [tuple(row) for row in await transaction.rows(by_standing)]
    stake_rows: Sequence[Any] = await transaction.rows(stake)
    return Counts(
        outbox=queue[0][0],
        outbox_oldest=queue[0][1],
        parked=parked_rows[0][0],
        parked_oldest=parked_rows[0][1],
        stake_cents=int(stake_rows[0][0]),
        questions=await _questions(transaction),
        visits=_visits(standing),
        waiting=_waiting(standing),
    )


Standing = list[tuple[Any, ...]]
"""Rows of status, what is waited for, number of visits, cents."""


def _visits(standing: Standing) -> dict[str, int]:
    visits: Counter[str] = Counter()
    for status, _reason, number, _cents in standing:
        visits[status] += int(number)
    return dict(visits)


def _waiting(standing: Standing) -> tuple[WaitingVisits, ...]:
    visits: Counter[str] = Counter()
    money: Counter[str] = Counter()
    for _status, reason, number, cents in standing:
        if reason is not None:
            visits[reason] += int(number)
            money[reason] += int(cents)
    return tuple(
        [WaitingVisits(reason, visits[reason], money[reason]) for reason in sorted(visits)]
    )


async def _questions(transaction: Transaction) -> tuple[OpenQuestions, ...]:
    table = tables.question
    by_code = select(table.c.code, func.count(), func.min(table.c.opened_at)).group_by(table.c.code)
    rows = await transaction.rows(by_code.where(table.c.closed_at.is_(None)).order_by(table.c.code))
    return tuple(map(OpenQuestions._make, rows))
