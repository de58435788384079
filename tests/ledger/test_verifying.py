"""Whatever is changed in the ledger from outside is found: on SQLite and on PostgreSQL."""

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chargeline.ledger import Act, Ledger
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.store import WRITING
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.verifying import Verified, verify
from tests.drafting.test_processor import Bench, keyed
from tests.golden.messages import given

from .rows import MORNING, message, parked

TABLES = ("message", "draft_revision", "parked", "answer", "audit")
ROWS_OF_A_TABLE = 3
DROPPED = Act("parked.drop", "parked", "1", who="ANNA", why="sent twice")


async def filled(ledger: Ledger) -> Bench:
    """Two visits with revisions and answers, a message without MSH-7, parked messages, acts."""
    bench = Bench(ledger)
    await bench.claim()
    for hour in ("09", "11", "13"):
        doses = [
            given("VANCOMYCIN", "1000 mg", f"{hour}00", f"{hour}40", visit=visit, patient=visit)
            for visit in ("V1", "V2")
        ]
        await bench.feed(keyed(doses))
    async with ledger.batch() as batch:
        await batch.add_messages([message(1, sent=None), message(1, sent=None), message(2)])
        answers = [StoredAnswer("ZEBRA", f"V{n}", "a1", MORNING, '{"units": 1}') for n in (1, 2)]
        await batch.add_answers([*answers, answers[0]])
        await batch.park([parked(1), parked(2, facility="NORTH", visit="V1"), parked(3, key=None)])
    for status in ("dropped", "retried"):
        row = (await ledger.parked())[0]
        async with ledger.batch() as batch:
            await batch.set_status(row.id, status)
            await batch.audit([DROPPED, DROPPED])
    return bench


def broken(walked: list[Verified]) -> set[str]:
    return {table.table for table in walked if table.broken}


async def test_what_programs_write_is_whole(ledger: Ledger) -> None:
    """Each table has rows, and none is broken; walking twice comes to the same."""
    await filled(ledger)
    walked = await ledger.verify()
    assert broken(walked) == set()
    assert {table.table: table.rows for table in walked} == {
        "audit": 4,
        "message": 8,
        "parked": 3,
        "answer": 2,
        "draft_revision": 6,
    }
    assert await ledger.verify() == walked


class Forger:
    """Somebody with all rights on the database, in a transaction that is rolled back again."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.is_sqlite = transaction.dialect == "sqlite"
        self.row_id = "rowid" if self.is_sqlite else "ctid"

    async def run(self, statement: str, **values: Any) -> None:
        await self.transaction.run(text(statement), values)

    async def drop_triggers(self) -> None:
        if self.is_sqlite:
            await self.run("DROP TRIGGER audit_refuses_update")
            await self.run("DROP TRIGGER audit_refuses_delete")
        else:
            await self.run("DROP TRIGGER audit_refuses_changes ON audit")

    async def rows(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Some rows of a table: how to name each, and its columns."""
        found_rows = await self.transaction.rows(
            text(f'SELECT {self.row_id} AS own_place, t.* FROM "{table}" AS t ORDER BY 2, 3, 4')
        )
        places = []
        for row in found_rows[-ROWS_OF_A_TABLE:]:
            columns = dict(row._mapping)
            place = columns.pop("own_place")
            name = str(place) if self.is_sqlite else f"'({place[0]},{place[1]})'::tid"
            places.append((f"{self.row_id} = {name}", columns))
        return places

    async def verified(self) -> set[str]:
        return broken(await verify(self.transaction))


async def forged(ledger: Ledger, *steps: tuple[str, dict[str, Any]]) -> set[str]:
    """The tables that are broken after some statements; everything is rolled back."""
    engine = ledger._engine.execution_options(**{WRITING: True})
    async with engine.connect() as connection:
        forger = Forger(Transaction(connection, "a test"))
        await forger.drop_triggers()
        for statement, values in steps:
            await forger.run(statement, **values)
        result = await forger.verified()
        await connection.rollback()
    return result


async def all_rows(ledger: Ledger) -> list[tuple[str, str, dict[str, Any]]]:
    async with ledger._engine.connect() as connection:
        forger = Forger(Transaction(connection, "a test"))
        return [
            (table, place, columns)
            for table in TABLES
            for place, columns in await forger.rows(table)
        ]


def altered(name: str, value: Any, chance: random.Random) -> Any:
    """A value with one byte changed; of a status the next one, because the table has a check."""
    if name == "status" and value in ("parked", "retried", "dropped"):
        return {"parked": "dropped", "retried": "parked", "dropped": "retried"}[value]
    if isinstance(value, int):
        return value ^ 16  # no other row has that key
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if not value:
        return b"x" if isinstance(value, bytes) else "x"
    place = chance.randrange(len(value))
    if isinstance(value, bytes):
        return value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
    other = "T" if value[place] != "T" else " "
    return value[:place] + other + value[place + 1 :]


def cells(columns: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from columns.items()


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_changed_byte_is_found(ledger: Ledger, seed: int) -> None:
    """One byte of every column of some rows of every table, each alone; seals and chains too."""
    await filled(ledger)
    chance = random.Random(seed)
    for table, place, columns in await all_rows(ledger):
        for name, value in cells(columns):
            new = altered(name, value, chance)
            statement = f'UPDATE "{table}" SET "{name}" = :new WHERE {place}'
            assert table in await forged(ledger, (statement, {"new": new})), (table, name, new)


async def test_any_deleted_row_is_found(ledger: Ledger) -> None:
    """The last of a chain too, and all rows of a table at once."""
    await filled(ledger)
    for table, place, _columns in await all_rows(ledger):
        assert table in await forged(ledger, (f'DELETE FROM "{table}" WHERE {place}', {})), place
    for table in TABLES:
        assert table in await forged(ledger, (f'DELETE FROM "{table}"', {})), table


@pytest.mark.parametrize(
    "steps",
    [
        ["DELETE FROM draft_revision", "DELETE FROM visit"],
        [
            "DELETE FROM draft_revision WHERE revision = 3",
            "UPDATE visit SET revision = revision - 1",
        ],
        [
            "DELETE FROM draft_revision WHERE visit = 'V1'",
            "UPDATE visit SET status = 'forgotten' WHERE visit = 'V1'",
        ],
        ["DELETE FROM draft_revision WHERE visit = 'V1'", "DELETE FROM visit WHERE visit = 'V1'"],
    ],
)
async def test_revisions_that_went_with_what_their_visit_says_of_them_are_missing(
    ledger: Ledger, steps: list[str]
) -> None:
    """Who removes revisions may also change the row of their visit, or remove it."""
    await filled(ledger)
    assert "draft_revision" in await forged(ledger, *((step, {}) for step in steps))


async def test_revisions_are_counted_with_the_partition_of_their_batch(ledger: Ledger) -> None:
    """A row that all captures share would have them wait for each other."""
    await filled(ledger)
    async with ledger.view() as view:
        counted = text("SELECT topic, number FROM tally WHERE about = 'draft_revision'")
        rows = await view._transaction.rows(counted)
    assert [number for topic, number in rows if topic] == [6] and len(rows) == 1


async def test_a_row_that_was_added_is_found(ledger: Ledger) -> None:
    """A copy of a message under another visit, a copy of a revision, a copy of an act."""
    await filled(ledger)
    for table, new in (
        ("message", {"visit": "'V9'"}),
        ("draft_revision", {"revision": "9"}),
        ("draft_revision", {"visit": "'V9'", "revision": "1"}),
        ("answer", {"answer_id": "'a9'"}),
        ("audit", {"number": "9"}),
    ):
        rows = [row for row in await all_rows(ledger) if row[0] == table]
        _table, place, columns = rows[-1]
        names = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(new.get(name, f'"{name}"') for name in columns)
        copy = f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" WHERE {place}'
        assert table in await forged(ledger, (copy, {})), (table, new)


async def test_a_row_that_somebody_changed_stays_broken_when_a_person_sees_to_it(
    ledger: Ledger,
) -> None:
    """A retry of a forged parked message does not make it good."""
    await filled(ledger)
    (row,) = await ledger.parked()
    async with ledger.batch() as batch:
        await batch._transaction.run(text("UPDATE parked SET found = 'x' WHERE status = 'parked'"))
    await ledger.set_status(row.id, "retried")
    (walked,) = [table for table in await ledger.verify() if table.table == "parked"]
    assert walked.broken is not None and walked.broken.key == f"id {row.id}"


async def test_what_retention_removes_is_not_missing(ledger: Ledger) -> None:
    """Visits, messages of no visit, and parked messages; the trail says what went."""
    bench = await filled(ledger)
    async with ledger.batch() as batch:
        await batch.add_messages([message(7, visit="")])
    bench.now += timedelta(days=1)
    await bench.feed(keyed([given("CEFAZOLIN", "1 g", "1500", "1530", visit="V3", patient="V3")]))
    async with ledger.batch() as batch:
        await batch.add_answers([StoredAnswer("ZEBRA", "V3", "a1", MORNING, "{}")])
    bounds = {"record_before": MORNING, "parked_before": MORNING}
    forgotten = await ledger.forget(bench.now - timedelta(hours=1), **bounds, chunk=1)
    assert (forgotten.visits, forgotten.revisions, forgotten.parked) == (2, 6, 2)
    assert forgotten.answers == 2
    assert broken(await ledger.verify()) == set()
    async with ledger.view() as view:
        acts = await view.acts(0, 100, did="retention")
    assert acts and all(act.who == "retention" for act in acts)
    for table in TABLES:
        place = "ctid" if "postgres" in ledger._address.dialect else "rowid"
        first = f'DELETE FROM "{table}" WHERE {place} = (SELECT min({place}) FROM "{table}")'
        assert table in await forged(ledger, (first, {})), table


async def test_the_walk_goes_on_beside_programs(ledger: Ledger) -> None:
    """While messages come in, each walk sees one moment, which is whole."""
    bench = await filled(ledger)

    async def feed() -> None:
        for number in range(10, 16):
            dose = given("CEFAZOLIN", "1 g", f"{number}00", f"{number}30", visit="V1", patient="V1")
            await bench.feed(keyed([dose]))

    feeding = asyncio.create_task(feed())
    walks = 0
    while not feeding.done():
        assert broken(await ledger.verify()) == set()
        walks += 1
    await feeding
    assert walks
