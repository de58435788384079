"""The outbox gives its events in order to one relay at a time, until the relay deletes them."""

import asyncio
import subprocess
import sys

import asyncpg
import pytest

from chargeline.ledger import Announcement, Ledger, LedgerError, LedgerLimits
from chargeline.ledger.relay import RELAY_LOCK
from tests.clock import PATIENCE_SECONDS

from .frozen import frozen_session
from .rows import announcement

FROZEN_SECONDS = 2.0  # longer than the second between two looks at the lock


def names(taken: list[Announcement]) -> list[str]:
    return [each.event_id for each in taken]


async def announce(ledger: Ledger, *events: str) -> None:
    async with ledger.batch() as batch:
        await batch.announce([announcement(each) for each in events])


async def test_announcements_are_taken_in_order_and_whole(ledger: Ledger) -> None:
    """Events come in the order of calls and of batches, up to the limit, each field as it was."""
    await announce(ledger, "e2", "e1")
    await announce(ledger, "e3")
    taken = await ledger.take_outbox(2)
    assert names(taken) == ["e2", "e1"]
    assert taken[0]._replace(id=0) == announcement("e2")


async def test_what_is_not_deleted_is_taken_again(ledger: Ledger) -> None:
    """Taking an event does not remove it. Deleting removes the named events, once."""
    await announce(ledger, "e1", "e2", "e3")
    taken = await ledger.take_outbox(10)
    assert await ledger.take_outbox(10) == taken
    assert await ledger.delete_outbox([each.id for each in taken[:2]]) == 2
    assert await ledger.delete_outbox([each.id for each in taken[:2]]) == 0
    assert names(await ledger.take_outbox(10)) == ["e3"]


async def test_an_id_is_never_given_twice(ledger: Ledger) -> None:
    """So a relay that deletes late cannot delete a newer event by mistake."""
    await announce(ledger, "e1")
    first = await ledger.take_outbox(1)
    await ledger.delete_outbox([first[0].id])
    await announce(ledger, "e2")
    assert (await ledger.take_outbox(1))[0].id > first[0].id


KILLED = """
import asyncio, os, signal, sys
from chargeline.ledger import Ledger
async def main():
    ledger = await Ledger.open(sys.argv[1])
    print(*[each.event_id for each in await ledger.take_outbox(2)], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_a_kill_between_publish_and_delete_repeats_and_loses_nothing(
    ledger: Ledger, url: str
) -> None:
    """The next relay gets the same events with the same ids, in the same order."""
    await announce(ledger, "e1", "e2", "e3")
    command = [sys.executable, "-c", KILLED, url]
    killed = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert (killed.returncode, killed.stdout.split()) == (-9, ["e1", "e2"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (taken := await ledger.take_outbox(10)):
            await asyncio.sleep(0.05)  # the server notices a moment later that the relay is dead
    assert names(taken) == ["e1", "e2", "e3"]


async def test_an_event_that_commits_late_is_not_skipped(database: str) -> None:
    """On PostgreSQL the event with the greater id may be committed first.

    Here "late" is published and deleted before "early" is committed. A relay that only asked for
    ids above the last one would lose "early".
    """
    ledger = await Ledger.open(database, accept_old=True)
    await ledger.migrate()
    async with ledger.batch() as slow:
        await slow.announce([announcement("early")])
        await announce(ledger, "late")
        taken = await ledger.take_outbox(10)
        assert names(taken) == ["late"]
        await ledger.delete_outbox([each.id for each in taken])
    assert names(await ledger.take_outbox(10)) == ["early"]
    await ledger.close()


async def test_one_relay_at_a_time(database: str) -> None:
    """Until the first program closes its ledger, a second one gets nothing and deletes nothing."""
    first = await Ledger.open(database, accept_old=True)
    await first.migrate()
    second = await Ledger.open(database)
    await announce(first, "e1")
    taken = await first.take_outbox(1)
    assert names(taken) == ["e1"]
    assert await second.take_outbox(1) == []
    assert await second.delete_outbox([taken[0].id]) == 0
    await first.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (taken := await second.take_outbox(1)):
            await asyncio.sleep(0.05)
    assert names(taken) == ["e1"]
    await second.close()


async def test_a_waiting_relay_keeps_one_session(database: str) -> None:
    """A program that waits for its turn does not connect anew for each look at the outbox."""
    first = await Ledger.open(database, accept_old=True)
    await first.migrate()
    await announce(first, "e1")
    assert names(await first.take_outbox(1)) == ["e1"]
    second = await Ledger.open(database)
    watcher = await asyncpg.connect(database)
    numbers = set()
    for _try in range(4):
        second._relay._next_try = 0.0
        assert await second.take_outbox(1) == []
        rows = await watcher.fetch(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_locks AS held%' "
            "AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        numbers.add(tuple(row["pid"] for row in rows))
    assert len(numbers) == 1
    assert len(numbers.pop()) == 1
    await watcher.close()
    await second.close()
    await first.close()


async def test_a_relay_that_froze_in_a_statement_loses_its_place(database: str) -> None:
    """PostgreSQL takes such a session for active, so whoever waits for the place ends it."""
    other = await Ledger.open(
        database, accept_old=True, limits=LedgerLimits(idle_relay=FROZEN_SECONDS)
    )
    await other.migrate()
    await announce(other, "e1")
    async with frozen_session(database, f"SELECT pg_advisory_lock({RELAY_LOCK})"):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await other.take_outbox(1):
                await asyncio.sleep(0.05)
    await other.close()


async def test_order_is_that_of_ids_not_of_places_on_disk(database: str) -> None:
    """PostgreSQL writes a new event into the place of a deleted one; it still comes last."""
    ledger = await Ledger.open(database, accept_old=True)
    await ledger.migrate()
    await announce(ledger, "e1", "e2")
    await ledger.delete_outbox([(await ledger.take_outbox(1))[0].id])
    connection = await asyncpg.connect(database)
    await connection.execute("VACUUM outbox")
    await announce(ledger, "e3")
    stored = await connection.fetch("SELECT event_id FROM outbox ORDER BY ctid")
    assert [row["event_id"] for row in stored] == ["e3", "e2"]
    assert names(await ledger.take_outbox(10)) == ["e2", "e3"]
    await connection.close()
    await ledger.close()


async def test_a_relay_that_meets_an_error_gives_its_place_up(database: str) -> None:
    """The connection that holds the lock is closed, so another program becomes the relay."""
    first = await Ledger.open(database, accept_old=True)
    await first.migrate()
    second = await Ledger.open(database)
    await announce(first, "e1")
    with pytest.raises(LedgerError):
        await first.take_outbox(-1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await second.take_outbox(1):
            await asyncio.sleep(0.05)
    await first.close()
    await second.close()


async def test_a_relay_that_hangs_loses_its_place(database: str) -> None:
    """PostgreSQL ends the session of a relay that is idle for 0.3 seconds; another takes over."""
    hung = await Ledger.open(database, accept_old=True, limits=LedgerLimits(idle_relay=0.3))
    await hung.migrate()
    await announce(hung, "e1")
    assert names(await hung.take_outbox(1)) == ["e1"]
    other = await Ledger.open(database)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await other.take_outbox(1):
            await asyncio.sleep(0.05)
    await hung.close()
    await other.close()
