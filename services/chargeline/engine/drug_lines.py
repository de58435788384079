"""The drugs themselves: HCPCS lines from the doses of one day.

It owns adding up a day's doses and asking about those that cannot be read. It does not decide
wastage, NDC or whether a payer pays. A drug without a HCPCS code is withheld, never guessed.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from operator import is_
from typing import NamedTuple

from chargeline.engine.events import Source
from chargeline.engine.finding import FindingCode
from chargeline.engine.formulary import Drug
from chargeline.engine.services import NamedDrug, Service
from chargeline.engine.trace import ChargeLine, Question, Step, Withheld, ask
from chargeline.engine.units import convert, dose_units

# HL7 chapter 4A: 999 in RXA-6 says that the amount is not known.
AMOUNT_UNKNOWN = Decimal(999)
DRUG_ROLE = "drug"
# Reasons for withholding something that never was a service.
NOT_SERVICES = frozenset({"vehicle", "drug.no_code"})


class DrugOutcome(NamedTuple):
    """What one drug of one day becomes: a line, or what was withheld and asked."""

    lines: tuple[ChargeLine, ...]
    withheld: tuple[Withheld, ...]
    questions: tuple[Question, ...]


class _Dose(NamedTuple):
    drug: Drug
    named: NamedDrug
    service: Service


Known = dict[tuple[str, date], tuple[tuple[Service, ...], DrugOutcome]]


def drug_lines(
    services: Sequence[Service], identify: Callable[[str, str], str], known: Known
) -> list[DrugOutcome]:
    """One line for each drug and day, its doses added before rounding.

    `identify` names a line by role and anchor. `known` are outcomes of an earlier draft, used again
    where the services are the very same.
    """
    by_drug: dict[tuple[str, date], list[_Dose]] = {}
    outcomes = []
    for service in services:
        day = service.administration.day
        for named in service.drugs:
            key = (named.drug.id, day)
            dose = _Dose(named.drug, named, service)
            if key in by_drug:
                by_drug[key].append(dose)
            else:
                by_drug[key] = [dose]
        for vehicle in service.vehicles:
            outcomes.append(_vehicle(service, vehicle.text or "/".join(vehicle.codes)))
    for key, doses in by_drug.items():
        if doses[0].drug.kind == "flush":
            continue  # the flush itself is withheld with its service
        before = known.get(key)
        if before is None or not _same([dose.service for dose in doses], before[0]):
            made = _one_drug(key[0], key[1], doses, identify)
            before = known[key] = (tuple([dose.service for dose in doses]), made)
        outcomes.append(before[1])
    return outcomes


def _same(ours: Sequence[Service], theirs: Sequence[Service]) -> bool:
    return len(ours) == len(theirs) and all(map(is_, ours, theirs))


def _vehicle(service: Service, name: str) -> DrugOutcome:
    says = "Fluid that carries a drug is part of giving it (NCCI manual ch. XI)."
    withheld = Withheld("vehicle", says, name, None, (service.administration.key,), ())
    return DrugOutcome((), (withheld,), ())


def _one_drug(
    drug_id: str, day: date, doses: Sequence[_Dose], identify: Callable[[str, str], str]
) -> DrugOutcome:
    drug = doses[0].drug
    keys = tuple([dose.service.administration.key for dose in doses])
    if not drug.hcpcs:
        says = f"No billing code: {drug.note or 'the formulary has none'}."
        return DrugOutcome((), (Withheld("drug.no_code", says, drug_id, None, keys, ()),), ())
    amounts: list[Decimal] = []
    counted: list[_Dose] = []
    questions = []
    for dose in doses:
        amount = _amount_in_unit(dose)
        if amount is None:
            questions.append(_dose_question(dose))
        else:
            amounts.append(amount)
            counted.append(dose)
    if not amounts:
        return DrugOutcome((), (), tuple(questions))
    units = dose_units(drug, amounts)
    facts = (("drug", drug_id), ("arithmetic", units.arithmetic), ("cite", drug.cite))
    sources = tuple(
        [
            Source(each.service.administration.drug_source.message, each.named.amount.address)
            for each in counted
        ]
    )
    line = ChargeLine(
        line_id=identify(DRUG_ROLE, f"{drug_id}@{day.isoformat()}"),
        role=DRUG_ROLE,
        code=drug.hcpcs,
        units=units.units,
        modifiers=(),
        service_date=day,
        drug=drug_id,
        minutes=None,
        administrations=tuple([each.service.administration.key for each in counted]),
        provisional="dose.unreadable" if questions else "",
        trace=(Step("drug units", None, facts, sources),),
    )
    return DrugOutcome((line,), (), tuple(questions))


def _amount_in_unit(dose: _Dose) -> Decimal | None:
    amount = dose.named.amount
    if amount.amount is None or amount.amount <= 0 or amount.amount == AMOUNT_UNKNOWN:
        return None
    return convert(amount.amount, amount.unit, dose.drug.unit)


def _dose_question(dose: _Dose) -> Question:
    amount = dose.named.amount
    code: FindingCode
    if amount.amount is None or amount.amount == AMOUNT_UNKNOWN:
        code, found = "dose.missing", "no amount"
    elif amount.amount <= 0:
        code, found = "dose.missing", f"an amount of {amount.amount}"
    elif not amount.unit:
        code, found = "dose.no_unit", "an amount without a unit"
    else:
        code, found = "dose.unit", f"an amount in {amount.unit}"
    item = dose.service.administration
    return ask(
        code,
        expected=f"a dose in {dose.drug.unit} or a unit that converts to it",
        found=found,
        do="chart the dose given; the drug is not billed until then",
        drug=dose.drug.id,
        administrations=(item.key,),
        sources=(item.drug_source._replace(address=amount.address),),
    )
