"""One transaction on one connection, and the few ways in which views and batches use it.

This module owns how a statement is sent to either database, and the rule that a transaction in
which a step failed is not committed. It knows no table. Without the rule PostgreSQL would answer
that COMMIT with a rollback and no error, and the program would believe that its rows are stored.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Executable, Row, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from chargeline.ledger import statements
from chargeline.ledger.bulk import OnConflict, Prepared, Rows, prepare
from chargeline.ledger.encrypting import Keyring
from chargeline.ledger.errors import BatchFailed, LedgerError, explained

_AT_ONCE = 500


class Transaction:
    """One transaction. The ledger begins and ends it; views and batches send statements in it."""

    def __init__(
        self, connection: AsyncConnection, address: str, keys: Keyring | None = None
    ) -> None:
        self.connection = connection
        self.address = address
        self.keys = keys or Keyring()
        self.is_key_there = False  # whether this transaction saw the data key that encrypts
        self.dialect = connection.dialect.name
        self._failed = ""

    async def rows(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """All rows that a statement gives."""
        with self._noted():
            return (await self.connection.execute(statement, parameters)).all()

    async def stream(self, statement: Executable) -> AsyncIterator[Row[Any]]:
        """The rows that a statement gives, some hundred at a time, however many there are."""
        with self._noted():
            # The options are the statement's: those of the connection would stay with it.
            asked = self.connection.stream(statement, execution_options={"yield_per": _AT_ONCE})
            async with asked as result:
                async for row in result:
                    yield row

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement; returns how many rows it changed."""
        with self._noted():
            return (await self.connection.execute(statement, parameters)).rowcount

    async def insert(self, table: Table, rows: Rows, on_conflict: OnConflict = "fail") -> None:
        """Write rows.

        Of several rows with one key, "ignore" writes the first and "replace" the last. "add" adds
        numbers to those of the row that is stored.
        """
        if rows:
            await self._send(prepare(self.dialect, table, rows, on_conflict))

    async def insert_new(self, table: Table, rows: Rows) -> list[int]:
        """Write the rows whose key is not stored yet; returns their places in the call.

        The columns of the key must be texts.
        """
        if not rows:
            return []
        prepared = prepare(self.dialect, table, rows, "ignore")
        if self.dialect == "postgresql":
            written = {tuple(key) for key in await self._send(prepared)}
            return prepared.only(written.__contains__).places
        stored = await self._stored_keys(table, prepared.keys)
        news = prepared.only(lambda key: key not in stored)
        await self._send(news)
        return news.places

    async def _send(self, prepared: Prepared) -> Sequence[Any]:
        """Send all rows at once. PostgreSQL gives back the keys that were new."""
        if not prepared.rows:
            return ()
        with self._noted():
            if self.dialect == "sqlite":
                await self.connection.exec_driver_sql(prepared.statement, prepared.rows)
                return ()
            driver = (await self.connection.get_raw_connection()).driver_connection
            assert driver is not None
            if not driver.is_in_transaction():
                # SQLAlchemy sends BEGIN with its own first statement, and this one passes it by.
                await self.connection.exec_driver_sql("SELECT 1")
            rows: Sequence[Any] = await driver.fetch(
                prepared.statement, *zip(*prepared.rows, strict=True)
            )
            return rows

    async def _stored_keys(
        self, table: Table, keys: Sequence[tuple[Any, ...]]
    ) -> set[tuple[Any, ...]]:
        """Which of these keys a SQLite table holds.

        We hold SQLite's one lock, so the answer stays true until we commit.
        """
        rows = await self.rows(statements.stored_keys(table), {"keys": json.dumps(keys)})
        return {tuple(key) for key in rows}

    def fail(self, error: LedgerError) -> LedgerError:
        """Note that this transaction must not be committed; returns the error, to be raised."""
        self._failed = type(error).__name__
        return error

    def must_be_whole(self) -> None:
        """Raise BatchFailed if a step has failed."""
        if self._failed:
            raise BatchFailed(
                expected="a batch of which every step was done",
                found=f"one that went on after {self._failed}",
                do="let the error out of the batch, and begin another batch",
            )

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            with explained(self.address):
                yield
        except BaseException as error:
            self._failed = type(error).__name__
            raise
