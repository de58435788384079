"""Trials about what contradicts itself: notes, labels, bodies, orders, and another visit."""

from pathlib import Path

import pytest

from tests.trials import DAY, charges, message, provisional, questions, run_of, rxa
from tests.trials.test_doubts import order

IV = "RXR|IV"


@pytest.mark.parametrize(
    "note",
    ["dose not given, patient refused", "Stopped at 09:10 for rigors", "line INFILTRATED"],
)
def test_a_note_that_contradicts_its_row_is_asked_about(tmp_path: Path, note: str) -> None:
    """The row says a whole dose, the note says otherwise: the lines wait for a person."""
    run = run_of(tmp_path, message(rxa("carboplatin", "0900-1000", "450 mg"), IV, f"NTE|1||{note}"))
    assert questions(run) == ["note.contradicts"]
    assert provisional(run) == ["96413", "J9045"]


def test_a_note_of_a_flush_contradicts_nothing(tmp_path: Path) -> None:
    """Nurses write it beside nearly every drug."""
    note = "NTE|1||Blood return good. Flushed with 10 mL after"
    run = run_of(tmp_path, message(rxa("carboplatin", "0900-1000", "450 mg"), IV, note))
    assert questions(run) == []


@pytest.mark.parametrize(
    ("drug", "amount", "code"),
    [
        ("vincristine", "20 mg", "J9370"),
        ("pembrolizumab", "2000 mg", "J9271"),
        ("docetaxel", "1.4 g", "J9171"),
    ],
)
def test_more_than_any_label_gives_is_asked_about_without_an_order(
    tmp_path: Path, drug: str, amount: str, code: str
) -> None:
    """A slip of a digit or of a unit shows by itself."""
    run = run_of(tmp_path, message(rxa(drug, "0900-1000", amount), IV))
    assert questions(run) == ["dose.usual"]
    assert code in provisional(run)


@pytest.mark.parametrize(
    ("ordered", "given", "doubted"),
    [
        ("75 mg/m2", "150 mg", False),
        ("75 mg/m2", "240 mg", True),
        ("75 mg/m\\S\\2", "240 mg", True),
        ("1 mg/kg", "70 mg", False),
        ("0.5 mg/kg", "150 mg", True),
    ],
)
def test_an_order_by_body_is_compared_with_bodies(
    tmp_path: Path, ordered: str, given: str, doubted: bool
) -> None:
    """Nobody has 3 square metres or 250 kg."""
    row = message("ORC|RE||R1", rxa("docetaxel", "0900-1000", given), IV)
    run = run_of(tmp_path, order("docetaxel", ordered, 60), row)
    assert questions(run) == (["dose.ordered"] if doubted else [])


def test_a_slip_between_morning_and_afternoon_is_asked_about(tmp_path: Path) -> None:
    """10:00 became 22:00: thirteen hours without an order."""
    late = message(rxa("carboplatin", "0900-2200", "450 mg"), IV).replace(
        f"{DAY}180", "20260303180"
    )
    assert questions(run_of(tmp_path, late)) == ["time.long"]


def test_a_dose_on_the_day_before_the_admission_is_asked_about(tmp_path: Path) -> None:
    """23 hours before it: the day is wrong, or the visit."""
    row = message(rxa("carboplatin", "0900-1000", "450 mg"), IV)
    admission = (
        "MSH|^~\\&|ADT|ZEBRA|CHARGELINE|ZEBRA|202603030801||ADT^A01|A1|T|2.5.1\r"
        f"PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O{'|' * 17}V1{'|' * 25}202603030800\r"
    )
    assert questions(run_of(tmp_path, row, admission)) == ["time.outside_visit"]


def test_the_same_dose_under_two_visits_is_asked_about_in_both(tmp_path: Path) -> None:
    """A row that was sent under V1 and again under V2 is one dose, and nobody can say whose."""
    rows = [rxa("carboplatin", "0900-1000", "450 mg"), IV]
    run = run_of(tmp_path, message(*rows), message(*rows, visit="V2", number=2))
    assert questions(run) == ["dose.other_visit", "dose.other_visit"]
    assert provisional(run).count("J9045") == 2


def test_a_dose_a_minute_later_under_another_visit_is_another_dose(tmp_path: Path) -> None:
    """Two visits of a day are normal."""
    first = message(rxa("carboplatin", "0900-1000", "450 mg"), IV)
    second = message(rxa("carboplatin", "1500-1600", "450 mg"), IV, visit="V2", number=2)
    assert "dose.other_visit" not in questions(run_of(tmp_path, first, second))


def test_rows_for_each_rate_do_not_multiply_the_dose_in_silence(tmp_path: Path) -> None:
    """Each row repeats 700 mg, and no order says how much was hung."""
    rows = [
        rxa("rituximab", times, "700 mg").replace("RXA|0|1|", f"RXA|0|{number}|")
        for number, times in enumerate(("0900-0930", "0930-1000", "1000-1100"), 1)
    ]
    run = run_of(tmp_path, message(*[s for row in rows for s in ("ORC|RE||R1", row, IV)]))
    assert questions(run) == ["dose.repeated", "dose.usual"]
    assert "J9312" in provisional(run)


def test_two_whole_doses_of_one_order_within_hours_are_asked_about(tmp_path: Path) -> None:
    """An order of chemotherapy is for one dose."""
    rows = [
        rxa("carboplatin", times, "450 mg").replace("RXA|0|1|", f"RXA|0|{number}|")
        for number, times in enumerate(("0900-1000", "1300-1400"), 1)
    ]
    charted = message(*[s for row in rows for s in ("ORC|RE||R1", row, IV)])
    run = run_of(tmp_path, order("carboplatin", "450 mg", 60), charted)
    assert questions(run) == ["dose.twice"]


def test_a_dose_stopped_early_that_claims_the_whole_order_is_asked_about(tmp_path: Path) -> None:
    """RXA-20 PA with the whole amount: one of the two is wrong."""
    row = message("ORC|RE||R1", rxa("carboplatin", "0900-0940", "450 mg", done="PA"), IV)
    run = run_of(tmp_path, order("carboplatin", "450 mg", 60), row)
    assert questions(run) == ["dose.ordered"]


def test_vincristine_into_the_spine_is_no_known_product(tmp_path: Path) -> None:
    """It would kill, so the route or the drug is charted wrong."""
    run = run_of(tmp_path, message(rxa("vincristine", "0900", "2 mg"), "RXR|IT"))
    assert questions(run) == ["drug.unknown"]
    assert charges(run) == []


def test_a_litre_that_was_ordered_over_an_hour_is_no_rinse_for_a_word(tmp_path: Path) -> None:
    """The note is about ten millilitres afterwards."""
    saline = rxa("normal saline", "0900-1000", "1000 mL")
    row = message("ORC|RE||R1", saline, IV, "NTE|1||Flush with 10 mL after")
    run = run_of(tmp_path, order("normal saline", "1000 mL", 60), row)
    assert questions(run) == ["fluid.purpose"]


def test_the_left_arm_has_one_name(tmp_path: Path) -> None:
    """LA and LEFT ARM are one line, so there is no second initial service."""
    first, second = rxa("ondansetron", "0850", "8 mg"), rxa("carboplatin", "0900-1000", "450 mg")
    run = run_of(tmp_path, message(first, "RXR|IV|LA||IVP", second, "RXR|IV|LEFT ARM"))
    assert questions(run) == []


def test_a_drug_by_an_unknown_route_is_provisional(tmp_path: Path) -> None:
    """By mouth it would not be billed at all."""
    run = run_of(tmp_path, message(rxa("mitomycin", "0900", "40 mg"), "RXR|IVES"))
    assert questions(run) == ["technique.no_route"]
    assert provisional(run) == ["J9280"]
