"""Claims about containers: which holds on a day, and which waste least for a dose."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeline.engine.containers import Container, Containers, least_opened

DAY = date(2026, 3, 2)


def container(ndc: str, *, starts: date | None = None, ends: date | None = None) -> Container:
    return Container(
        ndc=ndc, drugs=("trastuzumab",), amount=Decimal(150), unit="mg", millilitres=None,
        form="powder", use="single_dose", starts=starts, ends=ends, cite="HOUSE",
    )  # fmt: skip


def test_the_row_in_force_stands_for_an_ndc() -> None:
    """Of two rows of an NDC the one of the day counts."""
    old = container("00000000101", ends=date(2026, 1, 1))
    new = container("00000000101", starts=date(2026, 1, 1))
    rows = Containers([new, old])
    assert rows.of("00000000101", DAY) == new
    assert rows.of("00000000101", date(2025, 6, 1)) == old


def test_a_container_off_the_market_is_still_known() -> None:
    """A vial on the shelf holds what it held, and it is not among those that can be bought."""
    gone = container("00000000101", ends=date(2026, 1, 1))
    rows = Containers([gone])
    assert rows.of("00000000101", DAY) == gone
    assert rows.of_drug("trastuzumab", DAY) == ()


@pytest.mark.parametrize(
    ("dose", "sizes", "least"),
    [
        ("610", ["180"], "720"),
        ("252", ["160", "100"], "260"),
        ("440", ["160", "100"], "460"),
        ("750", ["500", "100"], "800"),
        ("10", ["10"], "10"),
        ("7.5", ["2.5", "4"], "7.5"),
        ("0.3", ["0.25", "0.2"], "0.4"),
    ],
)
def test_the_least_that_whole_containers_hold(dose: str, sizes: list[str], least: str) -> None:
    """610 mg need four containers of 180 mg; 252 mg one of 160 and one of 100."""
    assert least_opened(Decimal(dose), map(Decimal, sizes)) == Decimal(least)


def test_without_a_size_nothing_is_least() -> None:
    """No size, no dose, or a dose of thousands of containers: nobody can say."""
    assert least_opened(Decimal(10), []) is None
    assert least_opened(Decimal(0), [Decimal(1)]) is None
    assert least_opened(Decimal(10_000_000), [Decimal(1)]) is None


amounts = st.decimals("0.5", "60", places=1)


@given(amounts, st.lists(amounts, min_size=1, max_size=3))
def test_nothing_smaller_covers_the_dose(dose: Decimal, sizes: list[Decimal]) -> None:
    """Against every combination of containers: the least is one of them, and none is between."""
    most = int(dose / min(sizes)) + 1
    held = {Decimal(0)}
    for size in sizes:
        held = {before + size * n for before in held for n in range(most + 1)}
    assert least_opened(dose, sizes) == min(amount for amount in held if amount >= dose)
