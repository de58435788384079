"""The lines of a drug on a day: what was given, by NDC, and what was discarded.

It owns how a line is written, and its modifiers. The sums are those of `units`, `opened` and
`parts`. A drug without a HCPCS code is withheld, because no code may be guessed.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.drugs.concerns import BOUGHT, LINES, ROUNDING, ROUTE, BoughtFacts, RouteFacts
from chargeline.engine.drugs.doses import DrugDay, DrugDose, dose_question
from chargeline.engine.drugs.noted import noted_of
from chargeline.engine.drugs.opened import Opening, are_whole_containers, opening_of
from chargeline.engine.drugs.parts import NdcPart, parts_of
from chargeline.engine.drugs.units import DoseUnits, dose_units
from chargeline.engine.drugs.waste import DISCARDED_ROLE, Waste, waste_of
from chargeline.engine.events import Source
from chargeline.engine.quantities import plain
from chargeline.engine.rules import NO_FACTS
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import (
    BilledNdc,
    ChargeLine,
    Proposal,
    Question,
    Step,
    Withheld,
    ask,
    line_id,
)
from chargeline.engine.words import RouteFact

_new_charge_line = by_keyword(ChargeLine)

ROLE = "drug"


class _OfDay(NamedTuple):
    """A drug and day with the doses that can be read, their sum, and what was opened for them."""

    day: DrugDay
    doses: tuple[DrugDose, ...]
    units: DoseUnits
    opening: Opening
    waste: Waste
    questions: tuple[Question, ...]


def lines_of_drug(day: DrugDay) -> Proposal:
    """The lines for all doses of a drug on a day, by NDC, and lines for what was discarded of it.

    The doses are added before the sum is rounded. Doses that cannot be read are asked about, and
    the lines are provisional until they are charted.
    """
    drug = day.drug
    if not drug.hcpcs:
        return _without_code(day)
    charted = [(dose, dose.in_unit_of_drug()) for dose in day.doses]
    amounts = [amount for _dose, amount in charted if amount is not None]
    questions = tuple([dose_question(dose) for dose, amount in charted if amount is None])
    if not amounts:
        return Proposal(questions=questions)
    units = dose_units(drug, amounts, day.rules.of(ROUNDING).decide(NO_FACTS).answer.as_)
    opening = opening_of(day)
    waste = waste_of(day, units.dose, opening)
    counted = _OfDay(
        day,
        doses=tuple([dose for dose, amount in charted if amount is not None]),
        units=units,
        opening=opening,
        waste=waste,
        questions=(*questions, *_asked_of_code(day), *waste.asked_of_dose),
    )
    lines = _lines(counted)
    return Proposal(
        lines=tuple(lines),
        questions=(*counted.questions, *waste.asked_of_waste),
        withheld=tuple(_unbilled_waste(counted)),
        noted=tuple(noted_of(lines, day, opening, waste)),
    )


def _asked_of_code(day: DrugDay) -> tuple[Question, ...]:
    return day.code.questions if day.code is not None else ()


def _lines(counted: _OfDay) -> list[ChargeLine]:
    day, waste = counted.day, counted.waste
    per = day.rules.of(LINES).decide(NO_FACTS).answer.per
    discarded = waste.discarded if waste.has_lines else None
    amounts = (counted.units.dose, discarded or Decimal(0))
    are_whole = are_whole_containers(sum(amounts, Decimal(0)), day, counted.opening)
    parts = parts_of(
        day.drug,
        amounts,
        counted.units.units,
        opening=counted.opening,
        per=per,
        are_whole=are_whole,
    )
    wasted = sum([part.discarded_units for part in parts])
    marks = [*_bought(day), *_route(day)]
    carried = [modifier for modifier, _step in marks]
    none_wasted = [waste.mark] if waste.mark and not wasted else []
    steps = [step for _modifier, step in marks]
    lines = [
        _given_line(counted, part, (*none_wasted, *carried), steps) for part in parts if part.units
    ]
    for part in parts:
        if part.discarded_units:
            modifiers = (waste.decision.answer.discarded, *carried)
            lines.append(_discarded_line(counted, part, modifiers))
    return lines


def _bought(day: DrugDay) -> Iterator[tuple[str, Step]]:
    """The modifier of a drug that was bought under 340B, and why."""
    if any(dose.service.administration.discounted for dose in day.doses):
        decision = day.rules.of(BOUGHT).decide(BoughtFacts("discounted", day.payer))
        if decision.rule is not None and decision.answer.modifier:
            facts = (("bought", "discounted"),)
            yield decision.answer.modifier, Step("how it was bought", decision, facts)


def _route(day: DrugDay) -> Iterator[tuple[str, Step]]:
    """The modifier of a drug whose code stands for several routes, and why; none where the doses of
    the day were given by several.
    """
    routes = {dose.service.administration.route for dose in day.doses}
    route: RouteFact = (routes.pop() or "unknown") if len(routes) == 1 else "unknown"
    decision = day.rules.of(ROUTE).decide(RouteFacts(day.drug.hcpcs, route, day.payer))
    if decision.rule is not None and decision.answer.modifier:
        yield decision.answer.modifier, Step("route", decision, (("route", route),))


def _given_line(
    counted: _OfDay,
    part: NdcPart,
    modifiers: tuple[str, ...],
    marked: Sequence[Step],
) -> ChargeLine:
    day, drug = counted.day, counted.day.drug
    rounding = day.rules.of(ROUNDING).decide(NO_FACTS)
    facts = (("drug", drug.id), ("arithmetic", counted.units.arithmetic), ("cite", drug.cite))
    sources = tuple([_source(dose) for dose in counted.doses])
    steps = [*_by_body(counted.doses), Step("drug units", rounding, facts, sources)]
    if day.code is not None:
        steps.append(day.code.step)
    if counted.opening.sources or part.ndc is not None:
        steps.append(_opened_step(counted, part, part.ndc))
    steps += marked
    asked = counted.questions
    if counted.waste.mark in modifiers:
        asked = (*asked, *counted.waste.asked_of_waste)
    return _line(counted, ROLE, part, asked)._replace(
        units=part.units, modifiers=modifiers, ndc=part.ndc, trace=tuple(steps)
    )


def _by_body(doses: Sequence[DrugDose]) -> Iterator[Step]:
    """How each dose by kilogram or square metre was worked out."""
    for dose in doses:
        by_body = dose.named.amount.by_body
        if by_body is not None and by_body.source is not None:
            yield Step(
                "dose", None, (("arithmetic", by_body.arithmetic),), (by_body.source, _source(dose))
            )


def _discarded_line(counted: _OfDay, part: NdcPart, modifiers: tuple[str, ...]) -> ChargeLine:
    asked = (*counted.questions, *counted.waste.asked_of_waste)
    return _line(counted, DISCARDED_ROLE, part, asked)._replace(
        units=part.discarded_units,
        modifiers=modifiers,
        ndc=part.discarded_ndc,
        trace=(_opened_step(counted, part, part.discarded_ndc),),
    )


def _line(counted: _OfDay, role: str, part: NdcPart, asked: Sequence[Question]) -> ChargeLine:
    day = counted.day
    stock = f"@{day.stock}" if day.stock else ""
    anchor = f"{day.drug.id}@{day.day.isoformat()}{stock}{part.anchor}"
    return _new_charge_line(
        family="drugs",
        line_id=line_id(day.visit, day.encounter, role, anchor),
        role=role,
        code=day.drug.hcpcs,
        units=0,
        modifiers=(),
        service_date=day.day,
        drug=day.drug.id,
        administrations=tuple([dose.key for dose in counted.doses]),
        provisional=asked[0].finding.code if asked else "",
        trace=(),
    )


def _opened_step(counted: _OfDay, part: NdcPart, ndc: BilledNdc | None) -> Step:
    """What was opened, given and discarded, and the share of the line in its NDC."""
    unit, waste, opening = counted.day.drug.unit, counted.waste, counted.opening
    facts: list[tuple[str, str | int]] = []
    if opening.total is not None:
        facts.append(("opened", f"{plain(opening.total)} {unit}"))
    facts.append(("given", f"{plain(counted.units.dose)} {unit}"))
    if waste.discarded is not None:
        facts.append(("discarded", f"{plain(waste.discarded)} {unit}"))
        facts.append(("arithmetic", _arithmetic(counted)))
    if ndc is not None:
        facts.append(("ndc", ndc.in_full))
    return Step("waste", waste.decision, tuple(facts), opening.sources)


def _arithmetic(counted: _OfDay) -> str:
    """How many units were opened, and how many of them were given."""
    drug, discarded = counted.day.drug, counted.waste.discarded or Decimal(0)
    held = counted.units.dose + discarded
    exact = plain((held / drug.unit_amount).quantize(Decimal("0.01")))
    unit = f"{plain(drug.unit_amount)} {drug.unit} a unit"
    return f"{plain(held)} {drug.unit} / {unit} = {exact}, less {counted.units.units} given"


def _unbilled_waste(counted: _OfDay) -> list[Withheld]:
    """What was charted as discarded and is not billed, with the rule that says so."""
    waste, wasted = counted.waste, counted.opening.wasted
    rule = waste.decision.rule
    if rule is None or not wasted or waste.has_lines:
        return []
    return [
        Withheld(
            family="drugs",
            reason=rule.id,
            says=rule.why,
            drug=counted.day.drug.id,
            administrations=tuple([dose.key for dose in counted.doses]),
            trace=(_opened_step(counted, NdcPart("", 0, 0), None),),
        )
    ]


def _without_code(day: DrugDay) -> Proposal:
    """What stands for a drug without a code: withheld, and asked about if it is no fluid."""
    drug = day.drug
    withheld = Withheld(
        family="drugs",
        reason="drug.no_code",
        says=f"No billing code: {drug.note or 'the formulary has none'}.",
        drug=drug.id,
        administrations=tuple([dose.key for dose in day.doses]),
    )
    questions = () if drug.is_fluid else (_code_question(day.doses),)
    return Proposal(questions=questions, withheld=(withheld,))


def _code_question(doses: Sequence[DrugDose]) -> Question:
    """Asks for the product or the unlisted code, because such a drug may be worth thousands."""
    drug = doses[0].drug
    return ask(
        "drug.no_code",
        expected="a drug with a billing code",
        found=f"{drug.id}, for which the formulary has none",
        do=drug.note or "say which product it is, or bill an unlisted code by hand",
        drug=drug.id,
        administrations=tuple([dose.key for dose in doses]),
        sources=(doses[0].service.administration.drug_source,),
    )


def _source(dose: DrugDose) -> Source:
    message = dose.service.administration.drug_source.message
    return Source(message, dose.named.amount.amount_address or dose.named.amount.address)
