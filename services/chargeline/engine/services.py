"""What kind of service each administration is, taken by itself.

It owns the questions that can be answered without looking at the rest of the encounter: which
drug, which class, which technique, how many running minutes. The choice of the initial service and
everything relative to others is hierarchy.py's.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chargeline.engine.events import DrugAmount, Source
from chargeline.engine.finding import RuleId
from chargeline.engine.formulary import Drug, Formulary
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.timeline import Administration, Problem
from chargeline.engine.trace import Question, Step, ask
from chargeline.engine.words import Outcome

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Problems that leave nothing to code; the others are asked beside a provisional line.
BLOCKING = frozenset({"stop.before_start", "start.missing"})
LONG_ORDER_MINUTES = 480
# A mixture is what its most demanding drug is.
_CLASS_ORDER = {"chemo": 0, "hormonal": 1, "therapeutic": 2, "hydration": 3, "flush": 4}

Span = tuple[int, int]  # seconds since 1970, start and stop


class NamedDrug(NamedTuple):
    """A drug of the formulary with the amount that was charted."""

    drug: Drug
    amount: DrugAmount


class Service(NamedTuple):
    """One administration as a service.

    `minutes` are whole running minutes, pauses out. `reason` is why it is withheld.
    """

    administration: Administration
    drugs: tuple[NamedDrug, ...]
    vehicles: tuple[DrugAmount, ...]
    substance: str
    service_class: str
    technique: str
    minutes: int
    spans: tuple[Span, ...]
    modifier: str
    outcome: Outcome
    reason: str
    says: str
    provisional: str
    steps: tuple[Step, ...]
    questions: tuple[Question, ...]


def instant_seconds(moment: datetime) -> int:
    """Whole seconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // SECOND


class Facts(NamedTuple):
    """What holds of an administration under any policy. `ended` is set where no rule is needed."""

    administration: Administration
    drugs: tuple[NamedDrug, ...]
    vehicles: tuple[DrugAmount, ...]
    substance: str
    minutes: int
    spans: tuple[Span, ...]
    questions: tuple[Question, ...]
    technique_facts: tuple[tuple[str, str | int], ...]
    sources: tuple[Source, ...]
    ended: Service | None


def facts_of(item: Administration, formulary: Formulary) -> Facts:
    """Name the drugs and count the minutes; say so where that already ends the matter."""
    ended = _without_rules(item)
    named: tuple[NamedDrug, ...] = ()
    vehicles: tuple[DrugAmount, ...] = ()
    if ended is None:
        named, vehicles, unknown = _drugs(item, formulary)
        if (unknown is not None or not named) and item.route != "other":
            question = _unknown_drug(item, unknown)
            ended = _ended(item, "question", question.finding.code, question.finding.found)
            ended = ended._replace(questions=(question,))
    if ended is not None:
        return Facts(item, (), (), "", 0, (), (), (), (), ended)
    spans = _spans(item)
    minutes = sum([stop - start for start, stop in spans]) // 60
    return Facts(
        item,
        named,
        vehicles,
        "+".join(sorted([each.drug.id for each in named])) or drug_label(item),
        minutes,
        spans,
        tuple([question_of(each, item) for each in item.problems]),
        _technique_facts(item, minutes),
        _sources(item),
        None,
    )


def _without_rules(item: Administration) -> Service | None:
    if not item.given:
        return _ended(item, "withheld", "not_given", "The record says that it was not given.")
    if item.bolus_of_running_bag:
        reason = "A bolus from the running bag is part of that infusion."
        return _ended(item, "withheld", "bolus_of_running_bag", reason)
    for problem in item.problems:
        if problem.finding.code in BLOCKING:
            ended = _ended(item, "question", problem.finding.code, problem.finding.found)
            return ended._replace(questions=(question_of(problem, item),))
    return None


def _ended(item: Administration, outcome: Outcome, reason: str, says: str) -> Service:
    return Service(item, (), (), drug_label(item), "", "", 0, (), "", outcome, reason, says, "", (), ())


def drug_label(item: Administration) -> str:
    """The name of the drug as the sender writes it, for an administration that could not be coded."""
    if not item.drugs:
        return ""
    first = item.drugs[0]
    return first.text or (first.codes[0] if first.codes else "")


def question_of(problem: Problem, item: Administration) -> Question:
    """A question out of a problem of the timeline."""
    return Question(problem.finding, drug_label(item), (item.key,), (problem.source,))


def _unknown_drug(item: Administration, unknown: DrugAmount | None) -> Question:
    if unknown is None:
        found = "no drug in RXA-5, RXC or the order"
        do = "chart the drug, or send the order (RDE) that names it"
    else:
        found = f"{'/'.join(unknown.codes) or 'no code'} {unknown.text!r}".strip()
        do = "add the drug to the formulary (--formulary FILE), or correct its code in the feed"
    return ask(
        "drug.unknown",
        expected="a drug of the formulary",
        found=found,
        do=do,
        drug=drug_label(item),
        administrations=(item.key,),
        sources=(item.drug_source,),
    )


def _drugs(
    item: Administration, formulary: Formulary
) -> tuple[tuple[NamedDrug, ...], tuple[DrugAmount, ...], DrugAmount | None]:
    """The billable drugs, the fluid that only carries them, and the first drug nobody knows.

    Of a mixture the additives are the drugs and the base carries them. What RXA-5 names is then
    the mixture itself unless the formulary knows it as a further drug.
    """
    mixed = any(each.component == "additive" for each in item.drugs)
    named: dict[str, NamedDrug] = {}
    vehicles: list[DrugAmount] = []
    for each in item.drugs:
        if each.component == "base" and len(item.drugs) > 1:
            vehicles.append(each)
            continue
        drug = formulary.find(each.codes, each.text, item.day)
        if drug is None:
            if mixed and each.component == "":
                continue
            return (), (), each
        if mixed and each.component == "" and drug.kind == "hydration_fluid":
            vehicles.append(each)
        elif drug.id not in named or (named[drug.id].amount.component == "" and mixed):
            named[drug.id] = NamedDrug(drug, each)
    return tuple(named.values()), tuple(vehicles), None


def assess(facts: Facts, rules: DayRules, known: Service | None = None) -> Service:
    """Say what service an administration is, under the rules of its day.

    `known` is what other rules made of the same facts: it is returned where these decide the same.
    """
    if facts.ended is not None:
        return facts.ended
    item = facts.administration
    if not facts.drugs:
        return _outside(facts, rules)
    leading, class_decision = _class(facts.drugs, rules)
    service_class = class_decision.word("class")
    decision = _technique(item, service_class, facts.minutes, rules)
    plain = decision.rule is not None and decision.answers["outcome"] == "service"
    if known is not None and plain and [step.decision for step in known.steps] == [class_decision, decision]:
        return known
    class_facts = (("drug", leading.id), ("kind", leading.kind), ("class", service_class))
    service = Service(
        item,
        facts.drugs,
        facts.vehicles,
        facts.substance,
        service_class,
        decision.word("technique"),
        facts.minutes,
        facts.spans,
        "",
        "service",
        "",
        "",
        "",
        (
            Step("drug class", class_decision, class_facts, (item.drug_source,)),
            Step("technique", decision, facts.technique_facts, facts.sources),
        ),
        facts.questions,
    )
    if plain:
        return service
    if decision.rule is None:
        return _undecided(service, decision)
    return _OUTCOMES[decision.word("outcome")](service, decision, rules)


def _outside(facts: Facts, rules: DayRules) -> Service:
    """A drug that no formulary knows by a route that no rule bills: nobody need be asked."""
    item = facts.administration
    decision = _technique(item, "therapeutic", facts.minutes, rules)
    assert decision.rule is not None, "the rulebook checker finds a route without a rule"
    ended = _ended(item, "withheld", decision.rule.id, decision.rule.why)
    return ended._replace(steps=(Step("technique", decision, facts.technique_facts, facts.sources),))


def _spans(item: Administration) -> tuple[Span, ...]:
    return tuple(
        [
            (instant_seconds(start), instant_seconds(stop))
            for start, stop, _from, _to in item.intervals
            if stop is not None
        ]
    )


def _class(named: tuple[NamedDrug, ...], rules: DayRules) -> tuple[Drug, Decision]:
    """The class of the most demanding drug, and which drug that is."""
    table = rules["drug.class"]
    leading, decision = named[0].drug, table.decide(named[0].drug.kind)
    for each in named[1:]:
        other = table.decide(each.drug.kind)
        if _CLASS_ORDER[other.word("class")] < _CLASS_ORDER[decision.word("class")]:
            leading, decision = each.drug, other
    return leading, decision


def _technique(item: Administration, service_class: str, minutes: int, rules: DayRules) -> Decision:
    table = rules["service.technique"]
    return table.decide(
        service_class,
        item.route or "unknown",
        item.charted,
        item.method or "unmarked",
        item.device or "none",
        item.purpose or "none",
        "yes" if item.partial else "no",
        "yes" if (item.ordered_minutes or 0) > LONG_ORDER_MINUTES else "no",
        table.band(minutes),
    )


def _technique_facts(item: Administration, minutes: int) -> tuple[tuple[str, str | int], ...]:
    facts: tuple[tuple[str, str | int], ...] = (
        ("route", item.route or "unknown"),
        ("charted", item.charted),
        ("running_minutes", minutes),
    )
    return (*facts, ("device", item.device)) if item.device else facts


def _sources(item: Administration) -> tuple[Source, ...]:
    """Where starts and stops stand, each place once."""
    found: dict[Source, None] = {}
    for _start, _stop, started, stopped in item.intervals:
        found[started] = None
        if stopped is not None:
            found[stopped] = None
    return tuple(found)


def _undecided(service: Service, decision: Decision) -> Service:
    item = service.administration
    if decision.clash:
        found = "two rules on the same facts: " + ", ".join(rule.id for rule in decision.clash)
        do = "let one of them override the other; `chargeline rules check` shows both"
    else:
        found = f"no rule for {service.service_class} drugs by route {item.route or 'unknown'}"
        do = "correct the route or the charting, or add a rule (rules/README.md)"
    question = ask(
        "rule.clash" if decision.clash else "rule.none",
        expected="exactly one rule for this service",
        found=found,
        do=do,
        drug=service.substance,
        administrations=(item.key,),
        sources=(item.intervals[0].start_source,),
    )
    return service._replace(
        outcome="question", reason=question.finding.code, questions=(*service.questions, question)
    )


def _service(service: Service, decision: Decision, rules: DayRules) -> Service:
    return service


def _withheld(service: Service, decision: Decision, rules: DayRules) -> Service:
    rule = decision.rule
    assert rule is not None
    return service._replace(outcome="withheld", reason=rule.id, says=rule.why)


def _question(service: Service, decision: Decision, rules: DayRules) -> Service:
    rule = decision.rule
    assert rule is not None
    item = service.administration
    question = ask(
        RuleId(rule.id),
        expected="a charted route that the rules know",
        found=f"route {item.route_text!r}" if item.route_text else "no route (RXR-1)",
        do=rule.why,
        drug=service.substance,
        administrations=(item.key,),
        sources=(item.intervals[0].start_source,),
    )
    return service._replace(outcome="question", reason=rule.id, questions=(*service.questions, question))


def _missing_stop(service: Service, decision: Decision, rules: DayRules) -> Service:
    """Ask for the stop; until it comes the policy's fall-back stands, marked as provisional."""
    item = service.administration
    position = rules["position.missing_stop"].decide(service.service_class)
    step = Step("missing stop", position, (("until answered", position.word("as")),))
    question = ask(
        "stop.missing",
        expected="a stop time (RXA-4, or a stopped action)",
        found=f"running since its start, no stop charted; ordered for "
        f"{item.ordered_minutes if item.ordered_minutes is not None else 'an unknown number of'} minutes",
        do="chart the stop; until then " + _FALL_BACK_WORDS[position.word("as")],
        drug=service.substance,
        administrations=(item.key,),
        sources=(item.intervals[-1].start_source,),
    )
    questions = (*service.questions, question)
    steps = (*service.steps, step)
    if position.word("as") == "withheld":
        rule = position.rule
        assert rule is not None
        return service._replace(
            outcome="withheld",
            reason="stop.missing",
            says=rule.why,
            questions=questions,
            steps=steps,
            provisional="stop.missing",
        )
    return service._replace(provisional="stop.missing", minutes=0, questions=questions, steps=steps)


_FALL_BACK_WORDS = {
    "push": "it is drafted as if pushed",
    "withheld": "nothing is billed for it",
}


def _stopped_early(service: Service, decision: Decision, rules: DayRules) -> Service:
    position = rules["position.stopped_early"].decide()
    step = Step("stopped early", position, (("running_minutes", service.minutes),))
    technique = "push" if position.word("as") == "push" else service.technique
    return service._replace(
        technique=technique, modifier=position.word("modifier"), steps=(*service.steps, step)
    )


def _long_push(service: Service, decision: Decision, rules: DayRules) -> Service:
    position = rules["position.long_push"].decide()
    step = Step("long push", position, (("running_minutes", service.minutes),))
    return service._replace(technique=position.word("as"), steps=(*service.steps, step))


_OUTCOMES = {
    "service": _service,
    "withheld": _withheld,
    "question": _question,
    "missing_stop": _missing_stop,
    "stopped_early": _stopped_early,
    "long_push": _long_push,
}
