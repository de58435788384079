"""On which questions rests what is counted over a course: units of management, checks, pictures.

It owns that list. What is counted for some sessions hangs on each question that says whether one of
them is a session of the course; such a question is often asked on another day, or under another
visit. It does not know what is counted.
"""

from collections.abc import Iterator, Sequence

from chargeline.engine.radiation.asking import (
    beyond_question,
    course_question,
    mark_questions,
    no_course_question,
    number_questions,
    outside_questions,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.most import too_many
from chargeline.engine.radiation.series import Series
from chargeline.engine.radiation.sessions import Session, key_of
from chargeline.engine.radiation.sittings import Treatment
from chargeline.engine.rules import DayRules
from chargeline.engine.trace import Question


def questions_about(
    sittings: Sequence[Session],
    series: Series,
    treatment: Treatment,
    rules: DayRules,
    *,
    payer: str,
) -> tuple[Question, ...]:
    """The questions on which rests what is counted for some sittings of a series.

    `sittings` are all from the first one of the series on that are counted for it.
    """
    courses = [treatment.courses[name] for name in sorted(series.names)]
    return (
        *treatment.questions_of(sittings),
        *outside_questions(sittings),
        *number_questions(sittings),
        *_about_the_end(sittings, series, treatment),
        *[question for s in sittings for question in _of_sitting_beyond(s, treatment)],
        *[question for course in courses for question in whose_sessions(sittings, course)],
        *[
            question
            for s in _one_of_each_beam(sittings)
            for question in too_many(s, series, rules, payer)
        ],
        *treatment.again(series.names),
        *treatment.whether_one(series.names),
    )


def _about_the_end(
    sittings: Sequence[Session], series: Series, treatment: Treatment
) -> tuple[Question, ...]:
    """Whether the course had ended before some sittings, or with them: what is left counts then."""
    last = max([session.day for session in sittings])
    return mark_questions(treatment.told.unread, "course_end", series.names, last)


def beyond_plan(session: Session, course: Course) -> tuple[Question, ...]:
    """The question about a session beyond the plan of its course."""
    in_plan = course.in_plan.get(key_of(session))
    question = beyond_question(session, in_plan.place) if in_plan is not None else None
    return (question,) if question is not None else ()


def _of_sitting_beyond(session: Session, treatment: Treatment) -> tuple[Question, ...]:
    """What is asked of a sitting whose sessions, of whatever course, are all beyond their plans.

    With one that is not, the sitting counts whatever anybody says.
    """
    parts = (session, *treatment.guests_of(session))
    asked = [beyond_plan(part, treatment.courses[part.course]) for part in parts]
    return tuple([q for questions in asked for q in questions]) if all(asked) else ()


def whose_sessions(sessions: Sequence[Session], course: Course) -> tuple[Question, ...]:
    """What is asked where sessions of a course may be those of another: they have no number of a
    course, or another plan or beam than its first one. Each cause is asked about once.
    """
    own = [session for session in sessions if session.course == course.name]
    if not course.name:
        return tuple([no_course_question(session) for session in own[:1]])
    if len(course.plans) < 2 and len(course.beams) < 2:
        return ()
    asked: dict[str, Question] = {}
    for question in _two_courses(own, course):
        asked.setdefault(question.cause, question)
    return tuple(asked.values())


def _two_courses(sessions: Sequence[Session], course: Course) -> Iterator[Question]:
    first = course.counted[0]
    for session in sessions:
        if key_of(session) in course.doubted or session.is_struck:
            continue
        in_plan = course.in_plan.get(key_of(session))
        of_plan = in_plan.first.planned if in_plan is not None else first.planned
        if session.planned not in (None, of_plan) or session.beam != first.beam:
            more = f"{session.planned or 'no number'} planned, {session.beam} beam"
            yield course_question("radiation.two_courses", session, more, more)


def _one_of_each_beam(sessions: Sequence[Session]) -> list[Session]:
    return list({session.beam: session for session in sessions}.values())
