"""The vials, syringes and kits in which drugs are bought, by their NDC.

It owns what is known of a container, and which containers waste least for a dose. It knows no
product: the rows come from the site's pharmacy and from published tables. One NDC may be billed
under several codes (an epoetin has one for dialysis), so a container names all drugs that it may
be. What an unknown NDC holds is None, never a guess.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import ceil, gcd, lcm
from typing import NamedTuple

from chargeline.engine.claim_words import FormCharted, UseFact


class Container(NamedTuple):
    """One NDC: what is opened under it holds `amount` of `unit` of a drug.

    That is one vial or syringe, or a kit of several `pieces`, whose amounts are added. `drugs` are
    ids of the formulary. `millilitres` is the volume of a liquid, None where it is dry or not
    known. `starts` and `ends` are the days between which it is on the market, half open; None where
    nobody says. The amount is what the label says: overfill is neither billed nor waste.
    `is_stocked`: the site's own table has it, so somebody there can take it from the shelf.
    `rounding` is by how much `amount` may be off because a table rounded the units that it is made
    of: 10 mg are 133.33 units of 0.075 mg, which are 9.99975 mg.
    """

    ndc: str
    drugs: tuple[str, ...]
    amount: Decimal
    unit: str
    millilitres: Decimal | None
    form: FormCharted
    use: UseFact
    starts: date | None
    ends: date | None
    cite: str
    is_stocked: bool = True
    pieces: int = 1
    rounding: Decimal = Decimal(0)

    def in_force(self, day: date) -> bool:
        """Whether it is on the market on a day."""
        begun = self.starts is None or self.starts <= day
        return begun and (self.ends is None or day < self.ends)


class Containers:
    """Containers by NDC, and by drug."""

    def __init__(self, containers: Iterable[Container] = ()) -> None:
        self.rows = tuple(sorted(containers, key=lambda row: (row.ndc, row.starts or date.min)))
        self._by_ndc: dict[str, list[Container]] = {}
        self._by_drug: dict[str, list[Container]] = {}
        for row in self.rows:
            self._by_ndc.setdefault(row.ndc, []).append(row)
            for drug in row.drugs:
                self._by_drug.setdefault(drug, []).append(row)

    def of(self, ndc: str, day: date) -> Container | None:
        """The container of an NDC; the last one that was on the market where none is any more."""
        rows = self._by_ndc.get(ndc, ())
        return next((row for row in rows if row.in_force(day)), rows[-1] if rows else None)

    def of_drug(self, drug: str, day: date) -> tuple[Container, ...]:
        """The containers of a drug that the site has, and that are on the market on a day."""
        return tuple([row for row in self.sold(drug, day) if row.is_stocked])

    def sold(self, drug: str, day: date) -> tuple[Container, ...]:
        """The containers of a drug that are on the market on a day, whether the site has them."""
        return tuple([row for row in self._by_drug.get(drug, ()) if row.in_force(day)])


def least_opened(dose: Decimal, sizes: Iterable[Decimal]) -> Decimal | None:
    """The smallest amount that whole containers of some sizes hold, and that covers a dose.

    None where no size is known, or where the dose is so many containers that nobody would draw it.
    610 of containers of 180 need 720; 440 of containers of 160 and 100 need 460.
    """
    return _least_opened(dose, tuple(sorted(set(sizes))))


_MOST_STEPS = 5_000


@lru_cache(maxsize=4096)
def _least_opened(dose: Decimal, sizes: Sequence[Decimal]) -> Decimal | None:
    if not sizes or dose <= 0:
        return None
    scale = lcm(*[size.as_integer_ratio()[1] for size in sizes])
    whole = [int(size * scale) for size in sizes]
    step = gcd(*whole)  # whatever whole containers hold is a number of these steps
    wanted = ceil(dose * scale / step)
    steps = [size // step for size in whole]
    most = wanted + min(steps)
    if most > _MOST_STEPS:
        return None
    can_be_held = [True]
    for held in range(1, most + 1):
        can_be_held.append(any(held >= size and can_be_held[held - size] for size in steps))
    fewest = next(held for held in range(wanted, most + 1) if can_be_held[held])
    return Decimal(fewest * step) / scale
