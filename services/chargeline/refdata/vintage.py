"""The quarter for which a file was published, from its name, its text, or the command line.

It owns the ways in which CMS writes a quarter: `October 2026`, `2026q4`, `Eff_10-01-2026`,
`AOC_V2026Q4`, `HCPC2026_OCT`, and the version of PTP files (`ccipra-v323r0` is the fourth quarter
of 2026: 30 was 2024, and the last digit counts quarters from 0). Days on which something was
printed say no quarter, so within a text only the months in which quarters begin count. A name and a
text that contradict each other are refused, because one of the two is of another year.
"""

import re
from collections.abc import Iterable

from chargeline.engine import Quarter
from chargeline.refdata.errors import RefdataError, refused

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_QUARTER_LAST = re.compile(r"(20\d\d)[ _-]?q([1-4])(?!\d)")
_QUARTER_FIRST = re.compile(r"(?<![a-z])q([1-4])[ _-]?(20\d\d)(?!\d)")
_MONTH_YEAR = re.compile(rf"(?<![a-z]){_MONTH}[ ._-]*(?:\d{{1,2}}, *)?(20\d\d)(?!\d)")
_YEAR_MONTH = re.compile(rf"(20\d\d)[ ._-]?{_MONTH}(?![a-z])")
_EFFECTIVE = re.compile(r"eff(?:ective)?[ ._-]*(\d\d)[-/_](\d\d)[-/_](20\d\d)")
_PTP_VERSION = re.compile(r"cci(?:pra|oph)-v(\d\d)([0-3])r")
_PTP_YEAR_ZERO = 1994
_ASKED = re.compile(r"(20\d\d)Q([1-4])", re.IGNORECASE)


def parse_quarter(text: str) -> Quarter | None:
    """The quarter that a person writes, such as 2026Q4; None if it is none."""
    match = _ASKED.fullmatch(text.strip())
    return Quarter(int(match[1]), int(match[2])) if match else None


def quarters_in(text: str) -> frozenset[Quarter]:
    """Every quarter that a text names, in whichever way."""
    low = text.lower()
    named = {Quarter(int(match[1]), int(match[2])) for match in _QUARTER_LAST.finditer(low)}
    named |= {Quarter(int(match[2]), int(match[1])) for match in _QUARTER_FIRST.finditer(low)}
    named |= {_of_month(match[2], match[1]) for match in _MONTH_YEAR.finditer(low)}
    named |= {_of_month(match[1], match[2]) for match in _YEAR_MONTH.finditer(low)}
    named |= {
        Quarter(int(match[3]), (int(match[1]) + 2) // 3)
        for match in _EFFECTIVE.finditer(low)
        if 1 <= int(match[1]) <= 12
    }
    named |= {
        Quarter(_PTP_YEAR_ZERO + int(match[1]), int(match[2]) + 1)
        for match in _PTP_VERSION.finditer(low)
    }
    return frozenset(named)


def _of_month(year: str, month: str) -> Quarter:
    return Quarter(int(year), _MONTHS.index(month[:3]) // 3 + 1)


_BEGINNING = re.compile(r"\b(?!jan|apr|jul|oct)" + _MONTH)


def quarter_for(
    names: Iterable[str], text: str, year: int | None, *, asked: Quarter | None, where: str
) -> Quarter:
    """The quarter of a file.

    `names` are the file's and its archive's, the nearer one first; `text` is what stands above its
    header, `year` the year in its header. `asked` helps where none of them says. Raises
    RefdataError.
    """
    by_name = next(filter(None, map(quarters_in, names)), frozenset[Quarter]())
    by_text = quarters_in(_BEGINNING.sub("", text.lower()))
    if by_name and by_text and not by_name & by_text:
        raise _contradiction(_in_words(by_text), f"{_in_words(by_name)} in its name", where)
    candidates = (by_name & by_text) or by_name or by_text
    if len(candidates) == 1:
        (quarter,) = candidates
    elif asked is not None:
        quarter = asked
    else:
        raise refused(
            "refdata.quarter",
            expected="the quarter for which the file was published, in its name or its text",
            found=_in_words(candidates) if candidates else "none",
            where=where,
            do="say it, such as --quarter 2026Q4, or give the file its own name back",
        )
    if year is not None and year != quarter.year:
        raise _contradiction(str(quarter.year), f"{year} in its header", where)
    return quarter


def _in_words(quarters: Iterable[Quarter]) -> str:
    return " and ".join(map(str, sorted(quarters)))


def _contradiction(expected: str, found: str, where: str) -> RefdataError:
    return refused(
        "refdata.quarter",
        expected=f"a file of {expected} throughout",
        found=found,
        where=where,
        do="download the file of the quarter that you mean; one of the two is of another",
    )
