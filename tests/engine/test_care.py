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
