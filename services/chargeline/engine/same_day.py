"""Which encounters are a patient's second on one day.

It owns the one fact that no single visit knows: that the same patient already had an initial
service at another encounter that day. It compares drafts and changes none of them.
"""

from collections.abc import Iterable
from datetime import date, datetime

from chargeline.engine.events import VisitKey
from chargeline.engine.timeline import Timeline
from chargeline.engine.trace import Draft


def second_encounters(
    visits: Iterable[tuple[Timeline, Draft]],
) -> dict[VisitKey, frozenset[date]]:
    """For each visit the days on which an earlier encounter of the patient has an initial service.

    Visits without a patient number are left alone: nobody can say whose they are.
    """
    by_patient_day: dict[tuple[str, str, date], list[tuple[datetime, VisitKey]]] = {}
    for timeline, made in visits:
        if not timeline.context.patient or len(timeline.patients) != 1:
            continue
        for encounter in made.encounters:
            if not any(line.role.endswith(".initial") for line in encounter.lines):
                continue
            day = date.fromisoformat(encounter.encounter[:10])
            start = next(each.administrations[0].start for each in timeline.days if each.day == day)
            slot = (timeline.key.facility, timeline.context.patient, day)
            by_patient_day.setdefault(slot, []).append((start, timeline.key))
    found: dict[VisitKey, set[date]] = {}
    for (_facility, _patient, day), encounters in by_patient_day.items():
        for _start, key in sorted(encounters)[1:]:
            found.setdefault(key, set()).add(day)
    return {key: frozenset(days) for key, days in found.items()}
