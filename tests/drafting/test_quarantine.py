"""Claims about the quarantine of senders. The test moves the clock by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from chargeline.drafting.inbound import InboundRecord
from chargeline.drafting.polls import Judged
from chargeline.drafting.quarantine import QUARANTINED, SENDERS_MOST, Quarantine
from chargeline.drafting.sender import PART_MOST, SenderId, sender_of
from chargeline.published.inbound import INTERFACE, NUDGE, PEER

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
CODE, USED = "message.no_msh", ""
US, THEM = SenderId("192.0.2.1", "standard", "MAR", "ZEBRA"), SenderId("192.0.2.2", "standard")


class Clock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Watched:
    """A quarantine of 10 minutes, and its clock."""

    def __init__(self, in_a_row: int, per_minute: int = 1000) -> None:
        self.clock = Clock()
        self.quarantine = Quarantine(in_a_row, per_minute, minutes=10, clock=self.clock)

    def count(self, *codes: str, sender: SenderId = US) -> None:
        """Count messages of a sender."""
        self.quarantine.count([Judged(sender, code) for code in codes])

    def why(self, sender: SenderId = US) -> str:
        """What is said of the next record of a sender, "" if it is read."""
        found = self.quarantine.of(sender, record(b"anything"))
        return "" if found is None else str(found)


def record(value: bytes, **headers: str) -> InboundRecord:
    return InboundRecord("hl7.inbound", 0, 0, "ZEBRA|V1", value, dict(headers))


def parked(count: int) -> list[str]:
    return [CODE] * count


def test_so_many_in_a_row_are_borne_and_one_more_is_not() -> None:
    """The limit is 3: two, then one more pass, and the fourth is one too many.

    The finding says how many were expected, what was found last, and what to do.
    """
    watched = Watched(3)
    watched.count(*parked(2))
    watched.count(*parked(1))
    assert watched.why() == ""
    watched.count(*parked(1))
    assert "expected at most 3 messages of one sender to be parked in a row" in watched.why()
    assert "the last one for message.no_msh; see `char" in watched.why()
    assert watched.quarantine.senders() == 1


def test_a_message_that_is_used_begins_a_new_row() -> None:
    """Also in the middle of a batch: three before it and three after it are two rows."""
    watched = Watched(3)
    for _ in range(5):
        watched.count(*parked(3), USED, *parked(2))
        watched.count(*parked(1), USED)
    assert watched.why() == ""
    watched.count(USED, *parked(4))
    assert "in a row" in watched.why()


def test_so_many_a_minute_are_borne_however_many_are_used_between() -> None:
    """A sender of whom every other message is bad is quarantined too.

    The limit is 10 a minute: five every 40 seconds pass. Six more at the next step make 11.
    """
    watched = Watched(1000, 10)
    for _ in range(4):
        watched.count(*[CODE, USED] * 5)
        watched.clock.now += timedelta(seconds=40)
    assert watched.why() == ""
    watched.count(*[CODE, USED] * 6)
    assert "at most 10 messages of one sender to be parked in a minute" in watched.why()


def test_duplicates_do_not_end_a_row() -> None:
    """A batch that holds only duplicates used none, so the row goes on after it."""
    watched = Watched(3)
    watched.count(*parked(3))
    watched.count()
    watched.count(*parked(1))
    assert watched.why()


@pytest.mark.parametrize("size", [1, 7, 60, 1000])
def test_which_limit_speaks_does_not_depend_on_the_size_of_a_batch(size: int) -> None:
    """1,000 bad messages and a good one at the end: in a row, however they are polled."""
    watched = Watched(50, 500)
    course = [*parked(1000), USED]
    for first in range(0, len(course), size):
        watched.count(*course[first : first + size])
    assert "at most 50 messages of one sender to be parked in a row" in watched.why()


def test_one_sender_costs_no_other() -> None:
    """While one is quarantined the other is read, also with bad messages of its own."""
    watched = Watched(3)
    watched.quarantine.count([Judged(sender, CODE) for sender in (US, THEM) * 3])
    watched.count(CODE)
    assert watched.why()
    assert watched.why(THEM) == ""
    assert watched.quarantine.senders() == 1


def test_a_quarantine_ends_after_its_time_and_the_sender_begins_from_nothing() -> None:
    """What is parked unread meanwhile neither makes it longer nor counts when it is over."""
    watched = Watched(3)
    watched.count(*parked(4))
    watched.clock.now += timedelta(minutes=9)
    watched.count(*[QUARANTINED] * 50)
    assert watched.why()
    watched.clock.now += timedelta(minutes=1)
    assert watched.why() == ""
    assert watched.quarantine.senders() == 0
    watched.count(*[QUARANTINED] * 50)
    watched.count(*parked(3))
    assert watched.why() == ""
    watched.count(*parked(1))
    assert watched.why()


def test_a_sender_that_invents_names_is_quarantined_with_the_rest() -> None:
    """At most 200 are told apart. Those that had a place before are read as before."""
    watched = Watched(3)
    watched.count(USED)
    invented = [SenderId("192.0.2.66", "", f"APP{n}") for n in range(SENDERS_MOST + 2)]
    for sender in invented:
        watched.count(CODE, sender=sender)
    assert watched.why(invented[-1]) == ""
    watched.count(CODE, CODE, sender=SenderId("192.0.2.66", "", "ONE MORE"))
    assert watched.why(SenderId("192.0.2.66", "", "ANOTHER"))
    assert watched.why() == ""
    assert watched.quarantine.senders() == 1


def test_a_sender_that_was_silent_for_an_hour_gives_its_place() -> None:
    """With all places taken an hour ago, a new sender is not one of the rest."""
    watched = Watched(3)
    for number in range(SENDERS_MOST):
        watched.count(USED, sender=SenderId("192.0.2.66", "", f"APP{number}"))
    watched.count(*parked(4), sender=THEM)
    assert watched.why(SenderId("nobody knows it"))
    watched.clock.now += timedelta(hours=1)
    watched.count(*parked(4))
    assert watched.why()
    assert watched.why(SenderId("nobody knows it")) == ""


def test_what_chargeline_sends_to_itself_is_read() -> None:
    """A nudge has no sender. A message that only claims to be one is parked unread."""
    watched = Watched(3)
    watched.count(*parked(4))
    assert watched.quarantine.of(US, record(b"", **{NUDGE: "1"})) is None
    assert watched.quarantine.of(US, record(b"MSH|", **{NUDGE: "1"})) is not None


def test_a_sender_is_known_by_what_its_gateway_and_its_header_say() -> None:
    """Also where the message cannot be read, and where there is nothing at all."""
    headers = {PEER: "192.0.2.1 mar.example", INTERFACE: "standard"}
    wanted = SenderId("192.0.2.1 mar.example", "standard", "MAR", "ZEBRA")
    assert sender_of(headers, b"MSH|^~\\&|MAR|ZEBRA|C|Z|20260302||RAS^O17|1|T|2.5.1\r") == wanted
    assert sender_of(headers, b"MSH|^~\\&|MAR|ZEBRA|\xff\xfe") == wanted
    assert sender_of({}, b"") == SenderId()
    long = sender_of({PEER: "x" * 9_000}, b"MSH|^~\\&|" + b"y" * 9_000)
    assert (len(long.peer), len(long.application)) == (PART_MOST, PART_MOST)
