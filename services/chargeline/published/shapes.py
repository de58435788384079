"""The shapes of what crosses Kafka: drafts, questions and parked messages, as models.

It owns what an event may hold, for the published schemas and for whoever reads one back. Drafts are
written without them (drafts.py), to the same bytes.
"""

import base64
from collections.abc import Mapping
from datetime import date
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class PublishedModel(BaseModel):
    """What all shapes share: they do not change, and hold no key that is not named here."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


# ------------------------------------------------------------------ the parts of a draft


class PassedOver(PublishedModel):
    """A rule that applied and was overridden."""

    rule: str
    why: str


class TraceStep(PublishedModel):
    """One step of reasoning, with its rule, facts and the fields that they came from."""

    topic: str
    rule: str | None
    why: str | None
    cite: list[str]
    facts: dict[str, str | int]
    sources: list[str]
    passed_over: list[PassedOver]


class OtherPolicy(PublishedModel):
    """What another shipped policy would make of the same administration."""

    policy: str
    would_give: list[str]
    rule: str


class Line(PublishedModel):
    """One draft charge."""

    line_id: str
    """Stays the same for the same line in every revision; unique within a visit."""
    role: str
    """The service role, such as chemo.infusion.initial; `drug` for the drug itself."""
    code: str
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    minutes: int | None
    """Running minutes that the line was reckoned from; null if it is not timed."""
    administrations: list[str]
    provisional: str
    """Code of the open question that may change the line, or empty."""
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class OpenQuestion(PublishedModel):
    """Something a person must answer."""

    code: str
    expected: str
    found: str
    do: str
    drug: str
    administrations: list[str]
    sources: list[str]


class WithheldService(PublishedModel):
    """An administration that is not billed, and why."""

    reason: str
    says: str
    drug: str
    minutes: int | None
    administrations: list[str]
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class Encounter(PublishedModel):
    """The draft of one encounter of the visit."""

    encounter: str
    lines: list[Line]
    questions: list[OpenQuestion]
    withheld: list[WithheldService]


class Billed(PublishedModel):
    """What of a line a bill shows: two revisions of a line with the same are not a change."""

    code: str
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    provisional: str


class LineChange(PublishedModel):
    """One line that differs from the last revision: credit `before`, bill `after`."""

    line_id: str
    before: Billed | None
    """Null where the line was added."""
    after: Billed | None
    """Null where the line was removed."""


class Changes(PublishedModel):
    """How the lines differ from those of the revision before."""

    added: list[LineChange]
    changed: list[LineChange]
    removed: list[LineChange]


# ------------------------------------------------------------------ the events


class DraftRevision(PublishedModel):
    """A revision of the draft charges of a visit; it replaces the one before it."""

    facility: str
    visit: str
    revision: int = Field(ge=1)
    """Counts up by one for each revision of the visit."""
    status: Literal["open", "final", "merged"]
    """open: more may come. final: ready to bill; a later revision corrects it. merged: see
    merged_into.
    """
    merged_into: str | None
    """The visit that holds these services now; every line of this one is removed. Else null."""
    policy: str
    rulebook: str
    """Version of the rules; it changes with any of them."""
    incomplete: bool
    """Whether a message of the visit was parked: a charge may be missing."""
    encounters: list[Encounter]
    questions: list[OpenQuestion]
    """Questions about the visit as a whole; those about an encounter stand there."""
    changes: Changes

    @model_validator(mode="after")
    def _merged_is_empty(self) -> Self:
        if (self.status == "merged") != (self.merged_into is not None):
            raise ValueError("merged_into is said when the status is merged, and only then")
        if self.status == "merged" and any(each.lines for each in self.encounters):
            raise ValueError("a visit that was merged has no lines of its own")
        return self


class DocumentationQuestion(PublishedModel):
    """A question to a person that was opened or closed; while the patient is there it can be
    answered.
    """

    question_id: str
    """The same when the question is closed as when it was opened."""
    state: Literal["opened", "closed"]
    facility: str
    visit: str
    encounter: str | None
    """Null for a question about the visit as a whole."""
    revision: int = Field(ge=1)
    """The draft revision in which it was opened or closed."""
    code: str
    expected: str
    found: str
    do: str
    drug: str
    administrations: list[str]
    sources: list[str]
    ordered_minutes: int | None
    """How long the order says it runs; null if that is not known."""
    since: AwareDatetime | None
    """When the first of the administrations began; null for a question without any."""


class KafkaHeader(PublishedModel):
    """One header of a Kafka message."""

    name: str
    value_base64: str | None


class ParkedMessage(PublishedModel):
    """A message that could not be used, whole: it holds whatever the sender wrote, patients
    included.
    """

    facility: str | None
    visit: str | None
    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    code: str
    """Why, as one of a closed list of codes, such as time.impossible."""
    expected: str
    found: str
    where: str
    do: str
    message_type: str
    control_id: str
    headers: list[KafkaHeader]
    raw_base64: str
    """The message's bytes as they came."""

    @property
    def raw(self) -> bytes:
        """The message's bytes as they came."""
        return base64.b64decode(self.raw_base64)


Data = DraftRevision | DocumentationQuestion | ParkedMessage

TYPES: Mapping[type[Data], str] = {
    DraftRevision: "org.chargeline.charge.draft.v1",
    DocumentationQuestion: "org.chargeline.documentation.question.v1",
    ParkedMessage: "org.chargeline.hl7.parked.v1",
}
