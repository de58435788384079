"""National Drug Codes as people and machines write them, and the eleven digits of a claim.

It owns the formats, and knows no product. The FDA writes ten digits in three segments (labeler,
product, package) of 4-4-2, 5-3-2 or 5-4-1 digits; a claim carries eleven, 5-4-2, with a zero before
the short segment. Ten digits without hyphens can be read in three ways, so they are never read.
From 7 March 2033 on there is one format of twelve digits, 6-4-2 (91 FR 10749).
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.barcodes import Barcode, read_barcode
from chargeline.engine.finding import excerpt, shape_of

TWELVE_DIGITS_FROM = date(2033, 3, 7)
_SEGMENTS = {(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)}
_TWELVE = (6, 4, 2)
_HYPHENATED = re.compile(r"(\d{4,6})-(\d{3,4})-(\d{1,2})")


class Ndc(NamedTuple):
    """An NDC: eleven digits (5-4-2), or twelve (6-4-2) from 7 March 2033 on, without hyphens.

    `lot` and `serial` are what a barcode says beside it, "" for none.
    """

    digits: str
    lot: str = ""
    serial: str = ""


class NotAnNdc(NamedTuple):
    """Why a text is not read as an NDC: what was found, and the ways in which it may be meant.

    `is_barcode`: a scanner read it, and not a person. `lot` and `serial` are as in `Ndc`.
    """

    found: str
    readings: tuple[str, ...] = ()
    is_barcode: bool = False
    lot: str = ""
    serial: str = ""


@lru_cache(maxsize=8192)
def read_ndc(text: str, day: date) -> Ndc | NotAnNdc:
    """The NDC that a text says on a day of service, or why it says none.

    `0002-7597-01` (4-4-2) is 00002759701; `5024204062` may be 05024204062, 50242004062 or
    50242040602, and is none of them.
    """
    written = text.strip()
    match = _HYPHENATED.fullmatch(written)
    if match is not None:
        return _of_segments(match.groups(), written, day)
    barcode = read_barcode(written, has_upc=day < TWELVE_DIGITS_FROM)
    if isinstance(barcode, Barcode):
        refused = _ten_digits(barcode.ndc)
        return refused._replace(
            found=_OF_BARCODE, is_barcode=True, lot=barcode.lot, serial=barcode.serial
        )
    if barcode is not None:
        return NotAnNdc(barcode.why, is_barcode=True)
    if not written.isascii() or not written.isdigit():
        return NotAnNdc(shape_of(written))
    if len(written) == 11:
        return Ndc(written)
    if len(written) == 12 and day >= TWELVE_DIGITS_FROM:
        return Ndc(written)
    if len(written) == 10:
        return _ten_digits(written)
    return NotAnNdc(f"{len(written)} digits")


_OF_BARCODE = "a barcode of ten digits, of which the tables know no one NDC"


def _of_segments(segments: tuple[str, ...], written: str, day: date) -> Ndc | NotAnNdc:
    lengths = tuple([len(segment) for segment in segments])
    if lengths == _TWELVE and day >= TWELVE_DIGITS_FROM:
        return Ndc("".join(segments))
    if lengths not in _SEGMENTS:
        return NotAnNdc(f"segments of {'-'.join(map(str, lengths))} digits ({excerpt(written)})")
    labeler, product, package = segments
    return Ndc(f"{labeler:0>5}{product:0>4}{package:0>2}")


def _ten_digits(digits: str) -> NotAnNdc:
    """The three ways to read ten digits: a zero before the labeler, the product or the package."""
    readings = (f"0{digits}", f"{digits[:5]}0{digits[5:]}", f"{digits[:9]}0{digits[9:]}")
    return NotAnNdc("ten digits without hyphens", readings)


def ndc11(text: str) -> str | None:
    """The eleven digits of an NDC as claims carry them today; None where the text says none."""
    ndc = read_ndc(text, date.min)
    return ndc.digits if isinstance(ndc, Ndc) else None


def hyphenated(digits: str) -> str:
    """An NDC as a person reads it, with hyphens: 50242-0132-01."""
    return f"{digits[:-6]}-{digits[-6:-2]}-{digits[-2:]}"
