"""Trials about blood: what is transfused is no unknown drug, and its fluid is no hydration."""

from pathlib import Path

import pytest

from tests.trials import administration_codes, charges, message, questions, run_of, rxa

FACILITY = "cms-facility-2026"
IV = "RXR|IV"


def given(*rows: str) -> str:
    return message(*[part for row in rows for part in (row, IV)])


@pytest.mark.parametrize(
    "name",
    [
        "red blood cells leukoreduced",
        "PRBC",
        "Packed Red Blood Cells",
        "platelets apheresis leukoreduced",
        "fresh frozen plasma",
        "cryoprecipitate",
    ],
)
def test_blood_is_no_unknown_drug(tmp_path: Path, name: str) -> None:
    """It is withheld with its reason, and nobody is asked to add it to the formulary."""
    run = run_of(tmp_path, given(rxa(name, "0900-1130", "1 unit")), policy=FACILITY)
    assert (charges(run), questions(run)) == ([], [])
    (encounter,) = run.visits[0].draft.encounters
    assert [entry.reason for entry in encounter.withheld] == ["technique.blood"]


def test_fluid_between_units_of_blood_is_no_hydration(tmp_path: Path) -> None:
    """45 minutes of saline between two units."""
    first = rxa("red blood cells leukoreduced", "0900-1130", "1 unit")
    saline = rxa("sodium chloride 0.9%", "1130-1215", "500 mL")
    second = rxa("red blood cells leukoreduced", "1215-1445", "1 unit")
    run = run_of(tmp_path, given(first, saline, second), policy=FACILITY)
    assert (administration_codes(run), questions(run)) == ([], [])


@pytest.mark.parametrize("policy", ["guide-2026", FACILITY, "cms-physician-2026"])
def test_hydration_after_the_blood_counts(tmp_path: Path, policy: str) -> None:
    """An hour of saline after the last unit is hydration, beside furosemide an add-on."""
    blood = rxa("platelets", "0900-0945", "1 unit")
    push = rxa("furosemide", "0950", "20 mg")
    saline = rxa("sodium chloride 0.9%", "1000-1100", "1000 mL")
    feed = message(blood, IV, push, "RXR|IV|||IVP", saline, IV)
    run = run_of(tmp_path, feed, policy=policy)
    assert administration_codes(run) == ["96361 x1", "96374 x1"]
