"""How honest senders write to the inbound topic: rarely as our gateway would.

This module owns the places, keys and headers of good messages. Most records lie elsewhere than
where their visit is drafted, and some have a header that only chargeline writes to itself. None of
it may change a draft, so the comparison with `chargeline code` is strict for all of them.
"""

import random
from collections import Counter
from collections.abc import Sequence

from chargeline.published.inbound import (
    DIGEST,
    MERGE_COPY,
    NO_VISIT,
    NUDGE,
    PEER,
    PROBLEM,
    REKEYED,
    RETRIED,
    TYPE,
)

from ..records import Record, java, key_of, writers

FORGED_SHARE = 0.25
OTHER_VISIT_SHARE = 0.1

# What a producer may have copied or made up. A record with REKEYED says that it lies in its place,
# so only one that does so may have that header; another one is parked (docs/decisions/0036).
FORGED: tuple[tuple[str, bytes], ...] = (
    (MERGE_COPY, b"prior"),
    (MERGE_COPY, b"surviving"),
    (MERGE_COPY, b"\xff"),
    (NUDGE, b"1"),
    (NO_VISIT, b"1"),
    (PROBLEM, b"message.no_msh"),
    (RETRIED, b"7"),
    (DIGEST, b"00"),
    (TYPE, b"ADT^A01"),
    (PEER, b"192.0.2.7 engine.zebra.invalid"),
    (REKEYED, b"6"),
    (REKEYED, b"many"),
)


class HonestSenders:
    """Makes records of good messages, and counts in what way they are odd."""

    def __init__(self, dice: random.Random, keys: Sequence[bytes]) -> None:
        """`keys` are keys of visits, for records that are written under the key of another one."""
        self._dice = dice
        self._keys = keys
        self._writers = list(writers(dice).values())
        self.done: Counter[str] = Counter()

    def records(self, messages: Sequence[bytes]) -> list[Record]:
        """A record of each message."""
        return [self._record(message) for message in messages]

    def _record(self, message: bytes) -> Record:
        right = key_of(message)
        write, place = self._dice.choice(self._writers)
        key, partition = write(right), place(right)
        if self._dice.random() < OTHER_VISIT_SHARE:
            key = self._dice.choice(self._keys)
        misplaced = (key, partition) != (right, java(right))
        self.done["misplaced"] += misplaced
        return Record(message, key, partition, self._forged(misplaced))

    def _forged(self, misplaced: bool) -> tuple[tuple[str, bytes], ...]:
        if self._dice.random() >= FORGED_SHARE:
            return ()
        name, value = self._dice.choice(FORGED)
        if name == REKEYED and misplaced:
            return ()
        self.done["forged"] += 1
        return ((name, value),)
