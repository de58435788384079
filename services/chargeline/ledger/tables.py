"""The tables of the ledger as they are now; `migrations/` holds the steps by which they became so.

This module owns columns, keys and indexes. JSON is stored as text and not as JSONB, so that it
comes back byte for byte and costs nothing to write. The key of a visit, a message, a merge or a
contribution begins with the facility. There are no foreign keys, because messages, merges and
visits may arrive in any order.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
    text,
)

from chargeline.ledger.append_only import REFUSALS
from chargeline.ledger.column_types import Instant, Name, Number, SentText

metadata = MetaData()
# The index has all columns: with fewer, SQLite prefers the primary key and reads every merge of the
# facility.
_BACKWARDS = ("facility", "surviving", "prior", "sent", "digest")


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of only those rows for which a condition holds."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


WAITS_FOR_A_PERSON = "asks > 0 OR waits_for NOT IN ('', 'discharge')"
"""Of which visits a person has something to do: they are the work list."""
READY = "status = 'final' AND waits_for = ''"
"""Which visits wait for nothing: a bill may be made of them."""
# In this order the visits of a code are counted as they come.
_WAITING = ("code", "facility", "visit", "drug")
# What the list is sorted, filtered and counted by, so that its queries read this index alone.
_WORK = ("facility", "visit", "status", "final_due", "waiting_cents", "waits_for", "asks",
         "place", "payer")  # fmt: skip


def _data_key() -> Column[int]:
    """With which data key the bytes and headers of a row are encrypted, 0 for none."""
    return Column("data_key", BigInteger, nullable=False, server_default="0")


message = Table(
    "message",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("digest", Name(), primary_key=True),
    Column("control_id", Name(), primary_key=True),
    Column("sent", SentText(), primary_key=True),
    Column("type", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    _data_key(),
    Column("seal", Text, nullable=False, server_default=""),
    _partial("message_of_no_visit", "received_at", where="visit = ''"),
    Index("message_heard", "facility", "type", "received_at"),
    comment="Each message as it came, under the visit that it names; an exact resend is one row.",
)

visit_merge = Table(
    "visit_merge",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("prior", Name(), primary_key=True),
    Column("surviving", Name(), primary_key=True),
    Column("sent", SentText(), primary_key=True),
    Column("digest", Name(), primary_key=True),
    Index("visit_merge_surviving", *_BACKWARDS),
    comment="Every message that joined two visit numbers; of several for one prior the last sent "
    "counts.",
)

patient_merge = Table(
    "patient_merge",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("prior", Name(), primary_key=True),
    Column("surviving", Name(), primary_key=True),
    Column("sent", SentText(), primary_key=True),
    Column("digest", Name(), primary_key=True),
    Index("patient_merge_surviving", *_BACKWARDS),
    comment="Every message that joined two patient numbers.",
)

visit = Table(
    "visit",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("settle_due", Instant),
    Column("final_due", Instant),
    Column("asked_due", Instant),
    Column("discharged_at", Instant),
    Column("incomplete", Boolean, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("stake_cents", BigInteger, nullable=False, server_default="0"),
    Column("rulebook", Text, nullable=False, server_default=""),
    Column("waiting_cents", BigInteger, nullable=False, server_default="0"),
    Column("waits_for", Text),
    Column("place", Text, nullable=False, server_default=""),
    Column("payer", Text, nullable=False, server_default=""),
    Column("day", Text, nullable=False, server_default=""),
    Column("asks", Integer, nullable=False, server_default="0"),
    Column("asks_first", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('open', 'final', 'merged', 'forgotten')", name="visit_status"),
    _partial("visit_settle_due", "settle_due", where="settle_due IS NOT NULL"),
    _partial("visit_final_due", "final_due", where="final_due IS NOT NULL"),
    _partial("visit_asked_due", "asked_due", where="asked_due IS NOT NULL"),
    _partial("visit_open", "facility", "visit", "rulebook", where="status = 'open'"),
    _partial("visit_kept", "updated_at", where="status <> 'forgotten' OR incomplete"),
    _partial("visit_stake", "stake_cents", where="stake_cents > 0"),
    _partial("visit_work", *_WORK, where=WAITS_FOR_A_PERSON),
    _partial("visit_ready", "facility", where=READY),
    Index("visit_day", "day", "facility", "visit"),
    comment="Where each visit stands and when something is due; a forgotten one lost its messages.",
)

forgotten_visit = Table(
    "forgotten_visit",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("digest", Name(), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Index("forgotten_visit_kept", "at"),
    comment="Which visits a person had removed, by a hash of its number: a later message is "
    "not the whole visit.",
)

draft_revision = Table(
    "draft_revision",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("rulebook", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("chain", Text, nullable=False, server_default=""),
    Column("seal", Text, nullable=False, server_default=""),
    comment="Every draft of a visit that was announced; rows are added, never changed.",
)

question = Table(
    "question",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("question_id", Name(), primary_key=True),
    Column("code", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("body", Text, nullable=False),
    Column("drug", Text, nullable=False, server_default=""),
    Column("stake_cents", BigInteger),
    _partial("question_open", "code", "opened_at", where="closed_at IS NULL"),
    _partial("question_waiting", *_WAITING, where="closed_at IS NULL"),
    Index("question_by_id", "question_id"),
    comment="What was asked of a person about a visit, and when it was settled.",
)

assignment = Table(
    "assignment",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("asked_unit_at", Instant),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Index("assignment_owner", "owner"),
    comment="Who sees to the open questions of a visit, and whether its unit was asked.",
)

still_running = Table(
    "still_running",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("question_id", Name(), primary_key=True),
    Column("until", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    comment="Of which missing stops somebody said that the drug still runs, and for how long that "
    "holds.",
)

session = Table(
    "session",
    metadata,
    Column("digest", Name(), primary_key=True),
    Column("who", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("provider_session", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("session_seen", "seen_at"),
    comment="Who is logged in to the workbench: a hash of the cookie, the person and the roles.",
)

api_token = Table(
    "api_token",
    metadata,
    Column("digest", Name(), primary_key=True),
    Column("name", Name(), nullable=False, unique=True),
    Column("roles", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("seen_at", Instant),
    comment="Which programs may use the API of the workbench: a hash of the token, its name and "
    "its roles.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Number(), Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    _data_key(),
    comment="What is to be published, in order of id; the relay deletes what it has published.",
    sqlite_autoincrement=True,  # SQLite would give the number of a deleted last row again
)

parked = Table(
    "parked",
    metadata,
    Column("id", Number(), Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", Text),
    Column("raw", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("found", Text, nullable=False),
    Column("where_", Text, nullable=False),
    Column("do", Text, nullable=False),
    Column("facility", Text),
    Column("visit", Text),
    Column("first_seen", Instant, nullable=False),
    Column("status", Text, nullable=False),
    _data_key(),
    Column("seal", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('parked', 'retried', 'dropped')", name="parked_status"),
    Index("parked_by_status", "status", "id"),
    Index("parked_of_visit", "facility", "visit"),
    comment="Messages put aside, with the reason and what to do; a person retries or drops them.",
    sqlite_autoincrement=True,
)

hold = Table(
    "hold",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("kind", Name(), primary_key=True),
    Column("number", Name(), primary_key=True),
    Column("of", Name(), primary_key=True),
    Column("placed_at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    comment="What retention and `ledger forget` leave alone, until a person releases it.",
)

data_key = Table(
    "data_key",
    metadata,
    Column("month", Name(), primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("kek", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    comment="The keys that rows are encrypted with, each wrapped by a key that is kept elsewhere.",
)

partition_offset = Table(
    "partition_offset",
    metadata,
    Column("topic", Name(), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger),
    Column("owner", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    comment="How far each partition has been read, and by whom: the fence against a stale "
    "consumer.",
)

contribution = Table(
    "contribution",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("patient", Name(), primary_key=True),
    Column("kind", Name(), primary_key=True),
    Column("about", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("value", Text, nullable=False, server_default=""),
    Index("contribution_of_visit", "facility", "visit"),
    Index("contribution_kept", "at"),
    comment="The patient's record: what a visit adds to it that bears on drafts of the patient's "
    "others.",
)

answer = Table(
    "answer",
    metadata,
    Column("facility", Name(), primary_key=True),
    Column("visit", Name(), primary_key=True),
    Column("answer_id", Name(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("seal", Text, nullable=False, server_default=""),
    Index("answer_given", "at"),
    comment="What people answered to questions or said of lines; rows are added, never changed.",
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("did", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("chain", Text, nullable=False),
    comment="What people and programs did, in order; rows are added, never changed or removed.",
)
for _dialect, _refusals in REFUSALS.items():
    for _refusal in _refusals:
        _ddl = DDL(_refusal)  # type: ignore[no-untyped-call]
        event.listen(audit, "after_create", _ddl.execute_if(dialect=_dialect))

tally = Table(
    "tally",
    metadata,
    Column("about", Name(), primary_key=True),
    Column("topic", Name(), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    *(Column(f"lane_{lane}", BigInteger, nullable=False) for lane in range(8)),
    comment="How many rows of a table were ever stored, and the sum of their seals, by partition.",
)
