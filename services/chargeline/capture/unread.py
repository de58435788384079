"""How old the oldest message is that Kafka has and the ledger has not, partition by partition.

This module owns the notes from which the age is told: a poll says when its first record came, and a
look at the end of a partition says that by now there is something. It asks Kafka nothing by itself.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime

from aiokafka import TopicPartition

NOTES_MOST = 100
"""Of a partition. Beyond that the age is told from the notes that are there."""


class UnreadSince:
    """Since when messages of each partition wait for the ledger."""

    def __init__(self) -> None:
        self._notes: dict[TopicPartition, deque[tuple[int, datetime]]] = {}

    def polled(self, partition: TopicPartition, offset: int, received_at: datetime) -> None:
        """Note the first record of a poll, which the ledger does not have yet."""
        self._notes.setdefault(partition, deque()).appendleft((offset, received_at))

    def seen(self, partition: TopicPartition, end: int, now: datetime) -> None:
        """Note that the partition reaches to `end` now. The record before it came since the last
        look, so `now` is its time but for the seconds between two looks.
        """
        notes = self._notes.setdefault(partition, deque())
        if len(notes) < NOTES_MOST and (not notes or notes[-1][0] < end - 1):
            notes.append((end - 1, now))

    def oldest(self, expected: Mapping[TopicPartition, int | None], now: datetime) -> float:
        """Seconds since the oldest record came that the ledger does not have, 0 if it has all.

        `expected` are our partitions, with the offset at which the ledger stands.
        """
        since = [now]
        for partition in list(self._notes):
            if partition not in expected:
                del self._notes[partition]
                continue
            at = expected[partition] or 0
            waiting = [note for note in self._notes[partition] if note[0] >= at]
            self._notes[partition] = deque(waiting)
            since += [came for _offset, came in waiting]
        return max(0.0, (now - min(since)).total_seconds())
