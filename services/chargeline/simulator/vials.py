"""The vials that the invented pharmacy opens for a dose, and what is left of them.

This module owns a small table of vial sizes: those of dear drugs in vials for one dose, by the NDC
that a scanner reads. The sizes are those of the labels (rules/containers has the same). It knows no
chance: the pharmacy opens as little as holds the dose, and all that is left is discarded.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil
from typing import NamedTuple


class VialSize(NamedTuple):
    """One size of vial: `holds` is in mg."""

    ndc: str
    holds: int


class ScannedVials(NamedTuple):
    """The NDC of each vial that was opened for a dose, and the mg that were discarded of them."""

    ndcs: tuple[str, ...]
    discarded: Decimal


# Drug -> its sizes, the largest first; each holds a whole number of the next, so that to take the
# largest first also leaves the least.
SIZES: dict[str, tuple[VialSize, ...]] = {
    "rituximab": (VialSize("50242-0053-06", 500), VialSize("50242-0051-21", 100)),
    "trastuzumab": (VialSize("50242-0132-01", 150),),
}


def opened_for(drugs: Sequence[tuple[str, str, str]]) -> ScannedVials | None:
    """What was opened for the drugs of one dose, as (drug, amount, unit).

    690 mg of rituximab are a vial of 500 and two of 100, of which 10 are discarded. None where the
    drug is in no vial of the table, or is one of several in a bag.
    """
    if len(drugs) != 1 or drugs[0][0] not in SIZES:
        return None
    drug, amount, unit = drugs[0]
    assert unit == "mg", f"the table of vials is in mg, the dose of {drug} in {unit}"
    left, ndcs = Decimal(amount), []
    *larger, smallest = SIZES[drug]
    for size in larger:
        pieces = int(left // size.holds)
        left -= pieces * size.holds
        ndcs += [size.ndc] * pieces
    pieces = ceil(left / smallest.holds)
    return ScannedVials((*ndcs, *[smallest.ndc] * pieces), pieces * smallest.holds - left)


def plain(amount: Decimal) -> str:
    """An amount as it is charted: without an exponent and without noughts behind the point."""
    return format(amount.normalize(), "f")
