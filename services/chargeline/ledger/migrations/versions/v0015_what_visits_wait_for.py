"""Version 15: what the bill of each visit waits for, and how much money waits with it.

This file adds two columns. Of a visit that an older chargeline drafted nobody knows it until it
gets another revision.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("visit", Column("waiting_cents", BigInteger, nullable=False, server_default="0"))
    op.add_column("visit", Column("waits_for", Text))
