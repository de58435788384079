"""Modifiers that every line of an encounter carries, and the order in which a line has its own.

It owns what concerns all families alike: where the service was given, and a site's sequence. The
modifiers of one kind of line are the families'. The order means nothing to a payer's rules, and two
lists are compared as sets; a site's claim scrubber may still want one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.engine.encounters import Assessment
from chargeline.engine.rules import NO_FACTS, Concern, NoFacts
from chargeline.engine.trace import ChargeLine, Step


class WhereFacts(NamedTuple):
    """Where the visit takes place, as PV1-3 names it, and who pays; "" where nobody says it."""

    place: str
    payer: str


class WhereAnswer(NamedTuple):
    """The modifier of every line of a visit to that place, "" for none."""

    modifier: str


PLACE = Concern(
    "modifier.place",
    WhereFacts,
    WhereAnswer,
    meaning="the modifier of each line of a visit to a place, such as one off the campus",
    may_be_silent=True,
)


class OrderAnswer(NamedTuple):
    """Modifiers in the order in which a line has them, with blanks between; others come last."""

    sequence: str


ORDER = Concern(
    "modifier.order",
    NoFacts,
    OrderAnswer,
    meaning="the order in which a line has its modifiers",
)
CONCERNS = (PLACE, ORDER)


def with_modifiers(lines: Sequence[ChargeLine], assessment: Assessment) -> tuple[ChargeLine, ...]:
    """The lines with the modifier of their place, and with all modifiers in the site's order."""
    context = assessment.context
    decision = assessment.rules.of(PLACE).decide(WhereFacts(context.place, context.payer.upper()))
    more = [decision.answer.modifier] if decision.rule and decision.answer.modifier else []
    if not more and all(len(line.modifiers) < 2 for line in lines):
        return tuple(lines)
    sequence = assessment.rules.of(ORDER).decide(NO_FACTS).answer.sequence.split()
    steps = [Step("place", decision, (("place", context.place),)) for _modifier in more]
    return tuple(
        [
            line._replace(
                modifiers=_in_order((*line.modifiers, *more), sequence),
                trace=(*line.trace, *steps),
            )
            for line in lines
        ]
    )


def _in_order(modifiers: tuple[str, ...], sequence: list[str]) -> tuple[str, ...]:
    places = {modifier: place for place, modifier in enumerate(sequence)}
    return tuple(sorted(modifiers, key=lambda modifier: places.get(modifier, len(sequence))))
