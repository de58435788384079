"""What the workbench writes besides answers: who sees to a visit, what still runs, who may come in.

This module owns the rows of assignments, of what is said to run, of sessions and of tokens. It does
not know what a role may do, nor how somebody logs in. A session and a token are stored under a hash
of what the browser or the program keeps, so that nobody who reads the ledger can use them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update

from chargeline.engine import VisitKey
from chargeline.ledger import statements, tables
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.workbench_records import (
    StoredAssignment,
    StoredSession,
    StoredStillRunning,
    StoredToken,
)


class WorkbenchRows:
    """Assignments, what runs, sessions and tokens, as one transaction sees and writes them."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def assignments(
        self, visits: Iterable[tuple[str, str]]
    ) -> dict[VisitKey, StoredAssignment]:
        """Who sees to each visit; a visit that nobody was given is not in the result."""
        dialect = self._transaction.dialect
        statement = statements.of_visits(dialect, tables.assignment)
        rows = await self._transaction.rows(statement, statements.keyed(dialect, visits))
        return {VisitKey(row.facility, row.visit): StoredAssignment._make(row) for row in rows}

    async def owners(self) -> list[str]:
        """Everybody to whom a visit is given, sorted."""
        # From one owner to the next by the index: each has thousands of visits.
        owner = tables.assignment.c.owner
        owners = select(func.min(owner).label("owner")).where(owner != "").cte(recursive=True)
        after = select(func.min(owner)).where(owner > owners.c.owner).scalar_subquery()
        owners = owners.union_all(select(after).where(owners.c.owner.is_not(None)))
        rows = await self._transaction.rows(
            select(owners.c.owner).where(owners.c.owner.is_not(None)).order_by(owners.c.owner)
        )
        return [row[0] for row in rows]

    async def assign(self, assignments: Sequence[StoredAssignment]) -> None:
        """Write who sees to visits, in place of what was there. Raises Unstorable."""
        await self._transaction.insert(tables.assignment, assignments, "replace")

    async def still_running(self, said: StoredStillRunning, now: datetime) -> None:
        """Write that a drug still runs, in place of what was said of it; what holds no more goes.

        Raises Unstorable.
        """
        table = tables.still_running
        await self._transaction.run(delete(table).where(table.c.until <= now))
        await self._transaction.insert(table, [said], "replace")

    async def session(self, digest: str) -> StoredSession | None:
        """A session, None if there is none of this hash."""
        table = tables.session
        rows = await self._transaction.rows(select(table).where(table.c.digest == digest))
        return StoredSession._make(rows[0]) if rows else None

    async def begin_session(self, session: StoredSession) -> None:
        """Store a new session. Raises Unstorable."""
        await self._transaction.insert(tables.session, [session])

    async def see_session(self, digest: str, at: datetime) -> None:
        """Note that a session was used."""
        table = tables.session
        await self._transaction.run(
            update(table).where(table.c.digest == digest).values(seen_at=at)
        )

    async def end_sessions(
        self,
        *,
        digest: str = "",
        provider_session: str = "",
        subject: str = "",
        unnamed: bool = False,
        idle_since: datetime | None = None,
    ) -> int:
        """End one session, those of a session or a person at the provider, or those idle for too
        long. `unnamed` takes of a person only those of which the provider named no session.

        Returns how many there were.
        """
        table = tables.session
        if idle_since is not None:
            ended = table.c.seen_at < idle_since
        elif provider_session:
            ended = table.c.provider_session == provider_session
        elif subject:
            ended = table.c.subject == subject
            if unnamed:
                ended &= table.c.provider_session == ""
        else:
            ended = table.c.digest == digest
        return await self._transaction.run(delete(table).where(ended))

    async def token(self, digest: str) -> StoredToken | None:
        """A token, None if there is none of this hash."""
        table = tables.api_token
        rows = await self._transaction.rows(select(table).where(table.c.digest == digest))
        return StoredToken._make(rows[0]) if rows else None

    async def tokens(self) -> list[StoredToken]:
        """All tokens by name, those that have ended among them."""
        table = tables.api_token
        rows = await self._transaction.rows(select(table).order_by(table.c.name))
        return [StoredToken._make(row) for row in rows]

    async def add_token(self, token: StoredToken) -> None:
        """Store a new token. Raises BatchFailed where there is one of its name."""
        await self._transaction.insert(tables.api_token, [token])

    async def see_token(self, digest: str, at: datetime) -> None:
        """Note that a token was used."""
        table = tables.api_token
        await self._transaction.run(
            update(table).where(table.c.digest == digest).values(seen_at=at)
        )

    async def remove_token(self, name: str) -> None:
        """Remove the token of a name."""
        table = tables.api_token
        await self._transaction.run(delete(table).where(table.c.name == name))
