"""A batch: everything that one poll changes, in one transaction.

It owns the writes and the fence. It refuses to know what they mean: the program says what is new, what
a visit has become and what to announce, and either all of it is kept or nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chargeline.engine.events import VisitKey
from chargeline.ledger import tables
from chargeline.ledger.bulk import mended
from chargeline.ledger.errors import Fenced, NotFound
from chargeline.ledger.records import (
    PARKED_STATUSES,
    Announcement,
    MessageKey,
    ParkedMessage,
    PatientDay,
    StoredMerge,
    StoredMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.ledger.view import Keys, View

_DUE = (tables.visit.c.settle_due, tables.visit.c.final_due, tables.visit.c.asked_due)


class Batch(View):
    """One transaction that writes; made by `Ledger.batch`. Rows that it touches are its own until it ends."""

    async def claim(self, topic: str, partition: int, owner: str) -> int | None:
        """Take the partition over from whoever had it; returns the next offset to read, None at first."""
        table = tables.partition_offset
        now = {"owner": owner, "claimed_at": datetime.now(UTC)}
        insert: Any = sqlite.insert if self._transaction.dialect == "sqlite" else postgresql.insert
        new = insert(table).values(topic=topic, partition=partition, next_offset=None, **now)
        taken = new.on_conflict_do_update(index_elements=["topic", "partition"], set_=now)
        offset: int | None = (await self._transaction.rows(taken.returning(table.c.next_offset)))[0][0]
        return offset

    async def advance(
        self, topic: str, partition: int, *, owner: str, expected: int | None, next_offset: int
    ) -> None:
        """Move the partition from exactly `expected` to `next_offset`; raises Fenced.

        Called first in a batch, it stops a stale owner before it has worked in vain.
        """
        assert expected is None or next_offset >= expected, "a partition is read forwards"
        table = tables.partition_offset
        ours = (table.c.topic == topic) & (table.c.partition == partition) & (table.c.owner == owner)
        exact = table.c.next_offset.is_not_distinct_from(bindparam("expected", expected))
        statement = update(table).where(ours, exact).values(next_offset=next_offset)
        if await self._transaction.run(statement) != 1:
            raise self._transaction.fail(await self._fenced(topic, partition, owner, expected))

    async def _fenced(self, topic: str, partition: int, owner: str, expected: int | None) -> Fenced:
        table = tables.partition_offset
        here = (table.c.topic == topic) & (table.c.partition == partition)
        rows = await self._transaction.rows(select(table.c.owner, table.c.next_offset).where(here))
        return Fenced(
            expected=f"{topic}[{partition}] to be {owner}'s, at offset {expected}",
            found=f"{rows[0].owner}'s, at offset {rows[0].next_offset}" if rows else "it was never claimed",
            do="drop what was read, and claim the partition again if it is still assigned",
        )

    async def add_messages(self, messages: Sequence[StoredMessage]) -> set[MessageKey]:
        """Keep messages; returns the keys of those that were not there. Raises Unstorable."""
        new = await self._transaction.insert_new(tables.message, messages)
        return {messages[place].key for place in new}

    async def add_merges(
        self, visit_merges: Sequence[StoredMerge] = (), patient_merges: Sequence[StoredMerge] = ()
    ) -> None:
        """Keep merges; one that is there already is left as it is."""
        await self._transaction.insert(tables.visit_merge, visit_merges, "ignore")
        await self._transaction.insert(tables.patient_merge, patient_merges, "ignore")

    async def put_visits(self, visits: Sequence[StoredVisit]) -> None:
        """Write where visits stand, over what was there."""
        await self._transaction.insert(tables.visit, visits, "replace")

    def _visits(self, keys: Keys) -> Select[tuple[object, ...]]:
        """As in a view, and the rows are locked, in order of their keys, so that two batches take turns."""
        return super()._visits(keys).with_for_update()

    async def due_visits(self, now: datetime, limit: int) -> list[StoredVisit]:
        """Visits with something due by now, the longest due first, and none that another batch holds."""
        found: dict[VisitKey, StoredVisit] = {}
        for due in _DUE:
            statement = select(tables.visit).where(due <= now).order_by(due).limit(limit)
            rows = await self._transaction.rows(statement.with_for_update(skip_locked=True))
            found |= {visit.key: visit for visit in map(StoredVisit._make, rows)}
        return sorted(found.values(), key=lambda visit: (_due_since(visit), visit.key))[:limit]

    async def add_revisions(self, revisions: Sequence[StoredRevision]) -> None:
        """Append drafts; raises AlreadyThere when a visit has that revision."""
        await self._transaction.insert(tables.draft_revision, revisions)

    async def put_questions(self, questions: Sequence[StoredQuestion]) -> None:
        """Write questions, over what was there."""
        await self._transaction.insert(tables.question, questions, "replace")

    async def put_patient_days(self, visits: Iterable[tuple[str, str]], days: Sequence[PatientDay]) -> None:
        """Write the days of some visits, in the place of what was there for them."""
        table = tables.patient_day
        among = self._transaction.among((table.c.facility, table.c.visit), visits)
        await self._transaction.run(delete(table).where(among))
        await self._transaction.insert(table, days, "replace")

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Put events into the outbox, in this order."""
        await self._transaction.insert(tables.outbox, announcements)

    async def delete_announced(self, ids: Iterable[int]) -> int:
        """Remove from the outbox what has been published; returns how many were there."""
        condition = self._transaction.numbered(tables.outbox.c.id, ids)
        return await self._transaction.run(delete(tables.outbox).where(condition))

    async def park(self, messages: Sequence[ParkedMessage]) -> None:
        """Put messages aside; whatever their texts hold, this does not fail."""
        await self._transaction.insert(tables.parked, [_storable(each) for each in messages])

    async def set_status(self, parked_id: int, status: str, *, was: str = "parked") -> None:
        """Move a parked message from one status to another; raises NotFound if it is not in the first."""
        assert status in PARKED_STATUSES and was in PARKED_STATUSES
        table = tables.parked
        here = (table.c.id == parked_id) & (table.c.status == was)
        if await self._transaction.run(update(table).where(here).values(status=status)) != 1:
            raise self._transaction.fail(
                NotFound(
                    expected=f"message {parked_id} with the status {was}",
                    found="none",
                    do="list them: somebody may have seen to it already",
                )
            )


def _due_since(visit: StoredVisit) -> datetime:
    return min(due for due in (visit.settle_due, visit.final_due, visit.asked_due) if due is not None)


def _storable(message: ParkedMessage) -> ParkedMessage:
    return ParkedMessage._make(mended(each) if isinstance(each, str) else each for each in message)
