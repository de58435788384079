"""The patient's record: small facts by which one visit bears on the drafts of another.

It owns what a visit contributes to it and what a draft is told of it. Each draft yields
contributions, and is given the history: the contributions of the patient's other visits. A
contribution has a slot, such as the initial service on a day. A draft reads the slots that it
contributes to, so the visits that share a slot with a change are the ones to draft again. Nobody
here knows where records are kept.

One sequence, worked through. A patient has an infusion at 09:00 in visit A and one at 15:00 in
visit B. Both contribute an initial service on that day, A at 09:00 and B at 15:00. B is drafted
with the history (A, 09:00), which is before its own 15:00, so its initial service is the second of
the day. A is drafted with (B, 15:00), which is later, and stays the first. When A is voided its
contribution goes, B shares the slot, is drafted again, and is the first.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from chargeline.engine.events import VisitKey
from chargeline.engine.words import ContributionKind


class Slot(NamedTuple):
    """What several visits of a patient have in common: a kind of fact about one thing.

    `about` is the day of an initial service as YYYY-MM-DD.
    """

    kind: ContributionKind
    about: str


class Contribution(NamedTuple):
    """One fact that a visit adds to the record of its patient; `at` puts several into an order."""

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
    """Whether another visit came first in the same slot: earlier, or at the same time by its
    number.
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
    """The visits that share a patient's slot with a changed contribution: their drafts may
    differ.
    """
    slots = {(each.visit.facility, each.patient, each.slot) for each in changed}
    return {
        each.visit
        for each in contributions
        if (each.visit.facility, each.patient, each.slot) in slots
    }
