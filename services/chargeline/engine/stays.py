"""The days of a visit: from its admission to its discharge, and what lies outside them.

It owns how far beside its visit an administration or a radiation session may lie. What is asked
about one that lies further away says who asks.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from chargeline.engine.rules import NO_FACTS, Concern, DayRules, NoFacts
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.words import Outside


class OutsideAnswer(NamedTuple):
    """Hours before the admission and after the discharge in which something may be done."""

    hours_before: int
    hours_after: int


OUTSIDE_VISIT = Concern(
    "doubt.outside_visit",
    NoFacts,
    OutsideAnswer,
    meaning="how far from its visit an administration or a radiation session may lie",
    may_be_silent=True,
)


def outside(first: datetime, last: datetime, context: VisitContext, rules: DayRules) -> Outside:
    """On which side of its visit something lies that was done between two times; "" for inside.

    It is inside as well where no message tells the admission or the discharge.
    """
    begin, end = _begin(context), context.discharged
    decision = rules.of(OUTSIDE_VISIT).decide(NO_FACTS) if begin or end else None
    if decision is None or decision.rule is None:
        return ""
    if begin is not None and last < begin - timedelta(hours=decision.answer.hours_before):
        return "before"
    if end is not None and first > end + timedelta(hours=decision.answer.hours_after):
        return "after"
    return ""


OUTSIDE_IN_WORDS = {"before": "a day before its admission", "after": "a day after its discharge"}
"""Where something lies, as a question says it."""


def _begin(context: VisitContext) -> datetime | None:
    """The earliest time at which the visit is known to have begun."""
    times = [since for since, _class in context.classes if since is not None]
    return min([*times, *([context.admitted] if context.admitted else [])], default=None)
