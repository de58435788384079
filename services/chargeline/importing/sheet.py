"""The bytes of a CSV file as rows of cells, however a spreadsheet program has written them.

It owns encodings (UTF-8 with or without a mark, UTF-16, Windows-1252), separators (comma,
semicolon, tab) and the header. It knows which columns there are, and not what stands in them. What
is no such text, such as a workbook, is refused, and it is said why.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import NamedTuple

from chargeline.engine import Finding, FindingError
from chargeline.importing.columns import COLUMNS

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # XLSX, and XLS of 1997
_SEPARATORS = (",", ";", "\t")
_HINT = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)  # a first line that is for Excel only
_AROUND = " \t\r\n\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)  # how people keep the zeros of ="00123"
_SAVE = "save it from the spreadsheet as `CSV UTF-8 (comma delimited)`"


class ListError(FindingError):
    """A file that is no list of authorizations. Nothing of it was used."""


class SheetRow(NamedTuple):
    """One row with its number in the spreadsheet, where the header is 1, and its cells by column.

    `beyond` counts cells that are filled behind the last column.
    """

    number: int
    cells: dict[str, str]
    beyond: int = 0


def read_sheet(name: str, data: bytes) -> list[SheetRow]:
    """The rows below the header that are not empty. Raises ListError."""
    text = _decoded(name, data)
    if not text.strip(_AROUND):
        raise _refused(name, "a header and rows", "an empty file", "name the file with the list")
    hint = _HINT.match(text)
    skipped = 1 if hint else 0
    text = text[hint.end() :] if hint else text
    separator = hint[1] if hint else _separator(text)
    records = _records(name, text, separator)
    header = next((place for place, cells in enumerate(records) if any(cells)), 0)
    columns = _columns(name, records[header])
    rows = []
    for number, cells in enumerate(records[header + 1 :], start=header + 2 + skipped):
        if any(cells):
            by_column = dict.fromkeys(columns, "") | {
                column: cell for column, cell in zip(columns, cells, strict=False) if column
            }
            by_column.pop("", None)
            rows.append(SheetRow(number, by_column, sum(map(bool, cells[len(columns) :]))))
    if not rows:
        do = "fill it below the header"
        raise _refused(name, "rows below the header", "none", do)
    return rows


def _decoded(name: str, data: bytes) -> str:
    if data.startswith(_WORKBOOKS):
        raise _refused(name, "a CSV file", "a workbook", _SAVE)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _as(name, data, encoding)
    if b"\0" in data:
        raise _refused(name, "text", "bytes that are no text", _SAVE)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _as(name, data, "cp1252")  # what Excel writes as `CSV (Comma delimited)`


def _as(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        found = "bytes that are neither, or not to the end"
        raise _refused(name, "text in UTF-8 or Windows-1252", found, _SAVE) from None


def _separator(text: str) -> str:
    """The separator that gives the header most of our columns."""
    first = text.split("\n", 1)[0]
    return max(_SEPARATORS, key=lambda mark: len(set(_names(first.split(mark))) & set(COLUMNS)))


def _records(name: str, text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [[_cell(cell) for cell in cells] for cells in reader]
    except csv.Error as error:
        expected = "each quotation mark closed, and doubled within a cell"
        where = f"{name}, line {reader.line_num}"
        raise _refused(
            where, expected, str(error), "correct that line, or save the file again"
        ) from None


def _cell(text: str) -> str:
    """A cell without the blanks around it; of `="00123"` what stands in it."""
    plain = text.strip(_AROUND)
    kept = _AS_TEXT.fullmatch(plain)
    return kept[1].strip(_AROUND) if kept else plain


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip(_AROUND + '"').lower() for cell in cells]


def _columns(name: str, cells: Sequence[str]) -> list[str]:
    """The columns of the header. Raises ListError for a strange, doubled or missing one."""
    columns = _names(cells)
    while columns and not columns[-1]:
        columns.pop()
    strange = [column for column in columns if column not in COLUMNS]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    missing = [column for column, about in COLUMNS.items() if about.must and column not in columns]
    where = f"{name}, row 1"
    if strange or not columns:
        do = "correct the name, or take the column out; the first row names the columns"
        found = ", ".join([repr(column) for column in strange]) or "nothing"
        raise _refused(where, f"columns among {', '.join(COLUMNS)}", found, do)
    if twice:
        raise _refused(where, "each column once", ", ".join(twice) + " twice", "take one out")
    if missing:
        do = "add the columns; `chargeline auth import --help` says what they hold"
        raise _refused(where, f"also {', '.join(missing)}", ", ".join(columns), do)
    if not {"codes", "class"} & set(columns):
        raise _refused(where, "a column codes or class", ", ".join(columns), "add one of them")
    return columns


def _refused(where: str, expected: str, found: str, do: str) -> ListError:
    return ListError(
        Finding("authorization.row", expected=expected, found=found, where=where, do=do)
    )
