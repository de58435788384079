"""Who may read the outbox: one program at a time, which is then the relay.

This module owns the lock. On PostgreSQL a connection of its own holds the lock, so the lock is free
as soon as the relay's program dies. It is free as well when that program hangs, because the server
ends a session that is idle for longer than `LedgerLimits.idle_relay`, 60 seconds, and whoever waits
for the lock ends one that stands still in the middle of a statement for that long. A program that
waits keeps one connection and asks once a second. SQLite serves one program, so there a plain
transaction does. The module does not know what is published where.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chargeline.ledger.connecting import Address, LedgerLimits, throw_away
from chargeline.ledger.encrypting import Keyring
from chargeline.ledger.errors import explained
from chargeline.ledger.successors import end_frozen_holder
from chargeline.ledger.transaction import Transaction

# The number of an advisory lock of PostgreSQL: any will do that nobody else uses in this database.
RELAY_LOCK = 7_203_114_002
_TAKE = text(
    "SELECT set_config('idle_session_timeout', CAST(:idle AS text), false), "
    "pg_try_advisory_lock(:lock)"
)

_TRY_SECONDS = 1.0

Transactions = Callable[[], AbstractAsyncContextManager[Transaction]]


class Relay:
    """The right to publish: the first turn takes it, and `close` or an error gives it up."""

    def __init__(
        self,
        engine: AsyncEngine,
        address: Address,
        limits: LedgerLimits,
        transactions: Transactions,
        keys: Keyring,
    ) -> None:
        self._engine = engine
        self._address = address
        self._idle = str(round(limits.idle_relay * 1000))
        self._idle_seconds = limits.idle_relay
        self._transactions = transactions
        self._keys = keys
        self._connection: AsyncConnection | None = None
        self._waiting: AsyncConnection | None = None
        self._next_try = 0.0
        self._lock = asyncio.Lock()

    @property
    def is_ours(self) -> bool:
        """Whether this program had the right at its last turn."""
        return self._address.dialect == "sqlite" or self._connection is not None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Transaction | None]:
        """A transaction on the outbox, or None while another program is the relay."""
        if self._address.dialect == "sqlite":
            async with self._transactions() as transaction:
                yield transaction
            return
        async with self._lock:
            connection = self._connection or await self._taken()
            if connection is None:
                yield None
                return
            try:
                yield Transaction(connection, self._address.shown, self._keys)
            except BaseException:
                await self._drop(connection)
                raise

    async def _taken(self) -> AsyncConnection | None:
        """The connection that holds the lock now; None if another program's does, or if we asked
        less than a second ago.
        """
        now = asyncio.get_running_loop().time()
        if now < self._next_try:
            return None
        self._next_try = now + _TRY_SECONDS
        with explained(self._address.shown):
            connection = self._waiting or await self._connected()
            try:
                answer = await connection.execute(_TAKE, {"idle": self._idle, "lock": RELAY_LOCK})
                if answer.one()[1]:
                    self._connection, self._waiting, self._next_try = connection, None, 0.0
                    return connection
                await end_frozen_holder(connection, RELAY_LOCK, self._idle_seconds)
            except BaseException:
                await self._drop(connection)
                raise
        self._waiting = connection
        return None

    async def _connected(self) -> AsyncConnection:
        connection = await self._engine.connect()
        return await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def _drop(self, connection: AsyncConnection) -> None:
        """Give the right up. The session must end: back in the pool it would keep the lock."""
        self._connection = self._waiting = None
        await throw_away(connection)

    async def close(self) -> None:
        """Let another program be the relay."""
        async with self._lock:
            connection = self._connection or self._waiting
            if connection is not None:
                await self._drop(connection)
