"""From an address to an engine: which database it is, and how its connections are set up.

It owns the address, the name under which errors show it, and the settings that make a commit last
and a hung program let go. SQLAlchemy gets no address: asyncpg reads it itself, with all that libpq
understands.
"""

import asyncio
import os
import sqlite3
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import aiosqlite
import asyncpg
from sqlalchemy import AdaptedConnection, Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chargeline.ledger.errors import DRIVER_ERRORS, BadAddress, explained

WRITING = "chargeline_writing"
_POSTGRES_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
_SQLITE_SCHEMES = frozenset({"sqlite", "sqlite+aiosqlite"})
_WAL_SECONDS = 0.02
_EXAMPLES = "write sqlite:///folder/file or postgresql://user@host:5432/database"


class Address(NamedTuple):
    """Where a ledger is. `shown` is for people: no password. `place`: a path, or a URL for
    asyncpg.
    """

    dialect: str
    place: str
    shown: str


class LedgerLimits(NamedTuple):
    """How long to wait for what, in seconds; a PostgreSQL session that idles longer is ended by the
    server.

    `idle_in_transaction`: keep it below the session timeout of the Kafka group, or a frozen
    consumer keeps its successor out. No limit: None for `command`, 0 for the two that the server
    keeps.
    """

    connect: float = 10
    command: float | None = 60
    busy: float = 30
    idle_in_transaction: float = 15
    idle_relay: float = 60


def parse_address(url: str) -> Address:
    """Read an address; raises BadAddress, which does not repeat it."""
    parts = urlsplit(url)
    if parts.scheme in _SQLITE_SCHEMES and not parts.netloc and len(parts.path) > 1:
        path = unquote(parts.path[1:])
        return Address("sqlite", path, f"sqlite:///{path}")
    if parts.scheme in _POSTGRES_SCHEMES:
        host = parts.netloc.rpartition("@")[2]
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        shown = f"postgresql://{user}{'@' if user else ''}{host}{parts.path}"
        return Address("postgresql", parts._replace(scheme="postgresql").geturl(), shown)
    raise BadAddress(
        expected="the address of a SQLite file or of a PostgreSQL database",
        found=f"one that begins with `{parts.scheme}:`" if parts.scheme else "one without a scheme",
        do=_EXAMPLES,
    )


def make_engine(address: Address, limits: LedgerLimits) -> AsyncEngine:
    """An engine that has not connected yet."""
    return _sqlite(address, limits) if address.dialect == "sqlite" else _postgresql(address, limits)


def reading(address: Address) -> dict[str, Any]:
    """The options of a transaction that sees one moment throughout; SQLite's always do."""
    if address.dialect == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _postgresql(address: Address, limits: LedgerLimits) -> AsyncEngine:
    settings = {
        "application_name": "chargeline",
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_in_transaction),
        "tcp_keepalives_idle": "5",  # a peer that is gone without a word is noticed in about 15 s
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "2",
    }

    async def connect() -> Any:
        try:
            return await asyncpg.connect(
                address.place,
                timeout=limits.connect,
                command_timeout=limits.command,
                server_settings=settings,
            )
        except (asyncpg.ClientConfigurationError, ValueError) as error:
            raise BadAddress(
                expected="an address that PostgreSQL's clients understand",
                found=f"{address.shown} with something that they do not ({type(error).__name__})",
                do=_EXAMPLES,
            ) from None

    return create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, hide_parameters=True, pool_pre_ping=True
    )


async def give_back(connection: AsyncConnection) -> None:
    """Roll back what was not committed, and return the connection to its pool; a lost one is
    discarded.

    Of a lost one nothing is said: the server has rolled back, or will as soon as it notices.
    """
    with suppress(*DRIVER_ERRORS):
        await connection.close()


async def throw_away(connection: AsyncConnection) -> None:
    """End the session itself, and with it the locks that it holds."""
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
    """Make the file, which holds patients, readable for its owner only; SQLite's side files follow
    it.
    """
    with explained(address.shown):
        os.close(os.open(address.place, os.O_CREAT | os.O_RDWR, 0o600))


async def _set_up_sqlite(connection: aiosqlite.Connection, busy_seconds: float) -> None:
    """Leave BEGIN to us, make a commit outlast a loss of power, and let readers read beside a
    writer.
    """
    connection.isolation_level = None
    await connection.execute("PRAGMA synchronous = FULL")
    deadline = monotonic() + busy_seconds
    while not await _is_wal(connection):
        if monotonic() > deadline:
            break  # BEGIN says what is wrong
        await asyncio.sleep(_WAL_SECONDS)


async def _is_wal(connection: aiosqlite.Connection) -> bool:
    """Ask for the write-ahead log. Of several programs on a new file SQLite refuses some without
    waiting.
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
    """Take the one lock for writing at the start: a lock that is taken later can fail for good."""
    writing = connection.get_execution_options().get(WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
