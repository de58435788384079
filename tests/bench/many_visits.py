"""A ledger as a hospital has it after a year: many visits, and work that waits in some of them.

This module owns how such a ledger is made in seconds: by rows of visits, questions and assignments,
without messages. All that stands in a row is invented, but for the body of a question, which a real
draft has written. It measures nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from chargeline.engine import FindingCode, VisitKey
from chargeline.ledger import Ledger, StoredQuestion, StoredVisit
from chargeline.ledger.workbench_records import StoredAssignment

AT_ONCE = 5_000
TAKEN = 11  # one visit in so many was given to somebody
CODES: Sequence[FindingCode] = ("stop.missing", "dose.missing", "drug.unknown", "order.missing")


class Size(NamedTuple):
    """How many visits there are, and how many open questions: two in each visit that asks."""

    visits: int
    questions: int

    @property
    def asking(self) -> int:
        """How many visits ask."""
        return self.questions // 2


async def fill(ledger: Ledger, size: Size, body: str, now: datetime) -> None:
    """Fill a ledger that has its tables; `body` is the body of every question, in JSON."""
    rows = _rows(size, body, now)
    while some := list(islice(rows, AT_ONCE)):
        async with ledger.batch() as batch:
            await batch.put_visits([visit for visit, _questions, _given in some])
            await batch.put_questions([one for _visit, asked, _given in some for one in asked])
            await batch.workbench.assign([one for _visit, _asked, given in some for one in given])


_Rows = tuple[StoredVisit, list[StoredQuestion], list[StoredAssignment]]


def _rows(size: Size, body: str, now: datetime) -> Iterator[_Rows]:
    """Each visit with its questions and who sees to it. Those that ask lie among the others."""
    every = size.visits // size.asking
    for number in range(size.visits):
        key = VisitKey("ZEBRA", f"B{number}")
        asks = number % every == 0 and number // every < size.asking
        yield (
            _visit(key, number, now, asks=asks),
            [_question(key, number + place, body, now, asks=asks) for place in (0, 1)],
            # Whoever saw to a visit stays with it when nothing is open any more.
            [StoredAssignment(*key, f"Person {number // TAKEN % 20}", None, now, "L. Lemur")]
            if number % TAKEN == 0
            else [],
        )


def _visit(key: VisitKey, number: int, now: datetime, *, asks: bool) -> StoredVisit:
    """Of the visits that ask, a third still runs, a third becomes final soon, and a third is final.
    Of the others one in twenty is open and waits for the patient to leave.
    """
    stands = number // 7 % 3 if asks else (0 if number % 20 == 3 else 2)
    plain = StoredVisit(
        *key,
        "final" if stands == 2 else "open",
        1,
        None,
        now + timedelta(minutes=number % 4_000) if asks and stands == 1 else None,
        None,
        None,
        incomplete=False,
        updated_at=now,
    )
    waits_for = CODES[_spread(number) % 4] if asks else "discharge" if stands == 0 else ""
    return plain._replace(
        waiting_cents=number * 7_919 % 900_000,
        waits_for=waits_for,
        place=f"UNIT {_spread(number) % 12}",
        payer=f"PAYER {_spread(number) % 7}",
        day=f"2026-03-{10 + number % 18}",
        asks=2 if asks else 0,
        asks_first=_number(key, number) if asks else "",
    )


def _question(
    key: VisitKey, number: int, body: str, now: datetime, *, asks: bool
) -> StoredQuestion:
    return StoredQuestion(
        *key,
        _number(key, number),
        CODES[_spread(number) % 4],
        now - timedelta(minutes=number % 9_000),
        None if asks else now,
        body,
        drug=f"zebrium {_spread(number) % 40}",
        stake_cents=number % 50 * 1_000,
    )


def _number(key: VisitKey, number: int) -> str:
    return f"{key.visit}q{number}"


def _spread(number: int) -> int:
    """A number that is spread over all remainders, also where only every tenth visit counts."""
    return number + number // 10
