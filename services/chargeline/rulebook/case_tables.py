"""The rows of published tables that a case makes up, in a short notation.

This module owns that notation: `mue hospital J9312 70 3` is a limit of 70 units with indicator 3,
`ptp practitioner 96413 96365 1` a pair, `add-on 96415 96413` a primary code,
`code J9312 2026-07-01` a code that is valid from a day, `price J9312 7.51` what Medicare allows,
`status J1100 N` how OPPS pays a code, and `package 00000-0001-01 J9045 9 45 1` a package of one
vial with 9 units in 45 mL, listed in the quarter of the day or in one behind it, as `2026Q1`.
Nothing published ships, so a case brings its own rows.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple, TypeVar, get_args

from chargeline.engine import (
    AddOnPair,
    AddOnTable,
    Crosswalk,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    Ndc,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    PtpTable,
    PublishedTables,
    Quarter,
    claim_words,
    quarter_of,
    read_ndc,
)

_QUARTER = re.compile(r"\d{4}Q[1-4]")
_LONG_AGO = date(2000, 1, 1)
_MUE_INDICATORS: tuple[Literal[1, 2, 3], ...] = (1, 2, 3)
_PTP_INDICATORS: tuple[Literal["0", "1"], ...] = ("0", "1")
_Word = TypeVar("_Word")
_SETTINGS: tuple[claim_words.ClaimSetting, ...] = get_args(claim_words.ClaimSetting)
_FORMS = (
    "mue SETTING CODE UNITS INDICATOR, ptp SETTING COLUMN1 COLUMN2 INDICATOR, "
    "add-on CODE PRIMARY, code CODE FIRST-DAY, price CODE DOLLARS, status CODE INDICATOR "
    "or package NDC CODE UNITS SIZE PIECES [QUARTER]"
)


class _Rows(NamedTuple):
    """The rows of each table, by code.

    Packages stand by quarter ("": that of the day) and NDC.
    """

    mues: dict[str, dict[str, MueLimit]]
    ptps: dict[str, dict[tuple[str, str], tuple[PtpEdit, ...]]]
    add_ons: dict[str, tuple[AddOnPair, ...]]
    codes: dict[str, HcpcsDates]
    prices: dict[str, PaymentLimit]
    statuses: dict[str, OppsStatus]
    packages: dict[str, dict[str, tuple[CrosswalkRow, ...]]]


def tables_of(texts: Iterable[str], day: date, codes: frozenset[str]) -> PublishedTables:
    """The tables of a case for the quarter of a day. Raises ValueError for a text that is no row.

    `codes` are those that the tables answer for.
    """
    rows = _Rows(mues={}, ptps={}, add_ons={}, codes={}, prices={}, statuses={}, packages={})
    for text in texts:
        try:
            _READERS[text.split()[0]](rows, text.split()[1:])
        except (KeyError, IndexError, ValueError, InvalidOperation, StopIteration):
            raise ValueError(f"{text!r}: expected {_FORMS}") from None
    quarter = quarter_of(day)
    return PublishedTables(
        version="case",
        codes=codes,
        crosswalk=_crosswalks(rows, quarter),
        payment_limits={quarter: rows.prices},
        status_indicators={quarter: rows.statuses},
        hcpcs={quarter: {**_always(codes), **rows.codes}},
        mues={setting: {quarter: rows.mues.get(setting, {})} for setting in _SETTINGS},
        ptps={setting: PtpTable(quarter, rows.ptps.get(setting, {})) for setting in _SETTINGS},
        add_ons=AddOnTable(quarter, rows.add_ons),
    )


def _crosswalks(rows: _Rows, of_day: Quarter) -> dict[Quarter, Crosswalk]:
    """The crosswalk of the day, and those of the quarters that rows name. Raises ValueError."""
    crosswalks = {of_day: Crosswalk({}, {})}
    for text, packages in rows.packages.items():
        year, _q, number = text.partition("Q")
        quarter = Quarter(int(year), int(number)) if text else of_day
        before = crosswalks.get(quarter, Crosswalk({}, {}))
        crosswalks[quarter] = Crosswalk({**before.by_ndc, **packages}, {})
    return crosswalks


def _always(codes: frozenset[str]) -> Mapping[str, HcpcsDates]:
    """Each code as valid since long ago, so that a case need not list what it is not about."""
    return {code: HcpcsDates(code, _LONG_AGO, None) for code in codes}


def _mue(rows: _Rows, parts: list[str]) -> None:
    setting, code, units, indicator = parts
    limit = MueLimit(code, int(units), _one_of(_MUE_INDICATORS, int(indicator)), "")
    rows.mues.setdefault(_one_of(_SETTINGS, setting), {})[code] = limit


def _ptp(rows: _Rows, parts: list[str]) -> None:
    setting, first, second, indicator = parts
    binds = _one_of(_PTP_INDICATORS, indicator)
    edit = PtpEdit(
        column1=first,
        column2=second,
        indicator=binds,
        starts=_LONG_AGO,
        ends=None,
        rationale="",
    )
    key = (min(first, second), max(first, second))
    rows.ptps.setdefault(_one_of(_SETTINGS, setting), {})[key] = (edit,)


def _add_on(rows: _Rows, parts: list[str]) -> None:
    code, primary = parts
    pair = AddOnPair(hcpcs=code, type=1, primary=primary, starts=_LONG_AGO, ends=None)
    rows.add_ons[code] = (*rows.add_ons.get(code, ()), pair)


def _code(rows: _Rows, parts: list[str]) -> None:
    code, starts = parts
    rows.codes[code] = HcpcsDates(code, date.fromisoformat(starts), None)


def _price(rows: _Rows, parts: list[str]) -> None:
    code, dollars = parts
    rows.prices[code] = PaymentLimit(code, "", Decimal(dollars), None)


def _status(rows: _Rows, parts: list[str]) -> None:
    code, indicator = parts
    rows.statuses[code] = OppsStatus(code, indicator, "", None)


def _package(rows: _Rows, parts: list[str]) -> None:
    ndc, code, *numbers = parts
    units, size, pieces = map(Decimal, numbers[:3])
    quarter = "".join(numbers[3:])
    if quarter and not _QUARTER.fullmatch(quarter):
        raise ValueError(quarter)
    read = read_ndc(ndc, _LONG_AGO)
    if not isinstance(read, Ndc):
        raise ValueError(ndc)
    row = CrosswalkRow(
        ndc=read.digits,
        hcpcs=code,
        lists=("asp",),
        labeler="",
        drug_name="",
        dosage="",
        package_size=size,
        pieces=pieces,
        billing_units=units,
        package_units=units * pieces,
    )
    of_quarter = rows.packages.setdefault(quarter, {})
    of_quarter[row.ndc] = (*of_quarter.get(row.ndc, ()), row)


def _one_of(allowed: Iterable[_Word], word: object) -> _Word:
    """The word of a closed list. Raises ValueError for any other."""
    return next(one for one in allowed if one == word)


_READERS = {
    "mue": _mue,
    "ptp": _ptp,
    "add-on": _add_on,
    "code": _code,
    "price": _price,
    "status": _status,
    "package": _package,
}
