"""Charges that another system posted, and the credits that take them back.

It owns the arithmetic of charges and credits. It knows no codes: rules say what a posted code
stands for.
"""

from collections.abc import Iterable
from typing import NamedTuple

from chargeline.engine.care import Care, PostedCharge


class StandingCharges(NamedTuple):
    """The posted charges of some days: what no credit takes back, with the units that are left.

    `odd` are charges and credits whose units are no whole number above zero, and `alone` are the
    credits of which some units take back nothing.
    """

    standing: tuple[tuple[PostedCharge, int], ...]
    odd: tuple[PostedCharge, ...]
    alone: tuple[PostedCharge, ...]


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
            alone.append(credit)
    rest = zip(charges, left, strict=True)
    return StandingCharges(
        tuple([(charge, units) for charge, units in rest if units > 0]),
        odd=tuple([charge for charge in posted if charge not in whole]),
        alone=tuple(alone),
    )


def _has_number_of(charge: PostedCharge, credit: PostedCharge) -> bool:
    return bool(credit.number) and charge.number == credit.number and charge.code == credit.code


def _is_like(charge: PostedCharge, credit: PostedCharge) -> bool:
    return (charge.code, charge.day) == (credit.code, credit.day)
