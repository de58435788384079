"""What a person writes beside a choice: a time, an amount, a drug, a route, an NDC, codes.

It owns how such a value is read, and the sentence for one that cannot be. Times carry their offset
from UTC, so that no clock of a site is needed to read them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, get_args

from chargeline.engine.answer_words import ValueKind
from chargeline.engine.authorization_words import BasisCharted, UnitBasis
from chargeline.engine.authorizations.facts import ALL_CODES
from chargeline.engine.care_words import Level
from chargeline.engine.formulary import Formulary
from chargeline.engine.ndc import ndc11
from chargeline.engine.quantities import is_unit
from chargeline.engine.words import Route

_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([^0-9,.\s].*?)\s*")
_CODE = r"[A-Z][0-9]{4}|[0-9]{4}[0-9A-Z]"  # HCPCS level II; CPT, also with a letter at its end
_COUNT = re.compile(r"\s*([0-9]{1,6})\s*(units|visits)?\s*")
_BASES: tuple[UnitBasis, ...] = get_args(UnitBasis)
_CHARGE = re.compile(r"([A-Z0-9]{5})((?:-[A-Z0-9]{2})*)(?:\s+x\s*|\s+)([1-9][0-9]{0,3})")


class WrittenAmount(NamedTuple):
    """An amount as a person wrote it."""

    amount: Decimal
    unit: str


class WrittenCharge(NamedTuple):
    """A code with its modifiers and units, as a person wrote it."""

    code: str
    modifiers: tuple[str, ...]
    units: int


class WrittenCount(NamedTuple):
    """How much is granted, as a person wrote it; `basis` is "" where only a number stands there."""

    granted: Decimal
    basis: BasisCharted


def time_of(value: str) -> datetime | None:
    """A time with its offset, in UTC; None if it is none, or says no offset."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def amount_of(value: str) -> WrittenAmount | None:
    """An amount above nought with its unit, such as 450 mg; None if the value is none."""
    match = _AMOUNT.fullmatch(value)
    if match is None or not Decimal(match[1]) or not is_unit(match[2]):
        return None
    return WrittenAmount(Decimal(match[1]), match[2])


def charge_written(value: str) -> WrittenCharge | None:
    """A charge, such as 96415-59 x2; None if the value is none."""
    match = _CHARGE.fullmatch(value.strip().upper().replace(" X", " x"))
    if match is None:
        return None
    return WrittenCharge(match[1], tuple(match[2].split("-")[1:]), int(match[3]))


def minutes_of(value: str) -> int | None:
    """Whole minutes of one day, above nought; None if the value is none."""
    return int(value) if re.fullmatch(r"[1-9][0-9]{0,3}", value) and int(value) <= 1440 else None


def code_list_of(value: str) -> tuple[str, ...] | None:
    """HCPCS and CPT codes, each once, or ALL_CODES alone; None if the value is none."""
    codes = tuple(dict.fromkeys(re.split(r"[\s,;]+", value.strip().upper())))
    if codes == (ALL_CODES,) or all(re.fullmatch(_CODE, code) for code in codes):
        return codes
    return None


def count_of(value: str) -> WrittenCount | None:
    """A whole number from 0 on, and what is counted; None if the value is none."""
    match = _COUNT.fullmatch(value.lower())
    if match is None:
        return None
    basis: BasisCharted = next((word for word in _BASES if word == match[2]), "")
    return WrittenCount(Decimal(match[1]), basis)


def level_of(value: str) -> Level | None:
    """A level of a visit; None if the value is none."""
    return next((level for level in get_args(Level) if level == value), None)


def payer_of(value: str) -> str | None:
    """A payer as the questions name it, in capitals; None if the value is none."""
    return value if value and value == value.strip().upper() else None


def route_of(value: str) -> Route | None:
    """A word for a route; None if the value is none."""
    return next((route for route in get_args(Route) if route == value), None)


_SHAPES: Mapping[ValueKind, str] = {
    "": "no value",
    "time": "a time with its offset from UTC, such as 2026-03-02T10:30-06:00",
    "amount": "an amount above nought with a unit, such as 450 mg",
    "product": "the id of a drug of the formulary",
    "route": f"one of {', '.join(get_args(Route))}",
    "ndc": "an NDC of eleven digits, or of ten with hyphens, such as 50242-0132-01",
    "administration": "the key of an administration of the visit",
    "minutes": "whole minutes of one day, such as 45",
    "level": f"one of {', '.join(get_args(Level))}",
    "codes": "HCPCS or CPT codes with blanks between them, such as J9271 J9305, or * for all",
    "count": "a whole number from 0 on, with what it counts, such as 800 units or 12 visits",
    "payer": "the payer that the question names, or no value",
    "said": "one of the values that the question names",
    "charge": "a code with its modifiers and units, such as 96415-59 x2",
}
_READERS: Mapping[ValueKind, Callable[[str], object | None]] = {
    "time": time_of,
    "amount": amount_of,
    "route": route_of,
    "minutes": minutes_of,
    "level": level_of,
    "charge": charge_written,
    "ndc": ndc11,
    "codes": code_list_of,
    "count": count_of,
    "payer": payer_of,
}


def refusal(kind: ValueKind, value: str, formulary: Formulary, named: frozenset[str]) -> str:
    """What was expected in place of a value that cannot be used; "" if it can.

    `named` are the keys of the administrations of the visit, or the values that the question names.
    """
    if kind == "":
        usable = not value
    elif kind == "product":
        usable = formulary.has(value)
    elif kind in ("administration", "said"):
        usable = value in named
    else:
        usable = _READERS[kind](value) is not None
    return "" if usable else _SHAPES[kind]
