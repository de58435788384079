"""A batch: everything that one poll changes, in one transaction.

It owns the writes and the fence. It refuses to know what they mean: the program says what is new,
what a visit has become and what to announce, and either all of it is kept or nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from chargeline.engine import VisitKey
from chargeline.ledger import statements, tables
from chargeline.ledger.bulk import mended
from chargeline.ledger.errors import Fenced, NotFound
from chargeline.ledger.records import (
    PARKED_STATUSES,
    Announcement,
    MessageKey,
    Move,
    StoredContribution,
    StoredMerge,
    StoredMessage,
    StoredOffset,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.ledger.view import Keys, View

_DUE = ("settle_due", "final_due", "asked_due")


class Batch(View):
    """One transaction that writes; made by `Ledger.batch`. Rows that it touches are its own until
    it ends.
    """

    _locks = True

    async def claim(self, topic: str, partition: int, owner: str) -> int | None:
        """Take the partition over from whoever had it; returns the next offset to read, None at
        first.
        """
        table = tables.partition_offset
        now = {"owner": owner, "claimed_at": datetime.now(UTC)}
        insert: Any = sqlite.insert if self._transaction.dialect == "sqlite" else postgresql.insert
        new = insert(table).values(topic=topic, partition=partition, next_offset=None, **now)
        taken = new.on_conflict_do_update(index_elements=["topic", "partition"], set_=now)
        offset: int | None = (await self._transaction.rows(taken.returning(table.c.next_offset)))[
            0
        ][0]
        return offset

    async def advance(self, topic: str, moves: Mapping[int, Move], *, owner: str) -> None:
        """Move partitions from exactly `expected` to `next_offset`, all or none; raises Fenced.

        Called first in a batch, it stops a stale owner before it has worked in vain. A move from an
        offset to itself only makes sure that the partition is still ours, until the batch ends.
        """
        table = tables.partition_offset
        asked = {"topic": topic, **statements.numbers(self._dialect, moves)}
        rows = await self._transaction.rows(statements.offsets(self._dialect), asked)
        found = {row.partition: StoredOffset._make(row) for row in rows}
        stale = {
            number for number, move in moves.items() if not _is_at(found.get(number), owner, move)
        }
        if stale:
            raise self._transaction.fail(
                _fenced(topic=topic, owner=owner, moves=moves, found=found, stale=stale)
            )
        assert all(move.is_forwards for move in moves.values()), "a partition is read forwards"
        moved = [
            found[number]._replace(next_offset=move.next_offset) for number, move in moves.items()
        ]
        await self._transaction.insert(table, moved, "replace")

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

    async def due_visits(self, now: datetime, limit: int) -> list[VisitKey]:
        """Visits with something due by now, the longest due first; `visits` locks them."""
        found: dict[VisitKey, datetime] = {}
        for due in _DUE:
            for row in await self._transaction.rows(
                statements.due(due), {"now": now, "most": limit}
            ):
                key = VisitKey(row.facility, row.visit)
                found[key] = min(row.since, found.get(key, row.since))
        return sorted(found, key=lambda key: (found[key], key))[:limit]

    async def add_revisions(self, revisions: Sequence[StoredRevision]) -> None:
        """Append drafts; raises AlreadyThere when a visit has that revision."""
        await self._transaction.insert(tables.draft_revision, revisions)

    async def put_questions(self, questions: Sequence[StoredQuestion]) -> None:
        """Write questions, over what was there."""
        await self._transaction.insert(tables.question, questions, "replace")

    async def lock_patients(self, patients: Keys) -> None:
        """Wait until no other batch has these patients, and have them until this one ends.

        Two visits of a patient in two partitions would otherwise not see each other's
        contributions.
        """
        if self._transaction.dialect == "postgresql":  # SQLite has one writer
            numbers = sorted({_lock_number(*each) for each in patients})
            await self._transaction.rows(statements.lock_numbers(), {"numbers": numbers})

    async def put_contributions(
        self, visits: Keys, contributions: Sequence[StoredContribution]
    ) -> None:
        """Remove what some visits contributed, and write contributions; others' are added."""
        table = tables.contribution
        if had := list(visits):
            gone = statements.delete_of_visits(self._dialect, table)
            await self._transaction.run(gone, statements.keyed(self._dialect, had))
        await self._transaction.insert(table, contributions, "replace")

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Put events into the outbox, in this order."""
        await self._transaction.insert(tables.outbox, announcements)

    async def delete_announced(self, ids: Iterable[int]) -> int:
        """Remove from the outbox what has been published; returns how many were there."""
        published = statements.numbers(self._dialect, ids)
        return await self._transaction.run(statements.delete_announced(self._dialect), published)

    async def park(self, messages: Sequence[StoredParkedMessage]) -> None:
        """Put messages aside; whatever their texts hold, this does not fail."""
        await self._transaction.insert(tables.parked, [_storable(each) for each in messages])

    async def set_status(self, parked_id: int, status: str, *, was: str = "parked") -> None:
        """Move a parked message from one status to another; raises NotFound if it is not in the
        first.
        """
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


def _is_at(row: StoredOffset | None, owner: str, move: Move) -> bool:
    return row is not None and row.owner == owner and row.next_offset == move.expected


def _fenced(
    topic: str,
    owner: str,
    moves: Mapping[int, Move],
    found: Mapping[int, StoredOffset],
    stale: set[int],
) -> Fenced:
    first = min(stale)
    row = found.get(first)
    return Fenced(
        expected=f"{topic}[{first}] to be {owner}'s, at offset {moves[first].expected}",
        found=f"{row.owner}'s, at offset {row.next_offset}" if row else "it was never claimed",
        do="drop what was read, and claim the partition again if it is still assigned",
        partitions=frozenset(stale),
    )


def _lock_number(facility: str, patient: str) -> int:
    """A number of 63 bits for a patient; two that share one merely wait for each other."""
    digest = blake2b(f"{facility}|{patient}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _storable(message: StoredParkedMessage) -> StoredParkedMessage:
    return StoredParkedMessage._make(
        mended(each) if isinstance(each, str) else each for each in message
    )
