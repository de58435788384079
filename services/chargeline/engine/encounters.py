"""Which administrations belong to one encounter.

It owns the grouping of a visit's days: by day for a recurring account, the whole of an
observation stay, or by gap for a plain outpatient visit. The choice is a rule; an administration
belongs where it began, so one that runs over midnight is not cut.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
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
    """The encounters of a visit, oldest first."""
    groups: list[tuple[list[Day], str, Decision]] = []
    for day in timeline.days:
        patient_class = class_on(timeline.context, day.administrations[0].start)
        decision = policy.on(day.day)["encounter.grouping"].decide(patient_class)
        if groups and groups[-1][1] == patient_class and _together(groups[-1][0], day, decision):
            groups[-1][0].append(day)
        else:
            groups.append(([day], patient_class, decision))
    return tuple(
        [
            Encounter(days[0].day.isoformat(), days[0].day, tuple(days), patient_class, decision)
            for days, patient_class, decision in groups
        ]
    )


def class_on(context: VisitContext, moment: datetime) -> str:
    """The patient's class at a moment: the last one that had begun, else the first known."""
    found = context.classes[0][1] if context.classes else "unknown"
    for since, patient_class in context.classes:
        if since is not None and since <= moment:
            found = patient_class
    return found


def _together(days: Sequence[Day], following: Day, decision: Decision) -> bool:
    group = decision.word("group")
    if group == "whole_visit":
        return True
    if group == "by_day":
        return False
    return following.administrations[0].start - _last_end(days[-1]) <= timedelta(
        minutes=decision.number("gap_minutes")
    )


def _last_end(day: Day) -> datetime:
    return max(interval.stop or interval.start for item in day.administrations for interval in item.intervals)
