"""Version 12: a tally of revisions, so that none can be removed together with its visit.

This file counts the revisions that are there. Of what happened to them before, the tally says
nothing. Data keys get one too, from the highest number that any row uses: a number whose row was
lost must not go to another key.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, func, select

from chargeline.ledger.sealing import NOTHING, added, plus

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LANES = [f"lane_{lane}" for lane in range(8)]
_AT_ONCE = 10_000


def upgrade() -> None:
    """Add the seals up, some thousand at a time, and look for the highest number of a data key."""
    connection = op.get_bind()
    seals = Table("draft_revision", MetaData(), Column("seal", Text)).c.seal
    rows = connection.execute(select(seals).execution_options(yield_per=_AT_ONCE))
    total = NOTHING
    for page in rows.scalars().partitions():
        total = plus(total, added(page))
    names = ["about", "topic", "partition", "number", *_LANES]
    types = {"about": Text, "topic": Text, "partition": Integer}
    tally = Table("tally", MetaData(), *(Column(n, types.get(n, BigInteger)) for n in names))
    lines: list[tuple[str | int, ...]] = [("data_key", "", 0, _highest_data_key(), *NOTHING[1:])]
    lines += [("draft_revision", "", 0, *total)] if total != NOTHING else []
    connection.execute(tally.insert(), [dict(zip(names, row, strict=True)) for row in lines])


def _highest_data_key() -> int:
    """The highest number of a data key that is there, or that a row is encrypted with."""
    columns = {"data_key": "number"} | dict.fromkeys(("message", "parked", "outbox"), "data_key")
    tables = [Table(name, MetaData(), Column(part, BigInteger)) for name, part in columns.items()]
    highest = [select(func.max(table.c[columns[table.name]])) for table in tables]
    return max(op.get_bind().scalar(statement) or 0 for statement in highest)
