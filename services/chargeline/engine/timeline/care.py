"""What was said of a visit beside the pharmacy, kept up to date event by event.

It owns which of several versions of an observation or a note counts, and on which day each lies.
It knows no codes, and nothing of what was given. Each version is offered with the time at which its
message was sent; the latest counts, so the order of arrival does not matter. Appointments and
posted charges have rules of their own.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from chargeline.engine.care import (
    NO_CARE,
    Appointment,
    Care,
    CareEvent,
    Note,
    Observation,
    PostedCharge,
    is_of_a_day,
)
from chargeline.engine.events import BEGINNING
from chargeline.engine.timeline.appointments import AppointmentBuilder
from chargeline.engine.timeline.merges import Version
from chargeline.engine.timeline.postings import PostingBuilder
from chargeline.engine.timeline.records import Day

_MOST_BESIDE = 20  # more than two values are in question as two are, and each costs time
_OfLatest = Observation | Note


class _Latest(NamedTuple):
    """The version that counts of one thing, and what else was said of it at the same time, in the
    order of what it says.
    """

    version: tuple[Version, tuple[int, ...]]
    event: _OfLatest
    beside: tuple[Observation, ...] = ()


class CareBuilder:
    """The care of one visit, by day."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, ...], _Latest] = {}
        self._appointments = AppointmentBuilder()
        self._postings = PostingBuilder()
        self._days: dict[date, Care] | None = {}
        self._beside: dict[date, tuple[Day | None, Care, Day]] = {}
        self._of_patient: tuple[Observation, ...] = ()

    def add(self, event: CareEvent, sent: datetime | None) -> bool:
        """Take in one version of something, sent at a time; returns whether it may matter."""
        is_new = self._is_new(event, sent or BEGINNING)
        self._days = None if is_new else self._days
        return is_new

    def _is_new(self, event: CareEvent, sent: datetime) -> bool:
        if isinstance(event, Appointment):
            return self._appointments.add(event, sent)
        if isinstance(event, PostedCharge):
            return self._postings.add(event, sent)
        slot = _slot(event)
        version = ((sent, event.message.digest), event.source.place)
        before = self._latest.get(slot)
        latest = _Latest(version, event)
        if before is not None and before.version[0][0] >= version[0][0]:
            is_older = before.version[0][0] > version[0][0]
            latest = before if is_older else _of_one_time(before, latest)
            if latest == before:
                return False
        self._latest[slot] = latest
        return True

    def of_patient(self) -> tuple[Observation, ...]:
        """Measures of the body and evidence about the disease, in the order of time."""
        self._sorted()
        return self._of_patient

    def beside(self, days: Sequence[Day]) -> tuple[Day, ...]:
        """The days of administrations with their care, and the days that have care alone.

        A day that no event touched is the very same object as before.
        """
        cares = self._sorted()
        if not cares:
            return tuple(days)
        by_date: dict[date, Day | None] = {**dict.fromkeys(cares), **{day.day: day for day in days}}
        beside = {day: self._together(day, by_date[day], cares) for day in sorted(by_date)}
        self._beside = beside
        return tuple([whole for _of, _care, whole in beside.values()])

    def _together(
        self, day: date, given: Day | None, cares: dict[date, Care]
    ) -> tuple[Day | None, Care, Day]:
        care = cares.get(day, NO_CARE)
        before = self._beside.get(day)
        if before is not None and before[0] is given and before[1] is care:
            return before
        whole = given if given is not None and care is NO_CARE else None
        administrations = given.administrations if given is not None else ()
        return (given, care, whole or Day(day, administrations, care))

    def _sorted(self) -> dict[date, Care]:
        """The care of each day; a day that stays as it was keeps its object."""
        if self._days is not None:
            return self._days
        days: dict[date, list[CareEvent]] = {}
        of_patient: list[Observation] = []
        for slot in sorted(self._latest):
            event, beside = self._latest[slot].event, self._latest[slot].beside
            for other in beside:
                if other.status != "delete":
                    days.setdefault(other.day, []).append(other)
            if isinstance(event, Observation):
                if event.status == "delete":
                    continue
                if not is_of_a_day(event):
                    of_patient.append(event)
                    continue
            days.setdefault(event.day, []).append(event)
        for appointment in self._appointments.standing():
            days.setdefault(appointment.day, []).append(appointment)
        for charge in self._postings.standing():
            days.setdefault(charge.day, []).append(charge)
        before = {day: care for day, (_given, care, _whole) in self._beside.items()}
        self._of_patient = tuple(sorted(of_patient, key=_clock_order))
        self._days = {day: _care_of(days[day], before.get(day)) for day in sorted(days)}
        return self._days


def _of_one_time(before: _Latest, now: _Latest) -> _Latest:
    """What counts of two versions that were sent at one time: the last in the order of messages.

    What reports of visits and of radiation say otherwise at that time stays beside it, because
    nobody knows which is right. Of several that say the same the last one stays, in whatever order
    the messages come.
    """
    still = _of_days(*before.beside, before.event)
    for event in _of_days(now.event):
        still = [earlier for earlier in still if not _strikes(event, earlier)] + [event]
    others = {_said(event): event for event in sorted(still, key=_place)}
    last = max(before, now, key=lambda latest: latest.version)
    last_said = {_said(event) for event in _of_days(last.event)}
    said = [event for words, event in others.items() if words not in last_said]
    return last._replace(beside=tuple(sorted(said, key=_place)[:_MOST_BESIDE]))


def _of_days(*events: CareEvent) -> list[Observation]:
    return [event for event in events if isinstance(event, Observation) and is_of_a_day(event)]


def _strikes(now: Observation, earlier: Observation) -> bool:
    """Whether a row of a message settles an earlier row of the same message.

    A correction (OBX-11) stands in place of what it corrects, and what is taken back takes along
    the rows with its value, or all of them where it has no value.
    """
    is_one_message = now.message.digest == earlier.message.digest
    is_later = is_one_message and now.source.place[0] > earlier.source.place[0]
    if now.status == "add" or not is_later:
        return False
    if now.status == "update":
        return earlier.status != "update"
    return now.value in ("", earlier.value)


def _said(event: Observation) -> tuple[str, str, date]:
    return (event.value, event.unit.casefold(), event.day)


def _place(event: CareEvent) -> tuple[str, tuple[int, ...]]:
    return (event.message.digest, event.source.place)


def _slot(event: CareEvent) -> tuple[str, ...]:
    """What several versions of one thing have in common.

    An observation is one row of a report, or one kind of measure at one time. A note is one number.
    Of posted charges each row is one.
    """
    if isinstance(event, Appointment):
        return ("appointment", event.number, event.row)
    if isinstance(event, Observation):
        when = event.day.isoformat() if event.at is None else f"{event.at:%Y-%m-%dT%H:%MZ}"
        return ("observation", event.about, event.group, event.sub_id, "" if event.group else when)
    if isinstance(event, Note):
        return ("note", event.number or event.message.digest)
    return ("posted", event.kind, event.number, event.message.digest, event.address)


def _care_of(events: Sequence[CareEvent], before: Care | None) -> Care:
    care = Care(
        observations=_in_order([event for event in events if isinstance(event, Observation)]),
        notes=_in_order([event for event in events if isinstance(event, Note)]),
        posted=_in_order([event for event in events if isinstance(event, PostedCharge)]),
        appointments=_in_order([event for event in events if isinstance(event, Appointment)]),
    )
    return before if before == care else care


_Part = TypeVar("_Part", bound=CareEvent)


def _in_order(parts: Sequence[_Part]) -> tuple[_Part, ...]:
    return tuple(sorted(parts, key=_clock_order))


def _clock_order(event: CareEvent) -> tuple[datetime, tuple[str, ...]]:
    """Sorts by time, then by what it is, so that arrival does not change the order."""
    return (event.at or BEGINNING, _slot(event))
