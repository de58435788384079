"""Claims about dispense and give messages: NDC, amount and lot of what was handed out are kept."""

from decimal import Decimal

import pytest

from chargeline.engine import Dispensed, fold
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import message, segment

TRASTUZUMAB = "50242-0132-01^trastuzumab 150 mg^NDC"


def rds(vials: str, *, number: str = "1", control: str = "RE", at: str = "1000") -> bytes:
    """A dispense of vials of trastuzumab, sent at a time of 2 March."""
    common = segment("ORC", {1: control, 2: "R1", 3: "R1"})
    fields = {1: number, 2: TRASTUZUMAB, 3: "20260302", 4: vials, 5: "VIAL", 18: "LOT7"}
    return message("RDS^O13", common, segment("RXD", fields), sent=at)


def rgv(amount: str) -> bytes:
    """A message that tells to give an amount of trastuzumab."""
    fields = {1: "1", 4: TRASTUZUMAB, 5: amount, 7: "mg", 19: "LOT8"}
    return message(
        "RGV^O15", segment("ORC", {1: "RE", 2: "R1", 3: "R1"}), segment("RXG", fields), sent="1100"
    )


def handed_out(*messages: bytes) -> tuple[Dispensed, ...]:
    """What the one visit of these messages has as dispensed."""
    profile = make_profile(read_interface(rules_directory(), "standard"))
    readings = [read_events(read_message(data), profile) for data in messages]
    visits = fold(readings, load_rulebook(rules_directory()).base)
    (timeline,) = [visits[key] for key in visits]
    return timeline.dispensed


def test_a_dispense_message_is_kept_with_ndc_amount_and_lot() -> None:
    """Three vials of RXD-2 with a lot are known to the visit, although nothing was given."""
    (item,) = handed_out(rds("3"))
    assert (item.ndcs, item.drug.amount, item.drug.unit) == (("50242-0132-01",), Decimal(3), "VIAL")
    assert (item.lot, item.day.isoformat(), item.order) == ("LOT7", "2026-03-02", "R1")


@pytest.mark.parametrize("turn", [1, -1])
def test_the_later_message_of_a_number_counts_whatever_comes_first(turn: int) -> None:
    """A dispense of 3 vials is corrected to 2 by the same RXD-1, in either order of arrival."""
    (item,) = handed_out(*[rds("3"), rds("2", at="1200")][::turn])
    assert item.drug.amount == Decimal(2)


def test_a_dispense_that_is_cancelled_is_taken_back() -> None:
    """ORC-1 of OC with the same RXD-1 leaves nothing dispensed."""
    assert handed_out(rds("3"), rds("3", control="OC", at="1200")) == ()


def test_a_give_message_counts_where_nothing_was_dispensed() -> None:
    """450 mg of an RGV are handed out, and nothing more once an RDS tells of 3 vials."""
    assert [item.kind for item in handed_out(rgv("450"))] == ["give"]
    assert [item.kind for item in handed_out(rgv("450"), rds("3"))] == ["dispense"]
