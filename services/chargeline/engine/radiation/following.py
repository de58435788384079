"""Courses that follow each other: a boost under a number of its own, or another course.

It owns which course begins so soon after another one ended that both may be one, and what a person
said of the two. Management is counted over the whole of a course, so eight fractions after
twenty-eight are two units by themselves and one as the end of thirty-six. Where both counts give
the same units nobody is asked. It draws up no line.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.radiation.asking import follows_question
from chargeline.engine.radiation.concerns import (
    COUNT,
    FOLLOWS,
    MANAGEMENT,
    CountFacts,
    FollowsFacts,
    ManagementFacts,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.fractions import units_of
from chargeline.engine.radiation.parts import Parts
from chargeline.engine.radiation.series import Series, series_of
from chargeline.engine.radiation.sessions import Session
from chargeline.engine.rules import DayRules
from chargeline.engine.trace import Question
from chargeline.engine.words import IS_YES


class Follows(NamedTuple):
    """A course that began soon after another one, by their names, and the question whether both are
    one. `is_one` and `is_apart` are what a person said; both are False where nobody did.
    """

    before: str
    after: str
    question: Question
    is_one: bool
    is_apart: bool


class Followed(NamedTuple):
    """The series of each course, and the courses that follow another one, in order of time."""

    series: Mapping[str, Series]
    follows: tuple[Follows, ...]


def questions_of(follows: Iterable[Follows]) -> tuple[Question, ...]:
    """The questions that nobody settled; one of two courses that are billed by hand stays."""
    return tuple([f.question for f in follows if not f.is_one and not f.is_apart])


def followed_in(
    courses: Mapping[str, Course],
    guests: Collection[tuple[Session, Session]],
    parts: Parts,
    rules: DayRules,
    *,
    answers: AnswersBeside,
) -> Followed:
    """The series of courses, with those that are one by the word of a person counted together.

    `guests` are sessions in the sitting of another course, each as host and guest.
    """
    series = series_of(courses, guests)
    follows: list[Follows] = []
    named = [course for name, course in courses.items() if name and course.counted]
    for course in sorted(named, key=lambda course: course.counted[0].day):
        before = _just_before(course, named, parts)
        if before is None or not _is_asked(series[before.name], series[course.name], rules):
            continue
        question = follows_question(before.counted[-1], course.counted[0])
        choice = answers.choice(question)
        is_one = choice == "same_course"
        follows.append(
            Follows(
                before.name, course.name, question, is_one=is_one, is_apart=choice == "new_course"
            )
        )
        if is_one:
            pairs = [(entry.before, entry.after) for entry in follows if entry.is_one]
            series = series_of(courses, guests, pairs)
    return Followed(series, tuple(follows))


def _just_before(course: Course, named: Iterable[Course], parts: Parts) -> Course | None:
    """The course with the latest last session before a course began, of another number."""
    first, number = course.counted[0].day, parts.number_of(course.name)
    earlier = [
        other
        for other in named
        if other.counted[-1].day < first and parts.number_of(other.name) != number
    ]
    return max(earlier, key=lambda other: (other.counted[-1].day, other.name), default=None)


def _is_asked(before: Series, after: Series, rules: DayRules) -> bool:
    """Whether the rules ask about two series, and their units differ if both are one."""
    if before.names == after.names or before.beams != after.beams or len(after.beams) != 1:
        return False
    (beam,) = after.beams
    days = (after.sittings[0].day - before.sittings[-1].day).days
    asked = rules.of(FOLLOWS).decide(FollowsFacts(days, beam))
    if days <= 0 or asked.rule is None or not IS_YES[asked.answer.ask]:
        return False
    done, to_come = len(before.sittings), after.fractions[beam]
    ways = [
        rules.of(MANAGEMENT).decide(ManagementFacts(beam, "ended", sessions, sessions)).answer
        for sessions in (done, to_come, done + to_come)
    ]
    if len({way.role for way in ways}) > 1 or any(way.per != "fractions" for way in ways):
        return any(way.per != "none" for way in ways)
    count = rules.of(COUNT).decide(CountFacts(ways[0].role)).answer
    apart = units_of(done, before.has_ended, count) + units_of(to_come, True, count)
    return apart != units_of(done + to_come, True, count)
