"""Which administrations belong to one encounter.

It owns the grouping of a visit's days: by day for a recurring account, the whole of an
observation stay, or by gap for a plain outpatient visit. The choice is a rule; an administration
belongs where it began, so one that runs over midnight is not cut.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from chargeline.engine.rules import Decision, Policy
from chargeline.engine.timeline import Administration, Day, Timeline, VisitContext


class Encounter(NamedTuple):
    """Administrations billed together. `name` is the first day, the patient class decides the rest."""

    name: str
    day: date
    days: tuple[Day, ...]
    patient_class: str
    grouping: Decision

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """In the order of the clock."""
        if len(self.days) == 1:
            return self.days[0].administrations
        return tuple(item for day in self.days for item in day.administrations)


def encounters_of(timeline: Timeline, policy: Policy) -> tuple[Encounter, ...]:
    """The encounters of a visit, oldest first.

    A day on which the patient's class changed counts for both: what was given before belongs to the
    earlier class.
    """
    groups: list[tuple[list[Day], str, Decision]] = []
    for day, patient_class in _days_by_class(timeline):
        decision = policy.on(day.day)["encounter.grouping"].decide(patient_class)
        if groups and _together(groups[-1], day, patient_class, decision):
            groups[-1][0].append(day)
        else:
            groups.append(([day], patient_class, decision))
    made: list[Encounter] = []
    for days, patient_class, decision in groups:
        name = days[0].day.isoformat()
        if made and made[-1].day == days[0].day:
            name = f"{name}-{patient_class}"
        made.append(Encounter(name, days[0].day, tuple(days), patient_class, decision))
    return tuple(made)


def _days_by_class(timeline: Timeline) -> Iterator[tuple[Day, str]]:
    context = timeline.context
    if len(context.classes) < 2:
        only = context.classes[0][1] if context.classes else "unknown"
        yield from ((day, only) for day in timeline.days)
        return
    for day in timeline.days:
        for patient_class, items in groupby(
            day.administrations, key=lambda item: class_on(context, item.start)
        ):
            same = tuple(items)
            yield (day if len(same) == len(day.administrations) else Day(day.day, same)), patient_class


def class_on(context: VisitContext, moment: datetime) -> str:
    """The patient's class at a moment: the last one that had begun, else the first known."""
    found = context.classes[0][1] if context.classes else "unknown"
    for since, patient_class in context.classes:
        if since is not None and since <= moment:
            found = patient_class
    return found


def _together(
    group: tuple[list[Day], str, Decision], following: Day, patient_class: str, decision: Decision
) -> bool:
    """Whether a day goes on with the encounter before it: same stay, or same class without a gap.

    An emergency visit that becomes an observation stay is one stay.
    """
    days, earlier_class, earlier = group
    how = decision.word("group")
    if how == "whole_visit" and earlier.word("group") == how:
        return earlier.word("bill") == decision.word("bill")
    if earlier_class != patient_class or how != "by_gap":
        return earlier_class == patient_class and days[-1].day == following.day
    gap = following.administrations[0].start - _last_end(days[-1])
    return gap <= timedelta(minutes=decision.number("gap_minutes"))


def _last_end(day: Day) -> datetime:
    return max(interval.stop or interval.start for item in day.administrations for interval in item.intervals)
