"""The doses of a drug: which are billed, which belong to one line, and what is asked about them.

It owns the doses of one drug on one day, and the questions about doses that cannot be read. It
writes no line.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.claim_words import PaidFact
from chargeline.engine.containers import Container, Containers
from chargeline.engine.drugs.concerns import NOT_BOUGHT
from chargeline.engine.events import ByBody, DrugAmount, Source, VisitKey
from chargeline.engine.finding import excerpt
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.formulary import Drug
from chargeline.engine.quantities import convert
from chargeline.engine.record import Fact, dose_slot
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.services.records import NamedDrug, Service, purpose_of
from chargeline.engine.tables import NO_TABLES, PublishedTables
from chargeline.engine.trace import Proposal, Question, Step, Withheld, ask
from chargeline.engine.words import DrugKind, NotBoughtAs

# What is withheld together with its service: neither is sold as a drug.
_WITH_ITS_SERVICE: frozenset[DrugKind] = frozenset({"flush", "blood"})


_DISCOUNTED = "discounted"
_REFUSED_UNIT = "ME"  # milligrams in X12 355; as a charted unit it may be a slip for mEq


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

    def billed_as(self, drug: Drug) -> "DrugDose":
        """The same dose under another row of its product."""
        return self._replace(named=self.named._replace(drug=drug))

    def in_unit_of_drug(self) -> Decimal | None:
        """The dose in the drug's own unit; None where the charted amount cannot be used."""
        charted = self.named.amount
        if charted.amount is None or charted.amount <= 0 or charted.is_unknown:
            return None
        return convert(charted.amount, charted.unit, self.drug.unit)


class HandedOut(NamedTuple):
    """An NDC of the drug that the pharmacy names for an order, "" where it names none.

    `how` says whether it was handed out or only ordered; `source` is None for an order, whose NDC
    may stand in any of its messages.
    """

    ndc: str
    container: Container | None
    source: Source | None
    how: str


class ChosenCode(NamedTuple):
    """The row under which a drug with several codes is billed, why, and what is asked about it."""

    drug: Drug
    step: Step
    questions: tuple[Question, ...] = ()


class DrugDay(NamedTuple):
    """All doses of a drug on a day of an encounter, and what decides how they are billed.

    `code` says how one of several codes of the drug was chosen; None where it has one code. `stock`
    tells these lines from those of the same drug and day out of other stock; "" where they are all.
    `handed_out` are the NDCs that the pharmacy names, where nobody at the bedside names any.
    """

    visit: VisitKey
    encounter: str
    day: date
    doses: tuple[DrugDose, ...]
    payer: str
    paid: PaidFact
    rules: DayRules
    containers: Containers
    code: ChosenCode | None = None
    tables: PublishedTables = NO_TABLES
    stock: str = ""
    handed_out: tuple[HandedOut, ...] = ()

    @property
    def drug(self) -> Drug:
        """The row of the formulary."""
        return self.doses[0].drug


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


def by_stock(doses: Sequence[DrugDose]) -> dict[str, list[DrugDose]]:
    """The doses of a drug and day by how they were bought, since one line says it of all its units.

    Doses that were all bought alike are one group, under "".
    """
    bought: dict[str, list[DrugDose]] = {}
    for dose in doses:
        stock = _DISCOUNTED if dose.service.administration.discounted else ""
        bought.setdefault(stock, []).append(dose)
    return bought if len(bought) > 1 else {"": list(doses)}


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


def dose_question(dose: DrugDose) -> Question:
    """The question about a dose whose amount cannot be used."""
    charted = dose.named.amount
    code: FindingCode = "dose.missing"
    if charted.unreadable:
        code, in_words = "number.invalid", charted.unreadable
    elif charted.amount is None or charted.is_unknown:
        in_words = "no amount"
    elif charted.amount <= 0:
        in_words = f"an amount of {charted.amount}"
    elif charted.by_body is not None:
        return _measure_question(dose, charted.by_body)
    elif not charted.unit:
        code, in_words = "dose.no_unit", "an amount without a unit"
    elif charted.unit.strip().upper() == _REFUSED_UNIT:
        code, in_words = (
            "dose.unit",
            "an amount in ME, a unit of claims that payers refuse",
        )
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


def _measure_question(dose: DrugDose, by_body: ByBody) -> Question:
    """The question about a dose by kilogram or square metre that cannot be worked out."""
    charted = dose.named.amount
    item = dose.service.administration
    charted_in = item.drug_source._replace(address=_address(charted))
    return ask(
        "dose.measure",
        expected=f"a measure of the body for a dose in {excerpt(charted.unit)}",
        found=by_body.lacking,
        do="chart the dose that was given, or the measure with its date; until then this dose is "
        "not billed",
        drug=dose.drug.id,
        administrations=(dose.key,),
        sources=(charted_in, *([by_body.source] if by_body.source is not None else [])),
    )


def _address(charted: DrugAmount) -> str:
    """Where a person looks for the amount: its own field if it is unreadable, else the drug's."""
    return charted.amount_address if charted.unreadable else charted.address
