"""Charges that another system posted, and the credits that take them back.

It owns the arithmetic of charges and credits. It knows no codes: rules say what a posted code
stands for.
"""

from collections.abc import Iterable
from typing import NamedTuple

from chargeline.engine.care import Care, PostedCharge


class StandingCharges(NamedTuple):
    """The posted charges of some days: what no credit takes back, with the units that are left.

    `odd` are charges and credits whose units are no whole number above zero, and `left_of_credits`
    are the credits of which some units take back nothing, with these units.
    """

    standing: tuple[tuple[PostedCharge, int], ...]
    odd: tuple[PostedCharge, ...]
    left_of_credits: tuple[tuple[PostedCharge, int], ...]

    @property
    def alone(self) -> tuple[PostedCharge, ...]:
        """The credits of which some units take back nothing."""
        return tuple([credit for credit, _units in self.left_of_credits])


def standing_charges(days: Iterable[Care]) -> StandingCharges:
    """What stands of the posted charges of some days.

    A credit takes back units of the charge of its number, else of its code and day.
    """
    posted = [charge for care in days for charge in care.posted]
    whole = [charge for charge in posted if charge.units > 0 and charge.units == int(charge.units)]
    charges = [charge for charge in whole if charge.kind == "charge"]
    left = [int(charge.units) for charge in charges]
    alone = []
    for credit in [charge for charge in whole if charge.kind == "credit"]:
        back = int(credit.units)
        named = [n for n, charge in enumerate(charges) if _has_number_of(charge, credit)]
        alike = [n for n, charge in enumerate(charges) if _is_like(charge, credit)]
        for place in named or alike:
            taken = min(back, left[place])
            left[place] -= taken
            back -= taken
        if back:
            alone.append((credit, back))
    rest = zip(charges, left, strict=True)
    return StandingCharges(
        tuple([(charge, units) for charge, units in rest if units > 0]),
        odd=tuple([charge for charge in posted if charge not in whole]),
        left_of_credits=tuple(alone),
    )


class CreditApart(NamedTuple):
    """A credit of which some units take back nothing on its day.

    `charge` is the charge of another day that it names by its number (FT1-2), or else the nearest
    one of its code; None where the visit has none. `units` are those that it would take back.
    """

    credit: PostedCharge
    charge: PostedCharge | None
    units: int
    is_named: bool


def credits_apart(days: Iterable[Care]) -> tuple[CreditApart, ...]:
    """The credits of a visit that take back no charge of their own day.

    Of charges of one code the last one until the day of the credit is the nearest, and where all
    come after it the first.
    """
    balances = [standing_charges([care]) for care in days if care.posted]
    alone = [(credit, back) for balance in balances for credit, back in balance.left_of_credits]
    left = {charge: units for balance in balances for charge, units in balance.standing}
    apart = []
    for credit, back in alone:
        alike = [charge for charge, units in left.items() if units and charge.code == credit.code]
        named = [charge for charge in alike if _has_number_of(charge, credit)]
        charge = _nearest(named or alike, credit)
        units = min(back, left[charge]) if charge is not None else back
        if charge is not None:
            left[charge] -= units
        apart.append(CreditApart(credit, charge, units, is_named=bool(named)))
    return tuple(apart)


def _nearest(charges: Iterable[PostedCharge], credit: PostedCharge) -> PostedCharge | None:
    ordered = sorted(charges, key=lambda charge: (charge.day, charge.number, charge.message))
    before = [charge for charge in ordered if charge.day <= credit.day]
    return before[-1] if before else next(iter(ordered), None)


def _has_number_of(charge: PostedCharge, credit: PostedCharge) -> bool:
    return bool(credit.number) and charge.number == credit.number and charge.code == credit.code


def _is_like(charge: PostedCharge, credit: PostedCharge) -> bool:
    return (charge.code, charge.day) == (credit.code, credit.day)
