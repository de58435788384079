"""How courses stand: sessions, units of management, what is to come, and whether they go on.

It owns what a page shows of a course, when its next unit falls due, and when nobody has heard of a
course for too long. It reads the patient's
record alone, the visit's own part of it too, as every visit of the patient does; so what it counts
is what the drafts count. It drafts nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from chargeline.engine.answers.beside import NO_ANSWERS, AnswersBeside
from chargeline.engine.codes import CODE, RoleFacts
from chargeline.engine.course_words import Beam, CoursePace
from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.asking import examination_question, unfinished_question
from chargeline.engine.radiation.claim_parts import PART, PartFacts
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.lines import part_of
from chargeline.engine.radiation.management import (
    ManagementUnit,
    ends_of_beam,
    gaps_before,
    units_earned,
)
from chargeline.engine.radiation.remembered import recorded_in
from chargeline.engine.radiation.resting import questions_about
from chargeline.engine.radiation.said import with_words_elsewhere
from chargeline.engine.radiation.series import Series
from chargeline.engine.radiation.sessions import Session, Told, key_of
from chargeline.engine.radiation.sittings import Treatment, treatment_of
from chargeline.engine.record import History
from chargeline.engine.rules import DayRules
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import Withheld, line_id

# Sessions ahead in which a next unit is looked for where no plan says how many follow. A unit of
# more than half as many sessions would be overlooked; that of treatment management has five.
_LOOK_AHEAD = 40
_SILENT_AFTER = timedelta(days=30)
_NOBODY = VisitKey("", "")


class ManagementStanding(NamedTuple):
    """The management of the sessions of one beam of a course, and of those that share its sittings.

    `code` is its code, or its role where no code is in force, and "" where it has none or the claim
    does not have the physician's part. `units` are those that are earned and billed so far.
    `to_next` sessions earn the next one, None where none follows.
    `with_the_end`: it is earned when the course ends, and nothing says after how many sessions.
    """

    beam: Beam
    sessions: int
    code: str
    units: int
    to_next: int | None
    with_the_end: bool


class CourseStanding(NamedTuple):
    """One course as all visits of the patient tell it.

    `course` is its number, "" for charges without one. `sessions` count, `in_question` wait for an
    answer, and `booked` are still to come. `planned` are the numbers of fractions that reports
    plan, and `missing` those of the fractions that are not here, such as `1 to 4`. `here` are the
    places of the sessions that the visit tells. `counted_with` are courses that share sittings.
    """

    course: str
    sessions: int
    in_question: int
    booked: int
    planned: tuple[int, ...]
    missing: tuple[str, ...]
    ended: bool
    here: tuple[int, ...]
    counted_with: tuple[str, ...]
    management: tuple[ManagementStanding, ...]


_new_course_standing = by_keyword(CourseStanding)
_new_management_standing = by_keyword(ManagementStanding)


class _Seen(NamedTuple):
    """By what a visit sees courses: its rules and payer, and all treatment, with what people said
    of it under any visit.

    `parts` are those of the courses that the draft of the visit itself withholds, and `lines` the
    numbers of lines that people withhold under whatever visit.
    """

    rules: DayRules
    payer: str
    treatment: Treatment
    answers: AnswersBeside
    parts: frozenset[str]
    lines: frozenset[str]


def courses_standing(
    visit: VisitKey,
    record: History,
    rules: DayRules,
    payer: str,
    *,
    withheld: Iterable[Withheld] = (),
) -> tuple[CourseStanding, ...]:
    """The courses of which a visit tells, by number.

    `record` is what all visits of the patient contribute, this one too, and `payer` that of the
    visit. `withheld` is all that the draft of the visit withholds.
    """
    own = recorded_in([entry for entry in record if entry.visit == visit])
    if not own.courses:
        return ()
    answers = with_words_elsewhere(visit, NO_ANSWERS, record)
    treatment = treatment_of(visit, Told(), record, rules, answers=answers)
    names = treatment.parts.in_record(own).courses
    parts = frozenset([entry.part_of for entry in withheld if entry.family == "radiation"])
    lines = recorded_in(record).withheld
    seen = _Seen(rules, payer, treatment, answers, parts=parts, lines=lines)
    return tuple([_standing(treatment.courses[n], treatment.series[n], visit, seen) for n in names])


def paces_of_courses(record: History, rules: DayRules, day: date) -> tuple[CoursePace, ...]:
    """Whether each course of a patient goes on, as somebody sees it who looks on a day.

    `record` is what all visits of the patient contribute. Courses of which nothing but services of
    planning are told are not among them. Sessions lie a day or a few apart, so that a course of
    which nobody has heard for thirty days is over, or broken off, and nobody has said so: no source
    gives that number, and no charge depends on it (decision 0108).
    """
    answers = with_words_elsewhere(_NOBODY, NO_ANSWERS, record)
    treatment = treatment_of(_NOBODY, Told(), record, rules, answers=answers)
    paces: list[CoursePace] = []
    for course in treatment.courses.values():
        days = [session.day for session in (*course.counted, *course.booked.values())]
        if len(course.counted) in course.ends:
            paces.append("ended")
        elif days:
            paces.append("silent" if max(days) + _SILENT_AFTER < day else "going_on")
    return tuple(paces)


def _standing(course: Course, series: Series, visit: VisitKey, seen: _Seen) -> CourseStanding:
    booked = [
        session
        for key, session in course.booked.items()
        if key not in course.doubted and session.booking in ("booked", "unknown")
    ]
    return _new_course_standing(
        course=course.name,
        sessions=len(course.counted),
        in_question=len(course.doubted),
        booked=len(booked),
        planned=tuple(sorted(course.plans)),
        missing=tuple([course.gaps[key_of(s)] for s in course.counted if key_of(s) in course.gaps]),
        ended=len(course.counted) in course.ends,
        here=tuple([course.place_of(s) for s in course.counted if s.visit == visit]),
        counted_with=tuple(sorted(series.names - {course.name})),
        management=tuple(_management(course, series, seen)),
    )


def _management(course: Course, series: Series, seen: _Seen) -> Iterator[ManagementStanding]:
    rules = seen.rules
    part = PartFacts("professional", seen.payer.upper())
    is_claimed = rules.of(PART).decide(part).answer.as_ == "report"
    is_alone = len(series.names) == 1 and len(series.beams) == 1
    to_come = _to_come(course) if is_alone else None
    for beam in series.beams:
        of_beam, ends = series.of_beam(beam), ends_of_beam(series, beam)
        fractions = series.fractions[beam]
        decision, units = units_earned(of_beam, ends, rules, fractions=fractions)
        has_ended = len(of_beam) in ends
        more = None if has_ended else _to_next(of_beam, ends, to_come, rules, fractions=fractions)
        role = decision.answer.role
        billed = [
            unit
            for unit in units
            if is_claimed and _is_billed(unit, role, of_beam, series, seen=seen)
        ]
        coded = rules.of(CODE).decide(RoleFacts(role)) if role else None
        code = role if coded is None or coded.rule is None else coded.answer.code
        is_whole = decision.answer.per == "course" and not units and more is None
        yield _new_management_standing(
            beam=beam,
            sessions=len(of_beam),
            code=code if is_claimed else "",
            units=len(billed),
            to_next=more if is_claimed else None,
            with_the_end=is_whole and is_claimed,
        )


def _is_billed(
    unit: ManagementUnit, role: str, of_beam: Sequence[Session], series: Series, *, seen: _Seen
) -> bool:
    """Whether a unit that is earned has a line: no open gap holds it back, and nobody withheld it,
    or said that it is billed by hand, or that the patient was not examined.

    A unit of the visit itself is one unless its draft says otherwise.
    """
    sessions = of_beam[unit.first - 1 : unit.place]
    rules, payer, treatment = seen.rules, seen.payer, seen.treatment
    last, choice = sessions[-1], seen.answers.choice
    anchor = f"{last.course}|{last.name}"
    line = line_id(last.visit, last.encounter, role, f"radiation|{anchor}")
    if line in seen.lines or part_of("management", anchor) in seen.parts:
        return False
    gaps = [gap.question for gap in gaps_before(last, series, treatment)]
    said_of_gaps = {choice(gap) for gap in gaps}
    if unit.counts_rest and None in said_of_gaps:
        return False
    if unit.is_whole and "elsewhere" in said_of_gaps:
        return False
    about = [
        *questions_about(of_beam[: unit.place], series, treatment, rules, payer=payer),
        *treatment.asked_of_pairs(of_beam[: unit.place]),
        unfinished_question(last, len(of_beam)),
        *(treatment.whether_it_goes_on(series.names) if unit.counts_rest else ()),
    ]
    course = treatment.courses[last.course]
    said = {choice(question) for question in (*gaps, *about)}
    if not course.is_marked("examined", sessions[0].day, last.day):
        said.add(choice(examination_question(sessions)))
    return not said & {"by_hand", "no_visit"}


def _to_next(
    of_beam: Sequence[Session],
    ends: frozenset[int],
    to_come: int | None,
    rules: DayRules,
    *,
    fractions: int,
) -> int | None:
    """After how many more sessions like the last one a further unit is earned; None for never.

    `to_come` sessions end the course; None where nobody can say how many follow.
    """
    if to_come is not None:
        ends |= {len(of_beam) + to_come}
    earned = len(units_earned(of_beam, ends, rules, fractions=fractions)[1])
    for more in range(1, (_LOOK_AHEAD if to_come is None else to_come) + 1):
        longer = [*of_beam, *[of_beam[-1]] * more]
        if len(units_earned(longer, ends, rules, fractions=fractions)[1]) > earned:
            return more
    return None


def _to_come(course: Course) -> int | None:
    """How many fractions follow by the one plan of a course; None where nobody can say.

    A course that goes on after its plan has no plan.
    """
    if len(course.plans) != 1:
        return None
    (planned,) = course.plans
    numbers = [session.number or 0 for session in course.counted]
    to_come = planned - max(len(course.counted), *numbers)
    return to_come if to_come > 0 else None
