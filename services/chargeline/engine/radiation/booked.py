"""What stands for an appointment at which no session was delivered: nothing, and it says why.

It owns the words for sessions that are to come, were cancelled or missed. Whether an appointment is
one of these is decided in `appointments`.
"""

from collections.abc import Mapping, Sequence

from chargeline.engine.course_words import BookingFact
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.lines import no_charge, withheld_charge
from chargeline.engine.radiation.sessions import Session, key_of
from chargeline.engine.trace import Proposal, Step

_SAYS: Mapping[BookingFact, str] = {
    "booked": "The session is booked, and nothing tells that it was delivered.",
    "unknown": "The session is booked with a status that the interface profile does not know.",
    "cancelled": "The appointment was cancelled.",
    "missed": "The patient did not come.",
}


def not_delivered(sessions: Sequence[Session], course: Course) -> Proposal:
    """The appointments of an encounter that are left beside the sessions of their course."""
    waiting = [
        session
        for session in sessions
        if key_of(session) in course.booked and not course.is_treated(session)
    ]
    return Proposal(
        withheld=tuple(
            [
                withheld_charge(
                    no_charge(session, _step(session)),
                    f"appointment.{session.booking}",
                    _SAYS[session.booking],
                )
                for session in waiting
            ]
        )
    )


def _step(session: Session) -> Step:
    """The appointment, with the place where its state stands."""
    facts = (("appointment", session.booking), ("day", session.day.isoformat()))
    sources = (session.source,) if session.source is not None else ()
    return Step("appointment", None, facts, sources)
