"""From an address to an engine: which database it names, and how its connections are set up.

This module owns the address, the form in which errors show the address, and the settings that make
a commit last and make a hung program let go. It knows no table. asyncpg reads a PostgreSQL address
itself, so that an address may hold all that libpq understands; SQLAlchemy never sees it.
"""

import asyncio
import os
import sqlite3
import ssl
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import aiosqlite
import asyncpg
from sqlalchemy import AdaptedConnection, Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chargeline.engine import FindingError
from chargeline.ledger.errors import (
    DRIVER_ERRORS,
    AccessRefused,
    BadAddress,
    LedgerError,
    SchemaTooOld,
    explained,
)

WRITING = "chargeline_writing"
APPLICATION_NAME = "chargeline"
"""By this name PostgreSQL shows our sessions."""
_POSTGRES_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
_SQLITE_SCHEMES = frozenset({"sqlite", "sqlite+aiosqlite"})
_WAL_SECONDS = 0.02
_EXAMPLES = "write sqlite:///folder/file or postgresql://user@host:5432/database"


class Address(NamedTuple):
    """Where a ledger is.

    `place` is the path of a SQLite file, or a URL for asyncpg. `shown` is the address for people,
    without the password.
    """

    dialect: str
    place: str
    shown: str


class LedgerLimits(NamedTuple):
    """How long to wait for what, in seconds.

    `connect` and `command` limit a connection and a statement on PostgreSQL, `busy` the wait for
    SQLite's lock. `idle_in_transaction` and `idle_relay` are the server's: PostgreSQL ends a
    session that is idle longer. Keep `idle_in_transaction` below the session timeout of the Kafka
    group, or a frozen consumer keeps its successor out. To have no limit, give None for `command`
    and 0 for the two of the server.
    """

    connect: float = 10
    command: float | None = 60
    busy: float = 30
    idle_in_transaction: float = 15
    idle_relay: float = 60


def parse_address(url: str) -> Address:
    """Read an address.

    Raises BadAddress, which does not repeat the address, because that may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme in _SQLITE_SCHEMES and not parts.netloc and len(parts.path) > 1:
        path = unquote(parts.path[1:])
        return Address("sqlite", path, f"sqlite:///{path}")
    if parts.scheme in _POSTGRES_SCHEMES:
        if "@" in parts.path + parts.query or parts.fragment:
            raise BadAddress(
                expected="a user and a password whose special characters are percent-encoded",
                found="an @ or a # behind the name of the server",
                do="write / as %2F, ? as %3F, # as %23 and @ as %40 in the password",
            )
        host = parts.netloc.rpartition("@")[2]
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        shown = f"postgresql://{user}{'@' if user else ''}{host}{parts.path}"
        return Address("postgresql", parts._replace(scheme="postgresql").geturl(), shown)
    raise BadAddress(
        expected="the address of a SQLite file or of a PostgreSQL database",
        found=f"an address of `{parts.scheme}:`" if parts.scheme else "one without a scheme",
        do=_EXAMPLES,
    )


def refuse_missing(address: Address) -> None:
    """Raise SchemaTooOld where a SQLite file does not exist, so that looking creates none.

    Where its folder is missing too, opening it creates nothing, and says which folder.
    """
    if address.dialect != "sqlite":
        return
    path = Path(address.place)
    if path.parent.is_dir() and not path.exists():
        raise SchemaTooOld(
            expected=f"the tables of a ledger in {address.place}",
            found="a database without a ledger",
            do="migrate it with `chargeline ledger migrate` before anything else runs",
        )


def make_engine(
    address: Address, limits: LedgerLimits, renewed: Callable[[], str] | None = None
) -> AsyncEngine:
    """An engine; it connects when it is first used.

    For each connection to PostgreSQL `renewed` gives the address anew: its password may have
    changed.
    """
    if address.dialect == "sqlite":
        return _sqlite(address, limits)
    return _postgresql(address, limits, renewed)


def reading(address: Address) -> dict[str, Any]:
    """The options of a transaction that sees one moment throughout.

    On SQLite every transaction does, so it needs none.
    """
    if address.dialect == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _postgresql(
    address: Address, limits: LedgerLimits, renewed: Callable[[], str] | None
) -> AsyncEngine:
    settings = {
        "application_name": APPLICATION_NAME,
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_in_transaction),
        # With these three the server notices in about 15 seconds that a client's machine is gone.
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "2",
    }

    async def connect() -> Any:
        try:
            return await asyncpg.connect(
                _place_now(address, renewed),
                timeout=limits.connect,
                command_timeout=limits.command,
                server_settings=settings,
            )
        except ssl.SSLCertVerificationError as error:  # a ValueError as well
            raise AccessRefused(
                expected="a PostgreSQL whose certificate is valid and has the name of its host",
                found=error.verify_message,
                do="correct CHARGELINE_LEDGER_TLS_CA_FILE, or the certificate of the server",
            ) from None
        except (asyncpg.ClientConfigurationError, ValueError) as error:
            # The address is not shown: what it takes for a host may be a part of the password.
            raise BadAddress(
                expected="an address that PostgreSQL's clients understand",
                found=f"one with a part that they do not ({type(error).__name__})",
                do=_EXAMPLES,
            ) from None

    return create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, hide_parameters=True, pool_pre_ping=True
    )


def _place_now(address: Address, renewed: Callable[[], str] | None) -> str:
    """The address with its login of now. Raises BadAddress, AccessRefused."""
    if renewed is None:
        return address.place
    try:
        now = parse_address(renewed())
    except LedgerError:
        raise
    except FindingError as error:  # of whoever reads the address
        reason = error.findings[0]
        raise AccessRefused(expected=reason.expected, found=reason.found, do=reason.do) from None
    if _database(now) != _database(address):
        raise BadAddress(
            expected=f"the address of the same database, {address.shown}",
            found="the address of another one",
            do="end the programs to move to another database; only the login may change meanwhile",
        )
    return now.place


def _database(address: Address) -> tuple[str, str]:
    parts = urlsplit(address.place)
    return parts.netloc.rpartition("@")[2], parts.path


async def give_back(connection: AsyncConnection) -> None:
    """Roll back what was not committed, and return the connection to its pool.

    A connection that was lost is discarded without an error: the server has rolled it back, or will
    as soon as it notices the loss.
    """
    with suppress(*DRIVER_ERRORS):
        await connection.close()


async def throw_away(connection: AsyncConnection) -> None:
    """End the session, and with it the locks that the session holds."""
    with suppress(*DRIVER_ERRORS):
        await connection.invalidate()
    with suppress(*DRIVER_ERRORS):
        await connection.close()


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _sqlite(address: Address, limits: LedgerLimits) -> AsyncEngine:
    _make_file(address)
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{address.place}",
        hide_parameters=True,
        connect_args={"timeout": limits.busy},
    )

    def set_up(connection: AdaptedConnection, _record: object) -> None:
        connection.run_async(lambda driver: _set_up_sqlite(driver, limits.busy))

    event.listen(engine.sync_engine, "connect", set_up)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _make_file(address: Address) -> None:
    """Make a file that is missing, readable for its owner only, because it holds patients.

    SQLite gives the files that it writes beside it (-wal, -shm) the same mode. A file that is there
    is not opened: to close it would end the locks that other connections of this process hold on
    it (fcntl(2)). Another process would then take itself for the last one, delete the -wal, and the
    two would go on with different ledgers.
    """
    with explained(address.shown), suppress(FileExistsError):
        os.close(os.open(address.place, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        return
    _refuse_what_others_read(address.place)


def _refuse_what_others_read(path: str) -> None:
    """Raise AccessRefused if every user of the machine may open the file of a ledger."""
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(Path(path).stat().st_mode)
        if mode & stat.S_IRWXO:
            raise AccessRefused(
                expected="a ledger that no other user of the machine can open, because it holds "
                "patients",
                found=f"the mode {mode:04o} of {path}",
                do=f"chmod o= {path}",
            )


async def _set_up_sqlite(connection: aiosqlite.Connection, busy_seconds: float) -> None:
    """Set a connection up.

    We send BEGIN ourselves, a commit outlasts a loss of power, readers read beside a writer, and
    what is deleted is overwritten, however SQLite was built. A byte that is no UTF-8 comes as a
    lone surrogate: Python would else refuse a whole result for one damaged row, and not say which.
    """
    connection.isolation_level = None
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA secure_delete = ON")
    deadline = monotonic() + busy_seconds
    while not await _is_wal(connection):
        if monotonic() > deadline:
            break  # the BEGIN that follows fails too, and its error says what is wrong
        await asyncio.sleep(_WAL_SECONDS)


async def _is_wal(connection: aiosqlite.Connection) -> bool:
    """Ask for the write-ahead log; returns whether SQLite has turned it on.

    When several programs open a new file at once, SQLite refuses some of them without waiting.
    """
    try:
        cursor = await connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
        return False
    await cursor.close()
    return True


def _begin_sqlite(connection: Connection) -> None:
    """Take SQLite's one lock for writing at the start of the transaction.

    SQLite may refuse for good a transaction that has read and then asks for the lock.
    """
    writing = connection.get_execution_options().get(WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
