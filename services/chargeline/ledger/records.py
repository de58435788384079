"""The rows that programs give to the ledger and get from it.

This module owns their shapes only. A field has the name of its column, a time has its zone, and
JSON is text that comes back byte for byte. The module does not know how or where a row is stored.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from chargeline.engine import BEGINNING, Contribution, Slot, VisitKey, words
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.removed import number_digest

VISIT_STATUSES = ("open", "final", "merged", "forgotten")
PARKED_STATUSES = ("parked", "retried", "dropped")


class MessageKey(NamedTuple):
    """What tells two messages apart. An exact resend of a message has the same key."""

    facility: str
    visit: str
    digest: str
    control_id: str
    sent: datetime | None


class StoredMessage(NamedTuple):
    """One message as it came.

    `visit` is the number in the message, "" if the message names none (A40). `digest` is in
    hexadecimal. `sent` is MSH-7, None when MSH-7 is not valued. `headers` is JSON. The ledger makes
    the seal when it stores a message, and gives it back to `verifying.py` only. `data_key` is the
    number of the key with which a stored message is encrypted, 0 if it is in the clear.
    """

    facility: str
    visit: str
    digest: str
    control_id: str
    sent: datetime | None
    type: str
    topic: str
    partition: int
    offset: int
    received_at: datetime
    raw: bytes
    headers: str = "{}"
    data_key: int = 0
    seal: str = ""

    @property
    def key(self) -> MessageKey:
        """The primary key."""
        return MessageKey(
            facility=self.facility,
            visit=self.visit,
            digest=self.digest,
            control_id=self.control_id,
            sent=self.sent,
        )


class Move(NamedTuple):
    """How far a batch reads a partition: the offset that the ledger must hold, and the next one.

    `expected` is None for a partition that nobody has read yet.
    """

    expected: int | None
    next_offset: int | None

    @property
    def is_forwards(self) -> bool:
        """Whether the move goes forwards, so that no record is read a second time."""
        return self.expected is None or (
            self.next_offset is not None and self.next_offset >= self.expected
        )


class StoredOffset(NamedTuple):
    """How far a partition has been read, who owns it, and since when.

    `next_offset` is None for a partition that nobody has read yet.
    """

    topic: str
    partition: int
    next_offset: int | None
    owner: str
    claimed_at: datetime


class StoredMerge(NamedTuple):
    """Two visit numbers, or two patient numbers, that one message joined.

    `sent` and `digest` are those of the message.
    """

    facility: str
    prior: str
    surviving: str
    sent: datetime | None
    digest: str

    @property
    def version(self) -> tuple[datetime, str]:
        """Of several merges of one prior number, the one with the greatest version counts.

        The engine decides by the same rule.
        """
        return (self.sent or BEGINNING, self.digest)


class StoredVisit(NamedTuple):
    """Where a visit stands. `status` is one of VISIT_STATUSES.

    `settle_due`, `final_due` and `asked_due` say when to look at the visit again, None for never.
    The messages of a "forgotten" visit were removed, so it cannot be drafted again; it is
    incomplete if one came later.
    `stake_cents` is what its lines with an open question would bring, 0 without a price list.
    `rulebook` is the version of the rules of its last drafting, "" if it was never drafted.
    `waits_for` is the first thing that its bill waits for, "" where nothing does, and None where
    it has no bill, or nobody knows since an older chargeline drafted it; `waiting_cents` is what
    waits with it. `place` is its nursing unit, `payer` who pays, `day` its last day of service such
    as 2026-03-02, each "" where nobody says it. `asks` is how many questions are open, and
    `asks_first` the number of the one to begin with.
    """

    facility: str
    visit: str
    status: str
    revision: int
    settle_due: datetime | None
    final_due: datetime | None
    asked_due: datetime | None
    discharged_at: datetime | None
    incomplete: bool
    updated_at: datetime
    stake_cents: int = 0
    rulebook: str = ""
    waiting_cents: int = 0
    waits_for: str | None = None
    place: str = ""
    payer: str = ""
    day: str = ""
    asks: int = 0
    asks_first: str = ""

    @property
    def key(self) -> VisitKey:
        """The primary key."""
        return VisitKey(self.facility, self.visit)


class StoredRevision(NamedTuple):
    """One draft of a visit. It never changes once it is written. `body` and `changes` are JSON.

    `chain` is that of the published revision. The seal is as in `StoredMessage`.
    """

    facility: str
    visit: str
    revision: int
    status: str
    policy: str
    rulebook: str
    created_at: datetime
    body: str
    changes: str
    chain: str = ""
    seal: str = ""


class StoredQuestion(NamedTuple):
    """A question to a person. `closed_at` is None while the question is open. `body` is JSON.

    `drug` and `stake_cents` are those of the body; the stake is None without a price list.
    """

    facility: str
    visit: str
    question_id: str
    code: str
    opened_at: datetime
    closed_at: datetime | None
    body: str
    drug: str = ""
    stake_cents: int | None = None


class StoredContribution(NamedTuple):
    """One fact that a visit adds to the record of its patient (see `engine.record`)."""

    facility: str
    patient: str
    kind: words.ContributionKind
    about: str
    visit: str
    at: datetime
    value: str = ""

    @property
    def contribution(self) -> Contribution:
        """The contribution as the engine has it."""
        visit = VisitKey(self.facility, self.visit)
        slot = Slot(self.kind, self.about)
        return Contribution(visit, self.patient, slot, self.at, value=self.value)


def stored_contribution(contribution: Contribution) -> StoredContribution:
    """A contribution as a row."""
    visit, patient, slot, at, value = contribution
    return StoredContribution(
        facility=visit.facility,
        patient=patient,
        kind=slot.kind,
        about=slot.about,
        visit=visit.visit,
        at=at,
        value=value,
    )


class Announcement(NamedTuple):
    """One event to publish. Events go out in the order of `id`, which the database gives.

    `headers` is JSON. `data_key` is as in `StoredMessage`.
    """

    topic: str
    key: str
    event_id: str
    headers: str
    payload: bytes
    created_at: datetime
    data_key: int = 0
    id: int = 0


class StoredParkedMessage(NamedTuple):
    """A message put aside: its bytes, its place in Kafka, the reason, and what to do.

    The database gives `id`. `status` is one of PARKED_STATUSES. A character that a database cannot
    keep comes back as U+FFFD, because parking must never fail. The seal and `data_key` are as in
    `StoredMessage`.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    raw: bytes
    headers: str
    code: str
    expected: str
    found: str
    where_: str
    do: str
    facility: str | None
    visit: str | None
    first_seen: datetime
    status: str = "parked"
    data_key: int = 0
    seal: str = ""
    id: int = 0


class StoredDataKey(NamedTuple):
    """A key that encrypts the rows of a month, wrapped by the key with the id `kek`.

    `month` is such as "2026-03". `digest` tells the key from others.
    """

    month: str
    number: int
    kek: str
    wrapped: bytes
    digest: str
    made_at: datetime


class StoredAnswer(NamedTuple):
    """What a person answered or said of a line; `body` is the whole of it in JSON.

    The seal is as in `StoredMessage`.
    """

    facility: str
    visit: str
    answer_id: str
    at: datetime
    body: str
    seal: str = ""


class StoredAct(NamedTuple):
    """One row of the audit trail: what a person or a program did, to which record, and why.

    The ledger gives `number`, from 1 without a gap, and `chain`. `did` is one of
    `auditing.VERBS`. `kind` and `record` say which record, such as "parked" and "17". `details` is
    canonical JSON.
    """

    number: int
    at: datetime
    who: str
    why: str
    did: str
    kind: str
    record: str
    details: str
    chain: str = ""


HoldKind = Literal["visit", "patient", "message", "parked"]
"""What can be held: a visit and a patient by number, a message by digest, a parked one by id."""


class Whose(NamedTuple):
    """The one visit or patient that a person names."""

    kind: Literal["visit", "patient"]
    facility: str
    number: str

    @property
    def name(self) -> str:
        """The name of a hold of it."""
        return f"{self.kind}|{self.number}"

    @property
    def digest(self) -> str:
        """What stands for it where its number must not stay."""
        return number_digest(self.facility, self.number)


class Belongings(NamedTuple):
    """All that belongs to a visit or patient. Each set holds pairs that begin with the facility.

    `messages` are digests of messages of no visit, `parked` are ids. `unsearched` are rows that do
    not open and that would stay: nobody can tell whether they belong to it.
    """

    name: str
    visits: frozenset[tuple[str, str]] = frozenset()
    patients: frozenset[tuple[str, str]] = frozenset()
    messages: frozenset[tuple[str, str]] = frozenset()
    parked: frozenset[tuple[str, str]] = frozenset()
    unsearched: tuple[UnreadableRow, ...] = ()

    def by_kind(self) -> dict[HoldKind, frozenset[tuple[str, str]]]:
        """The sets as they are held."""
        return {
            "visit": self.visits,
            "patient": self.patients,
            "message": self.messages,
            "parked": self.parked,
        }


class StoredHold(NamedTuple):
    """Something that is held: its kind and number, the hold it belongs to, who placed it and why.

    `of` is a name such as "patient|4711".
    """

    facility: str
    kind: HoldKind
    number: str
    of: str
    placed_at: datetime
    who: str
    why: str


class Forgotten(NamedTuple):
    """How many rows retention removed. The rows of `visits` stay, marked as forgotten; `rows` are
    those that went in the end. Of the `parked_unseen` nobody had retried or dropped any.
    """

    visits: int = 0
    messages: int = 0
    revisions: int = 0
    questions: int = 0
    parked: int = 0
    contributions: int = 0
    answers: int = 0
    parked_unseen: int = 0
    rows: int = 0
    visit_merges: int = 0
    patient_merges: int = 0

    def plus(self, other: "Forgotten") -> "Forgotten":
        """The sum of two."""
        return Forgotten(*(one + another for one, another in zip(self, other, strict=True)))
