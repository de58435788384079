"""Claims about arithmetic of hours and doses; every number can be checked by hand."""

import re
from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine import Drug
from chargeline.engine.drugs.units import dose_units
from chargeline.engine.infusions.lines import additional_hours, hours_in_words
from chargeline.engine.quantities import convert, plain


def drug(unit_amount: str, unit: str = "mg") -> Drug:
    return Drug(
        "zebrastatin", (), "J9999", Decimal(unit_amount), unit, "antineoplastic", "SDV",
        date(2024, 1, 1), None, "site", "",
    )  # fmt: skip


def units(unit_amount: str, *doses: str) -> int:
    return dose_units(drug(unit_amount), [Decimal(dose) for dose in doses]).units


# ------------------------------------------------------------------ hours


@pytest.mark.parametrize(
    ("minutes", "from_30", "from_31"),
    [
        (0, 0, 0),
        (16, 0, 0),
        (60, 0, 0),
        (89, 0, 0),
        (90, 1, 0),
        (91, 1, 1),
        (149, 1, 1),
        (150, 2, 1),
        (151, 2, 2),
        (210, 3, 2),
        (211, 3, 3),
        (480, 7, 7),
        (600, 9, 9),
    ],
)
def test_a_further_hour_is_earned_by_its_remainder(
    minutes: int, from_30: int, from_31: int
) -> None:
    """90 or 150 minutes earn one hour more under the guide (30 minutes) than under CPT (31)."""
    assert (additional_hours(minutes, 30), additional_hours(minutes, 31)) == (from_30, from_31)


def test_hours_are_told_as_a_sum() -> None:
    """150 minutes are 2 hours and 30 minutes; 30 are fewer than 31, so one further hour counts."""
    assert hours_in_words(150, 31, 1) == (
        "150 minutes = 2 h + 30 min; a further hour counts from 31 min: 1 further"
    )


@pytest.mark.parametrize("minutes", [31, 45, 59, 60, 61, 90, 91, 120, 600])
def test_the_sum_of_hours_adds_up(minutes: int) -> None:
    """Hours times 60 plus the rest are the minutes on the left of the equals sign."""
    told = re.match(r"(\d+) minutes = (\d+) h \+ (\d+) min; ", hours_in_words(minutes, 31, 0))
    assert told is not None
    total, hours, rest = (int(number) for number in told.groups())
    assert total == minutes == hours * 60 + rest


# ------------------------------------------------------------------ doses


@pytest.mark.parametrize(
    ("dose", "expected"),
    [
        ("140", 14),
        ("140.1", 15),
        ("144", 15),
        ("150", 15),
        ("305", 31),
        ("10", 1),
        ("9", 1),
        ("0.01", 1),
    ],
)
def test_a_part_of_a_unit_counts_whole(dose: str, expected: int) -> None:
    """One unit is 10 mg: 140 mg are 14 units, 144 mg are 15, 305 mg are 31, and 0.01 mg is one."""
    assert units("10", dose) == expected


@pytest.mark.parametrize(
    ("unit_amount", "dose", "expected"),
    [("0.1", "2.5", 25), ("0.5", "6", 12), ("7.5", "22.5", 3), ("50", "450", 9)],
)
def test_units_smaller_and_larger_than_1_mg_are_exact(
    unit_amount: str, dose: str, expected: int
) -> None:
    """2.5 mg in units of 0.1 mg are 25 units; binary fractions would make 26 of them."""
    assert units(unit_amount, dose) == expected


@pytest.mark.parametrize(
    ("doses", "expected"),
    [
        (("4", "4"), 1),
        (("12", "12"), 3),
        (("7", "7", "7"), 3),
        (("5", "5"), 1),
        (("100", "44"), 15),
    ],
)
def test_doses_of_a_day_are_added_before_rounding(doses: tuple[str, ...], expected: int) -> None:
    """One unit is 10 mg: 4 + 4 mg are one unit and not two, 12 + 12 mg are three and not four."""
    assert units("10", *doses) == expected


def test_the_sum_of_doses_is_hyphenated() -> None:
    """A coder reads each dose, their sum, the unit and the result."""
    several = dose_units(drug("10"), [Decimal("100"), Decimal("44.50")])
    assert several.arithmetic == "100 + 44.5 = 144.5 mg / 10 mg a unit = 14.45, rounded to 15"
    assert several.dose == Decimal("144.5")
    assert dose_units(drug("0.5"), [Decimal("6.0")]).arithmetic == "6 mg / 0.5 mg a unit = 12"


# ------------------------------------------------------------------ units of measure


@pytest.mark.parametrize(
    ("amount", "unit", "target", "expected"),
    [
        ("0.5", "g", "mg", "500"),
        ("1", "GM", "mg", "1000"),
        ("300", "mcg", "mg", "0.3"),
        ("0.3", "mg", "mcg", "300"),
        ("2", "mg", "g", "0.002"),
        ("1", "L", "mL", "1000"),
        ("250", "cc", "mL", "250"),
        ("5", " mg ", "MG", "5"),
        ("500", "units", "unit", "500"),
        ("2", "million units", "unit", "2000000"),
    ],
)
def test_units_of_one_kind_convert(amount: str, unit: str, target: str, expected: str) -> None:
    """Grams, milligrams and micrograms convert; so do litres and millilitres, and units."""
    assert convert(Decimal(amount), unit, target) == Decimal(expected)


@pytest.mark.parametrize(
    ("unit", "target"),
    [
        ("mL", "mg"),
        ("mg", "mL"),
        ("unit", "mg"),
        ("", "mg"),
        ("mEq", "mg"),
        ("each", "mg"),
        ("zebra", "mg"),
    ],
)
def test_units_of_different_kinds_do_not(unit: str, target: str) -> None:
    """10 mL do not become milligrams, because nobody has said the strength of the product."""
    assert convert(Decimal(10), unit, target) is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [("200", "200"), ("0.250", "0.25"), ("1E+3", "1000"), ("100.00", "100"), ("0.0001", "0.0001")],
)
def test_a_number_is_written_as_a_person_would(amount: str, text: str) -> None:
    """0.250 is written 0.25, 1E+3 is written 1000, and 200 keeps its zeros."""
    assert plain(Decimal(amount)) == text
