"""One number of a course used again: which sessions, marks and services belong to which course.

It owns the courses under one number, each a stretch of sessions, and the question about each
silence that is long enough by rules. It counts nothing.

One sequence, worked through. Fractions 1 to 8 are delivered in March under the number C1, and 1 to
8 in June. The sessions of June are a course by themselves, `C1 from 2026-06-01`, and every line of
it rests on the question whether it is another course. So nothing that was drafted in March changes.
A person who says that it is the same one makes both one course again, of sixteen sessions.

Every visit sees the same sessions, so every visit parts them in the same way.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.course_words import CourseState, NumbersFact
from chargeline.engine.radiation.appointments import is_waiting
from chargeline.engine.radiation.asking import resumed_question
from chargeline.engine.radiation.concerns import RESUMED, ResumedFacts
from chargeline.engine.radiation.remembered import Recorded
from chargeline.engine.radiation.sessions import Mark, Session, Told, order_of
from chargeline.engine.rules import DayRules
from chargeline.engine.trace import Question
from chargeline.engine.words import IS_YES


class CourseOfNumber(NamedTuple):
    """One course under a number that several have, from its first to its last day.

    `since` is the time of its first session. `highest` is the highest number of a fraction before
    it, 0 for none. `resumed` are the times of the sessions with which it was resumed, as a person
    says. `question` asks whether it is another
    course than the one before; None where nobody need ask.
    """

    name: str
    first: date
    last: date
    since: datetime
    highest: int = 0
    resumed: tuple[datetime, ...] = ()
    question: Question | None = None

    def days_to(self, day: date) -> int:
        """How many days a day lies before or after it; 0 for a day within."""
        return max((self.first - day).days, (day - self.last).days, 0)


class Parts(NamedTuple):
    """The courses of each number that was silent for long and came again, in order of time."""

    of_number: Mapping[str, Sequence[CourseOfNumber]]

    def part(self, name: str) -> CourseOfNumber | None:
        """The course of a name; None where its number was never silent for long."""
        return next((p for parts in self.of_number.values() for p in parts if p.name == name), None)

    def after(self, name: str) -> Question | None:
        """The question about the course that followed under the same number, if one is asked."""
        for parts in self.of_number.values():
            for part, following in pairwise(parts):
                if part.name == name:
                    return following.question
        return None

    def number_of(self, name: str) -> str:
        """The number under which a course is told."""
        numbers = [
            number
            for number, parts in self.of_number.items()
            if any(part.name == name for part in parts)
        ]
        return numbers[0] if numbers else name

    def name_on(self, number: str, day: date) -> str:
        """The course of a number on a day: that with the nearest sessions, the earlier of two."""
        parts = self.of_number.get(number, ())
        return min(parts, key=lambda part: part.days_to(day)).name if parts else number

    def _name_for(self, session: Session) -> str:
        """The course of a session. Where one ends on the day on which the next begins, its time
        says which.
        """
        parts = self.of_number.get(session.course, ())
        of_day = [part for part in parts if part.first <= session.day <= part.last]
        if len(of_day) < 2 or not session.timed:
            return self.name_on(session.course, session.day)
        begun = [part for part in of_day if part.since <= session.at]
        return (begun[-1] if begun else of_day[0]).name

    def name_for_service(self, number: str, day: date) -> str:
        """The course that a service is for: what is planned after the last session of one course is
        for the next.
        """
        parts = self.of_number.get(number, ())
        if not parts:
            return number
        return next((part for part in parts if day <= part.last), parts[-1]).name

    def in_told(self, told: Told) -> Told:
        """What a visit tells, each with the name of its course."""
        if not self.of_number:
            return told
        return Told(
            sessions=tuple([self._of_session(session) for session in told.sessions]),
            marks=tuple([self._of_mark(mark) for mark in told.marks]),
            charges=tuple(
                [
                    posted._replace(
                        course=self.name_for_service(posted.course, posted.charge.day)
                        if posted.kind == "service"
                        else self.name_on(posted.course, posted.charge.day)
                    )
                    for posted in told.charges
                ]
            ),
            odd=tuple(
                [
                    posted._replace(course=self.name_on(posted.course, posted.charge.day))
                    for posted in told.odd
                ]
            ),
            unread=tuple(
                [
                    value._replace(course=self.name_on(value.course, value.day))
                    for value in told.unread
                ]
            ),
        )

    def in_record(self, recorded: Recorded) -> Recorded:
        """What other visits tell, each with the name of its course."""
        if not self.of_number:
            return recorded
        return Recorded(
            sessions=tuple([self._of_session(session) for session in recorded.sessions]),
            marks=tuple([self._of_mark(mark) for mark in recorded.marks]),
            services=tuple(
                [
                    service._replace(course=self.name_for_service(service.course, service.day))
                    for service in recorded.services
                ]
            ),
            sittings=tuple(
                [
                    word._replace(
                        course=self.name_on(word.course, word.at.date()),
                        other=self.name_on(word.other, word.at.date()),
                    )
                    for word in recorded.sittings
                ]
            ),
            counted=tuple(
                [
                    posted._replace(course=self.name_on(posted.course, posted.day))
                    for posted in recorded.counted
                ]
            ),
            withheld=recorded.withheld,
        )

    def _of_session(self, session: Session) -> Session:
        name = self._name_for(session)
        unread = tuple([value._replace(course=name) for value in session.unread])
        return session._replace(course=name, unread=unread)

    def _of_mark(self, mark: Mark) -> Mark:
        return mark._replace(course=self.name_on(mark.course, mark.day))


def parts_of(told: Told, recorded: Recorded, rules: DayRules, answers: AnswersBeside) -> Parts:
    """The courses of each number; numbers that were never silent for long are left out.

    Where sessions of a number are reported, only these say when it was silent: a charge with a
    wrong day is none.
    """
    of_number: dict[str, list[Session]] = {}
    for session in (*told.sessions, *recorded.sessions):
        if session.course and not is_waiting(session) and not session.is_struck:
            of_number.setdefault(session.course, []).append(session)
    marks = (*told.marks, *recorded.marks)
    parted: dict[str, Sequence[CourseOfNumber]] = {}
    for number, sessions in of_number.items():
        ends = [mark.day for mark in marks if mark.course == number and mark.what == "end"]
        reported = [session for session in sessions if session.reported] or sessions
        parts = list(_parts(sorted(reported, key=order_of), ends, rules, answers))
        if len(parts) > 1 or parts[0].resumed:
            parted[number] = parts
    return Parts(parted)


def _parts(
    sessions: Sequence[Session], ends: Sequence[date], rules: DayRules, answers: AnswersBeside
) -> Iterator[CourseOfNumber]:
    first = sessions[0]
    part = CourseOfNumber(first.course, first.day, first.day, first.at)
    own = [first]
    highest = 0
    for place, session in enumerate(sessions[1:], 1):
        is_later = session.day > part.last or (session.timed and session.at > own[-1].at)
        question = None
        if is_later:
            question = _question(own, sessions[place:], ends, rules, answers=answers)
        choice = answers.choice(question) if question is not None else None
        if question is not None:
            highest = max(highest, _highest(own))
            own = []
        if question is None or choice == "same_course":
            resumed = (*part.resumed, session.at) if question is not None else part.resumed
            part = part._replace(last=session.day, resumed=resumed)
        else:
            yield part
            name = f"{session.course} from {session.day.isoformat()}"
            asked = None if choice == "new_course" else question
            part = CourseOfNumber(name, session.day, session.day, session.at)
            part = part._replace(highest=highest, question=asked)
        own.append(session)
    yield part


def _question(
    own: Sequence[Session],
    following: Sequence[Session],
    ends: Sequence[date],
    rules: DayRules,
    *,
    answers: AnswersBeside,
) -> Question | None:
    """What is asked about the first of the sessions that follow those of a course, or of a part of
    it; None for nothing. What a person said holds whether or not anybody would ask now.
    """
    last, session = own[-1], following[0]
    facts = ResumedFacts(
        (session.day - last.day).days, _numbers(own, following), _state(own, session, ends)
    )
    decision = rules.of(RESUMED).decide(facts)
    if decision.rule is not None and IS_YES[decision.answer.ask]:
        return resumed_question(last, session)
    if session.number is not None and session.number > _highest(own):
        return None
    question = resumed_question(last, session)
    return question if answers.choice(question) is not None else None


def _numbers(own: Sequence[Session], following: Sequence[Session]) -> NumbersFact:
    """How the numbers of the sessions that follow stand to those of a course."""
    session, highest = following[0], _highest(own)
    if session.number is None or not highest:
        return "other"
    if session.number <= highest:
        if _begin_again(own, following):
            return "begin_again"
        return "from_one" if session.number == 1 else "other"
    plans = {own[-1].planned, session.planned} - {None}
    return "go_on" if session.number == highest + 1 and len(plans) < 2 else "other"


def _begin_again(own: Sequence[Session], following: Sequence[Session]) -> bool:
    """Whether two or more sessions in a row have numbers that a course had, each one higher than
    the one before it, and the course does not go on behind them: with its own plan where they say
    another one, else with a next number of its own.

    Reports of some of them may be missing: one of three, two of six.
    """
    here = {session.number for session in own if session.number is not None}
    highest = max(here)
    row = _row(following)
    first, *rest = [number for number, _session in row]
    if not rest or rest[0] > min(highest, first + _LOST_MOST + 1):
        return False
    if here.isdisjoint((first, rest[0])):
        return False
    plans = {session.planned for session in own} - {None}
    if following[0].planned not in {None, *plans}:
        return not any(session.planned in plans for _number, session in row)
    before, in_row = first, 1
    for number in rest:
        if number > highest and before < highest:
            return number - before <= 1 + min(_LOST_MOST, in_row // 3)
        before, in_row = number, in_row + 1
    return True


def _row(following: Sequence[Session]) -> list[tuple[int, Session]]:
    """The first sessions of some with their numbers, each higher than the one before it."""
    row: list[tuple[int, Session]] = []
    for session in following:
        if session.number is None or (row and session.number == row[-1][0]):
            continue
        if row and session.number < row[-1][0]:
            break
        row.append((session.number, session))
    return row


_LOST_MOST = 2
"""So many reports in a row may be missing among numbers that begin again."""


def _highest(sessions: Sequence[Session]) -> int:
    return max([session.number or 0 for session in sessions], default=0)


def _state(own: Sequence[Session], session: Session, ends: Sequence[date]) -> CourseState:
    """Whether the course had ended before a session, as a report or its plan says."""
    last = own[-1]
    is_planned = last.planned is not None and last.planned in (len(own), last.number)
    is_marked = any(last.day <= day < session.day for day in ends)
    return "ended" if last.ends or is_planned or is_marked else "open"
