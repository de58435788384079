"""HCPCS units of a drug: all doses of a day together, rounded up once.

It owns the sum, and writes the sum out so that a coder can check it by hand. It does not know which
doses belong together.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.formulary import Drug
from chargeline.engine.quantities import plain
from chargeline.engine.words import RoundingAs


def units_of(amount: Decimal, unit_amount: Decimal) -> int:
    """How many units hold an amount: a part of a unit counts whole."""
    return int((amount / unit_amount).to_integral_value(ROUND_CEILING))


def discarded_units(
    given: Decimal, discarded: Decimal, unit_amount: Decimal, *, are_whole: bool
) -> int:
    """How many units were discarded besides the dose: none where less than a unit was.

    `are_whole`: dose and rest together are what whole containers hold, and a part of a unit in them
    counts whole. Elsewhere only what fills a unit besides those of the dose was discarded: 9 mg
    beside 420 mg of 10 mg a unit are none, and 9.5 mg beside 421 mg are none either, since the 43rd
    unit is given.
    """
    if discarded < unit_amount:
        return 0
    together = given + discarded
    opened = units_of(together, unit_amount) if are_whole else int(together / unit_amount)
    return max(0, opened - units_of(given, unit_amount))


class DoseUnits(NamedTuple):
    """The billing units, the whole dose in the drug's own unit, and the sum written out."""

    units: int
    dose: Decimal
    arithmetic: str


def dose_units(drug: Drug, doses: Sequence[Decimal], rounding: RoundingAs = "up") -> DoseUnits:
    """HCPCS units of the day: all doses together, rounded once, at least one.

    Doses are in the drug's own unit. Source: CMS Pub 100-04 ch. 17 (a part of a unit counts whole).
    110 mg and 80 mg of a drug whose unit is 100 mg are 190 mg: 2 units, and not 2 + 1 = 3.
    """
    return _dose_units(drug.unit_amount, drug.unit, tuple(doses), rounding)


_ROUNDED: Mapping[RoundingAs, str] = {"up": ROUND_CEILING, "down": ROUND_FLOOR}


@lru_cache(maxsize=4096)
def _dose_units(
    unit_amount: Decimal, unit: str, doses: tuple[Decimal, ...], rounding: RoundingAs
) -> DoseUnits:
    total = sum(doses, Decimal(0))
    exact = total / unit_amount
    units = max(1, int(exact.to_integral_value(_ROUNDED[rounding])))
    summed = " + ".join([plain(dose) for dose in doses])
    written = f"{summed} = {plain(total)}" if len(doses) > 1 else summed
    quotient = f"{written} {unit} / {plain(unit_amount)} {unit} a unit"
    if exact != units:
        about = plain(exact.quantize(Decimal("0.01")))
        return DoseUnits(units, total, f"{quotient} = {about}, rounded to {units}")
    return DoseUnits(units, total, f"{quotient} = {units}")
