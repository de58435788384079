"""What words and observations beside a row say: who bought the drug, what was discarded, and which
of them do not count.
"""

import pytest

from chargeline.engine import Record, Unreadable
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import message, orc, rxa, rxr, segment

PROFILE = make_profile(read_interface(rules_directory(), "standard"))


def charted(*segments: str) -> tuple[Record, list[str]]:
    """The record of a trastuzumab infusion with segments behind it, and the findings beside it."""
    row = rxa("trastuzumab", "420 mg", "0900", "1030")
    data = message("RAS^O17", orc(), row, rxr("IV"), *segments)
    events = read_events(read_message(data), PROFILE).events
    (record,) = [event for event in events if isinstance(event, Record)]
    return record, [event.finding.code for event in events if isinstance(event, Unreadable)]


def note(text: str) -> str:
    """A note under the row."""
    return segment("NTE", {1: "1", 3: text})


def obx(code: str, value: str, *, unit: str = "", status: str = "F", sub: str = "") -> str:
    """An observation under the row."""
    return segment("OBX", {1: "1", 2: "ST", 3: code, 4: sub, 5: value, 6: unit, 11: status})


@pytest.mark.parametrize(
    "text",
    ["White bagged by specialty pharmacy", "study drug", "Patient assistance", "free drug program"],
)
def test_plain_words_say_that_the_site_did_not_buy_the_drug(text: str) -> None:
    """The words of the profile, in any case."""
    record, findings = charted(note(text))
    assert (record.not_bought, findings) == (True, [])


@pytest.mark.parametrize(
    "segments",
    [
        note("preservative free drug, mixed in NS"),
        note("check free drug level in am"),
        note("Pt tolerated; no free drug reaction"),
        note("Not white bagged, buy and bill"),
        note("Copay: patient assistance denied"),
        obx("SUPPLY", "Patient assistance: no"),
        note("Not purchased under 340B"),
        note("Pt not 340B eligible"),
        note("non-340B stock"),
        "ZRX|340B ineligible",
    ],
)
def test_words_that_are_negated_or_mean_something_else_say_nothing(segments: str) -> None:
    """The drug is the site's own, at its own price, and nobody is asked."""
    record, findings = charted(segments)
    assert (record.not_bought, record.discounted, findings) == (False, False, [])


@pytest.mark.parametrize(
    "text", ["no, white bagged", "white bagged if approved", "340B? not sure", "study drug pending"]
)
def test_words_in_a_sentence_that_doubts_something_are_told(text: str) -> None:
    """Neither reading is taken in silence; the finding names the place and not the note."""
    record, findings = charted(note(text))
    assert (record.not_bought, record.discounted) == (False, False)
    assert findings == ["supply.unclear"]


def test_a_negation_in_another_sentence_changes_nothing() -> None:
    """No reaction, and white bagged."""
    record, findings = charted(note("No reaction. White bagged"))
    assert (record.not_bought, findings) == (True, [])


def test_one_amount_that_is_said_twice_was_discarded_once() -> None:
    """An observation of 30 mg and a note of 30 mg tell of one rest."""
    record, findings = charted(obx("WASTED-AMOUNT", "30", unit="mg"), note("Waste 30.0 mg"))
    assert [(float(e.amount), e.unit) for e in record.wasted] == [(30.0, "mg")]
    assert findings == []


def test_a_note_with_another_amount_is_told() -> None:
    """The amount of the row counts until a person has settled it."""
    record, findings = charted(obx("WASTED-AMOUNT", "30", unit="mg"), note("Waste 20 mg"))
    assert [float(entry.amount) for entry in record.wasted] == [30.0]
    assert findings == ["waste.note"]


def test_a_note_with_two_amounts_tells_of_both() -> None:
    """10 mg and then 20 mg were discarded."""
    record, _findings = charted(note("wasted 10 mg then wasted 20 mg"))
    assert [float(entry.amount) for entry in record.wasted] == [10.0, 20.0]


@pytest.mark.parametrize("status", ["D", "W", "X", "I"])
def test_an_observation_that_is_taken_back_or_pending_does_not_count(status: str) -> None:
    """OBX-11 is looked at in every place where an observation is read."""
    vial = obx("VIAL-NDC", "50242-0132-01", status=status)
    record, findings = charted(obx("WASTED-AMOUNT", "30", unit="mg", status=status), vial)
    assert (record.wasted, record.vials, findings) == ((), (), [])


def test_an_observation_that_is_sent_and_taken_back_is_gone() -> None:
    """The same value first with F and then with D; another value stays."""
    kept = obx("WASTED-AMOUNT", "30", unit="mg")
    gone = obx("WASTED-AMOUNT", "300", unit="mg")
    record, _findings = charted(kept, gone, gone.replace("|F", "|D"))
    assert [float(entry.amount) for entry in record.wasted] == [30.0]


def test_a_correction_stands_in_place_of_what_it_corrects() -> None:
    """30 mg, corrected to 40 mg in the same message."""
    corrected = obx("WASTED-AMOUNT", "40", unit="mg", status="C")
    record, _findings = charted(obx("WASTED-AMOUNT", "30", unit="mg"), corrected)
    assert [float(entry.amount) for entry in record.wasted] == [40.0]
    assert record.wasted[0].address == "RXA[1]/OBX[2]-5"
