"""The drugs themselves: HCPCS lines from the doses of one day.

It owns adding up a day's doses and asking about those that cannot be read. It does not decide
wastage, NDC or whether a payer pays. A drug without a HCPCS code is withheld, never guessed.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.formulary import Drug
from chargeline.engine.services import NamedDrug, Service
from chargeline.engine.trace import ChargeLine, Question, Step, Withheld
from chargeline.engine.units import convert, dose_units

# HL7 chapter 4A: 999 in RXA-6 says that the amount is not known.
AMOUNT_UNKNOWN = Decimal(999)
DRUG_ROLE = "drug"


class DrugOutcome(NamedTuple):
    """Drug lines of an encounter, with what was withheld and asked."""

    lines: list[ChargeLine]
    withheld: list[Withheld]
    questions: list[Question]


class _Dose(NamedTuple):
    drug: Drug
    named: NamedDrug
    service: Service


def drug_lines(services: Sequence[Service], identify: "LineIdentity") -> DrugOutcome:
    """One line for each drug and day, its doses added before rounding."""
    outcome = DrugOutcome([], [], [])
    by_drug: dict[tuple[str, date], list[_Dose]] = {}
    for service in services:
        item = service.administration
        for named in service.drugs:
            key = (named.drug.id, item.day)
            by_drug.setdefault(key, []).append(_Dose(named.drug, named, service))
        for vehicle in service.vehicles:
            outcome.withheld.append(_vehicle(service, vehicle.text or "/".join(vehicle.codes)))
    for (drug_id, day), doses in by_drug.items():
        if doses[0].drug.kind == "flush":
            continue  # the flush itself is withheld with its service
        _one_drug(drug_id, day, doses, outcome, identify)
    return outcome


def _vehicle(service: Service, name: str) -> Withheld:
    return Withheld(
        "vehicle",
        "Fluid that carries a drug is part of giving it (NCCI manual ch. XI).",
        name,
        None,
        (service.administration.key,),
        (),
    )


def _one_drug(
    drug_id: str, day: date, doses: Sequence[_Dose], outcome: DrugOutcome, identify: "LineIdentity"
) -> None:
    drug = doses[0].drug
    keys = tuple(dose.service.administration.key for dose in doses)
    if not drug.hcpcs:
        note = drug.note or "no HCPCS code in the formulary"
        outcome.withheld.append(
            Withheld("drug.no_code", f"No billing code: {note}.", drug_id, None, keys, ())
        )
        return
    amounts: list[Decimal] = []
    counted: list[_Dose] = []
    for dose in doses:
        amount = _amount_in_unit(dose)
        if amount is None:
            outcome.questions.append(_dose_question(dose))
        else:
            amounts.append(amount)
            counted.append(dose)
    if not amounts:
        return
    units = dose_units(drug, amounts)
    facts = (("drug", drug_id), ("arithmetic", units.arithmetic), ("cite", drug.cite))
    sources = tuple(
        dose.service.administration.drug_source._replace(address=dose.named.amount.address)
        for dose in counted
    )
    step = Step("drug units", None, facts, sources)
    counted_keys = tuple(dose.service.administration.key for dose in counted)
    line_id = identify(DRUG_ROLE, drug_id + day.isoformat())
    provisional = "dose.unreadable" if len(counted) < len(doses) else ""
    outcome.lines.append(
        ChargeLine(
            line_id,
            DRUG_ROLE,
            drug.hcpcs,
            units.units,
            (),
            day,
            drug_id,
            None,
            counted_keys,
            provisional,
            (step,),
        )
    )


def _amount_in_unit(dose: _Dose) -> Decimal | None:
    amount = dose.named.amount
    if amount.amount is None or amount.amount <= 0 or amount.amount == AMOUNT_UNKNOWN:
        return None
    return convert(amount.amount, amount.unit, dose.drug.unit)


def _dose_question(dose: _Dose) -> Question:
    amount = dose.named.amount
    if amount.amount is None or amount.amount == AMOUNT_UNKNOWN:
        code, found = "dose.missing", "no amount"
    elif amount.amount <= 0:
        code, found = "dose.missing", f"an amount of {amount.amount}"
    elif not amount.unit:
        code, found = "dose.no_unit", "an amount without a unit"
    else:
        code, found = "dose.unit", f"an amount in {amount.unit}"
    item = dose.service.administration
    return Question(
        code,
        f"a dose in {dose.drug.unit} or a unit that converts to it",
        found,
        "chart the dose given; the drug is not billed until then",
        dose.drug.id,
        (item.key,),
        (item.drug_source._replace(address=amount.address),),
    )


class LineIdentity:
    """Names lines: the same role of the same anchor in the same encounter has the same id for ever."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __call__(self, role: str, anchor: str) -> str:
        """An id of twelve hexadecimal digits."""
        from hashlib import blake2b

        text = f"{self._prefix}|{role}|{anchor}"
        return blake2b(text.encode(), digest_size=6).hexdigest()
