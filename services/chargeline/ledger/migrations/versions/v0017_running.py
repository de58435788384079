"""Version 17: what runs now, and when each kind of message of a facility was last heard.

This file adds a table and an index. The index is built over all messages that are stored, which
takes a while in a large ledger.
"""

from alembic import op
from sqlalchemy import Column, Text

from chargeline.ledger.column_types import Instant, Name

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the index."""
    op.create_table(
        "still_running",
        Column("facility", Name(), primary_key=True),
        Column("visit", Name(), primary_key=True),
        Column("question_id", Name(), primary_key=True),
        Column("until", Instant, nullable=False),
        Column("who", Text, nullable=False),
        Column("why", Text, nullable=False),
        comment="Of which missing stops somebody said that the drug still runs, and for how long "
        "that holds.",
    )
    op.create_index("message_heard", "message", ["facility", "type", "received_at"])
