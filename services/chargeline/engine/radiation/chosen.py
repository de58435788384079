"""Which of several values a person chose, where reports of one session contradict each other.

It owns what such an answer does: the session has the value, or the course the mark, with the answer
beside it. It does not know what the value bills.
"""

from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.events import Answer
from chargeline.engine.radiation.asking import value_question
from chargeline.engine.radiation.parts import Parts
from chargeline.engine.radiation.sessions import Mark, Session, Told, UnreadValue
from chargeline.engine.radiation.two_reports import with_value


def with_choices(told: Told, parts: Parts, answers: AnswersBeside) -> Told:
    """What a visit tells, under the numbers of courses, with the values that people chose.

    The questions name the courses of `parts`.
    """
    if not answers.by_fingerprint:
        return told
    choosing = _Choosing(parts, answers)
    marks = list(told.marks)
    left: list[UnreadValue] = []
    for value in told.unread:
        answer = choosing.answer_to(value)
        if answer is None or value.mark is None:
            left.append(value)
        elif answer.value == "yes":
            marks.append(_chosen_mark(value.mark, answer))
    sessions = tuple([choosing.of_session(session) for session in told.sessions])
    return told._replace(sessions=sessions, marks=tuple(marks), unread=tuple(left))


def _chosen_mark(mark: Mark, answer: Answer) -> Mark:
    return mark._replace(chosen=answer)


class _Choosing(NamedTuple):
    parts: Parts
    answers: AnswersBeside

    def answer_to(self, value: UnreadValue) -> Answer | None:
        """The answer that chooses one of the values; None where nobody gave one."""
        if not value.said:
            return None
        name = self.parts.name_on(value.course, value.day)
        answer = self.answers.to(value_question(value._replace(course=name)))
        return answer if answer is not None and answer.choice == "said" else None

    def of_session(self, session: Session) -> Session:
        """The session with the values that a person chose."""
        for value in session.unread:
            answer = self.answer_to(value)
            if answer is not None:
                session = with_value(session, value.about, answer.value)._replace(
                    unread=tuple([other for other in session.unread if other != value]),
                    chosen=(*session.chosen, answer),
                )
        return session
