"""Which encounters are a patient's second on one day.

It owns the one fact that no single visit knows: that the same patient already had an initial
service at another encounter that day. It compares drafts and changes none of them.
"""

from collections.abc import Iterable
from datetime import date, datetime

from chargeline.engine.events import VisitKey
from chargeline.engine.timeline import Timeline
from chargeline.engine.trace import Draft


def initial_services(timeline: Timeline, made: Draft) -> dict[date, datetime]:
    """The days on which a visit has an initial service, and when its encounter of that day began.

    Empty for a visit without exactly one patient number: nobody can say whose it is.
    """
    if not timeline.context.patient or len(timeline.patients) != 1:
        return {}
    starts = {day.day: day.administrations[0].start for day in timeline.days}
    days = [
        date.fromisoformat(encounter.encounter[:10])
        for encounter in made.encounters
        if any(line.role.endswith(".initial") for line in encounter.lines)
    ]
    return {day: starts[day] for day in days}


def second_encounters(
    visits: Iterable[tuple[Timeline, Draft]],
) -> dict[VisitKey, frozenset[date]]:
    """For each visit the days on which an earlier encounter of the patient has an initial service."""
    by_patient_day: dict[tuple[str, str, date], list[tuple[datetime, VisitKey]]] = {}
    for timeline, made in visits:
        for day, start in initial_services(timeline, made).items():
            slot = (timeline.key.facility, timeline.context.patient, day)
            by_patient_day.setdefault(slot, []).append((start, timeline.key))
    found: dict[VisitKey, set[date]] = {}
    for (_facility, _patient, day), encounters in by_patient_day.items():
        for _start, key in sorted(encounters)[1:]:
            found.setdefault(key, set()).add(day)
    return {key: frozenset(days) for key, days in found.items()}
