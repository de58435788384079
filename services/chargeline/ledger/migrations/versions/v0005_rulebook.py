"""Version 5: the rules that a visit was last drafted with.

This file adds one column of a visit, filled from its last revision, and gives the index of open
visits the columns by which a program looks for those that were drafted with other rules.
"""

from alembic import op
from sqlalchemy import Column, Text, text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, fill it, and make the index anew; every row stays."""
    op.add_column("visit", Column("rulebook", Text, nullable=False, server_default=""))
    op.execute(
        text(
            "UPDATE visit SET rulebook = COALESCE((SELECT last.rulebook FROM draft_revision AS last"
            " WHERE last.facility = visit.facility AND last.visit = visit.visit"
            " AND last.revision = visit.revision), '')"
        )
    )
    op.drop_index("visit_open", "visit")
    is_open = text("status = 'open'")
    op.create_index(
        "visit_open",
        "visit",
        ["facility", "visit", "rulebook"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
