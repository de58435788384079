"""Claims about National Drug Codes: eleven digits come of each form, and of nothing doubtful."""

from datetime import date

import pytest

from chargeline.engine.ndc import Ndc, NotAnNdc, hyphenated, read_ndc

DAY = date(2026, 3, 2)
TWELVE = date(2033, 3, 7)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("0002-7597-01", "00002759701"),  # 4-4-2
        ("50242-040-62", "50242004062"),  # 5-3-2
        ("60575-4112-1", "60575411201"),  # 5-4-1
        ("50242-0132-01", "50242013201"),  # 5-4-2
        ("50242013201", "50242013201"),
        (" 50242-0132-01 ", "50242013201"),
    ],
)
def test_eleven_digits_come_of_each_form(written: str, digits: str) -> None:
    """A zero goes before the short segment; eleven digits stand as they are."""
    assert read_ndc(written, DAY) == Ndc(digits)


def test_ten_digits_without_hyphens_are_never_read() -> None:
    """Ten digits have three readings, and all three are told."""
    refused = read_ndc("5024204062", DAY)
    assert isinstance(refused, NotAnNdc)
    assert refused.readings == ("05024204062", "50242004062", "50242040602")


@pytest.mark.parametrize("barcode", ["00350242040624", "(01)00350242040624", "0100350242040624"])
def test_a_barcode_holds_ten_digits(barcode: str) -> None:
    """A GS1 barcode has the ten digits without hyphens, so alone it is read no more."""
    refused = read_ndc(barcode, DAY)
    assert isinstance(refused, NotAnNdc)
    assert "50242004062" in refused.readings
    assert refused.is_barcode


def test_twelve_digits_are_a_upc_until_an_ndc_has_twelve() -> None:
    """350242040624 is the UPC-A of ten digits, and from 7 March 2033 on an NDC."""
    upc = "350242040624"
    refused = read_ndc(upc, DAY)
    assert isinstance(refused, NotAnNdc)
    assert "50242004062" in refused.readings
    assert read_ndc(upc, TWELVE) == Ndc(upc)


@pytest.mark.parametrize(
    "text", ["", "ABC", "50242-013-1", "123", "50242-01-01", "٥٠٢٤٢٠١٣٢٠١", "5024201320١"]
)
def test_anything_else_is_no_ndc(text: str) -> None:
    """Letters, wrong lengths and digits of other scripts are refused, with no reading."""
    refused = read_ndc(text, DAY)
    assert isinstance(refused, NotAnNdc)
    assert not refused.readings


def test_twelve_digits_count_from_the_day_of_the_rule() -> None:
    """6-4-2 is an NDC from 7 March 2033 on, and none on the day before."""
    assert read_ndc("050242-0132-01", TWELVE) == Ndc("050242013201")
    assert read_ndc("050242013201", TWELVE) == Ndc("050242013201")
    assert isinstance(read_ndc("050242-0132-01", date(2033, 3, 6)), NotAnNdc)
    assert isinstance(read_ndc("050242013201", date(2033, 3, 6)), NotAnNdc)


def test_an_ndc_is_hyphenated_with_hyphens() -> None:
    """A person reads 50242-0132-01, and 050242-0132-01 of twelve digits."""
    assert hyphenated("50242013201") == "50242-0132-01"
    assert hyphenated("050242013201") == "050242-0132-01"
