"""Version 4: the patient's record in place of the days with an initial service.

This file owns one table that takes the rows of another. A day with an initial service becomes one
kind of contribution; other kinds can come without another version.
"""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, text

from chargeline.ledger.column_types import Instant, Name

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, move the rows into it, and drop the old one."""
    op.create_table(
        "contribution",
        Column("facility", Name(), nullable=False),
        Column("patient", Name(), nullable=False),
        Column("kind", Name(), nullable=False),
        Column("about", Name(), nullable=False),
        Column("visit", Name(), nullable=False),
        Column("at", Instant, nullable=False),
        PrimaryKeyConstraint("facility", "patient", "kind", "about", "visit"),
        comment="The patient's record: what a visit adds to it that bears on drafts of the "
        "patient's others.",
    )
    op.create_index("contribution_of_visit", "contribution", ["facility", "visit"])
    op.create_index("contribution_kept", "contribution", ["at"])
    op.execute(
        text(
            "INSERT INTO contribution (facility, patient, kind, about, visit, at)"
            " SELECT facility, patient, 'initial_service', day, visit, start FROM patient_day"
        )
    )
    op.drop_table("patient_day")
