"""What cannot be, or hardly: too long, too short, too late, too much, twice, on another day.

It owns the order of the doubts about what was charted; `times.py`, `amounts.py` and `doubles.py`
have them. The numbers come from rules. A doubt changes no code: it asks, because only a person can
say whether the chart or the order is wrong. Example: carboplatin ran from 09:00 to 10:00 of the
next day, and the order says 60 minutes. 25 hours are more than three times the order, so the stop
is asked about.
"""

from chargeline.engine.again import DOUBTS, SavedWork
from chargeline.engine.edits.amounts import DOUBTS_OF_AMOUNT
from chargeline.engine.edits.doubles import given_elsewhere, given_twice, more_than_ordered
from chargeline.engine.edits.times import DOUBTS_OF_TIME, outside_visit
from chargeline.engine.encounters import Assessment
from chargeline.engine.rules import DayRules
from chargeline.engine.services.records import Service
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import Question

_OF_ONE = (*DOUBTS_OF_TIME, *DOUBTS_OF_AMOUNT)


def doubts(assessment: Assessment, saved: SavedWork) -> tuple[Question, ...]:
    """All doubts about the administrations of an encounter that were given."""
    rules, context = assessment.rules, assessment.context
    given = [
        service for service in assessment.services if service.administration.given and service.drugs
    ]
    asked: list[Question] = []
    for service in given:
        name = (service.administration.key, rules.policy)
        of_one = saved.again(DOUBTS, name, doubts_of_one, service, rules, context)
        asked += of_one
    asked += given_twice(given, rules)
    doubled = {key for question in asked for key in question.administrations[1:]}
    again = more_than_ordered(given, rules)
    asked += [question for question in again if question.administrations[-1] not in doubled]
    asked += given_elsewhere(given, rules, assessment.elsewhere.doses)
    return tuple(asked)


def doubts_of_one(service: Service, rules: DayRules, context: VisitContext) -> tuple[Question, ...]:
    """The doubts about one administration, whatever else the encounter has."""
    asked = [question for doubt in _OF_ONE for question in doubt(service, rules)]
    asked += outside_visit(service, rules, context)
    return tuple(asked)
