"""Claims about orders that the placer and the filler know by different numbers."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from chargeline.engine import Administration, Feed, Timeline, VisitKey
from tests.engine import read, rulebook, visits_of
from tests.golden.messages import message, rxa, rxr, segment

KEY = VisitKey("ZEBRA", "V1")


def orc(control: str, placer: str, filler: str) -> str:
    return segment("ORC", {1: control, 2: placer, 3: filler})


def ordered(placer: str, filler: str, *, sent: str = "0700", minutes: str = "60") -> bytes:
    """An RDE of 450 mg of carboplatin."""
    drug = segment("RXE", {2: "CARBOPLATIN^carboplatin^L", 3: "450", 5: "mg"})
    timing = segment("TQ1", {1: "1", 6: f"{minutes}^min"})
    return message("RDE^O11", orc("NW", placer, filler), drug, timing, rxr("IV"), sent=sent)


def controlled(control: str, placer: str, filler: str, *, sent: str = "0830") -> bytes:
    """An RDE that only changes whether the order is in force."""
    return message("RDE^O11", orc(control, placer, filler), sent=sent)


def given(placer: str, filler: str, start: str = "0900", *, local: int = 1) -> bytes:
    """A RAS of 450 mg of carboplatin."""
    row = rxa("CARBOPLATIN", "450 mg", start, number=local)
    return message("RAS^O17", orc("RE", placer, filler), row, rxr("IV"), sent="1800")


def administrations(messages: Sequence[bytes]) -> dict[str, Administration]:
    """The administrations of visit V1, by the number of their order."""
    return {item.order: item for item in visits_of(messages)[KEY].administrations}


def after_each(messages: Sequence[bytes]) -> list[Timeline]:
    """The timeline after each message, as the live service makes it."""
    feed, timelines = Feed(rulebook().base), []
    for data in messages:
        feed.add(read(data))
        timelines.append(feed[KEY])
    return timelines


@pytest.mark.parametrize(
    ("messages", "cancelled"),
    [
        # by the placer's number, given under the filler's
        ([ordered("P1", "F1"), controlled("CA", "P1", ""), given("", "F1")], {"F1"}),
        # only the RAS pairs the two numbers
        ([ordered("P1", ""), controlled("CA", "P1", ""), given("P1", "F1")], {"F1"}),
        # by the filler's number, given under the placer's
        ([ordered("P1", "F1"), controlled("CA", "", "F1"), given("P1", "")], {"P1"}),
        # in force again by the other number
        (
            [
                controlled("CA", "P1", ""),
                controlled("OE", "", "F1", sent="0845"),
                given("P1", "F1"),
            ],
            set(),
        ),
        # one placer's number of two bags: it cancels both of them, and each bag only itself
        (
            [controlled("CA", "P1", ""), given("P1", "F1"), given("P1", "F2")],
            {"F1", "F2"},
        ),
        ([controlled("CA", "P1", "F1"), given("P1", "F1"), given("P1", "F2")], {"F1"}),
        # nobody knows under which of the two bags the row of P1 was charted
        (
            [controlled("CA", "P1", "F1"), given("P1", ""), given("P1", "F1"), given("P1", "F2")],
            {"F1"},
        ),
        # 1001 is an order of the filler and another one of the placer
        ([controlled("CA", "P7", "1001"), given("P7", "1001"), given("1001", "F1")], {"1001"}),
        ([controlled("CA", "", "1001"), given("1001", "F1"), given("P7", "1001")], {"1001"}),
        # nothing pairs them
        ([controlled("CA", "P1", ""), given("", "F1")], set()),
    ],
)
def test_a_cancel_counts_for_the_order_by_its_other_number(
    messages: list[bytes], cancelled: set[str]
) -> None:
    """Every order of arrival gives the same timeline, which has these orders as cancelled."""
    expected = visits_of(messages)[KEY]
    found = {item.order for item in expected.administrations if item.cancelled is not None}
    assert found == cancelled
    for arrival in permutations(messages):
        assert after_each(arrival)[-1] == expected


def test_what_the_placer_ordered_is_known_by_the_number_of_the_filler() -> None:
    """An RDE before the pharmacy gave a number: its duration, route and drug count for F1."""
    (item,) = administrations([ordered("P1", "", minutes="90"), given("P1", "F1")]).values()
    assert (item.order, item.ordered_minutes) == ("F1", 90)
    assert [drug.codes[0] for drug in item.ordered] == ["CARBOPLATIN"]


def test_what_one_bag_says_is_not_known_of_its_sibling() -> None:
    """P1 is two bags: 60 minutes are ordered for F1, and nothing for F2."""
    both = administrations([ordered("P1", "F1"), given("P1", "F1"), given("P1", "F2", "1100")])
    assert {order: item.ordered_minutes for order, item in both.items()} == {"F1": 60, "F2": None}


MIXED = (
    ordered("P1", ""),
    given("P1", "F1"),
    ordered("P1", "F2", sent="0715", minutes="120"),
    given("", "F2", "1000"),
    given("P1", "", "1200"),
    controlled("DC", "P1", "", sent="1100"),
)


def test_every_order_of_arrival_gives_the_same_timeline() -> None:
    """All 720, and the timeline is asked for after each message: so all is remade that must be."""
    expected = visits_of(MIXED)[KEY]
    assert {item.order for item in expected.administrations} == {"F1", "F2", "P1"}
    for arrival in permutations(MIXED):
        assert after_each(arrival)[-1] == expected


def test_an_order_that_is_sent_again_counts_for_its_other_number() -> None:
    """RDE 60 minutes, RDE 90 minutes, RDE 60 minutes again: the last one counts, as under F1."""
    again = [
        ordered("P1", "", sent="0700"),
        ordered("P1", "", sent="0710", minutes="90"),
        ordered("P1", "", sent="0720"),
        given("P1", "F1"),
    ]
    for arrival in permutations(again):
        (item,) = after_each(arrival)[-1].administrations
        assert item.ordered_minutes == 60


def test_of_one_message_the_replacement_counts_after_what_it_replaces() -> None:
    """ORC RP for P1 and ORC RO for the new order F2 of P1: F2 is in force, and F1 no more."""
    both = message("RDE^O11", orc("RP", "P1", ""), orc("RO", "P1", "F2"), sent="0830")
    for arrival in permutations([both, given("P1", "F1"), given("P1", "F2", "1000")]):
        items = after_each(arrival)[-1].administrations
        assert [item.order for item in items if item.cancelled is not None] == ["F1"]
