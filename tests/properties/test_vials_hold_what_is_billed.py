"""Properties of drug lines: nothing is billed that was not opened, and every number adds up.

It owns properties over invented doses, vials and discarded amounts, under each policy. The sums are
worked out again here with fractions, apart from the engine's decimals.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from chargeline.engine import (
    ChargeLine,
    Container,
    Containers,
    Formulary,
    NameWords,
    Rulebook,
    draft,
)
from tests.engine import rulebook
from tests.engine.short import FACILITY, GUIDE, timeline

_SIZES = {"00000000101": 100, "00000000102": 160, "00000000103": 37}
"""Invented containers of trastuzumab (10 mg a unit), in mg; the first is a liquid of 5 mL."""


def with_containers() -> Rulebook:
    """The shipped rulebook, whose trastuzumab comes in invented containers."""
    rows = [
        Container(
            ndc=ndc, drugs=("trastuzumab",), amount=Decimal(size), unit="mg",
            millilitres=Decimal(5) if ndc.endswith("1") else None,
            form="liquid" if ndc.endswith("1") else "powder", use="single_dose",
            starts=date(2020, 1, 1), ends=None, cite="HOUSE",
        )
        for ndc, size in _SIZES.items()
    ]  # fmt: skip
    shipped = rulebook()
    formulary = Formulary(shipped.formulary.drugs, NameWords(), Containers(rows))
    return shipped._replace(formulary=formulary)


BOOK = with_containers()


class Day(NamedTuple):
    """Doses of a day in tenths of a milligram, the vials of the first, and what was discarded."""

    doses: list[int]
    vials: dict[str, int]
    wasted: int | None

    @property
    def opened(self) -> Fraction:
        return Fraction(sum(_SIZES[ndc] * count for ndc, count in self.vials.items()))

    @property
    def given(self) -> Fraction:
        return Fraction(sum(self.doses), 10)

    def in_words(self) -> list[str]:
        """The day in the notation of cases. Each dose has scans, so that the vials are counted."""
        texts = []
        scans = ",".join(f"{ndc}x{count}" for ndc, count in self.vials.items() if count)
        for place, tenths in enumerate(self.doses):
            hour = 8 + 2 * place
            text = f"trastuzumab {tenths / 10:.1f} mg iv {hour:02}:00-{hour:02}:40 order=O{place}"
            if place == 0:
                text += f" vials={scans}"
                text += f" waste={self.wasted}mg" if self.wasted is not None else ""
            texts.append(text)
        return texts


def days(draw: st.DrawFn, doses: int) -> Day:
    vials = {ndc: draw(st.integers(0, 3)) for ndc in _SIZES}
    if not any(vials.values()):
        vials["00000000101"] = 1
    amounts = [draw(st.integers(1, 4000)) for _ in range(doses)]
    return Day(amounts, vials, draw(st.none() | st.integers(0, 200)))


one_dose = st.composite(lambda draw: days(draw, 1))()
two_doses = st.composite(lambda draw: days(draw, 2))()


def lines_of(day: Day, policy: str) -> list[ChargeLine]:
    """The drug lines of a day; the visits that the doses make are one encounter."""
    drafted = draft(timeline(day.in_words()), BOOK, policy=policy)
    return [line for line in drafted.lines if line.family == "drugs"]


def units(lines: list[ChargeLine], role: str) -> int:
    return sum(line.units for line in lines if line.role == role)


def discarded_units(given_mg: Fraction, wasted: Fraction, *, are_whole: bool) -> int:
    """The units of 10 mg that a rest fills besides those of the dose."""
    if wasted < 10:
        return 0
    opened = (given_mg + wasted) / 10
    return max(0, (ceil(opened) if are_whole else floor(opened)) - ceil(given_mg / 10))


def is_held(amount: Fraction) -> bool:
    """Whether some whole containers hold just this."""
    return any(
        amount == 100 * first + 160 * second + 37 * third
        for first in range(int(amount) // 100 + 1)
        for second in range(int(amount) // 160 + 1)
        for third in range(int(amount) // 37 + 1)
    )


@given(one_dose)
def test_units_given_are_the_dose_rounded_once(day: Day) -> None:
    """However many NDCs a dose came from, its units add up to the dose, rounded up once."""
    for policy in (FACILITY, GUIDE):
        assert units(lines_of(day, policy), "drug") == ceil(day.given / 10)


@given(one_dose)
def test_units_and_waste_never_exceed_what_was_opened(day: Day) -> None:
    """Given and discarded units together are at most the units of the opened containers."""
    lines = lines_of(day, FACILITY)
    billed = units(lines, "drug") + units(lines, "drug.discarded")
    assert billed <= max(ceil(day.opened / 10), ceil(day.given / 10))
    assert units(lines_of(day, GUIDE), "drug.discarded") == 0


@given(one_dose)
def test_waste_is_the_smaller_of_what_was_charted_and_what_was_left(day: Day) -> None:
    """The discarded units are those of the rest, or of the charted amount if that is smaller, and
    less than a unit is none.
    """
    if day.opened < day.given:
        return
    rest = day.opened - day.given
    wasted = rest if day.wasted is None or abs(day.wasted - rest) < 10 else min(rest, day.wasted)
    expected = discarded_units(day.given, wasted, are_whole=wasted == rest)
    assert units(lines_of(day, FACILITY), "drug.discarded") == expected


@given(one_dose)
def test_quantities_of_ndcs_add_up_to_what_was_used(day: Day) -> None:
    """For each NDC, the lines together hold what was taken from it, to a thousandth.

    Where the whole rest is discarded, they hold the opened containers to the last decimal.
    """
    if day.opened < day.given:
        return
    lines = lines_of(day, FACILITY)
    held: dict[str, Decimal] = {}
    for line in lines:
        assert line.ndc is not None and line.ndc.quantity is not None
        assert line.ndc.quantity == round(line.ndc.quantity, 3)
        held[line.ndc.digits] = held.get(line.ndc.digits, Decimal(0)) + line.ndc.quantity
    rest = day.opened - day.given
    is_whole_rest = day.wasted is None or abs(day.wasted - rest) < 10
    has_whole_units = units(lines, "drug.discarded") > 0
    for ndc, quantity in held.items():
        opened = day.vials[ndc] * (5 if ndc.endswith("1") else 1)
        assert quantity <= opened
        if is_whole_rest and has_whole_units and len(held) == 1:
            assert quantity == opened


@given(one_dose)
def test_a_word_on_waste_is_never_both(day: Day) -> None:
    """JW and JZ do not stand on the lines of one drug and day, and JZ means less than a unit."""
    lines = lines_of(day, FACILITY)
    marks = {modifier for line in lines for modifier in line.modifiers}
    assert not {"JW", "JZ"} <= marks
    if "JZ" in marks and day.opened >= day.given:
        rest = day.opened - day.given
        wasted = rest if day.wasted is None else min(rest, Fraction(day.wasted))
        assert floor((day.given + wasted) / 10) <= ceil(day.given / 10)


@given(two_doses)
def test_a_dose_without_scans_leaves_the_vials_uncounted(day: Day) -> None:
    """Where one of two doses has no scan, no waste is concluded from the vials of the other; and as
    much as the largest container is no rest of one dose.
    """
    lines = lines_of(day, FACILITY)
    wasted = Fraction(day.wasted or 0)
    are_whole = is_held(day.given + wasted)
    expected = discarded_units(day.given, wasted, are_whole=are_whole)
    is_rest = wasted < max(_SIZES.values())
    assert units(lines, "drug.discarded") == (expected if is_rest else 0)
