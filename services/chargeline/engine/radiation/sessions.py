"""The shapes of what is told of radiation courses: sessions, marks and posted charges.

It owns what a session is and what orders two of them. `reports` makes sessions of the observations
of a report, `posted` of a posted charge, and `remembered` of the patient's record. It does not
judge whether a session counts (`course`), and it knows no codes.

A session is known by its visit, its course and its name: the minute at which it was delivered and
the number of the fraction, such as 2026-03-02T10:00Z#7. The name does not hang on the order of
messages.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.engine.care import Care, PostedCharge, observes
from chargeline.engine.care_words import Observed
from chargeline.engine.course_words import (
    Beam,
    BeamTechniqueFact,
    BookingFact,
    GuidanceFact,
    MarkWord,
    MotionFact,
    OddCharge,
    PostedAs,
    SessionSaid,
)
from chargeline.engine.events import Answer, Source, VisitKey
from chargeline.engine.shapes import by_keyword
from chargeline.engine.words import Outside, YesNo


class Mark(NamedTuple):
    """What is said of a course beside its sessions, on a day.

    `chosen` is the answer of a person who says so, where reports say yes and no.
    """

    visit: VisitKey
    course: str
    what: MarkWord
    day: date
    at: datetime
    source: Source | None = None
    chosen: Answer | None = None


class UnreadValue(NamedTuple):
    """A value of a report that says nothing as it stands: the fact that it would be, what may stand
    there, what does, and the table of the interface profile that would translate it.

    Where reports contradict each other there is no table, and `said` has the values. `mark` is what
    a "yes" would tell of the course, None for a fact of the session.
    """

    course: str
    day: date
    about: Observed
    expected: str
    found: str
    table: str
    source: Source
    said: tuple[str, ...] = ()
    mark: Mark | None = None


class Session(NamedTuple):
    """One session of a course: when it was, what is said of it, and who tells it.

    `at` is midnight UTC of the day where no time is known (`timed` is False). `clock` is the time
    on the clocks of its place, such as 20:30; `day` is the day there. `number` is that of
    the fraction and `planned` how many are planned, None where nothing says it. `posted` is the
    delivery code that was posted for it, "" for none. `reported`: a report tells it, and not only a
    charge. `ends`: the report says that the course ends with it. `said` is what a person says of
    whether it was delivered. `unread` are values of its report that nobody can read. `booking` is
    the state of the appointment, where only an appointment tells the session. `outside` is on which
    side of its visit it lies, "" also where a person says that it is right there. `encounter` is
    that of its visit, "" where the visit itself tells it, and `source` is None for a session of
    another visit. `chosen` are the answers of people that gave it one of several values.
    """

    visit: VisitKey
    course: str
    name: str
    day: date
    at: datetime
    timed: bool
    clock: str = ""
    number: int | None = None
    planned: int | None = None
    technique: BeamTechniqueFact = "unknown"
    beam: Beam = "external"
    motion: MotionFact = "unknown"
    isocentres: int = 0
    guidance: GuidanceFact = "unknown"
    ends: bool = False
    posted: str = ""
    reported: bool = True
    said: SessionSaid = ""
    unread: tuple[UnreadValue, ...] = ()
    booking: BookingFact = ""
    outside: Outside = ""
    encounter: str = ""
    chosen: tuple[Answer, ...] = ()
    source: Source | None = None

    @property
    def is_struck(self) -> bool:
        """Whether a person says that it is no session of its visit."""
        return self.said in ("not_given", "other_visit")

    @property
    def says_beam(self) -> bool:
        """Whether a technique or a posted code says its kind of beam."""
        return self.technique != "unknown" or self.posted != ""


new_session = by_keyword(Session)


def with_code(session: Session, code: str, beam: Beam) -> Session:
    """A session with the delivery code that was posted for it. Where no technique is known, the
    kind of beam is that of the code.
    """
    return session._replace(
        posted=code, beam=beam if session.technique == "unknown" else session.beam
    )


class CourseCharge(NamedTuple):
    """A posted charge that is part of a course, and what rules say that it stands for.

    `units` are those that no credit takes back, and `for_other_days` those of them that stand for
    sessions of days around its own. `odd` is why the charge cannot be used as it stands, or not
    without a word of a person; "" where it can.
    """

    course: str
    charge: PostedCharge
    kind: PostedAs
    beam: Beam
    ended: YesNo
    units: int
    odd: OddCharge = ""
    for_other_days: int = 0

    @property
    def name(self) -> str:
        """What tells it apart from others of its code and day."""
        return f"{self.charge.day.isoformat()}#{self.charge.number or self.charge.address}"


class Told(NamedTuple):
    """What one visit tells of radiation courses.

    `odd` are charges that cannot be used, or that a person must confirm, and `unread` values of
    reports that tell no session.
    """

    sessions: tuple[Session, ...] = ()
    marks: tuple[Mark, ...] = ()
    charges: tuple[CourseCharge, ...] = ()
    odd: tuple[CourseCharge, ...] = ()
    unread: tuple[UnreadValue, ...] = ()

    @property
    def courses(self) -> list[str]:
        """The courses of which something is told, in the order of their first session."""
        names = [session.course for session in self.sessions]
        names += [mark.course for mark in self.marks]
        names += [posted.course for posted in self.charges]
        return list(dict.fromkeys(names))


def tells_of_radiation(care: Care) -> bool:
    """Whether a day may be part of a radiation course: an observation or a note says so, or
    something is posted or booked.
    """
    is_noted = any(note.kind == "radiation" for note in care.notes)
    return bool(care.posted or care.appointments) or is_noted or observes(care, "radiation")


SessionKey = tuple[VisitKey, str, str]
"""The visit, the course and the name of a session."""


def key_of(session: Session) -> SessionKey:
    """What tells a session from all others."""
    return (session.visit, session.course, session.name)


def order_of(session: Session) -> tuple[datetime, VisitKey, str, str]:
    """Sorts sessions by their time, then so that all visits see one order."""
    return (session.at, session.visit, session.name, session.course)


def is_apart(before: Session, session: Session, least_break: timedelta) -> bool:
    """Whether a session lies far enough behind another; on another day it does."""
    if before.day != session.day:
        return True
    return before.timed and session.timed and session.at - before.at >= least_break


def instant_of(day: date, at: datetime | None) -> datetime:
    """When something was, to put it in order: its time, or the beginning of its day without one."""
    return at or datetime.combine(day, time(), UTC)


def name_of(day: date, at: datetime | None, apart: str) -> str:
    """The name of a session: its minute, or its day, and what tells it apart."""
    return f"{day.isoformat() if at is None else f'{at:%Y-%m-%dT%H:%MZ}'}#{apart}"


def on_clock(session: Session, zone: ZoneInfo) -> Session:
    """A session with its time on the clocks of a time zone."""
    return session._replace(clock=f"{session.at.astimezone(zone):%H:%M}" if session.timed else "")


def course_on(day: date, sessions: Sequence[Session]) -> str:
    """The one course of the sessions of a day, else that of all; "" for none, or more than one."""
    of_day = {session.course for session in sessions if session.day == day}
    courses = of_day or {session.course for session in sessions}
    return courses.pop() if len(courses) == 1 else ""
