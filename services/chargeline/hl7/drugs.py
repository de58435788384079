"""Drugs as a message names them: codes, text, amount and unit, and the parts of a mixture.

It owns where these stand in each segment that names a drug. It does not know which product is
meant: that is the formulary's to say.
"""

from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.events import DrugAmount
from chargeline.hl7.reader import NULL, Delimiters, component, unescape
from chargeline.hl7.segments import Row, decimal_at, field


class DrugFields(NamedTuple):
    """In which fields of a segment the drug's code, its amount and its unit stand."""

    code: int
    amount: int
    unit: int


_COMPONENT = DrugFields(code=2, amount=3, unit=4)  # of RXC


def drug_at(row: Row, fields: DrugFields, address: str, delimiters: Delimiters) -> DrugAmount | None:
    """The drug that a segment names, None if it names none. Raises Hl7Error `number.invalid`."""
    named = field(row, fields.code)
    if not named:
        return None
    return _drug_amount(
        named,
        field(row, fields.amount),
        field(row, fields.unit),
        fields=fields,
        address=address,
        delimiters=delimiters,
    )


@lru_cache(maxsize=16384)
def _drug_amount(
    named: str,
    measure: str,
    unit: str,
    *,
    fields: DrugFields,
    address: str,
    delimiters: Delimiters,
) -> DrugAmount | None:
    codes, text = _drug_name(named, delimiters)
    if not codes and not text:
        return None
    return DrugAmount(
        codes=codes,
        text=text,
        amount=decimal_at(component(measure, 1, delimiters), f"{address}-{fields.amount}"),
        unit=unescape(component(unit, 1, delimiters).strip(), delimiters),
        component="",
        address=f"{address}-{fields.code}",
    )


@lru_cache(maxsize=8192)
def _drug_name(named: str, delimiters: Delimiters) -> tuple[tuple[str, ...], str]:
    """Codes and text of a coded drug (CWE): first and alternate code, first text that is not empty."""
    parts = [
        unescape(part.strip(), delimiters)
        for part in named.split(delimiters.repetition)[0].split(delimiters.component)
    ]
    parts += [""] * (6 - len(parts))
    codes = tuple(dict.fromkeys(code for code in (parts[0], parts[3]) if code and code != NULL))
    return codes, next((text for text in (parts[1], parts[4]) if text and text != NULL), "")


def components_of(rows: list[Row], address: str, delimiters: Delimiters) -> list[DrugAmount]:
    """The parts of a mixture: RXC-1 B is the base, anything else an additive."""
    components = []
    for index, row in enumerate(rows, start=1):
        drug = drug_at(row, _COMPONENT, f"{address}RXC[{index}]", delimiters)
        if drug is not None:
            is_base = component(field(row, 1), 1, delimiters).strip().upper() == "B"
            components.append(drug._replace(component="base" if is_base else "additive"))
    return components
