"""Courses with more fractions than their kind of treatment has: every line of them is in question.

It owns the one question about such a course. How many fractions a kind of beam has at most is a
rule; stereotactic treatment has five (docs/decisions/0109). It drafts nothing.
"""

from chargeline.engine.radiation.asking import course_question
from chargeline.engine.radiation.concerns import MOST, MostFacts
from chargeline.engine.radiation.series import Series
from chargeline.engine.radiation.sessions import Session
from chargeline.engine.rules import DayRules
from chargeline.engine.trace import Question


def too_many(session: Session, series: Series, rules: DayRules, payer: str) -> tuple[Question, ...]:
    """What is asked of the course of a session; () where it has not too many fractions.

    What it says does not change with each further session, so that an answer holds.
    """
    decision = rules.of(MOST).decide(MostFacts(session.beam, payer.upper()))
    if decision.rule is None or session.beam not in series.fractions:
        return ()
    most = decision.answer.fractions
    if series.fractions[session.beam] <= most:
        return ()
    planned = max([other.planned or 0 for other in series.of_beam(session.beam)])
    more = f"{planned} are planned" if planned > most else f"more than {most} are told"
    return (course_question("radiation.too_many", session, more, more),)
