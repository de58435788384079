"""The timeline of a visit: who was here, what ran into which line, from when to when.

It owns the records that `draft` reads and `fold`, which makes them from everything known about
the visit. It does not know codes, payers' rules or which message came first: the same events in
any order, with any duplicates, give an equal timeline.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from chargeline.engine.events import DrugAmount, Event, Source, VialCode, VisitKey, WastedAmount
from chargeline.engine.finding import Finding, FindingCode
from chargeline.engine.words import (
    Charting,
    DeviceCharted,
    MethodCharted,
    PatientClassFact,
    PurposeCharted,
    RouteCharted,
)


class Problem(NamedTuple):
    """Something in the feed that a person must settle, and where it stood."""

    finding: Finding
    source: Source


def problem_at(source: Source, code: FindingCode, *, expected: str, found: str, do: str) -> Problem:
    """A problem of one field."""
    finding = Finding(code, expected=expected, found=found, where=source.address, do=do)
    return Problem(finding, source)


class Interval(NamedTuple):
    """One stretch during which the drug ran: UTC instants; `stop` None means no stop is charted."""

    start: datetime
    stop: datetime | None
    start_source: Source
    stop_source: Source | None


class Administration(NamedTuple):
    """One drug, or several mixed in one bag, given once by one route into one line.

    `day` is the local date on which it began. Pauses are the gaps between `intervals`.
    `ordered_minutes` is the ordered duration, None when unknown. `partial`: stopped early.
    `wasted` and `vials` are what was charted of discarded amounts and of the NDCs of vials.
    """

    key: str
    order: str
    day: date
    given: bool
    bolus_of_running_bag: bool
    drugs: tuple[DrugAmount, ...]
    drug_source: Source
    route: RouteCharted
    route_text: str
    method: MethodCharted
    charted: Charting
    line: str
    device: DeviceCharted
    intervals: tuple[Interval, ...]
    ordered_minutes: int | None
    partial: bool
    purpose: PurposeCharted
    primary: bool
    problems: tuple[Problem, ...]
    wasted: tuple[WastedAmount, ...] = ()
    vials: tuple[VialCode, ...] = ()

    @property
    def start(self) -> datetime:
        """When it began, in UTC."""
        return self.intervals[0].start


class Day(NamedTuple):
    """All administrations of a visit that began on one local date, in order of start, then key."""

    day: date
    administrations: tuple[Administration, ...]


class VisitContext(NamedTuple):
    """What is known of the visit itself. `classes`: (from when, patient class), oldest first."""

    patient: str
    classes: tuple[tuple[datetime | None, PatientClassFact], ...]
    payer: str
    payer_name: str
    authorizations: tuple[str, ...]
    diagnoses: tuple[str, ...]
    admitted: datetime | None
    discharged: datetime | None
    cancelled: bool
    zone: str


class Timeline(NamedTuple):
    """Everything known about one visit, in the order of the clock."""

    key: VisitKey
    context: VisitContext
    days: tuple[Day, ...]
    problems: tuple[Problem, ...]
    patients: tuple[str, ...]

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """All administrations, oldest day first."""
        return tuple(item for day in self.days for item in day.administrations)


def fold(key: VisitKey, events: Iterable[Event], zone: str = "UTC") -> Timeline:
    """Make the timeline of one visit from all its events, in whatever order they come."""
    from chargeline.engine.visit import Visit  # the incremental form of this very fold

    visit = Visit(key, zone)
    visit.add(events)
    return visit.timeline()
