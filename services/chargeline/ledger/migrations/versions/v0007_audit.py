"""Version 7: the audit trail.

This file owns the table of what people and programs did, and the triggers that refuse to change it.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Text, text

from chargeline.ledger.append_only import REFUSALS
from chargeline.ledger.column_types import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and its triggers."""
    op.create_table(
        "audit",
        Column("number", BigInteger, autoincrement=False, nullable=False),
        Column("at", Instant, nullable=False),
        Column("who", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("did", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("details", Text, nullable=False),
        Column("chain", Text, nullable=False),
        PrimaryKeyConstraint("number"),
        comment="What people and programs did, in order; rows are added, never changed or removed.",
    )
    for refusal in REFUSALS[op.get_bind().dialect.name]:
        op.execute(text(refusal))
