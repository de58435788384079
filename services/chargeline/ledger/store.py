"""The ledger as programs hold it: opened once, used in transactions, closed.

It owns connections and the beginning and end of transactions. What is in one is Batch's and View's;
the address is `connecting`'s, the tables' version `migrating`'s.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from chargeline.ledger import migrating
from chargeline.ledger.batch import Batch
from chargeline.ledger.connecting import (
    WRITING,
    Address,
    LedgerLimits,
    give_back,
    make_engine,
    parse_address,
    reading,
)
from chargeline.ledger.errors import explained
from chargeline.ledger.records import Announcement, Counts, Forgotten, StoredParkedMessage
from chargeline.ledger.relay import Relay
from chargeline.ledger.retention import forget_contributions, forget_some
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.view import View


class Ledger:
    """One database, shared by the tasks of one event loop. Every error is a LedgerError."""

    def __init__(self, address: Address, limits: LedgerLimits, engine: AsyncEngine) -> None:
        self._address = address
        self._limits = limits
        self._engine = engine
        self._reading = engine.execution_options(**reading(address))
        self._turn = asyncio.Lock()  # SQLite has one writer: our own tasks wait here, in order
        self._relay = Relay(engine, address, limits, self._writing)

    @classmethod
    async def open(
        cls, url: str, *, accept_old: bool = False, limits: LedgerLimits | None = None
    ) -> "Ledger":
        """Connect to `sqlite:///path` (made if it is not there) or `postgresql://…`, and check the
        tables.

        `accept_old` is for those who call `migrate` next. Raises BadAddress, Unreachable,
        AccessRefused, NotALedger, SchemaTooOld, SchemaTooNew.
        """
        address, limits = parse_address(url), limits or LedgerLimits()
        ledger = cls(address, limits, make_engine(address, limits))
        try:
            async with ledger._transaction() as transaction:
                with explained(address.shown):
                    await transaction.connection.run_sync(migrating.check, accept_old=accept_old)
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def migrate(self) -> None:
        """Bring the tables to this version, in one transaction; nothing happens if they are."""
        patient = make_engine(
            self._address, self._limits._replace(command=None, idle_in_transaction=0)
        )
        try:
            async with self._writing(patient) as transaction:
                with explained(self._address.shown):
                    await transaction.connection.run_sync(migrating.upgrade)
        finally:
            await patient.dispose()

    async def close(self) -> None:
        """Give up the connections, and the relay's lock."""
        await self._relay.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Batch]:
        """One transaction that writes: kept whole when the block ends, gone when it raises.

        Raises BatchFailed at the end of a block that went on after an error of a Batch method.
        """
        async with self._writing() as transaction:
            yield Batch(transaction)

    @asynccontextmanager
    async def view(self) -> AsyncIterator[View]:
        """One transaction that reads, sees one moment throughout, and holds up nobody."""
        async with self._transaction(self._reading) as transaction:
            yield View(transaction)

    @asynccontextmanager
    async def _writing(self, engine: AsyncEngine | None = None) -> AsyncIterator[Transaction]:
        engine = (engine or self._engine).execution_options(**{WRITING: True})
        async with AsyncExitStack() as stack:
            if self._address.dialect == "sqlite":
                await stack.enter_async_context(self._turn)
            yield await stack.enter_async_context(self._transaction(engine))

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine | None = None) -> AsyncIterator[Transaction]:
        with explained(self._address.shown):
            connection = await (engine or self._engine).connect()
        try:
            if (
                self._address.dialect == "sqlite"
            ):  # with the first statement it waits for its one lock
                with explained(self._address.shown):
                    await connection.exec_driver_sql("SELECT 1")
            transaction = Transaction(connection, self._address.shown)
            yield transaction
            transaction.must_be_whole()
            with explained(self._address.shown):
                await connection.commit()
        finally:
            await asyncio.shield(asyncio.create_task(give_back(connection)))

    async def take_outbox(self, limit: int) -> list[Announcement]:
        """The first announcements, in order; the same again until they are deleted.

        Empty as well while another program is the relay.
        """
        async with self._relay.turn() as transaction:
            return await View(transaction).announced(limit) if transaction else []

    async def delete_outbox(self, ids: Iterable[int]) -> int:
        """Remove what has been published; returns how many were there. The relay only."""
        async with self._relay.turn() as transaction:
            return await Batch(transaction).delete_announced(ids) if transaction else 0

    async def parked(
        self, status: str | None = "parked", limit: int = 100, after: int = 0
    ) -> list[StoredParkedMessage]:
        """Parked messages of a status (None: of any) in order of id; `after` an id, to go on from
        there.
        """
        async with self.view() as view:
            return await view.parked(status, limit, after)

    async def show(self, parked_id: int) -> StoredParkedMessage:
        """One parked message; raises NotFound."""
        async with self.view() as view:
            return await view.show(parked_id)

    async def set_status(self, parked_id: int, status: str, *, was: str = "parked") -> None:
        """Move a parked message from one status to another; raises NotFound if it is not in the
        first.
        """
        async with self.batch() as batch:
            await batch.set_status(parked_id, status, was=was)

    async def counts(self) -> Counts:
        """What is waiting, for metrics."""
        async with self.view() as view:
            return await view.counts()

    async def forget(
        self, before: datetime, *, record_before: datetime, chunk: int = 200
    ) -> Forgotten:
        """Remove what visits left behind that were last touched before a moment.

        Messages, revisions and questions of those visits, messages of no visit received before, and
        settled parked messages; of patients' records what happened before another moment. A
        transaction takes `chunk` visits at most, so that others get their turn.
        """
        total = Forgotten()
        while True:
            async with self._writing() as transaction:
                some = await forget_some(transaction, before, chunk)
                some = some.plus(await forget_contributions(transaction, record_before, chunk))
            if some == Forgotten():
                return total
            total = total.plus(some)
