"""The patient's record: small facts of one visit that may change the drafts of other visits.

It owns what a visit contributes to the record, and what a draft reads from the record. It does not
know where records are kept. Each draft yields contributions, and each draft is given the history:
the contributions of the patient's other visits. A contribution has a slot, such as the initial
service on a day. A draft reads only the slots that it contributes to. So when a contribution
changes, the visits that share its slot are drafted again, and no others.

One sequence, worked through. A patient has an infusion at 09:00 in visit A and one at 15:00 in
visit B. Both contribute an initial service on that day, A at 09:00 and B at 15:00. B is drafted
with the history (A, 09:00). 09:00 is before 15:00, so B has the second initial service of the day.
A is drafted with the history (B, 15:00), which is later, so A has the first one. When the infusion
of A is voided, A's contribution goes. B shares the slot, so B is drafted again and has the first.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from chargeline.engine.events import VisitKey
from chargeline.engine.words import ContributionKind


class Slot(NamedTuple):
    """What contributions of several visits have in common: a kind of fact, and what it is about.

    For an initial service `about` is the day, as YYYY-MM-DD.
    """

    kind: ContributionKind
    about: str


class Contribution(NamedTuple):
    """One fact that a visit adds to the record of its patient; `at` puts facts into an order."""

    visit: VisitKey
    patient: str
    slot: Slot
    at: datetime


History = frozenset[Contribution]
"""The contributions of a patient's other visits."""

NO_HISTORY: History = frozenset()


def initial_service_slot(day: date) -> Slot:
    """The slot of initial services on one day."""
    return Slot("initial_service", day.isoformat())


def is_second(contribution: Contribution, history: History) -> bool:
    """Whether another visit came first in the same slot.

    The earlier visit is first; of two visits at the same time, the one with the lower number.
    """
    mine = (contribution.at, contribution.visit)
    others = [other for other in history if other.slot == contribution.slot]
    return any((other.at, other.visit) < mine for other in others)


def histories(contributions: Iterable[Contribution]) -> dict[VisitKey, History]:
    """The history of each visit that shares a slot with another visit of its patient."""
    by_slot: dict[tuple[str, str, Slot], list[Contribution]] = {}
    for contribution in contributions:
        slot = (contribution.visit.facility, contribution.patient, contribution.slot)
        by_slot.setdefault(slot, []).append(contribution)
    of_visits: dict[VisitKey, set[Contribution]] = {}
    for sharing in by_slot.values():
        for contribution in sharing:
            others = [other for other in sharing if other.visit != contribution.visit]
            if others:
                of_visits.setdefault(contribution.visit, set()).update(others)
    return {visit: frozenset(others) for visit, others in of_visits.items()}


def sharing(
    changed: Iterable[Contribution], contributions: Iterable[Contribution]
) -> set[VisitKey]:
    """The visits that share a slot of a patient with a changed contribution.

    Their drafts may change, so the caller drafts these visits again.
    """
    slots = {(other.visit.facility, other.patient, other.slot) for other in changed}
    return {
        contribution.visit
        for contribution in contributions
        if (contribution.visit.facility, contribution.patient, contribution.slot) in slots
    }
