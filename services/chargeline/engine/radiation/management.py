"""What is counted over a course: treatment management, and the physicist's weekly check.

It owns with which session of the encounter a unit is earned. The arithmetic is in `fractions`, and
the numbers are rules. A course that is still open bills nothing of what is left over.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.answers.settling import step_of
from chargeline.engine.course_words import Beam, CourseState, ExaminedBy
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.radiation.asking import (
    examination_question,
    gap_question,
    mark_questions,
    unfinished_question,
)
from chargeline.engine.radiation.concerns import (
    COUNT,
    EXAMINED,
    MANAGEMENT,
    CountAnswer,
    CountFacts,
    ExaminedFacts,
    ManagementAnswer,
    ManagementFacts,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.delivery import how_questions
from chargeline.engine.radiation.fractions import counts_for, earned, units_of
from chargeline.engine.radiation.lines import (
    DueCharge,
    billed,
    is_reported,
    new_charge,
    withheld_charge,
)
from chargeline.engine.radiation.resting import questions_about, whose_sessions
from chargeline.engine.radiation.series import Series
from chargeline.engine.radiation.sessions import Mark, Session, key_of, order_of
from chargeline.engine.radiation.sittings import Treatment
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.trace import Proposal, Question, Step, together
from chargeline.engine.words import IS_YES

_PHYSICS = "radiation.physics"


def managed(
    sessions: Sequence[Session],
    course: Course,
    treatment: Treatment,
    assessment: Assessment,
    *,
    counted: Sequence["CountedBeam"],
) -> Proposal:
    """The units of management that the sessions of the encounter earn.

    `counted` are the units of the whole series of the course. Courses that share sittings are
    counted together, and a unit is billed for the course whose session came first in the sitting
    that earns it.
    """
    here = {key_of(session) for session in sessions}
    proposals: list[Proposal] = []
    asked = whose_sessions(sessions, course)
    rules, payer = assessment.rules, assessment.context.payer
    series = treatment.series[course.name]
    for of_beam, decision, units in counted:
        for unit in units:
            session = of_beam[unit.place - 1]
            if key_of(session) not in here:
                continue
            gaps = list(gaps_before(session, series, treatment))
            doubts = (
                *unfinished(session, len(of_beam), decision),
                *_unexamined(of_beam[unit.first - 1 : unit.place], course, decision, assessment),
                *how_questions(session, course, treatment, assessment),
                *[gap.question for gap in gaps],
                *(treatment.after(series.names) if decision.answer.per == "course" else ()),
                *(treatment.whether_it_goes_on(series.names) if unit.counts_rest else ()),
            )
            charge = new_charge(
                course=course.name,
                of="management",
                role=decision.answer.role,
                part="professional",
                units=1,
                day=session.day,
                anchor=f"{course.name}|{session.name}",
                steps=(unit.step,),
                asked=(*asked, *doubts),
                rests_on=questions_about(
                    of_beam[: unit.place], series, treatment, rules, payer=payer
                ),
            )
            said = [assessment.answers.choice(gap.question) for gap in gaps]
            if unit.is_whole and "elsewhere" in said:
                held = withheld_charge(charge, "answer.elsewhere", _ELSEWHERE)
                proposals.append(Proposal(questions=charge.asked, withheld=(held,)))
            elif unit.counts_rest and None in said:
                waits = [gap for gap, choice in zip(gaps, said, strict=True) if choice is None]
                proposals.append(_waiting(charge, waits))
            else:
                proposals.append(billed(charge, assessment))
    return together([Proposal(questions=asked), *proposals])


def ends_of_beam(series: Series, beam: Beam) -> frozenset[int]:
    """The places among the sessions of a beam at which the courses end."""
    places = [place for place, s in enumerate(series.sittings, 1) if s.beam == beam]
    return frozenset([n for n, place in enumerate(places, 1) if place in series.ends])


class ManagementUnit(NamedTuple):
    """One unit of management: the places of the session that earns it and of the first that it is
    for, from 1 on, and the reason. With `counts_rest` it would be none if the course had had more
    sessions: a rest at the end, or a short course. `is_of_course`: it is that of a whole course.
    """

    first: int
    place: int
    step: Step
    counts_rest: bool
    is_of_course: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it stands for the end of a course, or all of it, and not for so many sessions."""
        return self.counts_rest or self.is_of_course


class CountedBeam(NamedTuple):
    """The sessions of one beam, how their management is counted, and the units that they earn."""

    sessions: Sequence[Session]
    decision: Decision[ManagementAnswer]
    units: Sequence[ManagementUnit]


def counted_in(series: Series, rules: DayRules) -> list[CountedBeam]:
    """The units that the sessions of a series earn, by beam."""
    counted = []
    for beam in series.beams:
        of_beam = series.of_beam(beam)
        ends, fractions = ends_of_beam(series, beam), series.fractions[beam]
        decision, units = units_earned(of_beam, ends, rules, fractions=fractions)
        counted.append(CountedBeam(of_beam, decision, units))
    return counted


def units_earned(
    of_beam: Sequence[Session], ends: frozenset[int], rules: DayRules, *, fractions: int
) -> tuple[Decision[ManagementAnswer], list[ManagementUnit]]:
    """How the management of the sessions of a beam is counted, and the units that they earn.

    `ends` are the places among these sessions at which the course ends, and `fractions` how many
    there are as delivered or as planned.
    """
    sessions = len(of_beam)
    state: CourseState = "ended" if sessions in ends else "open"
    facts = ManagementFacts(of_beam[0].beam, state, sessions, max(fractions, sessions))
    decision = rules.of(MANAGEMENT).decide(facts)
    return decision, list(_units(of_beam, ends, decision, rules))


def _units(
    of_beam: Sequence[Session],
    ends: frozenset[int],
    decision: Decision[ManagementAnswer],
    rules: DayRules,
) -> Iterator[ManagementUnit]:
    answer = decision.answer
    if answer.per == "none":
        return
    if answer.per == "course":
        place = len(of_beam) if IS_YES[answer.end] else 1
        if len(of_beam) in ends or not IS_YES[answer.end]:
            facts = (("arithmetic", f"the whole course of {_sessions(len(of_beam))}"),)
            step = Step("management", decision, facts, _source(of_beam[place - 1]))
            is_short = of_beam[place - 1].beam == "external"
            yield ManagementUnit(1, place, step, counts_rest=is_short, is_of_course=True)
        return
    assert answer.per == "fractions", "management is by fractions or by course"
    count = rules.of(COUNT).decide(CountFacts(answer.role))
    first = 1
    for place, units in enumerate(earned(len(of_beam), ends, count.answer), 1):
        assert units in (0, 1), "a session earns one unit at most"
        if units:
            facts = (("arithmetic", _arithmetic(place, place in ends, count.answer)),)
            step = Step("management", count, facts, _source(of_beam[place - 1]))
            yield ManagementUnit(
                first, place, step, counts_rest=place % count.answer.fractions != 0
            )
            first = place + 1


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


def unfinished(
    session: Session, sessions: int, decision: Decision[ManagementAnswer]
) -> tuple[Question, ...]:
    """A question where a course that is billed as a whole ended before its plan."""
    is_short = session.planned is not None and sessions < session.planned
    if decision.answer.per == "course" and is_short and session.beam != "external":
        return (unfinished_question(session, sessions),)
    return ()


class MissingBefore(NamedTuple):
    """The numbers of missing fractions in words, and the question about them."""

    numbers: str
    question: Question


def gaps_before(session: Session, series: Series, treatment: Treatment) -> Iterator[MissingBefore]:
    """Where fractions are missing up to a session, in all courses that share sittings."""
    for course in [treatment.courses[name] for name in sorted(series.names)]:
        for other in course.counted:
            numbers = course.gaps.get(key_of(other))
            if numbers is not None and order_of(other) <= order_of(session):
                yield MissingBefore(numbers, gap_question(other, numbers))


def _waiting(charge: DueCharge, gaps: Sequence[MissingBefore]) -> Proposal:
    """What stands in place of a unit whose sessions nobody can count."""
    numbers = ", ".join([gap.numbers for gap in gaps])
    says = f"The rest of the course cannot be counted: not here are its fractions {numbers}."
    held = withheld_charge(charge, "radiation.missing", says)
    return Proposal(questions=charge.asked, withheld=(held,))


_ELSEWHERE = (
    "A person says that fractions of the course were delivered elsewhere: whoever delivered those "
    "may have billed the rest of the course."
)


def _unexamined(
    sessions: Sequence[Session],
    course: Course,
    decision: Decision[ManagementAnswer],
    assessment: Assessment,
) -> tuple[Question, ...]:
    """A question where no physician's signed note of the days of a unit's sessions tells of an
    examination.

    A note on radiation counts of whatever visit, and a note of a visit of this one. A claim without
    the physician's part asks nothing.
    """
    first, last = sessions[0].day, sessions[-1].day
    seen = [day for day in assessment.encounter.seen if first <= day.day <= last]
    if any(day.by_physician for day in seen) or course.is_marked("examined", first, last):
        return ()
    if not is_reported("professional", assessment):
        return ()
    by: ExaminedBy = "nobody"
    if seen or course.is_marked("documents", first, last):
        by = "practitioner"
    elif course.is_marked("noted", first, last):
        by = "other"
    payer = assessment.context.payer.upper()
    needs = assessment.rules.of(EXAMINED).decide(ExaminedFacts(decision.answer.role, by, payer))
    if needs.rule is None or not IS_YES[needs.answer.ask]:
        return ()
    more = f"{_EXAMINED_BY[by]} from {first.isoformat()} to {last.isoformat()}"
    return (examination_question(sessions, more),)


_EXAMINED_BY: Mapping[ExaminedBy, str] = {
    "practitioner": "one of a practitioner who is no physician",
    "other": "one of an author who is no practitioner, or of whom nobody says the credential,",
    "nobody": "none",
}


# ------------------------------------------------------------------ the physicist's check


def checked(
    checks: Sequence[Mark], series: Series, treatment: Treatment, assessment: Assessment
) -> Proposal:
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
        charge = _check(check, place, series, count=count)
        if counts_for(place, len(series.sittings), series.has_ended, count.answer):
            end = (group + 1) * count.answer.fractions
            rests_on = questions_about(
                series.sittings[:end],
                series,
                treatment,
                assessment.rules,
                payer=assessment.context.payer,
            )
            last = series.sittings[:end][-1].day
            names = series.names
            in_question = mark_questions(treatment.told.unread, "physics_check", names, last)
            charge = charge._replace(rests_on=(*rests_on, *in_question))
            proposals.append(billed(charge, assessment))
        else:
            rule = count.rule_in_force
            held = withheld_charge(charge, rule.id, rule.why)
            proposals.append(Proposal(withheld=(held,)))
    return together(proposals)


def _is_same(check: Mark, other: Mark) -> bool:
    return check._replace(source=None) == other._replace(source=None)


def _check(
    check: Mark,
    place: int,
    series: Series,
    *,
    count: Decision[CountAnswer],
) -> DueCharge:
    facts = (("sessions so far", place), ("sessions", len(series.sittings)))
    sources = (check.source,) if check.source is not None else ()
    said = (step_of(check.chosen),) if check.chosen is not None else ()
    return new_charge(
        course=check.course,
        of="check",
        role=_PHYSICS,
        part="technical",
        units=1,
        day=check.day,
        anchor=f"{check.course}|{check.day.isoformat()}",
        steps=(Step("physics", count, facts, sources), *said),
    )
