"""Version 1: the first tables.

This file owns the tables of version 1 as sites have them. It does not look at `tables.py`, which
goes on changing: every column is written out here and stays as it is.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)

from chargeline.ledger.column_types import Instant, Name, Number, SentText

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and their indexes."""
    _message()
    _merges()
    _visit()
    _drafts()
    _outbox()
    _parked()
    _partition_offset()


def _visit_key() -> list[Column[str]]:
    return [Column("facility", Name(), nullable=False), Column("visit", Name(), nullable=False)]


def _index(table: str, name: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=text(where), postgresql_where=text(where))


def _message() -> None:
    op.create_table(
        "message",
        *_visit_key(),
        Column("digest", Name(), nullable=False),
        Column("control_id", Name(), nullable=False),
        Column("sent", SentText(), nullable=False),
        Column("type", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("received_at", Instant, nullable=False),
        Column("raw", LargeBinary, nullable=False),
        Column("headers", Text, nullable=False),
        PrimaryKeyConstraint("facility", "visit", "digest", "control_id", "sent"),
        comment="Each message as it came, under the visit that it names; an exact resend is one "
        "row.",
    )
    _index("message", "message_of_no_visit", "received_at", "visit = ''")


def _merges() -> None:
    comments = {
        "visit_merge": "Every message that joined two visit numbers;"
        " of several for one prior the last sent counts.",
        "patient_merge": "Every message that joined two patient numbers.",
    }
    for name, comment in comments.items():
        op.create_table(
            name,
            Column("facility", Name(), nullable=False),
            Column("prior", Name(), nullable=False),
            Column("surviving", Name(), nullable=False),
            Column("sent", SentText(), nullable=False),
            Column("digest", Name(), nullable=False),
            PrimaryKeyConstraint("facility", "prior", "surviving", "sent", "digest"),
            comment=comment,
        )
        op.create_index(
            f"{name}_surviving", name, ["facility", "surviving", "prior", "sent", "digest"]
        )


def _visit() -> None:
    op.create_table(
        "visit",
        *_visit_key(),
        Column("status", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("settle_due", Instant),
        Column("final_due", Instant),
        Column("asked_due", Instant),
        Column("discharged_at", Instant),
        Column("incomplete", Boolean, nullable=False),
        Column("updated_at", Instant, nullable=False),
        PrimaryKeyConstraint("facility", "visit"),
        CheckConstraint("status IN ('open', 'final', 'merged', 'forgotten')", name="visit_status"),
        comment="Where each visit stands and when something is due; a forgotten one lost its "
        "messages.",
    )
    for due in ("settle_due", "final_due", "asked_due"):
        _index("visit", f"visit_{due}", due, f"{due} IS NOT NULL")
    _index("visit", "visit_open", "facility", "status = 'open'")
    _index("visit", "visit_final", "updated_at", "status = 'final'")


def _drafts() -> None:
    op.create_table(
        "draft_revision",
        *_visit_key(),
        Column("revision", Integer, autoincrement=False, nullable=False),
        Column("status", Text, nullable=False),
        Column("policy", Text, nullable=False),
        Column("rulebook", Text, nullable=False),
        Column("created_at", Instant, nullable=False),
        Column("body", Text, nullable=False),
        Column("changes", Text, nullable=False),
        PrimaryKeyConstraint("facility", "visit", "revision"),
        comment="Every draft of a visit that was announced; rows are added, never changed.",
    )
    op.create_table(
        "question",
        *_visit_key(),
        Column("question_id", Name(), nullable=False),
        Column("code", Text, nullable=False),
        Column("opened_at", Instant, nullable=False),
        Column("closed_at", Instant),
        Column("body", Text, nullable=False),
        PrimaryKeyConstraint("facility", "visit", "question_id"),
        comment="What was asked of a person about a visit, and when it was settled.",
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        Column("id", Number(), Identity(), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", Text, nullable=False),
        Column("headers", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", Instant, nullable=False),
        comment="What is to be published, in order of id; the relay deletes what it has published.",
        sqlite_autoincrement=True,
    )


def _parked() -> None:
    op.create_table(
        "parked",
        Column("id", Number(), Identity(), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", Text),
        Column("raw", LargeBinary, nullable=False),
        Column("headers", Text, nullable=False),
        *(
            Column(name, Text, nullable=False)
            for name in ("code", "expected", "found", "where_", "do", "report")
        ),
        Column("facility", Text),
        Column("visit", Text),
        Column("first_seen", Instant, nullable=False),
        Column("status", Text, nullable=False),
        CheckConstraint("status IN ('parked', 'retried', 'dropped')", name="parked_status"),
        comment="Messages put aside, with the reason and what to do; a person retries or drops "
        "them.",
        sqlite_autoincrement=True,
    )
    op.create_index("parked_by_status", "parked", ["status", "id"])


def _partition_offset() -> None:
    op.create_table(
        "partition_offset",
        Column("topic", Name(), nullable=False),
        Column("partition", Integer, autoincrement=False, nullable=False),
        Column("next_offset", BigInteger),
        Column("owner", Text, nullable=False),
        Column("claimed_at", Instant, nullable=False),
        PrimaryKeyConstraint("topic", "partition"),
        comment="How far each partition has been read, and by whom: the fence against a stale "
        "consumer.",
    )
