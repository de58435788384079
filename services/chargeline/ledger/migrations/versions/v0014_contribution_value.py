"""Version 14: what a contribution says besides that it is, such as a number of units.

This file adds one column. What was contributed before says nothing more.
"""

from alembic import op
from sqlalchemy import Column, Text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    value = Column("value", Text, nullable=False, server_default="")
    op.add_column("contribution", value)
