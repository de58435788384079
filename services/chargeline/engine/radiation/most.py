"""Courses with more fractions than their kind of treatment has: every line of them is in question.

It owns the one question of a visit about such a course. How many fractions a kind of beam has at
most is a rule; stereotactic treatment has five. It drafts nothing.
"""

from typing import NamedTuple

from chargeline.engine.encounters import Assessment
from chargeline.engine.radiation.asking import session_question
from chargeline.engine.radiation.concerns import MOST, MostFacts
from chargeline.engine.radiation.sessions import Session, key_of
from chargeline.engine.radiation.sittings import Series
from chargeline.engine.trace import Question


class TooMany(NamedTuple):
    """The question about a course that has too many fractions, and the session that asks it: the
    first one of the visit.
    """

    first: Session
    question: Question

    def is_asked_by(self, session: Session) -> bool:
        """Whether a session is the one that asks."""
        return key_of(session) == key_of(self.first)


def too_many(session: Session, series: Series, assessment: Assessment) -> TooMany | None:
    """What is asked of the course of a session; None where it has not too many fractions.

    What it says does not change with each further session, so that an answer holds.
    """
    facts = MostFacts(session.beam, assessment.context.payer.upper())
    decision = assessment.rules.of(MOST).decide(facts)
    if decision.rule is None or session.beam not in series.fractions:
        return None
    most = decision.answer.fractions
    if series.fractions[session.beam] <= most:
        return None
    of_beam = series.of_beam(session.beam)
    own = [other for other in of_beam if other.visit == assessment.visit]
    if not own:
        return None
    planned = max([other.planned or 0 for other in of_beam])
    more = f"more than {most} are told"
    if planned > most:
        more = f"{planned} are planned"
    return TooMany(own[0], session_question("radiation.too_many", own[0], more))
