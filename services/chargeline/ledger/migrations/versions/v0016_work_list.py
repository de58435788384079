"""Version 16: the work list of the workbench, and who is logged in to it.

This file adds columns and two tables. Of a visit that an older chargeline drafted, how many
questions are open is counted here; its unit, payer and day are told by its next revision.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, text

from chargeline.ledger.column_types import Instant, Name

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WAITS = text("asks > 0 OR waits_for NOT IN ('', 'discharge')")
_OF_BODY = {
    "postgresql": ("body::json ->> 'drug'", "CAST(body::json ->> 'stake_cents' AS bigint)"),
    "sqlite": ("json_extract(body, '$.drug')", "json_extract(body, '$.stake_cents')"),
}
_OPEN = (
    "FROM question WHERE question.facility = visit.facility"
    " AND question.visit = visit.visit AND closed_at IS NULL"
)


def upgrade() -> None:
    """Add columns and tables, and fill what the questions tell."""
    for name in ("place", "payer", "day", "asks_first"):
        op.add_column("visit", Column(name, Text, nullable=False, server_default=""))
    op.add_column("visit", Column("asks", Integer, nullable=False, server_default="0"))
    op.add_column("question", Column("drug", Text, nullable=False, server_default=""))
    op.add_column("question", Column("stake_cents", BigInteger))
    drug, stake = _OF_BODY[op.get_bind().dialect.name]
    op.execute(f"UPDATE question SET drug = COALESCE({drug}, ''), stake_cents = {stake}")
    op.execute(
        f"UPDATE visit SET asks = (SELECT COUNT(*) {_OPEN}), asks_first = COALESCE("
        f"(SELECT question_id {_OPEN} ORDER BY opened_at, question_id LIMIT 1), '')"
    )
    op.create_index(
        "visit_work",
        "visit",
        ["status", "final_due"],
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )
    op.create_table(
        "assignment",
        Column("facility", Name(), primary_key=True),
        Column("visit", Name(), primary_key=True),
        Column("owner", Text, nullable=False),
        Column("asked_unit_at", Instant),
        Column("at", Instant, nullable=False),
        Column("who", Text, nullable=False),
        comment="Who sees to the open questions of a visit, and whether its unit was asked.",
    )
    op.create_index("assignment_owner", "assignment", ["owner"])
    op.create_table(
        "session",
        Column("digest", Name(), primary_key=True),
        Column("who", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("roles", Text, nullable=False),
        Column("csrf", Text, nullable=False),
        Column("provider_session", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("started_at", Instant, nullable=False),
        Column("seen_at", Instant, nullable=False),
        comment="Who is logged in to the workbench: a hash of the cookie, the person and the "
        "roles.",
    )
    op.create_index("session_seen", "session", ["seen_at"])
