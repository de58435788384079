"""What was opened of a drug on a day, and how much of it was discarded.

It owns which vials of an administration hold the drug, and the sum: opened is what was given and
what was discarded. It does not know what a payer pays of it. Nothing is concluded from a drug's
name: a vial counts by the NDC that was scanned, a discarded amount by what was charted.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.containers import Container, least_opened
from chargeline.engine.drugs.doses import DrugDay, DrugDose
from chargeline.engine.events import ANSWER, Source, VialCode, WastedAmount
from chargeline.engine.formulary import Drug
from chargeline.engine.quantities import convert
from chargeline.engine.services.records import NamedVial


class OpenedVials(NamedTuple):
    """Vials of one NDC and lot that were opened for a drug on a day, or its product if none is.

    `amount` is what one holds, in the drug's unit; None where that is not known. `vials` is 0 where
    the NDC only says which product it was, and not how many vials.
    """

    ndc: str
    lot: str
    container: Container | None
    amount: Decimal | None
    vials: int


class Rest(NamedTuple):
    """What was charted as discarded of one dose, or of all doses of the day where a person said it.

    `amount` and `given`, the dose, are in the drug's unit; `doses` is of how many it is the rest.
    """

    amount: Decimal
    given: Decimal
    doses: int
    is_answered: bool


class Opening(NamedTuple):
    """All that is charted of a drug's containers on a day.

    `vials` stand in the order in which the dose is taken from them: the largest first, so that the
    rest that is discarded is that of the smallest. `is_counted`: for each dose the vials were
    scanned, and what they hold is known. `wasted` is the charted discarded amount in the drug's
    unit; None where none is charted or readable. `entries` are the amounts that it is the sum of,
    and `rests` are the same by dose.
    """

    vials: tuple[OpenedVials, ...] = ()
    is_counted: bool = False
    wasted: Decimal | None = None
    entries: tuple[WastedAmount, ...] = ()
    rests: tuple[Rest, ...] = ()
    foreign: tuple[NamedVial, ...] = ()
    unreadable: tuple[NamedVial, ...] = ()
    unclear: tuple[WastedAmount, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """What all vials hold, in the drug's unit; None where they were not counted."""
        if not self.is_counted:
            return None
        return sum([vial.amount * vial.vials for vial in self.vials if vial.amount], Decimal(0))

    def holds(self, dose: Decimal) -> bool:
        """Whether the counted vials hold a dose, as exactly as the tables say what they hold."""
        rounding = [
            vial.container.rounding * vial.vials
            for vial in self.vials
            if vial.container is not None
        ]
        return self.total is not None and dose <= self.total + sum(rounding, Decimal(0))


NOTHING_CHARTED = Opening()


def known_sizes(day: DrugDay, opening: Opening) -> tuple[Decimal, ...]:
    """What each container of the drug holds that can be bought on the day, in the drug's unit.

    They are those of all tables, and those that the chart names. None of them is told where the
    chart names a container that no table knows: it may hold anything.
    """
    if any(vial.amount is None for vial in opening.vials):
        return ()
    bought = [
        amount_in(day.drug, container) for container in day.containers.sold(day.drug.id, day.day)
    ]
    return tuple(sorted({size for size in (*bought, *[v.amount for v in opening.vials]) if size}))


def are_whole_containers(amount: Decimal, day: DrugDay, opening: Opening) -> bool:
    """Whether an amount is what whole containers hold, scanned ones or any that are known."""
    if opening.total is not None:
        return amount == opening.total
    return amount == least_opened(amount, known_sizes(day, opening))


def opening_of(day: DrugDay) -> Opening:
    """What is charted of the containers of a drug, over all its doses of a day."""
    drug, doses = day.drug, day.doses
    is_charted = any(dose.service.vials or dose.service.administration.wasted for dose in doses)
    if not is_charted and not day.handed_out:
        return NOTHING_CHARTED
    mine: list[NamedVial] = []
    foreign: list[NamedVial] = []
    are_counted = True
    for dose in doses:
        own = [vial for vial in dose.service.vials if not vial.is_fluid]
        held = [vial for vial in own if _holds(vial, drug, dose)]
        foreign += [vial for vial in own if _is_foreign(vial, dose)]
        mine += held
        are_counted = are_counted and any(vial.vial.scanned for vial in held)
    opened = _by_ndc(mine, drug) or _of_pharmacy(day)
    if are_counted:  # a product that was named and not scanned is none of the vials
        opened = tuple([vial for vial in opened if vial.vials])
    are_counted = are_counted and all(vial.amount is not None for vial in opened)
    wasted = _wasted(drug, doses, opened)
    return Opening(
        vials=opened,
        is_counted=are_counted and not any(vial.refused for vial in mine),
        wasted=wasted.amount,
        entries=wasted.entries,
        rests=wasted.rests,
        foreign=tuple(foreign),
        unreadable=tuple([vial for vial in mine if vial.refused is not None]),
        unclear=wasted.unclear,
        sources=(*_sources(doses), *[item.source for item in day.handed_out if item.source]),
    )


def _holds(vial: NamedVial, drug: Drug, dose: DrugDose) -> bool:
    """Whether a vial holds the drug; an unknown one does where the dose has no other drug."""
    if vial.container is not None:
        return drug.id in vial.container.drugs
    return _is_alone(dose)


def _is_foreign(vial: NamedVial, dose: DrugDose) -> bool:
    """Whether a vial holds no drug of the administration; the first drug of a mixture asks so."""
    drugs = [named.drug for named in dose.service.drugs]
    asks = _without_fluids(drugs)[0].id == dose.drug.id
    held = vial.container.drugs if vial.container is not None else None
    return asks and held is not None and not any(drug.id in held for drug in drugs)


def _is_alone(dose: DrugDose) -> bool:
    """Whether the drug is the only one of its administration, besides fluids."""
    named = _without_fluids([named.drug for named in dose.service.drugs])
    return [drug.id for drug in named] == [dose.drug.id]


def _without_fluids(drugs: Sequence[Drug]) -> list[Drug]:
    """The drugs besides fluids; the fluids where nothing else was given."""
    return [drug for drug in drugs if not drug.is_fluid] or list(drugs)


def discarded_of(drugs: Sequence[Drug], containers: Iterable[Container | None]) -> Drug | None:
    """The drug of an administration of which a discarded amount was charted, by its vials.

    `drugs` are all of it, and `containers` what its vials are, without those of fluids (None stands
    for one that no table knows). None where the vials are those of several drugs, or of nobody
    knows which.
    """
    named = _without_fluids(drugs)
    if len(named) == 1:
        return named[0]
    owners: dict[str, Drug] = {}
    for container in containers:
        if container is None:
            return None
        owners.update({drug.id: drug for drug in named if drug.id in container.drugs})
    return next(iter(owners.values())) if len(owners) == 1 else None


def _by_ndc(vials: Iterable[NamedVial], drug: Drug) -> tuple[OpenedVials, ...]:
    """The vials by NDC and lot, the largest first."""
    by_slot: dict[tuple[str, str], OpenedVials] = {}
    for named in _once(vials):
        if named.refused is not None:
            continue
        slot = (named.ndc, named.vial.lot)
        before = by_slot.get(slot) or OpenedVials(
            *slot, named.container, amount_in(drug, named.container), 0
        )
        by_slot[slot] = before._replace(vials=before.vials + named.vial.scanned)
    counted = {opened.ndc for opened in by_slot.values() if opened.vials}
    told = [opened for opened in by_slot.values() if opened.vials or opened.ndc not in counted]
    return tuple(sorted(told, key=lambda vial: (-(vial.amount or 0), vial.ndc, vial.lot)))


def _once(vials: Iterable[NamedVial]) -> Iterator[NamedVial]:
    """The vials, without one that was scanned before: it has the same NDC and serial number."""
    scanned: set[tuple[str, str]] = set()
    for named in vials:
        one = (named.ndc, named.serial)
        if named.serial and one in scanned:
            continue
        scanned.add(one)
        yield named


def _of_pharmacy(day: DrugDay) -> tuple[OpenedVials, ...]:
    """The one NDC that the pharmacy names for the doses, whose vials nobody counted."""
    if len(day.handed_out) != 1:
        return ()
    (item,) = day.handed_out
    amount = amount_in(day.drug, item.container)
    return (OpenedVials(item.ndc, "", item.container, amount, vials=0),)


def amount_in(drug: Drug, container: Container | None) -> Decimal | None:
    """What a container holds in the drug's own unit; None where that is not known."""
    return convert(container.amount, container.unit, drug.unit) if container is not None else None


class _Wasted(NamedTuple):
    """The charted discarded amount in the drug's unit, with its entries, and those not usable."""

    amount: Decimal | None
    entries: tuple[WastedAmount, ...]
    rests: tuple[Rest, ...]
    unclear: tuple[WastedAmount, ...]


def _wasted(drug: Drug, doses: Sequence[DrugDose], opened: Sequence[OpenedVials]) -> _Wasted:
    """What was charted as discarded. An amount of a mixture is that of the drug whose vials were
    scanned; where it is nobody's, its first drug asks. Where nothing of a mixture was discarded,
    nothing of each drug was.

    Millilitres are those of the vials of the same dose, or of any vial of the day where the dose
    names none.
    """
    entries: list[WastedAmount] = []
    rests: list[Rest] = []
    unclear: list[WastedAmount] = []
    of_day = [vial.container for vial in opened]
    for dose in doses:
        own = [vial for vial in dose.service.vials if not vial.is_fluid]
        of_dose = [
            vial.container
            for vial in _by_ndc([vial for vial in own if _holds(vial, drug, dose)], drug)
        ]
        amounts: list[Decimal] = []
        drugs = [named.drug for named in dose.service.drugs]
        owner = discarded_of(drugs, [vial.container for vial in own])
        asks = _without_fluids(drugs)[0] if owner is None else owner
        for entry in dose.service.administration.wasted:
            if entry.amount and asks.id != drug.id:
                continue
            amount = wasted_in(drug, entry, of_dose or of_day)
            if amount is None or (amount and owner is None):
                unclear.append(entry)
            else:
                amounts.append(amount)
                entries.append(entry)
        if amounts:
            rests.append(_rest(amounts, dose, doses))
    total = sum([rest.amount for rest in rests], Decimal(0)) if rests else None
    return _Wasted(total, tuple(entries), tuple(rests), tuple(unclear))


def _rest(amounts: Sequence[Decimal], dose: DrugDose, of_day: Sequence[DrugDose]) -> Rest:
    """The rest of a dose; what a person answered stands on one dose and is that of all."""
    entries = dose.service.administration.wasted
    is_answered = any(entry.message and entry.message.type == ANSWER for entry in entries)
    doses = of_day if is_answered else [dose]
    given = sum([one.in_unit_of_drug() or Decimal(0) for one in doses], Decimal(0))
    return Rest(sum(amounts, Decimal(0)), given, len(doses), is_answered)


def wasted_in(
    drug: Drug, entry: WastedAmount, containers: Sequence[Container | None]
) -> Decimal | None:
    """A charted discarded amount in the drug's own unit; None where it cannot be read.

    Millilitres count by the concentration of the containers that were used, where it is one and
    known (None stands for a container that no table knows). Nothing is nothing in any unit, and an
    amount below zero says nothing.
    """
    if not entry.amount:
        return Decimal(0)
    amount = convert(entry.amount, entry.unit, drug.unit)
    millilitres = convert(entry.amount, entry.unit, "ml")
    if amount is None and millilitres is not None:
        strength = _strength(drug, containers)
        amount = millilitres * strength if strength is not None else None
    return amount if amount is not None and amount >= 0 else None


def _strength(drug: Drug, containers: Sequence[Container | None]) -> Decimal | None:
    """How much of the drug one millilitre holds; None where containers differ, or one is dry."""
    strengths: set[Decimal | None] = set()
    for container in containers:
        held = amount_in(drug, container)
        if held and container is not None and container.millilitres:
            strengths.add(held / container.millilitres)
        else:
            strengths.add(None)
    return strengths.pop() if len(strengths) == 1 else None


def _sources(doses: Sequence[DrugDose]) -> tuple[Source, ...]:
    """Where the vials and the discarded amounts stand."""
    items = [dose.service.administration for dose in doses]
    told: list[VialCode | WastedAmount] = []
    for item in items:
        told += (*item.vials, *item.wasted)
    return tuple([Source(entry.message, entry.address) for entry in told if entry.message])
