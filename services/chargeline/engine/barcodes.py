"""Barcodes of drugs: the ten digits of the NDC that a scanner reads, the lot, the serial number.

It owns how GS1 writes a barcode (application identifiers in parentheses, or joined, with the group
separator behind a part of no fixed length) and the check digits. A package sold in the United
States has the GTIN 0 03, ten digits of the NDC, a check digit; its UPC-A is 3, the ten digits, a
check digit. Which of three NDCs ten digits are is not known here: the barcode has no hyphens.
"""

import re
from typing import NamedTuple

GROUP_SEPARATOR = "\x1d"  # what a scanner sends for FNC1
_SYMBOLOGY = re.compile(r"\][A-Za-z]\d")  # ]d2: a GS1 DataMatrix; some scanners put it in front
_IN_PARENTHESES = re.compile(r"\((\d{2,4})\)([^()]*)")
_FIXED = {"00": 18, "01": 14, "02": 14, "11": 6, "13": 6, "15": 6, "16": 6, "17": 6}
_ANY_LENGTH = frozenset({"10", "21", "30", "37"})
_GTIN, _LOT, _SERIAL = "01", "10", "21"
_GTIN_DIGITS, _UPC_DIGITS = 14, 12
_US_DRUG, _US_DRUG_UPC = "003", "3"


class Barcode(NamedTuple):
    """What a barcode says of a package: ten digits of its NDC, its lot and its serial number.

    Lot and serial number are "" where it says none.
    """

    ndc: str
    lot: str = ""
    serial: str = ""


class NoDrugBarcode(NamedTuple):
    """Why a barcode says no NDC."""

    why: str


def read_barcode(text: str, *, has_upc: bool) -> Barcode | NoDrugBarcode | None:
    """What a text says if it is a barcode; None if it is none.

    `has_upc`: twelve digits may be a UPC-A. They are none where an NDC may have twelve digits.
    """
    written = _SYMBOLOGY.sub("", text.strip(), count=1) if text.strip()[:1] == "]" else text.strip()
    if not written.isascii():
        return None
    if written.isdigit() and len(written) == _GTIN_DIGITS:
        return _of_gtin(written, "")
    if has_upc and written.isdigit() and len(written) == _UPC_DIGITS:
        return _of_upc(written)
    parts = _parts_of(written)
    if _GTIN not in parts:
        return None
    read = _of_gtin(parts[_GTIN], parts.get(_LOT, ""))
    return read._replace(serial=parts.get(_SERIAL, "")) if isinstance(read, Barcode) else read


def _of_gtin(gtin: str, lot: str) -> Barcode | NoDrugBarcode:
    if not _has_check_digit(gtin):
        return NoDrugBarcode("a barcode whose check digit is wrong")
    if not gtin.startswith(_US_DRUG):
        return NoDrugBarcode("a barcode of no drug package of the United States")
    return Barcode(gtin[3:-1], lot)


def _of_upc(upc: str) -> Barcode | NoDrugBarcode | None:
    if not upc.startswith(_US_DRUG_UPC):
        return None
    if not _has_check_digit(upc):
        return NoDrugBarcode("twelve digits, and no UPC-A, since the check digit is wrong")
    return Barcode(upc[1:-1])


def _has_check_digit(digits: str) -> bool:
    """Whether the digits, each other one three times, are a multiple of ten (GS1, 7.9)."""
    weighted = [int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(digits)]
    return sum(weighted) % 10 == 0


def _parts_of(written: str) -> dict[str, str]:
    """The parts of a barcode by application identifier; none where the text is not one."""
    if written.startswith("("):
        parts = dict(_IN_PARENTHESES.findall(written))
        whole = "".join([f"({name}){value}" for name, value in parts.items()])
        return parts if whole == written and _is_gtin(parts.get(_GTIN, "")) else {}
    parts, rest = {}, written.lstrip(GROUP_SEPARATOR)
    while rest:
        name = rest[:2]
        if name in _FIXED:
            value, rest = rest[2 : 2 + _FIXED[name]], rest[2 + _FIXED[name] :]
            if not value.isdigit() or len(value) != _FIXED[name]:
                return {}
        elif name in _ANY_LENGTH:
            value, _separator, rest = rest[2:].partition(GROUP_SEPARATOR)
        else:
            return {}
        parts[name] = value
        rest = rest.lstrip(GROUP_SEPARATOR)
    return parts


def _is_gtin(text: str) -> bool:
    return text.isdigit() and len(text) == _GTIN_DIGITS
