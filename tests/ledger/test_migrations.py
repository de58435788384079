"""The migrations make just the tables of `tables.py`; a ledger of another version is refused."""

import asyncio
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, text

from chargeline.ledger import (
    Ledger,
    SchemaTooNew,
    SchemaTooOld,
    StoredMerge,
    StoredMessage,
    migrating,
)
from chargeline.ledger import records as records_module
from chargeline.ledger.connecting import LedgerLimits, make_engine, parse_address
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.removed import RemovedVisit
from chargeline.ledger.sealing import Tally, sealed_message, tallies
from chargeline.ledger.tables import metadata
from chargeline.ledger.workbench_records import (
    StoredAssignment,
    StoredSession,
    StoredStillRunning,
    StoredToken,
)

from .rows import MORNING, V1, V2, initial_service, message, parked, revision, visit

RECORDS = {
    "message": "StoredMessage",
    "visit_merge": "StoredMerge",
    "patient_merge": "StoredMerge",
    "visit": "StoredVisit",
    "draft_revision": "StoredRevision",
    "question": "StoredQuestion",
    "contribution": "StoredContribution",
    "answer": "StoredAnswer",
    "hold": "StoredHold",
    "outbox": "Announcement",
    "parked": "StoredParkedMessage",
    "audit": "StoredAct",
    "data_key": "StoredDataKey",
}
CATALOGUES = {
    "sqlite": [
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' ORDER BY 1, 2"
    ],
    "postgresql": [
        "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name, "
        "is_identity, identity_generation FROM information_schema.columns WHERE table_schema = "
        "'public' AND table_name <> 'alembic_version' ORDER BY 1, 2",
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE '%alembic%' ORDER BY 1",
        "SELECT relname, obj_description(oid) FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' ORDER BY 1",
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    ],
}
RELEASED = [
    script.revision for script in ScriptDirectory(str(migrating.MIGRATIONS)).walk_revisions()
]
NEWEST, OLDER = RELEASED[0], RELEASED[1:]
LATER = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "{name}", "{before}", None, None
def upgrade():
    op.execute("CREATE TABLE note_{name} (body TEXT)")
    {then}
"""


def catalogue(connection: Connection) -> list[tuple[Any, ...]]:
    """Everything that the database's own catalogue says of the tables."""
    statements = CATALOGUES[connection.dialect.name]
    return [tuple(row) for statement in statements for row in connection.execute(text(statement))]


async def run(url: str, *work: Any) -> Any:
    """Run functions and SQL on the database directly, in one transaction; gives the last result."""
    engine = make_engine(parse_address(url), LedgerLimits())
    try:
        async with engine.begin() as connection:
            for step in work:
                if callable(step):
                    result = await connection.run_sync(step)
                else:
                    result = await connection.execute(text(step))
            return result
    finally:
        await engine.dispose()


async def migrated(url: str) -> None:
    ledger = await Ledger.open(url, accept_old=True)
    try:
        await ledger.migrate()
    finally:
        await ledger.close()


BEFORE_DATA_KEYS = ("data_key",)
BEFORE_WORK_LIST = ("place", "payer", "day", "asks", "asks_first", "drug", "stake_cents")
BEFORE_SEALS = ("seal", "chain", "data_key", "waiting_cents", "waits_for", *BEFORE_WORK_LIST)


def insert_old(
    name: str, rows: Sequence[Any], without: Sequence[str] = BEFORE_SEALS
) -> Callable[[Connection], object]:
    """Store rows as an older chargeline did, without columns that came later."""
    columns = [part for part in metadata.tables[name].c if part.name not in without]
    table = Table(name, MetaData(), *(column._copy() for column in columns))
    values = [{part.name: row._asdict()[part.name] for part in columns} for row in rows]
    return lambda connection: connection.execute(table.insert(), values)


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that writes a version such as a later chargeline might have."""
    folder = tmp_path / "later % versions"
    folder.mkdir()
    monkeypatch.setattr(migrating, "VERSIONS", [*migrating.VERSIONS, folder])

    def write(name: str, before: str, then: str = "") -> None:
        (folder / f"v{name}.py").write_text(LATER.format(name=name, before=before, then=then))

    return write


async def test_an_empty_database_is_refused_until_it_is_migrated(url: str) -> None:
    """Opening a ledger makes no tables. The error says to migrate."""
    with pytest.raises(SchemaTooOld, match="without a ledger; migrate it"):
        await Ledger.open(url)
    await migrated(url)
    await (await Ledger.open(url)).close()


async def test_migrating_twice_or_at_once_migrates_once(url: str) -> None:
    """Four programs migrate at once: one does the work, the others wait for it and do nothing."""
    await asyncio.gather(*(migrated(url) for _ in range(4)))
    await migrated(url)
    await (await Ledger.open(url)).close()


async def test_the_migrations_make_the_tables_of_the_code(url: str, tmp_path: Path) -> None:
    """Columns, types, orders, keys, checks, indexes and comments are the same from both."""
    await migrated(url)
    by_migrations = await run(url, catalogue)
    if url.startswith("sqlite"):
        by_code = await run(f"sqlite:///{tmp_path}/by_code.sqlite", metadata.create_all, catalogue)
    else:
        by_code = await run(
            url,
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
            metadata.create_all,
            catalogue,
        )
    assert len(by_migrations) > len(metadata.tables)
    assert [normal(row) for row in by_migrations] == [normal(row) for row in by_code]


def normal(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of the catalogue, without the layout of a CREATE statement.

    SQLite keeps the text of the statement. In that text, a column that was added later stands on
    the line of the column before.
    """
    return tuple(_lines(value) if isinstance(value, str) else value for value in row)


def _lines(text: str) -> list[str]:
    lines = [
        line.strip(" ,\t")
        for line in re.sub(r"( NULL| TEXT), ", r"\1,\n", text.removesuffix(")")).splitlines()
    ]
    return sorted(filter(None, lines))


def test_records_have_the_fields_of_their_tables() -> None:
    """A record is written by the names of its fields, so none may be missing.

    Each table also has a comment that says what it is for.
    """
    for name, record in RECORDS.items():
        assert set(getattr(records_module, record)._fields) == set(
            metadata.tables[name].columns.keys()
        )
    others = {
        "tally": Tally,
        "forgotten_visit": RemovedVisit,
        "assignment": StoredAssignment,
        "session": StoredSession,
        "still_running": StoredStillRunning,
        "api_token": StoredToken,
    }
    for name, other in others.items():
        assert list(other._fields) == metadata.tables[name].columns.keys()
    assert {*RECORDS, *others, "partition_offset"} == set(metadata.tables)
    assert all(table.comment for table in metadata.tables.values())


def test_records_that_are_read_whole_are_in_the_order_of_their_columns() -> None:
    """A row of `SELECT *` becomes a record by the places of its columns."""
    for record, name in ((StoredMessage, "message"), (StoredMerge, "visit_merge")):
        assert list(record._fields) == metadata.tables[name].columns.keys()
    for name in ("visit", "draft_revision", "question", "contribution", "audit"):
        assert (
            list(getattr(records_module, RECORDS[name])._fields)
            == metadata.tables[name].columns.keys()
        )


@pytest.mark.parametrize("version", OLDER)
async def test_an_older_ledger_is_refused_and_migrated_with_its_rows(
    url: str, version: str
) -> None:
    """A ledger of each released version is refused, then migrated, and keeps its message."""
    await run(
        url, lambda connection: command.upgrade(migrating._configuration(connection), version)
    )
    if version < "0008":
        await run(url, insert_old("message", [message(1)]))
    else:  # since then rows have seals
        sealed = sealed_message(message(1))
        await run(url, insert_old("message", [sealed], BEFORE_DATA_KEYS))
        await run(url, insert_old("tally", tallies("message", [sealed])))
    with pytest.raises(SchemaTooOld, match=f"version {NEWEST}, found version {version}"):
        await Ledger.open(url)
    await migrated(url)
    new = await Ledger.open(url)
    async with new.view() as view:
        assert await view.messages_of([V1]) == {V1: [message(1)]}
    assert {table.table: table.rows for table in await new.verify()}["message"] == 1
    assert not [table for table in await new.verify() if table.broken]
    await new.close()


async def test_the_days_of_a_patient_become_contributions(url: str) -> None:
    """Version 0003 stored a day with an initial service; 0004 has it in the patient's record."""
    await run(url, lambda connection: command.upgrade(migrating._configuration(connection), "0003"))
    day = "'NORTH', 'P1', '2026-03-02', 'V1', '2026-03-02T08:00:00.000000+00:00'"
    await run(url, f"INSERT INTO patient_day (facility, patient, day, visit, start) VALUES ({day})")
    await migrated(url)
    ledger = await Ledger.open(url)
    async with ledger.view() as view:
        assert await view.contributions([("NORTH", "P1")]) == [initial_service()]
        assert await view.contributions_of([V1]) == [initial_service()]
    await ledger.close()


async def test_rows_of_an_older_ledger_are_sealed_and_chained(url: str) -> None:
    """Revisions that have no chain, parked messages and one message of each kind of time."""
    await run(url, lambda connection: command.upgrade(migrating._configuration(connection), "0006"))
    bodies = ['{"revision":1}', '{"revision":2}']
    old = {
        "draft_revision": [revision(number + 1, body=body) for number, body in enumerate(bodies)],
        "parked": [parked(1)._replace(id=1), parked(2, facility="NORTH", visit="V1", id=2)],
        "message": [message(number, sent=None) for number in range(1_100)],
    }
    for name, rows in old.items():
        await run(url, insert_old(name, rows))
    await run(url, insert_old("visit", [visit(V1, revision=2)]))
    await run(url, insert_old("answer", [StoredAnswer(*V1, "a1", MORNING, "{}")]))
    await migrated(url)
    ledger = await Ledger.open(url)
    walked = await ledger.verify()
    assert [(table.table, table.rows, table.broken) for table in walked] == [
        ("audit", 0, None),
        ("message", 1_100, None),
        ("parked", 2, None),
        ("answer", 1, None),
        ("draft_revision", 2, None),
    ]
    first = sha256(bodies[0].encode()).hexdigest()
    async with ledger.view() as view:
        rows = await view.revisions(*V1)
    assert [row.chain for row in rows] == [
        first,
        sha256(f"{first}{bodies[1]}".encode()).hexdigest(),
    ]
    await ledger.close()


async def test_a_visit_gets_the_rules_of_its_last_revision(url: str) -> None:
    """Version 0004 did not store the rules of a visit; 0005 takes those of its last revision."""
    await run(url, lambda connection: command.upgrade(migrating._configuration(connection), "0004"))
    at = "'2026-03-02T08:00:00.000000+00:00'"
    for name, number in (("V1", 2), ("V2", 0)):
        await run(
            url,
            "INSERT INTO visit (facility, visit, status, revision, incomplete, updated_at)"
            f" VALUES ('NORTH', '{name}', 'open', {number}, false, {at})",
        )
    for number, rules in ((1, "older"), (2, "old")):
        await run(
            url,
            "INSERT INTO draft_revision (facility, visit, revision, status, policy, rulebook,"
            f" created_at, body, changes) VALUES ('NORTH', 'V1', {number}, 'open', 'guide-2026',"
            f" '{rules}', {at}, '', '')",
        )
    await migrated(url)
    ledger = await Ledger.open(url)
    async with ledger.view() as view:
        rows = await view.visits([V1, V2])
    assert {key: row.rulebook for key, row in rows.items()} == {V1: "old", V2: ""}
    await ledger.close()


async def test_a_migration_that_fails_changes_nothing(url: str, later: Callable[..., None]) -> None:
    """The tables that the failed run had made by then are gone, those of earlier versions too."""
    await migrated(url)
    before = await run(url, catalogue)
    later("later", NEWEST)
    later("last", "later", then="raise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"):
        await migrated(url)
    assert await run(url, catalogue) == before
    assert (await run(url, "SELECT version_num FROM alembic_version")).scalar_one() == NEWEST
    later("last", "later")
    await migrated(url)
    assert await run(url, catalogue) != before


@pytest.mark.parametrize("accept_old", [False, True])
async def test_a_newer_ledger_is_refused(url: str, accept_old: bool) -> None:
    """A version that we do not know may use its tables in ways that we do not know.

    So we neither read it nor migrate it.
    """
    await migrated(url)
    await run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="version 9999"):
        await Ledger.open(url, accept_old=accept_old)
