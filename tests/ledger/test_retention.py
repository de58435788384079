"""Retention removes what is old, all that belongs together, a bounded piece at a time."""

from datetime import datetime

import pytest

from chargeline.engine import VisitKey
from chargeline.ledger import Forgotten, Ledger, StoredMerge, store
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.retention import forget_some

from .rows import (
    HOUR,
    MORNING,
    V1,
    V2,
    V3,
    V4,
    initial_service,
    merge,
    message,
    parked,
    question,
    revision,
    visit,
)

LONG_AGO = MORNING - 1000 * HOUR


async def forget(ledger: Ledger, before: datetime, *, chunk: int = 200) -> Forgotten:
    """Forget visits, and nothing from patients' records."""
    return await ledger.forget(before, record_before=LONG_AGO - 10 * HOUR, chunk=chunk)


async def keep(
    ledger: Ledger, key: VisitKey, status: str, number: int, days_old: bool = True
) -> None:
    """A visit with one message, one revision and one question."""
    async with ledger.batch() as batch:
        touched = LONG_AGO if days_old else MORNING
        await batch.put_visits([visit(key, status=status, updated_at=touched, final_due=MORNING)])
        await batch.add_messages([message(number, key.visit)])
        await batch.add_revisions([revision(1, key)])
        await batch.put_questions([question("q1", key)])


async def test_only_visits_that_are_old_are_forgotten(ledger: Ledger) -> None:
    """A visit that changed since then stays whole.

    An older one, final or open, loses its message, revision and question. Its row stays.
    """
    await keep(ledger, V1, "final", 1)
    await keep(ledger, V2, "open", 2)
    await keep(ledger, V3, "final", 3, days_old=False)
    await keep(ledger, V4, "open", 4, days_old=False)
    forgotten = Forgotten(visits=2, messages=2, revisions=2, questions=2)
    assert await forget(ledger, MORNING - HOUR) == forgotten
    async with ledger.view() as view:
        kept = await view.messages_of([V1, V2, V3, V4])
        assert [len(messages) for messages in kept.values()] == [0, 0, 1, 1]
        assert set(await view.last_revisions([V1, V2, V3, V4])) == {V3, V4}
        row = (await view.visits([V1]))[V1]
        assert (row.status, row.final_due) == ("forgotten", None)
    assert await forget(ledger, MORNING - HOUR) == Forgotten()


async def test_a_patient_s_record_outlives_the_visit_s_messages(ledger: Ledger) -> None:
    """A later visit of the patient is drafted with the record.

    A contribution goes only when it is older than the time for which records are kept.
    """
    await keep(ledger, V1, "final", 1)
    old, older = initial_service(V1, at=LONG_AGO), initial_service(V2, at=LONG_AGO - HOUR)
    async with ledger.batch() as batch:
        await batch.put_contributions([V1, V2], [old, older])
    assert (await forget(ledger, MORNING)).contributions == 0
    async with ledger.view() as view:
        assert await view.contributions([("NORTH", "P1")]) == [older, old]
    assert await ledger.forget(MORNING, record_before=LONG_AGO) == Forgotten(contributions=1)
    async with ledger.view() as view:
        assert await view.contributions([("NORTH", "P1")]) == [old]


async def test_what_people_answered_goes_with_the_visit(ledger: Ledger) -> None:
    """The answers of a number that leads to the visit go as well; those of another visit stay."""
    await keep(ledger, V1, "final", 1)
    await keep(ledger, V2, "final", 2, days_old=False)
    rows = [StoredAnswer(*key, "a1", LONG_AGO, "{}") for key in (V1, V2)]
    async with ledger.batch() as batch:
        await batch.add_answers(rows)
        await batch.add_answers(rows)
    assert (await forget(ledger, MORNING - HOUR)).answers == 1
    async with ledger.view() as view:
        assert await view.answers_of([V1, V2], []) == {V1: [], V2: [rows[1]]}


async def test_a_visit_takes_the_numbers_with_it_that_lead_to_it(ledger: Ledger) -> None:
    """The messages of a number that was merged away go with the surviving visit, not before it."""
    await keep(ledger, V1, "merged", 1)
    await keep(ledger, V2, "open", 2, days_old=False)
    merged: list[StoredMerge] = [merge("V1", "V2")]
    async with ledger.batch() as batch:
        await batch.add_merges(merged)
    assert await forget(ledger, MORNING - HOUR) == Forgotten()
    await forget_settled(ledger, V2)
    assert await forget(ledger, MORNING) == Forgotten(
        visits=2, messages=2, revisions=2, questions=2
    )
    async with ledger.view() as view:
        assert await view.merges_around([V1]) == merged


async def forget_settled(ledger: Ledger, key: VisitKey) -> None:
    async with ledger.batch() as batch:
        await batch.put_visits([visit(key, status="final", updated_at=LONG_AGO)])


async def test_messages_of_no_visit_and_settled_parked_ones_are_forgotten(ledger: Ledger) -> None:
    """An old A40, and an old parked message that a person retried or dropped, hold patients too.

    A parked message that still waits for a person stays.
    """
    async with ledger.batch() as batch:
        await batch.add_messages([message(n, "", received_at=LONG_AGO) for n in range(3)])
        await batch.add_messages([message(9, "")])
        settled = [parked(n, status="dropped", first_seen=LONG_AGO) for n in range(3)]
        await batch.park([*settled, parked(8, first_seen=LONG_AGO), parked(9, status="retried")])
    assert await forget(ledger, MORNING, chunk=2) == Forgotten(messages=3, parked=3)
    assert [row.offset for row in await ledger.parked(status=None)] == [8, 9]


async def test_a_transaction_of_retention_is_bounded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five visits, two at a time, take three transactions and a fourth that finds nothing."""
    for number in range(5):
        await keep(ledger, VisitKey("NORTH", f"W{number}"), "final", number)
    pieces: list[int] = []

    async def counted(*words: object) -> Forgotten:
        some = await forget_some(*words)  # type: ignore[arg-type]
        pieces.append(some.visits)
        return some

    monkeypatch.setattr(store, "forget_some", counted)
    assert (await forget(ledger, MORNING, chunk=2)).visits == 5
    assert pieces == [2, 2, 1, 0]
