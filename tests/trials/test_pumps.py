"""Trials about home pumps: by the device, whatever the drug, and whosever the pump is."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from chargeline.coding.page import print_run
from chargeline.coding.run import Run
from tests.oracle.test_engine_agrees_with_oracle import rulebook
from tests.trials import DAY, administration_codes, message, questions, run_of, rxa

GUIDE, FACILITY, PHYSICIAN = "guide-2026", "cms-facility-2026", "cms-physician-2026"
NEXT_DAY = "20260303"


def pump(drug: str, amount: str, device: str, route: str = "IV") -> str:
    """A day by a pump, 09:00 to 09:00."""
    row = rxa(drug, "0900-0900", amount)
    row = row.replace(f"{DAY}0900|{DAY}0900", f"{DAY}0900|{NEXT_DAY}0900")
    return message(row, f"RXR|{route}||{device}").replace(f"|{DAY}180", f"|{NEXT_DAY}180")


def page(run: Run) -> str:
    """The page that `chargeline code` prints."""
    text = StringIO()
    print_run(Console(file=text, width=200), run, rulebook())
    return text.getvalue()


@pytest.mark.parametrize("policy", [GUIDE, FACILITY])
def test_a_day_of_antibiotic_by_home_pump_is_one_start(tmp_path: Path, policy: str) -> None:
    """The hours at home are nobody's attended hours."""
    feed = pump("piperacillin-tazobactam", "13.5 g", "ELASTOMERIC")
    run = run_of(tmp_path, feed, policy=policy)
    assert (administration_codes(run), questions(run)) == (["C8957 x1"], [])


def test_an_office_is_asked_how_the_home_pump_is_billed(tmp_path: Path) -> None:
    """The code of the start is the hospital's alone."""
    feed = pump("piperacillin-tazobactam", "13.5 g", "ELASTOMERIC")
    run = run_of(tmp_path, feed, policy=PHYSICIAN)
    assert (administration_codes(run), questions(run)) == ([], ["physician.home_pump"])


@pytest.mark.parametrize(
    ("drug", "amount", "route", "asked"),
    [
        ("morphine", "100 mg", "SC", "technique.skin_pump"),
        ("normal saline", "1000 mL", "IV", "technique.fluid_pump"),
    ],
)
def test_other_hours_at_home_are_asked_about(
    tmp_path: Path, drug: str, amount: str, route: str, asked: str
) -> None:
    """Under the skin, or fluid: no code for the start is known, and none for the hours."""
    run = run_of(tmp_path, pump(drug, amount, "CADD", route), policy=FACILITY)
    assert administration_codes(run) == []
    assert asked in questions(run)


@pytest.mark.parametrize("policy", [FACILITY, PHYSICIAN])
def test_the_line_of_a_pump_shows_the_code_of_a_clinics_own(tmp_path: Path, policy: str) -> None:
    """Whose pump it is the word CADD does not say."""
    run = run_of(tmp_path, pump("fluorouracil", "4800 mg", "CADD"), policy=policy)
    assert administration_codes(run) == ["96416 x1"]
    assert "another published position: G0498" in page(run)


@pytest.mark.parametrize(("policy", "code"), [(GUIDE, "96416"), (PHYSICIAN, "G0498")])
def test_a_clinics_own_pump_has_its_code_under_medicare(
    tmp_path: Path, policy: str, code: str
) -> None:
    """A site names the device in its interface profile; the guide knows 96416 only."""
    run = run_of(tmp_path, pump("fluorouracil", "4800 mg", "CLINIC-PUMP"), policy=policy)
    assert administration_codes(run) == [f"{code} x1"]
