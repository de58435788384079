"""A parked message is stored whole, can be listed, and is retried or dropped once."""

import pytest

from chargeline.engine import VisitKey
from chargeline.ledger import Counts, Ledger, NotFound, OpenQuestions, WaitingVisits

from .rows import HOUR, MORNING, V1, V2, V3, announcement, message, parked, question, visit


async def test_a_parked_message_is_kept_whole(ledger: Ledger) -> None:
    """Its bytes, its place in Kafka, the reason and what to do come back as they were, and it
    is known by the number that it was given when it was parked.
    """
    async with ledger.batch() as batch:
        one = await batch.park([parked(1)])
        two = await batch.park([parked(2, facility="NORTH", visit="V1", key=None)])
    listed = await ledger.parked()
    assert [row.id for row in listed] == [*one, *two]
    assert [row._replace(id=0) for row in listed] == [
        parked(1),
        parked(2, facility="NORTH", visit="V1", key=None),
    ]
    assert await ledger.show(listed[1].id) == listed[1]


async def test_parking_does_not_fail_whatever_the_texts_hold(ledger: Ledger) -> None:
    """A NUL or half a character becomes U+FFFD, and a key of any length is stored."""
    async with ledger.batch() as batch:
        await batch.park([parked(key="a\0b", found="\ud800", visit="V" * 9000)])
    row = (await ledger.parked())[0]
    assert (row.key, row.found, row.visit) == ("a\ufffdb", "\ufffd", "V" * 9000)


async def test_visits_with_parked_messages_are_told(ledger: Ledger) -> None:
    """A visit counts as waiting until a person has seen to the last of its parked messages.

    A parked message that names no visit makes no visit wait.
    """
    async with ledger.batch() as batch:
        await batch.park([parked(n, facility="NORTH", visit="V1") for n in range(2)])
        await batch.park([parked(3, facility="NORTH", visit="V2"), parked(4)])
    told: list[tuple[set[VisitKey], set[VisitKey]]] = [
        ({V1, V2}, set()),
        ({V1, V2}, {V1}),
        ({V2}, {V1}),
    ]
    for expected, row in zip(told, [*await ledger.parked(limit=2), None], strict=True):
        async with ledger.view() as view:
            assert await view.visits_with_parked([V1, V2, V3]) == expected
        if row is not None:
            await ledger.set_status(row.id, "dropped")


async def test_a_list_goes_on_where_it_stopped(ledger: Ledger) -> None:
    """The second page begins after the last id of the first."""
    async with ledger.batch() as batch:
        await batch.park([parked(n) for n in range(5)])
    first = await ledger.parked(limit=2)
    rest = await ledger.parked(limit=10, after=first[-1].id)
    assert [each.offset for each in (*first, *rest)] == [0, 1, 2, 3, 4]


async def test_a_message_is_parked_then_retried_or_dropped(ledger: Ledger) -> None:
    """The message moves to the list of its new status. A retry that failed moves back to parked."""
    async with ledger.batch() as batch:
        await batch.park([parked(1), parked(2)])
    one, two = await ledger.parked()
    await ledger.set_status(one.id, "retried")
    await ledger.set_status(two.id, "dropped")
    assert await ledger.parked() == []
    assert [each.id for each in await ledger.parked("dropped")] == [two.id]
    await ledger.set_status(one.id, "parked", was="retried")
    assert await ledger.parked(status=None) == [one, two._replace(status="dropped")]


async def test_two_people_do_not_retry_the_same_message(ledger: Ledger) -> None:
    """The second person gets NotFound, and the batch of that retry is rolled back."""
    async with ledger.batch() as batch:
        await batch.park([parked()])
    parked_id = (await ledger.parked())[0].id
    await ledger.set_status(parked_id, "retried")
    with pytest.raises(NotFound, match="somebody"):
        async with ledger.batch() as batch:
            await batch.announce([announcement("again")])
            await batch.set_status(parked_id, "retried")
    assert await ledger.take_outbox(1) == []


async def test_a_message_that_is_not_there_is_not_found(ledger: Ledger) -> None:
    """The error says which number has no message."""
    with pytest.raises(NotFound, match="parked message 77"):
        await ledger.show(77)


async def test_counts_tell_what_waits_and_since_when(ledger: Ledger) -> None:
    """The counts are: events in the outbox, parked messages and open questions, each with the time
    of the oldest, the money at stake, and visits by status and by what they wait for.
    """
    assert await ledger.counts() == Counts(0, None, 0, None, 0, (), {})
    async with ledger.batch() as batch:
        await batch.announce(
            [announcement("e1")._replace(created_at=MORNING + HOUR), announcement("e2")]
        )
        await batch.park(
            [parked(1, first_seen=MORNING - HOUR), parked(2), parked(3, status="dropped")]
        )
        await batch.put_visits(
            [
                visit(stake_cents=500, waits_for="discharge", waiting_cents=900),
                visit(V2, status="final", stake_cents=200, waits_for="discharge", waiting_cents=1),
                visit(VisitKey("ZEBRA", "V3"), status="final", waits_for=""),
                visit(VisitKey("ZEBRA", "V4"), status="merged"),
            ]
        )
        await batch.add_messages([message(1)])
        late = question("q2")._replace(opened_at=MORNING + HOUR)
        await batch.put_questions([question("q1"), late, question("q3", closed_at=MORNING)])
    assert await ledger.counts() == Counts(
        outbox=2,
        outbox_oldest=MORNING,
        parked=2,
        parked_oldest=MORNING - HOUR,
        stake_cents=700,
        questions=(OpenQuestions("stop.missing", 2, MORNING),),
        visits={"open": 1, "final": 2, "merged": 1},
        waiting=(WaitingVisits("", 1, 0), WaitingVisits("discharge", 2, 901)),
    )
