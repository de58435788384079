"""What was said beside the pharmacy, folded: versions, days, and the encounters that they make."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from chargeline.engine import Feed, Observation, Reading, Timeline, VisitKey
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from tests.engine import profile, rulebook
from tests.golden.messages import message, orc, rxa, rxr, segment

KEY = VisitKey("ZEBRA", "V1")
INFUSED = message("RAS^O17", orc(), rxa("carboplatin", "450 mg", "0900", "1000"), rxr("IV"))


def reading(data: bytes) -> Reading:
    """What a message says, by the standard profile."""
    return read_events(read_message(data), profile())


def timeline_of(*messages: bytes) -> Timeline:
    """The timeline of visit V1 after some messages."""
    feed = Feed(rulebook().base)
    for data in messages:
        feed.add(reading(data))
    return feed[KEY]


def observed(code: str, value: str, *, sent: str, status: str = "F", group: str = "R1") -> bytes:
    """An ORU with one observation of a report on 2 March, sent at a time."""
    obr = segment("OBR", {1: "1", 3: group, 7: "202603020915"})
    obx = segment("OBX", {1: "1", 2: "ST", 3: code, 4: "1", 5: value, 11: status})
    return message("ORU^R01", obr, obx, sent=sent)


def note(state: str, *, sent: str, trigger: str = "T02") -> bytes:
    """A visit note of 2 March in a state."""
    fields = {2: "PN", 4: "202603020930", 9: "D1^TEST^DOC^^^^MD", 12: "N1", 17: state}
    return message(f"MDM^{trigger}", segment("TXA", {1: "1", **fields}), sent=sent)


def values(timeline: Timeline) -> list[tuple[str, str]]:
    """What was observed on the days of a timeline."""
    care = [part for day in timeline.days for part in day.care.observations]
    return [(part.about, part.value) for part in care]


FIRST = observed("MDM-RISK", "low", sent="1000")
CORRECTED = observed("MDM-RISK", "high", sent="1100", status="C")
TAKEN_BACK = observed("MDM-RISK", "high", sent="1200", status="D")


@pytest.mark.parametrize("order", list(permutations([FIRST, CORRECTED, TAKEN_BACK])))
def test_the_version_that_was_sent_last_counts(order: tuple[bytes, ...]) -> None:
    """A row of a report that is taken back is gone, in whatever order the messages arrive."""
    assert values(timeline_of(INFUSED, *order)) == []


@pytest.mark.parametrize("order", list(permutations([FIRST, CORRECTED, FIRST])))
def test_a_correction_replaces_what_it_corrects(order: tuple[bytes, ...]) -> None:
    """The report has one risk and not two."""
    assert values(timeline_of(*order)) == [("risk", "high")]


def test_a_report_that_is_sent_again_counts_again() -> None:
    """Sent at 10, corrected at 11, and the first text sent again at 12: it holds."""
    again = observed("MDM-RISK", "low", sent="1200")
    assert values(timeline_of(FIRST, CORRECTED, again)) == [("risk", "low")]


def test_two_reports_are_two_things() -> None:
    """Two visits of one day have their own levels."""
    other = observed("MDM-RISK", "moderate", sent="1000", group="R2")
    assert values(timeline_of(FIRST, other)) == [("risk", "low"), ("risk", "moderate")]


def test_a_note_is_the_state_that_was_sent_last() -> None:
    """Dictated at 10, signed at 11."""
    timeline = timeline_of(note("LA", sent="1100"), note("DI", sent="1000"))
    (written,) = timeline.days[0].care.notes
    assert (written.state, written.at) == ("signed", datetime(2026, 3, 2, 14, 30, tzinfo=UTC))


def test_a_visit_without_an_infusion_is_a_day() -> None:
    """A note alone makes a day and an encounter."""
    timeline = timeline_of(note("AU", sent="1000"))
    assert [(day.day, day.administrations) for day in timeline.days] == [(date(2026, 3, 2), ())]


def test_a_weight_makes_no_day() -> None:
    """What is measured of the body belongs to the visit, and not to what was done on a day."""
    timeline = timeline_of(observed("29463-7", "71.5", sent="1000"))
    assert timeline.days == ()
    (weight,) = timeline.observed
    assert isinstance(weight, Observation)
    assert (weight.about, weight.value) == ("weight", "71.5")


def test_days_of_the_infusion_and_of_the_note_are_one() -> None:
    """An infusion and a note of one date share the day."""
    (day,) = timeline_of(INFUSED, note("AU", sent="1000")).days
    assert len(day.administrations) == len(day.care.notes) == 1


def test_a_day_that_nothing_touches_stays_the_same_object() -> None:
    """A message about another day leaves it alone, so that it is not drafted again."""
    feed = Feed(rulebook().base)
    for data in (INFUSED, note("AU", sent="1000")):
        feed.add(reading(data))
    before = feed[KEY].days[0]
    later = rxa("carboplatin", "450 mg", "202603030900", "202603031000")
    feed.add(reading(message("RAS^O17", orc("R2"), later, rxr("IV"))))
    assert feed[KEY].days[0] is before
    assert len(feed[KEY].days) == 2


def report(*rows: tuple[str, str, str]) -> bytes:
    """One report of 2 March at ten; each row is a code, what is said, and the status (OBX-11)."""
    said = [
        segment("OBX", {1: str(n), 2: "ST", 3: code, 4: "1", 5: value, 11: status})
        for n, (code, value, status) in enumerate(rows, 1)
    ]
    obr = segment("OBR", {1: "1", 3: "R1", 7: "202603020915"})
    return message("ORU^R01", obr, *said, sent="1000")


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ([("25", "F"), ("45", "F")], ["25", "45"]),
        ([("45", "F"), ("25", "F")], ["25", "45"]),
        ([("25", "F"), ("25", "F")], ["25"]),
        ([("45~25", "F")], ["25", "45"]),
        ([("45~45", "F")], ["45"]),
        ([("25", "F"), ("45", "C")], ["45"]),
        ([("25", "F"), ("30~45", "C")], ["30", "45"]),
        ([("25", "C"), ("45", "C")], ["25", "45"]),
        ([("25", "F"), ("45", "F"), ("45", "D")], ["25"]),
        ([("25", "F"), ("45", "F"), ("", "D")], []),
        ([("45", "D"), ("25", "F")], ["25"]),
        ([*[("25", "F")] * 9, ("45", "C")], ["45"]),  # the tenth row is after the ninth
    ],
)
@pytest.mark.parametrize("code", ["VISIT-MINUTES", "RT-FRACTION"])
def test_two_values_of_one_report_stand_beside_each_other(
    code: str, said: list[tuple[str, str]], counts: list[str]
) -> None:
    """Unless one row corrects another one or takes it back; the report may come twice."""
    data = report(*[(code, value, status) for value, status in said])
    for feed in ([data], [data, data]):
        assert sorted([value for _, value in values(timeline_of(INFUSED, *feed))]) == counts


def test_two_messages_of_one_time_stand_beside_each_other() -> None:
    """In whatever order they come: the timeline is the same one."""
    told = [report(("VISIT-MINUTES", minutes, "F")) for minutes in ("25", "45", "30")]
    first, *others = [timeline_of(*order).days for order in permutations(told)]
    assert sorted([part.value for part in first[0].care.observations]) == ["25", "30", "45"]
    assert others == [first] * 5


def test_one_value_on_two_days_of_a_report_is_said_of_both() -> None:
    """OBX-14 tells the days; neither takes the place of the other."""
    rows = [
        segment("OBX", {1: day, 3: "VISIT-MINUTES", 5: "25", 11: "F", 14: f"2026030{day}0900"})
        for day in ("2", "3")
    ]
    timeline = timeline_of(message("ORU^R01", segment("OBR", {3: "R1"}), *rows, sent="1000"))
    assert [(day.day.day, len(day.care.observations)) for day in timeline.days] == [(2, 1), (3, 1)]


def test_a_report_of_many_values_keeps_some_of_them() -> None:
    """They are in question as two are, and reading them stays quick."""
    data = report(*[("VISIT-MINUTES", f"{n}~{n + 5000}", "F") for n in range(1, 3000)])
    assert 2 <= len(values(timeline_of(data))) <= 21
