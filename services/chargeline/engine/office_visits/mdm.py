"""The level of a visit by decision making: problems, data and risk.

It owns how a level follows from the three: so many of them must reach it, and how many is a rule.
An element that nobody documents reaches nothing. So problems and risk that are high make a high
level without data, and risk alone makes none.
"""

from chargeline.engine.care_words import Level
from chargeline.engine.office_visits.concerns import DECISION
from chargeline.engine.office_visits.facts import ELEMENTS, RANKS, VisitFacts
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.trace import Step


def by_decision(facts: VisitFacts, rules: DayRules) -> tuple[Level | None, Step | None]:
    """The level that enough elements reach, None where too few are documented."""
    if not facts.elements:
        return None, None
    decision = rules.of(DECISION).decide(NO_FACTS)
    reached = sorted(facts.elements.values(), key=lambda level: RANKS[level], reverse=True)
    needed = max(1, decision.answer.elements)
    level = reached[needed - 1] if len(reached) >= needed else None
    told = [(about, facts.elements.get(about, "not documented")) for about in ELEMENTS]
    sources = [source for about in ELEMENTS for source in facts.sources.get(about, ())]
    return level, Step(
        "decision making", decision, (*told, ("level", level or "none")), tuple(sources)
    )
