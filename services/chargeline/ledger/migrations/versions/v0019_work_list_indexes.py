"""Version 19: the work list reads indexes and no rows, and reports read the days of a period.

This file adds indexes only. They are built over visits, answers and open questions, which takes
some seconds in a large ledger.
"""

from alembic import op
from sqlalchemy import text

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_WAITS = "asks > 0 OR waits_for NOT IN ('', 'discharge')"


def upgrade() -> None:
    """Add the indexes; that of the work list gets more columns."""
    op.drop_index("visit_work", "visit")
    work = ["facility", "visit", "status", "final_due", "waiting_cents", "waits_for", "asks"]
    _index("visit_work", "visit", [*work, "place", "payer"], _WAITS)
    _index("visit_ready", "visit", ["facility"], "status = 'final' AND waits_for = ''")
    _index(
        "question_waiting", "question", ["code", "facility", "visit", "drug"], "closed_at IS NULL"
    )
    op.create_index("visit_day", "visit", ["day", "facility", "visit"])
    op.create_index("answer_given", "answer", ["at"])


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
