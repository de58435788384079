"""Trials about reading: messages as senders really write them."""

import json
from pathlib import Path

import pytest

import chargeline
from chargeline.cli import main
from tests.trials import charges, message, questions, run_of, rxa

IV = "RXR|IV"
CARBOPLATIN = rxa("carboplatin", "0900-1030", "450 mg")
DOCETAXEL = rxa("docetaxel", "0900-1030", "120 mg")


def of_another_patient(*segments: str) -> str:
    """A message of patient ZZ2 and visit V2."""
    return message(*segments, visit="V2", number=2).replace("ZZ1^", "ZZ2^")


def test_padding_between_two_messages_is_no_content(tmp_path: Path) -> None:
    """NULs stand between the messages: both are read, each for its own visit."""
    padded = message(CARBOPLATIN, IV) + "\0\0\0\0" + of_another_patient(DOCETAXEL, IV)
    run = run_of(tmp_path, padded)
    assert [visit.timeline.key.visit for visit in run.visits] == ["V1", "V2"]
    assert charges(run) == [
        "96413 x1", "96413 x1", "96415 x1", "96415 x1", "J9045 x9", "J9171 x120",
    ]  # fmt: skip


def test_a_message_glued_to_another_bills_nobody(tmp_path: Path) -> None:
    """The terminator of the last segment is missing; the page says what is suspected."""
    glued = message(CARBOPLATIN, IV).rstrip("\r") + of_another_patient(DOCETAXEL, IV)
    run = run_of(tmp_path, glued)
    assert charges(run) == []
    assert [entry.finding.code for entry in run.set_aside] == ["message.several"]


@pytest.mark.parametrize("second", ["PID|1||ZZ2^^^ZEBRA^MR", "PV1|1|O" + "|" * 17 + "V2"])
def test_two_patients_in_one_message_bill_nobody(tmp_path: Path, second: str) -> None:
    """A second PID or PV1 that names somebody else makes the whole message doubtful."""
    run = run_of(tmp_path, message(CARBOPLATIN, IV, second, DOCETAXEL, IV))
    assert charges(run) == []
    assert [entry.finding.code for entry in run.set_aside] == ["message.two_patients"]


def test_the_same_patient_named_twice_is_one(tmp_path: Path) -> None:
    """Some senders repeat PID and PV1 before each order."""
    again = ("PID|1||ZZ1^^^ZEBRA^MR", "PV1|1|O" + "|" * 17 + "V1")
    run = run_of(tmp_path, message(CARBOPLATIN, IV, *again))
    assert (charges(run), questions(run)) == (["96413 x1", "96415 x1", "J9045 x9"], [])


def test_a_lost_terminator_before_an_administration_is_asked_about(tmp_path: Path) -> None:
    """`...F1RXA|0|1|` hides an administration in an ORC."""
    run = run_of(tmp_path, message("ORC|RE|P1|F1" + CARBOPLATIN))
    assert (charges(run), questions(run)) == ([], ["record.none"])


def test_a_message_about_administrations_without_any_is_asked_about(tmp_path: Path) -> None:
    """A RAS with an ORC only says nothing, and that is said."""
    assert questions(run_of(tmp_path, message("ORC|RE|P1|F1"))) == ["record.none"]


@pytest.mark.parametrize(
    ("kind", "suspected"),
    [("RAS^017", "RAS^O17"), ("ras^o17", "RAS^O17"), ("RAS_O17", "RAS^O17"), ("RAS^O99", "")],
)
def test_a_slip_in_the_kind_of_a_message_is_named(
    tmp_path: Path, kind: str, suspected: str
) -> None:
    """A nought for the letter O, small letters, a line for a caret."""
    run = run_of(tmp_path, message(CARBOPLATIN, IV).replace("RAS^O17", kind))
    (entry,) = run.set_aside
    assert (suspected in entry.finding.do) if suspected else ("ask for it" in entry.finding.do)


@pytest.mark.parametrize("charted", ["0000", "2026030211", "soon"])
def test_an_unreadable_time_of_charting_costs_no_administration(
    tmp_path: Path, charted: str
) -> None:
    """Nothing rests on RXA-22."""
    run = run_of(tmp_path, message(f"{CARBOPLATIN}|{charted}", IV))
    assert (charges(run), questions(run)) == (["96413 x1", "96415 x1", "J9045 x9"], [])


@pytest.mark.parametrize("note", ["Wasted 1.2.3 mg", "waste: . mg, see note"])
def test_an_unreadable_note_costs_no_administration(tmp_path: Path, note: str) -> None:
    """A note is prose, and its number may be none."""
    run = run_of(tmp_path, message(CARBOPLATIN, IV, f"NTE|1||{note}"))
    assert (charges(run), questions(run)) == (["96413 x1", "96415 x1", "J9045 x9"], [])


def test_the_page_shows_an_infusion_that_was_paused_and_still_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """New bag, paused, restarted: the last piece begins after the last stop."""
    from chargeline.cli import main

    texts = (("0900", "New Bag", "450 mg"), ("0920", "Paused", ""), ("1000", "Restarted", ""))
    rows = [rxa("carboplatin", time, dose, note=f"{word}^^L") for time, word, dose in texts]
    path = tmp_path / "feed.hl7"
    feed = [message("ORC|RE||R1", row, IV, number=n) for n, row in enumerate(rows, start=1)]
    path.write_text("".join(feed))
    assert main(["code", str(path), "--interface", "action-stream"]) == 0
    assert "█" in capsys.readouterr().out
    assert chargeline.code(path, interface="action-stream").visits


def test_what_the_reader_tolerates_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line behind RXR costs the route, which is asked about; page and JSON say where it is."""
    path = tmp_path / "odd.hl7"
    odd = [
        message(rxa("carboplatin", "0900-1000", "450 mg"), "RXR|IV\r-- end --", number=n)
        for n in (1, 2)
    ]
    path.write_bytes("".join(odd).encode())
    assert main(["code", str(path)]) == 0
    page = capsys.readouterr().out
    assert "read with a warning:" in page
    assert "  2 x continuation.coded: a line that begins with no segment's name" in page
    assert main(["code", str(path), "--json"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[0])
    (warned,) = record["messages"]["warnings"]
    assert (warned["code"], warned["count"], len(warned["places"])) == ("continuation.coded", 2, 2)
