"""Where a topic has a key: the partition that Kafka's own clients choose, by murmur2.

This module owns that choice. It is one of many: librdkafka places keys by CRC32, and a script may
place them anywhere. So nobody here relies on where a record lies; what lies elsewhere is sent again
(`drafting/inbound.py`).
"""

from typing import NamedTuple

from aiokafka.partitioner import murmur2

_POSITIVE = 0x7FFFFFFF


class KeyPlacement(NamedTuple):
    """A topic with so many partitions."""

    partitions: int

    def of(self, key: str) -> int:
        """The partition of a key, as in Kafka's Java client and in aiokafka."""
        return int(murmur2(key.encode()) & _POSITIVE) % self.partitions
