"""Posted deliveries beside reported sessions: which charge is that of which session.

It owns that a charge is first for the sessions of its own day, and that what is left of it may be
for sessions around that day: a site that posts once a week posts five units on a Friday. A charge
for which no report tells a session is one by itself. It knows no codes: rules have said that the
charge is a delivery.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.sessions import (
    CourseCharge,
    Session,
    instant_of,
    name_of,
    new_session,
    with_code,
)

A_WEEK = timedelta(days=6)


class Placed(NamedTuple):
    """The reported sessions with their delivery codes, the charges with how many units of each are
    for other days, and the sessions that charges alone tell.
    """

    sessions: tuple[Session, ...]
    charges: tuple[CourseCharge, ...]
    alone: tuple[Session, ...]


def with_charges(
    sessions: Sequence[Session], charges: Sequence[CourseCharge], visit: VisitKey
) -> Placed:
    """Posted deliveries, each with the reported sessions that it is for.

    A charge without a course is no session of its own on a day of which any session is reported: it
    is that of one of them. One unit on a day without a session may be a session without a report,
    and is none of another day.
    """
    of_day: dict[tuple[str, str], int] = {}
    for session in sessions:
        for course in {session.course, ""}:
            slot = (course, session.day.isoformat())
            of_day[slot] = of_day.get(slot, 0) + 1
    coded = list(_of_own_day(sessions, charges))
    placed: list[CourseCharge] = []
    alone: list[Session] = []
    for posted in charges:
        if posted.kind != "delivery":
            placed.append(posted)
            continue
        slot = (posted.course, posted.charge.day.isoformat())
        here = min(posted.units, of_day.get(slot, 0))
        is_alone = slot not in of_day
        if not is_alone:
            of_day[slot] -= here
        around = _around(posted, coded, posted.units - here if posted.units > 1 else 0)
        for place in around:
            coded[place] = with_code(coded[place], posted.charge.code, posted.beam)
        placed.append(posted._replace(for_other_days=len(around)))
        rest = posted.units - len(around) if is_alone else 0
        alone += [session_of_charge(posted, nth, visit) for nth in range(1, rest + 1)]
    return Placed(tuple(coded), tuple(placed), tuple(alone))


def _of_own_day(sessions: Sequence[Session], charges: Sequence[CourseCharge]) -> Iterator[Session]:
    """The reported sessions, each with the delivery code that was posted for its day."""
    deliveries = {
        (posted.course, posted.charge.day): posted
        for posted in charges
        if posted.kind == "delivery"
    }
    for session in sessions:
        posted = deliveries.get((session.course, session.day))
        if posted is None:
            yield session
        else:
            yield with_code(session, posted.charge.code, posted.beam)


def _around(posted: CourseCharge, sessions: Sequence[Session], units: int) -> list[int]:
    """The places of so many sessions within a week for which nothing else is posted: those before
    the charge first, the nearest of them last, then those after it.
    """
    if units <= 0 or not posted.course:
        return []
    day = posted.charge.day
    free = [
        place
        for place, session in enumerate(sessions)
        if session.course == posted.course
        and not session.posted
        and abs(session.day - day) <= A_WEEK
    ]
    before = sorted([p for p in free if sessions[p].day < day], key=lambda p: sessions[p].at)
    after = sorted([p for p in free if sessions[p].day > day], key=lambda p: sessions[p].at)
    return [*before[-units:], *after][:units]


def session_of_charge(posted: CourseCharge, nth: int, visit: VisitKey) -> Session:
    """The session that one unit of a posted delivery stands for, where no report tells it."""
    charge = posted.charge
    return new_session(
        visit=visit,
        course=posted.course,
        name=name_of(charge.day, charge.at, f"{posted.name}.{nth}"),
        day=charge.day,
        at=instant_of(charge.day, charge.at),
        timed=charge.at is not None,
        beam=posted.beam,
        posted=charge.code,
        reported=False,
        source=charge.source,
    )
