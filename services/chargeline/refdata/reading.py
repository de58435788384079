"""The rows of each published table, from the cells of its sheet to the engine's shapes.

It owns what each table's cells mean; layouts.py knows where they stand. Descriptors are never read
into a row: those of CPT codes belong to the AMA, and stand in short descriptions of drug tables
too. A table that would be too large is read for the codes of the bundle only.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from sys import intern
from typing import Literal, NamedTuple

from chargeline.engine import (
    AddOnPair,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    claim_words,
    ndc11,
)
from chargeline.refdata.cells import CODE, Cells, as_code
from chargeline.refdata.collected import Collected, Issue, Rows
from chargeline.refdata.layouts import NOC_CROSSWALK, Layout, Recognised
from chargeline.refdata.sheets import NumberedRow

_NOT_AVAILABLE = frozenset({"", "N/A", "NA"})
_OTHER_ID = re.compile(r"[0-9-]+")
_SIZES = ("size", "pieces", "units", "package_units")
_CONTRACTOR = "CCCCC"
# Addendum D1 of the OPPS rule, with X and Q of older years.
_INDICATORS = frozenset(
    {"A", "B", "C", "D", "E", "E1", "E2", "F", "G", "H", "H1", "J1", "J2", "K", "K1",
     "L", "M", "N", "P", "Q", "Q1", "Q2", "Q3", "Q4", "R", "S", "T", "U", "V", "X", "Y"}
)  # fmt: skip


class SheetCounts(NamedTuple):
    """What a sheet held: its rows, those that were kept, its first and last code, and remarks."""

    rows: int
    kept: int
    first: str
    last: str
    remarks: tuple[str, ...]


class Job(NamedTuple):
    """One sheet to be read: what it is, for which issue, and of which codes (None: of all)."""

    recognised: Recognised
    issue: Issue
    list_name: claim_words.CrosswalkList
    codes: frozenset[str] | None

    def cells(self, row: NumberedRow, collected: Collected) -> Cells:
        """A row by the names of its columns."""
        return Cells(
            row,
            self.recognised.places,
            file=self.recognised.sheet.name,
            mistakes=collected.mistakes,
        )


class _Counting:
    """Rows, their codes and remarks, while a sheet is read."""

    def __init__(self) -> None:
        self.rows = self.kept = 0
        self.first = self.last = ""
        self.remarks: dict[str, int] = {}

    def row(self, code: str) -> None:
        self.rows += 1
        if CODE.fullmatch(code):
            self.first = min(self.first or code, code)
            self.last = max(self.last, code)

    def remark(self, text: str) -> None:
        self.remarks[text] = self.remarks.get(text, 0) + 1

    def counts(self) -> SheetCounts:
        remarks = tuple(f"{count} {text}" for text, count in sorted(self.remarks.items()))
        return SheetCounts(self.rows, self.kept, first=self.first, last=self.last, remarks=remarks)


def read_sheet(job: Job, collected: Collected) -> SheetCounts:
    """Read all rows of a sheet into what was collected."""
    counting = _Counting()
    _READERS[job.recognised.layout.table](job, collected, counting)
    return counting.counts()


def _table(job: Job, counting: _Counting, sign: str = "code") -> Iterator[NumberedRow]:
    """The rows of a sheet that hold a code of the bundle. A note below a table is no row."""
    place = job.recognised.places[sign]
    for row in job.recognised.rows():
        code = as_code(row.cells[place]) if place < len(row.cells) else ""
        if not CODE.fullmatch(code) and _is_note(row, code):
            continue
        counting.row(code)
        if job.codes is None or code in job.codes or not CODE.fullmatch(code):
            yield row


def _is_note(row: NumberedRow, code: str) -> bool:
    """Whether a row is a sentence and nothing else, such as the copyright below Addendum B."""
    return " " in code.strip() and len([cell for cell in row.cells if cell]) == 1


# ------------------------------------------------------------------ drugs


def _crosswalk(job: Job, collected: Collected, counting: _Counting) -> None:
    rows = collected.crosswalk.setdefault(job.issue, Rows())
    is_noc = job.recognised.layout is NOC_CROSSWALK
    for row in _all(job, counting) if is_noc else _table(job, counting):
        cells = job.cells(row, collected)
        hcpcs = "" if is_noc else intern(cells.code("code"))
        of_code = hcpcs or "a NOC drug"
        ndc = _ndc(cells, is_noc=is_noc)
        if ndc is None:
            if cells.ok:
                counting.remark(f"left out, the package of {of_code} has no NDC")
            continue
        if any(cells.is_blank_or_zero(column) for column in _SIZES):
            counting.remark(
                f"left out, the package of {hcpcs or 'a NOC drug'} has no size or units"
            )
            continue
        product = CrosswalkRow(
            ndc=ndc,
            hcpcs=hcpcs,
            lists=(job.list_name,),
            labeler=cells.name("labeler"),
            drug_name=cells.name("drug"),
            dosage=cells.name("dosage"),
            package_size=cells.amount("size"),
            pieces=cells.amount("pieces"),
            billing_units=cells.amount("units"),
            package_units=cells.amount("package_units"),
        )
        if cells.ok:
            counting.kept += 1
            key = (job.list_name, ndc, hcpcs)
            rows.add(key, product, cells.place, collected.mistakes)


def _all(job: Job, counting: _Counting) -> Iterator[NumberedRow]:
    """The rows of a table without codes."""
    for row in job.recognised.rows():
        if not _is_note(row, row.cells[0]):
            counting.row("")
            yield row


def _ndc(cells: Cells, *, is_noc: bool) -> str | None:
    """The NDC; None for an id that is none. Devices have such ids, and NOC drugs other names."""
    text = cells.text("ndc")
    ndc = ndc11(text)
    if ndc is None and not is_noc and not _OTHER_ID.fullmatch(text):
        cells.mistake("an NDC such as 99999-0001-01", repr(text))
    return ndc


def _payment_limits(job: Job, collected: Collected, counting: _Counting) -> None:
    rows = collected.payment_limits.setdefault(job.issue, Rows())
    for row in _table(job, counting):
        cells = job.cells(row, collected)
        percent = cells.text("coinsurance").removesuffix("%").upper()
        limit = PaymentLimit(
            hcpcs=cells.code("code"),
            dosage=cells.name("dosage"),
            dollars=_amount_or_none(cells, "limit"),
            coinsurance=None if percent in _NOT_AVAILABLE else _percent(cells, percent),
        )
        if cells.ok:
            counting.kept += 1
            rows.add(limit.hcpcs, limit, cells.place, collected.mistakes)


def _amount_or_none(cells: Cells, column: str, *, dollars: bool = False) -> Decimal | None:
    """An amount, or None. A sheet that writes dollars shows nothing as `$-`."""
    text = cells.text(column).upper()
    if text in _NOT_AVAILABLE or (dollars and text.replace(" ", "") in ("-", "$-")):
        return None
    return cells.amount(column, dollars=dollars)


def _percent(cells: Cells, text: str) -> Decimal:
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text) or Decimal(text) > 100:
        cells.mistake("a percentage from 0 to 100 in coinsurance", repr(text))
        return Decimal(0)
    return Decimal(text)


def _status_indicators(job: Job, collected: Collected, counting: _Counting) -> None:
    rows = collected.status_indicators.setdefault(job.issue, Rows())
    for row in _table(job, counting):
        cells = job.cells(row, collected)
        status = OppsStatus(
            hcpcs=cells.code("code"),
            indicator=cells.text("indicator").upper(),
            apc=cells.text("apc").removesuffix(".0"),
            dollars=_amount_or_none(cells, "rate", dollars=True),
        )
        if status.indicator not in _INDICATORS:
            cells.mistake("a status indicator such as K or J2", repr(status.indicator))
        if cells.ok:
            counting.kept += 1
            rows.add(status.hcpcs, status, cells.place, collected.mistakes)


def _hcpcs(job: Job, collected: Collected, counting: _Counting) -> None:
    rows = collected.hcpcs.setdefault(job.issue, Rows())
    for row in _table(job, counting):
        cells = job.cells(row, collected)
        code = cells.text("code").upper()
        # 4 goes on with the description of 3; 7 and 8 are modifiers; D codes are the ADA's.
        if cells.text("record") not in ("", "3") or len(code) == 2 or code.startswith("D"):
            continue
        dates = HcpcsDates(cells.code("code"), cells.first_day("added"), cells.day("ended"))
        if cells.ok:
            counting.kept += 1
            rows.add(dates.hcpcs, dates, cells.place, collected.mistakes)


# ------------------------------------------------------------------ NCCI


def _mue(job: Job, collected: Collected, counting: _Counting) -> None:
    rows = collected.mue.setdefault(job.issue, Rows())
    indicators: dict[str, Literal[1, 2, 3]] = {"1": 1, "2": 2, "3": 3}
    for row in _table(job, counting):
        cells = job.cells(row, collected)
        indicator = indicators.get(cells.text("indicator")[:1])
        if indicator is None:
            cells.mistake("an indicator that begins with 1, 2 or 3", repr(cells.text("indicator")))
            continue
        limit = MueLimit(
            cells.code("code"), cells.whole("units"), indicator, cells.name("rationale")
        )
        if cells.ok:
            counting.kept += 1
            rows.add(limit.hcpcs, limit, cells.place, collected.mistakes)


def _ptp(job: Job, collected: Collected, counting: _Counting) -> None:
    """The edits between two codes of the bundle. Those of indicator 9 never bind."""
    rows = collected.ptp.setdefault(job.issue, Rows())
    indicators: dict[str, Literal["0", "1"]] = {"0": "0", "1": "1"}
    second = job.recognised.places["column2"]
    for row in _table(job, counting, "column1"):
        other = as_code(row.cells[second]) if second < len(row.cells) else ""
        if job.codes is not None and other not in job.codes and CODE.fullmatch(other):
            continue
        cells = job.cells(row, collected)
        word = cells.text("indicator").removesuffix(".0")
        if word == "9":
            continue
        indicator = indicators.get(word)
        if indicator is None:
            cells.mistake("0, 1 or 9 as the modifier indicator", repr(word))
            continue
        edit = PtpEdit(
            cells.code("column1"),
            cells.code("column2"),
            indicator=indicator,
            starts=cells.first_day("starts"),
            ends=cells.day("ends"),
            rationale=cells.name("rationale"),
        )
        if cells.ok:
            counting.kept += 1
            key = (edit.column1, edit.column2, edit.starts.isoformat())
            rows.add(key, edit, cells.place, collected.mistakes)


def _add_on(job: Job, collected: Collected, counting: _Counting) -> None:
    rows = collected.add_on.setdefault(job.issue, Rows())
    types: dict[str, Literal[1, 2, 3]] = {"1": 1, "2": 2, "3": 3}
    for row in _table(job, counting):
        cells = job.cells(row, collected)
        kind = types.get(cells.text("type").removesuffix(".0"))
        if kind is None:
            cells.mistake("type 1, 2 or 3", repr(cells.text("type")))
            continue
        is_contractors = cells.text("primary").upper() == _CONTRACTOR
        pair = AddOnPair(
            cells.code("code"),
            kind,
            primary="" if is_contractors else cells.code("primary"),
            starts=cells.first_day("starts"),
            ends=_first_of([cells.day(name) for name in ("ends", "code_ends", "primary_ends")]),
        )
        if cells.ok:
            counting.kept += 1
            key = (pair.hcpcs, pair.primary, pair.starts.isoformat())
            rows.add(key, pair, cells.place, collected.mistakes)


def _first_of(days: list[date | None]) -> date | None:
    return min([day for day in days if day is not None], default=None)


_READERS: Mapping[str, Callable[[Job, Collected, _Counting], None]] = {
    "crosswalk": _crosswalk,
    "payment_limits": _payment_limits,
    "status_indicators": _status_indicators,
    "hcpcs": _hcpcs,
    "mue": _mue,
    "ptp": _ptp,
    "add_on": _add_on,
}


def seems_cut_off(layout: Layout, counts: SheetCounts) -> bool:
    """Whether the codes of a sheet end before those of a whole file do."""
    return bool(layout.last) and counts.last < layout.last
