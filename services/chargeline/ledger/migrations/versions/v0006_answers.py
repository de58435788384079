"""Version 6: what people answer.

This file owns the table of answers, and the index by which a question is found by its number.
"""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, Text

from chargeline.ledger.column_types import Instant, Name

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "answer",
        Column("facility", Name(), nullable=False),
        Column("visit", Name(), nullable=False),
        Column("answer_id", Name(), nullable=False),
        Column("at", Instant, nullable=False),
        Column("body", Text, nullable=False),
        PrimaryKeyConstraint("facility", "visit", "answer_id"),
        comment="What people answered to questions or said of lines; rows are added, never "
        "changed.",
    )
    op.create_index("question_by_id", "question", ["question_id"])
