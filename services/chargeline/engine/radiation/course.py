"""A course over weeks and visits: all its sessions in order, and which of them count.

It owns the order of the sessions and which of them are doubted. It does not count units
(`fractions`) and knows no codes.

One sequence, worked through. A report of Monday 10:00 tells fraction 7, and another of Tuesday
10:00 tells fraction 7 as well, under another visit. The one of Tuesday is later, so it is doubted:
it does not count, and its visit asks. A person says that it was delivered, and both count.

Every visit sees the same sessions, its own and those of the patient's record, and orders them by
time, visit and name. So each visit comes to the same count, and a unit is billed by the one visit
in which the session lies that completes it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.course_words import Beam, MarkWord, SessionSaid
from chargeline.engine.events import VisitKey
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.radiation.appointments import beside_appointments, left_open
from chargeline.engine.radiation.asking import second_series_question
from chargeline.engine.radiation.parts import CourseOfNumber
from chargeline.engine.radiation.plans import InPlan, within_plans
from chargeline.engine.radiation.posted import with_charges_of_others, with_charges_of_visits
from chargeline.engine.radiation.remembered import CountedElsewhere, Recorded, ServiceElsewhere
from chargeline.engine.radiation.sessions import (
    Mark,
    Session,
    SessionKey,
    Told,
    is_apart,
    key_of,
    order_of,
)


class Course(NamedTuple):
    """One course: its sessions that count in order, the doubted ones with the reason, and marks.

    `struck` are those beyond its plan, or of a second series under its numbers, of which a person
    says that they were not delivered. `second_series` are the doubted ones of such a series.
    `told_before` are sessions that another visit tells as well, in the same words, with that visit:
    they count there. `gaps` has the numbers of the fractions that are missing before a counted
    session, in words such as `1 to 4`. `places` says which session of the course each counted one
    is, from 1 on, and `in_plan` which of its plan.
    `services` are services of planning that other visits posted, and `posted` what they posted of
    codes that are counted. `posts` says whether deliveries of
    the course are posted at all, and `ends` which counted sessions end the course. `booked` are
    appointments that are not completed, and of which nothing else tells. `said_beams` are the kinds
    of beam that techniques and posted codes say.
    """

    name: str
    counted: tuple[Session, ...]
    struck: tuple[Session, ...]
    places: Mapping[SessionKey, int]
    in_plan: Mapping[SessionKey, InPlan]
    doubted: Mapping[SessionKey, FindingCode]
    second_series: frozenset[SessionKey]
    told_before: Mapping[SessionKey, VisitKey]
    gaps: Mapping[SessionKey, str]
    booked: Mapping[SessionKey, Session]
    marks: tuple[Mark, ...]
    services: tuple[ServiceElsewhere, ...]
    posted: tuple[CountedElsewhere, ...]
    posts: bool
    ends: frozenset[int]
    said_beams: frozenset[Beam]

    @property
    def plans(self) -> frozenset[int]:
        """The different numbers of planned fractions that its sessions say."""
        return frozenset([s.planned for s in self.counted if s.planned is not None])

    @property
    def beams(self) -> tuple[Beam, ...]:
        """The different beams of its sessions."""
        return tuple(sorted({session.beam for session in self.counted}))

    def fractions_of(self, beam: Beam) -> int:
        """How many fractions of a beam there are, as delivered, numbered or planned, the most of
        these. Where the course has several beams nobody knows whose the plan and numbers are.
        """
        of_beam = [session for session in self.counted if session.beam == beam]
        if len(self.beams) > 1:
            return len(of_beam)
        last = self.in_plan[key_of(of_beam[-1])].first if of_beam else None
        of_plan = [session for session in of_beam if self.in_plan[key_of(session)].first is last]
        told = [number or 0 for s in of_plan for number in (s.planned, s.number)]
        return len(of_beam) - len(of_plan) + max([len(of_plan), *told], default=0)

    def is_documented(self, day: date) -> bool:
        """Whether a signed note of a day, or of one before, documents the course."""
        return any(mark.what == "documents" and mark.day <= day for mark in self.marks)

    def is_marked(self, what: MarkWord, first: date, last: date) -> bool:
        """Whether the course has a mark on one of some days."""
        return any(mark.what == what and first <= mark.day <= last for mark in self.marks)

    def says_beam_of(self, session: Session) -> bool:
        """Whether the session, or the others of the course as one, say its kind of beam."""
        return session.says_beam or len(self.said_beams) == 1

    def is_treated(self, session: Session) -> bool:
        """Whether a session is one of the course, or doubted to be, and more than a booking."""
        key = key_of(session)
        is_said = not session.booking or session.is_struck
        return is_said or key in self.doubted or key in self.places

    def place_of(self, session: Session) -> int:
        """Which session of the course it is, from 1 on; 0 where it does not count."""
        return self.places.get(key_of(session), 0)


def course_of(
    name: str,
    told: Told,
    recorded: Recorded,
    part: CourseOfNumber | None,
    *,
    break_minutes: int,
    answers: AnswersBeside,
) -> Course:
    """A course as all visits of the patient tell it. `break_minutes` lie between two sessions.

    `part` is the course among those of its number, None where the number has one alone.
    """
    sessions = [session for session in told.sessions if session.course == name]
    sessions += [session for session in recorded.sessions if session.course == name]
    schedule = beside_appointments(sorted(sessions, key=order_of))
    told_by_all = _with_beam(with_charges_of_visits(schedule.sessions))
    told_before = _told_before(told_by_all)
    sessions = [session for session in told_by_all if key_of(session) not in told_before]
    least_break = timedelta(minutes=break_minutes)
    resumed = part.resumed if part is not None else ()
    judged = _judged(sessions, schedule.doubted, least_break, resumed, answers=answers)
    planned = within_plans(judged.counted, resumed, judged.beside, answers)
    counted = with_charges_of_others(planned.counted, told_by_all)
    doubted = dict(judged.doubted)
    doubted |= left_open(schedule.left, counted)
    marks = [mark for mark in (*told.marks, *recorded.marks) if mark.course == name]
    marks.sort(key=lambda mark: (mark.day, mark.at, mark.visit))
    return Course(
        name=name,
        counted=counted,
        struck=(*planned.struck, *judged.struck),
        places={key_of(session): place for place, session in enumerate(counted, 1)},
        in_plan=planned.places,
        doubted=doubted,
        second_series=frozenset(judged.second_series),
        told_before=told_before,
        gaps=dict(_gaps(counted, sessions, part)),
        booked={key_of(session): session for session in schedule.left},
        marks=tuple(marks),
        services=tuple([service for service in recorded.services if service.course == name]),
        posted=tuple([posted for posted in recorded.counted if posted.course == name]),
        posts=any(session.posted for session in sessions),
        ends=_ends(counted, planned.places, marks),
        said_beams=frozenset([session.beam for session in sessions if session.says_beam]),
    )


def _with_beam(sessions: Sequence[Session]) -> Sequence[Session]:
    """The sessions, where one of which neither a technique nor a code says the beam has the one
    beam that the others of its course say.
    """
    beams = {session.beam for session in sessions if session.says_beam}
    if len(beams) != 1:
        return sessions
    (beam,) = beams
    return [s if s.says_beam else s._replace(beam=beam) for s in sessions]


def _told_before(sessions: Sequence[Session]) -> dict[SessionKey, VisitKey]:
    """The sessions that another visit reports as well, with the visit that comes first in order.

    A report of one minute and number that says the same under two visits was sent twice. One that
    says something else is another session, and doubted.
    """
    first: dict[tuple[object, ...], Session] = {}
    twice: dict[SessionKey, VisitKey] = {}
    for session in sessions:
        if session.number is None or not session.timed or session.is_struck or session.booking:
            continue
        alike = (
            session.name,
            session.technique,
            session.motion,
            session.isocentres,
            session.guidance,
            session.planned,
            session.reported,
        )
        before = first.setdefault(alike, session)
        if before.visit != session.visit and session.reported:
            twice[key_of(session)] = before.visit
    return twice


class _SessionsJudged(NamedTuple):
    """The sessions that count, those that are doubted with the reason, those of a second series
    that are struck, those of it that are in question, and those that a person confirmed; in order.
    """

    counted: list[Session]
    doubted: dict[SessionKey, FindingCode]
    struck: list[Session]
    second_series: set[SessionKey]
    beside: set[SessionKey]


def _judged(
    sessions: Sequence[Session],
    contradicted: Mapping[SessionKey, FindingCode],
    least_break: timedelta,
    resumed: Sequence[datetime],
    *,
    answers: AnswersBeside,
) -> _SessionsJudged:
    """The sessions that count, and those that do not.

    `contradicted` are those that the schedule contradicts, with the reason. Two reports of one
    fraction at one time tell of one session. At the times of `resumed` its numbers may begin again.
    """
    is_reported = any(session.reported for session in sessions)
    judged = _SessionsJudged([], {}, [], second_series=set(), beside=set())
    counted = judged.counted
    runs = _begun_again(sessions)
    numbers: dict[int, Session] = {}
    told: set[SessionKey] = set()
    for session in sessions:
        if session.is_struck or key_of(session) in told:
            continue
        told.add(key_of(session))
        while resumed and session.at >= resumed[0]:
            numbers, resumed = {}, resumed[1:]
        doubt = contradicted.get(key_of(session))
        if doubt is None and is_reported and not session.reported:
            doubt = "radiation.no_fraction"
        elif doubt is None and session.number in numbers:
            doubt = "radiation.number_twice"
        elif doubt is None and counted and not is_apart(counted[-1], session, least_break):
            doubt = "radiation.break"
        said = session.said
        if doubt == "radiation.number_twice" and not said and session.number is not None:
            twin = None if key_of(session) in runs else numbers[session.number]
            said = _said_of_series(session, twin, judged, answers)
        if doubt is not None and said != "confirm":
            if said == "not_given":
                judged.struck.append(session._replace(said=said))
            else:
                judged.doubted[key_of(session)] = doubt
            continue
        counted.append(session)
        if session.number is not None:
            numbers[session.number] = session
    return judged


def _begun_again(sessions: Sequence[Session]) -> set[SessionKey]:
    """The sessions with which numbers that were there begin again: two or more in a row, each one
    higher than the one before it.
    """
    numbered = [s for s in sessions if s.number is not None and not s.is_struck]
    here: set[int] = set()
    again: list[bool] = []
    for session in numbered:
        again.append(session.number in here)
        here.add(session.number or 0)
    runs: set[SessionKey] = set()
    for place, (before, session) in enumerate(pairwise(numbered)):
        goes_on = session.number == (before.number or 0) + 1
        if goes_on and again[place] and again[place + 1]:
            runs |= {key_of(before), key_of(session)}
    return runs


def _said_of_series(
    session: Session, twin: Session | None, judged: _SessionsJudged, answers: AnswersBeside
) -> SessionSaid:
    """What a person said of the second series in which a session has the number of its twin; ""
    where nobody did, or where it is none. A number that comes again on another day, and otherwise
    alike, was mistyped once; with numbers that begin again there is no `twin` to hold it against.
    """
    if twin is not None:
        is_alike = (session.technique, session.planned) == (twin.technique, twin.planned)
        if is_alike and session.day != twin.day:
            return ""
    choice = answers.choice(second_series_question(session))
    if choice == "confirm":
        judged.beside.add(key_of(session))
        return choice
    if choice == "not_given":
        return choice
    judged.second_series.add(key_of(session))
    return ""


def _gaps(
    counted: Sequence[Session], sessions: Sequence[Session], part: CourseOfNumber | None
) -> Iterator[tuple[SessionKey, str]]:
    """The sessions before which fractions with lower numbers are missing, in order.

    A session that is doubted, or that a person struck, is here, and a session without a number may
    be any of those that are missing. While nobody has said whether it is another course, nobody
    knows either where its numbers begin; else they may go on where those of the last one ended.
    """
    if part is not None and part.question is not None:
        return
    stretches = _stretches(counted, part.resumed if part is not None else ())
    for place, stretch in enumerate(stretches):
        begins = order_of(stretch[0]) if place else None
        ends = order_of(stretches[place + 1][0]) if place + 1 < len(stretches) else None
        here = {
            session.number
            for session in sessions
            if session.number is not None
            and (begins is None or order_of(session) >= begins)
            and (ends is None or order_of(session) < ends)
        }
        highest = part.highest if part is not None and not place else 0
        yield from _gaps_in(stretch, here, highest if here and min(here) > highest else 0)


def _stretches(counted: Sequence[Session], resumed: Sequence[datetime]) -> list[list[Session]]:
    """The sessions, parted where the course was resumed and its numbers begin again."""
    stretches: list[list[Session]] = []
    to_come, last = list(resumed), 0
    for session in counted:
        is_resumed = bool(to_come) and session.at >= to_come[0]
        if is_resumed and session.number is not None:
            to_come = [at for at in to_come if at > session.at]
        begins = is_resumed and session.number is not None and session.number <= last
        if begins or not stretches:
            stretches.append([])
            last = 0
        stretches[-1].append(session)
        last = max(last, session.number or 0)
    return stretches


def _gaps_in(
    counted: Sequence[Session], here: Collection[int], last: int
) -> Iterator[tuple[SessionKey, str]]:
    unnumbered = 0
    for session in counted:
        if session.number is None:
            unnumbered += 1
            continue
        between = len([number for number in here if last < number < session.number])
        missing = max(0, session.number - 1 - last) - between
        if missing > unnumbered:
            first, final = last + 1, session.number - 1
            numbers = f"{first} to {final}" if first < final else f"{first}"
            yield key_of(session), f"{missing} of {numbers}" if between else numbers
        if session.number > last:
            last, unnumbered = session.number, 0


def _ends(
    counted: Sequence[Session], in_plan: Mapping[SessionKey, InPlan], marks: Sequence[Mark]
) -> frozenset[int]:
    """The places of the sessions with which the course ends, from 1 on.

    It ends where a report says so, with as many sessions as are planned, and with the fraction
    whose number is that of the planned ones.
    """
    ends: set[int] = set()
    for place, session in enumerate(counted, 1):
        reached = (in_plan[key_of(session)].place, session.number)
        is_last = session.planned is not None and session.planned in reached
        if session.ends or is_last:
            ends.add(place)
    for mark in marks:
        if mark.what == "end":
            ends.add(len([session for session in counted if session.day <= mark.day]))
    return frozenset(ends - {0})
