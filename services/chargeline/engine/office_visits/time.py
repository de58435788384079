"""The level of a visit by the practitioner's own minutes of the day.

It owns the step that tells of it. The minutes of each level are rules.
"""

from chargeline.engine.care_words import Level, PatientStatus
from chargeline.engine.office_visits.concerns import TIME, TimeFacts
from chargeline.engine.office_visits.facts import VisitFacts
from chargeline.engine.rules import DayRules
from chargeline.engine.trace import Step


def by_time(
    facts: VisitFacts, patient: PatientStatus, rules: DayRules
) -> tuple[Level | None, Step | None]:
    """The level that the minutes reach, None below the first; the step is None without minutes."""
    if facts.minutes is None:
        return None, None
    decision = rules.of(TIME).decide(TimeFacts(patient, facts.minutes))
    level = decision.answer.level if decision.rule is not None else None
    told = (("minutes", facts.minutes), ("patient", patient), ("level", level or "none"))
    return level, Step("time", decision, told, facts.sources.get("visit_minutes", ()))
