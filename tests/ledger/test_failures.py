"""When a database fails, our error says what to do, and shows no password and no patient."""

import asyncio
import errno
import socket
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from chargeline.ledger import (
    AccessRefused,
    BadAddress,
    Busy,
    DiskFull,
    Ledger,
    LedgerError,
    LedgerLimits,
    NotALedger,
    Unexpected,
    Unreachable,
)
from chargeline.ledger.errors import explain
from tests.clock import PATIENCE_SECONDS
from tests.live.servers import Postgres, PostgresServer, free_port

from .rows import V1, message, visit

SECRET = "swordfish"
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON message {when}
FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


def assert_well_said(error: LedgerError) -> None:
    assert error.finding.expected and error.finding.found and error.finding.do
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    for secret in (SECRET, "C1", "MSH"):
        assert secret not in str(error)


async def test_nobody_at_the_address_is_unreachable() -> None:
    """Nobody listens on the port. The error says so, and that another try is worth it."""
    address = f"postgresql://user:{SECRET}@127.0.0.1:{free_port()}/ledger"
    with pytest.raises(
        Unreachable, match=r"at postgresql://user@127\.0\.0\.1:\d+/ledger, found .*Refused"
    ) as caught:
        await Ledger.open(address)
    assert_well_said(caught.value)
    assert caught.value.passing


async def test_a_server_that_does_not_answer_is_unreachable() -> None:
    """The server accepts the connection and says nothing. We do not wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/ledger"
        with pytest.raises(Unreachable, match="Timeout"):
            await Ledger.open(address, limits=LedgerLimits(connect=0.2))


async def test_a_database_that_is_not_there_is_said_by_name(database: str) -> None:
    """The server answers, and has no database of that name."""
    with pytest.raises(Unreachable, match="3D000"):
        await Ledger.open(f"{database}_of_another")


@pytest.fixture
async def stranger(postgres: Postgres, database: str) -> AsyncIterator[str]:
    """The address of a database for a user of whom the server asks a password.

    `{}` stands where the test puts the password.
    """
    if not isinstance(postgres, PostgresServer):
        pytest.skip("somebody else runs this server, and says who needs a password")
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all stranger 127.0.0.1/32 scram-sha-256\n{before}")
    connection = await asyncpg.connect(database)
    await connection.execute(f"CREATE ROLE stranger LOGIN PASSWORD '{SECRET}'")
    await reloaded(connection, database)
    yield database.replace("chargeline@", "stranger:{}@")
    await connection.execute("DROP ROLE stranger")
    rules.write_text(before)
    await reloaded(connection, database)
    await connection.close()


async def reloaded(connection: asyncpg.Connection, database: str) -> None:
    """Have the server read its settings again, and return when they hold for new connections."""
    before = await connection.fetchval("SELECT pg_conf_load_time()")
    await connection.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            new = await asyncpg.connect(database)
            loaded = await new.fetchval("SELECT pg_conf_load_time()")
            await new.close()
            if loaded > before:
                return
            await asyncio.sleep(0.01)


@pytest.mark.hurts("postgres")
async def test_a_wrong_password_is_refused_and_never_shown(stranger: str) -> None:
    """The error names the user and the place, and not the password that was tried.

    With the right password the same user is let in.
    """
    with pytest.raises(AccessRefused, match="stranger@127") as caught:
        await Ledger.open(stranger.format(f"{SECRET}er"))
    assert_well_said(caught.value)
    assert not caught.value.passing
    await (await Ledger.open(stranger.format(SECRET), accept_old=True)).close()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ledger.sqlite",
        "sqlite://",
        "mysql://user:swordfish@host/db",
        "sqlite:///",
        "postgresql://user:swordfish@host:port/db",
        "postgresql://user:swordfish@host/db?sslmode=perhaps",
    ],
)
async def test_an_address_of_another_kind_is_refused(address: str) -> None:
    """The error shows what an address looks like.

    It does not repeat the address that was given, which may hold a password.
    """
    with pytest.raises(BadAddress, match="sqlite:///folder/file") as caught:
        await Ledger.open(address)
    assert_well_said(caught.value)


async def test_of_a_password_with_a_hash_nothing_is_shown() -> None:
    """What stands before the # looks like a host, and is a part of the password."""
    with pytest.raises(BadAddress, match="# as %23") as caught:
        await Ledger.open("postgresql://user:zebra#stripes/db")
    assert "zebra" not in str(caught.value)


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The ledger creates a file, but no folder. The error names the path."""
    with pytest.raises(Unreachable, match=r"nowhere/ledger\.sqlite, found .*No such file"):
        await Ledger.open(f"sqlite:///{tmp_path}/nowhere/ledger.sqlite")


async def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """A text file is refused, and its content stays as it was."""
    file = tmp_path / "notes.txt"
    file.touch(0o600)
    file.write_text("Not a database. " * 100)
    with pytest.raises(NotALedger):
        await Ledger.open(f"sqlite:///{file}")
    assert file.read_text() == "Not a database. " * 100


async def test_only_its_owner_can_read_a_ledger_file(tmp_path: Path) -> None:
    """A ledger holds patients, so nobody else can read the file or the two files beside it."""
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite", accept_old=True)
    await ledger.migrate()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await ledger.close()
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


async def test_a_ledger_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The error names the mode and the command that mends it; after that the ledger opens."""
    file = tmp_path / "ledger.sqlite"
    file.touch(0o600)
    file.chmod(0o644)
    with pytest.raises(AccessRefused, match=f"mode 0644 of .*chmod o= {file}"):
        await Ledger.open(f"sqlite:///{file}", accept_old=True)
    file.chmod(0o640)
    await (await Ledger.open(f"sqlite:///{file}", accept_old=True)).close()


async def test_a_full_disk_keeps_nothing_of_the_batch_sqlite(tmp_path: Path) -> None:
    """The error says that there is no room. Once there is room, the same batch is stored."""
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite", accept_old=True)
    await ledger.migrate()
    large = [message(number, raw=b"x" * 4000) for number in range(100)]
    with pytest.raises(DiskFull, match="room") as caught:
        async with ledger.batch() as batch:
            await batch.put_visits([visit()])
            await batch._transaction.connection.exec_driver_sql("PRAGMA max_page_count = 60")
            await batch.add_messages(large)
    assert_well_said(caught.value)
    async with ledger.batch() as batch:
        await batch._transaction.connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        assert await batch.visits([V1]) == {}
        assert len(await batch.add_messages(large)) == 100
    await ledger.close()


@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"])
async def test_a_full_disk_keeps_nothing_of_the_batch_postgresql(database: str, when: str) -> None:
    """That holds whether the server notices at once or only at the commit."""
    ledger = await Ledger.open(database, accept_old=True)
    await ledger.migrate()
    connection = await asyncpg.connect(database)
    await connection.execute(FULL.format(when=when))
    with pytest.raises(DiskFull) as caught:
        async with ledger.batch() as batch:
            await batch.put_visits([visit()])
            await batch.add_messages([message(1)])
    assert_well_said(caught.value)
    await connection.execute("DROP TRIGGER full_disk ON message")
    await connection.close()
    async with ledger.batch() as batch:
        assert await batch.visits([V1]) == {}
        assert len(await batch.add_messages([message(1)])) == 1
    await ledger.close()


async def test_a_ledger_that_another_program_holds_is_busy(tmp_path: Path) -> None:
    """SQLite has one writer. A second program waits as long as it was told, then says Busy."""
    address = f"sqlite:///{tmp_path}/ledger.sqlite"
    ours = await Ledger.open(address, accept_old=True, limits=LedgerLimits(busy=0.1))
    await ours.migrate()
    theirs = await Ledger.open(address)
    async with theirs.batch():
        with pytest.raises(Busy) as caught:
            async with ours.batch():
                raise AssertionError("let in")
    assert_well_said(caught.value)
    assert caught.value.passing
    async with ours.batch() as batch:
        await batch.add_messages([message(1)])
    await ours.close()
    await theirs.close()


async def test_programs_that_begin_with_a_new_file_at_once_all_get_in(tmp_path: Path) -> None:
    """SQLite does not wait for a lock when it changes the journal of a new file. We wait for it."""
    file = tmp_path / "ledger.sqlite"
    file.touch(0o600)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE theirs (a)")
    other.execute("BEGIN IMMEDIATE")
    opening = asyncio.create_task(Ledger.open(f"sqlite:///{file}", accept_old=True))
    await asyncio.wait({opening}, timeout=0.2)
    other.rollback()
    other.close()
    await (await opening).close()


@pytest.mark.hurts("postgres")
async def test_a_server_that_crashes_takes_the_batch_with_it_and_is_found_again(
    postgres: Postgres, database: str
) -> None:
    """SIGKILL for the server inside a batch gives Unreachable, and nothing of the batch stays.

    When the server runs again, the same ledger object goes on by itself.
    """
    ledger = await Ledger.open(database, accept_old=True)
    await ledger.migrate()
    with pytest.raises(Unreachable) as caught:
        async with ledger.batch() as batch:
            await batch.add_messages([message(1)])
            await asyncio.to_thread(postgres.kill)
            await batch.put_visits([visit()])
    assert_well_said(caught.value)
    with pytest.raises(Unreachable):
        await ledger.counts()
    await asyncio.to_thread(postgres.start)
    async with ledger.batch() as batch:
        assert await batch.messages_of([V1]) == {V1: []}
    await ledger.close()


@pytest.mark.hurts("postgres")
async def test_a_restart_between_two_batches_is_not_noticed(
    postgres: Postgres, database: str
) -> None:
    """A connection that died in the pool is replaced before it is used."""
    ledger = await Ledger.open(database, accept_old=True)
    await ledger.migrate()
    await asyncio.to_thread(postgres.restart)
    async with ledger.batch() as batch:
        await batch.add_messages([message(1)])
    await ledger.close()


async def test_a_refusal_that_we_do_not_know_is_told_without_the_data(ledger: Ledger) -> None:
    """A row has a status that the table does not allow.

    The error names the constraint and shows nothing of the row.
    """
    with pytest.raises(Unexpected, match="visit_status") as caught:
        async with ledger.batch() as batch:
            await batch.put_visits([visit(status="C1")])
    assert_well_said(caught.value)


async def test_data_that_the_server_quotes_is_not_shown(database: str) -> None:
    """PostgreSQL's message about bad data repeats the data; ours has only the SQLSTATE."""
    ledger = await Ledger.open(database, accept_old=True)
    with pytest.raises(Unexpected, match="22P02") as caught:
        async with ledger.view() as view:
            await view._transaction.rows(
                text("SELECT CAST(CAST(:x AS text) AS integer)"), {"x": SECRET}
            )
    assert_well_said(caught.value)
    await ledger.close()


async def test_a_statement_that_fails_shows_no_parameters(ledger: Ledger) -> None:
    """SQLAlchemy adds the statement and its parameters to an error. Our error has neither."""
    with pytest.raises(Unexpected) as caught:
        async with ledger.view() as view:
            await view._transaction.rows(
                text("SELECT nothing FROM nowhere WHERE x = :x"), {"x": SECRET}
            )
    assert_well_said(caught.value)


def lacking_room() -> list[Exception]:
    """What SQLite and the system say of a full disk when a ledger is opened."""
    short = sqlite3.OperationalError("disk I/O error")
    short.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    return [short, OSError(errno.ENOSPC, "No space left"), OSError(errno.EDQUOT, "Quota")]


@pytest.mark.parametrize("error", lacking_room(), ids=lambda error: str(error))
def test_a_full_disk_at_the_start_is_told_as_one(error: Exception) -> None:
    """Nobody is sent to look at the network, or at the log of a database that has none."""
    explained = explain(error, "sqlite:///ledger")
    assert isinstance(explained, DiskFull)
    assert "make room" in explained.finding.do
