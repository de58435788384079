"""The shapes of how a visit's courses and authorizations stand, and how they are written.

It owns the keys that a program reads where a page has a table. What counts, the engine says. A
draft on Kafka does not hold them, because they change with the patient's other visits.
"""

from datetime import date

from pydantic import Field

from chargeline.engine import (
    AuthorizationBalance,
    CourseStanding,
    VisitKey,
    authorization_words,
    basis_of,
    course_words,
    plain,
    state_of,
)
from chargeline.published.authorizations import EvidenceFact
from chargeline.published.model import PublishedModel


class CourseManagement(PublishedModel):
    """The management of the sessions of one beam, and of courses that share its sittings."""

    beam: course_words.Beam
    sessions: int = Field(ge=0)
    """The sessions that count, those of courses in the same sittings too."""
    code: str
    """The code of a unit, or its role where no code is in force; empty where it has none."""
    units: int = Field(ge=0)
    """The units that are earned so far."""
    to_next: int | None
    """In how many sessions the next unit is earned; null where none follows, or nobody can say."""
    with_the_end: bool
    """Whether a unit is earned when the course ends, and nothing says after how many sessions."""


class CourseOfVisit(PublishedModel):
    """A course of radiation as all visits of the patient tell it until now."""

    course: str
    """The number of the course; empty where charges have none."""
    sessions: int = Field(ge=0)
    """The sessions that count."""
    in_question: int = Field(ge=0)
    """The sessions that wait for an answer."""
    booked: int = Field(ge=0)
    """The appointments that are still to come."""
    planned: list[int]
    """The numbers of fractions that reports plan: none, one, or several where they differ."""
    missing: list[str]
    """The fractions that are not here, such as `1 to 4`."""
    ended: bool
    here: list[int]
    """The places in the course of the sessions that this visit tells."""
    counted_with: list[str]
    """The courses that share its sittings."""
    management: list[CourseManagement]


class UnitsTaken(PublishedModel):
    """What this visit takes of an authorization on a day."""

    day: date
    amount: str
    """A decimal number, in what the authorization counts."""


class AuthorizationOfVisit(PublishedModel):
    """An authorization that a visit names, tells of or may use, as all visits count against it."""

    number: str
    """The payer's number."""
    item: str
    """The code of its part, where one number has a count for each code; else empty."""
    payer: str
    codes: list[str]
    """What it covers; empty for all codes."""
    starts: date | None
    until: date | None
    """The first and the last day, both included; null where nobody says it."""
    basis: authorization_words.UnitBasis
    """What is counted."""
    granted: str | None
    """A decimal number; null where it has no limit."""
    used: str
    """A decimal number: what the visits until this one bill against it, and this one too, covered
    or not."""
    not_covered: str
    """A decimal number: what of `used` found too little left, whole lines of it."""
    left: str | None
    """A decimal number, below 0 where more is billed than granted; null where it has no limit."""
    status: authorization_words.StatusCharted
    """What the payer said last; empty where nobody says it."""
    says: str
    """How it stands on the last day of the visit, in words, such as `approved on 2026-10-01`."""
    taken: list[UnitsTaken]


class AuthorizationLacking(PublishedModel):
    """What an order lacks: the keys of an `authorization.needed` event beside its question."""

    code: str
    payer: str
    order: str
    planned_day: date
    units: int | None
    """The HCPCS units of the planned dose; null where the dose cannot be read."""
    evidence_class: authorization_words.EvidenceClass
    evidence: list[EvidenceFact]
    ask_by: date | None
    """The last day on which to ask, by the payer's standard clock; null where no rule knows it."""
    ask_expedited_by: date | None
    """The same by the payer's expedited clock."""


def course_of_visit(standing: CourseStanding) -> CourseOfVisit:
    """How a course stands, as its shape."""
    management = [managed._asdict() for managed in standing.management]
    return CourseOfVisit.model_validate({**standing._asdict(), "management": management})


def authorization_of_visit(
    balance: AuthorizationBalance, key: VisitKey, day: date, zone: str
) -> AuthorizationOfVisit:
    """How an authorization stands on a day, as its shape, with what the visit `key` takes."""
    authorization, left = balance.authorization, balance.left
    granted = authorization.units
    return AuthorizationOfVisit(
        number=authorization.number,
        item=authorization.item,
        payer=authorization.payer,
        codes=[*authorization.codes],
        starts=authorization.starts,
        until=authorization.until,
        basis=basis_of(authorization),
        granted=plain(granted) if granted is not None else None,
        used=plain(balance.used),
        not_covered=plain(balance.not_covered),
        left=plain(left) if left is not None else None,
        status=authorization.status,
        says=state_of(authorization, day, zone),
        taken=[
            UnitsTaken(day=account.use.day, amount=plain(account.amount))
            for account in balance.uses_of(key)
        ],
    )
