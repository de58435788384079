"""A feed gives the same drafts in whatever order and however often its messages arrive.

This module owns whole invented feeds, shuffled and with copies. It does not know what timelines and
drafts should say. It knows only that they may not depend on the order in which a network delivers.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

from chargeline.engine import Feed, Rulebook, Timeline, VisitKey, draft
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.simulator import simulate
from tests.golden.messages import action

Messages = tuple[tuple[str, bytes], ...]

_RULES = Path(__file__).resolve().parents[2] / "rules"
STYLES = ("standard", "action-stream")
SEEDS = (1, 2, 3, 4)
VISITS = 40
SHUFFLES = 4


@cache
def rulebook() -> Rulebook:
    return load_rulebook(_RULES)


@cache
def profile(style: str) -> Profile:
    return make_profile(read_interface(_RULES, style))


@cache
def feed(seed: int) -> Messages:
    return simulate(visits=VISITS, seed=seed, style="mixed", mess=0.6).messages


def timelines(messages: Iterable[tuple[str, bytes]]) -> dict[VisitKey, Timeline]:
    visits = Feed(rulebook().base)
    for style, text in messages:
        visits.add(read_events(read_message(text), profile(style)))
    return {key: visits[key] for key in visits}


def drafts(of_visits: dict[VisitKey, Timeline]) -> dict[VisitKey, str]:
    return {key: repr(draft(timeline, rulebook())) for key, timeline in of_visits.items()}


@cache
def as_sent(seed: int) -> dict[VisitKey, Timeline]:
    return timelines(feed(seed))


def shuffled(messages: Messages, chance: Random) -> Messages:
    return tuple(chance.sample(messages, len(messages)))


def with_copies(messages: Messages, chance: Random) -> Messages:
    """The feed, and three in ten of its messages once more: the same bytes, anywhere later."""
    copies = [(place, each) for place, each in enumerate(messages) if chance.random() < 0.3]
    return _inserted(messages, copies, chance)


def with_resends(messages: Messages, chance: Random) -> Messages:
    """The feed, and three in ten of its messages once more, under a later MSH-7 and a new MSH-10.

    A resend stands anywhere after its message.
    """
    chosen = [(place, each) for place, each in enumerate(messages) if chance.random() < 0.3]
    again = [
        (place, (style, resent(text, f"AGAIN{place}", chance.randint(1, 3000))))
        for place, (style, text) in chosen
    ]
    return _inserted(messages, again, chance)


def _inserted(
    messages: Messages, more: list[tuple[int, tuple[str, bytes]]], chance: Random
) -> Messages:
    placed = [(float(place), each) for place, each in enumerate(messages)]
    for place, copy in more:
        placed.append((place + 0.5 + chance.random() * (len(messages) - place), copy))
    return tuple(each for _, each in sorted(placed, key=lambda item: item[0]))


def resent(text: bytes, control: str, minutes: int) -> bytes:
    """The message under another MSH-10, and with an MSH-7 that is so many minutes later."""
    fields = text.split(b"|")
    clock = re.match(rb"\d{14}", fields[6])
    assert clock is not None, fields[6]
    later = datetime.strptime(clock[0].decode(), "%Y%m%d%H%M%S") + timedelta(minutes=minutes)
    fields[6] = f"{later:%Y%m%d%H%M%S}".encode() + fields[6][14:]
    fields[9] = control.encode()
    return b"|".join(fields)


def assert_same(folded: dict[VisitKey, Timeline], expected: dict[VisitKey, Timeline]) -> None:
    assert folded.keys() == expected.keys()
    for key, timeline in expected.items():
        assert folded[key] == timeline, f"{key}: another timeline"


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_arrival_gives_the_same_timelines(seed: int) -> None:
    """A feed folds into the same timelines in four random orders as in the order sent."""
    for number in range(SHUFFLES):
        chance = Random(f"order:{seed}:{number}")
        assert_same(timelines(shuffled(feed(seed), chance)), as_sent(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_arrival_gives_the_same_drafts(seed: int) -> None:
    """After a shuffle the drafts of all visits are the same text, each step of a trace included."""
    folded = timelines(shuffled(feed(seed), Random(f"drafts:{seed}")))
    assert drafts(folded) == drafts(as_sent(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_copies_of_messages_change_no_timeline(seed: int) -> None:
    """Messages that come again with the same bytes, anywhere later, add nothing."""
    chance = Random(f"copies:{seed}")
    assert_same(timelines(with_copies(feed(seed), chance)), as_sent(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_resends_under_another_number_change_no_timeline(seed: int) -> None:
    """The same body under a new MSH-10 and a later MSH-7 adds nothing and makes nothing newer."""
    chance = Random(f"resends:{seed}")
    assert_same(timelines(with_resends(feed(seed), chance)), as_sent(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_copies_and_resends_in_any_order_change_no_draft(seed: int) -> None:
    """A feed shuffled with copies and resends, some before their originals, drafts the same."""
    chance = Random(f"all:{seed}")
    muddled = shuffled(with_copies(with_resends(feed(seed), chance), chance), chance)
    folded = timelines(muddled)
    assert_same(folded, as_sent(seed))
    assert drafts(folded) == drafts(as_sent(seed))


def test_visits_with_a_practitioner_do_not_depend_on_the_order_either() -> None:
    """Reports, notes and posted charges, shuffled with copies, give the same drafts."""
    sent = simulate(visits=VISITS, seed=5, mess=0.6, examinations=1.0).messages
    chance = Random("examined")
    expected = drafts(timelines(sent))
    for _number in range(SHUFFLES):
        assert drafts(timelines(shuffled(with_copies(sent, chance), chance))) == expected
    assert sum("office_visits" in text for text in expected.values()) > VISITS / 2


def test_the_comparison_sees_one_message_that_is_missing() -> None:
    """A feed without one RAS, which no other message repeats, gives other timelines."""
    messages = simulate(visits=5, seed=1, style="mixed", mess=0.0).messages
    place = next(n for n, (_, text) in enumerate(messages) if b"|RAS^O17" in text)
    assert timelines(messages[:place] + messages[place + 1 :]) != timelines(messages)


def test_the_feeds_have_what_makes_order_hard() -> None:
    """The feeds hold corrections, voids, merges of visits and of patients, and cancelled visits."""
    text = b"".join(text for seed in SEEDS for _, text in feed(seed))
    rows = {
        fields[21][:1]
        for fields in (row.split(b"|") for row in text.split(b"\r"))
        if _is_record(fields)
    }
    assert {b"A", b"U", b"D"} <= rows
    assert all(f"ADT^{kind}".encode() in text for kind in ("A35", "A41", "A40", "A11", "A13"))


def _is_record(fields: list[bytes]) -> bool:
    return fields[0] == b"RXA" and len(fields) > 21


def test_the_first_day_of_a_rule_is_asked_of_the_first_row_by_the_clock() -> None:
    """An order that runs over New Year 2024, when the rule about new bags begins, in every order.

    The bag of 23:30 runs on, the next one is hung at 00:30, and it is stopped at 01:30.
    """
    messages = [
        action("New Bag", "20231231233000", dose="1000 mg"),
        action("New Bag", "20240101003000", dose="1000 mg"),
        action("Stopped", "20240101013000", dose="0 mg"),
    ]
    said = {
        repr(drafts(timelines([("action-stream", text) for text in order])))
        for order in permutations(messages)
    }
    assert len(said) == 1
