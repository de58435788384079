"""Claims about the look-ups in published tables; every row is made up.

The codes ZZ001 and J0001 to J0003 are invented. A look-up never confuses "no row" with "nobody
knows".
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from chargeline.engine import (
    NO_TABLES,
    AddOnCode,
    AddOnPair,
    AddOnTable,
    Crosswalk,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    NotLoaded,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    PtpTable,
    PublishedTables,
    Quarter,
    hyphenated,
    ndc11,
    quarter_of,
)

AUTUMN = Quarter(2026, 4)
DAY = date(2026, 11, 2)
BEFORE = date(2026, 9, 30)
AFTER = date(2027, 1, 1)


def row(**changes: Any) -> CrosswalkRow:
    """A vial of 100 mg that is billed by 10 mg."""
    usual = CrosswalkRow(
        ndc="99999000101",
        hcpcs="J0001",
        lists=("asp",),
        labeler="ZEBRA LABS",
        drug_name="Zebramab 100 MG",
        dosage="10 MG",
        package_size=Decimal(1),
        pieces=Decimal(1),
        billing_units=Decimal(10),
        package_units=Decimal(10),
    )
    return usual._replace(**changes)


EDIT = PtpEdit("ZZ001", "J0001", "1", date(2020, 1, 1), date(2026, 11, 2), "made up")
TABLES = PublishedTables(
    version="made up",
    codes=frozenset({"ZZ001", "J0001", "J0002"}),
    crosswalk={
        AUTUMN: Crosswalk(
            {"99999000101": (row(), row(hcpcs="J0002"))},
            {"J0001": (row(),), "J0002": (row(hcpcs="J0002"),)},
        )
    },
    payment_limits={AUTUMN: {"J0001": PaymentLimit("J0001", "10 MG", Decimal("1.234"), None)}},
    status_indicators={AUTUMN: {"J0001": OppsStatus("J0001", "K", "9999", Decimal("1.20"))}},
    hcpcs={
        AUTUMN: {
            "J0001": HcpcsDates("J0001", date(2026, 10, 15), None),
            "J0002": HcpcsDates("J0002", date(2020, 1, 1), date(2026, 10, 31)),
        }
    },
    mues={"hospital": {AUTUMN: {"J0001": MueLimit("J0001", 0, 3, "made up")}}},
    ptps={"hospital": PtpTable(AUTUMN, {("J0001", "ZZ001"): (EDIT,)})},
    add_ons=AddOnTable(
        AUTUMN,
        {
            "ZZ001": (
                AddOnPair("ZZ001", 1, "J0001", date(2020, 1, 1), None),
                AddOnPair("ZZ001", 1, "J0002", date(2020, 1, 1), date(2025, 12, 31)),
            )
        },
    ),
)
LOOK_UPS: list[Callable[[PublishedTables, date], object]] = [
    lambda tables, day: tables.products_of_ndc("99999000101", day),
    lambda tables, day: tables.ndcs_of("J0001", day),
    lambda tables, day: tables.payment_limit("J0001", day),
    lambda tables, day: tables.status_indicator("J0001", day),
    lambda tables, day: tables.valid("J0001", day),
    lambda tables, day: tables.mue("J0001", day, "hospital"),
    lambda tables, day: tables.ptp("J0001", "ZZ001", day, "hospital"),
    lambda tables, day: tables.addon_primaries("ZZ001", day),
]


@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_without_a_bundle_no_look_up_says_that_there_is_no_row(
    look_up: Callable[[PublishedTables, date], object],
) -> None:
    """`NO_TABLES` answers NotLoaded, the bundle a row, and after its last quarter NotLoaded."""
    assert isinstance(look_up(NO_TABLES, DAY), NotLoaded)
    assert not isinstance(look_up(TABLES, DAY), NotLoaded)
    assert isinstance(look_up(TABLES, AFTER), NotLoaded)


def test_a_quarterly_table_does_not_answer_for_the_quarter_before() -> None:
    """The MUE of October says nothing of September; PTP has its history."""
    assert isinstance(TABLES.mue("J0001", BEFORE, "hospital"), NotLoaded)
    assert TABLES.ptp("J0001", "ZZ001", BEFORE, "hospital") == EDIT


def test_a_setting_that_is_not_there_is_said() -> None:
    """MUE and PTP differ by setting, so those of the hospital say nothing of a practitioner."""
    missing = TABLES.mue("J0001", DAY, "practitioner")
    assert str(missing) == (
        "mue of 2026Q4: the bundle does not have it for the setting practitioner"
    )
    assert isinstance(TABLES.ptp("J0001", "ZZ001", DAY, "practitioner"), NotLoaded)


def test_a_code_that_the_bundle_was_built_without_is_not_a_code_without_a_row() -> None:
    """Of J0002, which the bundle was built for, there is no MUE; of J0003 nobody knows."""
    assert TABLES.mue("J0002", DAY, "hospital") is None
    for missing in (
        TABLES.mue("J0003", DAY, "hospital"),
        TABLES.status_indicator("J0003", DAY),
        TABLES.ptp("J0001", "J0003", DAY, "hospital"),
        TABLES.addon_primaries("J0003", DAY),
    ):
        assert isinstance(missing, NotLoaded)
        assert missing.why == "the bundle was built without the code J0003"


def test_who_takes_a_missing_table_for_no_gets_an_error() -> None:
    """`if not limit` fails where nobody knows the limit."""
    with pytest.raises(TypeError, match="neither yes nor no"):
        bool(NO_TABLES.mue("J0001", DAY, "hospital"))


def test_an_ndc_may_have_several_codes() -> None:
    """A package that is billed under two codes gives both rows, and a package nobody lists none."""
    rows = TABLES.products_of_ndc("99999000101", DAY)
    assert not isinstance(rows, NotLoaded)
    assert [row.hcpcs for row in rows] == ["J0001", "J0002"]
    assert TABLES.products_of_ndc("99999000102", DAY) == ()


def test_a_code_is_valid_from_its_first_to_its_last_day() -> None:
    """A code is not valid before it is added nor after it ends; its last day is valid."""
    assert TABLES.valid("J0001", date(2026, 10, 14)) == "not_yet"
    assert TABLES.valid("J0001", date(2026, 10, 15)) == "valid"
    assert TABLES.valid("J0002", date(2026, 10, 31)) == "valid"
    assert TABLES.valid("J0002", date(2026, 11, 1)) == "ended"
    assert TABLES.valid("J0003", DAY) == "unlisted"
    assert isinstance(TABLES.valid("99999", DAY), NotLoaded)


def test_an_edit_is_found_by_its_codes_in_either_order_and_binds_on_its_last_day() -> None:
    """The edit says which code is in column 1; the day after its deletion date there is none."""
    assert TABLES.ptp("ZZ001", "J0001", DAY, "hospital") == EDIT
    assert TABLES.ptp("J0001", "ZZ001", DAY, "hospital") == EDIT
    assert TABLES.ptp("ZZ001", "J0001", date(2026, 11, 3), "hospital") is None


@pytest.mark.parametrize(
    ("day", "binds"),
    [
        (date(2019, 12, 31), False),
        (date(2020, 1, 1), True),
        (date(2023, 12, 31), True),
        (date(2024, 1, 1), True),
        (date(2024, 1, 2), False),
    ],
)
def test_an_edit_binds_on_its_first_and_its_last_day(day: date, binds: bool) -> None:
    """Effective 1 January 2020 and deleted 1 January 2024: it binds on both days, not around."""
    edit = PtpEdit("ZZ001", "J0001", "0", date(2020, 1, 1), date(2024, 1, 1), "made up")
    tables = TABLES._replace(ptps={"hospital": PtpTable(AUTUMN, {("J0001", "ZZ001"): (edit,)})})
    assert tables.ptp("ZZ001", "J0001", day, "hospital") == (edit if binds else None)


def test_primary_codes_that_have_ended_are_left_out() -> None:
    """Of two primary codes one ended in 2025; a code that is no add-on code has none."""
    assert TABLES.addon_primaries("ZZ001", DAY) == AddOnCode("ZZ001", 1, ("J0001",))
    assert TABLES.addon_primaries("ZZ001", date(2025, 1, 1)) == AddOnCode(
        "ZZ001", 1, ("J0001", "J0002")
    )
    assert TABLES.addon_primaries("J0001", DAY) is None


@pytest.mark.parametrize(
    ("size", "pieces", "billing", "package", "of_piece"),
    [
        ("1", "2", "10", "20", "10"),  # counted by piece
        ("1", "100", "100", "100", "1"),  # counted by package
        ("10", "1", "4", "40", "40"),  # counted by mL
        ("20", "1", "133.33", "134", "133.33"),  # rounded up for the package
        ("1", "2", "10", "30", None),  # 30 of 2 x 10: no reading gives it
    ],
)
def test_units_of_a_vial_follow_from_the_units_of_its_package(
    size: str, pieces: str, billing: str, package: str, of_piece: str | None
) -> None:
    """The published units count by piece, by package or by mL; a contradiction gives None."""
    crosswalk = row(
        package_size=Decimal(size),
        pieces=Decimal(pieces),
        billing_units=Decimal(billing),
        package_units=Decimal(package),
    )
    assert crosswalk.units_of_piece == (None if of_piece is None else Decimal(of_piece))


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("9999-0001-01", "09999000101"),
        ("99999-001-01", "99999000101"),
        ("99999-0001-1", "99999000101"),
        ("99999-0001-01", "99999000101"),
        (" 99999000101 ", "99999000101"),
        ("9999000101", None),
        ("9999-001-1", None),
        ("99999-0001-AB", None),
        ("999990001012", None),
        ("", None),
    ],
)
def test_the_short_part_of_an_ndc_is_padded(written: str, digits: str | None) -> None:
    """A hyphen says which part is short; ten digits without one could be three packages."""
    assert ndc11(written) == digits


@any_of(st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_eleven_digits_survive_hyphens(digits: str) -> None:
    """What is written with hyphens is read as the same digits."""
    assert ndc11(hyphenated(digits)) == digits


@any_of(st.dates(max_value=date(9998, 12, 31)))
def test_a_day_lies_in_its_quarter(day: date) -> None:
    """A day lies between the first and the last day of its quarter, and before the next one."""
    quarter = quarter_of(day)
    assert quarter.first <= day <= quarter.last
    assert quarter.last < quarter.next.first
