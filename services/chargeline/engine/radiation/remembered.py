"""Radiation courses in the patient's record: what a visit adds, and what others added.

It owns the notation of sessions, marks and services in the record. It judges nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple, cast

from chargeline.engine.course_words import (
    Beam,
    BeamTechniqueFact,
    BookingFact,
    GuidanceFact,
    MarkWord,
    MotionFact,
    SessionSaid,
    SittingSaid,
)
from chargeline.engine.events import BEGINNING, VisitKey
from chargeline.engine.radiation.sessions import (
    Mark,
    Session,
    Told,
    instant_of,
    new_session,
)
from chargeline.engine.record import APART, Contribution, Fact, Slot
from chargeline.engine.trace import EncounterDraft
from chargeline.engine.words import Outside, words_of


def facts_of(told: Told, courses: Iterable[str], encounter: str) -> tuple[Fact, ...]:
    """What the sessions, marks and services of a visit add to the record of its patient.

    Every session is told, also one that a person struck: another visit must see the same sessions
    to come to the same count. `encounter` is the name of that in which they lie.
    """
    named = set(courses)
    sessions = [
        Fact(
            Slot("fraction", f"{session.course}{APART}{session.name}"),
            session.at,
            _kept(session, encounter),
        )
        for session in told.sessions
        if session.course in named
    ]
    marks = [
        Fact(service_slot(mark.course, mark.what, mark.day.isoformat()), mark.at)
        for mark in told.marks
        if mark.course in named
    ]
    services = [
        Fact(
            service_slot(posted.course, posted.charge.code, posted.name),
            instant_of(posted.charge.day, posted.charge.at),
            str(posted.units),
        )
        for posted in told.charges
        if posted.course in named and posted.kind == "service"
    ]
    counted = [
        Fact(
            service_slot(posted.course, _POSTED, f"{posted.charge.code}{APART}{posted.name}"),
            instant_of(posted.charge.day, posted.charge.at),
            str(posted.units),
        )
        for posted in told.charges
        if posted.course in named and posted.kind == "counted"
    ]
    return (*sessions, *marks, *services, *counted)


def facts_of_line_words(
    encounters: Iterable[EncounterDraft], line_ids: Iterable[str]
) -> Iterator[Fact]:
    """The lines that people withhold, by number, in a visit that tells of sessions.

    A table of the course shows what is billed, and the number of a unit's line follows from its
    session. What a person says hangs on no other visit, as nothing in the record may.
    """
    facts = [fact for encounter in encounters for fact in encounter.facts]
    if any(fact.slot.kind == "fraction" for fact in facts):
        for line_id in line_ids:
            yield Fact(service_slot("", _WITHHELD, line_id), BEGINNING)


def service_slot(course: str, what: str, apart: str) -> Slot:
    """Where the record keeps what is said of a course beside its sessions."""
    return Slot("course_service", APART.join([course, what, apart]))


def service_of(other: Contribution) -> tuple[str, str, str]:
    """What `service_slot` was made of; "" for a part that the record does not have."""
    course, what, apart = [*other.slot.about.split(APART, 2), "", ""][:3]
    return course, what, apart


def _kept(session: Session, encounter: str) -> str:
    """The session in words, such as `day=2026-03-02 number=7 planned=30 beam=external`."""
    day = session.day.isoformat()
    parts = {
        "day": day,
        "number": "" if session.number is None else str(session.number),
        "planned": "" if session.planned is None else str(session.planned),
        "beam": session.beam,
        "technique": "" if session.technique == "unknown" else session.technique,
        "motion": "" if session.motion == "unknown" else session.motion,
        "isocentres": str(session.isocentres or ""),
        "guidance": "" if session.guidance == "unknown" else session.guidance,
        "posted": session.posted,
        "timed": "" if session.timed else "no",
        "clock": session.clock,
        "ends": "yes" if session.ends else "",
        "reported": "" if session.reported else "no",
        "said": session.said,
        "booking": session.booking,
        "outside": session.outside,
        "encounter": "" if encounter == day else encounter,
    }
    return " ".join([f"{name}={value}" for name, value in parts.items() if value])


def session_in_record(other: Contribution) -> Session:
    """The session that another visit told."""
    course, _apart, name = other.slot.about.partition(APART)
    kept = dict(part.split("=", 1) for part in other.value.split() if "=" in part)
    day = kept.get("day")
    return new_session(
        visit=other.visit,
        course=course,
        name=name,
        day=date.fromisoformat(day) if day else other.at.date(),
        at=other.at,
        timed=kept.get("timed") != "no",
        clock=kept.get("clock", ""),
        number=int(kept["number"]) if "number" in kept else None,
        planned=int(kept["planned"]) if "planned" in kept else None,
        beam=cast(Beam, kept.get("beam", "external")),
        technique=cast(BeamTechniqueFact, kept.get("technique", "unknown")),
        motion=cast(MotionFact, kept.get("motion", "unknown")),
        isocentres=int(kept.get("isocentres", 0)),
        guidance=cast(GuidanceFact, kept.get("guidance", "unknown")),
        ends=kept.get("ends") == "yes",
        posted=kept.get("posted", ""),
        reported=kept.get("reported") != "no",
        said=cast(SessionSaid, kept.get("said", "")),
        booking=cast(BookingFact, kept.get("booking", "")),
        outside=cast(Outside, kept.get("outside", "")),
        encounter=kept.get("encounter", kept.get("day", "")),
    )


def fact_of_pair(course: str, other: str, at: datetime, said: SittingSaid) -> Fact:
    """What a person said of two courses, by their numbers, about a session at a time."""
    return Fact(service_slot(course, _SITTING, other), at, said)


class ServiceElsewhere(NamedTuple):
    """A service of planning that another visit has posted for a course."""

    visit: VisitKey
    course: str
    code: str
    name: str
    day: date
    at: datetime
    units: int


class CountedElsewhere(NamedTuple):
    """What another visit has posted of a code that is counted from the sessions of a course."""

    course: str
    code: str
    day: date
    units: int


class SittingElsewhere(NamedTuple):
    """What a person said under another visit of two courses, and when the session was that was
    asked about.
    """

    visit: VisitKey
    course: str
    other: str
    at: datetime
    said: SittingSaid


class Recorded(NamedTuple):
    """What other visits tell of radiation: sessions, marks, services, words on two courses, what
    is posted of codes that are counted, and the numbers of lines that people withhold.
    """

    sessions: tuple[Session, ...] = ()
    marks: tuple[Mark, ...] = ()
    services: tuple[ServiceElsewhere, ...] = ()
    sittings: tuple[SittingElsewhere, ...] = ()
    counted: tuple[CountedElsewhere, ...] = ()
    withheld: frozenset[str] = frozenset()

    @property
    def courses(self) -> list[str]:
        """The courses of which sessions, marks or services are told, by name."""
        names = {session.course for session in self.sessions}
        names |= {mark.course for mark in self.marks}
        return sorted(names | {service.course for service in self.services})


_MARKS = frozenset(words_of(MarkWord))
_SITTING = "sitting"
_POSTED = "posted"
_WITHHELD = "withheld"
SAID = "said"


def recorded_in(others: Iterable[Contribution]) -> Recorded:
    """What the record of a patient has of other visits, in the order of time."""
    sessions: list[Session] = []
    marks: list[Mark] = []
    services: list[ServiceElsewhere] = []
    sittings: list[SittingElsewhere] = []
    counted: list[CountedElsewhere] = []
    withheld: set[str] = set()
    for other in sorted(others, key=lambda other: (other.at, other.visit, other.slot)):
        if other.slot.kind == "fraction":
            sessions.append(session_in_record(other))
        elif other.slot.kind == "course_service":
            course, what, apart = service_of(other)
            if what == _SITTING:
                said = cast(SittingSaid, other.value)
                sittings.append(SittingElsewhere(other.visit, course, apart, other.at, said=said))
            elif what in _MARKS:
                day = date.fromisoformat(apart)
                marks.append(Mark(other.visit, course, cast(MarkWord, what), day=day, at=other.at))
            elif what == _POSTED:
                code, _apart, name = apart.partition(APART)
                day = date.fromisoformat(name.partition("#")[0])
                counted.append(CountedElsewhere(course, code, day, int(other.value or 1)))
            elif what == _WITHHELD:
                withheld.add(apart)
            elif what != SAID:
                services.append(_service_elsewhere(other, course, what, apart))
    return Recorded(
        sessions=tuple(sessions),
        marks=tuple(marks),
        services=tuple(services),
        sittings=tuple(sittings),
        counted=tuple(counted),
        withheld=frozenset(withheld),
    )


def _service_elsewhere(other: Contribution, course: str, code: str, name: str) -> ServiceElsewhere:
    return ServiceElsewhere(
        visit=other.visit,
        course=course,
        code=code,
        name=name,
        day=date.fromisoformat(name.partition("#")[0]),
        at=other.at,
        units=int(other.value or 1),
    )
