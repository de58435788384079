"""Trials about what was given: words of notes, unknown words, locks, and two drugs of one order."""

from pathlib import Path

import pytest

from tests.trials import charges, message, questions, run_of, rxa

IV, PUSH, SC = "RXR|IV", "RXR|IV|||IVP", "RXR|SC"
CARBOPLATIN = rxa("carboplatin", "0900-1000", "450 mg")


@pytest.mark.parametrize(
    "note",
    [
        "Blood return good. Flush with 10 mL NS after infusion",
        "mouth rinse given",
        "facial flush, resolved",
        "NS left at KVO",
    ],
)
@pytest.mark.parametrize(
    ("drug", "route", "expected"),
    [
        (CARBOPLATIN, IV, ["96413 x1", "J9045 x9"]),
        (rxa("ondansetron", "0900", "8 mg"), PUSH, ["96374 x1", "J2405 x8"]),
        (rxa("denosumab", "0900", "120 mg"), SC, ["96372 x1", "J0897 x120"]),
    ],
    ids=["infusion", "push", "injection"],
)
def test_a_word_in_a_note_does_not_make_a_drug_a_flush(
    tmp_path: Path, note: str, drug: str, route: str, expected: list[str]
) -> None:
    """Nurses write such notes beside nearly every drug; the drug stays what it is."""
    run = run_of(tmp_path, message(drug, route, f"NTE|1||{note}"))
    assert (charges(run), questions(run)) == (expected, [])


def test_a_word_in_rxa_9_does_not_either(tmp_path: Path) -> None:
    """RXA-9 is another place of notes."""
    drug = rxa("carboplatin", "0900-1000", "450 mg", note="00^flush after^L")
    assert charges(run_of(tmp_path, message(drug, IV))) == ["96413 x1", "J9045 x9"]


@pytest.mark.parametrize(
    "lock",
    [
        rxa("heparin (porcine) 100 unit/mL", "1005", "500 unit"),
        rxa("heparin", "1005", "300 units"),
        rxa("normal saline", "1005", "10 mL"),
    ],
)
def test_locks_and_rinses_are_known_by_their_amount(tmp_path: Path, lock: str) -> None:
    """500 units of heparin, or 10 mL of saline by hand, serve the line and are not billed."""
    run = run_of(tmp_path, message(CARBOPLATIN, IV, lock, PUSH))
    assert (charges(run), questions(run)) == (["96413 x1", "J9045 x9"], [])


def test_a_bolus_of_heparin_is_a_drug(tmp_path: Path) -> None:
    """5,000 units are a treatment."""
    run = run_of(tmp_path, message(rxa("heparin", "1005", "5000 units"), PUSH))
    assert charges(run) == ["96374 x1", "J1644 x5"]


@pytest.mark.parametrize(
    "word", ["Not Done", "Not Administered", "See Alternative", "Pending", "Due", "MAR Hold"]
)
@pytest.mark.parametrize("interface", ["standard", "action-stream"])
def test_an_unknown_word_for_what_was_done_is_no_dose(
    tmp_path: Path, word: str, interface: str
) -> None:
    """The question names the word, and nothing is billed until somebody says what it means."""
    row = rxa("carboplatin", "0900", "450 mg", done=word)
    run = run_of(tmp_path, message(row, IV), interface=interface)
    assert (charges(run), questions(run)) == ([], ["action.unknown"])
    (question,) = run.visits[0].draft.questions
    assert question.finding.found == repr(word)
    assert question.finding.where == "RXA[1]-20"


def test_an_unknown_word_in_a_feed_of_actions_is_asked_about(tmp_path: Path) -> None:
    """`Infusion Complete` in RXA-9 is not one more dose, and the infusion waits for its stop."""
    start = rxa("carboplatin", "0900", "450 mg", note="New Bag^^L")
    end = rxa("carboplatin", "1000", note="Infusion Complete^^L")
    run = run_of(
        tmp_path,
        message("ORC|RE||R1", start, IV),
        message("ORC|RE||R1", end, IV, number=2),
        interface="action-stream",
    )
    assert questions(run) == ["action.unknown", "stop.missing"]


def test_two_drugs_of_one_order_whose_times_touch_are_two(tmp_path: Path) -> None:
    """Dexamethasone ends when carboplatin begins: 15 minutes of one, 60 of the other."""
    run = run_of(
        tmp_path,
        message(
            "ORC|RE||R1",
            rxa("dexamethasone", "0845-0900", "12 mg"),
            IV,
            rxa("carboplatin", "0900-1000", "200 mg").replace("RXA|0|1", "RXA|0|2"),
            IV,
        ).replace("ORC|RE||R11\r", ""),
    )
    assert charges(run) == ["96375 x1", "96413 x1", "J1100 x12", "J9045 x4"]


def test_two_bags_of_one_drug_whose_times_touch_are_one_infusion(tmp_path: Path) -> None:
    """The same drug from 09:00 to 10:00 and from 10:00 to 11:00 is an infusion of two hours."""
    second = rxa("carboplatin", "1000-1100", "200 mg").replace("RXA|0|1", "RXA|0|2")
    first = rxa("carboplatin", "0900-1000", "200 mg")
    run = run_of(
        tmp_path, message("ORC|RE||R1", first, IV, second, IV).replace("ORC|RE||R11\r", "")
    )
    assert charges(run) == ["96413 x1", "96415 x1", "J9045 x8"]


@pytest.mark.parametrize(
    "note",
    [
        "Patient supplied by specialty pharmacy",
        "white bag, lot 12",
        "STUDY DRUG protocol Z1",
    ],
)
def test_a_drug_that_the_site_did_not_buy_is_given_and_not_sold(tmp_path: Path, note: str) -> None:
    """The giving stays; the drug is withheld with its reason, and nobody is asked."""
    drug = rxa("ocrelizumab", "0900-1230", "600 mg")
    run = run_of(tmp_path, message(drug, IV, f"NTE|1||{note}"), policy="cms-facility-2026")
    assert (charges(run), questions(run)) == (["96413 x1", "96415 x2"], [])
    (encounter,) = run.visits[0].draft.encounters
    assert [entry.reason for entry in encounter.withheld] == ["drug.not_bought.withheld"]


@pytest.mark.parametrize("segment", ["OBX|1|ST|SUPPLY^^L||WHITE BAG", "ZRX|1|Patient assistance"])
def test_who_bought_it_may_stand_in_other_segments(tmp_path: Path, segment: str) -> None:
    """An observation, or a segment of the site's own."""
    run = run_of(tmp_path, message(CARBOPLATIN, IV, segment))
    assert charges(run) == ["96413 x1"]


@pytest.mark.parametrize("note", ["Blood sample drawn", "specialty pharmacy called", "on a trial"])
def test_a_word_that_only_resembles_says_nothing_of_who_paid(tmp_path: Path, note: str) -> None:
    """The words of the profile are whole phrases, because a charge must not vanish by a note."""
    run = run_of(tmp_path, message(CARBOPLATIN, IV, f"NTE|1||{note}"))
    assert charges(run) == ["96413 x1", "J9045 x9"]
