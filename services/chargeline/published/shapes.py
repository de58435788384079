"""The shapes of what we publish on Kafka: drafts, questions and parked messages, as models.

This module owns what an event may hold. The published schemas are made from its models, docstrings
included, and a revision that is read back from the ledger is checked with them. It does not know
how a draft becomes an event: drafts.py writes the same bytes without these models, to save time.
"""

from collections.abc import Mapping
from datetime import date
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from chargeline.engine import answer_words, claim_words, words
from chargeline.published.answers import AnswerOffered, SaidByAPerson
from chargeline.published.authorizations import AuthorizationNeeded
from chargeline.published.given import AdministrationFacts
from chargeline.published.model import PublishedModel
from chargeline.published.stakes import DenialRisk, EditOfClaim

# ------------------------------------------------------------------ the parts of a draft


class PassedOver(PublishedModel):
    """A rule that applied to the facts and was overridden by the rule of this step."""

    rule: str
    """The id of the rule."""
    why: str
    """The rule's own reason."""


class TraceStep(PublishedModel):
    """One step of reasoning: the rule that decided, the facts, and the fields they came from."""

    topic: str
    """What the step decides, such as technique."""
    rule: str | None
    """The id of the rule that decided; null if the step only notes facts."""
    why: str | None
    """The rule's own reason."""
    cite: list[str]
    """The sources that the rule cites."""
    facts: dict[str, str | int]
    """The facts on which the rule decided, such as running_minutes: 84."""
    sources: list[str]
    """The fields of messages from which the facts came."""
    passed_over: list[PassedOver]
    """The rules that applied too and were overridden."""
    other: list[str] = Field(default_factory=list)
    """Other published positions on what the rule decides, where sources conflict."""


class OtherPolicy(PublishedModel):
    """What another shipped policy would give for the same administration."""

    policy: str
    would_give: list[str]
    """The codes with their units under that policy, `withheld` or `a question`; empty for none."""
    rule: str
    """The rule of that policy that makes the difference."""


class LineNdc(PublishedModel):
    """The National Drug Code of a drug line, and how much of its container the line stands for."""

    digits: str
    """Eleven digits without hyphens, as a claim carries them after the qualifier N4."""
    unit: claim_words.NdcUnit
    """ML millilitres, UN pieces, GR grams; empty where nobody knows what the container holds."""
    quantity: str | None
    """A decimal number with at most three places; null where `unit` is empty."""
    lots: list[str]
    """The lot numbers that were charted."""


class Line(PublishedModel):
    """One line of draft charges."""

    line_id: str
    """The same line has the same id in every revision; the id is unique within the visit."""
    role: str
    """The service role, such as chemo.infusion.initial; `drug` for the drug itself, and
    `drug.discarded` for what was discarded of it."""
    code: str
    """The CPT or HCPCS code."""
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    minutes: int | None
    """The running minutes from which the line was worked out; null if the line is not timed."""
    administrations: list[str]
    """The keys of the administrations that the line bills."""
    provisional: str
    """The code of the open question that may change the line; empty if there is none."""
    trace: list[TraceStep]
    """Why the line is there, step by step."""
    other_policies: list[OtherPolicy]
    """Where another shipped policy would end differently."""
    held: str = ""
    """Why a person holds the line back; empty if nobody does."""
    instead_of: str = ""
    """What chargeline drafts by itself, such as 96415 x2, where a person said otherwise."""
    ndc: LineNdc | None = None
    """The NDC of a drug line; null for a service, and where no NDC is charted."""
    authorization: str = ""
    """The payer's number of the authorization that covers the line; empty where none is needed or
    none covers it. It belongs in FT1-39."""


class OpenQuestion(PublishedModel):
    """A question that a person must answer."""

    code: str
    """The code of the question, such as stop.missing."""
    expected: str
    """What the record should say."""
    found: str
    """What the record says."""
    do: str
    """What the person can do about it."""
    drug: str
    administrations: list[str]
    """The keys of the administrations in question."""
    sources: list[str]
    """The fields of messages that raise the question."""
    question_id: str = ""
    """The same question about the same administrations has the same id in every revision."""
    severity: answer_words.Severity = "blocks"
    """Whether the visit can be ready while the question is open."""
    fingerprint: str = ""
    """Stands for the facts that are asked about. An answer holds as long as they stay the same."""
    choices: list[AnswerOffered] = Field(default_factory=list)
    """The closed list of answers. Empty where only the sender or the rules can be mended."""


class WithheldService(PublishedModel):
    """An administration, or a part of one, that is not billed, and the reason."""

    reason: str
    """The reason: the id of a rule, a code such as stop.missing, or a word such as not_given."""
    says: str
    """The reason as a sentence."""
    drug: str
    minutes: int | None
    """The minutes that are not billed; null if the service is not timed."""
    administrations: list[str]
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class Encounter(PublishedModel):
    """The draft of one encounter of the visit."""

    encounter: str
    """The first day of what is billed together, such as 2026-03-02; with the patient class after it
    if a second encounter begins on that day.
    """
    lines: list[Line]
    questions: list[OpenQuestion]
    withheld: list[WithheldService]
    administrations: list[AdministrationFacts] = Field(default_factory=list)
    """What was given, with the times and doses that the lines rest on, answers included."""
    edits: list[EditOfClaim] = Field(default_factory=list)
    """Why a payer may deny lines of the encounter."""


class Billed(PublishedModel):
    """The part of a line that a bill shows. While it stays the same, the line has not changed."""

    code: str
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    provisional: str
    ndc: LineNdc | None = None
    authorization: str = ""


class LineChange(PublishedModel):
    """One line that differs from the revision before: credit `before` and bill `after`."""

    line_id: str
    before: Billed | None
    """Null where the line was added."""
    after: Billed | None
    """Null where the line was removed."""


class Changes(PublishedModel):
    """How the lines differ from those of the revision before. Credit and bill in this order."""

    added: list[LineChange]
    changed: list[LineChange]
    removed: list[LineChange]


# ------------------------------------------------------------------ the events


class DraftRevision(PublishedModel):
    """A revision of the draft charges of a visit. It replaces the revision before it."""

    facility: str
    visit: str
    revision: int = Field(ge=1)
    """The first revision of a visit is 1, and each further one counts up by one."""
    policy: str
    """The policy by which the visit is drafted."""
    rulebook: str
    """The version of the rules; it changes when any rule changes."""
    program: str = ""
    """The version of chargeline that made the draft; empty in revisions older than this field."""
    incomplete: bool
    """Whether a message of the visit is parked or was not read whole: a charge may be missing."""
    payer: str = ""
    """The payer of the visit, as the sender writes it; empty if none is known."""
    patient_class: words.PatientClassFact = "unknown"
    """The class of the patient, the last that is known."""
    place: str = ""
    """The nursing unit or clinic, as the interface profile reads it; empty if none is known."""
    zone: str = "UTC"
    """The time zone of the sender. All times of this event are in UTC."""
    held: str = ""
    """Why a person holds the whole visit back; empty if nobody does."""
    status: Literal["open", "final", "merged"]
    """open: more messages may come. final: ready to bill; if a late message comes, a later revision
    corrects this one. merged: another visit bills these services, see merged_into.
    """
    merged_into: str | None
    """The visit that bills these services now; this one has lost its lines. Null unless merged."""
    ready: bool = False
    """Whether a bill may be made: final, whole, nothing held, and no question that blocks is open.
    """
    waits_for: list[str] = Field(default_factory=list)
    """What the visit waits for if it is not ready: `discharge`, `parked`, `hold`, and the codes of
    its open questions and of its edits that block.
    """
    waiting_cents: int | None = None
    """What the lines of a visit that is not ready would bring; null without a price list."""
    denial_risk: DenialRisk | None = None
    """What of the visit a payer may deny; null in revisions older than this field."""
    encounters: list[Encounter]
    questions: list[OpenQuestion]
    """Questions about the visit as a whole. Those about an encounter stand in that encounter."""
    said: list[SaidByAPerson] = Field(default_factory=list)
    """What people answered. Reports keep it apart from what was charted."""
    changes: Changes
    chain_before: str = ""
    """The chain of the revision before, empty for the first. It is empty, too, where the revision
    before was written by a chargeline without chains and its chain is not known.
    """
    chain: str = ""
    """64 hexadecimal digits: SHA-256 over `chain_before` and the bytes of this event up to here.
    These are the bytes of the Kafka record before `,"chain":`, which is always its last key.
    """

    @model_validator(mode="after")
    def _merged_is_empty(self) -> Self:
        if (self.status == "merged") != (self.merged_into is not None):
            raise ValueError("merged_into names a visit when the status is merged, and only then")
        if self.status == "merged" and any(encounter.lines for encounter in self.encounters):
            raise ValueError("a visit that was merged has no lines of its own")
        return self


class DocumentationQuestion(PublishedModel):
    """A question to a person that was opened or closed.

    It goes out early: while the patient is still there, a nurse can best answer it.
    """

    question_id: str
    """A question is closed under the same id under which it was opened."""
    state: Literal["opened", "closed"]
    facility: str
    visit: str
    encounter: str | None
    """The encounter in question; null for a question about the visit as a whole."""
    revision: int = Field(ge=1)
    """The revision of the draft that opened or closed the question."""
    code: str
    """The code of the question, such as stop.missing."""
    expected: str
    """What the record should say."""
    found: str
    """What the record says."""
    do: str
    """What the person can do about it."""
    drug: str
    administrations: list[str]
    """The keys of the administrations in question."""
    sources: list[str]
    """The fields of messages that raise the question."""
    ordered_minutes: int | None
    """How many minutes the order says that the drug runs; null if the order does not say it."""
    since: AwareDatetime | None
    """When the first of the administrations began; null for a question about none."""
    severity: answer_words.Severity = "blocks"
    """Whether the visit can be ready while the question is open."""
    fingerprint: str = ""
    """Stands for the facts that are asked about. An answer holds as long as they stay the same."""
    choices: list[AnswerOffered] = Field(default_factory=list)
    """The closed list of answers. Empty where only the sender or the rules can be mended."""
    stake_cents: int | None = None
    """What the lines that wait for the answer would bring as drafted; null without a price list."""


class KafkaHeader(PublishedModel):
    """One header of a Kafka record."""

    name: str
    value_base64: str | None
    """The bytes of the value in base64; null if the header has no value."""


class ParkedMessage(PublishedModel):
    """A message that could not be used: which one, and why.

    The ledger keeps it whole, and `chargeline parked show NUMBER` shows it. The event itself holds
    what the sender wrote, patients included, only where the setting CHARGELINE_PARKED_BYTES says
    so.
    """

    facility: str | None
    """Null if the message and its key do not say it."""
    visit: str | None
    """Null if the message and its key do not say it."""
    topic: str
    """The topic from which the message was read."""
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    code: str
    """The reason, as one of a closed list of codes, such as time.impossible."""
    expected: str
    """What was expected."""
    found: str
    """What was found instead."""
    where: str
    """The field or the part of the message."""
    do: str
    """What to do about it."""
    message_type: str
    """MSH-9, such as RAS^O17; empty if it could not be read."""
    control_id: str
    """MSH-10; empty if it could not be read or stored."""
    number: int | None = None
    """The number of the message in the ledger; null in an event of an older chargeline."""
    bytes: int | None = None
    """How many bytes the ledger keeps of it, 0 if none; null in an event of an older chargeline."""
    sha256: str | None = None
    """The SHA-256 of these bytes, in hexadecimal; null in an event of an older chargeline."""
    headers: list[KafkaHeader]
    """The headers of the message's record; empty unless the event holds the bytes."""
    raw_base64: str | None
    """The bytes of the message as they came, in base64; null unless a setting asks for them."""

    def without_bytes(self) -> "ParkedMessage":
        """The same event without anything that the sender wrote into the message."""
        return self.model_copy(update={"headers": [], "raw_base64": None})


Data = DraftRevision | DocumentationQuestion | AuthorizationNeeded | ParkedMessage

TYPES: Mapping[type[Data], str] = {
    DraftRevision: "org.chargeline.charge.draft.v1",
    DocumentationQuestion: "org.chargeline.documentation.question.v1",
    AuthorizationNeeded: "org.chargeline.authorization.needed.v1",
    ParkedMessage: "org.chargeline.hl7.parked.v1",
}
