"""Version 3: what an operations team watches, and what retention looks for.

This file adds the money at stake of a visit, and indexes of open questions and of visits that
retention may forget. It drops the strict reader's report on a parked message: `parked show` makes
that report when somebody asks for it.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add and drop the columns and indexes that are named above; every row stays."""
    op.add_column("visit", Column("stake_cents", BigInteger, nullable=False, server_default="0"))
    op.drop_index("visit_final", "visit")
    _index("visit", "visit_kept", "updated_at", where="status <> 'forgotten'")
    _index("visit", "visit_stake", "stake_cents", where="stake_cents > 0")
    _index("question", "question_open", "code", "opened_at", where="closed_at IS NULL")
    op.drop_column("parked", "report")
    if op.get_bind().dialect.name == "postgresql":
        # An event stands in the outbox for a moment only: compressing it costs more than it saves.
        op.execute(text("ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL"))


def _index(table: str, name: str, *columns: str, where: str) -> None:
    op.create_index(
        name, table, list(columns), sqlite_where=text(where), postgresql_where=text(where)
    )
