"""Version 12: a tally of revisions, so that none can be removed together with its visit.

This file counts the revisions that are there. Of what happened to them before, the tally says
nothing.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, select

from chargeline.ledger.sealing import NOTHING, added, plus

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LANES = [f"lane_{lane}" for lane in range(8)]
_AT_ONCE = 10_000


def upgrade() -> None:
    """Add the seals up, some thousand at a time."""
    connection = op.get_bind()
    seals = Table("draft_revision", MetaData(), Column("seal", Text)).c.seal
    rows = connection.execute(select(seals).execution_options(yield_per=_AT_ONCE))
    total = NOTHING
    for page in rows.scalars().partitions():
        total = plus(total, added(page))
    if total == NOTHING:
        return
    names = ["about", "topic", "partition", "number", *_LANES]
    types = {"about": Text, "topic": Text, "partition": Integer}
    tally = Table("tally", MetaData(), *(Column(n, types.get(n, BigInteger)) for n in names))
    row = ("draft_revision", "", 0, *total)
    connection.execute(tally.insert(), dict(zip(names, row, strict=True)))
