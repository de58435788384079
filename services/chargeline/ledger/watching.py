"""Whether the feed is whole: when each kind of message of a facility was last heard.

This module owns two queries, and that neither reads a whole table. It does not know how long a
sender may be silent.
"""

from typing import NamedTuple

from sqlalchemy import func, select, tuple_

from chargeline.ledger import data_keys, tables
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import StoredMessage
from chargeline.ledger.transaction import Transaction


class LastHeard(NamedTuple):
    """The last message of a type at a facility; with `message` as stored if it does not open."""

    facility: str
    type: str
    message: StoredMessage
    opens: bool


class FeedWatch:
    """The feed as one transaction sees it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def heard(self, most: int) -> list[LastHeard]:
        """The last message of each facility and type, at most `most` of them, in this order.

        The index `message_heard` is entered at each pair, so that it costs two small queries a
        pair, however many messages there are.
        """
        table = tables.message
        pair = (table.c.facility, table.c.type)
        columns = [table.c[name] for name in StoredMessage._fields if name != "seal"]
        heard = list[LastHeard]()
        step = select(*pair).order_by(*pair).limit(1)
        rows = await self._transaction.rows(step)
        while rows and len(heard) < most:
            here = tuple(rows[0])
            newest = (
                select(*columns)
                .where(table.c.facility == here[0], table.c.type == here[1])
                .order_by(table.c.received_at.desc())
                .limit(1)
            )
            stored = StoredMessage._make([*(await self._transaction.rows(newest))[0], ""])
            row = await data_keys.read_or_not(self._transaction, "message", stored)
            if isinstance(row, UnreadableRow):
                heard.append(LastHeard(here[0], here[1], stored, opens=False))
            else:
                heard.append(LastHeard(here[0], here[1], row, opens=True))
            rows = await self._transaction.rows(step.where(tuple_(*pair) > tuple_(*here)))
        return heard

    async def open_by_rulebook(self) -> dict[str, int]:
        """How many open visits were last drafted by each version of the rules."""
        table = tables.visit
        statement = (
            select(table.c.rulebook, func.count().label("number"))
            .where(table.c.status == "open", table.c.rulebook != "")
            .group_by(table.c.rulebook)
        )
        rows = await self._transaction.rows(statement)
        return {row.rulebook: int(row.number) for row in rows}
