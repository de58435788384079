"""One row of the ledger that does not open sets its visit aside and stops nothing else.

The same tests run on SQLite and on PostgreSQL. A ledger is encrypted, somebody alters a row, and a
program that has no visit in memory goes on.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.looking import drafted_now
from chargeline.drafting.redrafting import LOOK_AGAIN_SECONDS, Redrafting
from chargeline.drafting.unreadable_events import those_that_open
from chargeline.engine import VisitKey
from chargeline.hl7.patient_numbers import patient_numbers
from chargeline.ledger import KeyMissing, Ledger, NotFound, StoredVisit
from chargeline.ledger.erasing import Erased, Identification
from chargeline.ledger.errors import OnHold, UnreadableRow
from chargeline.ledger.records import Whose
from chargeline.published.inbound import record_key
from tests.drafting.test_processor import PARTITIONS, Bench, by_bench, by_code, keyed
from tests.golden.messages import adt, given
from tests.ledger import with_tables

from .rows import MORNING
from .test_encryption import new_key, opened, run

READING = Identification(patient_numbers, record_key)
BROKEN, OTHER = VisitKey("ZEBRA", "V3"), VisitKey("ZEBRA", "V5")
VISITS = [f"V{number}" for number in range(8)]


def dose(visit: str, hour: str = "09", patient: str = "") -> bytes:
    patient = patient or f"ZZ{visit}"
    return given("PACLITAXEL", "100 mg", f"{hour}00", f"{hour}45", visit=visit, patient=patient)


MORNINGS, LATER = [dose(visit) for visit in VISITS], [dose(visit, "11") for visit in VISITS]
Damage = Callable[[Ledger], Awaitable[None]]


async def flip(
    ledger: Ledger, table: str = "message", where: str = "visit = 'V3'", column: str = "raw"
) -> None:
    """One byte of one row."""
    async with ledger.batch() as batch:
        rows = await batch._transaction.rows(text(f"SELECT {column} FROM {table} WHERE {where}"))
        before = rows[0][0]
        changed = before[:-1] + bytes([before[-1] ^ 1])
        change = text(f"UPDATE {table} SET {column} = :changed WHERE {column} = :before")
        await batch._transaction.run(change, {"before": before, "changed": changed})


async def other_key(ledger: Ledger) -> None:
    await run(ledger, "UPDATE message SET data_key = 99 WHERE visit = 'V3'")


async def as_if_clear(ledger: Ledger) -> None:
    await run(ledger, "UPDATE message SET data_key = 0 WHERE visit = 'V3'")


async def other_headers(ledger: Ledger) -> None:
    clear = "data_key = 0, raw = '', headers = '{\"half'"
    await run(ledger, f"UPDATE message SET {clear} WHERE visit = 'V3'")


DAMAGES = [flip, other_key, as_if_clear, other_headers]


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    async with opened(await with_tables(url), new_key()) as ledger:
        yield ledger


@pytest.fixture
async def first(ledger: Ledger) -> Bench:
    """A bench that has drafted the first dose of each visit."""
    bench = Bench(ledger)
    await bench.claim()
    await bench.feed(keyed(MORNINGS))
    return bench


async def restarted(before: Bench) -> Bench:
    """A program with nothing in memory; what was published so far counts as published by it."""
    bench = Bench(before.ledger)
    bench.offsets, bench.published, bench.now = before.offsets, before.published, before.now
    await bench.claim()
    return bench


async def kept(ledger: Ledger) -> list[Any]:
    """The rows of the messages of V3, as they are stored."""
    async with ledger.view() as view:
        rows = text("SELECT * FROM message WHERE visit = 'V3' ORDER BY digest")
        return [row._asdict() for row in await view._transaction.rows(rows)]


async def mended(ledger: Ledger, rows: list[Any]) -> None:
    """The rows of V3 as they were, as from a backup."""
    for row in rows:
        values = {name: row[name] for name in ("raw", "headers", "data_key", "digest")}
        change = "raw = :raw, headers = :headers, data_key = :data_key"
        await run(ledger, f"UPDATE message SET {change} WHERE digest = :digest", **values)


async def retried(bench: Bench) -> None:
    """What `parked retry` sends."""
    again = await bench.ledger.parked()
    for row in again:
        await bench.ledger.set_status(row.id, "retried")
    await bench.feed([(row.key or "", row.raw, json.loads(row.headers)) for row in again])


async def row_of(ledger: Ledger, key: VisitKey = BROKEN) -> StoredVisit:
    async with ledger.view() as view:
        return (await view.visits([key]))[key]


def without_v3(lines: dict[str, Any]) -> dict[str, Any]:
    return {visit: own for visit, own in lines.items() if visit != "V3"}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_only_the_visit_of_the_row_is_set_aside(first: Bench, damage: Damage) -> None:
    """New doses of all visits come in one batch. Those of others are drafted; the last draft of V3
    stays, its message is kept, and one nudge is parked with the row, no patient, and what to do.
    """
    ledger, before = first.ledger, await kept(first.ledger)
    await damage(ledger)
    bench = await restarted(first)
    with capture_logs() as lines:
        await bench.feed(keyed(LATER))
        await bench.feed(keyed([dose("V3", "13")]))
    whole = [*MORNINGS, *LATER, dose("V3", "13")]
    assert by_bench(await bench.drafts()) == {**by_code(whole), **by_code([dose("V3")])}
    (row,) = await ledger.parked()
    assert (row.code, row.facility, row.visit, row.raw) == ("visit.unreadable", *BROKEN, b"")
    assert row.where_.startswith(f"message digest {before[0]['digest']}, from hl7.inbound[")
    assert "backup" in row.do and "parked retry" in row.do
    assert not any("ZZ" in str(value) for value in (*row, lines))
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["visit.unreadable"]
    stands = await row_of(ledger)
    assert (stands.incomplete, stands.revision, stands.settle_due, stands.asked_due) == (
        True, 1, None, None
    )  # fmt: skip
    await mended(ledger, before)
    await retried(bench)
    assert by_bench(await bench.drafts()) == by_code(whole)
    assert not (await row_of(ledger)).incomplete
    assert not [table for table in await ledger.verify() if table.broken]


async def test_a_mended_visit_is_whole_with_its_next_message(first: Bench) -> None:
    """Nobody has retried the nudge: the draft has all messages, and still says incomplete."""
    before = await kept(first.ledger)
    await flip(first.ledger)
    bench = await restarted(first)
    await bench.feed(keyed(LATER))
    await mended(first.ledger, before)
    await bench.feed(keyed([dose("V3", "13")]))
    assert by_bench(await bench.drafts()) == by_code([*MORNINGS, *LATER, dose("V3", "13")])
    assert (await row_of(first.ledger)).incomplete


async def test_a_broken_visit_that_is_due_holds_up_no_other(ledger: Ledger) -> None:
    """All visits settle; the timers draft the others, and V3 is due no more."""
    bench = Bench(ledger, timedelta(minutes=2))
    await bench.claim()
    await bench.feed(keyed(MORNINGS))
    await flip(ledger)
    again = await restarted(bench)
    for _round in range(2):
        await again.later(minutes=5)
    assert by_bench(await again.drafts()) == without_v3(by_code(MORNINGS))
    assert [row.code for row in await ledger.parked()] == ["visit.unreadable"]
    assert (await row_of(ledger)).settle_due is None


async def test_a_pass_under_other_rules_goes_past_it(first: Bench) -> None:
    """Every open visit but V3 is drafted with the rules of today, and the pass comes to its end."""
    await run(first.ledger, "UPDATE visit SET rulebook = 'older'")
    await flip(first.ledger)
    (processor,) = (await restarted(first)).processors
    redrafting, seconds = Redrafting(processor, 10, lambda _count: None), 0.0
    while seconds != LOOK_AGAIN_SECONDS:
        ours = partial(first._partition, 0)
        seconds = await redrafting.draft_next(ours, first.offsets, "test")
    async with first.ledger.view() as view:
        assert not await view.open_under_other_rules(
            processor.maker.rulebook.version, VisitKey("", ""), 100
        )
    assert [row.visit for row in await first.ledger.parked()] == ["V3"]


async def test_nudges_of_many_visits_are_worked_off(first: Bench) -> None:
    """`redraft` of all visits: V3 is set aside, the rest is as it was."""
    await flip(first.ledger)
    bench = await restarted(first)
    nudges = [(record_key("ZEBRA", visit), b"", {"chargeline-nudge": "1"}) for visit in VISITS]
    await bench.feed(nudges)
    assert [row.visit for row in await first.ledger.parked()] == ["V3"]
    assert by_bench(await bench.drafts()) == by_code(MORNINGS)


async def test_a_visit_into_which_a_broken_one_was_merged_is_set_aside_too(first: Bench) -> None:
    """V3 is merged into V5: without its dose V5 would be half a visit. Mended, V5 has both."""
    before = await kept(first.ledger)
    await flip(first.ledger)
    bench = await restarted(first)
    merge = adt("A35", visit="V5", patient="ZZV5", prior_visit="V3")
    await bench.feed(keyed([merge]))
    assert by_bench(await bench.drafts()) == by_code(MORNINGS)
    assert {row.visit for row in await first.ledger.parked()} == {"V3", "V5"}
    told = [event.event_id for event in bench.published if event.topic == "hl7.parked"]
    assert len(told) == len(set(told)) == 2, "a reader drops an id that it has seen"
    await mended(first.ledger, before)
    await retried(bench)
    assert by_bench(await bench.drafts()) == by_code([*MORNINGS, merge])


async def test_a_dropped_message_that_does_not_open_sets_its_visit_aside(first: Bench) -> None:
    """What could not be read of it is asked about no more; nobody can tell what that was."""
    broken = (record_key(*BROKEN), b"PID|1||no header at all", {})
    await first.feed([broken])
    (row,) = await first.ledger.parked()
    await first.ledger.set_status(row.id, "dropped")
    await flip(first.ledger, "parked")
    bench = await restarted(first)
    await bench.feed(keyed(LATER))
    assert without_v3(by_bench(await bench.drafts())) == without_v3(by_code([*MORNINGS, *LATER]))
    (aside,) = await first.ledger.parked()
    assert aside.where_.startswith(f"parked id {row.id}, from")


async def test_a_program_without_its_key_blames_no_row(url: str) -> None:
    """No row is parked: the key is missing, whether or not the table of data keys is there."""
    async with opened(await with_tables(url), new_key()) as ledger:
        bench = Bench(ledger)
        await bench.claim()
        await bench.feed(keyed(MORNINGS))
    async with opened(url, locked=True) as ledger:
        again = Bench(ledger)
        again.offsets = bench.offsets
        with pytest.raises(KeyMissing):
            await again.feed(keyed(LATER))
        await run(ledger, "DELETE FROM data_key")
    async with opened(url) as ledger:
        again = Bench(ledger)
        again.offsets = bench.offsets
        with pytest.raises(KeyMissing):
            await again.feed(keyed(LATER))
        assert await ledger.parked() == []


async def test_who_looks_at_the_visit_is_told_which_row(first: Bench) -> None:
    """The other visits are shown."""
    await flip(first.ledger)
    (processor,) = first.processors
    async with first.ledger.view() as view:
        with pytest.raises(UnreadableRow, match=r"message digest \w+, from hl7.inbound\[\d\]"):
            await drafted_now(view, processor, [BROKEN])
        assert len(await drafted_now(view, processor, [OTHER])) == 1


async def test_a_parked_message_that_does_not_open_hides_no_other(first: Bench) -> None:
    """It comes as it is stored; asked for by its number, it says why."""
    await first.feed([("ZEBRA|V1", b"no header", {}), ("ZEBRA|V2", b"no header either", {})])
    await flip(first.ledger, "parked", "id = 1")
    broken, whole = await first.ledger.parked()
    assert broken.data_key and (whole.data_key, whole.raw) == (0, b"no header either")
    with pytest.raises(UnreadableRow, match="parked id 1"):
        await first.ledger.show(1)
    with pytest.raises(NotFound):
        await first.ledger.show(99)


# ------------------------------------------------------------------ events that wait


class Waiting(Bench):
    """A bench without a relay: what it announces waits."""

    async def drain(self) -> list[tuple[str, bytes, dict[str, str]]]:
        return []


async def test_an_event_that_does_not_open_is_parked_and_the_next_draft_is_whole(
    first: Bench,
) -> None:
    """The second draft of V3 waits and is altered. The events of others go out; V3 is drafted once
    more, says incomplete until the event is dropped, and no revision number comes twice.
    """
    ledger, waiting = first.ledger, Waiting(first.ledger)
    waiting.offsets = first.offsets
    await waiting.feed(keyed(LATER))
    await flip(ledger, "outbox", "topic = 'charge.draft' AND key = 'ZEBRA|V3'", "payload")
    events = await ledger.take_outbox(1000)
    (closed,) = [event for event in events if event.data_key]
    terms = {"inbound": "hl7.inbound", "topic": ParkedTopic("hl7.parked"), "now": first.now}
    assert len(await those_that_open(ledger, events, **terms)) == len(events) - 1
    bench = await restarted(first)
    await bench.feed(await bench.drain())
    assert by_bench(await bench.drafts()) == by_code([*MORNINGS, *LATER])
    last = (await bench.drafts())[BROKEN]
    assert (last.revision, last.incomplete) == (3, True)
    (row,) = await ledger.parked()
    assert (row.code, row.visit, row.raw) == ("event.unreadable", "V3", closed.payload)
    assert row.where_ == f"outbox id {closed.id}, for charge.draft"
    await ledger.set_status(row.id, "dropped")
    await bench.feed([(record_key(*BROKEN), b"", {"chargeline-nudge": "1"})])
    assert not (await bench.drafts())[BROKEN].incomplete


# ------------------------------------------------------------------ forgetting


async def erased(ledger: Ledger, visit: str) -> Erased:
    async with ledger.batch() as batch:
        return await batch.erase(Whose("patient", "ZEBRA", f"ZZ{visit}"), READING, MORNING)


async def test_another_patient_is_forgotten_and_the_row_is_told(first: Bench) -> None:
    """All of ZZV5 goes. The row of V3 and a parked one stay: nobody could search them."""
    await first.feed([("", b"no header", {"chargeline-no-visit": "1"})])
    (digest,) = {row["digest"] for row in await kept(first.ledger)}
    await flip(first.ledger)
    await flip(first.ledger, "parked", "id = 1")
    gone = await erased(first.ledger, "V5")
    assert gone.rows["message"] == 1 and gone.visits == {OTHER}
    places = [(row.place.table, row.place.row) for row in gone.unsearched]
    assert places == [("message", f"digest {digest}"), ("parked", "id 1")]
    assert (await row_of(first.ledger)).status == "open"


async def test_a_row_that_goes_with_its_visit_was_not_left(first: Bench) -> None:
    """The patient's visit is known by its record, so its broken row goes and nothing is left."""
    await first.feed(keyed([dose("V3", "11")]))
    await flip(first.ledger)
    gone = await erased(first.ledger, "V3")
    assert (gone.rows["message"], gone.unsearched) == (2, ())


async def test_a_row_that_nobody_can_read_is_held_with_each_held_patient(first: Bench) -> None:
    """ZZV5 is held. V3 could name that patient: neither `forget` nor retention removes it, and
    retention removes the others.
    """
    ledger, whose = first.ledger, Whose("patient", "ZEBRA", "ZZV5")
    async with ledger.batch() as batch:
        await batch.hold(whose, READING, MORNING, who="ANNA", why="case 1")
    await flip(ledger)
    with pytest.raises(OnHold, match="does not open"):
        await erased(ledger, "V3")
    late = first.now + timedelta(days=1000)
    bounds = {"record_before": MORNING, "parked_before": late, "reads": patient_numbers}
    assert (await ledger.forget(late, **bounds)).visits == len(VISITS) - 2
    assert len(await kept(ledger)) == 1
    async with ledger.batch() as batch:
        await batch.release(whose)
    assert (await ledger.forget(late, **bounds)).visits == 2


def test_the_bench_has_its_visits_in_several_partitions() -> None:
    """Else a batch of one partition would prove less."""
    keys = [record_key("ZEBRA", visit) for visit in VISITS]
    assert {sum(key.encode()) % PARTITIONS for key in keys} == set(range(PARTITIONS))
