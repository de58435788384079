"""Drugs as a message names them: codes, text, amount and unit, and the parts of a mixture.

This module owns the fields in which each segment names a drug, and what may stand in the field of
an amount: a number, a number with its unit (`450 mg`), or several groups of thousands. An amount
that can be read in two ways is not read: `1,000` is a thousand here and one in Europe. The module
does not know which product the codes mean; the formulary does.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine import DrugAmount, shape_of
from chargeline.hl7.delimiters import NULL, Delimiters, component, unescape
from chargeline.hl7.segments import Row, field, is_number


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

    `address` is the segment's, such as `RXA[2]`.
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
    amount = _amount_of(measure, unit, delimiters)
    return DrugAmount(
        codes=codes,
        text=text,
        amount=amount.number,
        unit=amount.unit,
        component="",
        address=f"{address}-{fields.code}",
        amount_address=f"{address}-{fields.amount}",
        unreadable=amount.unreadable,
    )


_MOST_REPETITIONS = 20


class _Amount(NamedTuple):
    """A number and its unit; `unreadable` is the shape of a text that is no number."""

    number: Decimal | None
    unit: str
    unreadable: str = ""


_WITH_UNIT = re.compile(r"([0-9.,]+)\s*([A-Za-zµ\[][^0-9,]*)")
_THOUSANDS = re.compile(r"\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})")


def _amount_of(measure: str, unit: str, delimiters: Delimiters) -> _Amount:
    """The amount that two fields give, such as RXA-6 and RXA-7.

    The unit may stand in the second component of its field (`^milligram`), or behind the number
    (`450 mg`, `450^mg`). Two different units make the amount unreadable.
    """
    written = _unit_of(unit, delimiters, 1) or _unit_of(unit, delimiters, 2)
    text = component(measure, 1, delimiters).strip()
    if not text or text == NULL:
        return _Amount(None, written)
    beside = _unit_of(measure, delimiters, 2)
    if not is_number(text):
        match = _WITH_UNIT.fullmatch(text)
        beside = match[2].strip() if match is not None else beside
        digits = match[1] if match is not None else text
        text = digits.replace(",", "") if _THOUSANDS.fullmatch(digits) else digits
    if written and beside and written.lower() != beside.lower():
        return _Amount(None, written, "an amount with two units")
    if not is_number(text):
        return _Amount(None, written, shape_of(component(measure, 1, delimiters).strip()))
    return _Amount(Decimal(text), written or beside)


def _unit_of(field_text: str, delimiters: Delimiters, n: int) -> str:
    text = component(field_text, n, delimiters).strip()
    return "" if text == NULL else unescape(text, delimiters)


@lru_cache(maxsize=8192)
def _drug_name(named: str, delimiters: Delimiters) -> tuple[tuple[str, ...], str]:
    """Codes and text of a coded drug (CWE): its code and alternate code, and its first text.

    What further repetitions name are more codes: a second code of the drug, or another drug, which
    the formulary then notices.
    """
    first, *others = [
        _coded(repetition, delimiters)
        for repetition in named.split(delimiters.repetition, _MOST_REPETITIONS)[:_MOST_REPETITIONS]
    ]
    codes = [first[0], first[3], *[part for other in others for part in (*other[:2], *other[3:5])]]
    distinct = dict.fromkeys([code for code in codes if code and code != NULL])
    text = next((text for text in (first[1], first[4]) if text and text != NULL), "")
    return tuple(distinct), text


def _coded(repetition: str, delimiters: Delimiters) -> list[str]:
    """The components of a coded value, at least six."""
    parts = repetition.split(delimiters.component, 6)[:6]
    parts = [unescape(part.strip(), delimiters) for part in parts]
    return parts + [""] * (6 - len(parts))


_NDC_SYSTEMS = frozenset({"NDC", "NDC11", "N11"})  # HL7 table 0396, and how sites write it


def ndcs_in(named: str, delimiters: Delimiters) -> list[tuple[str, str]]:
    """The component and the code of each NDC in a coded drug (CWE), by its coding system."""
    if "NDC" not in named.upper() and "N11" not in named:
        return []
    ndcs = []
    for repetition in named.split(delimiters.repetition, _MOST_REPETITIONS)[:_MOST_REPETITIONS]:
        parts = _coded(repetition, delimiters)
        for code, system in ((0, 2), (3, 5)):
            if parts[system].upper() in _NDC_SYSTEMS and parts[code]:
                ndcs.append((f".{code + 1}", parts[code]))
    return ndcs


def components_of(rows: list[Row], address: str, delimiters: Delimiters) -> list[DrugAmount]:
    """The parts of a mixture: RXC-1 of `B` is the base, any other value an additive."""
    components = []
    for index, row in enumerate(rows, start=1):
        drug = drug_at(row, f"{address}RXC[{index}]", delimiters)
        if drug is not None:
            is_base = component(field(row, 1), 1, delimiters).strip().upper() == "B"
            components.append(drug._replace(component="base" if is_base else "additive"))
    return components
