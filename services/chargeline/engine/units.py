"""Units: of time for services, of dose for drugs.

It owns the two pieces of arithmetic that every line rests on, each with the sum written out so
that a coder can check it by hand. Thresholds come in as arguments; nothing is rounded twice.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.formulary import Drug

_MASS = {"mcg": Decimal("0.001"), "ug": Decimal("0.001"), "µg": Decimal("0.001"), "mg": Decimal(1)}
_MASS.update({"g": Decimal(1000), "gm": Decimal(1000), "gram": Decimal(1000), "kg": Decimal(1000000)})
_MASS.update({"milligram": Decimal(1), "milligrams": Decimal(1), "mgs": Decimal(1)})
_VOLUME = {"ml": Decimal(1), "mls": Decimal(1), "cc": Decimal(1), "l": Decimal(1000), "liter": Decimal(1000)}
_UNITS = {name: Decimal(1) for name in ("unit", "units", "iu", "[iu]", "[usp'u]", "u", "int'l units")}
_UNITS.update({"million units": Decimal(1000000), "mu": Decimal(1000000)})
_EQUIVALENTS = {"meq": Decimal(1)}
_ACTIVITY = {"mci": Decimal(1)}
_PIECES = {"each": Decimal(1), "ea": Decimal(1), "kit": Decimal(1), "dose": Decimal(1)}
_DIMENSIONS = (_MASS, _VOLUME, _UNITS, _EQUIVALENTS, _ACTIVITY, _PIECES)


def additional_hours(minutes: int, remainder_minutes: int) -> int:
    """Units past the first hour: each further hour, the last of at least `remainder_minutes`.

    With 31: 90 minutes earn none, 91 one, 151 two (coding-rules, CPT "more than 30 minutes").
    """
    return max(0, (minutes - remainder_minutes) // 60)


def hours_in_words(minutes: int, remainder_minutes: int, units: int) -> str:
    """The arithmetic of `additional_hours`, written out."""
    return (
        f"{minutes} minutes = {minutes // 60} h + {minutes % 60} min; a further hour counts "
        f"from {remainder_minutes} min, so {units} beyond the first"
    )


class DoseUnits(NamedTuple):
    """Billing units of a dose, the dose in the drug's unit, and the sum in words."""

    units: int
    dose: Decimal
    arithmetic: str


def convert(amount: Decimal, unit: str, target: str) -> Decimal | None:
    """An amount in another unit of the same kind; None where no factor exists (mL to mg)."""
    ours, theirs = unit.lower().strip(), target.lower().strip()
    if ours == theirs:
        return amount
    for dimension in _DIMENSIONS:
        if ours in dimension and theirs in dimension:
            return amount * dimension[ours] / dimension[theirs]
    return None


def plain(amount: Decimal) -> str:
    """A decimal as a person writes it: 200, 0.25."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def dose_units(drug: Drug, doses: Sequence[Decimal]) -> DoseUnits:
    """HCPCS units of the day: all doses together, rounded up once, at least one.

    Doses are in the drug's own unit. Source: CMS Pub 100-04 ch. 17 (a part of a unit counts whole).
    """
    return _dose_units(drug.unit_amount, drug.unit, tuple(doses))


@lru_cache(maxsize=4096)
def _dose_units(unit_amount: Decimal, unit: str, doses: tuple[Decimal, ...]) -> DoseUnits:
    total = sum(doses, Decimal(0))
    units = max(1, int((total / unit_amount).to_integral_value(ROUND_CEILING)))
    summed = " + ".join([plain(each) for each in doses])
    written = f"{summed} = {plain(total)}" if len(doses) > 1 else summed
    return DoseUnits(units, total, f"{written} {unit} / {plain(unit_amount)} {unit} a unit = {units}")
