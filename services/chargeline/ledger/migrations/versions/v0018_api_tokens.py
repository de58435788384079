"""Version 18: the tokens of programs that use the API of the workbench.

This file adds a table. Its rows are made by `chargeline workbench-token add`.
"""

from alembic import op
from sqlalchemy import Column, Text

from chargeline.ledger.column_types import Instant, Name

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "api_token",
        Column("digest", Name(), primary_key=True),
        Column("name", Name(), nullable=False, unique=True),
        Column("roles", Text, nullable=False),
        Column("made_at", Instant, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("expires_at", Instant, nullable=False),
        Column("seen_at", Instant),
        comment="Which programs may use the API of the workbench: a hash of the token, its name "
        "and its roles.",
    )
