"""Amounts of drugs: units that convert into each other, and how a person writes a number.

It owns the factors between units of one kind, such as 1,000 mg in a gram. It has no factor between
kinds: millilitres do not become milligrams, because the product's strength is not known here.
"""

from decimal import Decimal

_MASS = {
    **dict.fromkeys(("mcg", "ug", "µg"), Decimal("0.001")),
    **dict.fromkeys(("mg", "mgs", "milligram", "milligrams"), Decimal(1)),
    **dict.fromkeys(("g", "gm", "gram"), Decimal(1000)),
    "kg": Decimal(1000000),
}
_VOLUME = {
    **dict.fromkeys(("ml", "mls", "cc"), Decimal(1)),
    **dict.fromkeys(("l", "liter"), Decimal(1000)),
}
_UNITS = {
    **dict.fromkeys(
        ("unit", "units", "unit(s)", "unt", "iu", "[iu]", "[usp'u]", "u", "int'l units"), Decimal(1)
    ),
    "f2": Decimal(1),  # X12 355, international units
    **dict.fromkeys(("million units", "mu"), Decimal(1000000)),
}
_EQUIVALENTS = {"meq": Decimal(1)}
_ACTIVITY = {"mci": Decimal(1)}
_PIECES = dict.fromkeys(("each", "ea", "kit", "dose"), Decimal(1))
_DIMENSIONS = (_MASS, _VOLUME, _UNITS, _EQUIVALENTS, _ACTIVITY, _PIECES)


def convert(amount: Decimal, unit: str, target: str) -> Decimal | None:
    """An amount in another unit of the same kind; None where there is no factor (mL to mg)."""
    ours, theirs = unit.lower().strip(), target.lower().strip()
    if ours == theirs:
        return amount
    for dimension in _DIMENSIONS:
        if ours in dimension and theirs in dimension:
            return amount * dimension[ours] / dimension[theirs]
    return None


def is_unit(unit: str) -> bool:
    """Whether this is a unit of some kind, such as mg, mL or units."""
    return any(unit.lower().strip() in dimension for dimension in _DIMENSIONS)


def plain(amount: Decimal) -> str:
    """A decimal as a person writes it: 200, 0.25."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
