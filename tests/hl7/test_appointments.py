"""What SIU says of radiation sessions, read with the standard profile."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from chargeline.engine import Appointment, Feed, Reading, VisitFact, VisitKey
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.hl7.survey import Survey
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.engine import rulebook
from tests.golden.messages import message, segment
from tests.golden.sessions import appointment, completed

TABLE = read_interface(rules_directory(), "standard")
PROFILE = make_profile(TABLE)
WHEN = "202603021000"
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def read(data: bytes) -> Reading:
    return read_events(read_message(data), PROFILE)


def booked(data: bytes) -> list[Appointment]:
    """The appointments that a message tells."""
    return [event for event in read(data).events if isinstance(event, Appointment)]


def findings(data: bytes) -> list[tuple[str, str]]:
    """The findings of a message, with the field of each."""
    reading = read(data)
    parts = [reading.set_aside] if reading.set_aside is not None else list(reading.events)
    told = [part.finding for part in parts if hasattr(part, "finding")]
    return [(finding.code, finding.where) for finding in told]


def test_an_appointment_is_read_with_number_time_course_and_source() -> None:
    """SCH-2, AIS-3, AIS-4, SCH-4 and SCH-25; the clock is that of the sender."""
    (session,) = booked(appointment(WHEN, "Booked", kind="RT-VMAT"))
    assert session[1:] == (
        f"A{WHEN}",
        "",
        "intensity_modulated",
        "booked",
        date(2026, 3, 2),
        AT,
        True,
        "C1",
        "AIS-1",
    )


@pytest.mark.parametrize(
    ("trigger", "status", "state"),
    [
        ("S12", "", "booked"),
        ("S13", "", "booked"),
        ("S12", "Complete", "completed"),
        ("S14", "COMPLETE", "completed"),
        ("S14", "Noshow", "missed"),
        ("S14", "Cancelled", "cancelled"),
        ("S14", "", "unsaid"),
        ("S14", "Checked", "unknown"),
        ("S15", "Booked", "cancelled"),
        ("S17", "", "cancelled"),
        ("S26", "", "missed"),
    ],
)
def test_the_state_is_that_of_the_trigger_or_the_status(
    trigger: str, status: str, state: str
) -> None:
    """S15, S17 and S26 say it themselves; of the others the status does, table 0278."""
    (session,) = booked(appointment(WHEN, status, trigger=trigger))
    assert session.state == state


def schedule(*rows: str, trigger: str = "S12", sch: dict[int, str] | None = None) -> bytes:
    """A SIU with these segments behind SCH."""
    head = segment("SCH", {2: "A1", 25: "Booked", **(sch or {})})
    return message(f"SIU^{trigger}", head, *rows, sent="0700")


def test_the_status_of_the_service_goes_before_that_of_the_appointment() -> None:
    """AIS-10 is about the session itself."""
    ais = segment("AIS", {1: "1", 3: "RT-3D", 4: WHEN, 10: "Complete"})
    assert [s.state for s in booked(schedule("RGS|1", ais))] == ["completed"]


@pytest.mark.parametrize(
    ("rows", "sch"),
    [
        ((f"TQ1|1||||||{WHEN}", "AIS|1||RT-3D"), {}),
        (("AIS|1||RT-3D",), {11: f"^^^{WHEN}^202603021015"}),
        (("AIS|1||CONSULT", f"AIG|1||RT-3D|||||{WHEN}"), {}),
        ((f"AIL|1||RT-3D|||{WHEN}",), {}),
        ((f"AIS|1|||{WHEN}",), {8: "RT-3D"}),
    ],
)
def test_the_start_and_the_kind_may_stand_elsewhere(
    rows: tuple[str, ...], sch: dict[int, str]
) -> None:
    """TQ1-7, SCH-11.4, the machine of AIG, the room of AIL, the type of SCH-8."""
    (session,) = booked(schedule(*rows, sch=sch))
    assert (session.kind, session.at) == ("three_dimensional", AT)


def test_two_services_at_one_time_are_one_session_and_two_times_are_two() -> None:
    """Treatment with its image guidance is one session; a second one at 16:00 is another."""
    row = "AIS|{}||{}|20260302{}"
    one = [row.format(1, "RT-3D", "1000"), row.format(2, "RT-SESSION", "1000")]
    assert [s.row for s in booked(schedule(*one))] == [""]
    assert [s.row for s in booked(schedule(*one, row.format(3, "RT-3D", "1600")))] == ["", "2"]


def test_a_service_that_is_taken_out_is_cancelled() -> None:
    """AIS-2 D."""
    ais = segment("AIS", {1: "1", 2: "D", 3: "RT-3D", 4: WHEN})
    assert [s.state for s in booked(schedule(ais, trigger="S14"))] == ["cancelled"]


def test_an_occurrence_of_a_series_has_its_own_number() -> None:
    """SCH-3."""
    assert [s.number for s in booked(schedule(f"AIS|1||RT-3D|{WHEN}", sch={3: "7"}))] == ["A1.7"]


def test_without_a_filler_number_that_of_the_placer_counts() -> None:
    """SCH-1 where SCH-2 is empty."""
    (session,) = booked(schedule(f"AIS|1||RT-3D|{WHEN}", sch={1: "P9", 2: ""}))
    assert session.number == "P9"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (schedule(f"AIS|1||RT-3D|{WHEN}", sch={2: ""}), "SCH-2"),
        (schedule("AIS|1||RT-3D"), "SCH-11"),
    ],
)
def test_an_appointment_without_number_or_time_is_told(data: bytes, where: str) -> None:
    """The finding names the field; the message itself is used."""
    assert findings(data) == [("appointment.unreadable", where)]


@pytest.mark.parametrize("trigger", ["S12", "S14", "S15", "S26", "S18"])
def test_an_appointment_of_something_else_says_nothing_for_charges(trigger: str) -> None:
    """No visit, no event, no problem, with or without a visit, as with a laboratory's report."""
    for visit in ("V1", ""):
        reading = read(appointment(WHEN, kind="INFUSION", trigger=trigger, visit=visit))
        assert (reading.visit, reading.events, reading.set_aside) == (None, (), None)


def test_a_slot_without_a_patient_says_nothing() -> None:
    """S23 blocks a slot of the machine."""
    reading = read(appointment(WHEN, trigger="S23"))
    assert (reading.visit, reading.events, reading.set_aside) == (None, (), None)


def test_a_profile_without_codes_of_sessions_reads_no_appointment() -> None:
    """[appointments] may be left out, and then every SIU is about something else."""
    table = {name: value for name, value in TABLE.items() if "appointment" not in name}
    reading = read_events(read_message(appointment(WHEN)), make_profile(table))
    assert (reading.visit, reading.events, reading.set_aside) == (None, (), None)


def test_a_session_without_a_visit_number_is_set_aside() -> None:
    """Nobody knows whose account it is."""
    assert [code for code, _where in findings(appointment(WHEN, visit=""))] == ["visit.missing"]


def test_a_cancellation_by_name_without_a_visit_is_no_problem() -> None:
    """Most of them are about something else. What was booked stays booked, and is asked about when
    the course goes on.
    """
    reading = read(appointment(WHEN, trigger="S15", kind="", visit=""))
    assert (reading.visit, reading.events, reading.set_aside) == (None, (), None)


def test_a_cancellation_that_only_names_the_appointment_is_read() -> None:
    """It may be one of a session; an earlier message says so, or it says nothing."""
    (session,) = booked(appointment(WHEN, trigger="S15", kind=""))
    assert (session.kind, session.state, session.timed) == ("unsaid", "cancelled", False)


def test_a_change_within_an_appointment_of_radiation_is_set_aside() -> None:
    """S18 to S22 and S16 change a part of it, which chargeline does not follow."""
    assert findings(appointment(WHEN, trigger="S20")) == [("message.not_followed", "MSH-9")]


def test_observations_of_a_schedule_are_not_read() -> None:
    """A SIU that names the fraction has not delivered it."""
    obx = segment("OBX", {1: "1", 2: "NM", 3: "RT-FRACTION^^L", 5: "7", 11: "F"})
    kinds = {type(event) for event in read(schedule(obx, f"AIS|1||RT-3D|{WHEN}")).events}
    assert kinds == {VisitFact, Appointment}


def test_the_survey_counts_codes_and_statuses_of_the_schedule() -> None:
    """A word that the profile lacks has no meaning, and is there."""
    survey = Survey(PROFILE)
    for visit in ("V1", "V2", "V3"):
        survey.add(read_message(appointment(WHEN, "Checked", kind="BRACHY", visit=visit)))
    survey.add(read_message(completed(WHEN)))
    words = [(word.address, word.word, word.meaning, word.times) for word in survey.words()]
    assert ("AIS-3.1", "BRACHY", "", 3) in words
    assert ("AIS-3.1", "RT-3D", "three_dimensional", 1) in words
    assert ("SCH-25.1", "COMPLETE", "completed", 1) in words
    assert ("SCH-25.1", "CHECKED", "", 3) in words


# ------------------------------------------------------------------ folded

MOVED = "202603031100"
BOOKED = appointment(WHEN, "Booked", number="A1", sent="202603010800")
MOVE = appointment(MOVED, "", trigger="S13", number="A1", sent="202603010900")
DONE = appointment(WHEN, "Complete", trigger="S14", kind="", number="A1", sent="202603031200")
CANCEL = appointment(WHEN, "", trigger="S15", kind="", number="A1", sent="202603031300")


def standing(*messages: bytes) -> list[tuple[str, str, str]]:
    """The appointments of visit V1: kind, state and time of each."""
    feed = Feed(rulebook().base)
    for data in messages:
        feed.add(read(data))
    days = feed[VisitKey("ZEBRA", "V1")].days
    told = [part for day in days for part in day.care.appointments]
    return [(part.kind, part.state, f"{part.at:%d %H:%M}") for part in told]


@pytest.mark.parametrize("order", list(permutations([BOOKED, MOVE, DONE, DONE])))
def test_what_a_message_leaves_unsaid_an_earlier_one_says(order: tuple[bytes, ...]) -> None:
    """Booked, moved to Tuesday, completed by its number alone, in whatever order they come."""
    assert standing(*order) == [("three_dimensional", "completed", "03 16:00")]


@pytest.mark.parametrize("order", list(permutations([BOOKED, DONE, CANCEL])))
def test_the_state_that_was_sent_last_counts(order: tuple[bytes, ...]) -> None:
    """A completed appointment that is cancelled afterwards is cancelled."""
    assert standing(*order) == [("three_dimensional", "cancelled", "02 15:00")]


def test_a_number_of_which_nobody_says_that_it_is_a_session_is_none() -> None:
    """The visit has no day."""
    assert standing(CANCEL) == []


def test_an_appointment_that_is_cancelled_by_name_takes_all_its_sessions() -> None:
    """Two sessions of a day in one appointment."""
    two = schedule("AIS|1||RT-3D|202603021000", "AIS|2||RT-3D|202603021600")
    assert [state for _kind, state, _at in standing(two, CANCEL)] == ["cancelled", "cancelled"]
