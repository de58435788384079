"""Charges that another system posted, and the credits that take them back.

It owns the arithmetic of charges and credits, and the words in which a charge is told whose number
was sent again. It knows no codes: rules say what a posted code stands for.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from chargeline.engine.care import Care, PostedCharge
from chargeline.engine.quantities import plain

CHANGED_EXPECTED = (
    "a credit (CD in FT1-6) before a number of FT1-2 has another code or day, and one credit of it"
)
CHANGED_DO = (
    "charge entry says whether the last one corrects those before; if each stands, have the sender "
    "give each a number of its own in FT1-2, or none; until then the last one counts alone"
)
_TOLD_MOST = 4


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


def standing_charges(
    days: Iterable[Care], settled: Collection[PostedCharge] = ()
) -> StandingCharges:
    """What stands of the posted charges of some days.

    A credit takes back units of the charge of its number, else of its code and day, and of none
    that was sent after it; those that name their charge go first. `settled` are credits that take
    back charges of other days.
    """
    posted = [charge for care in days for charge in care.posted if charge not in settled]
    whole = [charge for charge in posted if charge.is_whole]
    charges = [charge for charge in whole if charge.kind == "charge"]
    left = [int(charge.units) for charge in charges]
    naming: list[tuple[PostedCharge, list[int]]] = []
    others: list[tuple[PostedCharge, list[int]]] = []
    for credit in [charge for charge in whole if charge.kind == "credit"]:
        named = [n for n, charge in enumerate(charges) if _has_number_of(charge, credit)]
        alike = [n for n, charge in enumerate(charges) if _is_like(charge, credit)]
        (naming if named else others).append((credit, named or alike))
    alone = []
    for credit, places in (*naming, *others):
        back = int(credit.units)
        for place in places:
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


def changed_in_words(charge: PostedCharge) -> str:
    """What was posted under the number of a charge: `99215 on 2026-03-02, then ...`, or how many
    credits it has.
    """
    if not charge.instead_of:
        units = f"{charge.code} x{plain(charge.units)} on {charge.day.isoformat()}"
        return f"{units}, and {charge.credited_again + 1} credits of its number that differ"
    told = [*charge.instead_of, (charge.code, charge.day)]
    most = _TOLD_MOST
    between = f"then {len(told) - most} more, " if len(told) > most else ""
    *first, last = [f"{code} on {day.isoformat()}" for code, day in told]
    return f"{', then '.join(first[: most - 1])}, {between}then {last}, and no credit between"


class CreditApart(NamedTuple):
    """Units of a credit that take back nothing on its day.

    `charge` is the charge of another day that it names by its number (FT1-2), or else the nearest
    one of its code; None where the visit has none. `units` are those that it would take back.
    `others` are the charges of its code that it may take back if it is not the nearest, in order.
    """

    credit: PostedCharge
    charge: PostedCharge | None
    units: int
    is_named: bool
    others: tuple[PostedCharge, ...] = ()


def credits_apart(days: Sequence[Care]) -> tuple[CreditApart, ...]:
    """The credits of a visit that take back no charge of their own day, or more than that has.

    One that names a charge of another day takes back that one, whatever its own day has. Of charges
    of one code the last one until the day of the credit is the nearest, then those before it, and
    then those that come after the credit. A credit of no whole units takes back nothing.
    """
    posted = [charge for care in days for charge in care.posted]
    if not any(charge.kind == "credit" for charge in posted):
        return ()
    charges = [charge for charge in posted if charge.kind == "charge"]
    settled: dict[PostedCharge, PostedCharge] = {}
    for credit in [charge for charge in posted if charge.kind == "credit"]:
        named = [charge for charge in charges if _has_number_of(charge, credit)]
        is_elsewhere = named and all(charge.day != credit.day for charge in named)
        if is_elsewhere and credit.is_whole:
            settled[credit] = named[0]
    balances = [standing_charges([care], settled) for care in days if care.posted]
    left = {charge: units for balance in balances for charge, units in balance.standing}
    apart = [
        CreditApart(credit, None, 0, is_named=False)
        for balance in balances
        for credit in balance.odd
        if credit.kind == "credit"
    ]
    for credit, charge in settled.items():
        apart += _takes(credit, int(credit.units), [charge], left, is_named=True)
    for balance in balances:
        for credit, back in balance.left_of_credits:
            alike = [charge for charge in left if _may_mean(credit, charge)]
            apart += _takes(credit, back, _by_nearness(alike, credit), left, is_named=False)
    return tuple(apart)


def _takes(
    credit: PostedCharge,
    back: int,
    charges: Sequence[PostedCharge],
    left: dict[PostedCharge, int],
    *,
    is_named: bool,
) -> list[CreditApart]:
    """What a credit takes back of some charges in their order, and what of it takes back nothing.

    For what it may take back of one of them, all others are those that may be meant instead.
    """
    apart = []
    for place, charge in enumerate(charges):
        taken = min(back, left.get(charge, 0))
        if taken:
            left[charge] -= taken
            back -= taken
            others = (*charges[place + 1 :], *charges[:place])
            apart.append(CreditApart(credit, charge, taken, is_named=is_named, others=others))
    if back:
        apart.append(CreditApart(credit, None, back, is_named=False))
    return apart


def _by_nearness(charges: Iterable[PostedCharge], credit: PostedCharge) -> list[PostedCharge]:
    ordered = sorted(charges, key=lambda charge: (charge.day, charge.number, charge.message))
    before = [charge for charge in ordered if charge.day <= credit.day]
    return [*reversed(before), *[charge for charge in ordered if charge.day > credit.day]]


def _has_number_of(charge: PostedCharge, credit: PostedCharge) -> bool:
    return bool(credit.number) and charge.number == credit.number and _may_mean(credit, charge)


def _is_like(charge: PostedCharge, credit: PostedCharge) -> bool:
    return charge.day == credit.day and _may_mean(credit, charge)


def _may_mean(credit: PostedCharge, charge: PostedCharge) -> bool:
    """Whether a credit may take back a charge: one of its code that was not sent after it.

    Of two messages of one second, or without a time, either may be the first.
    """
    if charge.code != credit.code:
        return False
    if (
        charge.message.digest == credit.message.digest
        and charge.message.sent == credit.message.sent
    ):
        return charge.source.place < credit.source.place
    charged, credited = charge.sent, credit.sent
    return charged is None or credited is None or charged <= credited
