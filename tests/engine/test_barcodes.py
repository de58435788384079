"""Claims about barcodes of drugs: the ten digits of an NDC and the lot, and nothing doubtful."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeline.engine.barcodes import Barcode, NoDrugBarcode, read_barcode
from chargeline.engine.ndc import Ndc, NotAnNdc
from tests.engine import rulebook

DAY = date(2026, 3, 2)
GTIN = "00350242132015"
NDC10, NDC11 = "5024213201", "50242013201"


def check_digit(digits: str) -> str:
    """The digit that GS1 puts behind these, worked out from the right."""
    weighted = [int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits))]
    return str(-sum(weighted) % 10)


@pytest.mark.parametrize(
    "text",
    [
        f"(01){GTIN}(17)270831(10)A1(21)S9",
        f"(01){GTIN}(10)A1",
        f"01{GTIN}1727083110A1\x1d21S9",
        f"01{GTIN}21S9\x1d10A1\x1d17270831",
        f"]d201{GTIN}1727083110A1",
        f"\x1d01{GTIN}10A1",
        f"1727083101{GTIN}10A1",
    ],
)
def test_ndc_lot_and_serial_number_of_a_barcode(text: str) -> None:
    """Parentheses or not, in any order, with the separator of the scanner or an identifier."""
    read = read_barcode(text, has_upc=True)
    assert read == Barcode(NDC10, "A1", "S9" if "S9" in text else "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "50242-0132-01",
        NDC10,
        NDC11,
        "CARBOPLATIN",
        "01ABC",
        f"99{GTIN}",
        f"(01){GTIN}x(",
        "(10)A1",
    ],
)
def test_what_is_no_barcode_is_none(text: str) -> None:
    """An NDC in any form is not taken for a barcode."""
    assert read_barcode(text, has_upc=True) is None


@pytest.mark.parametrize("text", [GTIN[:-1] + "4", f"(01){GTIN[:-1]}4(10)A1", "350242132018"])
def test_a_wrong_check_digit_is_told(text: str) -> None:
    """A scanner checks the digit, so a wrong one was typed or cut."""
    refused = read_barcode(text, has_upc=True)
    assert isinstance(refused, NoDrugBarcode)
    assert "check digit" in refused.why


def test_the_barcode_of_something_else_is_no_ndc() -> None:
    """A GTIN that does not begin with 003 is no drug package of the United States."""
    other = "0401234567890"
    refused = read_barcode(other + check_digit(other), has_upc=True)
    assert isinstance(refused, NoDrugBarcode)
    assert "no drug" in refused.why


@given(st.from_regex(r"[0-9]{10}", fullmatch=True), st.integers(1, 9), st.integers(0, 13))
def test_one_wrong_digit_is_always_seen(ndc: str, more: int, place: int) -> None:
    """The check digit finds each single wrong digit of a GTIN; the right one gives the ten back."""
    gtin = f"003{ndc}" + check_digit(f"003{ndc}")
    upc = f"3{ndc}" + check_digit(f"3{ndc}")
    assert read_barcode(gtin, has_upc=False) == Barcode(ndc)
    assert read_barcode(upc, has_upc=True) == Barcode(ndc)
    wrong = gtin[:place] + str((int(gtin[place]) + more) % 10) + gtin[place + 1 :]
    assert isinstance(read_barcode(wrong, has_upc=False), NoDrugBarcode)


def test_the_tables_say_which_ndc_a_barcode_is() -> None:
    """Of the three readings one has a container; ten digits that somebody wrote are not read."""
    formulary = rulebook().formulary
    assert formulary.ndc_of(f"(01){GTIN}(10)A1", DAY) == Ndc(NDC11, "A1")
    assert isinstance(formulary.ndc_of(NDC10, DAY), NotAnNdc)


@pytest.mark.parametrize("other", ["05024213201", "50242132001"])
def test_a_barcode_that_may_be_two_known_packages_is_not_read(other: str) -> None:
    """A published table lists another reading, so a person is asked."""
    formulary = rulebook().formulary.with_containers((), [other])
    refused = formulary.ndc_of(GTIN, DAY)
    assert isinstance(refused, NotAnNdc)
    assert {NDC11, other} <= set(refused.readings)
