"""What ORU, MDM and DFT say beside the pharmacy, read with the standard profile."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chargeline.engine import Note, Observation, PostedCharge, Reading
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden import sessions
from tests.golden.messages import message, segment

PROFILE = make_profile(read_interface(rules_directory(), "standard"))


def spoken(kind: str, *segments: str) -> Reading:
    """The reading of a message of some kind about visit V1."""
    return read_events(read_message(message(kind, *segments, sent="0900")), PROFILE)


def observed(*segments: str, kind: str = "ORU^R01") -> list[Observation]:
    """The observations of a message."""
    return [e for e in spoken(kind, *segments).events if isinstance(e, Observation)]


OBR = "OBR|1|P9|R77^LAB|VITALS|||202603020840"


def test_a_weight_is_read_with_unit_time_and_source() -> None:
    """OBX-5, OBX-6 and OBX-14 of a code of [observations]; the clock is that of the sender."""
    (weight,) = observed(OBR, "OBX|1|NM|29463-7^body weight^LN||71.5|kg|||||F|||202603020815||N44")
    assert weight[1:] == (
        "weight",
        "71.5",
        Decimal("71.5"),
        "kg",
        date(2026, 3, 2),
        datetime(2026, 3, 2, 13, 15, tzinfo=UTC),
        "add",
        "R77",
        "",
        "N44",
        "OBX[1]-5",
    )


def test_a_time_that_the_observation_lacks_is_that_of_its_report() -> None:
    """OBR-7 where OBX-14 is empty."""
    (weight,) = observed(OBR, "OBX|1|NM|29463-7||71.5|kg|||||F")
    assert weight.at == datetime(2026, 3, 2, 13, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "said", "values"),
    [
        ("VISIT-MINUTES", "45~25", [("45", "OBX[1]-5"), ("25", "OBX[1]-5[2]")]),
        ("PATIENT-STATUS", "NEW~~NEW~ESTABLISHED",
         [("new", "OBX[1]-5"), ("established", "OBX[1]-5[4]")]),
        ("RT-TECHNIQUE", "~ELECTRONS", [("electrons", "OBX[1]-5[2]")]),
        ("RT-TECHNIQUE", "~", [("", "OBX[1]-5")]),
        ("VISIT-MINUTES", r"4\R\5", [("4~5", "OBX[1]-5")]),
        ("29463-7", "70~71", [("70", "OBX[1]-5")]),
    ],
)  # fmt: skip
def test_repetitions_of_what_is_said_of_a_day_are_values_of_their_own(
    code: str, said: str, values: list[tuple[str, str]]
) -> None:
    """Each text once, with its place; of a measure of the patient the first one is read."""
    rows = observed(OBR, f"OBX|1|ST|{code}^^L||{said}||||||F")
    assert [(part.value, part.address) for part in rows] == values


def test_a_number_in_letters_is_the_one_of_the_profile() -> None:
    """[numbers] of a profile; what it lacks is no number."""
    table = read_interface(rules_directory(), "standard") | {"numbers": {"two": 2}}
    rows = (OBR, "OBX|1|ST|RT-ISOCENTERS||Two", "OBX|2|ST|RT-FRACTION||third")
    sent = read_message(message("ORU^R01", *rows, sent="0900"))
    read = read_events(sent, make_profile(table)).events
    amounts = [event.amount for event in read if isinstance(event, Observation)]
    assert amounts == [Decimal(2), None]


def test_a_word_of_the_sender_becomes_a_word_of_ours() -> None:
    """The second component counts where the first is a code that [values] lacks."""
    risk, data = observed(OBR, "OBX|1|CWE|MDM-RISK||High|", "OBX|2|CWE|MDM-DATA||3^LIMITED^L")
    assert (risk.value, data.value) == ("high", "low")


def test_a_word_that_nobody_mapped_stays_as_written() -> None:
    """Nothing is guessed: the family that needs the word asks about it."""
    (risk,) = observed(OBR, "OBX|1|ST|MDM-RISK||rather high")
    assert risk.value == "rather high"


@pytest.mark.parametrize(("status", "read_as"), [("D", "delete"), ("W", "delete"), ("C", "update")])
def test_a_result_that_is_taken_back_says_so(status: str, read_as: str) -> None:
    """OBX-11 D and W take a result back, C corrects it."""
    (weight,) = observed(OBR, f"OBX|1|NM|29463-7||71.5|kg|||||{status}")
    assert weight.status == read_as


@pytest.mark.parametrize("status", ["I", "O", "N", "P", "R", "S"])
def test_a_result_that_is_not_final_is_no_result(status: str) -> None:
    """Pending, preliminary, not verified: there is nothing yet."""
    assert observed(OBR, f"OBX|1|NM|29463-7||71.5|kg|||||{status}") == []


def test_a_report_of_a_laboratory_says_nothing_for_charges() -> None:
    """An ORU whose observations the profile lacks is no problem and belongs to no visit."""
    reading = spoken("ORU^R01", OBR, "OBX|1|NM|718-7^hemoglobin^LN||13.1|g/dL")
    assert (reading.visit, reading.events, reading.set_aside) == (None, (), None)


def test_an_observation_in_an_order_is_read_too() -> None:
    """The weight may stand in an RDE or an ADT."""
    (weight,) = observed("OBX|1|NM|29463-7||71.5|kg", kind="ADT^A08")
    assert (weight.day, weight.at, weight.group) == (date(2026, 3, 2), None, "")


def test_an_impossible_time_is_told_and_the_rest_is_used() -> None:
    """The finding names OBX-14; the other observation is there."""
    bad = "OBX|1|NM|29463-7||71.5|kg|||||F|||209913991200"
    events = spoken("ORU^R01", OBR, bad, "OBX|2|NM|8302-2||170|cm").events
    findings = [e.finding for e in events if hasattr(e, "finding")]
    assert [(f.code, f.where) for f in findings] == [("time.impossible", "OBX[1]-14")]
    assert [e.about for e in events if isinstance(e, Observation)] == ["height"]


def note_of(
    trigger: str = "T02",
    state: str = "AU",
    degree: str = "MD",
    kind: str = "PN",
    signer: str = "MD",
) -> Note:
    """The note of an MDM."""
    author = f"D1^TEST^DOC^^^^{degree}"
    fields = ["TXA", "1", kind, "TX", "202603020930", "", "", "", "", author, "", "", "N1^EHR", ""]
    signed = f"D1^TEST^DOC^^^^{signer}^^^^^^^^202603021010"
    fields += ["", "", "", state, "", "", "", "", signed]
    (note,) = [e for e in spoken(f"MDM^{trigger}", "|".join(fields)).events if isinstance(e, Note)]
    return note


def test_a_signed_note_says_who_wrote_and_who_signed_it() -> None:
    """TXA-2, -4, -9, -12, -17 and -22."""
    note = note_of()
    assert (note.kind, note.state, note.author, note.author_kind) == (
        "visit",
        "signed",
        "D1",
        "physician",
    )
    assert (note.number, note.day, note.signer) == ("N1", date(2026, 3, 2), "D1")
    assert note.signed_on == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("trigger", "change"), [("T06", "addendum"), ("T08", "edit"), ("T10", "replacement")]
)
def test_the_trigger_says_what_happened_to_a_note(trigger: str, change: str) -> None:
    """The triggers of chapter 9."""
    assert note_of(trigger).change == change


def test_what_a_profile_does_not_know_of_a_note_is_unknown() -> None:
    """Type, completion and degree are the site's; nothing is guessed."""
    note = note_of(state="ZZ", degree="ABC", kind="XX")
    assert (note.kind, note.state, note.author_kind) == ("unknown", "unknown", "unknown")


def test_the_signature_of_a_nurse_authenticates_no_note() -> None:
    """TXA-17 says AU, and TXA-22 says who."""
    assert note_of(signer="RN").state == "unsigned"


def test_a_cancelled_note_is_cancelled() -> None:
    """T11 takes a document back whatever TXA-17 says."""
    assert note_of("T11").state == "cancelled"


def charge_row(**values: str) -> str:
    """An FT1, two units of 77412 unless the test says otherwise."""
    row = {"n": "T1", "day": "202603021100", "kind": "CG", "units": "2", "code": "77412^^C4"}
    row |= {"modifiers": "26~XU", **values}
    fields = {1: "1", 2: row["n"], 4: row["day"], 6: row["kind"], 7: "77407", 10: row["units"]}
    return segment("FT1", fields | {20: "DR9", 23: "C55", 25: row["code"], 26: row["modifiers"]})


def posted(**values: str) -> list[PostedCharge]:
    """The posted charges of a DFT with one FT1."""
    events = spoken("DFT^P03", charge_row(**values)).events
    return [event for event in events if isinstance(event, PostedCharge)]


def test_a_posted_charge_has_code_modifiers_units_and_course() -> None:
    """FT1-25 stands before FT1-7; FT1-23 is the course by the standard profile."""
    (charge,) = posted()
    assert charge[1:11] == (
        "T1",
        "charge",
        "77412",
        ("26", "XU"),
        Decimal(2),
        date(2026, 3, 2),
        datetime(2026, 3, 2, 16, 0, tzinfo=UTC),
        "DR9",
        "C55",
        "FT1[1]-25",
    )


def test_a_charge_without_quantity_is_one() -> None:
    """FT1-10 is often empty; FT1-7 stands for an empty FT1-25."""
    (charge,) = posted(units="", code="", modifiers="")
    assert (charge.units, charge.code, charge.modifiers) == (Decimal(1), "77407", ())


@pytest.mark.parametrize("day", ["20260302^20260302", "202603021100^202603022300", "20260302^"])
def test_a_range_within_a_day_is_that_day(day: str) -> None:
    """FT1-4 has a first and a last moment."""
    (charge,) = posted(day=day, units="1")
    assert charge.day == date(2026, 3, 2)


def test_several_units_of_a_week_stand_on_its_first_day() -> None:
    """Units of delivery look for the sessions around it."""
    (charge,) = posted(day="20260302^20260308", units="5")
    assert (charge.day, charge.units) == (date(2026, 3, 2), Decimal(5))


@pytest.mark.parametrize(
    "values",
    [
        {"day": ""},
        {"kind": "CH"},
        {"day": "20260302^20260303", "units": "1"},
        {"day": "20260302^20260303", "units": ""},
        {"day": "20260302^20260309"},
        {"day": "20260302^20260301"},
    ],
)
def test_a_charge_that_cannot_be_placed_is_told(values: dict[str, str]) -> None:
    """Without a day or with a kind that the profile lacks, nothing is guessed."""
    reading = spoken("DFT^P03", charge_row(**values))
    assert posted(**values) == []
    assert [e.finding.code for e in reading.events if hasattr(e, "finding")] == [
        "posted.unreadable"
    ]


# ------------------------------------------------------------------ without a visit number

REPORT = sessions.fraction(7, "202603021000", visit="")
WEIGHT = message("ORU^R01", OBR, "OBX|1|NM|29463-7^weight^LN||70|kg|||||F", visit="")
MINUTES = message("ORU^R01", OBR, "OBX|1|NM|VISIT-MINUTES^^L||40|min|||||F", visit="")
CHARGE = sessions.posted("77407", "202603021000", visit="")
NOTE = sessions.examined("202603021000", visit="")


@pytest.mark.parametrize(
    ("data", "what", "who"),
    [
        (REPORT, "a report of a visit or a radiation session", "the system that reports it"),
        (MINUTES, "a report of a visit or a radiation session", "the system that reports it"),
        (CHARGE, "a posted charge", "charge entry"),
        (NOTE, "a note", "the system that keeps the notes"),
    ],
)
def test_what_was_done_under_no_visit_is_set_aside(data: bytes, what: str, who: str) -> None:
    """It would be in no draft, so the finding says what is lost and who can settle it."""
    aside = read_events(read_message(data), PROFILE).set_aside
    assert aside is not None and aside.finding.code == "visit.missing"
    assert what in aside.finding.found and who in aside.finding.do


def test_a_weight_under_no_visit_is_no_problem() -> None:
    """It is about the patient, and nobody bills it."""
    reading = read_events(read_message(WEIGHT), PROFILE)
    assert (reading.visit, reading.events, reading.set_aside) == (None, (), None)
