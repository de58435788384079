"""What a cell of the list may look like: codes, days, times, counts, numbers that name something.

It owns these shapes and what is said of a cell that is otherwise, above all of what a spreadsheet
program makes of a day, of a long number or of a formula. It knows one cell at a time. What is said
never shows a patient: of a patient's number only the shape.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, cast, get_args

from chargeline.engine import Finding, is_npi, shape_of
from chargeline.importing.columns import COLUMNS, ColumnName
from chargeline.importing.sheet import SheetRow

_CODE = re.compile(r"[A-Z0-9][0-9]{3}[0-9A-Z]|\*")
_DIAGNOSIS = re.compile(r"[A-Z][0-9][0-9A-Z](\.?[0-9A-Z]{1,4})?")
_DAYS = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "%Y-%m-%d"),
    (re.compile(r"\d{8}"), "%Y%m%d"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%m/%d/%Y"),
)
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
_SERIAL = re.compile(r"(\d{5})([.,]\d+)?")
_WHOLE = re.compile(r"\d{1,9}|\d{1,3}(,\d{3})+")
_FLOAT = re.compile(r"\d+[.,]0+|\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_ERROR = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|#+)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXCEL_DAY_0 = date(1899, 12, 30)
_LONGEST = 200
_HIDDEN: frozenset[ColumnName] = frozenset({"patient", "member"})
_AS_TEXT = "give the column the format Text, and write the value again"


class RowCells:
    """The cells of one row. What cannot be read comes back empty, and stands in `wrong`.

    `file` names the file, "" for a row that was given as options. `more` holds what stands in a
    column where the row leaves it empty.
    """

    def __init__(self, file: str, row: SheetRow, more: Mapping[ColumnName, str]) -> None:
        self.row = row
        self.wrong: list[Finding] = []
        self._file = file
        self._more = more
        if row.beyond:
            expected = "no cells behind the last column"
            do = "put a text with a comma between quotation marks"
            self._say("", expected, f"{row.beyond} filled", do)
        for column in COLUMNS:
            self._look(column)

    def _look(self, column: ColumnName) -> None:
        """Object to a cell that must be filled and is not, and to one that no column can have."""
        text = self._raw(column)
        if not text and COLUMNS[column].must:
            self.objection(column, COLUMNS[column].holds, "correct the row")
        elif _ERROR.fullmatch(text):
            self.objection(
                column, COLUMNS[column].holds, "mend the formula or the width of the column"
            )
        elif _CONTROL.search(text):
            self.objection(column, "one line of text", "take the line break out of the cell")
        elif len(text) > _LONGEST:
            self.objection(column, f"at most {_LONGEST} characters", "correct the row")

    def _raw(self, column: ColumnName) -> str:
        return self.row.cells.get(column, "") or self._more.get(column, "")

    def text(self, column: ColumnName) -> str:
        """The text of a cell; "" if it is empty."""
        return self._raw(column)

    def objection(self, column: ColumnName, expected: str, do: str, found: str = "") -> None:
        """Object to a cell. `found` is its text, but of a patient only the shape."""
        text = self._raw(column)
        shown = shape_of(text) if column in _HIDDEN or not text else repr(text[:_LONGEST])
        self._say(column, expected, found or shown, do)

    def _say(self, column: str, expected: str, found: str, do: str) -> None:
        where = f"{self._file}, row {self.row.number}{', column ' if column else ''}{column}"
        where = where if self._file else f"--{column}"  # one row by itself, as options
        if not any(finding.where == where for finding in self.wrong):
            finding = Finding(
                "authorization.row", expected=expected, found=found, where=where, do=do
            )
            self.wrong.append(finding)

    def _read(
        self, column: ColumnName, reading: Callable[[str], Any], expected: str, do: str
    ) -> Any:
        text = self._raw(column)
        if not text or _ERROR.fullmatch(text):
            return None
        value = reading(text)
        if value is None:
            self.objection(column, expected, do)
        return value

    # -------------------------------------------------------------- kinds of cells

    def name(self, column: ColumnName) -> str:
        """A number or name that stands for something, which a spreadsheet may take for a number."""
        text = self._raw(column)
        if _FLOAT.fullmatch(text):
            expected = "the number as it was given, digit by digit"
            self.objection(column, expected, _AS_TEXT, "a number as a spreadsheet rounds it")
        return text

    def code_list(self, column: ColumnName) -> tuple[str, ...]:
        """HCPCS and CPT codes, or * alone."""
        expected = "codes of five characters such as J9271, with blanks between them"
        return self._list(column, _CODE, expected)

    def diagnoses(self, column: ColumnName) -> tuple[str, ...]:
        """ICD-10 codes."""
        expected = "ICD-10 codes such as C34.90, with blanks between them"
        return self._list(column, _DIAGNOSIS, expected)

    def _list(self, column: ColumnName, form: re.Pattern[str], expected: str) -> tuple[str, ...]:
        words = self._raw(column).upper().replace(",", " ").replace(";", " ").split()
        if not all(map(form.fullmatch, words)) or ("*" in words and len(words) > 1):
            self.objection(column, expected, "correct the row")
            return ()
        return tuple(dict.fromkeys(words))

    def count(self, column: ColumnName) -> int | None:
        """A whole number from 1."""
        return cast(
            int | None, self._read(column, _whole, "a whole number from 1", "correct the row")
        )

    def npi(self, column: ColumnName) -> str:
        """A National Provider Identifier: ten digits of which the last one checks the others."""
        expected = "an NPI: ten digits, of which the last one checks the others"
        read = self._read(column, lambda text: text if is_npi(text) else None, expected, _AS_TEXT)
        return read or ""

    def one_of(self, column: ColumnName, words: Any) -> str:
        """One word of a closed list, in any case of letters."""
        allowed = get_args(words)
        read = self._read(
            column,
            lambda text: text.lower() if text.lower() in allowed else None,
            f"one of {', '.join(allowed)}",
            "correct the row",
        )
        return read or ""

    def day(self, column: ColumnName) -> date | None:
        """A day without a time."""
        moment = self.moment(column)
        if moment is not None and (moment.hour or moment.minute or moment.second):
            self.objection(column, "a day without a time", "take the time away")
        return moment.date() if moment is not None else None

    def moment(self, column: ColumnName) -> datetime | None:
        """A day, or a day and a time, by the clock of the facility."""
        text = self._raw(column)
        serial = _SERIAL.fullmatch(text)
        if serial is not None:
            shown = _EXCEL_DAY_0 + timedelta(days=int(serial[1]))
            meant = f"{text}, by which a spreadsheet may mean {shown.isoformat()}"
            do = "give the column the format yyyy-mm-dd, and save the file again"
            self.objection(column, "a day such as 2026-01-31", do, meant)
            return None
        expected = "a day such as 2026-01-31 or 1/31/2026, or with a time behind it"
        do = "give the column the format yyyy-mm-dd; of 3/4/2026 nobody knows the month"
        return cast(datetime | None, self._read(column, _moment, expected, do))


def _whole(text: str) -> int | None:
    number = int(text.replace(",", "")) if _WHOLE.fullmatch(text) else 0
    return number or None


def _is_ambiguous(day: str) -> bool:
    """Whether a day with slashes is another one where the month comes second."""
    month, *more = day.split("/")
    return bool(more) and month.zfill(2) != more[0].zfill(2) and int(more[0]) <= 12


def _moment(text: str) -> datetime | None:
    """None for what is no day or time, and for 3/4/2026, whose month may be the 3 or the 4."""
    day, _blank, clock = text.replace("T", " ").partition(" ")
    for form, written in _DAYS:
        if form.fullmatch(day) and not _is_ambiguous(day):
            for time in _TIMES if clock else ("",):
                with suppress(ValueError):
                    return datetime.strptime(f"{day} {clock.upper()}", f"{written} {time}")
    return None
