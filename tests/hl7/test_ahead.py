"""A sender's clock that runs ahead wins nothing, and the draft says that it does."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from chargeline.engine import Feed, Timeline, VisitKey, offers_for, severity_of
from chargeline.hl7.ahead import bounded
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from tests.drafting.test_processor import PROFILE, RULEBOOK

V1 = VisitKey("ZEBRA", "V1")
ARRIVED = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def payer(name: str, sent: str) -> bytes:
    """An A08 that names a payer, written at a local time."""
    return (
        f"MSH|^~\\&|ADT|ZEBRA|CHARGELINE|ZEBRA|{sent}||ADT^A08|P{name}|T|2.5.1\r"
        f"PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O{'|' * 17}V1\rIN1|1|{name}|{name}\r"
    ).encode()


def dose(amount: str, recorded: str, sent: str = "202603021300") -> bytes:
    """An update of the one row of carboplatin, charted at a local time."""
    row = f"RXA|0|1|202603020900|202603021000|CARBOPLATIN^carboplatin^L|{amount}|mg"
    return (
        f"MSH|^~\\&|MAR|ZEBRA|CHARGELINE|ZEBRA|{sent}||RAS^O17|D{amount}|T|2.5.1\r"
        f"PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O{'|' * 17}V1\rORC|RE||R1\r"
        f"{row}{'|' * 13}CP|U|{recorded}\rRXR|IV\r"
    ).encode()


def timeline(*messages: tuple[bytes, datetime]) -> Timeline:
    """The timeline of V1, from messages that each arrived at a time."""
    feed = Feed(RULEBOOK.base)
    for raw, arrived in messages:
        feed.add(bounded(read_events(read_message(raw), PROFILE), arrived))
    return feed[V1]


def codes(visit: Timeline) -> list[str]:
    return [problem.finding.code for problem in visit.problems]


def test_a_payer_of_the_far_future_gives_way_to_the_next_one() -> None:
    """MSH-7 of 2099: the message counts as written when it arrived, and a person is asked."""
    first = (payer("AAA", "20990101"), ARRIVED)
    second = (payer("BBB", "202603021310"), ARRIVED + timedelta(minutes=10))
    for order in permutations((first, second)):
        visit = timeline(*order)
        assert visit.context.payer == "BBB"
        assert codes(visit) == ["clock.far_ahead"]


def test_a_correction_of_the_far_future_gives_way_to_the_next_one() -> None:
    """RXA-22 of 2099, then the true time: the second dose stands."""
    wrong = (dose("1", "20990302"), ARRIVED)
    right = (dose("1000", "202603021310"), ARRIVED + timedelta(minutes=10))
    for order in permutations((wrong, right)):
        visit = timeline(*order)
        assert [item.drugs[0].amount for item in visit.administrations] == [1000]
        assert codes(visit) == ["clock.far_ahead"]


@pytest.mark.parametrize(("minutes", "told"), [(5, []), (6, ["clock.ahead"])])
def test_five_minutes_are_no_clock_that_is_ahead(minutes: int, told: list[str]) -> None:
    """Clocks that are kept differ by some minutes."""
    sent = (ARRIVED + timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S+0000")
    assert codes(timeline((payer("AAA", sent), ARRIVED))) == told


def test_a_clock_that_is_ahead_is_told_once_for_a_visit() -> None:
    """A sender whose clock is ten minutes fast would else be told with each message."""
    sent = (ARRIVED + timedelta(minutes=10)).strftime("%Y%m%d%H%M%S+0000")
    visit = timeline((payer("AAA", sent), ARRIVED), (dose("450", sent, sent), ARRIVED))
    assert codes(visit) == ["clock.ahead"]
    assert severity_of("clock.ahead") == "warns"
    assert severity_of("clock.far_ahead") == "blocks"
    assert [offer.choice for offer in offers_for("clock.far_ahead")] == ["by_hand"]
