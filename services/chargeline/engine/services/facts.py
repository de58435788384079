"""What holds of an administration under any policy: its drugs, running minutes and questions.

It owns the naming of drugs and vehicles by the formulary. It asks no rule, so that the facts of an
administration are worked out once for all policies.
"""

from collections.abc import Mapping
from typing import NamedTuple

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.events import DrugAmount, Source
from chargeline.engine.finding import excerpt
from chargeline.engine.formulary import Drug, Formulary, Given, Match
from chargeline.engine.ndc import NotAnNdc
from chargeline.engine.quantities import convert
from chargeline.engine.services.records import (
    Facts,
    NamedDrug,
    NamedVial,
    Service,
    instant_seconds,
)
from chargeline.engine.shapes import by_keyword
from chargeline.engine.spans import Span
from chargeline.engine.timeline.records import Administration, Problem
from chargeline.engine.trace import Question, ask

_new_facts = by_keyword(Facts)

# Problems that leave nothing to code. Every other problem is a question beside a line.
_BLOCKING = frozenset({"stop.before_start", "start.missing"})


def facts_of(item: Administration, formulary: Formulary) -> Facts:
    """Name the drugs and count the running minutes.

    `ended` is set where no rule is needed, such as for a dose that was not given.
    """
    ended = _without_rules(item)
    if ended is not None:
        return Facts(item, ended=ended)
    named = _drugs(item, formulary)
    if (named.unknown is not None or not named.drugs) and item.route != "other":
        return Facts(item, ended=_asked(item, _unknown_drug(item, named)))
    spans = _spans(item)
    drug_ids = sorted([each.drug.id for each in named.drugs])
    return _new_facts(
        administration=item,
        substance="+".join(drug_ids) or drug_label(item),
        drugs=named.drugs,
        kinds=tuple([each.drug.kind for each in named.drugs]),
        vehicles=named.vehicles,
        minutes=sum([stop - start for start, stop in spans]) // 60,
        spans=spans,
        questions=tuple([_question_of(problem, item) for problem in item.problems]),
        sources=_sources(item),
        vials=_named_vials(item, formulary) if item.vials else (),
    )


def _named_vials(item: Administration, formulary: Formulary) -> tuple[NamedVial, ...]:
    """The vials of an administration, with what the formulary knows of their containers."""
    named = []
    for charted in item.vials:
        read = formulary.ndc_of(charted.ndc, item.day)
        vial = charted._replace(lot=read.lot) if read.lot else charted
        if isinstance(read, NotAnNdc):
            named.append(NamedVial(vial, "", None, read))
            continue
        container = formulary.containers.of(read.digits, item.day)
        drugs = container.drugs if container is not None else ()
        is_fluid = bool(drugs) and all(formulary.is_fluid(drug) for drug in drugs)
        named.append(NamedVial(vial, read.digits, container, is_fluid=is_fluid, serial=read.serial))
    return tuple(named)


def _without_rules(item: Administration) -> Service | None:
    if not item.given:
        for answer in item.answered:
            if answer.choice in _NOT_GIVEN_HERE:
                reason = f"answer.{answer.choice}"
                return withheld_without_rule(item, reason, _NOT_GIVEN_HERE[answer.choice])
        says = "The record says that the drug was not given."
        return withheld_without_rule(item, "not_given", says)
    if item.bolus_of_running_bag:
        says = "A bolus from the running bag is part of that infusion."
        return withheld_without_rule(item, "bolus_of_running_bag", says)
    if item.ends_other_visit:
        says = "Taking off a home pump is part of starting it, which another visit bills (AAPC)."
        return withheld_without_rule(item, "pump_taken_off", says)
    for problem in item.problems:
        if problem.finding.code in _BLOCKING:
            return _asked(item, _question_of(problem, item))
    return None


_NOT_GIVEN_HERE: Mapping[AnswerChoice, str] = {
    "not_given": "A person says that the drug was not given.",
    "one_record": "A person says that this record repeats another one.",
    "other_visit": "A person says that the drug was given under another visit.",
}


def withheld_without_rule(item: Administration, reason: str, says: str) -> Service:
    """A service that is not billed, with its reason and without a technique."""
    return Service(item, drug_label(item), outcome="withheld", reason=reason, says=says)


def _asked(item: Administration, question: Question) -> Service:
    """A service of which nothing can be said until somebody answers the question."""
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
    """The name of the drug as the sender writes it, where the formulary has no name for it."""
    if not item.drugs:
        return ""
    first = item.drugs[0]
    return first.text or (first.codes[0] if first.codes else "")


def _question_of(problem: Problem, item: Administration) -> Question:
    return Question(problem.finding, drug_label(item), (item.key,), (problem.source,))


def product_of(item: Administration, amount: DrugAmount, formulary: Formulary) -> Match:
    """The product of one drug of an administration, by its code or name, route, amount and day.

    Where a person has named the product, it is that one.
    """
    if amount.product:
        return formulary.row(amount.product, item.day)
    given = Given(item.route, amount.amount, amount.unit)
    return formulary.find(amount.codes, amount.text, item.day, given)


def drugs_named(item: Administration, formulary: Formulary) -> tuple[NamedDrug, ...]:
    """The drugs of an administration that are billed, each once, without the fluid that carries it.

    Empty where one of them is unknown: a person is then asked about the whole administration.
    """
    return _drugs(item, formulary).drugs


def _unknown_drug(item: Administration, named: "_Named") -> Question:
    unknown = named.unknown
    if unknown is None:
        charted = "no drug in RXA-5, RXC or the order"
        do = "chart the drug, or send the order (RDE) that names it"
    else:
        codes = excerpt("/".join(unknown.codes)) or "no code"
        charted = f"{codes} {excerpt(unknown.text)!r}".strip()
        do = "add the drug to the formulary (--formulary FILE), or correct its code in the feed"
        if named.nearest:
            charted += f", {_NOT_THE_NEAREST[named.misfit]} {' or '.join(named.nearest)}"
            do = f"say which product it is; {do}"
    return ask(
        "drug.unknown",
        expected="a drug of the formulary",
        found=charted,
        do=do,
        drug=drug_label(item),
        administrations=(item.key,),
        sources=(item.drug_source,),
    )


_NOT_THE_NEAREST = {
    "": "which is not quite",
    "route": "by a route that is none of",
    "amount": "in an amount that is none of",
}


class _Named(NamedTuple):
    """The billable drugs, the fluid that only carries them, and the first unknown drug.

    `nearest` are the rows of the formulary that the unknown drug is most like, and `misfit` what
    does not fit them.
    """

    drugs: tuple[NamedDrug, ...]
    vehicles: tuple[DrugAmount, ...] = ()
    unknown: DrugAmount | None = None
    nearest: tuple[str, ...] = ()
    misfit: str = ""


def _drugs(item: Administration, formulary: Formulary) -> _Named:
    """Name the drugs. The additives of a mixture are its drugs, and the base carries them.

    RXA-5 then names the mixture itself. The mixture counts only if the formulary knows its name: a
    hydration fluid carries the additives, and any other drug is one more drug of the mixture. Two
    additives of one product, such as vials of two sizes, are one drug with the sum of both; the
    amount of the row itself then says the same, and a person is asked where it does not.
    """
    is_mixture = any(amount.component == "additive" for amount in item.drugs)
    named: dict[str, NamedDrug] = {}
    vehicles: list[DrugAmount] = []
    for amount in item.drugs:
        if amount.component == "base" and len(item.drugs) > 1:
            vehicles.append(amount)
            continue
        match = product_of(item, amount, formulary)
        drug = match.drug
        names_mixture = is_mixture and amount.component == ""
        if drug is None:
            if names_mixture:
                continue
            return _Named((), unknown=amount, nearest=match.nearest, misfit=match.misfit)
        if names_mixture and drug.is_fluid:
            vehicles.append(amount)
        else:
            named[drug.id] = _with_part(named.get(drug.id), drug, amount, is_mixture=is_mixture)
    return _Named(tuple(named.values()), tuple(vehicles))


def _with_part(
    before: NamedDrug | None, drug: Drug, amount: DrugAmount, *, is_mixture: bool
) -> NamedDrug:
    """A drug of a mixture with one more part, or the drug of a row that is no mixture."""
    if before is None:
        return NamedDrug(drug, amount)
    if not is_mixture:
        return before
    if amount.component == "":
        return before._replace(whole=amount)
    if before.amount.component == "":
        return NamedDrug(drug, amount, whole=before.amount)
    return before._replace(amount=_added(before.amount, amount))


def _added(first: DrugAmount, second: DrugAmount) -> DrugAmount:
    """Two parts of one drug; without an amount where one cannot be read or converted."""
    more = convert(second.amount, second.unit, first.unit) if second.amount is not None else None
    is_readable = first.amount is not None and not first.is_unknown and not second.is_unknown
    total = first.amount + more if is_readable and first.amount and more is not None else None
    codes = tuple(dict.fromkeys([*first.codes, *second.codes]))
    return first._replace(codes=codes, amount=total)


def _spans(item: Administration) -> tuple[Span, ...]:
    return tuple(
        [
            (instant_seconds(interval.start), instant_seconds(interval.stop))
            for interval in item.intervals
            if interval.stop is not None
        ]
    )


def _sources(item: Administration) -> tuple[Source, ...]:
    """The fields in which starts and stops stand, each field once."""
    sources: dict[Source, None] = {}
    for interval in item.intervals:
        sources[interval.start_source] = None
        if interval.stop_source is not None:
            sources[interval.stop_source] = None
    return tuple(sources)
