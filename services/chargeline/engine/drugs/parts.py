"""How the dose of a day is divided among the NDCs that it was taken from.

It owns the arithmetic of containers: how much of each NDC was given and how much was discarded, in
HCPCS units that are rounded once for the whole dose, and in the units in which an NDC is counted.
What the parts hold adds up to what was opened, to the last decimal. It decides nothing about
modifiers.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from chargeline.engine.claim_words import LinePerNdcAs, NdcUnit
from chargeline.engine.containers import Container
from chargeline.engine.drugs.opened import OpenedVials, Opening
from chargeline.engine.drugs.units import discarded_units, units_of
from chargeline.engine.formulary import Drug
from chargeline.engine.quantities import convert
from chargeline.engine.trace import BilledNdc

_THREE_DECIMALS = Decimal("0.001")  # the most that a claim carries


_IS_BY_LOT: Mapping[LinePerNdcAs, bool] = {"lot": True, "ndc": False}


class NdcPart(NamedTuple):
    """What of one NDC was given and discarded on a day: in HCPCS units, and as NDCs are counted.

    `ndc` and `discarded_ndc` are None where no NDC is known.
    """

    anchor: str
    units: int
    discarded_units: int
    ndc: BilledNdc | None = None
    discarded_ndc: BilledNdc | None = None


class _Share(NamedTuple):
    """An amount of the drug that came from one NDC and lot, in the drug's unit."""

    vial: OpenedVials | None
    lots: tuple[str, ...]
    given: Decimal
    discarded: Decimal


def parts_of(
    drug: Drug,
    amounts: tuple[Decimal, Decimal],
    units: int,
    *,
    opening: Opening,
    per: LinePerNdcAs,
    are_whole: bool,
) -> tuple[NdcPart, ...]:
    """The parts of a dose.

    `units` are the HCPCS units of the whole dose, and `amounts` what was given and what was
    discarded, in the drug's unit. `are_whole`: both together are what whole containers hold. The
    units of each part are what it adds to the rounded sum, so that they add up to `units`.
    """
    is_by_lot = _IS_BY_LOT[per]
    shares = _shares(amounts, opening, is_by_lot)
    given = discarded = Decimal(0)
    parts = []
    billed = wasted = 0
    held = discarded_units(*amounts, drug.unit_amount, are_whole=are_whole)
    for place, share in enumerate(shares):
        given, discarded = given + share.given, discarded + share.discarded
        to_here = min(units, units_of(given, drug.unit_amount))
        is_rest = discarded == amounts[1]  # whoever discards the last of it has what is left over
        waste_to_here = held if is_rest else min(held, _whole_units(discarded, drug))
        ndc, discarded_ndc = _counted(share, drug)
        parts.append(
            NdcPart(
                anchor=_anchor(share, place, is_by_lot),
                units=to_here - billed,
                discarded_units=waste_to_here - wasted,
                ndc=ndc,
                discarded_ndc=discarded_ndc,
            )
        )
        billed, wasted = to_here, waste_to_here
    return tuple(parts)


def _whole_units(amount: Decimal, drug: Drug) -> int:
    return int(amount / drug.unit_amount)


def _anchor(share: _Share, place: int, is_by_lot: bool) -> str:
    """What tells a further line of a drug and day from the first: its NDC, and its lot."""
    if place == 0 or share.vial is None:
        return ""
    return f"@{share.vial.ndc}" + (f"@{share.vial.lot}" if is_by_lot else "")


def _shares(
    amounts: tuple[Decimal, Decimal], opening: Opening, is_by_lot: bool
) -> tuple[_Share, ...]:
    """The dose by NDC; one share without an NDC where it cannot be said which vials held it."""
    given, discarded = amounts
    vials = _by_line(opening.vials, is_by_lot)
    if not opening.is_counted:
        only = vials[0] if len(vials) == 1 else None
        return (_Share(only[0] if only else None, only[1] if only else (), given, discarded),)
    return tuple(_taken_from(vials, given, discarded))


_VialsOfLine = tuple[OpenedVials, tuple[str, ...]]
"""The vials of one line, and their lots."""


def _by_line(vials: Sequence[OpenedVials], is_by_lot: bool) -> list[_VialsOfLine]:
    """The vials that share a line, with their lots: those of one NDC, or of one NDC and lot."""
    by_slot: dict[tuple[str, str], _VialsOfLine] = {}
    for vial in vials:
        slot = (vial.ndc, vial.lot if is_by_lot else "")
        before, lots = by_slot.get(slot, (vial._replace(vials=0), ()))
        lots = (*lots, vial.lot) if vial.lot else lots
        by_slot[slot] = (before._replace(vials=before.vials + vial.vials), lots)
    return list(by_slot.values())


def _taken_from(
    vials: Sequence[_VialsOfLine], given: Decimal, discarded: Decimal
) -> Iterator[_Share]:
    """The dose is taken from the vials in their order; what is left of the last is discarded."""
    held = [(vial.amount or Decimal(0)) * vial.vials for vial, _lots in vials]
    for (vial, lots), (taken, thrown) in zip(
        vials, taken_from(held, given, discarded), strict=True
    ):
        yield _Share(vial, lots, taken, thrown)


def taken_from(
    held: Sequence[Decimal], given: Decimal, discarded: Decimal
) -> list[tuple[Decimal, Decimal]]:
    """How much of the dose, and of what was discarded, came from each of some containers.

    The dose is taken from them in their order. Where less was opened than given, the last carries
    what is missing. 440 given of containers of 300 and 150 are 300 and 140, and 10 are discarded of
    the second.
    """
    left, rest = given, discarded
    shares = []
    for place, amount in enumerate(held):
        taken = left if place == len(held) - 1 else min(left, amount)
        thrown = min(rest, max(Decimal(0), amount - taken))
        left, rest = left - taken, rest - thrown
        shares.append((taken, thrown))
    return shares


# ------------------------------------------------------------------ in the units of an NDC


def _counted(share: _Share, drug: Drug) -> tuple[BilledNdc | None, BilledNdc | None]:
    """How much of its NDC was given, and how much discarded."""
    vial = share.vial
    if vial is None:
        return None, None
    unknown = BilledNdc(vial.ndc, "", None, share.lots)
    container = vial.container
    if container is None or not vial.amount:
        return unknown, unknown if share.discarded else None
    both = _quantity(share.given + share.discarded, container, vial.amount, drug)
    given = _quantity(share.given, container, vial.amount, drug)
    if both is None or given is None:
        return unknown, unknown if share.discarded else None
    rest = _Quantity(given.unit, both.quantity - given.quantity)
    return _billed(unknown, given), _billed(unknown, rest) if share.discarded else None


def _billed(unknown: BilledNdc, counted: "_Quantity") -> BilledNdc:
    """An NDC with its quantity; without one where three decimals make nothing of it.

    A claim says no quantity of 0, and 0.001 would say more than was used.
    """
    if counted.quantity <= 0:
        return unknown
    return unknown._replace(unit=counted.unit, quantity=counted.quantity)


class _Quantity(NamedTuple):
    """So much of a container, to three decimals."""

    unit: NdcUnit
    quantity: Decimal


def _quantity(amount: Decimal, container: Container, held: Decimal, drug: Drug) -> _Quantity | None:
    """An amount of the drug as its NDC counts; None where the form of the container is not known.

    A liquid counts in millilitres, and a powder in vials, never in the millilitres in which it was
    dissolved (BCBSM Record 2015-02). A kit counts the sum of its pieces.
    """
    if container.form == "liquid" and container.millilitres:
        return _Quantity("ML", _rounded(amount * container.millilitres / held))
    if container.form in ("powder", "piece"):
        return _Quantity("UN", _rounded(amount * container.pieces / held))
    grams = convert(amount, drug.unit, "g") if container.form == "cream" else None
    return _Quantity("GR", _rounded(grams)) if grams is not None else None


def _rounded(quantity: Decimal) -> Decimal:
    return quantity.quantize(_THREE_DECIMALS, ROUND_HALF_UP).normalize() + 0
