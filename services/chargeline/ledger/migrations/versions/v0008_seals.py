"""Version 8: seals of messages, parked messages and revisions, and chains of revisions.

This file adds the columns and the tallies, and seals the rows that are there: some thousand rows a
second. Of what happened to them before, a seal says nothing. The parked messages of a visit get an
index: each poll that met a new visit read all of them.
"""

from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    bindparam,
    select,
    tuple_,
    update,
)

from chargeline.engine import link, parted
from chargeline.ledger.column_types import Instant, Name, Number, SentText
from chargeline.ledger.sealing import NOTHING, Sum, added, plus, seal_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_LANES = [f"lane_{lane}" for lane in range(8)]
_TYPES: dict[str, Any] = {
    "id": Number(),
    "sent": SentText(),
    "partition": Integer,
    **dict.fromkeys(["number", *_LANES], BigInteger),
    "offset": BigInteger,
    "revision": Integer,
    "raw": LargeBinary,
    **dict.fromkeys(["received_at", "first_seen", "created_at"], Instant),
    **dict.fromkeys(["facility", "visit", "digest", "control_id"], Name()),
}
_PLACE = ["topic", "partition", "offset"]
_MESSAGE = ["facility", "visit", "digest", "control_id", "sent", "type", *_PLACE]
_MESSAGE += ["received_at", "raw", "headers"]
_PARKED = ["id", *_PLACE, "key", "raw", "headers", "code", "expected", "found", "where_", "do"]
_PARKED += ["facility", "visit", "first_seen", "status"]
_REVISION = ["facility", "visit", "revision", "status", "policy", "rulebook", "created_at"]
_REVISION += ["changes", "chain"]
_KEYS = {
    "message": _MESSAGE[:5],
    "parked": ["id"],
    "draft_revision": ["facility", "visit", "revision"],
}


def upgrade() -> None:
    """Add the columns and the table, and seal every row."""
    op.create_index("parked_of_visit", "parked", ["facility", "visit"])
    for name in ("message", "parked", "draft_revision"):
        if name == "draft_revision":
            op.add_column(name, Column("chain", Text, nullable=False, server_default=""))
        op.add_column(name, Column("seal", Text, nullable=False, server_default=""))
    op.create_table(
        "tally",
        Column("about", Name(), nullable=False),
        Column("topic", Name(), nullable=False),
        Column("partition", Integer, autoincrement=False, nullable=False),
        Column("number", BigInteger, nullable=False),
        *(Column(lane, BigInteger, nullable=False) for lane in _LANES),
        PrimaryKeyConstraint("about", "topic", "partition"),
        comment="How many rows of a table were ever stored, and the sum of their seals, by "
        "partition.",
    )
    connection = op.get_bind()
    totals = {
        **_seal(connection, "message", _MESSAGE),
        **_seal(connection, "parked", _PARKED),
    }
    _seal_revisions(connection)
    audit = Table("audit", MetaData(), Column("chain", Text))
    if chains := list(connection.scalars(select(audit.c.chain))):
        totals["audit", "", 0] = added(chains)
    names = ["about", "topic", "partition", "number", *_LANES]
    tally = Table("tally", MetaData(), *(Column(name, _TYPES.get(name, Text)) for name in names))
    if totals:
        rows = [dict(zip(names, (*key, *total), strict=True)) for key, total in totals.items()]
        connection.execute(tally.insert(), rows)


def _table(name: str, columns: list[str]) -> Table:
    return Table(name, MetaData(), *(Column(part, _TYPES.get(part, Text)) for part in columns))


def _pages(connection: Connection, table: Table, keys: list[str]) -> Iterator[list[Any]]:
    """The rows of a table in pages, in the order of their keys."""
    columns = [table.c[name] for name in keys]
    first = select(table).order_by(*columns).limit(_AT_ONCE)
    page = first
    while rows := list(connection.execute(page)):
        yield rows
        last = [bindparam(None, rows[-1]._mapping[name], table.c[name].type) for name in keys]
        page = first.where(tuple_(*columns) > tuple_(*last))


def _write(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    keys = _KEYS[table.name]
    here = and_(*(table.c[name] == bindparam(f"key_{name}", type_=_type(name)) for name in keys))
    new: dict[str, Any] = {
        name: bindparam(f"new_{name}") for name in ("seal", "chain") if name in table.c
    }
    connection.execute(update(table).where(here).values(new), rows)


def _type(name: str) -> Any:
    return _TYPES.get(name, Text)


def _new(row: Any, keys: list[str], **new: str) -> dict[str, Any]:
    return {
        **{f"key_{name}": row._mapping[name] for name in keys},
        **{f"new_{name}": value for name, value in new.items()},
    }


def _seal(connection: Connection, name: str, columns: list[str]) -> dict[tuple[str, str, int], Sum]:
    """Seal the rows of a table; gives the tally of each partition."""
    table, keys = _table(name, [*columns, "seal"]), _KEYS[name]
    totals: dict[tuple[str, str, int], Sum] = {}
    for page in _pages(connection, table, keys):
        new: list[dict[str, Any]] = []
        for row in page:
            values = {**row._mapping, "sent": row.sent or ""} if name == "message" else row._mapping
            seal = seal_of(name, [values[column] for column in columns])
            place = (name, row.topic, row.partition)
            totals[place] = plus(totals.get(place, NOTHING), added([seal]))
            new.append(_new(row, keys, seal=seal))
        _write(connection, table, new)
    return totals


def _seal_revisions(connection: Connection) -> None:
    """Chain and seal the revisions of each visit."""
    table, keys = _table("draft_revision", [*_REVISION, "body", "seal"]), _KEYS["draft_revision"]
    visit, before = ("", ""), ""
    for page in _pages(connection, table, keys):
        new: list[dict[str, Any]] = []
        for row in page:
            if (row.facility, row.visit) != visit:
                visit, before = (row.facility, row.visit), ""
            before = link(before, parted(row.body.encode())[0])
            values = {**row._mapping, "chain": before}
            seal = seal_of("draft_revision", [values[column] for column in _REVISION])
            new.append(_new(row, keys, seal=seal, chain=before))
        _write(connection, table, new)
