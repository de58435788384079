"""What rules say of an administration by itself: class, meaning of a single time, technique.

It owns `assess`, which makes a service of the facts of one administration. It does not know other
administrations. Where the technique rule says that more must be decided, such as what a missing
stop is worth, `outcomes` decides.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.formulary import Drug, Formulary
from chargeline.engine.rules import DayRules, Decision, UndecidedError
from chargeline.engine.services.concerns import (
    DRUG_CLASS,
    MIXTURE_RANK,
    ONE_TIME,
    TECHNIQUE,
    ClassAnswer,
    ClassFacts,
    OfClass,
    OneTimeAnswer,
    OneTimeFacts,
    RankAnswer,
    TechniqueFacts,
)
from chargeline.engine.services.facts import facts_of, withheld_without_rule
from chargeline.engine.services.outcomes import with_outcome
from chargeline.engine.services.records import Facts, Judgement, Service, purpose_of
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.records import Administration
from chargeline.engine.trace import Step
from chargeline.engine.words import DrugKind

_new_service = by_keyword(Service)
_new_technique_facts = by_keyword(TechniqueFacts)
_new_judgement = by_keyword(Judgement)


def services_of(
    item: Administration, formulary: Formulary, rules: tuple[DayRules, ...]
) -> tuple[Service | None, ...]:
    """What service an administration is under each of several policies.

    The first policy is the visit's own, and the others are compared with it. Raises UndecidedError
    where the first one has a gap or a clash; a service is None where another policy has one.
    """
    facts = facts_of(item, formulary)
    own = assess(facts, rules[0])
    return (own, *[_elsewhere(facts, other, own) for other in rules[1:]])


def _elsewhere(facts: Facts, rules: DayRules, own: Service) -> Service | None:
    try:
        return assess(facts, rules, own)
    except UndecidedError:
        return None


def assess(facts: Facts, rules: DayRules, alike: Service | None = None) -> Service:
    """Say what service an administration is, under the rules of its day.

    `alike` is the service that another policy made of the same facts. Where both policies judge the
    same, `alike` is the result, so that the two policies share one object.
    """
    if facts.ended is not None:
        return facts.ended
    judgement = judge(facts, rules, alike.judgement if alike is not None else None)
    if judgement.leading is None:
        return _outside(facts, judgement)
    if alike is not None and judgement.is_plain and alike.judgement is judgement:
        return alike
    service = _plain_service(facts, judgement)
    technique = judgement.technique
    return with_outcome(service, technique, rules)


def _plain_service(facts: Facts, judgement: Judgement) -> Service:
    """The service as class and technique make it, before its outcome is applied."""
    item, leading = facts.administration, judgement.leading
    assert leading is not None, "there is a drug"
    service_class = judgement.service_class
    class_facts = (("drug", leading.id), ("kind", leading.kind), ("class", service_class))
    class_step = Step("drug class", judgement.drug_class, class_facts, (item.drug_source,))
    technique = judgement.technique
    return _new_service(
        administration=item,
        substance=facts.substance,
        drugs=facts.drugs,
        vehicles=facts.vehicles,
        service_class=service_class,
        technique=technique.answer.technique if technique.rule is not None else None,
        minutes=facts.minutes,
        spans=facts.spans,
        steps=(class_step, *_mixture_steps(facts, judgement), *_charting_steps(facts, judgement)),
        questions=facts.questions,
        judgement=judgement,
        vials=facts.vials,
    )


def judge(facts: Facts, rules: DayRules, alike: Judgement | None = None) -> Judgement:
    """Ask the rules of the day about an administration that was given.

    `alike` is the judgement of another policy on the same facts. Where that policy has the same
    rules, the technique is not asked for again.
    """
    item = facts.administration
    leading: Drug | None = None
    drug_class: Decision[ClassAnswer] | None = None
    mixture: Decision[RankAnswer] | None = None
    if facts.drugs:
        index, drug_class, mixture = _class_of(rules, facts.kinds)
        leading = facts.drugs[index].drug
    service_class = drug_class.answer.class_ if drug_class is not None else "therapeutic"
    one_time = _one_time(item, rules) if item.may_have_run else None
    table = rules.of(TECHNIQUE)
    if (
        alike is not None
        and alike.technique_table is table
        and alike.one_time is one_time
        and alike.mixture is mixture
        and alike.service_class == service_class
    ):
        return alike if alike.drug_class is drug_class else alike._replace(drug_class=drug_class)
    charting = one_time.answer.as_ if one_time is not None else item.charted
    technique = table.decide(
        _new_technique_facts(
            class_=service_class,
            route=item.route or "unknown",
            charted=charting,
            method=item.method or "unmarked",
            device=item.device or "none",
            purpose=purpose_of(item, service_class),
            partial="yes" if item.partial else "no",
            ordered_minutes=item.ordered_minutes or 0,
            minutes=facts.minutes,
        )
    )
    return _new_judgement(
        leading=leading,
        drug_class=drug_class,
        mixture=mixture,
        one_time=one_time,
        charting=charting,
        technique=technique,
        technique_table=table,
    )


class _Classed(NamedTuple):
    """The place of the drug that decides the class, counted from 0, and the class.

    `mixture` is the decision that chose this drug in a mixture, None for a single drug.
    """

    leading: int
    drug_class: Decision[ClassAnswer]
    mixture: Decision[RankAnswer] | None = None


@lru_cache(maxsize=2_000)  # there are few kinds of drug, and few mixtures of kinds
def _class_of(rules: DayRules, kinds: tuple[DrugKind, ...]) -> _Classed:
    """The class of drugs given together: a mixture has the class of the drug of the lowest rank."""
    classes = [rules.of(DRUG_CLASS).decide(ClassFacts(kind)) for kind in kinds]
    if len(classes) == 1:
        return _Classed(0, classes[0])
    ranks = [rules.of(MIXTURE_RANK).decide(OfClass(of.answer.class_)) for of in classes]
    leading = min(range(len(ranks)), key=lambda index: ranks[index].answer.rank)
    return _Classed(leading, classes[leading], ranks[leading])


def _one_time(item: Administration, rules: DayRules) -> Decision[OneTimeAnswer]:
    """Whether a single charted time is one moment, or the start of an infusion without a stop."""
    facts = OneTimeFacts(
        route=item.route or "unknown",
        method=item.method or "unmarked",
        rate="yes" if item.rate else "no",
        ordered_minutes=item.ordered_minutes or 0,
    )
    return rules.of(ONE_TIME).decide(facts)


def _mixture_steps(facts: Facts, judgement: Judgement) -> tuple[Step, ...]:
    """Why a mixture has the class of one of its drugs; no step where there is no mixture."""
    if judgement.mixture is None:
        return ()
    return (Step("mixture", judgement.mixture, (("drugs", len(facts.drugs)),)),)


def _charting_steps(facts: Facts, judgement: Judgement) -> tuple[Step, ...]:
    """The steps of charting: what a single time means, then the technique that follows."""
    item = facts.administration
    shown: tuple[tuple[str, str | int], ...] = (
        ("route", item.route or "unknown"),
        ("charted", judgement.charting),
        ("running_minutes", facts.minutes),
    )
    if item.device:
        shown = (*shown, ("device", item.device))
    technique = Step("technique", judgement.technique, shown, facts.sources)
    if judgement.one_time is None:
        return (technique,)
    of_time = (
        ("rate", "yes" if item.rate else "no"),
        ("ordered_minutes", item.ordered_minutes or 0),
    )
    start = (item.intervals[0].start_source,)
    return (Step("one charted time", judgement.one_time, of_time, start), technique)


def _outside(facts: Facts, judgement: Judgement) -> Service:
    """Withhold an unknown drug by a route that no rule bills, without asking for the drug.

    Example: a tablet that the formulary does not know.
    """
    rule = judgement.technique.rule_in_force
    withheld = withheld_without_rule(facts.administration, rule.id, rule.why)
    return withheld._replace(steps=_charting_steps(facts, judgement)[-1:])


def without_gap(services: Sequence[Service | None]) -> list[Service]:
    """The services of a policy that judged every administration; none of any other policy."""
    judged = [service for service in services if service is not None]
    return judged if len(judged) == len(services) else []
