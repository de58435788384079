"""What a bundle holds, and what it cannot say about a day.

It owns the page of `refdata status` and the one answer to "is the bundle stale": a table is stale
on a day for which it was published, and of which the bundle has no issue. The day is handed in;
nothing here knows the time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, get_args

from chargeline.engine import PublishedTables, Quarter, claim_words, quarter_of
from chargeline.refdata.bundle import Bundle, TableSource

_BY_SETTING = ("mue", "ptp")


class TableName(NamedTuple):
    """A table, and its setting where it has one."""

    table: claim_words.PublishedTable
    setting: claim_words.ClaimSetting | None

    def __str__(self) -> str:
        return f"{self.table} {self.setting or ''}".strip()


def table_names() -> tuple[TableName, ...]:
    """Every table that a bundle may have; MUE and PTP once for each setting."""
    tables: tuple[claim_words.PublishedTable, ...] = get_args(claim_words.PublishedTable)
    settings: tuple[claim_words.ClaimSetting, ...] = get_args(claim_words.ClaimSetting)
    return tuple(
        [
            TableName(table, setting)
            for table in tables
            for setting in (settings if table in _BY_SETTING else (None,))
        ]
    )


def tables_of_bundle(tables: PublishedTables) -> tuple[TableName, ...]:
    """The tables that a bundle has for any quarter, MUE and PTP by setting."""
    return tuple([name for name in table_names() if _is_present(tables, name)])


def _is_present(tables: PublishedTables, name: TableName) -> bool:
    setting = name.setting or "hospital"
    present: Mapping[claim_words.PublishedTable, object] = {
        "crosswalk": tables.crosswalk,
        "payment_limits": tables.payment_limits,
        "status_indicators": tables.status_indicators,
        "hcpcs": tables.hcpcs,
        "mue": tables.mues.get(setting),
        "ptp": tables.ptps.get(setting),
        "add_on": tables.add_ons,
    }
    return bool(present[name.table])


def stale_tables(tables: PublishedTables, day: date) -> tuple[str, ...]:
    """The tables that a bundle has for some quarter and not for that of a day.

    What a site never loads is not stale: CMS publishes no PTP edits for DME.
    """
    return tuple(
        [
            str(name)
            for name in tables_of_bundle(tables)
            if tables.covers(name.table, day, name.setting or "hospital") is not None
        ]
    )


def status(bundle: Bundle, day: date) -> Iterator[str]:
    """The lines of the page: tables by quarter, what is missing on a day, sources and remarks."""
    tables = bundle.tables
    yield (
        f"bundle {tables.version}: {_count(len(bundle.sources), 'sheet')}, "
        f"{_count(len(tables.codes), 'code')} of the rules and the drug tables"
    )
    for name in table_names():
        sources = [
            source
            for source in bundle.sources
            if (source.table, source.setting) == (name.table, name.setting or "")
        ]
        yield f"  {name!s:<20} {'; '.join(_issues(sources)) or 'none'}"
    stale = stale_tables(tables, day)
    if stale:
        yield f"stale on {day} ({quarter_of(day)}): {', '.join(stale)}"
        yield "  download the files of that quarter, and build a new bundle with them"
    else:
        yield f"on {day} ({quarter_of(day)}) every table that it has answers"
    yield "sources"
    for source in bundle.sources:
        yield f"  {source.sha256}  {source.quarter}  {source.name}"
        yield from [f"    {remark}" for remark in source.remarks]


def _issues(sources: Sequence[TableSource]) -> Iterator[str]:
    quarters: dict[Quarter, list[TableSource]] = {}
    for source in sources:
        quarters.setdefault(source.quarter, []).append(source)
    for quarter, of_quarter in sorted(quarters.items()):
        rows, kept = (sum(map(of, of_quarter)) for of in (_rows, _kept))
        yield f"{quarter}, {kept:,} of {_count(rows, 'row')}"


def _rows(source: TableSource) -> int:
    return source.rows


def _kept(source: TableSource) -> int:
    return source.kept


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def latest_quarter(sources: Iterable[TableSource]) -> Quarter:
    """The latest quarter of which there is any table."""
    return max(source.quarter for source in sources)
