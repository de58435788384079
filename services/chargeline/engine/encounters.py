"""Which administrations belong to one encounter, and the encounter as one policy sees it.

It owns the three ways to group the days of a visit: by day (a recurring account), the whole visit
(an observation stay), or by gap (a plain outpatient visit). A rule chooses the way. It knows no
codes. An administration belongs to the day on which it began, so an infusion from 23:00 to 02:00
is not cut at midnight. A treatment that goes on over midnight stays one encounter, also where days
are grouped by day: carboplatin 23:00-00:30 and docetaxel from 00:35 on. A pump that the patient
carries home keeps no encounter going.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.needed import NO_NEEDS, Needs
from chargeline.engine.care import NO_CARE, Care, Observation, care_together
from chargeline.engine.events import Dispensed, VisitKey
from chargeline.engine.formulary import Formulary
from chargeline.engine.posted_charges import CreditApart
from chargeline.engine.pumps import CARRIED
from chargeline.engine.record import Elsewhere
from chargeline.engine.rules import Concern, DayRules, Decision, Policy
from chargeline.engine.services.records import Service
from chargeline.engine.shapes import by_keyword
from chargeline.engine.supplies import Supply
from chargeline.engine.tables import PublishedTables
from chargeline.engine.timeline.records import Administration, Day, Timeline, VisitContext
from chargeline.engine.trace import Step
from chargeline.engine.words import IS_YES, Grouping, PatientClassFact, YesNo


class GroupingFacts(NamedTuple):
    """What decides how days are grouped."""

    patient_class: "PatientClassFact"


class GroupingAnswer(NamedTuple):
    """How days are grouped, the gap that begins a new encounter, and whether days are billed.

    By day, the gap is the longest one with which a treatment still goes on over midnight.
    """

    group: "Grouping"
    bill: "YesNo"
    gap_minutes: int = 0


GROUPING = Concern(
    "encounter.grouping",
    GroupingFacts,
    GroupingAnswer,
    meaning=(
        "how the days of one visit number become encounters, and whether they are billed at all"
    ),
)

CONCERNS = (GROUPING,)


class SeenDay(NamedTuple):
    """A day on which a practitioner saw the patient: the numbers of those who signed a note of it,
    and whether a physician did.
    """

    day: date
    by: str
    by_physician: bool


class Encounter(NamedTuple):
    """What was done on some days, billed together.

    `name` is the first day, as YYYY-MM-DD. `uncharted` is what the pharmacy handed out on its days
    and nobody charted; a day may have nothing else. `dispensed` is what was handed out for its
    orders, on any day. `observed` are measures of the body and evidence about the disease, of the
    whole visit. `radiation` is what all days of the visit tell that may be part of a radiation
    course, () where no day of the encounter tells anything of one. `seen` are the days of the whole
    visit on which a practitioner saw the patient. `authorizations` are what
    the whole visit tells of them, and `credits` are its credits of charges of another day.
    """

    name: str
    day: date
    days: tuple[Day, ...]
    patient_class: PatientClassFact
    grouping: Decision[GroupingAnswer]
    uncharted: tuple[Supply, ...] = ()
    dispensed: tuple[Dispensed, ...] = ()
    observed: tuple[Observation, ...] = ()
    radiation: tuple[Care, ...] = ()
    seen: tuple[SeenDay, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    credits: tuple[CreditApart, ...] = ()

    @property
    def care(self) -> Care:
        """What was said of its days beside the pharmacy, in order."""
        if len(self.days) == 1:
            return self.days[0].care
        return care_together([day.care for day in self.days])

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """All administrations, in the order of the clock."""
        if len(self.days) == 1:
            return self.days[0].administrations
        return tuple([item for day in self.days for item in day.administrations])

    @property
    def starts(self) -> Mapping[date, datetime]:
        """When the first administration of each day began; days without one are left out."""
        return {day.day: day.administrations[0].start for day in self.days if day.administrations}

    @property
    def is_billed_by_day(self) -> bool:
        """Whether a rule bills each day by itself, so that other days cannot change this one."""
        return self.grouping.rule is not None and self.grouping.answer.group == "by_day"

    @property
    def is_of_stay(self) -> bool:
        """Whether a rule says that its days are paid with a stay, and not billed by service."""
        return self.grouping.rule is not None and not IS_YES[self.grouping.answer.bill]

    @property
    def step(self) -> Step:
        """Why these administrations are billed together."""
        facts = (("encounter", self.name), ("patient class", self.patient_class))
        return Step("encounter", self.grouping, facts)


_new_encounter = by_keyword(Encounter)


class Assessment(NamedTuple):
    """An encounter as one policy sees it: the rules of its day, and a service per administration.

    `elsewhere` is what the patient's other visits had on the days of the encounter. `formulary` has
    the codes of drugs and what containers hold, and `tables` are published tables. `answers` are
    those to questions that are about no administration. `needs` says for which codes payers want an
    authorization.
    """

    visit: VisitKey
    context: VisitContext
    encounter: Encounter
    rules: DayRules
    services: Sequence[Service]
    elsewhere: Elsewhere
    formulary: Formulary
    tables: PublishedTables
    answers: AnswersBeside
    needs: Needs = NO_NEEDS


class _Group(NamedTuple):
    """Days of one encounter, as far as they have been grouped."""

    days: list[Day]
    patient_class: PatientClassFact
    decision: Decision[GroupingAnswer]


def encounters_of(timeline: Timeline, policy: Policy) -> tuple[Encounter, ...]:
    """The encounters of a visit, oldest first.

    A day on which the patient's class changed is split: an outpatient who is admitted at 12:00 has
    an outpatient encounter until 12:00 and an inpatient encounter after it.
    """
    groups: list[_Group] = []
    for day, patient_class in _days_by_class(timeline):
        decision = policy.on(day.day).of(GROUPING).decide(GroupingFacts(patient_class))
        if groups and _goes_on(groups[-1], day, patient_class, decision):
            groups[-1].days.append(day)
        else:
            groups.append(_Group([day], patient_class, decision))
    encounters: list[Encounter] = []
    for days, patient_class, decision in groups:
        first = days[0].day
        name = first.isoformat()
        if encounters and encounters[-1].day == first:
            name = f"{name}-{patient_class}"
        encounters.append(
            _new_encounter(
                name=name,
                day=first,
                days=tuple(days),
                patient_class=patient_class,
                grouping=decision,
            )
        )
    return tuple(encounters)


def _days_by_class(timeline: Timeline) -> Iterator[tuple[Day, PatientClassFact]]:
    context = timeline.context
    if len(context.classes) < 2:
        only = context.classes[0][1] if context.classes else "unknown"
        for day in timeline.days:
            yield day, only
        return
    for day in timeline.days:
        yield from _parts_by_class(day, context)


def _parts_by_class(day: Day, context: VisitContext) -> Iterator[tuple[Day, PatientClassFact]]:
    """A day in parts, each of one class; care lies where the class was that of its time."""
    at = day.care.at or (day.administrations[0].start if day.administrations else None)
    if at is None and day.care is NO_CARE:  # something was handed out, and nothing else known
        yield day, class_on(context, datetime.combine(day.day, time.max, UTC))
        return
    of_care = class_on(context, at) if at is not None else context.classes[-1][1]
    care = day.care
    for patient_class, items in groupby(
        day.administrations, key=lambda item: class_on(context, item.start)
    ):
        part = tuple(items)
        its_care, care = (care, NO_CARE) if patient_class == of_care else (NO_CARE, care)
        is_whole_day = len(part) == len(day.administrations) and its_care is day.care
        yield (day if is_whole_day else Day(day.day, part, its_care)), patient_class
    if care is not NO_CARE:
        yield Day(day.day, (), care), of_care


def class_on(context: VisitContext, moment: datetime) -> PatientClassFact:
    """The patient's class at a moment: the last one that had begun, else the first one."""
    current = context.classes[0][1] if context.classes else "unknown"
    for since, patient_class in context.classes:
        if since is not None and since <= moment:
            current = patient_class
    return current


def _goes_on(
    group: _Group,
    following: Day,
    patient_class: PatientClassFact,
    decision: Decision[GroupingAnswer],
) -> bool:
    """Whether a day belongs to the same encounter as the days before it."""
    if decision.rule is None or group.decision.rule is None:
        return _goes_on_by_day(group, following, patient_class, decision)
    return _GOES_ON[decision.answer.group](group, following, patient_class, decision)


def _goes_on_by_day(
    group: _Group,
    following: Day,
    patient_class: PatientClassFact,
    _decision: Decision[GroupingAnswer],
) -> bool:
    return group.patient_class == patient_class and group.days[-1].day == following.day


def _goes_on_over_midnight(
    group: _Group,
    following: Day,
    patient_class: PatientClassFact,
    decision: Decision[GroupingAnswer],
) -> bool:
    last = group.days[-1].day
    if last == following.day or following.day - last > timedelta(days=1):
        return _goes_on_by_day(group, following, patient_class, decision)
    return _goes_on_without_a_gap(group, following, patient_class, decision)


def _goes_on_with_the_stay(
    group: _Group,
    following: Day,
    patient_class: PatientClassFact,
    decision: Decision[GroupingAnswer],
) -> bool:
    """Whether a day belongs to the same stay; emergency may become observation within a stay."""
    if group.decision.answer.group != "whole_visit":
        return _goes_on_by_day(group, following, patient_class, decision)
    return group.decision.answer.bill == decision.answer.bill


def _goes_on_without_a_gap(
    group: _Group,
    following: Day,
    patient_class: PatientClassFact,
    decision: Decision[GroupingAnswer],
) -> bool:
    if group.patient_class != patient_class:
        return _goes_on_by_day(group, following, patient_class, decision)
    last = group.days[-1]
    if not following.administrations or not last.administrations:
        return last.day == following.day
    gap = following.administrations[0].start - _last_end(last)
    return gap <= timedelta(minutes=decision.answer.gap_minutes)


_GOES_ON: Mapping[
    Grouping, Callable[[_Group, Day, PatientClassFact, Decision[GroupingAnswer]], bool]
] = {
    "by_day": _goes_on_over_midnight,
    "whole_visit": _goes_on_with_the_stay,
    "by_gap": _goes_on_without_a_gap,
}


def _last_end(day: Day) -> datetime:
    """When the last administration of a day ended; one that went home ends at its start."""
    items = day.administrations
    starts = [interval.start for item in items for interval in item.intervals]
    stops = [
        interval.stop
        for item in items
        if item.device not in CARRIED
        for interval in item.intervals
        if interval.stop is not None
    ]
    return max([*starts, *stops])
