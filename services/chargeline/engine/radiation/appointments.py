"""The schedule as the third source of radiation sessions, beside reports and posted charges.

It owns which appointment tells of which session, so that what three sources tell counts once, and
where the schedule contradicts the others. It does not count, and knows no codes.

One sequence, worked through. Five sessions are booked for a week. Monday is completed and reported:
one session, told twice. Tuesday is completed, and nobody reports it though Monday was: a person is
asked, and until then it does not count. Wednesday is cancelled, and a report tells a session: asked
as well. Thursday is booked, and Friday delivered: what became of Thursday is asked. Were nothing
delivered after Thursday, it would still be to come.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, cast

from chargeline.engine.care import Appointment, Care
from chargeline.engine.care_words import AppointmentState
from chargeline.engine.course_words import BeamTechniqueFact, BookingFact
from chargeline.engine.events import VisitKey
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.radiation.reports import BEAMS
from chargeline.engine.radiation.sessions import (
    Session,
    SessionKey,
    course_on,
    instant_of,
    key_of,
    name_of,
    new_session,
    order_of,
)
from chargeline.engine.words import words_of

_STATES: Final = frozenset(words_of(AppointmentState))
_KEPT: Final[tuple[BookingFact, ...]] = ("completed", "booked", "unknown")
"""Appointments at which a session may have been delivered, the surest first."""


def sessions_booked(
    days: Sequence[Care], sessions: Sequence[Session], visit: VisitKey
) -> Iterator[Session]:
    """A session for each appointment of a visit; `sessions` are those that its reports tell."""
    for care in days:
        for appointment in care.appointments:
            yield _session_of(appointment, sessions, visit)


def _session_of(appointment: Appointment, sessions: Sequence[Session], visit: VisitKey) -> Session:
    day, kind = appointment.day, appointment.kind
    technique = "unknown" if kind in ("session", "unsaid") else kind
    booking = appointment.state if appointment.state in _STATES else "unknown"
    apart = ".".join([part for part in ("A", appointment.number, appointment.row) if part])
    return new_session(
        visit=visit,
        course=appointment.course or course_on(day, sessions),
        name=name_of(day, appointment.at, apart),
        day=day,
        at=instant_of(day, appointment.at),
        timed=appointment.at is not None,
        technique=cast(BeamTechniqueFact, technique),
        beam=BEAMS.get(technique, "external"),
        reported=booking == "completed",
        source=appointment.source,
        booking=cast(BookingFact, booking),
    )


def is_waiting(session: Session) -> bool:
    """Whether an appointment alone tells a session, and it is not completed."""
    return session.booking not in ("", "completed")


class Schedule(NamedTuple):
    """The sessions of a course beside its schedule.

    `sessions` are those that were delivered as any source tells, each once but for charges beside
    a completed appointment. `doubted` are those of them that a source contradicts. `left` are the
    appointments that are not completed and of which no other source tells.
    """

    sessions: Sequence[Session]
    doubted: Mapping[SessionKey, FindingCode]
    left: Sequence[Session]


def beside_appointments(sessions: Sequence[Session]) -> Schedule:
    """All that is told of a course, in order, by what the schedule says of each session."""
    if not any(session.booking for session in sessions):
        return Schedule(sessions, {}, ())
    sessions = _each_once(sessions)
    days: dict[date, list[Session]] = {}
    for session in sessions:
        days.setdefault(session.day, []).append(session)
    told: set[SessionKey] = set()
    doubted: dict[SessionKey, FindingCode] = {}
    for day in days.values():
        of_day = _compared([s for s in day if not s.booking], [s for s in day if s.booking])
        told |= of_day.told
        doubted |= dict.fromkeys(of_day.not_kept, "radiation.not_kept")
    rest = [session for session in sessions if key_of(session) not in told]
    if any(session.reported and not session.booking for session in sessions):
        alone = [key_of(session) for session in rest if session.booking == "completed"]
        doubted |= dict.fromkeys(alone, "radiation.no_report")
    left = [s for s in rest if is_waiting(s) and s.said != "confirm"]
    waiting = {key_of(session) for session in left}
    delivered = [_as_delivered(s, sessions) for s in rest if key_of(s) not in waiting]
    return Schedule(delivered, doubted, left)


def _each_once(sessions: Sequence[Session]) -> list[Session]:
    """All sessions but appointments that two visits tell: of each the one that came furthest, as
    that of the visit in which it was completed.
    """
    once = {key_of(session): session for session in sessions}
    best: dict[str, Session] = {}
    for session in sorted(
        [s for s in once.values() if s.booking], key=lambda s: (_rank(s), order_of(s))
    ):
        best.setdefault(session.name, session)
    return [s for s in once.values() if not s.booking or best[s.name] is s]


class _ScheduleOfDay(NamedTuple):
    """Of one day: which appointments another source tells, and which sessions none was kept for."""

    told: set[SessionKey]
    not_kept: list[SessionKey]


def _compared(sessions: Sequence[Session], appointments: Sequence[Session]) -> _ScheduleOfDay:
    """Each session of a day takes the nearest appointment that may have been kept, completed before
    booked. One without any takes an appointment that was not kept, which contradicts it.
    """
    reports = [session for session in sessions if session.reported]
    open_ = [session for session in appointments if not session.is_struck]
    kept = [session for session in open_ if session.booking in _KEPT]
    lost = [session for session in open_ if session.booking not in _KEPT]
    told: set[SessionKey] = set()
    not_kept: list[SessionKey] = []
    for session in reports or sessions:
        if session.is_struck:
            continue
        nearest = min(kept, key=lambda other: _distance(session, other), default=None)
        if nearest is not None:
            kept.remove(nearest)
            # a completed appointment beside a charge is the session, and the charge is told by it
            if session.reported or is_waiting(nearest):
                told.add(key_of(nearest))
        elif lost:
            contrary = min(lost, key=lambda other: _distance(session, other))
            lost.remove(contrary)
            told.add(key_of(contrary))
            not_kept.append(key_of(session))
    return _ScheduleOfDay(told, not_kept)


def _distance(session: Session, other: Session) -> tuple[int, float, str]:
    return (_rank(other), abs((session.at - other.at).total_seconds()), other.name)


def _rank(session: Session) -> int:
    return _KEPT.index(session.booking) if session.booking in _KEPT else len(_KEPT)


def _as_delivered(session: Session, sessions: Sequence[Session]) -> Session:
    """An appointment as a session that was delivered, with the one beam that reports of its course
    tell: the schedule seldom says it.
    """
    if not session.booking:
        return session
    beams = {other.beam for other in sessions if other.reported and not other.booking}
    beam = beams.pop() if len(beams) == 1 else session.beam
    return session._replace(beam=beam, reported=True)


def left_open(left: Sequence[Session], counted: Sequence[Session]) -> dict[SessionKey, FindingCode]:
    """The booked appointments of which a person is asked what became of them: the course went on
    after their day.
    """
    last = max([session.day for session in counted], default=date.min)
    return {
        key_of(session): "radiation.appointment"
        for session in left
        if session.booking in _KEPT and session.day < last and not session.is_struck
    }
