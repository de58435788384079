"""A batch: everything that one poll changes, written in one transaction.

This module owns the writes and the fence. The fence is the row of a partition that names its owner
and the next offset. A program that lost partition 3 at offset 500 finds another owner in that row,
and its batch is rolled back. The module does not know what the rows mean: the program says which
messages are new, what a visit has become and what to announce.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from chargeline.engine import VisitKey
from chargeline.ledger import auditing, data_keys, erasing, holding, statements, tables
from chargeline.ledger.bulk import mended
from chargeline.ledger.encrypting_old import Page, Sealed, encrypt_page
from chargeline.ledger.errors import Fenced, NotFound, RowPlace
from chargeline.ledger.merges import leading_to
from chargeline.ledger.records import (
    PARKED_STATUSES,
    Announcement,
    MessageKey,
    Move,
    StoredAnswer,
    StoredContribution,
    StoredMerge,
    StoredMessage,
    StoredOffset,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
    Whose,
)
from chargeline.ledger.sealing import (
    NO_PARTITION,
    Tally,
    added,
    plus,
    sealed_answer,
    sealed_message,
    sealed_parked,
    sealed_revision,
    tallies,
    tally_of_all,
)
from chargeline.ledger.view import Keys, View


class Batch(View):
    """One transaction that writes; `Ledger.batch` opens it.

    The partitions that a batch moves and the visits that it reads are locked: no other batch gets
    them until this one ends.
    """

    _locks = True
    _fence = NO_PARTITION  # a partition that this batch has locked, if it moves any

    async def claim(self, topic: str, partition: int, owner: str) -> int | None:
        """Take the partition over from its present owner; returns the next offset to read.

        The offset is None for a partition that nobody has read yet. The first claim of a partition
        waits for all batches of the topic: with it visits move to that partition, and a batch that
        still drafts one of them elsewhere must have ended. `advance` refuses such a batch later.
        """
        table = tables.partition_offset
        rows = await self._transaction.rows(statements.claimed(), {"topic": topic})
        if partition not in {row.partition for row in rows}:
            numbers = statements.numbers(self._dialect, [row.partition for row in rows])
            locked = {"topic": topic, **numbers}
            await self._transaction.rows(statements.offsets(self._dialect), locked)
        now = {"owner": owner, "claimed_at": datetime.now(UTC)}
        insert: Any = sqlite.insert if self._transaction.dialect == "sqlite" else postgresql.insert
        new = insert(table).values(topic=topic, partition=partition, next_offset=None, **now)
        taken = new.on_conflict_do_update(index_elements=["topic", "partition"], set_=now)
        offset: int | None = (await self._transaction.rows(taken.returning(table.c.next_offset)))[
            0
        ][0]
        return offset

    async def advance(
        self, topic: str, moves: Mapping[int, Move], *, owner: str, partitions: int | None = None
    ) -> None:
        """Move partitions from exactly `expected` to `next_offset`, all of them or none.

        Raises Fenced when one of them has another owner or stands at another offset, or when
        somebody has claimed a partition beyond the `partitions` of which the program knows: visits
        have moved to the new ones, so what the program has in memory may be old. Call it first
        in a batch: a program that lost its partition then stops before it has done any work. A move
        from 500 to 500 reads nothing; it makes sure that the partition is still ours until the
        batch ends.
        """
        table = tables.partition_offset
        asked = {"topic": topic, **statements.numbers(self._dialect, moves)}
        rows = await self._transaction.rows(statements.offsets(self._dialect), asked)
        stored = {row.partition: StoredOffset._make(row) for row in rows}
        stale = {
            number for number, move in moves.items() if not _is_at(stored.get(number), owner, move)
        }
        # Asked after the rows are locked: a first claim that this batch has waited for is seen.
        if not stale and partitions is not None and await self.partitions(topic) > partitions:
            stale = set(moves)
        if stale:
            raise self._transaction.fail(
                _fenced(topic=topic, owner=owner, moves=moves, stored=stored, stale=stale)
            )
        assert all(move.is_forwards for move in moves.values()), "a partition is read forwards"
        moved = [
            stored[number]._replace(next_offset=move.next_offset) for number, move in moves.items()
        ]
        await self._transaction.insert(table, moved, "replace")
        self._fence = (topic, min(moves)) if moves else NO_PARTITION

    async def add_messages(self, messages: Sequence[StoredMessage]) -> set[MessageKey]:
        """Store messages; returns the keys of those that the ledger did not have yet.

        Raises Unstorable.
        """
        stored = await data_keys.to_write(self._transaction, "message", messages)
        sealed = [sealed_message(message) for message in stored]
        new = await self._transaction.insert_new(tables.message, sealed)
        await self._tally("message", [sealed[place] for place in new])
        return {messages[place].key for place in new}

    async def _tally(self, about: str, rows: Sequence[StoredMessage | StoredParkedMessage]) -> None:
        await self._transaction.insert(tables.tally, tallies(about, rows), "add")

    async def add_merges(
        self, visit_merges: Sequence[StoredMerge] = (), patient_merges: Sequence[StoredMerge] = ()
    ) -> None:
        """Store merges; a merge that is stored already stays as it is."""
        await self._transaction.insert(tables.visit_merge, visit_merges, "ignore")
        await self._transaction.insert(tables.patient_merge, patient_merges, "ignore")

    async def last_messages(self, keys: Sequence[VisitKey]) -> dict[VisitKey, RowPlace]:
        """The place of the last message of each visit, or of a number that leads to it.

        No message is opened. A visit without any message is not in the result.
        """
        members = leading_to(keys, await self.merges_around(keys))
        everyone = {member for numbers in members.values() for member in numbers}
        rows = await self._rows(statements.places(self._dialect), everyone)
        last: dict[VisitKey, RowPlace] = {}
        for key in keys:
            for row in [row for row in rows if VisitKey(row.facility, row.visit) in members[key]]:
                last[key] = RowPlace("message", f"digest {row.digest}", *row[3:])
        return last

    async def put_visits(self, visits: Sequence[StoredVisit]) -> None:
        """Write where visits stand, in place of their rows before."""
        await self._transaction.insert(tables.visit, visits, "replace")

    async def add_revisions(self, revisions: Sequence[StoredRevision]) -> None:
        """Append revisions; raises AlreadyThere when a visit has a revision of that number.

        They are counted in the tally of a partition that the batch moves: nobody else has that row,
        so two programs do not wait for each other.
        """
        if not revisions:
            return
        sealed = [sealed_revision(revision) for revision in revisions]
        await self._transaction.insert(tables.draft_revision, sealed)
        total = tally_of_all("draft_revision", [row.seal for row in sealed], self._fence)
        await self._transaction.insert(tables.tally, [total], "add")

    async def put_questions(self, questions: Sequence[StoredQuestion]) -> None:
        """Write questions, in place of those stored under the same id."""
        await self._transaction.insert(tables.question, questions, "replace")

    async def add_answers(self, answers: Sequence[StoredAnswer]) -> None:
        """Keep what people answered; an answer that is kept already stays as it is."""
        sealed = [sealed_answer(answer) for answer in answers]
        new = await self._transaction.insert_new(tables.answer, sealed)
        if new:
            total = tally_of_all("answer", [sealed[place].seal for place in new])
            await self._transaction.insert(tables.tally, [total], "add")

    async def lock_patients(self, patients: Keys) -> None:
        """Wait until no other batch holds these patients, and hold them until this batch ends.

        Without the lock, two visits of one patient that are drafted at the same moment in two
        partitions would not see each other's contributions.
        """
        if self._transaction.dialect == "postgresql":  # SQLite has only one writer
            numbers = sorted({_lock_number(*patient) for patient in patients})
            await self._transaction.rows(statements.lock_numbers(), {"numbers": numbers})

    async def put_contributions(
        self, visits: Keys, contributions: Sequence[StoredContribution]
    ) -> None:
        """Write contributions, in place of all that `visits` contributed before.

        `contributions` may hold rows of further visits; those are added to what is stored.
        """
        table = tables.contribution
        if had := list(visits):
            gone = statements.delete_of_visits(self._dialect, table)
            await self._transaction.run(gone, statements.keyed(self._dialect, had))
        await self._transaction.insert(table, contributions, "replace")

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Put events into the outbox, in this order: the database numbers them as they come."""
        stored = await data_keys.to_write(self._transaction, "outbox", announcements)
        await self._transaction.insert(tables.outbox, stored)

    async def delete_announced(self, ids: Iterable[int]) -> int:
        """Remove published events from the outbox; returns how many of them were there."""
        published = statements.numbers(self._dialect, ids)
        return await self._transaction.run(statements.delete_announced(self._dialect), published)

    async def park(self, messages: Sequence[StoredParkedMessage]) -> list[int]:
        """Put messages aside; returns their numbers. This never fails, whatever they hold."""
        if not messages:
            return []
        ids = await self._next_ids(len(messages))
        numbered = [
            _storable(message)._replace(id=number)
            for message, number in zip(messages, ids, strict=True)
        ]
        stored = await data_keys.to_write(self._transaction, "parked", numbered)
        sealed = [sealed_parked(message) for message in stored]
        await self._transaction.insert(tables.parked, sealed)
        await self._tally("parked", sealed)
        return ids

    async def _next_ids(self, count: int) -> list[int]:
        """Ids for parked messages: a seal is over the id, so it must be known before."""
        asked = {"number": count} if self._dialect == "postgresql" else {}
        rows = await self._transaction.rows(statements.next_ids(self._dialect), asked)
        if self._dialect == "postgresql":
            return [row[0] for row in rows]
        last = rows[0][0] if rows else 0  # we hold SQLite's one lock
        return list(range(last + 1, last + 1 + count))

    async def encrypt_page(
        self, kind: Sealed[Any], after: tuple[Any, ...] | None, limit: int, act: auditing.Act
    ) -> Page:
        """Encrypt some rows that were stored in the clear. Raises KeyMissing."""
        page = await encrypt_page(self._transaction, kind, after, limit)
        if page.encrypted or page.left:
            told = {"table": kind.table.name, "rows": page.encrypted, "left": page.left}
            await self.audit([act._replace(details={**act.details, **told})])
        return page

    async def erase(
        self, whose: Whose, reading: erasing.Identification, at: datetime
    ) -> erasing.Erased:
        """Remove all that belongs to a visit or patient. Raises OnHold."""
        return await erasing.erase(self._transaction, whose, reading, at)

    async def hold(
        self, whose: Whose, reading: erasing.Identification, at: datetime, *, who: str, why: str
    ) -> holding.HeldRows:
        """Hold all that belongs to a visit or patient now; returns what the ledger has of it."""
        owned = await erasing.belongings(self._transaction, whose, reading)
        return await holding.place(self._transaction, owned, at, who=who, why=why)

    async def release(self, whose: Whose) -> list[Whose]:
        """End the holds of a visit or patient; returns the numbers under which there was one."""
        return await holding.release(self._transaction, whose)

    async def kept_by(self, whose: Whose) -> list[Whose]:
        """Whose holds keep a visit or patient."""
        return await holding.kept_by(self._transaction, whose)

    async def set_status(self, parked_id: int, status: str, *, was: str = "parked") -> None:
        """Move a parked message from the status `was` to another.

        Raises NotFound if the message has another status by now.
        """
        assert status in PARKED_STATUSES and was in PARKED_STATUSES
        table = tables.parked
        here = (table.c.id == parked_id) & (table.c.status == was)
        rows = await self._transaction.rows(select(*table.c).where(here).with_for_update())
        if not rows:
            raise self._transaction.fail(
                NotFound(
                    expected=f"message {parked_id} with the status {was}",
                    found="none",
                    do="list the parked messages: somebody may have seen to this one already",
                )
            )
        before = StoredParkedMessage(**rows[0]._mapping)
        after = before._replace(status=status)
        # A row that somebody changed keeps its broken seal, so that the change is still found.
        if sealed_parked(before).seal == before.seal:
            after = sealed_parked(after)
        changed = {"status": status, "seal": after.seal}
        await self._transaction.run(update(table).where(here).values(changed))
        difference = plus(added([after.seal]), added([before.seal]), -1)
        place = ("parked", after.topic, after.partition)
        await self._transaction.insert(tables.tally, [Tally._make((*place, *difference))], "add")

    async def audit(self, acts: Sequence[auditing.Act]) -> None:
        """Add acts to the audit trail. Let it be the last step: other writers wait from here on."""
        await auditing.append(self._transaction, acts)


def _is_at(row: StoredOffset | None, owner: str, move: Move) -> bool:
    return row is not None and row.owner == owner and row.next_offset == move.expected


def _fenced(
    topic: str,
    owner: str,
    moves: Mapping[int, Move],
    stored: Mapping[int, StoredOffset],
    stale: set[int],
) -> Fenced:
    first = min(stale)
    row = stored.get(first)
    return Fenced(
        expected=f"{topic}[{first}] to be {owner}'s, at offset {moves[first].expected}",
        found=f"{row.owner}'s, at offset {row.next_offset}" if row else "a partition never claimed",
        do="drop the records that were read, and claim the partition again if Kafka still assigns "
        "it to this program",
        partitions=frozenset(stale),
    )


def _lock_number(facility: str, patient: str) -> int:
    """A number of 63 bits for a patient.

    Two patients may share a number. Their batches then wait for each other, and that is all.
    """
    digest = blake2b(f"{facility}|{patient}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _storable(message: StoredParkedMessage) -> StoredParkedMessage:
    return StoredParkedMessage._make(
        mended(value) if isinstance(value, str) else value for value in message
    )
