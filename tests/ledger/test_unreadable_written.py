"""What chargeline wrote of a visit does not parse: the visit is set aside, and nothing else stops.

The last revision, an answer or an open question of V3 is damaged. The same tests run on SQLite and
on PostgreSQL.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.looking import drafted_now, drafted_where_readable
from chargeline.drafting.unreadable_events import those_that_open
from chargeline.ledger import Ledger
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import StoredAnswer
from chargeline.published.answers import GivenWord, number_of
from tests.drafting.test_processor import Bench, by_bench, by_code, keyed
from tests.golden.messages import given, ordered
from tests.ledger import with_tables

from .rows import MORNING
from .test_encryption import opened, run
from .test_unreadable_rows import (
    BROKEN,
    LATER,
    MORNINGS,
    VISITS,
    Waiting,
    dose,
    restarted,
    retried,
    row_of,
    without_v3,
)

HELD = GivenWord(
    facility="ZEBRA", visit="V3", line_id="", fingerprint="", choice="hold", by="ZN1", at=MORNING,
    reason="wait",
)  # fmt: skip
V3 = {"visit": "V3", "patient": "ZZV3"}
ORDER = ordered("VANCOMYCIN", "1000 mg", minutes=60, visit="V3").replace(b"ZZ1", b"ZZV3")
OPEN = given("VANCOMYCIN", "1000 mg", "0900", **V3)  # its stop is missing
STOPPED = given("VANCOMYCIN", "1000 mg", "0900", "1000", status="U", sent="1900", **V3)
FIRST = [*MORNINGS, ORDER, OPEN]
WHOLE = [*FIRST, *LATER, STOPPED]


class Written(NamedTuple):
    """A table with a body in JSON, the new body of its last row of V3 in SQL, and its place."""

    table: str
    body: str
    place: str


DAMAGES = [
    Written("draft_revision", "'~' || substr(body, 2)", "draft_revision revision 1 of ZEBRA|V3"),
    Written("draft_revision", "substr(body, 1, 300)", "draft_revision revision 1 of ZEBRA|V3"),
    Written("answer", "substr(body, 1, 40)", f"answer answer_id {number_of(HELD)} of ZEBRA|V3"),
    Written("answer", "'[1]'", f"answer answer_id {number_of(HELD)} of ZEBRA|V3"),
    Written("question", "'~' || substr(body, 2)", "question question_id "),
]
IDS = [
    "a byte of a revision",
    "half a revision",
    "half an answer",
    "a list",
    "a byte of a question",
]


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    async with opened(await with_tables(url)) as ledger:
        yield ledger


@pytest.fixture
async def first(ledger: Ledger) -> Bench:
    return await begun(ledger)


async def begun(ledger: Ledger) -> Bench:
    """A bench that has drafted the first dose of each visit; of V3 a stop is missing, and a person
    holds its lines.
    """
    bench = Bench(ledger)
    await bench.claim()
    async with ledger.batch() as batch:
        held = StoredAnswer(*BROKEN, number_of(HELD), MORNING, HELD.model_dump_json())
        await batch.add_answers([held])
    await bench.feed(keyed(FIRST))
    return bench


async def bodies(ledger: Ledger, table: str) -> list[Any]:
    async with ledger.view() as view:
        rows = text(f"SELECT body FROM {table} WHERE visit = 'V3'")
        return [row.body for row in await view._transaction.rows(rows)]


async def damaged(ledger: Ledger, damage: Written) -> str:
    """Damage the only row of V3; returns its body."""
    (before,) = await bodies(ledger, damage.table)
    await run(ledger, f"UPDATE {damage.table} SET body = {damage.body} WHERE visit = 'V3'")
    return str(before)


async def mended(ledger: Ledger, damage: Written, body: str) -> None:
    await run(ledger, f"UPDATE {damage.table} SET body = :body WHERE visit = 'V3'", body=body)


@pytest.mark.parametrize("damage", DAMAGES, ids=IDS)
async def test_only_the_visit_of_the_row_is_set_aside(first: Bench, damage: Written) -> None:
    """New doses of all visits come in one batch, and the stop of V3. The others are drafted. The
    last draft of V3 stays, its row says incomplete with nothing due, its messages are kept, and one
    nudge is parked with table and key. Once the row is mended and retried, V3 is whole.
    """
    ledger, before = first.ledger, (await first.drafts())[BROKEN]
    body = await damaged(ledger, damage)
    bench = await restarted(first)
    with capture_logs() as lines:
        await bench.feed(keyed(LATER))
        await bench.feed(keyed([STOPPED]))
    drafts = await bench.drafts()
    assert without_v3(by_bench(drafts)) == without_v3(by_code(WHOLE))
    assert drafts[BROKEN] == before
    (row,) = await ledger.parked()
    assert (row.code, row.facility, row.visit, row.raw) == ("visit.unreadable", *BROKEN, b"")
    assert row.where_.startswith(damage.place)
    assert (row.topic, row.offset is not None) == ("hl7.inbound", True)
    assert "backup" in row.do and "parked retry" in row.do
    assert not any("input_value" in str(value) or "ZZ" in str(value) for value in (*row, lines))
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["visit.unreadable"]
    stands = await row_of(ledger)
    assert (stands.incomplete, stands.revision, stands.settle_due, stands.final_due) == (
        True, 1, None, None
    )  # fmt: skip
    await mended(ledger, damage, body)
    await retried(bench)
    drafts = await bench.drafts()
    assert by_bench(drafts) == by_code(WHOLE)
    assert all(line.held for visit in drafts[BROKEN].encounters for line in visit.lines)
    assert not drafts[BROKEN].incomplete and not (await row_of(ledger)).incomplete


@pytest.mark.parametrize("damage", DAMAGES, ids=IDS)
async def test_a_program_that_has_the_visit_in_memory_goes_on(
    first: Bench, damage: Written
) -> None:
    """The row is read when the visit is loaded, so V3 is drafted from memory."""
    await damaged(first.ledger, damage)
    await first.feed(keyed(LATER))
    assert by_bench(await first.drafts()) == by_code([*FIRST, *LATER])
    assert await first.ledger.parked() == []


async def test_the_nudge_lies_at_the_last_message_of_the_visit(first: Bench) -> None:
    """A revision has no place in Kafka of its own."""
    await first.feed(keyed([dose("V3", "11")]))
    await run(first.ledger, "UPDATE draft_revision SET body = '~' WHERE visit = 'V3'")
    bench = await restarted(first)
    async with first.ledger.view() as view:
        place = max(
            (row.partition, row.offset) for row in (await view.messages_of([BROKEN]))[BROKEN]
        )
    await bench.feed([("ZEBRA|V3", b"", {"chargeline-nudge": "1"})])
    (row,) = await first.ledger.parked()
    assert (row.partition, row.offset) == place


async def test_a_visit_that_is_due_holds_up_no_other(ledger: Ledger) -> None:
    """All visits settle; the timers draft the others, and V3 is due no more."""
    bench = Bench(ledger, timedelta(minutes=2))
    await bench.claim()
    await bench.feed(keyed(MORNINGS))
    await bench.later(minutes=5)
    await bench.feed(keyed(LATER))
    await damaged(ledger, DAMAGES[0])
    again = await restarted(bench)
    await again.later(minutes=5)
    both = [*MORNINGS, *LATER]
    assert without_v3(by_bench(await again.drafts())) == without_v3(by_code(both))
    assert [row.code for row in await ledger.parked()] == ["visit.unreadable"]
    assert (await row_of(ledger)).settle_due is None


async def test_a_revision_of_which_a_line_stands_twice_does_not_open(first: Bench) -> None:
    """One byte may make one number of a line out of another."""
    (body,) = await bodies(first.ledger, "draft_revision")
    one, other = [line.line_id for line in (await first.drafts())[BROKEN].encounters[0].lines][:2]
    twice = body.replace(f'"line_id":"{other}"', f'"line_id":"{one}"')
    assert twice != body
    await mended(first.ledger, DAMAGES[0], twice)
    await (await restarted(first)).feed(keyed(LATER))
    assert [row.code for row in await first.ledger.parked()] == ["visit.unreadable"]


@pytest.mark.parametrize("headers", ["[]", '{"chargeline-interface": 7}', '"text"'])
async def test_headers_that_are_no_headers_set_their_visit_aside(
    first: Bench, headers: str
) -> None:
    """They are JSON, and no object of texts."""
    change = "UPDATE message SET headers = :headers WHERE visit = 'V3'"
    await run(first.ledger, change, headers=headers)
    await (await restarted(first)).feed(keyed(LATER))
    assert [row.code for row in await first.ledger.parked()] == ["visit.unreadable"]


@pytest.mark.parametrize("damage", DAMAGES, ids=IDS)
async def test_who_looks_at_all_visits_sees_the_others(first: Bench, damage: Written) -> None:
    """The row is named beside them; who asks for V3 alone gets the error."""
    await damaged(first.ledger, damage)
    (processor,) = first.processors
    keys = [BROKEN._replace(visit=visit) for visit in VISITS]
    async with first.ledger.view() as view:
        visits, closed = await drafted_where_readable(view, processor, keys)
        with pytest.raises(UnreadableRow, match="body that is no"):
            await drafted_now(view, processor, [BROKEN])
    assert [visit.timeline.key for visit in visits] == [key for key in keys if key != BROKEN]
    (error,) = closed
    assert str(error.place).startswith(damage.place)


async def test_a_second_damaged_row_of_a_visit_is_told_apart(first: Bench) -> None:
    """Both nudges lie at the last message of the visit, and no reader may drop the second."""
    for damage in (DAMAGES[0], DAMAGES[2]):
        body = await damaged(first.ledger, damage)
        bench = await restarted(first)
        await bench.feed([("ZEBRA|V3", b"", {"chargeline-nudge": "1"})])
        (row,) = await first.ledger.parked()
        await mended(first.ledger, damage, body)
        await first.ledger.set_status(row.id, "dropped")
    told = [event.event_id for event in bench.published if event.topic == "hl7.parked"]
    assert len(told) == len(set(told)) == 2


async def test_an_event_without_readable_headers_is_parked(first: Bench) -> None:
    """The events of others go out, and the visit is drafted once more."""
    ledger, waiting = first.ledger, Waiting(first.ledger)
    waiting.offsets = first.offsets
    await waiting.feed(keyed(LATER))
    change = "UPDATE outbox SET headers = '~' || substr(headers, 2)"
    await run(ledger, f"{change} WHERE topic = 'charge.draft' AND key = 'ZEBRA|V3'")
    events = await ledger.take_outbox(1000)
    terms = {"inbound": "hl7.inbound", "topic": ParkedTopic("hl7.parked"), "now": first.now}
    assert len(await those_that_open(ledger, events, **terms)) == len(events) - 1
    (row,) = await ledger.parked()
    assert (row.code, row.visit, row.found) == (
        "event.unreadable", "V3", "headers that are no JSON object of texts"
    )  # fmt: skip
    bench = await restarted(first)
    await bench.feed(await bench.drain())
    assert by_bench(await bench.drafts()) == by_code([*FIRST, *LATER])


@pytest.mark.parametrize(
    "column", ["draft_revision.body", "answer.body", "question.body", "message.headers"]
)
@pytest.mark.parametrize("first_byte", ["X'FF'", "X'C3'"])
async def test_a_byte_that_is_no_text_sets_its_visit_aside(
    tmp_path: Path, column: str, first_byte: str
) -> None:
    """SQLite keeps any byte as text; PostgreSQL keeps no such text."""
    table, name = column.split(".")
    async with opened(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as ledger:
        bench = await begun(ledger)
        spoilt = f"CAST({first_byte} || substr(CAST({name} AS BLOB), 2) AS TEXT)"
        await run(ledger, f"UPDATE {table} SET {name} = {spoilt} WHERE visit = 'V3'")
        again = await restarted(bench)
        await again.feed(keyed(LATER))
        both = [*FIRST, *LATER]
        assert without_v3(by_bench(await again.drafts())) == without_v3(by_code(both))
        (row,) = await ledger.parked()
        assert (row.code, row.visit) == ("visit.unreadable", "V3")
        assert row.where_.startswith(f"{table} ")
        sealed = table != "question"
        assert any(told.broken for told in await ledger.verify()) is sealed
