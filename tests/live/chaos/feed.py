"""An invented feed as it was written, and as it arrives: in any order, much of it twice.

It owns the disorder. What the messages say is the simulator's.
"""

import random
from typing import NamedTuple

from chargeline.simulator.feed import simulate

MESS = 0.6


class Feed(NamedTuple):
    """One feed. `written`: in the order of the sender; `arriving`: as Kafka gets them."""

    written: list[bytes]
    arriving: list[bytes]


def messy_feed(visits: int, count: int, seed: int) -> Feed:
    """The messages of some visits, `count` of them with further duplicates, in no order at all."""
    dice = random.Random(seed)
    written = [
        m for _style, m in simulate(visits=visits, seed=seed, style="standard", mess=MESS).messages
    ]
    arriving = [*written, *dice.choices(written, k=max(0, count - len(written)))]
    dice.shuffle(arriving)
    return Feed(written, arriving)


def joins_patients(message: bytes) -> bool:
    """Whether it is an A40: a visit known under two patients is looked at again a minute later."""
    return b"|ADT^A40" in message.partition(b"\r")[0]
