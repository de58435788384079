"""What holds of an administration under any policy: its drugs, its running minutes, and what to
ask.

It owns the naming of drugs and vehicles by the formulary. No rule of a payer is asked here.
"""

from typing import NamedTuple

from chargeline.engine.events import DrugAmount, Source
from chargeline.engine.formulary import Formulary
from chargeline.engine.services.records import Facts, NamedDrug, Service, instant_seconds
from chargeline.engine.spans import Span
from chargeline.engine.timeline.records import Administration, Problem
from chargeline.engine.trace import Question, ask

# Problems that leave nothing to code; the others are asked beside a provisional line.
_BLOCKING = frozenset({"stop.before_start", "start.missing"})


def facts_of(item: Administration, formulary: Formulary) -> Facts:
    """Name the drugs and count the minutes; say so where that already ends the matter."""
    ended = _without_rules(item)
    if ended is not None:
        return Facts(item, ended=ended)
    named = _drugs(item, formulary)
    if (named.unknown is not None or not named.drugs) and item.route != "other":
        return Facts(item, ended=_asked(item, _unknown_drug(item, named.unknown)))
    spans = _spans(item)
    drug_ids = sorted([each.drug.id for each in named.drugs])
    return Facts(
        administration=item,
        substance="+".join(drug_ids) or drug_label(item),
        drugs=named.drugs,
        vehicles=named.vehicles,
        minutes=sum([stop - start for start, stop in spans]) // 60,
        spans=spans,
        questions=tuple([_question_of(problem, item) for problem in item.problems]),
        sources=_sources(item),
    )


def _without_rules(item: Administration) -> Service | None:
    if not item.given:
        return withheld_without_rule(item, "not_given", "The record says that it was not given.")
    if item.bolus_of_running_bag:
        says = "A bolus from the running bag is part of that infusion."
        return withheld_without_rule(item, "bolus_of_running_bag", says)
    for problem in item.problems:
        if problem.finding.code in _BLOCKING:
            return _asked(item, _question_of(problem, item))
    return None


def withheld_without_rule(item: Administration, reason: str, says: str) -> Service:
    """An administration that is not billed, and why, without any technique."""
    return Service(item, drug_label(item), outcome="withheld", reason=reason, says=says)


def _asked(item: Administration, question: Question) -> Service:
    """An administration of which nothing can be said until a question is answered."""
    finding = question.finding
    return Service(
        item,
        drug_label(item),
        outcome="question",
        reason=finding.code,
        says=finding.found,
        questions=(question,),
    )


def drug_label(item: Administration) -> str:
    """The name of the drug as the sender writes it, for one that the formulary does not name."""
    if not item.drugs:
        return ""
    first = item.drugs[0]
    return first.text or (first.codes[0] if first.codes else "")


def _question_of(problem: Problem, item: Administration) -> Question:
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


class _Named(NamedTuple):
    """The billable drugs, the fluid that only carries them, and the first drug nobody knows."""

    drugs: tuple[NamedDrug, ...]
    vehicles: tuple[DrugAmount, ...] = ()
    unknown: DrugAmount | None = None


def _drugs(item: Administration, formulary: Formulary) -> _Named:
    """Name the drugs. Of a mixture the additives are the drugs and the base carries them.

    What RXA-5 names is then the mixture itself, unless the formulary knows it as a further drug.
    """
    is_mixture = any(amount.component == "additive" for amount in item.drugs)
    named: dict[str, NamedDrug] = {}
    vehicles: list[DrugAmount] = []
    for amount in item.drugs:
        if amount.component == "base" and len(item.drugs) > 1:
            vehicles.append(amount)
            continue
        drug = formulary.find(amount.codes, amount.text, item.day)
        names_mixture = is_mixture and amount.component == ""
        if drug is None:
            if names_mixture:
                continue
            return _Named((), unknown=amount)
        if names_mixture and drug.kind == "hydration_fluid":
            vehicles.append(amount)
        elif drug.id not in named or (named[drug.id].amount.component == "" and is_mixture):
            named[drug.id] = NamedDrug(drug, amount)
    return _Named(tuple(named.values()), tuple(vehicles))


def _spans(item: Administration) -> tuple[Span, ...]:
    return tuple(
        [
            (instant_seconds(interval.start), instant_seconds(interval.stop))
            for interval in item.intervals
            if interval.stop is not None
        ]
    )


def _sources(item: Administration) -> tuple[Source, ...]:
    """Where starts and stops stand, each place once."""
    sources: dict[Source, None] = {}
    for interval in item.intervals:
        sources[interval.start_source] = None
        if interval.stop_source is not None:
            sources[interval.stop_source] = None
    return tuple(sources)
