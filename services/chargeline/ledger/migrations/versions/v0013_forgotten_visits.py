"""Version 13: a hash of each visit that a person had removed, and an end for what comes after that.

A message of a visit that is forgotten makes the row of the visit incomplete, so retention finds it.
"""

from alembic import op
from sqlalchemy import Column, Integer, text

from chargeline.ledger.column_types import Instant, Name

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and widen the index that retention reads."""
    op.create_table(
        "forgotten_visit",
        Column("facility", Name(), primary_key=True),
        Column("digest", Name(), primary_key=True),
        Column("revision", Integer, nullable=False),
        Column("at", Instant, nullable=False),
        comment="Which visits a person had removed, by a hash of its number: a later message is "
        "not the whole visit.",
    )
    op.create_index("forgotten_visit_kept", "forgotten_visit", ["at"])
    op.drop_index("visit_kept", "visit")
    where = text("status <> 'forgotten' OR incomplete")
    op.create_index(
        "visit_kept", "visit", ["updated_at"], postgresql_where=where, sqlite_where=where
    )
