"""Drugs as a message names them: codes, text, amount and unit, and the parts of a mixture.

This module owns the fields in which each segment names a drug. It does not know which product the
codes mean; the formulary does.
"""

from functools import lru_cache
from typing import NamedTuple

from chargeline.engine import DrugAmount
from chargeline.hl7.delimiters import NULL, Delimiters, component, unescape
from chargeline.hl7.segments import Row, decimal_at, field


class _DrugFields(NamedTuple):
    """The fields of a segment that hold the drug's code, its amount and its unit."""

    code: int
    amount: int
    unit: int


_FIELDS = {
    "RXA": _DrugFields(code=5, amount=6, unit=7),
    "RXC": _DrugFields(code=2, amount=3, unit=4),
    "RXD": _DrugFields(code=2, amount=4, unit=5),
    "RXE": _DrugFields(code=2, amount=3, unit=5),
    "RXG": _DrugFields(code=4, amount=5, unit=7),
    "RXO": _DrugFields(code=1, amount=2, unit=4),
}


def drug_at(row: Row, address: str, delimiters: Delimiters) -> DrugAmount | None:
    """The drug that a segment names; None if it names none.

    `address` is the segment's, such as `RXA[2]`. Raises Hl7Error `number.invalid`.
    """
    segment = row[0]
    code, amount, unit = _FIELDS[segment]
    named = field(row, code)
    if not named:
        return None
    quantity = (segment, field(row, amount), field(row, unit))
    return _drug_amount(named, quantity, address, delimiters)


@lru_cache(maxsize=16384)
def _drug_amount(
    named: str, quantity: tuple[str, str, str], address: str, delimiters: Delimiters
) -> DrugAmount | None:
    """The drug of some fields as sent. `quantity`: name of the segment, amount, unit."""
    codes, text = _drug_name(named, delimiters)
    if not codes and not text:
        return None
    segment, measure, unit = quantity
    fields = _FIELDS[segment]
    return DrugAmount(
        codes=codes,
        text=text,
        amount=decimal_at(component(measure, 1, delimiters), f"{address}-{fields.amount}"),
        unit=unescape(component(unit, 1, delimiters).strip(), delimiters),
        component="",
        address=f"{address}-{fields.code}",
        amount_address=f"{address}-{fields.amount}",
    )


@lru_cache(maxsize=8192)
def _drug_name(named: str, delimiters: Delimiters) -> tuple[tuple[str, ...], str]:
    """Codes and text of a coded drug (CWE): its code and alternate code, and its first text."""
    parts = [
        unescape(part.strip(), delimiters)
        for part in named.split(delimiters.repetition)[0].split(delimiters.component)
    ]
    parts += [""] * (6 - len(parts))
    codes = tuple(dict.fromkeys(code for code in (parts[0], parts[3]) if code and code != NULL))
    return codes, next((text for text in (parts[1], parts[4]) if text and text != NULL), "")


def components_of(rows: list[Row], address: str, delimiters: Delimiters) -> list[DrugAmount]:
    """The parts of a mixture: RXC-1 of `B` is the base, any other value an additive."""
    components = []
    for index, row in enumerate(rows, start=1):
        drug = drug_at(row, f"{address}RXC[{index}]", delimiters)
        if drug is not None:
            is_base = component(field(row, 1), 1, delimiters).strip().upper() == "B"
            components.append(drug._replace(component="base" if is_base else "additive"))
    return components
