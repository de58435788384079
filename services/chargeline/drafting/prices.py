"""A site's price list: with it the service can say how much money waits for answers.

This module owns the shape of the file, and reports all its mistakes at once. It does not know what
a code means. No list ships with the product, because prices are the site's own.
"""

import csv
import re
from pathlib import Path

from chargeline.engine import Finding, FindingError

COLUMNS = ("code", "cents")
_CODE = re.compile(r"[A-Z0-9]{5}")
_CENTS = re.compile(r"\d{1,12}")


class PricesError(FindingError):
    """The price list cannot be used. The error has a finding for each mistake."""


def read_prices(path: Path) -> dict[str, int]:
    """Cents for one unit of each code (CPT or HCPCS), from a CSV with the columns code and cents.

    The row `J9271,2950` says that a unit of J9271 brings 29.50 dollars. Raises PricesError.
    """
    try:
        rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PricesError(
            Finding(
                "prices.file",
                expected="a CSV in UTF-8",
                found=type(error).__name__,
                where=str(path),
                do="save the price list as a CSV in UTF-8, or correct CHARGELINE_PRICES",
            )
        ) from error
    if not rows or tuple(cell.strip().lower() for cell in rows[0]) != COLUMNS:
        raise PricesError(
            Finding(
                "prices.file",
                expected="the first line to be code,cents",
                found="another line" if rows else "an empty file",
                where=str(path),
                do="write that line at the beginning of the file",
            )
        )
    prices: dict[str, int] = {}
    mistakes = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        code, cents = (*(cell.strip() for cell in row), "", "")[:2]
        if len(row) != len(COLUMNS) or not _CODE.fullmatch(code) or not _CENTS.fullmatch(cents):
            mistakes.append(
                Finding(
                    "prices.row",
                    expected="a code and whole cents, such as J9271,2950",
                    found="something else",
                    where=f"{path}:{number}",
                    do="correct the row",
                )
            )
        elif code in prices:
            mistakes.append(
                Finding(
                    "prices.row",
                    expected="each code once",
                    found=f"{code} again",
                    where=f"{path}:{number}",
                    do="remove one of the two rows",
                )
            )
        else:
            prices[code] = int(cents)
    if mistakes:
        raise PricesError(*mistakes)
    return prices
