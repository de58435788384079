"""What a timeline is made of: who was here, what ran into which line, from when to when.

It owns the records that `fold` makes and `draft` reads. It does not know how `fold` makes them, and
it knows no codes and no rules of a payer.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.care import NO_CARE, Care, Observation
from chargeline.engine.events import (
    Answer,
    Dispensed,
    DrugAmount,
    LineAnswer,
    Source,
    VialCode,
    VisitKey,
    WastedAmount,
)
from chargeline.engine.finding import Finding
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.words import (
    Charting,
    DeviceCharted,
    MethodCharted,
    PatientClassFact,
    PurposeCharted,
    RouteCharted,
)


class Problem(NamedTuple):
    """Something in the feed that a person must settle, and the field in which it stood."""

    finding: Finding
    source: Source


def problem_at(source: Source, code: FindingCode, *, expected: str, found: str, do: str) -> Problem:
    """A problem in one field."""
    finding = Finding(code, expected=expected, found=found, where=source.address, do=do)
    return Problem(finding, source)


class Interval(NamedTuple):
    """One stretch in which the drug ran, in UTC; `stop` is None where no stop is charted."""

    start: datetime
    stop: datetime | None
    start_source: Source
    stop_source: Source | None


class Administration(NamedTuple):
    """One drug, or several mixed in one bag, given once by one route into one line.

    `day` is the local date on which the administration began. Pauses are the gaps between
    `intervals`. `may_have_run`: one time is charted, and neither the nurse nor the order says that
    the drug was given at that moment. Rules then decide whether the drug ran and its stop is
    missing. `rate` is the rate as charted, "" if none is charted. `ordered_minutes` is the ordered
    duration, None if no order says it. `partial`: stopped before the whole amount was given.
    `wasted` and `vials` are the charted discarded amounts and NDCs of vials. `ordered` are the
    drugs of the order, with their ordered amounts. `left_paused`: paused, and nothing after it.
    `not_bought`: a patient, a trial or a programme supplied the drug. `discounted`: it was bought
    under 340B. `charted_by` and `entered`
    are who charted its first row, and when. `answered` are the answers of people that hold for the
    administration; `fold` leaves it empty. `stopped_only` is the time of a stop before which
    nothing was started, and `ends_other_visit` says that another visit started it: the patient's
    record knows (pumps.py). `cancelled` is as in `Order`. `contradicted` are the words of a note
    that say otherwise than a row, "" if none do.
    """

    key: str
    order: str
    day: date
    charted: Charting
    intervals: tuple[Interval, ...]
    drugs: tuple[DrugAmount, ...]
    drug_source: Source
    route: RouteCharted = ""
    route_text: str = ""
    method: MethodCharted = ""
    line: str = ""
    device: DeviceCharted = ""
    rate: str = ""
    ordered_minutes: int | None = None
    purpose: PurposeCharted = ""
    given: bool = True
    may_have_run: bool = False
    bolus_of_running_bag: bool = False
    partial: bool = False
    primary: bool = False
    problems: tuple[Problem, ...] = ()
    wasted: tuple[WastedAmount, ...] = ()
    vials: tuple[VialCode, ...] = ()
    ordered: tuple[DrugAmount, ...] = ()
    left_paused: bool = False
    not_bought: bool = False
    discounted: bool = False
    charted_by: str = ""
    entered: datetime | None = None
    answered: tuple[Answer, ...] = ()
    stopped_only: datetime | None = None
    ends_other_visit: bool = False
    cancelled: datetime | None = None
    contradicted: str = ""

    @property
    def start(self) -> datetime:
        """When the administration began, in UTC."""
        return self.intervals[0].start


class PlannedOrder(NamedTuple):
    """An order in force of which nothing is charted.

    `at` is when it should begin, else when it was ordered; `day` is its local date.
    """

    order: str
    drugs: tuple[DrugAmount, ...]
    route: RouteCharted
    source: Source
    at: datetime
    day: date


class Day(NamedTuple):
    """One local date of a visit: the administrations that began on it, in order of start, then key.

    `care` is what was said of the day beside the pharmacy: visits, notes, sessions. A day has at
    least one of the two.
    """

    day: date
    administrations: tuple[Administration, ...]
    care: Care = NO_CARE


class VisitContext(NamedTuple):
    """What is known of the visit itself.

    `classes` holds (from when, patient class), oldest first; the time is None where no event says
    when the class began. `place` is the last known nursing unit or clinic, and `site` the facility
    in which that is. `practitioners` are the NPIs of all who attend, order or perform.
    `not_numbers` are words in place of an authorization's number, such as NONE.
    """

    patient: str = ""
    classes: tuple[tuple[datetime | None, PatientClassFact], ...] = ()
    payer: str = ""
    payer_name: str = ""
    authorizations: tuple[str, ...] = ()
    not_numbers: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()
    admitted: datetime | None = None
    discharged: datetime | None = None
    cancelled: bool = False
    zone: str = "UTC"
    place: str = ""
    site: str = ""
    practitioners: tuple[str, ...] = ()


class Timeline(NamedTuple):
    """Everything known about one visit, in the order of the clock.

    `patients` holds the patients of the visit: one, unless messages contradict each other.
    `problems` are about parts of messages that could not be read, and `unplaced` about orders of
    which no administration is left. `answers` is what people said of it, oldest first; `draft` lets
    the answers take effect. `dispensed` is what the pharmacy handed out, also for orders of which
    nothing was given. `observed` are measures of the body and evidence about the disease, in the
    order of time. `planned` are orders in force of which nothing is charted, and `authorizations`
    what messages of the visit tell of them, by number. `unclear` has all that messages told of each
    authorization of which one had to say more, in the order in which it counts.
    """

    key: VisitKey
    context: VisitContext
    days: tuple[Day, ...]
    problems: tuple[Problem, ...] = ()
    unplaced: tuple[Problem, ...] = ()
    patients: tuple[str, ...] = ()
    answers: tuple[Answer | LineAnswer, ...] = ()
    dispensed: tuple[Dispensed, ...] = ()
    observed: tuple[Observation, ...] = ()
    planned: tuple[PlannedOrder, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    unclear: tuple[tuple[Authorization, ...], ...] = ()

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """All administrations, oldest day first."""
        return tuple([item for day in self.days for item in day.administrations])


def clock_order(item: Administration) -> tuple[datetime, str]:
    """Sorts administrations by start, then by key, so that arrival does not change the order."""
    return (item.start, item.key)


def days_of_visit(items: Iterable[Administration], cared: Sequence[Day]) -> tuple[Day, ...]:
    """The days on which administrations began, and those of `cared` on which something was said.

    Of a day in `cared` its care counts, and not its administrations.
    """
    cares = {day.day: day.care for day in cared if day.care is not NO_CARE}
    by_day: dict[date, list[Administration]] = {day: [] for day in cares}
    for item in sorted(items, key=clock_order):
        by_day.setdefault(item.day, []).append(item)
    return tuple([Day(day, tuple(by_day[day]), cares.get(day, NO_CARE)) for day in sorted(by_day)])
