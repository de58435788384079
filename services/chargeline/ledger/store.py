"""The ledger as a program holds it: the program opens it once, uses it in transactions, and closes
it.

This module owns the connections and the beginning and end of each transaction. It does not know
what a transaction writes or reads: Batch and View do. `connecting` reads the address, and
`migrating` compares the version of the tables.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from chargeline.ledger import data_keys, migrating
from chargeline.ledger.auditing import Act, append
from chargeline.ledger.batch import Batch
from chargeline.ledger.connecting import (
    WRITING,
    Address,
    LedgerLimits,
    give_back,
    make_engine,
    parse_address,
    reading,
    refuse_missing,
)
from chargeline.ledger.counting import Counts
from chargeline.ledger.data_keys import Rotated
from chargeline.ledger.encrypting import KeyEncryptionKey, Keyring
from chargeline.ledger.encrypting_old import MESSAGES, PARKED, START
from chargeline.ledger.errors import KeyWrong, LedgerError, explained
from chargeline.ledger.heads import TableHead, heads, held_against
from chargeline.ledger.holding import Hold, PatientsOf, all_holds
from chargeline.ledger.records import Announcement, Forgotten, StoredParkedMessage
from chargeline.ledger.relay import Relay
from chargeline.ledger.retention import forget_contributions, forget_some, forget_traces
from chargeline.ledger.successors import not_held_out
from chargeline.ledger.transaction import Transaction
from chargeline.ledger.verifying import Verified, verify
from chargeline.ledger.view import View


def _nobody(_ended: str) -> None:
    return None


class Ledger:
    """One database, shared by the tasks of one event loop. Every error of it is a LedgerError."""

    def __init__(
        self,
        address: Address,
        limits: LedgerLimits,
        renewed: Callable[[], str] | None,
        keys: Keyring,
        keys_anew: Callable[[], Awaitable[Sequence[KeyEncryptionKey]]] | None = None,
        first_key: bool = True,
    ) -> None:
        self._address = address
        self._keys, self._keys_anew, self._first_key = keys, keys_anew, first_key
        self._limits = limits
        self._renewed = renewed
        self._engine = engine = make_engine(address, limits, renewed)
        self._reading = engine.execution_options(**reading(address))
        # SQLite has one writer. Our own tasks wait here for their turn, in order.
        self._turn = asyncio.Lock()
        self.told: Callable[[str], None] = _nobody
        """Called after each transaction that writes, with how it ended: "" for a commit, the name
        of a LedgerError, or `undone` where something else made us roll it back."""
        self._relay = Relay(engine, address, limits, self._writing, keys=keys)

    @classmethod
    async def open(
        cls,
        url: str | Callable[[], str],
        *,
        accept_old: bool = False,
        limits: LedgerLimits | None = None,
        keys: Sequence[KeyEncryptionKey] = (),
        keys_anew: Callable[[], Awaitable[Sequence[KeyEncryptionKey]]] | None = None,
        locked: bool = False,
        first_key: bool = True,
    ) -> "Ledger":
        """Connect to `sqlite:///path` or `postgresql://…`, and check the version of the tables.

        Pass `accept_old` if you call `migrate` next; only then a SQLite file that does not exist is
        created.
        With `keys`, the newest first, what is stored from now on is encrypted; `keys_anew`
        reads them once more when a month begins after they were rotated. Without `first_key` a
        ledger that never had a data key gets none from us, and stays in the clear.
        Pass `locked` if no encrypted row is read, or only by `verify`, so that no key is needed.
        A function is asked for the address again for each connection: its login may
        change. Raises what the function raises, and BadAddress,
        Unreachable, AccessRefused, NotALedger, SchemaTooOld, SchemaTooNew, KeyMissing, KeyWrong.
        """
        renewed = url if callable(url) else None
        address = parse_address(url() if callable(url) else url)
        if not accept_old:
            refuse_missing(address)
        limits, ring = limits or LedgerLimits(), Keyring(keys)
        ledger = cls(
            address=address,
            limits=limits,
            renewed=renewed,
            keys=ring,
            keys_anew=keys_anew,
            first_key=first_key,
        )
        try:
            async with ledger._transaction() as transaction:
                with explained(address.shown):
                    await transaction.connection.run_sync(migrating.check, accept_old=accept_old)
                    version, newest = await transaction.connection.run_sync(migrating.versions)
                if version == newest and not locked:
                    await data_keys.open_all(transaction)
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def versions(self) -> tuple[str, str]:
        """The version of the tables, "" if there are none, and the version that we know."""
        async with self._transaction(self._reading) as transaction:
            return await transaction.connection.run_sync(migrating.versions)

    async def migrate(self, act: Act | None = None) -> None:
        """Bring the tables to our version, in one transaction, if they are older.

        The act goes into the audit trail, with the versions before and after.
        """
        unlimited = self._limits._replace(command=None, idle_in_transaction=0)
        patient = make_engine(self._address, unlimited, self._renewed)
        try:
            async with self._writing(patient) as transaction:
                with explained(self._address.shown):
                    before, after = await transaction.connection.run_sync(migrating.versions)
                    await transaction.connection.run_sync(migrating.upgrade)
                if self._keys.keks:
                    await data_keys.open_all(transaction)
                if act is not None:
                    details = {**act.details, "before": before, "after": after}
                    await append(transaction, [act._replace(details=details)])
        finally:
            await patient.dispose()

    async def close(self) -> None:
        """Close the connections, and give up the right to publish."""
        await self._relay.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Batch]:
        """One transaction that writes, committed when the block ends and rolled back when the
        block raises.

        Raises BatchFailed at the end of a block that went on after a method of Batch had failed,
        and KeyMissing or KeyWrong if a month begins and our keys are no longer the ledger's.
        """
        if not data_keys.is_ready(self._keys):
            try:
                await self._make_data_key()
            except KeyWrong:
                if self._keys_anew is None:
                    raise
                data_keys.take(self._keys, await self._keys_anew())
                await self._make_data_key()
        async with self._writing() as transaction:
            yield Batch(transaction)

    async def _make_data_key(self) -> None:
        # A transaction of its own: no row may be encrypted with a key that is not committed.
        async with self._writing() as transaction:
            writing = await data_keys.make(transaction, first=self._first_key)
        self._keys.in_the_clear, self._keys.writing = writing is None, writing
        if writing is not None:
            _month, key = writing
            self._keys.opened[key.number] = key

    @asynccontextmanager
    async def view(self) -> AsyncIterator[View]:
        """One transaction that reads. It sees one moment throughout, and no batch waits for it."""
        async with self._transaction(self._reading) as transaction:
            yield View(transaction)

    @asynccontextmanager
    async def _writing(self, engine: AsyncEngine | None = None) -> AsyncIterator[Transaction]:
        engine = (engine or self._engine).execution_options(**{WRITING: True})
        async with AsyncExitStack() as stack:
            if self._address.dialect == "sqlite":
                await stack.enter_async_context(self._turn)
            ended = "undone"
            try:
                async with self._transaction(engine) as transaction:
                    yield transaction
                ended = ""
            except LedgerError as error:
                ended = type(error).__name__
                raise
            finally:
                self.told(ended)

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine | None = None) -> AsyncIterator[Transaction]:
        with explained(self._address.shown):
            connection = await (engine or self._engine).connect()
        try:
            if self._address.dialect == "sqlite":
                # SQLAlchemy sends BEGIN with the first statement, and SQLite waits there for its
                # one lock. So the wait happens here, where an error of it is explained.
                with explained(self._address.shown):
                    await connection.exec_driver_sql("SELECT 1")
            transaction = Transaction(connection, self._address.shown, self._keys)
            yield transaction
            transaction.must_be_whole()
            with explained(self._address.shown):
                await connection.commit()
        finally:
            await asyncio.shield(asyncio.create_task(give_back(connection)))

    @asynccontextmanager
    async def takeover(self) -> AsyncIterator[Batch]:
        """A batch of a program that begins or takes over. Whoever of ours hangs and keeps a lock
        against it loses its session (`ledger/successors.py`).
        """
        async with self._writing() as transaction, not_held_out(self._engine, transaction):
            yield Batch(transaction)

    async def claim(self, topic: str, partition: int, owner: str) -> int | None:
        """Take a partition over, as `Batch.claim` does, in a `takeover` of its own."""
        async with self.takeover() as batch:
            return await batch.claim(topic, partition, owner)

    async def rotate(self, act: Act) -> Rotated:
        """Wrap all data keys with the newest key; the act says in the trail which one it is.

        Raises KeyMissing, KeyWrong.
        """
        async with self._writing() as transaction:
            rotated = await data_keys.rotate(transaction)
            await append(transaction, [act._replace(details={**act.details, **rotated._asdict()})])
            return rotated

    async def encrypt_old(self, act: Act, at_once: int = 2_000) -> tuple[int, int]:
        """Encrypt what is stored in the clear, a page a transaction; returns how many messages and
        parked messages that were, and how many are left because their seals are broken.

        Raises KeyMissing.
        """
        encrypted = left = 0
        for kind in (MESSAGES, PARKED):
            page = START
            while page.after is not None:
                async with self.batch() as batch:
                    page = await batch.encrypt_page(kind, page.after, at_once, act)
                encrypted, left = encrypted + page.encrypted, left + page.left
        return encrypted, left

    async def verify(self, kept: Iterable[Mapping[str, TableHead]] = ()) -> list[Verified]:
        """Whether the ledger is as it was written, table by table, as of this moment.

        It is also held against heads that were kept elsewhere.
        """
        async with self._transaction(self._reading) as transaction:
            walked = await verify(transaction)
            return [*walked, *[await held_against(transaction, head) for head in kept]]

    async def heads(self) -> dict[str, TableHead]:
        """The head of each chain and tally, by the name of the table, as of this moment."""
        async with self._transaction(self._reading) as transaction:
            return await heads(transaction)

    async def take_outbox(self, limit: int) -> list[Announcement]:
        """The first events of the outbox, in the order of their ids.

        The same events come again until they are deleted. One that does not open comes as it is
        stored, with its `data_key`. While another program is the relay, the list is empty.
        """
        async with self._relay.turn() as transaction:
            return await View(transaction).announced(limit) if transaction else []

    @property
    def is_relay(self) -> bool:
        """Whether this program was the relay when it last asked for the outbox."""
        return self._relay.is_ours

    async def delete_outbox(self, ids: Iterable[int]) -> int:
        """Remove published events from the outbox; returns how many of them were there.

        Only the relay removes any.
        """
        async with self._relay.turn() as transaction:
            return await Batch(transaction).delete_announced(ids) if transaction else 0

    async def parked(
        self, status: str | None = "parked", limit: int = 100, after: int = 0, code: str = ""
    ) -> list[StoredParkedMessage]:
        """Parked messages of a status, or of any status with None, in the order of their ids.

        `after` is the last id of the page before, `code` the reason of all of them, "" for any.
        """
        async with self.view() as view:
            return await view.parked(status, limit, after, code)

    async def show(self, parked_id: int) -> StoredParkedMessage:
        """One parked message; raises NotFound."""
        async with self.view() as view:
            return await view.show(parked_id)

    async def set_status(self, parked_id: int, status: str, *, was: str = "parked") -> None:
        """Move a parked message from the status `was` to another.

        Raises NotFound if the message has another status by now.
        """
        async with self.batch() as batch:
            await batch.set_status(parked_id, status, was=was)

    async def holds(self) -> list[Hold]:
        """Every legal hold, with what it keeps now."""
        async with self._transaction(self._reading) as transaction:
            return await all_holds(transaction)

    async def counts(self) -> Counts:
        """How much waits and since when, for metrics."""
        async with self.view() as view:
            return await view.counts()

    async def forget(
        self,
        before: datetime,
        *,
        record_before: datetime,
        parked_before: datetime,
        chunk: int = 200,
        reads: PatientsOf | None = None,
    ) -> Forgotten:
        """Remove what is older than a moment, and patients' records older than `record_before`.

        Of a visit that was last changed before that moment the messages, revisions and questions
        go, and what is left of it with patients' records. Messages of no visit and parked messages
        that a person has seen to go as well, and others that came before `parked_before`. One
        transaction takes at most `chunk` visits, so that other programs get their turn. `reads`
        tells which patients a message names, and must be given where a patient is held.
        """
        total = Forgotten()
        while True:
            async with self._writing() as transaction:
                some = await forget_contributions(transaction, record_before, chunk)
                some = some.plus(await forget_traces(transaction, record_before, chunk))
                some = some.plus(
                    await forget_some(transaction, before, parked_before, chunk=chunk, reads=reads)
                )
            if some == Forgotten():
                return total
            total = total.plus(some)
