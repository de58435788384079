"""The rows of a bundle as JSON arrays, and back.

It owns which field stands where in a line. A table of fields serves both ways, so that no row is
written in one order and read in another. Amounts are texts, because a JSON number is a float.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple, get_args

from chargeline.engine import (
    AddOnPair,
    AddOnTable,
    Crosswalk,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    PtpTable,
    PublishedTables,
    Quarter,
    claim_words,
)
from chargeline.refdata.vintage import parse_quarter

Line = Sequence[Any]
Row = tuple[Any, ...]


def _plain(value: object) -> object:
    """A value of a row as JSON has it: amounts and days as texts."""
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _text(value: Any) -> str:
    return intern(value)


@lru_cache(maxsize=4096)
def _amount(value: Any) -> Decimal:
    return Decimal(value)


def _maybe_amount(value: Any) -> Decimal | None:
    return None if value is None else _amount(value)


def _maybe_day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


class _Kind(NamedTuple):
    """A kind of row: its class, and how each of its fields is read."""

    row: Callable[..., Row]
    fields: tuple[Callable[[Any], Any], ...]

    def read(self, values: Iterable[Any]) -> Row:
        """The row of the values of a line."""
        fields = zip(self.fields, values, strict=True)
        return self.row(*[read(value) for read, value in fields])


_KINDS: Mapping[str, _Kind] = {
    "product": _Kind(
        CrosswalkRow,
        (_text, _text, tuple, _text, _text, _text, _amount, _amount, _amount, _amount),
    ),
    "limit": _Kind(PaymentLimit, (_text, _text, _maybe_amount, _maybe_amount)),
    "status": _Kind(OppsStatus, (_text, _text, _text, _maybe_amount)),
    "hcpcs": _Kind(HcpcsDates, (_text, date.fromisoformat, _maybe_day)),
    "mue": _Kind(MueLimit, (_text, int, int, _text)),
    "ptp": _Kind(PtpEdit, (_text, _text, _text, date.fromisoformat, _maybe_day, _text)),
    "add_on": _Kind(AddOnPair, (_text, int, _text, date.fromisoformat, _maybe_day)),
}


# ------------------------------------------------------------------ writing


def to_line(value: object) -> bytes:
    """A line of a bundle."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def to_lines(tables: PublishedTables) -> Iterator[bytes]:
    """The lines of tables, sorted within each kind; a row that quarters share stands once."""
    yield to_line(("codes", *sorted(tables.codes)))
    yield from _shared("product", {q: _products(c) for q, c in tables.crosswalk.items()})
    yield from _shared("limit", {q: t.values() for q, t in tables.payment_limits.items()})
    yield from _shared("status", {q: t.values() for q, t in tables.status_indicators.items()})
    yield from _shared("hcpcs", {q: t.values() for q, t in tables.hcpcs.items()})
    for setting, quarters in sorted(tables.mues.items()):
        yield from _shared("mue", {q: t.values() for q, t in quarters.items()}, setting)
    for setting, ptp in sorted(tables.ptps.items()):
        edits = [edit for pair in ptp.pairs.values() for edit in pair]
        yield from _shared("ptp", {ptp.quarter: edits}, setting)
    if tables.add_ons is not None:
        pairs = [pair for code in tables.add_ons.pairs.values() for pair in code]
        yield from _shared("add_on", {tables.add_ons.quarter: pairs})


def _products(crosswalk: Crosswalk) -> list[CrosswalkRow]:
    return [row for rows in crosswalk.by_ndc.values() for row in rows]


def _shared(
    kind: str, quarters: Mapping[Quarter, Iterable[Row]], setting: str = ""
) -> Iterator[bytes]:
    of_row: dict[Row, list[Quarter]] = {}
    for quarter in sorted(quarters):
        for row in quarters[quarter]:
            of_row.setdefault(tuple(map(_plain, row)), []).append(quarter)
    word = f"{kind} {setting}".strip()
    yield from sorted(
        [to_line((word, " ".join(map(str, named)), *row)) for row, named in of_row.items()]
    )


# ------------------------------------------------------------------ reading


def from_lines(lines: Iterable[Line], issues: Iterable[Sequence[Any]]) -> PublishedTables:
    """The tables of lines. `issues` are the tables that are there, even without a row."""
    rows: dict[tuple[str, Quarter], list[Any]] = {}
    codes: frozenset[str] = frozenset()
    parsed: dict[str, list[Quarter]] = {}
    for word, *values in lines:
        if word == "codes":
            codes = frozenset(values)
            continue
        row = _KINDS[word.partition(" ")[0]].read(values[1:])
        named = values[0]
        if named not in parsed:
            parsed[named] = [q for q in map(parse_quarter, named.split()) if q is not None]
        for quarter in parsed[named]:
            rows.setdefault((word, quarter), []).append(row)
    return tables_of(rows, codes, issues)


_WORDS = {
    "crosswalk": "product",
    "payment_limits": "limit",
    "status_indicators": "status",
    "hcpcs": "hcpcs",
    "mue": "mue",
    "ptp": "ptp",
    "add_on": "add_on",
}


def tables_of(
    rows: Mapping[tuple[str, Quarter], Sequence[Any]],
    codes: frozenset[str],
    issues: Iterable[Sequence[Any]],
) -> PublishedTables:
    """The tables of rows by word (`mue hospital`) and quarter; of PTP and add-on codes the latest.

    An issue is a table, its setting and its quarter.
    """
    by_table: dict[str, dict[Quarter, Sequence[Any]]] = {}
    for table, setting, quarter in issues:
        word = f"{_WORDS[table]} {setting}".strip()
        by_table.setdefault(word, {})[quarter] = rows.get((word, quarter), ())
    latest = {word: max(quarters) for word, quarters in by_table.items()}
    newest = {word: by_table[word][quarter] for word, quarter in latest.items()}
    settings: tuple[claim_words.ClaimSetting, ...] = get_args(claim_words.ClaimSetting)
    return PublishedTables(
        codes=codes,
        crosswalk={q: _crosswalk(of) for q, of in by_table.get("product", {}).items()},
        payment_limits=_by_code(by_table.get("limit", {})),
        status_indicators=_by_code(by_table.get("status", {})),
        hcpcs=_by_code(by_table.get("hcpcs", {})),
        mues={
            setting: _by_code(by_table[f"mue {setting}"])
            for setting in settings
            if f"mue {setting}" in by_table
        },
        ptps={
            setting: PtpTable(latest[f"ptp {setting}"], _edits(newest[f"ptp {setting}"]))
            for setting in settings
            if f"ptp {setting}" in by_table
        },
        add_ons=AddOnTable(latest["add_on"], _pairs(newest["add_on"]))
        if "add_on" in by_table
        else None,
    )


def _edits(rows: Iterable[PtpEdit]) -> dict[tuple[str, str], tuple[PtpEdit, ...]]:
    return _grouped(
        rows,
        lambda edit: tuple(sorted((edit.column1, edit.column2))),
        order=lambda edit: (edit.column1, edit.starts),
    )


def _pairs(rows: Iterable[AddOnPair]) -> dict[str, tuple[AddOnPair, ...]]:
    return _grouped(rows, lambda pair: pair.hcpcs, order=lambda pair: (pair.primary, pair.starts))


def _by_code(quarters: Mapping[Quarter, Sequence[Any]]) -> dict[Quarter, dict[str, Any]]:
    return {quarter: {row.hcpcs: row for row in rows} for quarter, rows in quarters.items()}


def _grouped(
    rows: Iterable[Any], key: Callable[[Any], Any], order: Callable[[Any], Any] | None = None
) -> dict[Any, tuple[Any, ...]]:
    """Rows by key, those of one key in order, so that equal tables are equal."""
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {name: tuple(sorted(group, key=order)) for name, group in groups.items()}


def _crosswalk(rows: Sequence[CrosswalkRow]) -> Crosswalk:
    return Crosswalk(_grouped(rows, lambda row: row.ndc), _grouped(rows, lambda row: row.hcpcs))
