"""The cells of one row by the names of their columns, read as codes, amounts and days.

It owns what a cell may look like: codes of five signs, NDCs, amounts without signs or currencies,
and days in the five ways in which CMS writes them. What is wrong is added to the mistakes with the
line, and `ok` is then False. It does not know what a table means.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from sys import intern

from chargeline.engine import FindingCode, plain
from chargeline.refdata.errors import FileLine, Mistakes
from chargeline.refdata.sheets import NumberedRow

CODE = re.compile(r"[A-Z0-9][0-9]{3}[A-Z0-9]")
_AMOUNT = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?|\.\d+")
_DIGITS = re.compile(r"(\d{7,8})(?:\.0*)?")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: 00:00:00)?")
_NO_DAY = frozenset({"", "*", "0", "99999999", "9999999"})
_EXCERPT = 40


def as_code(text: str) -> str:
    """A cell as a code: in capitals, and with the zeros that a workbook takes from 00100."""
    code = text.strip().upper().removesuffix(".0")
    return code.zfill(5) if code.isdecimal() and 2 < len(code) < 5 else code


class Cells:
    """One row: each reading gives a value, or adds a mistake and makes `ok` False."""

    def __init__(
        self, row: NumberedRow, index: Mapping[str, int], *, file: str, mistakes: Mistakes
    ) -> None:
        self._cells = row.cells
        self._index = index
        self.place = FileLine(file, row.line)
        self._mistakes = mistakes
        self.ok = True

    def text(self, column: str) -> str:
        """The text of a column; "" where the row or the file does not have it."""
        place = self._index.get(column)
        return self._cells[place].strip() if place is not None and place < len(self._cells) else ""

    def mistake(
        self, expected: str, found: str, do: str = "download the file again, or report the row",
        code: FindingCode = "refdata.row",
    ) -> None:  # fmt: skip
        """Take note of a mistake in this row."""
        self.ok = False
        shown = found if len(found) <= _EXCERPT else f"{found[:_EXCERPT]}…"
        self._mistakes.add(code, expected=expected, found=shown, where=str(self.place), do=do)

    def code(self, column: str) -> str:
        """A HCPCS or CPT code of five signs."""
        text = as_code(self.text(column))
        if not CODE.fullmatch(text):
            self.mistake("a code of five signs", repr(self.text(column)))
        return text

    def amount(self, column: str, *, dollars: bool = False) -> Decimal:
        """An amount of at least 0. A dollar sign is allowed where the table is written so."""
        text = self.text(column)
        plain = text.removeprefix("$").strip() if dollars else text
        if not _AMOUNT.fullmatch(plain):
            self.mistake(f"a number of at least 0 in {column}", repr(text))
            return Decimal(0)
        return _decimal(plain)

    def is_blank_or_zero(self, column: str) -> bool:
        """Whether a cell is there, and says nothing or 0. A row that ends before it is cut off."""
        place = self._index[column]
        return place < len(self._cells) and self._cells[place].strip() in ("", "0", "0.0", ".")

    def name(self, column: str) -> str:
        """A text that stands in many rows, such as a labeler: it is kept once."""
        return intern(self.text(column))

    def whole(self, column: str) -> int:
        """A whole number of at least 0."""
        text = self.text(column).removesuffix(".0")
        if not text.isdecimal():
            self.mistake(f"a whole number of at least 0 in {column}", repr(self.text(column)))
            return 0
        return int(text)

    def day(self, column: str) -> date | None:
        """A day; None where the cell is empty or has `*`, which means that there is none."""
        text = self.text(column)
        if text in _NO_DAY:
            return None
        try:
            day = _day(text)
        except (ValueError, OverflowError):
            day = None
        if day is None:
            self.mistake(f"a day such as 20261001 in {column}", repr(text))
        return day

    def first_day(self, column: str) -> date:
        """A day that must be there."""
        day = self.day(column)
        if day is None and self.ok:
            self.mistake(f"a day such as 20261001 in {column}", repr(self.text(column)))
        return day or date.min


@lru_cache(maxsize=4096)
def _decimal(text: str) -> Decimal:
    """A number without zeros at its end, so that `1.50` of a text is `1.5` of a workbook.

    One object stands for all cells with the same number: few numbers stand in many rows.
    """
    return Decimal(plain(Decimal(text.replace(",", ""))))


def _day(text: str) -> date | None:
    """20261001, 20261001.0, 2026274 (the 274th day of 2026), 10/1/2026 or 2026-10-01."""
    if match := _DIGITS.fullmatch(text):
        digits = match[1]
        if len(digits) == 7:
            nth = int(digits[4:])
            day = date(int(digits[:4]), 1, 1) + timedelta(days=nth - 1)
            return day if nth and day.year == int(digits[:4]) else None
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    if match := _SLASHES.fullmatch(text):
        return date(int(match[3]), int(match[1]), int(match[2]))
    if match := _ISO.fullmatch(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    return None
