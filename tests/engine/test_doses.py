"""Claims about the dose of an administration: the amount that was hung counts once.

Later rows of the same bag (paused, restarted, stopped) may repeat the amount; they add nothing.
"""

from chargeline.engine import Feed, draft
from chargeline.rulebook.cases import drug_codes, question_codes
from tests.engine import read, rulebook
from tests.golden.messages import message, orc, rxa, rxr


def drafted(*rows: tuple[str, str, str, str]) -> tuple[list[str], list[str]]:
    """The drug codes and questions of one order; each row is (action, dose, start, sent)."""
    visits = Feed(rulebook().base)
    for number, (action, dose, start, sent) in enumerate(rows, start=1):
        charted = rxa("CARBOPLATIN", dose, start, number=number, note=f"{action}^^L")
        data = message("RAS^O17", orc(), charted, rxr("IV"), sent=sent)
        visits.add(read(data, "action-stream"))
    (key,) = visits
    of_visit = draft(visits[key], rulebook())
    return drug_codes(of_visit), question_codes(of_visit)


def test_a_stop_that_repeats_the_dose_adds_nothing() -> None:
    """450 mg hung, and 450 mg again on the row of the stop, are 450 mg: 9 units of 50 mg."""
    rows = (("New Bag", "450 mg", "0900", "0901"), ("Stopped", "450 mg", "1000", "1001"))
    assert drafted(*rows) == (["J9045 x9"], [])


def test_pauses_and_restarts_that_repeat_the_dose_add_nothing() -> None:
    """450 mg stand on all four rows, and 450 mg were given: 9 units of 50 mg."""
    rows = (("New Bag", "0900"), ("Paused", "0920"), ("Restarted", "0930"), ("Stopped", "1010"))
    assert drafted(*((action, "450 mg", at, at) for action, at in rows)) == (["J9045 x9"], [])


def test_a_stop_with_less_than_was_hung_is_asked_about() -> None:
    """450 mg hung and 300 mg at the stop: 300 mg are billed (6 units) and a person is asked."""
    rows = (("New Bag", "450 mg", "0900", "0901"), ("Stopped", "300 mg", "0940", "0941"))
    assert drafted(*rows) == (["J9045 x6"], ["dose.disagrees"])


def test_two_bags_are_added() -> None:
    """450 mg, and a second bag of 150 mg hung while the first runs, are 600 mg: 12 units."""
    rows = (("New Bag", "450 mg", "0900"), ("New Bag", "150 mg", "0930"), ("Stopped", "", "1000"))
    assert drafted(*((action, dose, at, at) for action, dose, at in rows)) == (["J9045 x12"], [])


def _vial(ndc: str, number: int = 1) -> str:
    return f"OBX|{number}|ST|VIAL-NDC^vial^L||{ndc}||||||F"


def _resumed(second: str, *scans: str) -> tuple[list[str], list[str]]:
    """450 mg of trastuzumab from three vials, paused, and a row that resumes it with some scans."""
    scanned = [_vial("50242-0132-01", number) for number in (1, 2, 3)]
    rows = (
        (rxa("TRASTUZUMAB", "450 mg", "0900", "0930", number=1), scanned),
        (rxa(second, "", "1000", "1030", number=2), list(scans)),
    )
    visits = Feed(rulebook().base)
    for (row, observations), sent in zip(rows, ("0931", "1031"), strict=True):
        data = message("RAS^O17", orc(), row, rxr("IV"), *observations, sent=sent)
        visits.add(read(data, "standard"))
    (key,) = visits
    of_visit = draft(visits[key], rulebook(), policy="cms-facility-2026")
    return drug_codes(of_visit), question_codes(of_visit)


def test_a_bag_that_is_resumed_and_scanned_again_is_no_second_vial() -> None:
    """The row charts no dose of its own, so its scans, however they are written, are the bag's."""
    again = [_vial("50242013201", number) for number in (1, 2, 3)]
    assert _resumed("TRASTUZUMAB", *again) == (["J9355-JZ N450242013201 UN3 x45"], [])
    assert _resumed("TRASTUZUMAB") == (["J9355-JZ N450242013201 UN3 x45"], [])


def test_one_scan_more_than_before_the_pause_is_one_vial_more() -> None:
    """A fourth vial was opened after the pause, and nothing is charted of what it left."""
    again = [_vial("50242-0132-01", number) for number in (1, 2, 3, 4)]
    codes, asked = _resumed("TRASTUZUMAB", *again)
    assert codes == ["J9355 N450242013201 UN3 x45", "J9355-JW N450242013201 UN1 x15"]
    assert "waste.not_charted" in asked


def test_a_resumed_row_that_names_another_product_adds_no_share_to_scanned_vials() -> None:
    """All vials were scanned, so an NDC that is only named is none of them."""
    named = "TRASTUZUMAB^trastuzumab^L^50242-0132-10^trastuzumab^NDC"
    assert _resumed(named) == (["J9355-JZ N450242013201 UN3 x45"], [])
