"""Courses that follow each other: a boost under a number of its own, or another course.

It owns which course begins so soon after another one ended that both may be one, and what a person
said of the two. Management is counted over the whole of a course, so eight fractions after
twenty-eight are two units by themselves and one as the end of thirty-six. Where both counts give
the same units nobody is asked. It draws up no line.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
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
from chargeline.engine.radiation.fractions import earned, units_of
from chargeline.engine.radiation.parts import Parts
from chargeline.engine.radiation.series import Series, series_of
from chargeline.engine.radiation.sessions import Session, order_of
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

    `guests` are sessions in the sitting of another course, each as host and guest. What a person
    said holds whether or not anybody would ask now.
    """
    pairs = list(_pairs(courses, parts))
    if not pairs:
        return Followed(series_of(courses, guests), ())
    questions = {(a.name, b.name): follows_question(a.counted[-1], b.counted[0]) for a, b in pairs}
    said = {names: answers.choice(question) for names, question in questions.items()}
    one = [names for names, choice in said.items() if choice == "same_course"]
    series = series_of(courses, guests, one)
    near = [
        (a, b)
        for a, b in pairs
        if said[a.name, b.name] != "new_course" and _is_near(a, b, series, rules)
    ]
    asked = {
        (a.name, b.name)
        for a, b in near
        if not _lies_between(a, b, near) and _differ([a, b], series, rules)
    }
    for run in _runs(near):
        if _differ(run, series, rules):
            asked |= {(a.name, b.name) for a, b in pairwise(run)}
    follows = [
        Follows(
            *names,
            question,
            is_one=said[names] == "same_course",
            is_apart=said[names] == "new_course",
        )
        for names, question in questions.items()
        if names in asked or said[names] is not None
    ]
    return Followed(series, tuple(follows))


def _pairs(courses: Mapping[str, Course], parts: Parts) -> Iterator[tuple[Course, Course]]:
    """Each two courses of different numbers of which the second began after the first, and when
    that was all but done.
    """
    named = [course for name, course in courses.items() if name and course.counted]
    named.sort(key=lambda course: (order_of(course.counted[0]), course.name))
    for place, after in enumerate(named):
        for before in named[:place]:
            begins = after.counted[0].day
            left = len([session for session in before.counted if session.day >= begins])
            is_other = parts.number_of(before.name) != parts.number_of(after.name)
            if is_other and left <= min(_LEFT_MOST, len(before.counted) // 5):
                yield before, after


_LEFT_MOST = 2
"""So many sessions of a course, and no more than a fifth of them, may come on the first day of a
boost or later, such as one that was made up for.
"""


def _is_near(before: Course, after: Course, series: Mapping[str, Series], rules: DayRules) -> bool:
    """Whether the rules ask about two courses of one kind of beam that share no sitting."""
    first, second = series[before.name], series[after.name]
    beams = {*before.beams, *after.beams}
    if len(beams) != 1 or (first.names == second.names and not _is_joined(before, after, series)):
        return False
    (beam,) = beams
    days = (after.counted[0].day - before.counted[-1].day).days
    asked = rules.of(FOLLOWS).decide(FollowsFacts(days, beam))
    return asked.rule is not None and IS_YES[asked.answer.ask]


def _is_joined(before: Course, after: Course, series: Mapping[str, Series]) -> bool:
    """Whether two courses are one series though no sitting of them is shared."""
    sittings = len(series[before.name].sittings)
    return sittings == sum([len(c.counted) for c in (before, after)])


def _lies_between(before: Course, after: Course, near: Sequence[tuple[Course, Course]]) -> bool:
    """Whether a course lies between two others: each is then asked about beside its neighbour."""
    ended = order_of(before.counted[-1])
    following = {b.name for a, b in near if a is before and order_of(b.counted[0]) > ended}
    return any(a.name in following for a, b in near if b is after)


def _runs(near: Sequence[tuple[Course, Course]]) -> Iterator[list[Course]]:
    """Courses in a row, three or more, each the nearest one before the next."""
    nearest: dict[str, Course] = {}
    for before, after in near:
        other = nearest.get(after.name)
        if other is None or order_of(other.counted[-1]) < order_of(before.counted[-1]):
            nearest[after.name] = before
    for after in {after.name: after for _before, after in near}.values():
        run = [after]
        while run[0].name in nearest:
            run.insert(0, nearest[run[0].name])
            if len(run) > 2:
                yield list(run)


def _differ(run: Sequence[Course], series: Mapping[str, Series], rules: DayRules) -> bool:
    """Whether some courses, each of its series, have other units than all of them as one."""
    groups = list({series[course.name].names: series[course.name] for course in run}.values())
    if len(groups) < 2 or any(len(group.beams) != 1 for group in groups):
        return False
    (beam,) = groups[0].beams
    *earlier, last = groups
    to_come = len(last.sittings) if last.has_ended else last.fractions[beam]
    counts = [*[len(group.sittings) for group in earlier], to_come]
    ways = [
        rules.of(MANAGEMENT).decide(ManagementFacts(beam, "ended", sessions, sessions)).answer
        for sessions in (*counts, sum(counts))
    ]
    if len({way.role for way in ways}) > 1 or any(way.per != "fractions" for way in ways):
        return any(way.per != "none" for way in ways)
    count = rules.of(COUNT).decide(CountFacts(ways[0].role)).answer
    ends = [*[group.ends for group in earlier], {*last.ends, to_come}]
    apart = sum([sum(earned(n, at, count)) for n, at in zip(counts, ends, strict=True)])
    return apart != units_of(sum(counts), True, count)
