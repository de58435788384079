"""Version 11: seals of answers, because an answer changes what is billed.

This file adds the column, and seals the answers that are there. Of what happened to them before, a
seal says nothing.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, bindparam, select, update

from chargeline.ledger.column_types import Instant, Name
from chargeline.ledger.sealing import added, seal_of

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEYS = ("facility", "visit", "answer_id")
_LANES = [f"lane_{lane}" for lane in range(8)]


def upgrade() -> None:
    """Add the column, seal every row, and count them."""
    op.add_column("answer", Column("seal", Text, nullable=False, server_default=""))
    connection = op.get_bind()
    answer = Table(
        "answer",
        MetaData(),
        *(Column(name, Name()) for name in _KEYS),
        Column("at", Instant),
        Column("body", Text),
        Column("seal", Text),
    )
    columns = [answer.c[name] for name in (*_KEYS, "at", "body")]
    seals = [(row[:3], seal_of("answer", row)) for row in connection.execute(select(*columns))]
    if not seals:
        return
    here = update(answer).values(seal=bindparam("new"))
    for name in _KEYS:
        here = here.where(answer.c[name] == bindparam(f"its_{name}"))
    named = [f"its_{name}" for name in _KEYS]
    rows = [{**dict(zip(named, key, strict=True)), "new": seal} for key, seal in seals]
    connection.execute(here, rows)
    names = ["about", "topic", "partition", "number", *_LANES]
    types = {"about": Text, "topic": Text, "partition": Integer}
    tally = Table("tally", MetaData(), *(Column(n, types.get(n, BigInteger)) for n in names))
    total = ("answer", "", 0, *added(seal for _key, seal in seals))
    connection.execute(tally.insert(), dict(zip(names, total, strict=True)))
