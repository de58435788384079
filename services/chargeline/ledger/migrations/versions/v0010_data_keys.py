"""Version 10: bytes that are encrypted at rest.

This file adds the data keys, and to each row with bytes the number of its data key. Rows from
before stay in the clear until `chargeline ledger encrypt`.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text, UniqueConstraint

from chargeline.ledger.column_types import Instant, Name

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "data_key",
        Column("month", Name(), nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("kek", Text, nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("digest", Text, nullable=False),
        Column("made_at", Instant, nullable=False),
        PrimaryKeyConstraint("month"),
        UniqueConstraint("number"),
        comment="The keys that rows are encrypted with, each wrapped by a key that is kept "
        "elsewhere.",
    )
    for name in ("message", "parked", "outbox"):
        op.add_column(name, Column("data_key", BigInteger, nullable=False, server_default="0"))
