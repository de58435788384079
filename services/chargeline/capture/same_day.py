"""Which visits are a patient's second on one day, over visits that other programs may own.

It owns the arithmetic over the ledger's rows: which visit came first, and whom a change concerns. It reads
and writes nothing.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from chargeline.engine.events import VisitKey
from chargeline.engine.same_day import initial_services
from chargeline.engine.timeline import Timeline
from chargeline.engine.trace import Draft
from chargeline.ledger.records import PatientDay


class Days(NamedTuple):
    """The rows of a visit, and the days on which another visit of the patient came first."""

    rows: frozenset[PatientDay]
    second: frozenset[date]


def rows_of(timeline: Timeline, made: Draft) -> frozenset[PatientDay]:
    """The days on which a visit has an initial service, as rows of the ledger."""
    key, patient = timeline.key, timeline.context.patient
    return frozenset(
        PatientDay(key.facility, patient, day.isoformat(), key.visit, start)
        for day, start in initial_services(timeline, made).items()
    )


def days_of(wanted: Iterable[VisitKey], rows: Iterable[PatientDay]) -> dict[VisitKey, Days]:
    """The days of visits, from all rows of their patients."""
    by_day: dict[tuple[str, str, str], list[PatientDay]] = {}
    own: dict[VisitKey, set[PatientDay]] = {key: set() for key in wanted}
    for row in rows:
        by_day.setdefault((row.facility, row.patient, row.day), []).append(row)
        if (key := _visit(row)) in own:
            own[key].add(row)
    second: dict[VisitKey, set[date]] = {key: set() for key in own}
    for same in by_day.values():
        for row in sorted(same, key=lambda each: (each.start, each.visit))[1:]:
            if (key := _visit(row)) in second:
                second[key].add(date.fromisoformat(row.day))
    return {key: Days(frozenset(own[key]), frozenset(second[key])) for key in own}


def concerned(changed: Iterable[PatientDay], rows: Iterable[PatientDay]) -> set[VisitKey]:
    """The visits that share a patient's day with one of the changed rows."""
    slots = {(row.facility, row.patient, row.day) for row in changed}
    return {_visit(row) for row in rows if (row.facility, row.patient, row.day) in slots}


def _visit(row: PatientDay) -> VisitKey:
    return VisitKey(row.facility, row.visit)
