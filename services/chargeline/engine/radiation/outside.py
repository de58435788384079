"""Sessions that lie outside their visit: before its admission, or after its discharge.

It owns which sessions of a visit these are, and what people said of them. Such a session was
delivered, so it counts for its course. What is not firm is its day, or the visit that bills it.
"""

from collections.abc import Mapping
from datetime import timedelta

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.course_words import SessionSaid
from chargeline.engine.radiation.asking import outside_question
from chargeline.engine.radiation.sessions import Session, Told
from chargeline.engine.rules import DayRules
from chargeline.engine.stays import outside
from chargeline.engine.timeline.records import VisitContext

_SAID: Mapping[AnswerChoice | None, SessionSaid] = {
    "not_given": "not_given",
    "other_visit": "other_visit",
}


def beside_stay(told: Told, context: VisitContext, rules: DayRules, answers: AnswersBeside) -> Told:
    """What a visit tells, with the side on which each session lies outside the visit."""
    sessions = tuple([_beside(session, context, rules, answers) for session in told.sessions])
    return told if sessions == told.sessions else told._replace(sessions=sessions)


def _beside(
    session: Session, context: VisitContext, rules: DayRules, answers: AnswersBeside
) -> Session:
    """A session without a time may have been at any hour of its day."""
    last = session.at if session.timed else session.at + timedelta(days=1)
    side = outside(session.at, last, context, rules)
    if not side:
        return session
    choice = answers.choice(outside_question(session, side))
    if choice == "confirm":
        return session
    return session._replace(outside=side, said=_SAID.get(choice, session.said))
