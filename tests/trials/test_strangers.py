"""Trials of a stranger: what was billed twice, under another name, or not at all."""

from pathlib import Path

import pytest

from tests.answers.given import answer, run_after
from tests.trials import charges, message, provisional, questions, run_of, rxa
from tests.trials.test_doubts import IV, PUSH

SC = "RXR|SC"


@pytest.mark.parametrize(
    ("times", "amount"),
    [("0903-1003", "450 mg"), ("0900-1000", "0.45 g"), ("0900-1000", "455 mg")],
)
def test_a_drug_that_runs_beside_itself_is_asked_about(
    tmp_path: Path, times: str, amount: str
) -> None:
    """The same bag a few minutes later, in another unit, or with a slip in the amount."""
    first, second = rxa("carboplatin", "0900-1000", "450 mg"), rxa("carboplatin", times, amount)
    run = run_of(tmp_path, message(first, IV, second, IV))
    assert questions(run) == ["dose.twice"]
    assert "J9045" in provisional(run)


def test_one_bag_under_two_sub_ids_of_an_order_is_asked_about(tmp_path: Path) -> None:
    """RXA-2 of 1 and 2, a minute apart, and no order message."""
    rows = [
        rxa("carboplatin", times, "450 mg").replace("|0|1|", f"|0|{number}|")
        for number, times in ((1, "0900-1000"), (2, "0901-1001"))
    ]
    bags = [message("ORC|RE||R1", row, IV, number=n) for n, row in enumerate(rows, start=1)]
    assert questions(run_of(tmp_path, *bags)) == ["dose.twice"]


def test_bags_after_each_other_are_no_doubles(tmp_path: Path) -> None:
    """Two bags that touch, and pushes of ten minutes apart."""
    rows = [
        rxa("carboplatin", "0900-1000", "450 mg"),
        IV,
        rxa("carboplatin", "1000-1100", "450 mg"),
        IV,
        rxa("fentanyl", "1110", "50 mcg"),
        PUSH,
        rxa("fentanyl", "1120", "50 mcg"),
        PUSH,
    ]
    assert "dose.twice" not in questions(run_of(tmp_path, message(*rows)))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("CARBOPLATIN", "cisplatin"),
        ("PACLITAXEL", "paclitaxel protein-bound"),
        ("TRASTUZUMAB", "trastuzumab-dkst"),
    ],
)
def test_a_code_and_a_text_of_two_products_are_asked_about(
    tmp_path: Path, code: str, text: str
) -> None:
    """Neither is billed until somebody says which."""
    row = rxa("zebra", "0900-1000", "100 mg").replace("ZEBRA^zebra^L", f"{code}^{text}^L")
    run = run_of(tmp_path, message(row, IV))
    assert questions(run) == ["drug.unknown"] and charges(run) == []


def test_a_text_that_says_less_than_the_code_changes_nothing(tmp_path: Path) -> None:
    """The code of the biosimilar, and the name of its ingredient."""
    row = rxa("zebra", "0900-1000", "400 mg")
    row = row.replace("ZEBRA^zebra^L", "TRASTUZUMAB-DKST^trastuzumab^L")
    assert "Q5114 x40" in charges(run_of(tmp_path, message(row, IV)))


@pytest.mark.parametrize(
    ("drug", "amount"),
    [("octreotide", "30 mg"), ("amivantamab", "2240 mg"), ("pertuzumab", "600 mg")],
)
def test_what_is_sold_otherwise_is_asked_about(tmp_path: Path, drug: str, amount: str) -> None:
    """A depot by its dose, and products under the skin whose code is another one."""
    run = run_of(tmp_path, message(rxa(drug, "0900", amount), SC))
    assert questions(run) == ["drug.unknown"]


def test_a_correction_that_names_another_drug_is_asked_about(tmp_path: Path) -> None:
    """RXA-21 U under the same RXA-2: both rows stand, and the lines wait."""
    first = message("ORC|RE||R1", rxa("carboplatin", "0900-1000", "450 mg"), IV, number=1)
    other = rxa("cisplatin", "1100-1200", "100 mg").removesuffix("|A") + "|U"
    run = run_of(tmp_path, first, message("ORC|RE||R1", other, IV, number=2))
    assert "correction.ambiguous" in questions(run)


def test_a_deletion_that_fits_no_row_is_asked_about(tmp_path: Path) -> None:
    """RXA-21 D with another RXA-2."""
    first = message("ORC|RE||R1", rxa("carboplatin", "0900-1000", "450 mg"), IV, number=1)
    gone = rxa("carboplatin", "0900-1000", "450 mg").replace("|0|1|", "|0|7|")
    void = message("ORC|RE||R1", gone.removesuffix("|A") + "|D", IV, number=2)
    assert questions(run_of(tmp_path, first, void)) == ["correction.ambiguous"]


def test_a_port_that_a_person_bills_by_hand_is_not_billed_here(tmp_path: Path) -> None:
    """96523 is withheld, or it would stand on two bills."""
    flush = rxa("normal saline", "0900", "10 mL")
    messages = [message(flush, "RXR|IV|PORT||IVP")]
    before = run_after(tmp_path, messages)
    assert questions(before) == ["port.alone"] and "96523 x1" in charges(before)
    after = run_after(tmp_path, messages, answer(before, "port.alone", "by_hand"))
    assert charges(after) == [] and questions(after) == []
    reasons = [each.reason for each in after.visits[0].draft.encounters[0].withheld]
    assert "answer.by_hand" in reasons
