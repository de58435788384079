"""Claims about National Provider Identifiers."""

import pytest

from chargeline.engine import is_npi


@pytest.mark.parametrize("number", ["1234567893", "1999999984", "2000000002"])
def test_a_number_with_its_check_digit_is_one(number: str) -> None:
    """1234567893 is the example of the standard itself."""
    assert is_npi(number)
    others = [number[:-1] + digit for digit in "0123456789" if digit != number[-1]]
    assert not any(map(is_npi, others)), "any other last digit is wrong"


@pytest.mark.parametrize(
    "text", ["", "123456789", "12345678930", "3234567893", "Z7001", "１２３４５６７８９３"]
)
def test_anything_else_is_none(text: str) -> None:
    """Too short, too long, another first digit, a local number, digits of another script."""
    assert not is_npi(text)
