"""Modifiers of the lines of all families, and the order in which a line has its own.

It owns what concerns all families alike: where the service was given, what a coverage policy wants
to be told of a code, and a site's sequence. The modifiers of one kind of line are the families'.
The order means nothing to a payer's rules, and two lists are compared as sets; a site's claim
scrubber may still want one. A modifier that attests something comes of a rule only.
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


class CoverageFacts(NamedTuple):
    """What a line bills, and who pays; "" where nobody says it."""

    code: str
    payer: str


class CoverageAnswer(NamedTuple):
    """The modifier which says that a coverage policy is met, such as KX, "" for none."""

    modifier: str


COVERAGE = Concern(
    "modifier.coverage",
    CoverageFacts,
    CoverageAnswer,
    meaning="the modifier which says that the record meets a coverage policy, such as KX",
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
CONCERNS = (PLACE, COVERAGE, ORDER)


def with_modifiers(lines: Sequence[ChargeLine], assessment: Assessment) -> tuple[ChargeLine, ...]:
    """The lines with the modifiers of their place and of coverage, all in the site's order."""
    context, rules = assessment.context, assessment.rules
    payer = context.payer.upper()
    of_place = rules.of(PLACE).decide(WhereFacts(context.place, payer))
    of_codes = {
        code: rules.of(COVERAGE).decide(CoverageFacts(code, payer))
        for code in {line.code for line in lines}
    }
    more: dict[str, list[tuple[str, Step]]] = {}
    for code, of_code in of_codes.items():
        told = more.setdefault(code, [])
        if of_code.rule is not None and of_code.answer.modifier:
            told.append((of_code.answer.modifier, Step("coverage", of_code, (("code", code),))))
        if of_place.rule is not None and of_place.answer.modifier:
            place = (("place", context.place),)
            told.append((of_place.answer.modifier, Step("place", of_place, place)))
    if not any(more.values()) and all(len(line.modifiers) < 2 for line in lines):
        return tuple(lines)
    sequence = rules.of(ORDER).decide(NO_FACTS).answer.sequence.split()
    return tuple([_marked(line, more[line.code], sequence) for line in lines])


def _marked(line: ChargeLine, more: Sequence[tuple[str, Step]], sequence: list[str]) -> ChargeLine:
    modifiers = (*line.modifiers, *[modifier for modifier, _step in more])
    return line._replace(
        modifiers=_in_order(modifiers, sequence),
        trace=(*line.trace, *[step for _modifier, step in more]),
    )


def _in_order(modifiers: tuple[str, ...], sequence: list[str]) -> tuple[str, ...]:
    places = {modifier: place for place, modifier in enumerate(sequence)}
    return tuple(sorted(modifiers, key=lambda modifier: places.get(modifier, len(sequence))))
