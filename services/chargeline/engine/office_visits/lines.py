"""How the lines of a visit are written, and what is withheld beside them.

It owns the line of the visit, of prolonged time and of continuing care, and their modifiers. Which
level a visit has, `judging` knows; codes and what may stand beside what are rules.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.engine.care_words import PatientStatusFact
from chargeline.engine.codes import CODE, RoleFacts
from chargeline.engine.encounters import Assessment
from chargeline.engine.office_visits.asking import about
from chargeline.engine.office_visits.concerns import (
    CONTINUING,
    PROLONGED,
    BesideDrugsFacts,
    ProlongedFacts,
)
from chargeline.engine.office_visits.facts import VisitFacts
from chargeline.engine.office_visits.levels import Chosen
from chargeline.engine.rules import Rule
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import ChargeLine, Question, Step, Withheld, ask, line_id
from chargeline.engine.visit_words import BesideFact

SIGNED_AFTER = "days from visit to signature"
_CONTINUING_STEP = "continuing care"
_new_charge_line = by_keyword(ChargeLine)

VISIT, PROLONGED_TIME, CONTINUING_CARE = "visit", "visit.prolonged", "visit.continuing"


class BilledVisit(NamedTuple):
    """A visit that has a role: what its lines rest on."""

    assessment: Assessment
    facts: VisitFacts
    role: str
    patient: PatientStatusFact
    chosen: Chosen | None
    beside: BesideFact
    modifiers: tuple[str, ...]
    steps: tuple[Step, ...]
    provisional: str


class Written(NamedTuple):
    """A line, or the question why there is none."""

    line: ChargeLine | None
    question: Question | None


def visit_line(billed: BilledVisit) -> Written:
    """The line of the visit itself."""
    return _line(billed, billed.role, VISIT)


def prolonged_line(billed: BilledVisit) -> Written:
    """The line of prolonged time; none where no rule has it, or the minutes do not reach it."""
    chosen, minutes = billed.chosen, billed.facts.minutes
    if chosen is None or minutes is None or billed.patient == "unknown":
        return Written(None, None)
    facts = ProlongedFacts(billed.patient, chosen.level, chosen.basis)
    decision = billed.assessment.rules.of(PROLONGED).decide(facts)
    if decision.rule is None or minutes < decision.answer.first_minutes:
        return Written(None, None)
    answer = decision.answer
    units = 1 + (minutes - answer.first_minutes) // max(1, answer.each_minutes)
    arithmetic = (
        f"{minutes} minutes, the first unit from {answer.first_minutes} on, "
        f"and each {answer.each_minutes} more"
    )
    step = Step("prolonged time", decision, (("arithmetic", arithmetic), ("units", units)))
    bare = billed._replace(modifiers=(), steps=(*billed.steps, step))
    written = _line(bare, answer.role, PROLONGED_TIME)
    if written.line is None:
        return written
    return Written(written.line._replace(units=units), None)


def continuing_line(billed: BilledVisit) -> tuple[Written, Withheld | None]:
    """The line of continuing care, or what stands in its place."""
    decision = billed.assessment.rules.of(CONTINUING).decide(BesideDrugsFacts(billed.beside))
    sources = billed.facts.sources.get("continuing_care", ())
    step = Step(_CONTINUING_STEP, decision, (("beside", billed.beside),), sources)
    bare = billed._replace(modifiers=(), steps=(*billed.steps, step))
    if _IS_REPORTED[decision.answer.as_]:
        return _line(bare, CONTINUING_CARE, CONTINUING_CARE), None
    return Written(None, None), withheld_by(decision.rule_in_force, bare.facts, bare.steps)


_IS_REPORTED = {"report": True, "withheld": False}


def withheld_by(rule: Rule, facts: VisitFacts, steps: Sequence[Step]) -> Withheld:
    """What a rule does not report."""
    return Withheld(
        family="office_visits",
        reason=rule.id,
        says=rule.why,
        drug=about(facts.day),
        administrations=(),
        trace=tuple(steps),
    )


def _line(billed: BilledVisit, role: str, name: str) -> Written:
    """A line of a role; `name` keeps its number when the level of the visit changes."""
    day, assessment = billed.facts.day, billed.assessment
    decision = assessment.rules.of(CODE).decide(RoleFacts(role))
    if decision.rule is None:
        question = ask(
            "code.none",
            expected=f"a code for the role {role} on {day.isoformat()}",
            found="more than one" if decision.clash else "none",
            do="add the code with its dates to the table of codes (rules/base/codes.csv)",
            drug=about(day),
        )
        return Written(None, question)
    code = decision.answer.code
    line = _new_charge_line(
        family="office_visits",
        line_id=line_id(
            assessment.visit, assessment.encounter.name, name, f"visit@{day.isoformat()}"
        ),
        role=role,
        code=code,
        units=1,
        modifiers=billed.modifiers,
        service_date=day,
        drug=about(day),
        administrations=(),
        provisional=billed.provisional,
        trace=(*billed.steps, Step("code", decision, (("code", code),))),
    )
    return Written(line, None)


def reason_in_short(line: ChargeLine) -> str:
    """One sentence for a page: what the line rests on, and whose claim it is.

    Continuing care names its rule and what other payers hold; a note that was signed on another
    day than the visit says how much later.
    """
    facts = {name: value for step in line.trace for name, value in step.facts}
    reasons = [f"For the {facts['claim']} claim"]
    if "chosen by" in facts:
        reasons.append(f"{facts['level']} by {facts['chosen by']}")
        reasons.append(str(facts.get("other basis", "")))
    if "arithmetic" in facts:
        reasons.append(str(facts["arithmetic"]))
    for step in line.trace:
        if step.topic == _CONTINUING_STEP and step.decision is not None:
            rule = step.decision.rule_in_force
            reasons = [reasons[0], "care goes on", rule.why.rstrip("."), *rule.other]
    after = int(facts.get(SIGNED_AFTER, 0))
    if after:
        reasons.append(f"signed {abs(after)} days {'after' if after > 0 else 'before'} the visit")
    return f"{'; '.join(filter(None, reasons))}."
