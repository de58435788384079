"""The visits in which a drug runs, or ran until nobody knows when: what the board is read from.

This module owns the query. It finds the visits by two partial indexes, without a look at any other
visit: those of which a question is due later (`asked_due`, as a missing stop is until its ordered
end and the grace are over), and those with an open question about a stop. What runs in them is
said by their last revisions, which it hands out as they are.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select, union

from chargeline.engine import FindingCode
from chargeline.ledger import tables
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.workbench_records import StoredStillRunning

STOP_MISSING: FindingCode = "stop.missing"


class RunningVisit(NamedTuple):
    """A visit in which a stop may be missing. `body` is its last revision, in JSON.

    `discharged_at` is None while the patient is there. `still_running` is what is said of its
    questions and holds now, by their numbers.
    """

    facility: str
    visit: str
    place: str
    discharged_at: datetime | None
    asked_unit_at: datetime | None
    body: str
    still_running: Mapping[str, StoredStillRunning] = {}


class RunningVisits:
    """What runs, as one transaction sees it at a moment."""

    def __init__(self, transaction: Transaction, now: datetime) -> None:
        self._transaction = transaction
        self._now = now

    async def visits(self, asked_since: datetime, most: int) -> list[RunningVisit]:
        """At most `most` visits, those first whose questions were put first, or are due first.

        A question that was put before `asked_since` counts no more: the work list has it.
        """
        visit, asked, given = tables.visit, tables.question, tables.assignment
        revision = tables.draft_revision
        to_come = select(visit.c.facility, visit.c.visit, visit.c.asked_due.label("since")).where(
            visit.c.asked_due.is_not(None), visit.c.status == "open"
        )
        put = select(asked.c.facility, asked.c.visit, asked.c.opened_at.label("since")).where(
            asked.c.code == STOP_MISSING,
            asked.c.closed_at.is_(None),
            asked.c.opened_at >= asked_since,
        )
        both = union(to_come, put).subquery()
        since = func.min(both.c.since)
        keys = (
            select(both.c.facility, both.c.visit, since.label("since"))
            .group_by(both.c.facility, both.c.visit)
            .subquery()
        )
        of_visit = and_(visit.c.facility == keys.c.facility, visit.c.visit == keys.c.visit)
        last = and_(
            revision.c.facility == visit.c.facility,
            revision.c.visit == visit.c.visit,
            revision.c.revision == visit.c.revision,
        )
        owned = and_(given.c.facility == visit.c.facility, given.c.visit == visit.c.visit)
        of_a_visit = [visit.c[name] for name in RunningVisit._fields[:4]]
        statement = (
            select(*of_a_visit, given.c.asked_unit_at, revision.c.body)
            .select_from(keys.join(visit, of_visit).join(revision, last).outerjoin(given, owned))
            .where(visit.c.status.in_(("open", "final")))
            .order_by(keys.c.since, visit.c.facility, visit.c.visit)
            .limit(most)
        )
        rows = [RunningVisit._make([*row, {}]) for row in await self._transaction.rows(statement)]
        said = await self._said(rows)
        return [row._replace(still_running=said.get(row[:2], {})) for row in rows]

    async def asked_before(self, moment: datetime) -> int:
        """How many open questions about a stop were put before a moment."""
        asked = tables.question
        older = select(func.count()).where(
            asked.c.code == STOP_MISSING, asked.c.closed_at.is_(None), asked.c.opened_at < moment
        )
        return int((await self._transaction.rows(older))[0][0])

    async def _said(
        self, rows: list[RunningVisit]
    ) -> dict[tuple[str, str], dict[str, StoredStillRunning]]:
        """What is said of some visits and holds now."""
        said: dict[tuple[str, str], dict[str, StoredStillRunning]] = {}
        table = tables.still_running
        holds = select(table).where(table.c.until > self._now)
        wanted = {row[:2] for row in rows}
        for row in map(StoredStillRunning._make, await self._transaction.rows(holds)):
            if (row.facility, row.visit) in wanted:
                said.setdefault((row.facility, row.visit), {})[row.question_id] = row
        return said
