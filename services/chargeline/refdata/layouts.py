"""Which published table a sheet is: told by the names in its header, and not by its own name.

It owns the headers. CMS changes them a little from year to year (`NDC2` or `NDC`, `_2025_CODE` or
`_2026_CODE`, a column of coinsurance more), so a column is known by what its name means, written
here as a pattern over the name in small letters with single blanks. A preamble of several lines
stands above each header, part of it a quoted notice with line breaks. A header that lacks a column
that we need is refused, with the names that it has.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from chargeline.engine import claim_words
from chargeline.refdata.errors import refused
from chargeline.refdata.sheets import NumberedRow, Sheet

HEADER_WITHIN = 60
"""The header stands among so many rows at the beginning of a file."""

_BLANKS = re.compile(r"[\s_]+")
_YEAR_CODE = re.compile(r"(20\d\d) code")
_YEAR_TITLE = re.compile(r"\b(?:cy|calendar year) ?(20\d\d)\b", re.IGNORECASE)
_FIXED_CODE = re.compile(r"(?:[A-Z][A-Z0-9]{4}|   [A-Z0-9]{2})[0-9]{5}[3478]")


class Layout(NamedTuple):
    """How one table is laid out: its columns by what their names mean.

    A sheet with all columns of `signs` is meant to be this table. `last` is the least initial with
    which the codes of a whole file end (files are in the order of codes); "" where that is not
    sure.
    """

    name: str
    table: claim_words.PublishedTable
    signs: tuple[str, ...]
    columns: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    last: str = ""


_PACKAGE = {
    "labeler": r"labeler( name)?",
    "ndc": r"ndc2?|ndc or alternate id",
    "drug": r"drug name",
    "size": r"p(ac)?ka?ge? size",
    "pieces": r"p(ac)?ka?ge? (qty|quantity)",
    "units": r"bill ?units",
    "package_units": r"bill ?units ?pkg",
}
CROSSWALK = Layout(
    "NDC-HCPCS crosswalk",
    "crosswalk",
    signs=("code", "ndc"),
    columns={
        "code": r"(20\d\d )?code|hcpcs( level ii)?( code)?( defer to dcdrg)?",
        "dosage": r"hcpcs (code )?dosage",
        **_PACKAGE,
    },
    optional=frozenset({"labeler"}),
    last="Q",
)
NOC_CROSSWALK = Layout(
    "NOC NDC-HCPCS crosswalk",
    "crosswalk",
    signs=("generic", "ndc"),
    columns={"generic": r"drug generic name.*", "dosage": r"(hcpcs )?dosage", **_PACKAGE},
    optional=frozenset({"labeler"}),
)
PAYMENT_LIMITS = Layout(
    "payment limit file",
    "payment_limits",
    signs=("code", "limit"),
    columns={
        "code": r"hcpcs( code)?",
        "dosage": r"hcpcs (code )?dosage",
        "limit": r"payment limit",
        "coinsurance": r"co-?insurance percentage",
    },
    optional=frozenset({"coinsurance"}),
    last="Q",
)
ADDENDUM_B = Layout(
    "OPPS Addendum B",
    "status_indicators",
    signs=("code", "indicator"),
    columns={
        "code": r"hcpcs( code)?",
        "indicator": r"si|status indicator",
        "apc": r"apc",
        "rate": r"payment rate",
    },
    last="V",
)
PTP = Layout(
    "NCCI PTP edits",
    "ptp",
    signs=("column1", "column2"),
    columns={
        "column1": r"column ?1",
        "column2": r"column ?2",
        "starts": r"effective( date)?",
        "ends": r"deletion( date)?.*",
        "indicator": r"modifier.*",
        "rationale": r"(ptp edit )?rationale",
    },
    optional=frozenset({"rationale"}),
    last="A",
)
MUE = Layout(
    "NCCI MUE table",
    "mue",
    signs=("code", "units"),
    columns={
        "code": r"hcpcs ?/ ?cpt code|hcpcs( code)?",
        "units": r".*mue values?",
        "indicator": r"mue adjudication indicator",
        "rationale": r"mue rationale",
    },
    optional=frozenset({"rationale"}),
    last="K",
)
ADD_ON = Layout(
    "NCCI add-on codes",
    "add_on",
    signs=("code", "primary"),
    columns={
        "type": r"(aoc )?(edit )?type",
        "code": r"add-? ?on code",
        "primary": r"primary code",
        "starts": r"aoc edit eff ?(dt|date)",
        "ends": r"aoc edit del ?(dt|date)",
        "code_ends": r"aoc del ?(dt|date)",
        "primary_ends": r"primary code del ?(dt|date)",
    },
    optional=frozenset({"code_ends", "primary_ends"}),
)
ANWEB = Layout(
    "HCPCS ANWEB",
    "hcpcs",
    signs=("code", "added"),
    columns={
        "code": r"hcpcs?( code)?",
        "record": r"rec(ord)? ?id",
        "added": r"(code )?add(ed)? ?(dt|date)",
        "ended": r"term(ination)? ?(dt|date)",
    },
    optional=frozenset({"record"}),
    last="V",
)
LAYOUTS = (CROSSWALK, NOC_CROSSWALK, PAYMENT_LIMITS, ADDENDUM_B, PTP, MUE, ADD_ON, ANWEB)

# Columns of the fixed-width ANWEB, of 320 characters a line: code in 1-5, record id in 11, day
# added in 269-276, last day in 285-292, action code in 293.
_FIXED_CELLS = {
    "code": slice(0, 5),
    "record": slice(10, 11),
    "added": slice(268, 276),
    "ended": slice(284, 292),
}
_FIXED_LEAST = 293


class Recognised(NamedTuple):
    """A sheet with its layout: the place of each column that it has, and what stands above.

    `heading` is the header's own name of each column. `rows` gives the rows below the header.
    """

    sheet: Sheet
    layout: Layout
    places: Mapping[str, int]
    heading: Mapping[str, str]
    preamble: str
    year: int | None
    below: int

    def rows(self) -> Iterator[NumberedRow]:
        """The rows below the header, those of a header in several lines left out."""
        if not self.heading:
            yield from map(self._fixed, self.sheet.rows())
            return
        first = self.places[self.layout.signs[0]]
        within_header = True
        for row in self.sheet.rows():
            if row.line <= self.below:
                continue
            within_header = within_header and not "".join(row.cells[first : first + 1])
            if not within_header:
                yield row

    def _fixed(self, row: NumberedRow) -> NumberedRow:
        line = row.cells[0]
        if len(line) < _FIXED_LEAST:
            raise refused(
                "refdata.row",
                expected=f"lines of at least {_FIXED_LEAST} characters",
                found=f"{len(line)}",
                where=f"{self.sheet.name}:{row.line}",
                do="download the file again; it seems to be cut off",
            )
        return NumberedRow(row.line, [line[place].strip() for place in _FIXED_CELLS.values()])


def recognise(sheet: Sheet) -> Recognised | None:
    """The layout of a sheet; None where no row looks like a header of ours. Raises RefdataError."""
    above: list[str] = []
    for row in islice(sheet.rows(), HEADER_WITHIN):
        if not above and _FIXED_CODE.match(row.cells[0]):
            index = {name: place for place, name in enumerate(_FIXED_CELLS)}
            return Recognised(
                sheet, ANWEB, places=index, heading={}, preamble="", year=None, below=0
            )
        names = [_name(cell) for cell in row.cells]
        for layout in LAYOUTS:
            index = _index(layout, names)
            if all(sign in index for sign in layout.signs) and _is_nearest(layout, names):
                _refuse_lacking(layout, index, row, sheet)
                return Recognised(
                    sheet,
                    layout,
                    places=index,
                    heading={name: row.cells[place] for name, place in index.items()},
                    preamble=" ".join(above),
                    year=_year_of(names, above),
                    below=row.line,
                )
        above.extend(filter(None, row.cells))
    return None


def _name(cell: str) -> str:
    return _BLANKS.sub(" ", cell).strip(" *").lower()


def _index(layout: Layout, names: Sequence[str]) -> dict[str, int]:
    """Where each column of a layout stands; of two names that fit, the first."""
    index: dict[str, int] = {}
    for column, pattern in layout.columns.items():
        for place, name in enumerate(names):
            if re.fullmatch(pattern, name):
                index[column] = place
                break
    return index


def _is_nearest(layout: Layout, names: Sequence[str]) -> bool:
    """Whether no other layout has more of its columns here: a code column is in each of them."""
    most = max(len(_index(other, names)) for other in LAYOUTS)
    return len(_index(layout, names)) == most


def _refuse_lacking(
    layout: Layout, index: Mapping[str, int], row: NumberedRow, sheet: Sheet
) -> None:
    lacking = [name for name in layout.columns if name not in index and name not in layout.optional]
    if lacking:
        has = ", ".join(_BLANKS.sub(" ", cell) for cell in row.cells if cell)
        raise refused(
            "refdata.header",
            expected=f"the columns {', '.join(lacking)} of the {layout.name}",
            found=f"the columns {has}",
            where=f"{sheet.name}:{row.line}",
            do="download the whole file; a column that CMS has renamed, chargeline must learn",
        )


def _year_of(names: Sequence[str], above: Sequence[str]) -> int | None:
    """The year in a name such as `_2026_CODE`, or in a title such as `for CY 2026`."""
    years = [int(match[1]) for name in names if (match := _YEAR_CODE.fullmatch(name))]
    years += [int(match[1]) for text in above for match in _YEAR_TITLE.finditer(text)]
    return years[0] if years else None
