"""Version 2: the days on which a patient's visits have an initial service.

This file owns one table and moves no rows: drafting fills the table, visit by visit.
"""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint

from chargeline.ledger.column_types import Instant, Name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "patient_day",
        Column("facility", Name(), nullable=False),
        Column("patient", Name(), nullable=False),
        Column("day", Name(), nullable=False),
        Column("visit", Name(), nullable=False),
        Column("start", Instant, nullable=False),
        PrimaryKeyConstraint("facility", "patient", "day", "visit"),
        comment="Days on which a visit has an initial service; a second one of a patient is "
        "drafted so.",
    )
    op.create_index("patient_day_of_visit", "patient_day", ["facility", "visit"])
