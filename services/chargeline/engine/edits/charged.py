"""An edit about drugs that were handed out, and of which nobody charted what became of them.

It owns what neither a line nor a table shows. What was handed out, `supplies.py` knows.
"""

from collections.abc import Iterable, Iterator

from chargeline.engine.quantities import plain
from chargeline.engine.supplies import Supply
from chargeline.engine.trace import Noted, note


def not_given(supplies: Iterable[Supply]) -> Iterator[Noted]:
    """A drug that was handed out for the visit, of which no row says what became of it."""
    for drug, items in _by_drug(supplies).items():
        amounts = [(supply.item.drug.amount, supply.item.drug.unit) for supply in items]
        told = ", ".join(
            f"{plain(amount)} {unit}".rstrip() for amount, unit in amounts if amount is not None
        )
        yield note(
            "drug.not_given",
            (),
            expected=f"a row that says whether {drug} was given",
            found=f"handed out{f' ({told})' if told else ''}, and nothing charted",
            do="chart the dose, or that it was not given and the drug went back",
        )


def _by_drug(supplies: Iterable[Supply]) -> dict[str, list[Supply]]:
    drugs: dict[str, list[Supply]] = {}
    for supply in supplies:
        if supply.drug is not None:
            drugs.setdefault(supply.drug.id, []).append(supply)
    return drugs
