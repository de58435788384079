"""The plans of one course: which sessions each counts, and what lies beyond it.

It owns where a course that was resumed goes on with a plan of its own, as after a new simulation:
a person says that it is the same course, its numbers begin again, and another number of fractions
is planned. A session is then held against that plan, from its first session on. With the plan that
it had before, all of its sessions are held against that one.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.radiation.asking import beyond_question
from chargeline.engine.radiation.sessions import Session, SessionKey, key_of


class InPlan(NamedTuple):
    """Where a session stands in its plan: the first session of that plan, and which it is, from 1
    on.
    """

    first: Session
    place: int


class WithinPlans(NamedTuple):
    """The sessions that count, with their places in their plans, and those beyond their plan that a
    person says were not delivered; in order.
    """

    counted: tuple[Session, ...]
    struck: tuple[Session, ...]
    places: Mapping[SessionKey, InPlan]


def within_plans(
    sessions: Sequence[Session],
    resumed: Sequence[datetime],
    beside: Collection[SessionKey],
    answers: AnswersBeside,
) -> WithinPlans:
    """The sessions of a course beside its plans. `resumed` are the times at which it was resumed,
    and `beside` the sessions of a second series under its numbers, which has its own plan where it
    says another one.

    Whether a session is beyond its plan hangs on how many count before it.
    """
    places: dict[SessionKey, InPlan] = {}
    counted: list[Session] = []
    struck: list[Session] = []
    of_plan: list[Session] = []
    of_series: list[Session] = []
    to_come = list(resumed)
    for session in sessions:
        if to_come and session.at >= to_come[0]:
            to_come = [at for at in to_come if at > session.at]
            of_plan = [] if _is_new_plan(of_plan, session) else of_plan
        is_beside = key_of(session) in beside and session.planned not in {
            None,
            *[other.planned for other in of_plan],
        }
        own = of_series if is_beside else of_plan
        question = beyond_question(session, len(own) + 1)
        if question is not None and answers.choice(question) == "not_given":
            struck.append(session._replace(said="not_given"))
            continue
        own.append(session)
        counted.append(session)
        places[key_of(session)] = InPlan(own[0], len(own))
    return WithinPlans(tuple(counted), tuple(struck), places)


def _is_new_plan(before: Sequence[Session], session: Session) -> bool:
    """Whether a session does not go on with the numbers before it, and has another plan."""
    plans = {other.planned for other in before}
    numbers = [other.number for other in before if other.number is not None]
    begins_again = session.number is not None and session.number <= max(numbers, default=0)
    return begins_again and session.planned is not None and session.planned not in plans
