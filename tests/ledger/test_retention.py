"""Retention removes what is old, all that belongs together, a bounded piece at a time."""

from datetime import datetime

import pytest

from chargeline.engine import VisitKey
from chargeline.ledger import Forgotten, Ledger, StoredMerge, store
from chargeline.ledger.erasing import Identification
from chargeline.ledger.records import StoredAnswer, Whose
from chargeline.ledger.retention import forget_some
from chargeline.published.inbound import record_key

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
    long_before = LONG_AGO - 10 * HOUR
    return await ledger.forget(
        before, record_before=long_before, parked_before=long_before, chunk=chunk
    )


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
    gone = await ledger.forget(MORNING, record_before=LONG_AGO, parked_before=LONG_AGO)
    assert gone == Forgotten(contributions=1)
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


async def test_what_comes_after_forgetting_goes_in_its_turn(ledger: Ledger) -> None:
    """A late message of a forgotten visit, and the question that it raised, have days as well."""
    await keep(ledger, V1, "final", 1)
    assert (await forget(ledger, MORNING - HOUR)).messages == 1
    async with ledger.batch() as batch:
        await batch.add_messages([message(2, V1.visit)])
        await batch.put_questions([question("q2", V1)])
        row = visit(V1, status="forgotten", updated_at=MORNING)
        await batch.put_visits([row._replace(incomplete=True)])
    assert await forget(ledger, MORNING - HOUR) == Forgotten()
    later = await forget(ledger, MORNING + HOUR)
    assert (later.messages, later.questions) == (1, 1)
    assert await forget(ledger, MORNING + HOUR) == Forgotten()


async def test_the_hash_of_a_removed_visit_goes_with_the_records(ledger: Ledger) -> None:
    """It stays as long as the row that retention leaves of a visit."""
    await keep(ledger, V1, "final", 1)
    reading = Identification(lambda _raw: (), record_key)
    async with ledger.batch() as batch:
        await batch.erase(Whose("visit", *V1), reading, MORNING)
    bounds = {"before": MORNING, "parked_before": MORNING}
    assert (await ledger.forget(record_before=MORNING, **bounds)).rows == 0
    async with ledger.view() as view:
        assert set(await view.visits([V1, V2])) == {V1}
    assert (await ledger.forget(record_before=MORNING + HOUR, **bounds)).rows == 1
    async with ledger.view() as view:
        assert await view.visits([V1, V2]) == {}


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


async def test_a_parked_message_that_nobody_sees_to_goes_too(ledger: Ledger) -> None:
    """It is counted apart; whatever its status, a younger one stays."""
    async with ledger.batch() as batch:
        await batch.park([parked(1, first_seen=LONG_AGO), parked(2)])
        seen = [parked(3, status="dropped", first_seen=LONG_AGO), parked(4, status="retried")]
        await batch.park(seen)
    bounds = {"record_before": LONG_AGO, "parked_before": LONG_AGO + HOUR}
    assert await ledger.forget(LONG_AGO, **bounds) == Forgotten(parked=1, parked_unseen=1)
    assert [row.offset for row in await ledger.parked(status=None)] == [2, 4]


async def test_what_is_left_of_a_visit_goes_with_the_records_of_patients(ledger: Ledger) -> None:
    """The rows that say "forgotten" and the merges of their numbers go; a younger visit stays."""
    await keep(ledger, V1, "merged", 1)
    await keep(ledger, V2, "final", 2)
    await keep(ledger, V3, "final", 3, days_old=False)
    async with ledger.batch() as batch:
        await batch.add_merges([merge("V1", "V2"), merge("V4", "V3")])
    assert (await forget(ledger, MORNING)).rows == 0
    gone = await ledger.forget(MORNING, record_before=MORNING, parked_before=LONG_AGO)
    assert gone == Forgotten(rows=2, visit_merges=1)
    async with ledger.view() as view:
        assert set(await view.visits([V1, V2, V3])) == {V3}
        assert await view.merges_around([V1, V3]) == [merge("V4", "V3")]


async def test_merges_of_a_patient_go_when_no_record_has_any_of_the_numbers(ledger: Ledger) -> None:
    """P1 has a record, so its merges stay over all steps. Of Q1 and Q2 nothing is left. The merge
    of R1 has no time, and stays as long as its message is kept.
    """
    async with ledger.batch() as batch:
        await batch.put_contributions([V1], [initial_service(V1, at=MORNING + 9 * HOUR)])
        linked = [merge("P1", "P2"), merge("P2", "P3"), merge("P3", "P4")]
        timeless = merge("R1", "R2", 5)._replace(sent=None)
        await batch.add_merges([], [*linked, merge("Q1", "Q2", 3), timeless])
        await batch.add_messages([message(5, "", received_at=MORNING + 9 * HOUR)])
    bounds = {"record_before": MORNING + 5 * HOUR, "parked_before": LONG_AGO}
    assert await ledger.forget(MORNING, **bounds) == Forgotten(patient_merges=1)
    later = MORNING + 10 * HOUR
    assert (await ledger.forget(later, **bounds)).patient_merges == 1
    async with ledger.view() as view:
        assert await view.patient_merges_around([("NORTH", "P4")]) == linked
        assert await view.patient_merges_around([("NORTH", "R1"), ("NORTH", "Q1")]) == []


async def test_a_transaction_of_retention_is_bounded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five visits, two at a time, take three transactions and a fourth that finds nothing."""
    for number in range(5):
        await keep(ledger, VisitKey("NORTH", f"W{number}"), "final", number)
    pieces: list[int] = []

    async def counted(*words: object, **named: object) -> Forgotten:
        some = await forget_some(*words, **named)  # type: ignore[arg-type]
        pieces.append(some.visits)
        return some

    monkeypatch.setattr(store, "forget_some", counted)
    assert (await forget(ledger, MORNING, chunk=2)).visits == 5
    assert pieces == [2, 2, 1, 0]
