"""Only the owner of a partition moves it, and only from the offset that the ledger holds."""

import asyncio

import pytest

from chargeline.ledger import BatchFailed, Fenced, Ledger, LedgerLimits, Move, Unreachable
from tests.clock import PATIENCE_SECONDS

from .frozen import frozen_session
from .rows import V1, message

WAIT_SECONDS = 0.5  # in which a claim that does not wait would be through


async def at_five(ledger: Ledger) -> None:
    async with ledger.batch() as batch:
        await batch.claim("hl7", 0, "old")
        await batch.advance("hl7", {0: Move(None, 5)}, owner="old")


async def test_a_claim_tells_where_to_go_on(ledger: Ledger) -> None:
    """A claim of a partition that nobody has read gives None, to a second owner as well.

    Once the partition was read up to 5, every claim gives 5.
    """
    async with ledger.batch() as batch:
        assert await batch.claim("hl7", 0, "old") is None
        assert await batch.claim("hl7", 0, "new") is None
    await at_five(ledger)
    async with ledger.batch() as batch:
        assert await batch.claim("hl7", 0, "new") == 5
        assert await batch.claim("hl7", 1, "new") is None


async def test_offsets_may_have_gaps(ledger: Ledger) -> None:
    """Kafka leaves offsets out, so a batch may move a partition forwards to any offset."""
    await at_five(ledger)
    async with ledger.batch() as batch:
        await batch.advance("hl7", {0: Move(5, 2**40)}, owner="old")
        assert await batch.claim("hl7", 0, "old") == 2**40


async def test_a_stale_owner_is_fenced_and_nothing_of_it_stays(ledger: Ledger) -> None:
    """After another program has claimed the partition, the batch of the first is rolled back."""
    await at_five(ledger)
    async with ledger.batch() as batch:
        await batch.claim("hl7", 0, "new")
    with pytest.raises(Fenced, match="old's, at offset 5, found new's, at offset 5"):
        async with ledger.batch() as batch:
            await batch.add_messages([message(1)])
            await batch.advance("hl7", {0: Move(5, 6)}, owner="old")
    async with ledger.batch() as batch:
        assert await batch.messages_of([V1]) == {V1: []}
        assert await batch.claim("hl7", 0, "new") == 5


async def test_a_program_that_ignores_the_fence_cannot_commit(ledger: Ledger) -> None:
    """A program that catches Fenced and goes on loses what it wrote in that batch."""
    await at_five(ledger)
    with pytest.raises(BatchFailed):
        async with ledger.batch() as batch:
            await batch.add_messages([message(1)])
            with pytest.raises(Fenced):
                await batch.advance("hl7", {0: Move(5, 6)}, owner="new")
    async with ledger.view() as view:
        assert await view.messages_of([V1]) == {V1: []}


@pytest.mark.parametrize("expected", [None, 0, 4, 6])
async def test_an_expectation_that_is_not_exact_is_fenced(
    ledger: Ledger, expected: int | None
) -> None:
    """The ledger is at 5, so 4 is as wrong as 6.

    If a smaller expectation were enough, a poll could jump ahead of records that nobody read.
    """
    await at_five(ledger)
    with pytest.raises(Fenced):
        async with ledger.batch() as batch:
            await batch.advance("hl7", {0: Move(expected, 9)}, owner="old")


async def test_a_partition_that_nobody_claimed_cannot_be_moved(ledger: Ledger) -> None:
    """The error says that the partition was never claimed."""
    with pytest.raises(Fenced, match="never claimed"):
        async with ledger.batch() as batch:
            await batch.advance("hl7", {0: Move(None, 1)}, owner="us")


async def test_of_many_partitions_all_move_or_none(ledger: Ledger) -> None:
    """One lost partition keeps the others from moving, and the error names the lost one."""
    await at_five(ledger)
    async with ledger.batch() as batch:
        await batch.claim("hl7", 1, "new")
    with pytest.raises(Fenced) as caught:
        async with ledger.batch() as batch:
            await batch.advance("hl7", {0: Move(5, 6), 1: Move(None, 1)}, owner="old")
    assert caught.value.partitions == {1}
    async with ledger.batch() as batch:
        await batch.advance("hl7", {0: Move(5, 5)}, owner="old")
        assert await batch.claim("hl7", 0, "old") == 5


async def test_of_two_with_the_same_expectation_one_is_fenced(ledger: Ledger) -> None:
    """Two batches move the partition from 5 to 6 at the same time: one commits, one is fenced."""
    await at_five(ledger)

    async def one() -> None:
        async with ledger.batch() as batch:
            await batch.advance("hl7", {0: Move(5, 6)}, owner="old")
            await asyncio.sleep(0.05)

    ended = await asyncio.gather(one(), one(), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["Fenced", "NoneType"]


async def test_a_frozen_owner_does_not_keep_its_successor_out(database: str) -> None:
    """PostgreSQL ends the idle transaction of the frozen program, and its successor claims.

    When the frozen program goes on, it gets Unreachable, and nothing of its batch is stored.
    """
    new = await Ledger.open(database, accept_old=True)
    await new.migrate()
    await at_five(new)
    old = await Ledger.open(database, limits=LedgerLimits(idle_in_transaction=1))
    with pytest.raises(Unreachable):
        async with old.batch() as frozen:
            await frozen.advance("hl7", {0: Move(5, 6)}, owner="old")
            async with asyncio.timeout(PATIENCE_SECONDS), new.batch() as batch:
                assert await batch.claim("hl7", 0, "new") == 5
            await frozen.add_messages([message(1)])
    async with asyncio.timeout(PATIENCE_SECONDS), old.batch() as batch:
        assert await batch.messages_of([V1]) == {V1: []}
    await old.close()
    await new.close()


async def test_an_owner_that_froze_in_a_statement_does_not_keep_its_successor_out(
    database: str,
) -> None:
    """PostgreSQL takes such a session for active, so the successor ends it, and claims."""
    new = await Ledger.open(database, accept_old=True)
    await new.migrate()
    await at_five(new)
    held = "BEGIN; UPDATE partition_offset SET next_offset = 6"
    async with frozen_session(database, held) as frozen:
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await new.claim("hl7", 0, "new") == 5
            await frozen.read()  # the server has closed it
    await new.close()


# ------------------------------------------------------------------ partitions that are added


async def test_who_knows_of_fewer_partitions_than_are_claimed_is_fenced(ledger: Ledger) -> None:
    """Visits lie by the number of partitions. Once partition 3 is claimed, a program that knows of
    three partitions moves none of its own; one that knows of four does.
    """
    await at_five(ledger)
    async with ledger.batch() as batch:
        await batch.advance("hl7", {0: Move(5, 6)}, owner="old", partitions=3)
        await batch.claim("hl7", 3, "new")
    with pytest.raises(Fenced) as fenced:
        async with ledger.batch() as batch:
            await batch.advance("hl7", {0: Move(6, 7)}, owner="old", partitions=3)
    assert fenced.value.partitions == {0}
    async with ledger.batch() as batch:
        await batch.advance("hl7", {0: Move(6, 7)}, owner="old", partitions=4)


async def test_the_first_claim_of_a_partition_waits_for_the_batches_of_the_others(
    ledger: Ledger,
) -> None:
    """A batch that began with three partitions ends before partition 3 is somebody's."""
    await at_five(ledger)
    order = []

    async def claim() -> None:
        async with ledger.batch() as batch:
            await batch.claim("hl7", 3, "new")
            order.append("claimed")

    async with ledger.batch() as batch:
        await batch.advance("hl7", {0: Move(5, 6)}, owner="old", partitions=3)
        waiting = asyncio.create_task(claim())
        await asyncio.wait([waiting], timeout=WAIT_SECONDS)
        order.append("worked off")
    await waiting
    assert order == ["worked off", "claimed"]
