"""The patient's record: small facts of one visit that may change the drafts of other visits.

It owns what a visit contributes to the record, and what a draft reads from the record. It does not
know where records are kept. Each draft yields contributions, and each draft is given the history:
the contributions of the patient's other visits. A contribution has a slot, such as the initial
service on a day. A draft reads only the topics that it contributes to: the kinds of one topic are
about the same day, the same order, or the same dose. So when a contribution changes, the visits
that share its topic are drafted again, and no others.

One sequence, worked through. A patient has an infusion at 09:00 in visit A and one at 15:00 in
visit B. Both contribute an initial service on that day, A at 09:00 and B at 15:00. B is drafted
with the history (A, 09:00). 09:00 is before 15:00, so B has the second initial service of the day.
A is drafted with the history (B, 15:00), which is later, so A has the first one. When the infusion
of A is voided, A's contribution goes. B shares the slot, so B is drafted again and has the first.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from chargeline.engine.events import BEGINNING, VisitKey
from chargeline.engine.words import ContributionKind

_TOPICS: Mapping[ContributionKind, str] = {
    "initial_service": "day",
    "service": "day",
    "irrigation": "day",
    "office_visit": "day",
    "posted_service": "day",
    "radiation_day": "day",
    "pump_start": "pump",
    "pump_stop": "pump",
    "dose": "dose",
    "seen": "group",
    "fraction": "radiation",
    "course_service": "radiation",
    "billed_units": "units",
    "authorized_units": "authorization",
    "authorization": "authorization",
}
# Topics of which a family or an edit reads every contribution, and not only those of its days.
_ACROSS_VISITS = frozenset({"group", "radiation", "units", "authorization"})
# Two courses may be treated in one sitting, so a draft of one reads all courses of the patient.
_OF_THE_PATIENT = frozenset({"radiation"})
APART = "|"
"""Parts the topic of a slot from what tells facts of one visit apart."""
PLANNED = "planned"
"""Stands in what a use of an authorization is about, where an order plans it."""
_PLANNED = f"{APART}{PLANNED}{APART}"
_END = datetime.max.replace(tzinfo=UTC)
# What a later visit reads and an earlier one does not: two hundred visits before are left alone.
_ONWARD: frozenset[ContributionKind] = frozenset({"seen", "authorized_units"})
_SERVICES: frozenset[ContributionKind] = frozenset({"initial_service", "service"})
_RADIATION: frozenset[ContributionKind] = frozenset({"radiation_day"})


class Slot(NamedTuple):
    """A kind of fact, and what it is about.

    `about` is the number of the order for a pump, the drug and the minute for a dose, the code
    and the day for units, and for anything else the day, as YYYY-MM-DD. Where one visit may add
    several facts to one topic, a bar parts the topic from what tells them apart. The topic of
    radiation is one for all courses of the patient.
    """

    kind: ContributionKind
    about: str

    @property
    def topic(self) -> tuple[str, str]:
        """What contributions of several visits have in common."""
        topic = _TOPICS[self.kind]
        about = "" if topic in _OF_THE_PATIENT else self.about.partition(APART)[0]
        return (topic, about)


class Fact(NamedTuple):
    """What a visit adds to the record in one slot; `at` puts facts into an order.

    `value` is what the fact says besides that it is, such as a number of units; "" if nothing.
    """

    slot: Slot
    at: datetime
    value: str = ""


class Contribution(NamedTuple):
    """One fact that a visit adds to the record of its patient; `at` and `value` as in `Fact`."""

    visit: VisitKey
    patient: str
    slot: Slot
    at: datetime
    value: str = ""


History = frozenset[Contribution]
"""The contributions of a patient's other visits, of the topics that the visit contributes to."""

NO_HISTORY: History = frozenset()


def fact_of_day(kind: ContributionKind, day: date, at: datetime) -> Fact:
    """What happened on one day, which began at a time."""
    return Fact(Slot(kind, day.isoformat()), at)


def dose_slot(drug: str, start: datetime) -> Slot:
    """A dose of a product of the formulary that began at a minute.

    Nobody gets one product twice in a minute, so two visits with one such slot tell of one dose.
    """
    return Slot("dose", f"{drug}@{start:%Y-%m-%dT%H:%MZ}")


# ------------------------------------------------------------------ what a draft reads


class Elsewhere(NamedTuple):
    """What the patient's other visits had on the days of an encounter.

    `second_on` are the days on which another visit had its initial service before. `served_on` are
    those on which another visit had any service, or had rinsed an access device before. `drugs_on`
    are all days on which another visit gave drugs, with or without drugs in this one, and
    `radiation_on` are those of which another visit charts radiation. `doses` are
    the doses of other visits that this visit has as well, as `dose_slot` names them. `across` are
    the contributions of other visits to what spans visits: a practitioner's group, courses of
    radiation, an authorization. `visits` are what they tell of visits with a practitioner on the
    days of the encounter, and `posted` of charges that such a visit may stand beside.
    """

    second_on: frozenset[date] = frozenset()
    served_on: frozenset[date] = frozenset()
    doses: frozenset[str] = frozenset()
    across: History = NO_HISTORY
    drugs_on: frozenset[date] = frozenset()
    radiation_on: frozenset[date] = frozenset()
    visits: History = NO_HISTORY
    posted: History = NO_HISTORY


NOTHING_ELSEWHERE = Elsewhere()


def seen_elsewhere(
    visit: VisitKey,
    starts: Mapping[date, datetime],
    history: History,
    *,
    days: Iterable[date] = (),
) -> Elsewhere:
    """What other visits had on some days; `starts` says when each day of this visit began.

    `days` are all its days, also those without an administration.

    The earlier visit is first; of two visits at the same time, the one with the lower number.
    """
    if not history:
        return NOTHING_ELSEWHERE
    second: set[date] = set()
    served: set[date] = set()
    for day, start in starts.items():
        on_day = [other for other in history if other.slot.topic == ("day", day.isoformat())]
        before = {other.slot.kind for other in on_day if (other.at, other.visit) < (start, visit)}
        if "initial_service" in before:
            second.add(day)
        if "irrigation" in before or any(other.slot.kind in _SERVICES for other in on_day):
            served.add(day)
    doses = frozenset([other.slot.about for other in history if other.slot.kind == "dose"])
    across = frozenset([other for other in history if other.slot.topic[0] in _ACROSS_VISITS])
    seen_on = {Slot("office_visit", day.isoformat()) for day in days}
    posted_on = {Slot("posted_service", slot.about) for slot in seen_on}
    return Elsewhere(
        second_on=frozenset(second),
        served_on=frozenset(served),
        doses=doses,
        across=across,
        drugs_on=_days_with(_SERVICES, history),
        radiation_on=_days_with(_RADIATION, history),
        visits=frozenset([other for other in history if other.slot in seen_on]),
        posted=frozenset([other for other in history if other.slot in posted_on]),
    )


def _days_with(kinds: Collection[ContributionKind], history: History) -> frozenset[date]:
    return frozenset(
        [date.fromisoformat(other.slot.about) for other in history if other.slot.kind in kinds]
    )


def pump_was_started(order: str, until: datetime, history: History) -> bool:
    """Whether another visit started the pump of an order, at a time or before it."""
    slot = Slot("pump_start", order)
    return any(other.slot == slot and other.at <= until for other in history)


def pump_was_taken_off(order: str, since: datetime, history: History) -> datetime | None:
    """When another visit took off the pump of an order that began at `since`; None if none did."""
    slot = Slot("pump_stop", order)
    return min(
        [each.at for each in history if each.slot == slot and each.at >= since], default=None
    )


# ------------------------------------------------------------------ which visits it concerns


_Shared = tuple[str, str, tuple[str, str]]


def histories(
    contributions: Iterable[Contribution], of: Collection[VisitKey] | None = None
) -> dict[VisitKey, History]:
    """The history of each visit that a contribution of another visit of its patient reaches.

    With `of`, only of these visits: the record of a patient with 200 visits is long.
    """
    of_visits: dict[VisitKey, set[Contribution]] = {}
    for facts in _by_topic(contributions).values():
        for visit, until in _reached(facts).items():
            if of is not None and visit not in of:
                continue
            others = [other for other in facts if other.visit != visit and _since(other) <= until]
            if others:
                of_visits.setdefault(visit, set()).update(others)
    return {visit: frozenset(others) for visit, others in of_visits.items()}


def sharing(
    changed: Iterable[Contribution], contributions: Iterable[Contribution]
) -> set[VisitKey]:
    """The visits of a patient that a changed contribution reaches.

    Their drafts may change, so the caller drafts these visits again.
    """
    since = {
        topic: min([_since(fact) for fact in facts]) for topic, facts in _by_topic(changed).items()
    }
    return {
        visit
        for topic, facts in _by_topic(contributions).items()
        if topic in since
        for visit, until in _reached(facts).items()
        if since[topic] <= until
    }


def _by_topic(facts: Iterable[Contribution]) -> dict[_Shared, list[Contribution]]:
    by_topic: dict[_Shared, list[Contribution]] = {}
    for fact in facts:
        by_topic.setdefault(_shared(fact), []).append(fact)
    return by_topic


def _reached(facts: Iterable[Contribution]) -> dict[VisitKey, datetime]:
    """The visits of a topic, and up to which time facts of others reach each."""
    until: dict[VisitKey, datetime] = {}
    for fact in facts:
        at = fact.at if _is_onward(fact) else _END
        until[fact.visit] = max(at, until.get(fact.visit, at))
    return until


def _since(fact: Contribution) -> datetime:
    """From which time on a fact reaches other visits."""
    return fact.at if _is_onward(fact) else BEGINNING


def _is_onward(fact: Contribution) -> bool:
    """Whether a fact reaches later visits only, as what was seen or used does.

    An order's planned dose is no use yet, and the visit before it warns of it.
    """
    return fact.slot.kind in _ONWARD and _PLANNED not in fact.slot.about


def _shared(contribution: Contribution) -> _Shared:
    return (contribution.visit.facility, contribution.patient, contribution.slot.topic)
