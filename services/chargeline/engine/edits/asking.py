"""How a doubt is asked: the number that a rule sets, and the question about one administration.

It owns what all doubts have in common. It does not know what is doubted.
"""

from typing import Any, TypeVar

from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.rules import NO_FACTS, Concern, DayRules, NoFacts
from chargeline.engine.services.concerns import OfClass
from chargeline.engine.services.records import Service
from chargeline.engine.trace import Question, ask

_Answer = TypeVar("_Answer", bound=tuple[Any, ...])


def number_of(rules: DayRules, concern: Concern[NoFacts, _Answer]) -> _Answer | None:
    """What the rules say; None if no rule says anything, so that nothing is doubted."""
    decision = rules.of(concern).decide(NO_FACTS)
    return decision.answer if decision.rule is not None else None


def number_of_class(
    rules: DayRules, concern: Concern[OfClass, _Answer], service: Service
) -> _Answer | None:
    """What the rules say of a class of drug; None if no rule says anything."""
    decision = rules.of(concern).decide(OfClass(service.service_class))
    return decision.answer if decision.rule is not None else None


def doubt(
    service: Service,
    code: FindingCode,
    *,
    expected: str,
    found: str,
    do: str,
    at_stop: bool = False,
) -> Question:
    """A question about an administration; `at_stop` where its stop is doubted."""
    item = service.administration
    last = item.intervals[-1]
    source = (last.stop_source if at_stop else None) or item.intervals[0].start_source
    return ask(
        code,
        expected=expected,
        found=found,
        do=do,
        drug=service.substance,
        administrations=(item.key,),
        sources=(source,),
    )
