"""What is counted over a course: treatment management, and the physicist's weekly check.

It owns with which session of the encounter a unit is earned. The arithmetic is in `fractions`, and
the numbers are rules. A course that is still open bills nothing of what is left over.
"""

from collections.abc import Iterator, Sequence

from chargeline.engine.course_words import Beam, CourseState
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.radiation.asking import session_question
from chargeline.engine.radiation.concerns import (
    COUNT,
    MANAGEMENT,
    CountAnswer,
    CountFacts,
    ManagementAnswer,
    ManagementFacts,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.fractions import counts_for, earned, units_of
from chargeline.engine.radiation.lines import billed, new_charge, withheld_charge
from chargeline.engine.radiation.sessions import Mark, Session, key_of
from chargeline.engine.radiation.sittings import Series, Treatment
from chargeline.engine.rules import Decision
from chargeline.engine.trace import Proposal, Question, Step, together
from chargeline.engine.words import IS_YES

_PHYSICS = "radiation.physics"


def managed(
    sessions: Sequence[Session], course: Course, treatment: Treatment, assessment: Assessment
) -> Proposal:
    """The units of management that the sessions of the encounter earn.

    Courses that share sittings are counted together, and a unit is billed for the course whose
    session came first in the sitting that earns it.
    """
    here = {key_of(session) for session in sessions}
    proposals: list[Proposal] = []
    asked = _asked_of_course(sessions, course)
    series = treatment.series[course.name]
    for beam in series.beams:
        of_beam = [session for session in series.sittings if session.beam == beam]
        ends = _ends(series, beam)
        state: CourseState = "ended" if len(of_beam) in ends else "open"
        decision = assessment.rules.of(MANAGEMENT).decide(
            ManagementFacts(beam, state, len(of_beam))
        )
        for place, units, step in _units(of_beam, ends, decision, assessment=assessment):
            session = of_beam[place - 1]
            if key_of(session) not in here:
                continue
            doubts = (
                *_unfinished(session, len(of_beam), decision),
                *_missing(session, course),
            )
            charge = new_charge(
                course=course.name,
                role=decision.answer.role,
                part="professional",
                units=units,
                day=session.day,
                anchor=f"{course.name}|{session.name}",
                steps=(step,),
                asked=(*asked, *doubts),
                rests_on=treatment.questions_of(of_beam[:place]),
            )
            proposals.append(billed(charge, assessment))
    return together([Proposal(questions=asked), *proposals])


def _ends(series: Series, beam: Beam) -> frozenset[int]:
    """The places among the sessions of a beam at which the courses end."""
    places = [place for place, s in enumerate(series.sittings, 1) if s.beam == beam]
    return frozenset([n for n, place in enumerate(places, 1) if place in series.ends])


def _units(
    of_beam: Sequence[Session],
    ends: frozenset[int],
    decision: Decision[ManagementAnswer],
    *,
    assessment: Assessment,
) -> Iterator[tuple[int, int, Step]]:
    """The place of each session that earns management, with the units and the reason."""
    answer = decision.answer
    if answer.per == "course":
        place = len(of_beam) if IS_YES[answer.end] else 1
        if len(of_beam) in ends or not IS_YES[answer.end]:
            facts = (("arithmetic", f"the whole course of {_sessions(len(of_beam))}"),)
            yield place, 1, Step("management", decision, facts, _source(of_beam[place - 1]))
        return
    assert answer.per == "fractions", "management is by fractions or by course"
    count = assessment.rules.of(COUNT).decide(CountFacts(answer.role))
    for place, units in enumerate(earned(len(of_beam), ends, count.answer), 1):
        if units:
            facts = (("arithmetic", _arithmetic(place, place in ends, count.answer)),)
            yield place, units, Step("management", count, facts, _source(of_beam[place - 1]))


def _arithmetic(place: int, is_end: bool, count: CountAnswer) -> str:
    """Such as `8 sessions: 1 x 5 and 3 left at the end = 2 units so far`."""
    full, rest = divmod(place, count.fractions)
    left = f" and {rest} left at the end" if rest and is_end else ""
    units = units_of(place, is_end, count)
    words = f"{units} unit{'s' if units > 1 else ''} so far"
    return f"{_sessions(place)}: {full} x {count.fractions}{left} = {words}"


def _sessions(number: int) -> str:
    return f"{number} session{'s' if number > 1 else ''}"


def _source(session: Session) -> tuple[Source, ...]:
    return (session.source,) if session.source is not None else ()


def _unfinished(
    session: Session, sessions: int, decision: Decision[ManagementAnswer]
) -> tuple[Question, ...]:
    """A question where a course that is billed as a whole ended before its plan."""
    is_short = session.planned is not None and sessions < session.planned
    if decision.answer.per == "course" and is_short and session.beam != "external":
        more = f"{sessions} of {session.planned}"
        return (session_question("radiation.unfinished", session, more),)
    return ()


def _missing(session: Session, course: Course) -> tuple[Question, ...]:
    """A question where fractions with lower numbers are not here, so that the count is too low."""
    numbers = {other.number for other in course.counted}
    missing = len(set(range(1, session.number or 1)) - numbers)
    if not missing:
        return ()
    more = f"{missing} with lower numbers are not here, and the count is without them"
    return (session_question("radiation.missing", session, more),)


def _asked_of_course(sessions: Sequence[Session], course: Course) -> tuple[Question, ...]:
    """A question on the first session of the encounter that differs from the first of the course in
    its plan or its beam, or whose course has no number.
    """
    if not course.name:
        return tuple([session_question("radiation.no_course", s) for s in sessions[:1]])
    if len(course.plans) < 2 and len(course.beams) < 2:
        return ()
    first = course.counted[0]
    for session in sessions:
        planned = session.planned if session.planned is not None else first.planned
        if key_of(session) in course.doubted or session.said == "not_given":
            continue
        if planned != first.planned or session.beam != first.beam:
            more = f"{session.planned or 'no number'} planned, {session.beam} beam"
            return (session_question("radiation.two_courses", session, more),)
    return ()


# ------------------------------------------------------------------ the physicist's check


def checked(checks: Sequence[Mark], series: Series, assessment: Assessment) -> Proposal:
    """The units of the physicist's checks of the encounter: the first check of each five sittings.

    A check of sessions that are not complete waits for them, and says so.
    """
    count = assessment.rules.of(COUNT).decide(CountFacts(_PHYSICS))
    if count.rule is None or not series.sittings:
        return Proposal()
    proposals: list[Proposal] = []
    groups: set[int] = set()
    for check in [mark for mark in series.marks if mark.what == "physics"]:
        place = len([session for session in series.sittings if session.day <= check.day])
        group = max(0, place - 1) // count.answer.fractions
        is_first = group not in groups
        groups.add(group)
        if not is_first or not any(_is_same(check, mine) for mine in checks):
            continue
        proposals.append(_check(check, place, series, assessment=assessment, count=count))
    return together(proposals)


def _is_same(check: Mark, other: Mark) -> bool:
    return check._replace(source=None) == other._replace(source=None)


def _check(
    check: Mark,
    place: int,
    series: Series,
    *,
    assessment: Assessment,
    count: Decision[CountAnswer],
) -> Proposal:
    sessions = len(series.sittings)
    facts = (("sessions so far", place), ("sessions", sessions))
    sources = (check.source,) if check.source is not None else ()
    charge = new_charge(
        course=check.course,
        role=_PHYSICS,
        part="technical",
        units=1,
        day=check.day,
        anchor=f"{check.course}|{check.day.isoformat()}",
        steps=(Step("physics", count, facts, sources),),
    )
    if counts_for(place, sessions, series.has_ended, count.answer):
        return billed(charge, assessment)
    rule = count.rule_in_force
    return Proposal(withheld=(withheld_charge(charge, rule.id, rule.why),))
