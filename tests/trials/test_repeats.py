"""Trials about the same drug again: later doses, bags in a row, bags without a stop."""

from pathlib import Path

import pytest

from tests.trials import administration_codes, charges, message, provisional, questions, run_of, rxa
from tests.trials.test_pumps import page

FACILITY = "cms-facility-2026"
IV = "RXR|IV"


def infused(*times: str, drug: str = "cefepime", apart: bool = False) -> str:
    """A drug infused at these times, all in order R1, or in an order each."""
    texts = []
    for number, time in enumerate(times, start=1):
        row = rxa(drug, time, "1000 mg").replace("|0|1|", f"|0|{number}|")
        order = f"ORC|RE||R{number if apart else 1}"
        texts.append(message(order, row, IV, number=number))
    return "".join(texts)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (("0900-0930", "1130-1200"), ["96365 x1", "96366 x1"]),
        (("0700-0800", "1500-1600"), ["96365 x1", "96366 x1"]),
        (("0900-0930", "1130-1301"), ["96365 x1", "96366 x1", "96366 x1"]),
        (("0900-0930", "1130-1145"), ["96365 x1", "96376 x1"]),
    ],
    ids=["half an hour", "an hour", "91 minutes", "15 minutes: a push"],
)
def test_a_later_dose_is_reported_for_itself(
    tmp_path: Path, times: tuple[str, str], expected: list[str]
) -> None:
    """Each bag that ran 16 minutes or longer; the minutes are not added."""
    run = run_of(tmp_path, infused(*times, apart=True), policy=FACILITY)
    assert administration_codes(run) == expected


def test_the_line_shows_that_others_add_the_minutes(tmp_path: Path) -> None:
    """Both positions are published; the page names the one that was not taken."""
    run = run_of(tmp_path, infused("0900-0930", "1130-1200"), policy=FACILITY)
    assert "another published position: add_minutes" in page(run)


def test_stretches_of_chemotherapy_are_added(tmp_path: Path) -> None:
    """30 + 40 minutes of carboplatin, hours apart."""
    run = run_of(tmp_path, infused("0900-0930", "1130-1210", drug="carboplatin", apart=True))
    assert administration_codes(run) == ["96413 x1"]


@pytest.mark.parametrize("second", ["0930-1000", "0931-1001", "1030-1100"])
def test_an_interrupted_infusion_is_one(tmp_path: Path, second: str) -> None:
    """A new bag at once, or a pause of up to an hour within one order: 60 minutes in all."""
    run = run_of(tmp_path, infused("0900-0930", second), policy=FACILITY)
    assert administration_codes(run) == ["96365 x1"]


def test_a_bag_without_a_stop_is_no_push_beside_the_next_bag(tmp_path: Path) -> None:
    """The stop is asked for, its minutes are not counted, and the hours wait for the answer."""
    first = rxa("paclitaxel", "0700", "100 mg")
    second = rxa("paclitaxel", "1500-1700", "100 mg").replace("|0|1|", "|0|2|")
    bags = [
        message("ORC|RE||R1", row, "RXR|IV|||IVPB", number=number)
        for number, row in enumerate((first, second), start=1)
    ]
    run = run_of(tmp_path, *bags, policy=FACILITY)
    assert administration_codes(run) == ["96413 x1", "96415 x1"]
    assert questions(run) == ["stop.missing"]
    assert provisional(run) == ["96413", "96415"]
    assert "J9267 x200" in charges(run)
