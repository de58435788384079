"""Encounters in the notation of the rules' cases, drafted, and what their drafts say in short.

It owns no claim; the tests about edges of the hierarchy, of drugs and of reasons share it.
"""

from collections.abc import Iterable, Sequence

from chargeline.engine import (
    NO_TABLES,
    ChargeLine,
    EncounterDraft,
    Policy,
    Question,
    Rule,
    Rulebook,
    SharedDecisions,
    Timeline,
    VisitContext,
    Withheld,
    draft,
)
from chargeline.engine.answers.beside import NO_ANSWERS
from chargeline.engine.encounters import Assessment, encounters_of
from chargeline.engine.record import NOTHING_ELSEWHERE
from chargeline.engine.services.facts import facts_of
from chargeline.engine.services.judging import assess
from chargeline.rulebook.cases import PATIENT, Answers, Case, timeline_with, with_choice
from chargeline.rulebook.notation import administration_of
from tests.engine import rulebook, visits_of

GUIDE, FACILITY, PHYSICIAN = "guide-2026", "cms-facility-2026", "cms-physician-2026"
Fact = tuple[str, str | int]


def timeline(given: Iterable[str], payer: str = "", diagnoses: Sequence[str] = ()) -> Timeline:
    items = [administration_of(text, number) for number, text in enumerate(given, start=1)]
    context = VisitContext(
        patient=PATIENT,
        classes=((None, "outpatient"),),
        payer=payer,
        diagnoses=tuple(diagnoses),
    )
    return timeline_with(items, context)


def chosen(choose: Answers) -> Rulebook:
    """The shipped rulebook with other answers, as `choose` of a case gives them."""
    case = Case(
        place="", says="", source="", given=(), charted=(), expect={}, drugs=None, withheld=None,
        withheld_drugs=None, asks=None, edits=None, patient_class="outpatient", diagnoses=(),
        payer="", second_encounter=False, choose=choose,
    )  # fmt: skip
    return with_choice(case, rulebook())


def with_rules(*more: Rule, without: str = "", policy: str = FACILITY) -> Rulebook:
    """The shipped rulebook with some rules more in a policy, or one less."""
    shared, shipped = SharedDecisions(), rulebook().policies[policy]
    kept = [each for each in shipped.rules if each.id != without]
    changed = Policy(policy, shipped.describes, [*kept, *more], shared)
    return rulebook()._replace(policies={**rulebook().policies, policy: changed})


def drafted_by(
    book: Rulebook, *given: str, payer: str = "", policy: str = FACILITY
) -> EncounterDraft:
    (encounter,) = draft(timeline(given, payer), book, policy=policy).encounters
    return encounter


def drafted(
    *given: str,
    policy: str = FACILITY,
    payer: str = "",
    diagnoses: Sequence[str] = (),
    choose: Answers | None = None,
) -> EncounterDraft:
    """The draft of one encounter; the orders are O1, O2 and so on unless they are named."""
    visit = timeline(given, payer, diagnoses)
    (encounter,) = draft(visit, chosen(choose or {}), policy=policy).encounters
    return encounter


def coded(*messages: bytes, policy: str = GUIDE) -> EncounterDraft:
    """The draft of the only encounter of some messages."""
    visits = visits_of(messages)
    (key,) = visits
    (encounter,) = draft(visits[key], rulebook(), policy=policy).encounters
    return encounter


def assessment_of(*given: str, policy: str = FACILITY) -> Assessment:
    """An encounter as a policy sees it, its services in the order in which they are written."""
    visit, of_policy = timeline(given), rulebook().policies[policy]
    (encounter,) = encounters_of(visit, of_policy)
    rules = of_policy.on(encounter.day)
    items = [administration_of(text, number) for number, text in enumerate(given, start=1)]
    judged = [assess(facts_of(item, rulebook().formulary), rules, None) for item in items]
    return Assessment(
        visit=visit.key, context=visit.context, encounter=encounter, rules=rules, services=judged,
        elsewhere=NOTHING_ELSEWHERE, formulary=rulebook().formulary,
        tables=NO_TABLES, answers=NO_ANSWERS,
    )  # fmt: skip


def services(encounter: EncounterDraft) -> list[str]:
    """Lines of giving drugs in their order: code with modifiers, units and drug."""
    return [
        f"{'-'.join([line.code, *line.modifiers])} x{line.units} {line.drug}"
        for line in encounter.lines
        if line.family == "infusions"
    ]


def line_of(encounter: EncounterDraft, code: str, drug: str = "") -> ChargeLine:
    """The one line with a code, and of a drug if that is said."""
    (line,) = [
        each for each in encounter.lines if each.code == code and (not drug or each.drug == drug)
    ]
    return line


def steps(entry: ChargeLine | Withheld) -> dict[str, tuple[Fact, ...]]:
    """The facts of each step of an entry, by its topic."""
    return {step.topic: step.facts for step in entry.trace}


def asked(question: Question) -> tuple[str, str, str, str]:
    """What a question expects, found and wants done, under its code."""
    finding = question.finding
    return (finding.code, finding.expected, finding.found, finding.do)
