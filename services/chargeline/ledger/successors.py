"""Ends the sessions of a program that hangs and keeps its successor out (PostgreSQL only).

A program that is frozen while it sends a statement leaves a session that PostgreSQL takes for
active: the server waits for the rest of the message, so neither of its limits for idle sessions
ends it, and the machine of the program still answers keep-alives. The session keeps its locks for
as long as the program is frozen. So whoever is to take over ends that session; PostgreSQL lets a
role do so to sessions of its own. The frozen program finds its connection broken when it wakes up,
and nothing of its transaction is stored.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chargeline.ledger.connecting import APPLICATION_NAME
from chargeline.ledger.errors import DRIVER_ERRORS
from chargeline.ledger.transaction import Transaction

WAIT_SECONDS = 5.0
"""How long a successor waits for a lock before it ends the session that holds the lock.

The batch of a program that does not hang ends sooner. If it does not, it is rolled back and its
records are read again, by the successor.
"""
_OWN_PID = text("SELECT pg_backend_pid()")
_END_BLOCKERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid = ANY(pg_blocking_pids(CAST(:pid AS int))) "
    "AND application_name = :name AND usename = current_user"
)
# A session that waits for its client in the middle of a statement, and has done so for long.
_END_HOLDER = text(
    "SELECT pg_terminate_backend(activity.pid) FROM pg_locks AS held "
    "JOIN pg_stat_activity AS activity USING (pid) "
    "WHERE held.locktype = 'advisory' AND held.granted "
    "AND (CAST(held.classid AS bigint) << 32 | CAST(held.objid AS bigint)) = CAST(:lock AS bigint) "
    "AND activity.datname = current_database() "
    "AND activity.application_name = :name AND activity.usename = current_user "
    "AND activity.state = 'active' AND activity.wait_event_type = 'Client' "
    "AND activity.state_change < now() - make_interval(secs => CAST(:seconds AS double precision))"
)


@asynccontextmanager
async def not_held_out(engine: AsyncEngine, transaction: Transaction) -> AsyncIterator[None]:
    """A block in which no other session of ours holds a lock against a transaction for long."""
    if transaction.dialect != "postgresql":
        yield
        return
    pid = (await transaction.rows(_OWN_PID))[0][0]
    watch = asyncio.create_task(_end_blockers(engine, pid))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _end_blockers(engine: AsyncEngine, pid: int) -> None:
    while True:
        await asyncio.sleep(WAIT_SECONDS)
        # If the database does not let us, the transaction waits on, and its own limit says so.
        with suppress(*DRIVER_ERRORS):
            async with engine.begin() as connection:
                await connection.execute(_END_BLOCKERS, {"pid": pid, "name": APPLICATION_NAME})


async def end_frozen_holder(connection: AsyncConnection, lock: int, seconds: float) -> None:
    """End the session that holds an advisory lock and has not gone on for so many seconds."""
    asked = {"lock": lock, "name": APPLICATION_NAME, "seconds": seconds}
    await connection.execute(_END_HOLDER, asked)
