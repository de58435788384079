"""A batch is stored whole or not at all, and each row comes back as it was given."""

import asyncio
import subprocess
import sys

import pytest

from chargeline.engine import VisitKey
from chargeline.ledger import AlreadyThere, BatchFailed, Ledger, Move, Unstorable
from chargeline.ledger.errors import Fenced
from tests.clock import PATIENCE_SECONDS

from .rows import (
    HOUR,
    MORNING,
    V1,
    V2,
    V3,
    V4,
    announcement,
    initial_service,
    merge,
    message,
    parked,
    question,
    revision,
    visit,
)


class RefusedError(Exception):
    pass


async def test_rows_come_back_as_they_were_given(ledger: Ledger) -> None:
    """Bytes, JSON text, microseconds, missing times and characters beyond ASCII survive."""
    odd = message(1, sent=None, received_at=MORNING.replace(microsecond=1), control_id="Ärzte 𝄞")
    standing = visit(settle_due=MORNING, discharged_at=MORNING - HOUR, incomplete=True, revision=3)
    async with ledger.batch() as batch:
        await batch.add_messages([odd])
        await batch.put_visits([standing])
        await batch.add_revisions([revision(1, body='{"b":1, "a":2}')])
        await batch.put_questions([question("q1")])
    async with ledger.view() as view:
        assert await view.messages_of([V1, V2]) == {V1: [odd], V2: []}
        assert await view.visits([V1, V2]) == {V1: standing}
        assert await view.last_revisions([V1, V2]) == {V1: revision(1, body='{"b":1, "a":2}')}
        assert await view.open_questions([V1, V2]) == {V1: [question("q1")], V2: []}


async def test_a_batch_that_raises_leaves_nothing(ledger: Ledger) -> None:
    """A batch that ends in an error leaves no row in any table. The error comes out as it was."""
    with pytest.raises(RefusedError):
        async with ledger.batch() as batch:
            await batch.add_messages([message(1)])
            await batch.add_merges([merge("V1", "V2")], [merge("P1", "P2")])
            await batch.put_visits([visit()])
            await batch.add_revisions([revision(1)])
            await batch.put_questions([question("q1")])
            await batch.announce([announcement("e1")])
            await batch.park([parked()])
            assert await batch.claim("hl7", 0, "us") is None
            await batch.advance("hl7", {0: Move(None, 5)}, owner="us")
            raise RefusedError
    async with ledger.batch() as batch:
        assert await batch.messages_of([V1]) == {V1: []}
        assert await batch.merges_around([V1]) == []
        assert await batch.patient_merges_around([("NORTH", "P1")]) == []
        assert await batch.visits([V1]) == {}
        assert await batch.last_revisions([V1]) == {}
        assert await batch.open_questions([V1]) == {V1: []}
        assert await batch.claim("hl7", 0, "us") is None
    assert await ledger.take_outbox(10) == []
    assert await ledger.parked(status=None) == []


async def test_an_error_of_the_bodys_own_is_not_taken_for_the_databases(ledger: Ledger) -> None:
    """When the program raises an OSError inside a batch, it is not reported as Unreachable."""
    with pytest.raises(FileNotFoundError):
        async with ledger.batch():
            raise FileNotFoundError


async def test_a_batch_cannot_be_committed_after_an_error_was_swallowed(ledger: Ledger) -> None:
    """PostgreSQL would roll back at COMMIT and give no error. Both ledgers raise BatchFailed."""
    async with ledger.batch() as batch:
        await batch.add_revisions([revision(1)])
    with pytest.raises(BatchFailed, match="AlreadyThere"):
        async with ledger.batch() as batch:
            await batch.add_messages([message(1)])
            with pytest.raises(AlreadyThere):
                await batch.add_revisions([revision(1)])
    async with ledger.view() as view:
        assert await view.messages_of([V1]) == {V1: []}


async def test_a_cancelled_batch_leaves_nothing_and_lets_the_next_one_in(ledger: Ledger) -> None:
    """A task that is cancelled inside a batch rolls it back and frees the database."""
    inside = asyncio.Event()

    async def linger() -> None:
        async with ledger.batch() as batch:
            await batch.add_messages([message(1)])
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(linger())
    await asyncio.wait_for(inside.wait(), PATIENCE_SECONDS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(PATIENCE_SECONDS), ledger.batch() as batch:
        assert await batch.add_messages([message(1)]) == {message(1).key}


async def test_batches_of_one_program_take_turns(ledger: Ledger) -> None:
    """Twenty batches that begin at once are all stored."""

    async def one(number: int) -> None:
        async with ledger.batch() as batch:
            await batch.add_messages([message(number)])

    await asyncio.gather(*map(one, range(20)))
    async with ledger.view() as view:
        assert (await view.messages_of([V1]))[V1] == [message(number) for number in range(20)]


async def test_a_view_neither_waits_for_a_batch_nor_sees_into_it(ledger: Ledger) -> None:
    """While a batch is being written, a view reads at once and sees only what was committed."""
    async with ledger.batch() as batch:
        await batch.add_messages([message(1)])
        async with asyncio.timeout(PATIENCE_SECONDS), ledger.view() as view:
            assert await view.messages_of([V1]) == {V1: []}


async def test_a_view_sees_one_moment_throughout(ledger: Ledger) -> None:
    """A row that is committed between two queries of a view does not appear in the second."""
    async with ledger.view() as view:
        assert await view.visits([V1]) == {}
        async with ledger.batch() as batch:
            await batch.put_visits([visit()])
        assert await view.visits([V1]) == {}


async def test_a_resend_is_one_row_and_not_new(ledger: Ledger) -> None:
    """The same message again, in another batch and from another offset, changes nothing."""
    async with ledger.batch() as batch:
        assert await batch.add_messages([message(1)]) == {message(1).key}
    async with ledger.batch() as batch:
        again = message(1, offset=99)
        assert await batch.add_messages([again, message(2)]) == {message(2).key}
    async with ledger.view() as view:
        assert await view.messages_of([V1]) == {V1: [message(1), message(2)]}


async def test_a_key_twice_in_one_call_counts_once(ledger: Ledger) -> None:
    """Both copies of a resend come in one poll: the ledger stores the first and returns one key."""
    async with ledger.batch() as batch:
        assert await batch.add_messages([message(1), message(1, offset=99)]) == {message(1).key}
        assert await batch.messages_of([V1]) == {V1: [message(1)]}


@pytest.mark.parametrize(
    "change",
    [
        {"facility": "SOUTH"},
        {"visit": "V2"},
        {"digest": "ff"},
        {"control_id": "C2"},
        {"sent": None},
    ],
)
async def test_each_part_of_the_key_makes_a_message_another_one(
    ledger: Ledger, change: dict[str, str]
) -> None:
    """Two messages that differ in facility, visit, digest, control id or MSH-7 are two messages."""
    async with ledger.batch() as batch:
        other = message(1, **change)
        assert await batch.add_messages([message(1), other]) == {message(1).key, other.key}


async def test_no_rows_is_no_work(ledger: Ledger) -> None:
    """Every method accepts an empty list and does nothing."""
    async with ledger.batch() as batch:
        assert await batch.add_messages([]) == set()
        await batch.add_merges([], [])
        await batch.put_visits([])
        await batch.add_revisions([])
        await batch.put_questions([])
        await batch.announce([])
        await batch.park([])
        assert await batch.delete_announced([]) == 0
        assert (
            await batch.messages_of([])
            == await batch.visits([])
            == await batch.last_revisions([])
            == {}
        )


@pytest.mark.parametrize(
    "bad",
    [
        {"control_id": "a\0b"},
        {"headers": "\ud800"},
        {"visit": "V" * 401},
        {"control_id": "é" * 201},
    ],
)
async def test_text_that_a_database_cannot_keep_is_refused_on_both(
    ledger: Ledger, bad: dict[str, str]
) -> None:
    """The error gives the place of the row and shows nothing of it.

    The batch goes on without that row.
    """
    async with ledger.batch() as batch:
        with pytest.raises(Unstorable) as caught:
            await batch.add_messages([message(1), message(2, **bad), message(3)])
        assert caught.value.row == 1
        assert next(iter(bad.values())) not in str(caught.value)
        assert len(await batch.add_messages([message(1), message(3)])) == 2


async def test_keys_as_long_as_they_may_be_are_kept(ledger: Ledger) -> None:
    """A key of the greatest length fits into the index of either database.

    Nothing in this key repeats, so that PostgreSQL cannot compress it.
    """
    long = "".join(chr(0x4E00 + n * 37 % 20000) for n in range(133))
    full = message(
        1, facility=long, visit=long[::-1], digest=long[1:] + "x", control_id=long[2:] + "y"
    )
    async with ledger.batch() as batch:
        assert await batch.add_messages([full]) == {full.key}


async def test_a_time_without_its_zone_is_refused(ledger: Ledger) -> None:
    """The server would take such a time as its own local time."""
    with pytest.raises(AssertionError, match="zone"):
        async with ledger.batch() as batch:
            await batch.add_messages([message(1, received_at=MORNING.replace(tzinfo=None))])


async def test_a_visit_is_written_over_and_the_last_of_a_call_counts(ledger: Ledger) -> None:
    """A visit has one row. Of two rows for it in one call, the last counts."""
    async with ledger.batch() as batch:
        await batch.put_visits([visit(), visit(V2)])
        await batch.put_visits([visit(revision=1), visit(revision=2, status="final")])
        assert await batch.visits([V1, V2, V3]) == {
            V1: visit(revision=2, status="final"),
            V2: visit(V2),
        }


async def test_open_visits_under_other_rules_come_in_pages(ledger: Ledger) -> None:
    """Final visits, visits that settle, and those of these rules are left out."""
    rows = [
        visit(V1, rulebook="old"),
        visit(V2, rulebook="new"),
        visit(V3),
        visit(V4, rulebook="old", status="final"),
        visit(V4._replace(facility="SOUTH"), rulebook="old"),
        visit(V1._replace(facility="SOUTH"), rulebook="old", settle_due=MORNING),
    ]
    async with ledger.batch() as batch:
        await batch.put_visits(rows)
    async with ledger.view() as view:
        first = await view.open_under_other_rules("new", VisitKey("", ""), 2)
        assert first == [V1, V3]
        south = V4._replace(facility="SOUTH")
        assert await view.open_under_other_rules("new", first[-1], 2) == [south]
        assert await view.open_under_other_rules("new", south, 2) == []


async def test_due_visits_are_those_with_something_due_the_longest_first(ledger: Ledger) -> None:
    """Any of the three times that has come makes a visit due.

    A visit whose times are all later is left out, and the limit holds.
    """
    late = visit(V1, settle_due=MORNING, final_due=MORNING + 9 * HOUR)
    later = visit(V2, asked_due=MORNING - HOUR)
    async with ledger.batch() as batch:
        await batch.put_visits([late, later, visit(V3, final_due=MORNING + HOUR)])
        assert await batch.due_visits(MORNING, 10) == [V2, V1]
        assert await batch.due_visits(MORNING, 1) == [V2]
        assert await batch.due_visits(MORNING - 2 * HOUR, 10) == []


async def test_of_two_batches_with_one_patient_the_second_waits(ledger: Ledger) -> None:
    """Once the second batch has the patient, it sees what the first wrote into the record."""
    seen = []
    begun = asyncio.Event()

    async def one(number: int) -> None:
        async with ledger.batch() as batch:
            await batch.lock_patients([("NORTH", "P1"), ("NORTH", f"OTHER{number}")])
            seen.append(len(await batch.contributions([("NORTH", "P1")])))
            begun.set()
            await asyncio.sleep(0.05)
            key = VisitKey("NORTH", f"V{number}")
            await batch.put_contributions([key], [initial_service(key)])

    first = asyncio.create_task(one(1))
    await begun.wait()
    await asyncio.gather(first, one(2))
    assert seen == [0, 1]


async def test_a_visit_that_a_batch_has_read_is_its_own_until_it_ends(ledger: Ledger) -> None:
    """Five batches count up a visit's revision at once: they take turns, and no count is lost."""
    async with ledger.batch() as batch:
        await batch.put_visits([visit()])

    async def count() -> None:
        async with ledger.batch() as batch:
            row = (await batch.visits([V1]))[V1]
            await asyncio.sleep(0.01)
            await batch.put_visits([row._replace(revision=row.revision + 1)])

    await asyncio.gather(*(count() for _ in range(5)))
    async with ledger.view() as view:
        assert (await view.visits([V1]))[V1].revision == 5


async def test_revisions_are_only_appended(ledger: Ledger) -> None:
    """A revision that exists cannot be written again, and earlier revisions stay readable."""
    async with ledger.batch() as batch:
        await batch.add_revisions([revision(1), revision(2)])
        await batch.add_revisions([revision(10)])
    with pytest.raises(AlreadyThere):
        async with ledger.batch() as batch:
            await batch.add_revisions([revision(2, body="other")])
    async with ledger.view() as view:
        assert await view.revisions(*V1) == [revision(1), revision(2), revision(10)]
        assert await view.last_revisions([V1, V2]) == {V1: revision(10)}


async def test_a_question_is_open_until_it_is_closed(ledger: Ledger) -> None:
    """To close a question, write it again with the time."""
    async with ledger.batch() as batch:
        await batch.put_questions([question("q1"), question("q2")])
        await batch.put_questions([question("q1", closed_at=MORNING)])
        assert await batch.open_questions([V1]) == {V1: [question("q2")]}


async def test_the_contributions_of_a_visit_take_the_place_of_those_before(ledger: Ledger) -> None:
    """What another visit contributed for that day stays. Contributions come in order of time."""
    first, second = initial_service(V1), initial_service(V2, at=MORNING - HOUR)
    async with ledger.batch() as batch:
        await batch.put_contributions([V1, V2], [first, second])
        assert await batch.contributions([("NORTH", "P1"), ("NORTH", "P2")]) == [second, first]
        moved = first._replace(about="2026-03-03")
        await batch.put_contributions([V1], [moved])
        assert await batch.contributions([("NORTH", "P1")]) == [second, moved]


KILLED = """
import asyncio, os, signal, sys
from chargeline.ledger import Ledger
from tests.ledger.rows import announcement, message
async def main():
    ledger = await Ledger.open(sys.argv[1])
    async with ledger.batch() as batch:
        await batch.add_messages([message(number) for number in range(500)])
        await batch.announce([announcement("e1")])
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_a_program_that_is_killed_inside_a_batch_leaves_nothing(
    ledger: Ledger, url: str
) -> None:
    """SIGKILL before the commit: the next program finds the ledger as it was, and unlocked."""
    command = [sys.executable, "-c", KILLED, url]
    done = await asyncio.to_thread(subprocess.run, command, timeout=PATIENCE_SECONDS)
    assert done.returncode == -9
    async with asyncio.timeout(PATIENCE_SECONDS), ledger.batch() as batch:
        assert await batch.messages_of([V1]) == {V1: []}
        assert await batch.announced(10) == []


async def test_how_a_transaction_ended_is_told(ledger: Ledger) -> None:
    """A commit, an error of the ledger by its name, and whatever else made us roll it back."""
    told: list[str] = []
    ledger.told = told.append
    async with ledger.batch():
        assert told == []
    with pytest.raises(RefusedError):
        async with ledger.batch():
            raise RefusedError
    with pytest.raises(Fenced):
        async with ledger.batch() as batch:
            await batch.advance("hl7", {0: Move(7, 8)}, owner="us")
    async with ledger.view():
        assert told == ["", "undone", "Fenced"]
    assert told == ["", "undone", "Fenced"]
