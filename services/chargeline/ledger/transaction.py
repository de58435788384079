"""One transaction on one connection, and the few ways in which it is used.

It owns how a statement is sent on either database, and that a transaction in which a step failed is
not
committed: PostgreSQL would turn that COMMIT into a rollback without a word. It knows no table.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Executable, Row, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from chargeline.ledger import statements
from chargeline.ledger.bulk import OnConflict, Prepared, Rows, prepare
from chargeline.ledger.errors import BatchFailed, LedgerError, explained


class Transaction:
    """What views and batches stand on; it is begun and ended by the ledger."""

    def __init__(self, connection: AsyncConnection, address: str) -> None:
        self.connection = connection
        self.address = address
        self.dialect = connection.dialect.name
        self._failed = ""

    async def rows(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """All rows of a statement."""
        with self._noted():
            return (await self.connection.execute(statement, parameters)).all()

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """How many rows a statement changed."""
        with self._noted():
            return (await self.connection.execute(statement, parameters)).rowcount

    async def insert(self, table: Table, rows: Rows, on_conflict: OnConflict = "fail") -> None:
        """Write rows; of several with one key the first counts with "ignore", the last with
        "replace".
        """
        if rows:
            await self._send(prepare(self.dialect, table, rows, on_conflict))

    async def insert_new(self, table: Table, rows: Rows) -> list[int]:
        """Write the rows whose key, of texts, is not there yet; returns their places in the
        call.
        """
        if not rows:
            return []
        prepared = prepare(self.dialect, table, rows, "ignore")
        if self.dialect == "postgresql":
            written = {tuple(each) for each in await self._send(prepared)}
            return prepared.only(written.__contains__).places
        known = await self._known(table, prepared.keys)
        news = prepared.only(lambda key: key not in known)
        await self._send(news)
        return news.places

    async def _send(self, prepared: Prepared) -> Sequence[Any]:
        """Send the rows in one go; PostgreSQL gives back the keys that were new."""
        if not prepared.rows:
            return ()
        with self._noted():
            if self.dialect == "sqlite":
                await self.connection.exec_driver_sql(prepared.statement, prepared.rows)
                return ()
            driver = (await self.connection.get_raw_connection()).driver_connection
            assert driver is not None
            if (
                not driver.is_in_transaction()
            ):  # it begins with the first statement that SQLAlchemy sends
                await self.connection.exec_driver_sql("SELECT 1")
            found: Sequence[Any] = await driver.fetch(
                prepared.statement, *zip(*prepared.rows, strict=True)
            )
            return found

    async def _known(self, table: Table, keys: Sequence[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        """Which of these keys a SQLite table holds; our lock keeps it so until we commit."""
        rows = await self.rows(statements.known(table), {"keys": json.dumps(keys)})
        return {tuple(each) for each in rows}

    def fail(self, error: LedgerError) -> LedgerError:
        """Note that this transaction must not be committed; returns the error, to be raised."""
        self._failed = type(error).__name__
        return error

    def must_be_whole(self) -> None:
        """Raises BatchFailed when a step has failed."""
        if self._failed:
            raise BatchFailed(
                expected="a batch whose every step was done",
                found=f"one that went on after {self._failed}",
                do="let the error out of the batch, and begin another",
            )

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            with explained(self.address):
                yield
        except BaseException as error:
            self._failed = type(error).__name__
            raise
