"""Version 9: what is kept although its days are over.

This file owns the table of legal holds.
"""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, Text

from chargeline.ledger.column_types import Instant, Name

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "hold",
        Column("facility", Name(), nullable=False),
        Column("kind", Name(), nullable=False),
        Column("number", Name(), nullable=False),
        Column("of", Name(), nullable=False),
        Column("placed_at", Instant, nullable=False),
        Column("who", Text, nullable=False),
        Column("why", Text, nullable=False),
        PrimaryKeyConstraint("facility", "kind", "number", "of"),
        comment="What retention and `ledger forget` leave alone, until a person releases it.",
    )
