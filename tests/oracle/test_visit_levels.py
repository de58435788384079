"""The engine and the oracle give every visit the same level and the same prolonged time."""

from itertools import product

import pytest

from tests.engine.visits import NOTE, drafted, visit
from tests.oracle.visit_levels import LEVELS, PROLONGED, Told, billed

ELEMENTS = ("problems", "data", "risk")
MADE = [dict(zip(ELEMENTS, levels, strict=True)) for levels in product(("", *LEVELS), repeat=3)]
MINUTES = (*range(8, 17), 19, 20, 29, 30, 31, 39, 40, 44, 45, 54, 55, 59, 60, 68, 69, 70, 74, 75)
LONG = (83, 84, 88, 89, 90, 99, 103, 104, 119, 240)


def engine(told: Told, policy: str) -> dict[str, int]:
    care = [f"{about} {level}" for about, level in told.elements.items()]
    care += [f"visit_minutes {told.minutes} min"] * bool(told.minutes)
    draft = drafted(visit(NOTE, f"patient_status {told.patient}", *care), policy=policy)
    return {line.code: line.units for line in draft.lines}


@pytest.mark.parametrize("policy", PROLONGED)
@pytest.mark.parametrize("patient", ["new", "established"])
def test_every_combination_of_elements(patient: str, policy: str) -> None:
    """All 125 combinations of problems, data and risk, some of them not documented."""
    for written in MADE:
        elements = {about: level for about, level in written.items() if level}
        told = Told(patient, 0, elements)
        assert engine(told, policy) == billed(told, policy), told


@pytest.mark.parametrize("policy", PROLONGED)
@pytest.mark.parametrize("patient", ["new", "established"])
def test_every_boundary_of_minutes_beside_decision_making(patient: str, policy: str) -> None:
    """Around each minimum, alone and beside two elements of each level."""
    for minutes in (*MINUTES, *LONG):
        for level in ("", *LEVELS):
            elements = {"problems": level, "risk": level} if level else {}
            told = Told(patient, minutes, elements)
            assert engine(told, policy) == billed(told, policy), told


def test_the_comparison_can_fail() -> None:
    """An oracle of another patient differs on some visit, so a difference would be seen."""
    told = Told("established", 40, {})
    assert engine(told, "guide-2026") != billed(told._replace(patient="new"), "guide-2026")
