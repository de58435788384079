"""Trials about amounts, codes and words in another place than the standard prints them."""

from pathlib import Path

import pytest

from tests.trials import charges, message, provisional, questions, run_of, rxa

IV = "RXR|IV"
HOURS = ["96413 x1", "96415 x1"]


def with_amount(amount: str, unit: str = "mg") -> str:
    """Carboplatin of 90 minutes with the fields RXA-6 and RXA-7 as given."""
    return rxa("carboplatin", "0900-1030", "450 mg").replace("|450|mg|", f"|{amount}|{unit}|")


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        ("450 mg", ""), ("450mg", "mg"), ("450 mg", "MG"), ("450^mg", ""), ("450", "^mg"),
        ("450", "^milligram"), ("0,000,450", "mg"), ("450.0", "mg^milligram^UCUM"),
    ],
)  # fmt: skip
def test_an_amount_that_can_be_read_in_one_way_is_billed(
    tmp_path: Path, amount: str, unit: str
) -> None:
    """The unit stands behind the number, or in the second component."""
    run = run_of(tmp_path, message(with_amount(amount, unit), IV))
    assert (charges(run), questions(run)) == ([*HOURS, "J9045 x9"], [])


@pytest.mark.parametrize(
    ("amount", "unit", "asked"),
    [
        ("1,000", "mg", "number.invalid"), ("450 mg", "mL", "number.invalid"),
        ("450 mg or so", "mg", "number.invalid"), ("1.2.3", "mg", "number.invalid"),
        ("999", "mg", "dose.missing"), ("0", "mg", "dose.missing"), ("", "mg", "dose.missing"),
        ("450", "", "dose.no_unit"),
    ],
)  # fmt: skip
def test_an_amount_that_nobody_can_read_costs_the_dose_only(
    tmp_path: Path, amount: str, unit: str, asked: str
) -> None:
    """The hours are charged, and the dose is asked about."""
    run = run_of(tmp_path, message(with_amount(amount, unit), IV))
    assert (charges(run), questions(run)) == (HOURS, [asked])


@pytest.mark.parametrize("second", ["999", "some"])
def test_a_bag_of_unknown_amount_makes_the_sum_unknown(tmp_path: Path, second: str) -> None:
    """Two bags of one infusion: 450 mg and nobody knows; 1,449 mg were billed."""
    bags = [
        rxa("carboplatin", time, "450 mg", note=f"{word}^^L", done="")
        for time, word in (("0900", "New Bag"), ("0930", "New Bag"), ("1030", "Stopped"))
    ]
    bags[1] = bags[1].replace("|450|", f"|{second}|")
    bags[2] = bags[2].replace("|450|", "|0|")
    feed = [message("ORC|RE||R1", bag, IV, number=n) for n, bag in enumerate(bags, start=1)]
    run = run_of(tmp_path, *feed, interface="action-stream")
    assert charges(run) == HOURS
    assert questions(run) == ["dose.missing" if second == "999" else "number.invalid"]


def test_an_unreadable_order_keeps_its_duration(tmp_path: Path) -> None:
    """RXE-3 is no number and the stop is late: the order of 60 minutes still doubts it."""
    order = (
        "MSH|^~\\&|RX|ZEBRA|CHARGELINE|ZEBRA|202603020800||RDE^O11^RDE_O11|O1|T|2.5.1\r"
        "PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\rORC|NW||R1\r"
        "RXE||CARBOPLATIN^carboplatin^L|4-5||mg\rTQ1|1|||||60^min\rRXR|IV\r"
    )
    late = message("ORC|RE||R1", rxa("carboplatin", "0900-1400", "450 mg"), IV)
    assert questions(run_of(tmp_path, order, late)) == ["time.long"]


def test_an_unreadable_discarded_amount_costs_no_administration(tmp_path: Path) -> None:
    """The dose is billed, and the amount is asked about."""
    waste = "OBX|1|NM|WASTED-AMOUNT^^L||some|mg"
    run = run_of(tmp_path, message(with_amount("450"), IV, waste))
    assert charges(run) == [*HOURS, "J9045 x9"]
    assert [visit.draft.questions[0].finding.code for visit in run.visits] == ["number.invalid"]


def with_code(coded: str) -> str:
    """Carboplatin of 90 minutes with RXA-5 as given."""
    return with_amount("450").replace("CARBOPLATIN^carboplatin^L", coded)


@pytest.mark.parametrize(
    "coded",
    ["X1^^L~CARBOPLATIN^carboplatin^L", "X1^^L~X2^carboplatin^L", "X1^^L^CARBOPLATIN^^M"],
)
def test_a_drug_may_be_named_in_a_second_repetition(tmp_path: Path, coded: str) -> None:
    """The code of the first one is of the sender's own."""
    run = run_of(tmp_path, message(with_code(coded), IV))
    assert (charges(run), questions(run)) == ([*HOURS, "J9045 x9"], [])


def test_two_drugs_in_one_field_are_asked_about(tmp_path: Path) -> None:
    """Carboplatin and docetaxel in RXA-5: neither is billed in silence."""
    two = with_code("CARBOPLATIN^carboplatin^L~DOCETAXEL^docetaxel^L")
    run = run_of(tmp_path, message(two, IV))
    assert ("J9045" in " ".join(charges(run)), questions(run)) == (False, ["drug.unknown"])


@pytest.mark.parametrize(
    "route", ["RXR|^^L^IV", "RXR|X^^L^IV^Intravenous", "RXR|X^^L^^INTRAVENOUS"]
)
def test_a_route_may_stand_in_the_alternate_components(tmp_path: Path, route: str) -> None:
    """RXR-1.4 and RXR-1.5 are read after RXR-1.1 and RXR-1.2."""
    run = run_of(tmp_path, message(with_amount("450"), route))
    assert (charges(run), questions(run)) == ([*HOURS, "J9045 x9"], [])


def test_an_action_may_stand_in_a_second_repetition(tmp_path: Path) -> None:
    """RXA-9 holds a remark, then the word Held."""
    row = rxa("carboplatin", "0900", "450 mg", note="00^remark^N~HELD^held^L", done="")
    run = run_of(tmp_path, message(row, IV))
    assert (charges(run), provisional(run), questions(run)) == ([], [], [])
