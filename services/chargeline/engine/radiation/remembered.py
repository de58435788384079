"""Radiation courses in the patient's record: what a visit adds, and what others added.

It owns the notation of sessions, marks and services in the record. It judges nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple, cast

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.course_words import (
    Beam,
    BeamTechniqueFact,
    BookingFact,
    GapSaid,
    MarkWord,
    SessionSaid,
    SittingSaid,
)
from chargeline.engine.events import BEGINNING, VisitKey
from chargeline.engine.radiation.sessions import Mark, Session, Told, instant_of, new_session
from chargeline.engine.record import APART, Contribution, Fact, Slot
from chargeline.engine.words import Outside, words_of


def facts_of(told: Told, courses: Iterable[str]) -> tuple[Fact, ...]:
    """What the sessions, marks and services of a visit add to the record of its patient.

    Every session is told, also one that a person struck: another visit must see the same sessions
    to come to the same count.
    """
    named = set(courses)
    sessions = [
        Fact(Slot("fraction", f"{session.course}{APART}{session.name}"), session.at, _kept(session))
        for session in told.sessions
        if session.course in named
    ]
    marks = [
        Fact(_service_slot(mark.course, mark.what, mark.day.isoformat()), mark.at)
        for mark in told.marks
        if mark.course in named
    ]
    services = [
        Fact(
            _service_slot(posted.course, posted.charge.code, posted.name),
            instant_of(posted.charge.day, posted.charge.at),
            str(posted.units),
        )
        for posted in told.charges
        if posted.course in named and posted.kind == "service"
    ]
    return (*sessions, *marks, *services)


def _service_slot(course: str, what: str, apart: str) -> Slot:
    return Slot("course_service", APART.join([course, what, apart]))


def _service_of(other: Contribution) -> tuple[str, str, str]:
    """What `_service_slot` was made of; "" for a part that the record does not have."""
    course, what, apart = [*other.slot.about.split(APART, 2), "", ""][:3]
    return course, what, apart


def _kept(session: Session) -> str:
    """The session in words, such as `day=2026-03-02 number=7 planned=30 beam=external`."""
    parts = {
        "day": session.day.isoformat(),
        "number": "" if session.number is None else str(session.number),
        "planned": "" if session.planned is None else str(session.planned),
        "beam": session.beam,
        "technique": "" if session.technique == "unknown" else session.technique,
        "posted": session.posted,
        "timed": "" if session.timed else "no",
        "clock": session.clock,
        "ends": "yes" if session.ends else "",
        "reported": "" if session.reported else "no",
        "said": session.said,
        "booking": session.booking,
        "outside": session.outside,
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
        ends=kept.get("ends") == "yes",
        posted=kept.get("posted", ""),
        reported=kept.get("reported") != "no",
        said=cast(SessionSaid, kept.get("said", "")),
        booking=cast(BookingFact, kept.get("booking", "")),
        outside=cast(Outside, kept.get("outside", "")),
    )


def courses_in_record(others: Iterable[Contribution]) -> list[str]:
    """The courses that other visits told of."""
    of_courses = [other for other in others if other.slot.kind in ("fraction", "course_service")]
    return sorted({course_in_record(other) for other in of_courses})


def course_in_record(other: Contribution) -> str:
    """The course that a contribution is about."""
    return other.slot.about.partition(APART)[0]


def fact_of_pair(session: Session, other: str, said: SittingSaid) -> Fact:
    """What a person said of the course of a session and another one."""
    return Fact(_service_slot(session.course, _SITTING, other), session.at, said)


def sittings_in_record(others: Iterable[Contribution]) -> dict[frozenset[str], SittingSaid]:
    """What people said in other visits of two courses, the first word of each pair."""
    words: dict[frozenset[str], SittingSaid] = {}
    for other in sorted(others, key=lambda other: (other.at, other.visit)):
        if other.slot.kind == "course_service":
            course, what, apart = _service_of(other)
            if what == _SITTING:
                words.setdefault(frozenset({course, apart}), cast(SittingSaid, other.value))
    return words


def facts_of_gaps(course: str, answers: AnswersBeside) -> Iterator[Fact]:
    """What people said under a visit of fractions that are missing, of whatever course.

    It is known by the fingerprint of the question, which is the same under every visit. `course` is
    any course of the visit.
    """
    for fingerprint, answer in answers.by_fingerprint.items():
        if answer.code == "radiation.missing" and answer.choice in _GAP_WORDS:
            at = answer.message.sent or BEGINNING
            yield Fact(_service_slot(course, _MISSING, fingerprint), at, answer.choice)


def gaps_in_record(others: Iterable[Contribution]) -> dict[str, GapSaid]:
    """What people said in other visits of fractions that are missing, by the fingerprint of the
    question.
    """
    words: dict[str, GapSaid] = {}
    for other in others:
        if other.slot.kind == "course_service":
            _course, what, apart = _service_of(other)
            if what == _MISSING:
                said = cast(GapSaid, other.value)
                words[apart] = of_two_words(said, words.get(apart, said))
    return words


_GAP_WORDS = frozenset(words_of(GapSaid))


def of_two_words(said: GapSaid, other: GapSaid) -> GapSaid:
    """What counts where two people spoke of one gap: that which bills nothing by itself."""
    return "by_hand" if "by_hand" in (said, other) else "confirm"


class ServiceElsewhere(NamedTuple):
    """A service of planning that another visit has posted for a course."""

    visit: VisitKey
    course: str
    code: str
    name: str
    day: date
    at: datetime
    units: int


_MARKS = frozenset(words_of(MarkWord))
_SITTING = "sitting"
_MISSING = "missing"
_NO_SERVICES = _MARKS | {_SITTING, _MISSING}


def marks_in_record(others: Sequence[Contribution]) -> list[Mark]:
    """The marks of a course that other visits told."""
    marks = []
    for other in others:
        course, what, apart = _service_of(other)
        if what in _MARKS:
            day = date.fromisoformat(apart)
            marks.append(Mark(other.visit, course, cast(MarkWord, what), day=day, at=other.at))
    return marks


def services_in_record(others: Sequence[Contribution]) -> list[ServiceElsewhere]:
    """The services of planning of a course that other visits told."""
    services = []
    for other in others:
        course, code, name = _service_of(other)
        if code not in _NO_SERVICES:
            services.append(
                ServiceElsewhere(
                    visit=other.visit,
                    course=course,
                    code=code,
                    name=name,
                    day=date.fromisoformat(name.partition("#")[0]),
                    at=other.at,
                    units=int(other.value or 1),
                )
            )
    return services
