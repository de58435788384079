"""An invented feed as it was written, and as it arrives: in any order, many messages twice.

This module owns the disorder. The simulator decides what the messages say.
"""

import random
from typing import NamedTuple

from chargeline.simulator.feed import simulate

MESS = 0.6


class Feed(NamedTuple):
    """One feed: `written` in the order of the sender, `arriving` in the order that Kafka gets."""

    written: list[bytes]
    arriving: list[bytes]


def messy_feed(visits: int, count: int, seed: int) -> Feed:
    """The messages of some visits, with duplicates up to `count` messages, in random order."""
    dice = random.Random(seed)
    written = [
        m for _style, m in simulate(visits=visits, seed=seed, style="standard", mess=MESS).messages
    ]
    arriving = [*written, *dice.choices(written, k=max(0, count - len(written)))]
    dice.shuffle(arriving)
    return Feed(written, arriving)


def joins_patients(message: bytes) -> bool:
    """Whether the message merges two patients (A40)."""
    return b"|ADT^A40" in message.partition(b"\r")[0]
