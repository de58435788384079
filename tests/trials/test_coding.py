"""Trials about coding: access lines, repeats, punctures, pauses, and drugs without a code."""

from pathlib import Path

import pytest

from tests.trials import charges, message, provisional, questions, run_of, rxa

IV, PUSH = "RXR|IV", "RXR|IV|||IVP"
CARBOPLATIN = rxa("carboplatin", "0900-1000", "450 mg")
FACILITY = "cms-facility-2026"


def codes(run_charges: list[str]) -> list[str]:
    """The charges of giving drugs, without the drugs themselves."""
    return [charge for charge in run_charges if charge.startswith("96")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("RXR|IV|LA||IVP", "RXR|IV|PORT"),
        ("RXR|IV|PICC LUMEN 1||IVP", "RXR|IV|PICC LUMEN 2"),
        ("RXR|IV|PICC RED||IVP", "RXR|IV|PICC PURPLE"),
        ("RXR|IV|LA||IVP", "RXR|IV|LEFT ARM"),
    ],
)
def test_lines_that_never_ran_together_are_one(tmp_path: Path, first: str, second: str) -> None:
    """A push through another vein before the infusion is an add-on, and nobody is asked."""
    push = rxa("ondansetron", "0830", "8 mg")
    run = run_of(tmp_path, message(push, first, CARBOPLATIN, second))
    assert (codes(charges(run)), questions(run)) == (["96375 x1", "96413 x1"], [])


def test_a_second_line_in_use_at_the_same_time_waits_for_its_reason(tmp_path: Path) -> None:
    """The modifier is drafted, and the line is provisional until somebody says why."""
    other = rxa("vancomycin", "0915-1015", "1000 mg")
    run = run_of(tmp_path, message(CARBOPLATIN, "RXR|IV|PORT", other, "RXR|IV|LA"))
    assert codes(charges(run)) == ["96365-59 x1", "96413 x1"]
    assert questions(run) == ["initial.second_line"]
    assert provisional(run) == ["96365"]


def test_a_push_counts_from_the_last_reported_push(tmp_path: Path) -> None:
    """10:00, 10:20 (not reported), 10:45: 45 minutes after the only reported one."""
    rows = [rxa("morphine", time, "4 mg") for time in ("1000", "1020", "1045")]
    segments = [segment for row in rows for segment in (row, PUSH)]
    run = run_of(tmp_path, message(*segments), policy=FACILITY)
    assert codes(charges(run)) == ["96374 x1", "96376 x1"]


def test_a_push_after_an_infusion_of_the_same_drug_need_not_wait(tmp_path: Path) -> None:
    """The half hour is between pushes; ten minutes after the drip the push is a repeat."""
    drip = rxa("ondansetron", "0900-0930", "8 mg")
    push = rxa("ondansetron", "0940", "8 mg")
    run = run_of(tmp_path, message(drip, IV, push, PUSH), policy=FACILITY)
    assert codes(charges(run)) == ["96365 x1", "96376 x1"]


def test_a_drug_of_a_mixed_bag_is_known_by_its_own_name(tmp_path: Path) -> None:
    """Ondansetron after a bag of dexamethasone and ondansetron is the same drug again."""
    bag = [
        rxa("premed bag", "0830-0850"), IV,
        "RXC|A|DEXAMETHASONE^dexamethasone^L|12|mg", "RXC|A|ONDANSETRON^ondansetron^L|16|mg",
    ]  # fmt: skip
    push = rxa("ondansetron", "1100", "8 mg")
    run = run_of(tmp_path, message(*bag, CARBOPLATIN, IV, push, PUSH), policy=FACILITY)
    assert codes(charges(run)) == ["96367 x1", "96376 x1", "96413 x1"]


def test_three_drugs_by_one_puncture_are_one_service(tmp_path: Path) -> None:
    """The code of the service includes the puncture."""
    drugs = [rxa("methotrexate", "0900", "12 mg"), rxa("cytarabine", "0900", "30 mg")]
    run = run_of(tmp_path, message(*[part for row in drugs for part in (row, "RXR|IT")]))
    assert codes(charges(run)) == ["96450 x1"]


@pytest.mark.parametrize("patient_class", ["E", "OBS"])
def test_a_physician_bills_nothing_in_the_hospital(tmp_path: Path, patient_class: str) -> None:
    """Emergency and observation are the hospital's."""
    fluid = message(rxa("normal saline", "0900-0933", "1000 mL"), IV, patient_class=patient_class)
    assert charges(run_of(tmp_path, fluid, policy="cms-physician-2026")) == []
    assert codes(charges(run_of(tmp_path, fluid, policy=FACILITY))) == ["96360 x1"]


def test_a_pause_is_no_stop(tmp_path: Path) -> None:
    """New bag, paused, nothing more: the stop and the dose are asked for."""
    rows = [
        rxa("rituximab", "0900", "700 mg", note="New Bag^^L"),
        rxa("rituximab", "0940", note="Paused^^L"),
    ]
    feed = [message("ORC|RE||R1", row, IV, number=n) for n, row in enumerate(rows, start=1)]
    run = run_of(tmp_path, *feed, interface="action-stream")
    assert questions(run) == ["stop.paused"]
    assert provisional(run) == ["96413", "J9312"]


def test_a_drug_without_a_code_is_asked_about(tmp_path: Path) -> None:
    """Plain IVIG: which product it is decides the code, and the page says so."""
    run = run_of(tmp_path, message(rxa("ivig", "0900-1200", "30 g"), IV))
    assert questions(run) == ["drug.no_code"]


def test_a_fluid_without_a_code_is_no_question(tmp_path: Path) -> None:
    """Fluids without a code are worth less than an answer."""
    run = run_of(tmp_path, message(rxa("d5 half normal saline", "0900-1000", "1000 mL"), IV))
    assert questions(run) == []


@pytest.mark.parametrize("unit", ["Unit(s)", "UNITS", "[iU]"])
def test_units_are_read_as_pharmacies_write_them(tmp_path: Path, unit: str) -> None:
    """`40000 Unit(s)` of epoetin are 40 units of 1,000."""
    run = run_of(tmp_path, message(rxa("epoetin alfa", "0900", f"40000 {unit}"), "RXR|SC"))
    assert charges(run) == ["96372 x1", "J0885 x40"]
    assert questions(run) == ["drug.codes"]  # and none about the unit


def test_a_route_that_nobody_knows_is_not_a_missing_one(tmp_path: Path) -> None:
    """`IVES` (into the bladder) is charted; the interface profile lacks its meaning."""
    run = run_of(tmp_path, message(rxa("mitomycin", "0900", "40 mg"), "RXR|IVES"))
    (question,) = [q for e in run.visits[0].draft.encounters for q in e.questions]
    assert "interface profile" in question.finding.do
