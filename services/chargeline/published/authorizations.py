"""The shape of what we publish of an authorization that an order lacks, and how it is written.

This module owns the event. It decides nothing: what is lacking and what the chart already has, the
engine says. The event goes beside the question of the same number, for the desk that asks payers.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from chargeline.engine import AuthorizationNeed, authorization_words, source_in_words
from chargeline.published.model import PublishedModel


class EvidenceFact(PublishedModel):
    """One thing that a request for an authorization shows."""

    evidence: authorization_words.Evidence
    state: Literal["have", "missing"]
    says: str
    """What the chart has of it; empty where it is missing."""
    source: str
    """The field of the message in which it stands; empty for a fact of the visit."""


class AuthorizationNeeded(PublishedModel):
    """An order that needs an authorization before its first dose, and none covers it.

    It goes out when the order comes, and again, closed, when one covers the order, the order is
    cancelled or given, or the visit ends.
    """

    question_id: str
    """It is closed under the same id under which it was opened; the question has the same id."""
    state: Literal["opened", "closed"]
    facility: str
    visit: str
    revision: int = Field(ge=1)
    """The revision of the draft that opened or closed it."""
    drug: str
    expected: str
    """What should be on file."""
    found: str
    """What is on file, and what the chart lacks for a request."""
    do: str
    """What a person can do about it."""
    code: str = ""
    """The HCPCS code; this and all that follows is empty or null when it is closed."""
    payer: str = ""
    order: str = ""
    planned_day: date | None = None
    """The day of the planned dose."""
    units: int | None = None
    """The HCPCS units of the planned dose, with those of JW that its vials are going to leave; null
    where the dose cannot be read."""
    evidence_class: authorization_words.EvidenceClass | None = None
    evidence: list[EvidenceFact] = Field(default_factory=list)
    ask_by: date | None = None
    """The last day on which to ask, by the payer's standard clock; null where no rule knows it."""
    ask_expedited_by: date | None = None
    """The same by the payer's expedited clock."""


def details_of(need: AuthorizationNeed) -> dict[str, object]:
    """The keys of the event that the question does not have."""
    return {
        "code": need.code,
        "payer": need.payer,
        "order": need.order,
        "planned_day": need.day,
        "units": need.units or None,
        "evidence_class": need.evidence_class,
        "evidence": [
            EvidenceFact(
                evidence=shown.evidence,
                state="have" if shown.says else "missing",
                says=shown.says,
                source=source_in_words(shown.source) if shown.source is not None else "",
            )
            for shown in need.evidence
        ],
        "ask_by": need.ask_by,
        "ask_expedited_by": need.ask_expedited_by,
    }
