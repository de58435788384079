"""Posted deliveries beside reported sessions: which charge is that of which session.

It owns that each unit is for one session: first of the sessions of its own day, in their order, and
what is left of a charge may be for sessions around that day, because a site that posts once a week
posts five units on a Friday. A charge for which no report tells a session is one by itself, unless
another visit reports one of its day. It knows no codes: rules have said that the charge is a
delivery.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.sessions import (
    CourseCharge,
    Session,
    SessionKey,
    instant_of,
    key_of,
    name_of,
    new_session,
    order_of,
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
    told = {(course, s.day) for s in sessions for course in (s.course, "")}
    of_own_day = _of_own_day(sessions, charges)
    coded = list(sessions)
    for place, nth in of_own_day.items():
        coded[place] = with_code(coded[place], charges[nth].charge.code, charges[nth].beam)
    used = Counter(of_own_day.values())
    placed: list[CourseCharge] = []
    alone: list[Session] = []
    for nth, posted in enumerate(charges):
        if posted.kind != "delivery":
            placed.append(posted)
            continue
        around = _around(posted, coded, posted.units - used[nth] if posted.units > 1 else 0)
        for place in around:
            coded[place] = with_code(coded[place], posted.charge.code, posted.beam)
        placed.append(posted._replace(for_other_days=len(around)))
        is_alone = (posted.course, posted.charge.day) not in told
        rest = posted.units - len(around) if is_alone else 0
        alone += [session_of_charge(posted, unit, visit) for unit in range(1, rest + 1)]
    return Placed(tuple(coded), tuple(placed), tuple(alone))


def _of_own_day(sessions: Sequence[Session], charges: Sequence[CourseCharge]) -> Mapping[int, int]:
    """Which charge has a unit for which session of its day, both by their places.

    Where a day has more units than sessions, charges of one unit go before those of several, whose
    units may be for other days, and of these and of those the last one goes first.
    """
    units: dict[tuple[str, date], list[int]] = {}
    for nth, posted in enumerate(charges):
        if posted.kind == "delivery":
            of_slot = units.setdefault((posted.course, posted.charge.day), [])
            of_slot += [nth] * min(posted.units, len(sessions))
    places: dict[tuple[str, date], list[int]] = {}
    for place in sorted(range(len(sessions)), key=lambda place: order_of(sessions[place])):
        places.setdefault((sessions[place].course, sessions[place].day), []).append(place)
    placed: dict[int, int] = {}
    for slot, of_day in places.items():
        by_need = sorted(units.get(slot, []), key=lambda nth: charges[nth].units == 1)
        placed |= dict(zip(of_day, sorted(by_need[-len(of_day) :]), strict=False))
    return placed


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


def with_charges_of_visits(sessions: Sequence[Session]) -> list[Session]:
    """The sessions of a course, in order, without the charges of reported ones: a charge under
    another visit of the day is that of a session which is reported there, each unit that of one.
    """
    days = {session.day for session in sessions if session.reported}
    waiting = [session for session in sessions if session.reported and not session.posted]
    charged = _charged(waiting, [session for session in sessions if not session.reported])
    return [
        charged.get(key_of(session), session)
        for session in sessions
        if session.reported or session.day not in days
    ]


def with_charges_of_others(
    counted: Sequence[Session], sessions: Sequence[Session]
) -> tuple[Session, ...]:
    """The sessions that count of those of a course, where one without a charge has that of a
    session of its day that does not count: nobody says for which of them it was posted.
    """
    keys = {key_of(session) for session in counted}
    others = [session for session in sessions if session.posted and key_of(session) not in keys]
    charged = _charged([session for session in counted if not session.posted], others)
    return tuple([charged.get(key_of(session), session) for session in counted])


def _charged(waiting: Sequence[Session], billed: Sequence[Session]) -> Mapping[SessionKey, Session]:
    """Those of some sessions for which a charge of their day is there, with its code, by their
    keys. Each charge is for one of them, and the last ones are where a day has more.
    """
    days: dict[date, list[Session]] = {}
    for session in waiting:
        days.setdefault(session.day, []).append(session)
    charged: dict[SessionKey, Session] = {}
    for day, of_day in days.items():
        charges = [session for session in billed if session.day == day][-len(of_day) :]
        for session, charge in zip(of_day, charges, strict=False):
            charged[key_of(session)] = with_code(session, charge.posted, charge.beam)
    return charged
