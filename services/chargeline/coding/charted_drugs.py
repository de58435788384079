"""What feed and chart say of each drug on a day of one visit: handed out, given, discarded, opened.

It owns the left side of the balance of drugs. All amounts are in the drug's own unit. It does not
look at charges: so a balance never compares a bill with itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from chargeline.engine import (
    Administration,
    Container,
    Dispensed,
    Drug,
    DrugAmount,
    Formulary,
    Ndc,
    Timeline,
    WastedAmount,
    amount_in,
    convert,
    discarded_of,
    drugs_named,
    supply_of,
    taken_from,
    wasted_in,
)

Stock = Literal["own", "340B", "not bought"]
_WITH_ITS_SERVICE = frozenset({"flush", "blood"})  # neither is sold as a drug
_VIALS = frozenset({"vial", "vials", "vl", "each", "ea", "syringe", "syr", "kit", "bag"})


class NdcShare(NamedTuple):
    """What came from one NDC, "" where nothing says which it was."""

    given: Decimal = Decimal(0)
    discarded: Decimal = Decimal(0)
    dispensed: Decimal | None = None


@dataclass
class ChartedDrug:
    """One drug of one stock on one day of a visit.

    `opened` counts the scanned vials by NDC, and `named` are all NDCs that the chart names.
    `unclear` is what was handed out or charted in an amount that cannot be used.
    """

    drug: Drug
    stock: Stock
    day: date
    given: Decimal = Decimal(0)
    wasted: Decimal | None = None
    doses: int = 0
    not_given: int = 0
    is_scanned: bool = True
    keys: set[str] = field(default_factory=set)
    opened: Counter[str] = field(default_factory=Counter)
    named: set[str] = field(default_factory=set)
    dispensed: dict[str, Decimal] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)

    def shares(self, formulary: Formulary) -> dict[str, NdcShare]:
        """The amounts by NDC.

        Where each vial was scanned and its size is known, the dose is taken from the largest vials
        first (decision 0080), and the rest is discarded where nobody charted how much. Else all of
        the day has the one NDC that anybody names.
        """
        sizes = {
            ndc: amount_in(self.drug, formulary.containers.of(ndc, self.day)) for ndc in self.opened
        }
        held = {ndc: size * self.opened[ndc] for ndc, size in sizes.items() if size is not None}
        if self.is_scanned and held and len(held) == len(sizes):
            order = sorted(held, key=lambda ndc: (-(sizes[ndc] or 0), ndc))
            rest = max(Decimal(0), sum(held.values(), Decimal(0)) - self.given)
            wasted = rest if self.wasted is None else self.wasted
            parts = taken_from([held[ndc] for ndc in order], self.given, wasted)
            shares = {ndc: NdcShare(*part) for ndc, part in zip(order, parts, strict=True)}
            lost = wasted - sum([share.discarded for share in shares.values()])
            last = shares[order[-1]]
            shares[order[-1]] = last._replace(discarded=last.discarded + lost)
        else:
            names = self.named or set(self.dispensed)
            ndc = next(iter(names)) if len(names) == 1 else ""
            shares = {ndc: NdcShare(self.given, self.wasted or Decimal(0))} if self.doses else {}
        for ndc, amount in sorted(self.dispensed.items(), reverse=True):
            if ndc:
                _add_to(shares, "" if "" in shares else ndc, amount)
            else:
                _add_without_ndc(shares, amount)
        if not shares:
            shares[""] = NdcShare(dispensed=Decimal(0))  # handed out, and nobody knows how much
        return shares


def _add_to(shares: dict[str, NdcShare], ndc: str, amount: Decimal) -> None:
    before = shares.get(ndc, NdcShare())
    shares[ndc] = before._replace(dispensed=(before.dispensed or Decimal(0)) + amount)


def _add_without_ndc(shares: dict[str, NdcShare], amount: Decimal) -> None:
    """Add what was handed out by a code of the pharmacy: each NDC what was used of it, and any rest
    to the last.
    """
    names = list(shares) or [""]
    for ndc in names[:-1]:
        share = shares[ndc]
        lacks = share.given + share.discarded - (share.dispensed or Decimal(0))
        part = max(Decimal(0), min(amount, lacks))
        _add_to(shares, ndc, part)
        amount -= part
    _add_to(shares, names[-1], amount)


def charted_drugs(timeline: Timeline, formulary: Formulary) -> list[ChartedDrug]:
    """The drugs of a visit by stock and day, without flushes, blood and fluids that carry a drug.

    Doses that were bought under 340B are apart from those of the site's own stock, as their lines
    are.
    """
    doses = [
        (item, named.amount, named.drug)
        for item in timeline.administrations
        for named in drugs_named(item, formulary)
        if named.drug.kind not in _WITH_ITS_SERVICE
    ]
    drugs_of: dict[str, list[Drug]] = {}
    for item, _amount, drug in doses:
        drugs_of.setdefault(item.key, []).append(drug)
    drugs: dict[tuple[str, date, Stock], ChartedDrug] = {}
    wastes = []
    for item, amount, drug in doses:
        stock: Stock = "340B" if item.discounted else "own"
        if item.not_bought:
            stock = "not bought"
        slot = (drug.id, item.day, stock)
        charted = drugs.setdefault(slot, ChartedDrug(drug, stock, item.day))
        beside = drugs_of[item.key]
        alone = all(other.is_fluid or other.id == drug.id for other in beside)
        vials = _vials_of(item, drug, formulary, alone=alone)
        _add_dose(charted, item, amount, vials)
        owner = discarded_of(beside, _containers_of(item, formulary))
        is_its = owner is not None and owner.id == drug.id
        told = [entry for entry in item.wasted if is_its or not entry.amount]
        scanned = [ndc for ndc, is_scanned in vials if is_scanned]
        wastes.append((charted, told, scanned or [ndc for ndc, _is_scanned in vials]))
    for charted, told, ndcs in wastes:
        _add_waste(charted, told, ndcs, formulary)
    _add_dispensed(drugs, timeline, formulary)
    return list(drugs.values())


def _add_dose(
    charted: ChartedDrug, item: Administration, amount: DrugAmount, vials: Sequence[tuple[str, int]]
) -> None:
    charted.keys.add(item.key)
    if not item.given:
        charted.not_given += 1
        return
    charted.doses += 1
    dose = None if amount.is_unknown or amount.amount is None else amount.amount
    dose = convert(dose, amount.unit, charted.drug.unit) if dose is not None else None
    if dose is None:
        charted.unclear.append("a dose that cannot be read")
    charted.given += dose or Decimal(0)
    charted.is_scanned = charted.is_scanned and any(scanned for _ndc, scanned in vials)
    for ndc, scanned in vials:
        charted.named.add(ndc)
        if scanned:
            charted.opened[ndc] += scanned


def _add_waste(
    charted: ChartedDrug,
    told: Sequence[WastedAmount],
    ndcs: Sequence[str],
    formulary: Formulary,
) -> None:
    """Add what was discarded of one dose; millilitres by its vials, else by any vial of the day."""
    used = ndcs or sorted(charted.opened or charted.named)
    containers = [formulary.containers.of(ndc, charted.day) for ndc in used]
    for entry in told:
        amount = wasted_in(charted.drug, entry, containers)
        if amount is None:
            charted.unclear.append("a discarded amount that cannot be read")
        else:
            charted.wasted = (charted.wasted or Decimal(0)) + amount


def _containers_of(item: Administration, formulary: Formulary) -> list[Container | None]:
    """What the vials of an administration are; those that hold fluid alone are left out."""
    read = [formulary.ndc_of(vial.ndc, item.day) for vial in item.vials]
    containers = [
        formulary.containers.of(ndc.digits, item.day) if isinstance(ndc, Ndc) else None
        for ndc in read
    ]
    return [
        container
        for container in containers
        if container is None or not all(map(formulary.is_fluid, container.drugs))
    ]


def _vials_of(
    item: Administration, drug: Drug, formulary: Formulary, *, alone: bool
) -> list[tuple[str, int]]:
    """The NDCs of an administration that hold the drug, each with 1 where it stands for a vial."""
    vials = []
    for vial in item.vials:
        ndc = formulary.ndc_of(vial.ndc, item.day)
        if isinstance(ndc, Ndc):
            container = formulary.containers.of(ndc.digits, item.day)
            if alone if container is None else drug.id in container.drugs:
                vials.append((ndc.digits, int(vial.scanned)))
    return vials


# ------------------------------------------------------------------ what was handed out


def _add_dispensed(
    drugs: dict[tuple[str, date, Stock], ChartedDrug],
    timeline: Timeline,
    formulary: Formulary,
) -> None:
    """Put what was handed out to the nearest day on which the drug was charted in the visit.

    Of several stocks on that day it is the one whose doses were given under its order.
    """
    orders = {dose.key: dose.order for dose in timeline.administrations}
    for item in timeline.dispensed:
        _item, ndc, container, drug = supply_of(item, formulary)
        if drug is None:
            continue  # `unknown_supplies` tells it
        slots = [slot for slot in drugs if slot[0] == drug.id]
        slot = min(
            slots,
            key=lambda slot: (
                abs(slot[1] - item.day),
                slot[2] == "not bought",
                item.order not in {orders[key] for key in drugs[slot].keys},
                slot,
            ),
            default=(drug.id, item.day, "own"),
        )
        charted = drugs.setdefault(slot, ChartedDrug(drug, slot[2], slot[1]))
        # a question about what was given under the order is a question about what was handed out
        charted.keys |= {dose.key for dose in timeline.administrations if dose.order == item.order}
        amount = _in_unit_of(drug, item.drug, container)
        if amount is None:
            unit = item.drug.unit or "no unit"
            charted.unclear.append(f"an amount that was handed out in {unit}")
        else:
            charted.dispensed[ndc] = charted.dispensed.get(ndc, Decimal(0)) + amount


def unknown_supplies(timeline: Timeline, formulary: Formulary) -> list[Dispensed]:
    """What was handed out of drugs that neither the containers nor the formulary know."""
    return [item for item in timeline.dispensed if supply_of(item, formulary).drug is None]


def _in_unit_of(drug: Drug, amount: DrugAmount, container: Container | None) -> Decimal | None:
    """What was handed out, in the drug's unit: by its own unit, or as vials or mL of an NDC.

    An NDC without a unit counts its containers: RXD-5 may be left out where RXD-2 implies it.
    """
    if amount.amount is None or amount.is_unknown:
        return None
    direct = convert(amount.amount, amount.unit, drug.unit)
    if direct is not None or container is None:
        return direct
    one = amount_in(drug, container)
    if one is not None and (not amount.unit or amount.unit.lower() in _VIALS):
        return amount.amount * one
    millilitres = convert(amount.amount, amount.unit, "ml")
    if one is not None and millilitres is not None and container.millilitres:
        return millilitres * one / container.millilitres
    return None
