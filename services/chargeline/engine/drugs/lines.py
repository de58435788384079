"""The drugs themselves: HCPCS lines from the doses of one day.

It owns one line for each drug and day, and the questions about doses that cannot be read. It does
not decide wastage, NDC or whether a payer pays. A drug without a HCPCS code is withheld, because no
code may be guessed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.drugs.concerns import NOT_BOUGHT, RoundingAnswer
from chargeline.engine.drugs.units import dose_units
from chargeline.engine.events import DrugAmount, Source, VisitKey
from chargeline.engine.finding import FindingCode, excerpt
from chargeline.engine.formulary import Drug
from chargeline.engine.quantities import convert
from chargeline.engine.record import Fact, dose_slot
from chargeline.engine.rules import NO_FACTS, DayRules, Decision
from chargeline.engine.services.records import NamedDrug, Service, purpose_of
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import ChargeLine, Proposal, Question, Step, Withheld, ask, line_id
from chargeline.engine.words import DrugKind, NotBoughtAs

_new_charge_line = by_keyword(ChargeLine)

ROLE = "drug"
# What is withheld together with its service: neither is sold as a drug.
_WITH_ITS_SERVICE: frozenset[DrugKind] = frozenset({"flush", "blood"})


class DrugDose(NamedTuple):
    """One drug of one administration."""

    named: NamedDrug
    service: Service

    @property
    def drug(self) -> Drug:
        """The row of the formulary."""
        return self.named.drug

    @property
    def key(self) -> str:
        """The key of the administration."""
        return self.service.administration.key

    def in_unit_of_drug(self) -> Decimal | None:
        """The dose in the drug's own unit; None where the charted amount cannot be used."""
        charted = self.named.amount
        if charted.amount is None or charted.amount <= 0 or charted.is_unknown:
            return None
        return convert(charted.amount, charted.unit, self.drug.unit)


def is_given(service: Service) -> bool:
    """Whether the drug of a service is billed.

    A drug that was given is billed even where the giving is withheld. A flush, blood, and fluid
    that only keeps the vein open, are not billed. A drug by mouth is not billed, because the HCPCS
    codes of the formulary are for injection.
    """
    if service.outcome != "withheld":
        return True
    item = service.administration
    has_no_purpose = purpose_of(item, service.service_class) == "none"
    is_for_itself = has_no_purpose and item.route != "other"
    return item.given and is_for_itself and service.service_class not in ("flush", "blood")


def by_who_paid(services: Sequence[Service], rules: DayRules) -> tuple[list[Service], Proposal]:
    """The services whose drugs are billed, and the drugs that are not because others paid."""
    decision = rules.of(NOT_BOUGHT).decide(NO_FACTS)
    if decision.rule is None or _BILLED[decision.answer.as_]:
        return list(services), Proposal()
    rule = decision.rule
    entries = [
        Withheld(
            family="drugs",
            reason=rule.id,
            says=rule.why,
            drug=named.drug.id,
            administrations=(service.administration.key,),
            trace=(Step("who paid", decision, ()),),
        )
        for service in services
        if service.administration.not_bought
        for named in service.drugs
        if named.drug.kind not in _WITH_ITS_SERVICE
    ]
    bought = [service for service in services if not service.administration.not_bought]
    return bought, Proposal(withheld=tuple(entries))


_BILLED: Mapping[NotBoughtAs, bool] = {"bill": True, "withheld": False}


def doses_by_drug(services: Sequence[Service]) -> dict[tuple[str, date], list[DrugDose]]:
    """The doses of each drug on each day, in the order of the clock, without flushes."""
    doses: dict[tuple[str, date], list[DrugDose]] = {}
    for service in services:
        for named in service.drugs:
            if named.drug.kind not in _WITH_ITS_SERVICE:
                slot = (named.drug.id, service.administration.day)
                doses.setdefault(slot, []).append(DrugDose(named, service))
    return doses


def doses_for_record(services: Sequence[Service]) -> tuple[Fact, ...]:
    """What the record of the patient keeps of the drugs: which began at which minute."""
    return tuple(
        [
            Fact(dose_slot(named.drug.id, item.start), item.start)
            for service in services
            for item in (service.administration,)
            for named in service.drugs
            if not named.drug.is_fluid and named.drug.kind != "blood"
        ]
    )


def withheld_vehicles(services: Sequence[Service]) -> Proposal:
    """Withhold the fluids that only carry a drug."""
    says = "Fluid that carries a drug is part of giving the drug (NCCI manual ch. XI)."
    entries = [
        Withheld(
            family="drugs",
            reason="vehicle",
            says=says,
            drug=vehicle.text or "/".join(vehicle.codes),
            administrations=(service.administration.key,),
        )
        for service in services
        for vehicle in service.vehicles
    ]
    return Proposal(withheld=tuple(entries))


def line_of_drug(
    doses: Sequence[DrugDose],
    day: date,
    visit: VisitKey,
    encounter: str,
    rounding: Decision[RoundingAnswer],
) -> Proposal:
    """One line for all doses of a drug on a day.

    The doses are added before the sum is rounded. Doses that cannot be read are asked about, and
    the line is provisional until they are charted.
    """
    drug = doses[0].drug
    if not drug.hcpcs:
        asked = () if drug.is_fluid else (_code_question(doses),)
        return Proposal(questions=asked, withheld=(_without_code(doses),))
    charted = [(dose, dose.in_unit_of_drug()) for dose in doses]
    readable = [(dose, amount) for dose, amount in charted if amount is not None]
    questions = tuple([_dose_question(dose) for dose, amount in charted if amount is None])
    if not readable:
        return Proposal(questions=questions)
    units = dose_units(drug, [amount for _dose, amount in readable], rounding.answer.as_)
    counted = [dose for dose, _amount in readable]
    facts = (("drug", drug.id), ("arithmetic", units.arithmetic), ("cite", drug.cite))
    sources = tuple([_source(dose) for dose in counted])
    anchor = f"{drug.id}@{day.isoformat()}"
    line = _new_charge_line(
        family="drugs",
        line_id=line_id(visit, encounter, ROLE, anchor),
        role=ROLE,
        code=drug.hcpcs,
        units=units.units,
        modifiers=(),
        service_date=day,
        drug=drug.id,
        administrations=tuple([dose.key for dose in counted]),
        provisional=questions[0].finding.code if questions else "",
        trace=(Step("drug units", rounding, facts, sources),),
    )
    return Proposal(lines=(line,), questions=questions)


def _without_code(doses: Sequence[DrugDose]) -> Withheld:
    drug = doses[0].drug
    return Withheld(
        family="drugs",
        reason="drug.no_code",
        says=f"No billing code: {drug.note or 'the formulary has none'}.",
        drug=drug.id,
        administrations=tuple([dose.key for dose in doses]),
    )


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


def _dose_question(dose: DrugDose) -> Question:
    charted = dose.named.amount
    code: FindingCode = "dose.missing"
    if charted.unreadable:
        code, in_words = "number.invalid", charted.unreadable
    elif charted.amount is None or charted.is_unknown:
        in_words = "no amount"
    elif charted.amount <= 0:
        in_words = f"an amount of {charted.amount}"
    elif not charted.unit:
        code, in_words = "dose.no_unit", "an amount without a unit"
    else:
        code, in_words = "dose.unit", f"an amount in {excerpt(charted.unit)}"
    item = dose.service.administration
    return ask(
        code,
        expected=f"a dose in {dose.drug.unit} or a unit that converts to it",
        found=in_words,
        do="chart the dose that was given; until then this dose is not billed",
        drug=dose.drug.id,
        administrations=(dose.key,),
        sources=(item.drug_source._replace(address=_address(charted)),),
    )


def _address(charted: DrugAmount) -> str:
    """Where a person looks for the amount: its own field if it is unreadable, else the drug's."""
    return charted.amount_address if charted.unreadable else charted.address
