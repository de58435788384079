"""Reads TOML files and CSV tables of the rules folder, and collects their mistakes.

This module owns the shape of a file: headings, columns, dates. It does not know what a rule or a
row means. No function stops at the first mistake; each adds to a list, so that a coder sees all of
them in one run. Dates are days of service: `from` is the first day on which a row holds, `until`
the first on which it no longer does.
"""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from chargeline.engine import Finding


def place_of(path: Path) -> str:
    """A file as mistakes name it: with its folder, such as base/technique.toml."""
    return f"{path.parent.name}/{path.name}"


def read_toml(path: Path, mistakes: list[Finding]) -> dict[str, object]:
    """A TOML file as a table; {} and a mistake if the file cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or too deep or too large
        mistakes.append(
            Finding(
                "rules.file",
                expected="a TOML file",
                found=str(error),
                where=place_of(path),
                do="correct the file",
            )
        )
    except FileNotFoundError:
        mistakes.append(
            Finding(
                "rules.file",
                expected="this file",
                found="none",
                where=str(path),
                do="restore it, or name another folder",
            )
        )
    return {}


def entries_of(
    path: Path, heading: str, others: frozenset[str], mistakes: list[Finding]
) -> list[dict[str, object]]:
    """The [[heading]] entries of a file. Any other key that is not in `others` is a mistake."""
    table = read_toml(path, mistakes)
    for key in sorted(set(table) - others - {heading}):
        mistakes.append(_not_entries(path, heading, repr(key)))
    entries = table.get(heading, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        mistakes.append(_not_entries(path, heading, f"one [{heading}], or a plain value"))
        return []
    return entries


def _not_entries(path: Path, heading: str, found: str) -> Finding:
    return Finding(
        "rules.key",
        expected=f"[[{heading}]] entries",
        found=found,
        where=place_of(path),
        do=f"write [[{heading}]]",
    )


class Row(NamedTuple):
    """One row of a table. `place`: file and line; `cells`: its texts by column."""

    place: str
    cells: dict[str, str]


def read_table(path: Path, columns: Sequence[str], mistakes: list[Finding]) -> list[Row]:
    """The rows of a CSV table, whose header must name all these columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                mistakes.append(
                    Finding(
                        "rules.key",
                        expected=f"columns {', '.join(columns)}",
                        found=f"no {', '.join(missing)}",
                        where=place_of(path),
                        do="add them",
                    )
                )
                return []
            return [
                Row(
                    f"{place_of(path)} line {reader.line_num}",
                    {key: value or "" for key, value in cells.items() if key},
                )
                for cells in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        mistakes.append(
            Finding(
                "rules.file",
                expected="a CSV table",
                found=str(error),
                where=str(path),
                do="correct the file or its name",
            )
        )
        return []


class Days(NamedTuple):
    """The first day on which a row holds, and the first day on which it no longer does."""

    starts: date
    ends: date | None


def days_of(row: Row, mistakes: list[Finding]) -> Days:
    """The cells `from` and `until` of a row."""
    starts = _day(row, "from", mistakes)
    ends = _day(row, "until", mistakes)
    if not row.cells["from"].strip():
        mistakes.append(
            Finding(
                "rules.date",
                expected="a first day in from",
                found="none",
                where=row.place,
                do="say since when the row holds",
            )
        )
    if ends is not None and starts is not None and ends <= starts:
        mistakes.append(
            Finding(
                "rules.date",
                expected="until after from",
                found=f"{starts} to {ends}",
                where=row.place,
                do="write the first day on which the row no longer holds",
            )
        )
    return Days(starts or date.min, ends)


class OptionalDays(NamedTuple):
    """As `Days`, where the first day may be left out."""

    starts: date | None
    ends: date | None


def optional_days_of(row: Row, mistakes: list[Finding]) -> OptionalDays:
    """The cells `from` and `until` of a row, both of which may be empty."""
    return OptionalDays(_day(row, "from", mistakes), _day(row, "until", mistakes))


def _day(row: Row, column: str, mistakes: list[Finding]) -> date | None:
    text = row.cells[column].strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        mistakes.append(
            Finding(
                "rules.date",
                expected=f"{column} as YYYY-MM-DD",
                found=repr(text),
                where=row.place,
                do="correct the date",
            )
        )
        return None


def check_source(
    row: Row, sources: Mapping[str, str], mistakes: list[Finding], column: str = "cite"
) -> None:
    """Add a mistake if a row cites a source that sources.toml does not have."""
    check_key(row.cells[column], row.place, sources, mistakes)


def check_key(key: str, place: str, sources: Mapping[str, str], mistakes: list[Finding]) -> None:
    """Add a mistake if sources.toml does not have a key."""
    if key not in sources:
        mistakes.append(
            Finding(
                "rules.cite",
                expected="a source of sources.toml",
                found=repr(key),
                where=place,
                do="correct the key",
            )
        )
