"""Which level a visit has, and what it rests on: time, decision making, or the posted level.

It owns how the bases are weighed against each other. A posted level counts only where nothing else
documents one. Both bases are told wherever both are documented.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.care_words import Level, PatientStatus
from chargeline.engine.office_visits.concerns import BASIS
from chargeline.engine.office_visits.facts import LEVELS, RANKS, VisitFacts
from chargeline.engine.office_visits.mdm import by_decision
from chargeline.engine.office_visits.posted import PostedVisit
from chargeline.engine.office_visits.time import by_time
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.trace import Step
from chargeline.engine.visit_words import BasisAs, BasisFact


class Chosen(NamedTuple):
    """A level, what it rests on, and the steps that led to it."""

    level: Level
    basis: BasisFact
    steps: tuple[Step, ...]


_NAMES: Mapping[BasisFact, str] = {
    "by_time": "time",
    "by_decision": "decision making",
    "by_posting": "the posted level",
}


def chosen_level(
    facts: VisitFacts, patient: PatientStatus, posted: Sequence[PostedVisit], rules: DayRules
) -> Chosen | None:
    """The level of a visit; None where neither facts nor a posted level make one."""
    time, time_step = by_time(facts, patient, rules)
    decision, decision_step = by_decision(facts, rules)
    told = [step for step in (time_step, decision_step) if step is not None]
    reached: dict[BasisFact, Level] = {}
    if time is not None:
        reached["by_time"] = time
    if decision is not None:
        reached["by_decision"] = decision
    basis_rule = rules.of(BASIS).decide(NO_FACTS)
    counted = [basis for basis in _COUNTED[basis_rule.answer.by] if basis in reached]
    if not counted:
        return _posted(posted, told)
    basis = max(counted, key=lambda name: RANKS[reached[name]])
    others = [
        ("other basis", f"{_NAMES[name]} makes {level}")
        for name, level in reached.items()
        if name != basis
    ]
    reasons = (("level", reached[basis]), ("chosen by", _NAMES[basis]), *others)
    return Chosen(reached[basis], basis, (*told, Step("level", basis_rule, reasons)))


# Of equal levels time counts, because time alone may be prolonged.
_COUNTED: Mapping[BasisAs, tuple[BasisFact, ...]] = {
    "higher": ("by_time", "by_decision"),
    "time": ("by_time",),
    "decision": ("by_decision",),
}


def _posted(posted: Sequence[PostedVisit], told: Sequence[Step]) -> Chosen | None:
    """The lowest posted level of a practitioner's claim."""
    for visit in posted:
        level = LEVELS.get(visit.stands_for.level)
        if level is not None:
            facts = (("level", level), ("chosen by", _NAMES["by_posting"]))
            step = Step("level", None, facts, (visit.charge.source,))
            return Chosen(level, "by_posting", (*told, step))
    return None
