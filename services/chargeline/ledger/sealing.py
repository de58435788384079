"""Seals and tallies: what shows that a stored row is as it was, and that none is missing or added.

This module owns which columns a seal is over, and how seals are added up. A seal is SHA-256 over
the name of the table and the stored values (`canonical` of `engine/evidence.py`), as 64 hexadecimal
digits in the row. The tally of a partition is the number of rows that were ever stored, and the sum
of their seals: eight lanes of 32 bits, each lane a sum of its own. A sum needs no order and no row
before, so a batch adds to it without reading anything, and retention may take rows out of the
middle. What retention takes out, it writes into the audit trail. So at any moment

    sum of the seals in the table  =  sum of the tallies  -  sum of what retention removed

The module sends nothing. Ledgers in the field were sealed by it, so a rule of it never changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from struct import unpack
from typing import Any, NamedTuple

from chargeline.engine import canonical, link
from chargeline.ledger.column_types import stamp
from chargeline.ledger.records import (
    StoredAnswer,
    StoredMessage,
    StoredParkedMessage,
    StoredRevision,
)

_NOT_ITS_OWN = ("id", "data_key", "seal")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "message": tuple(name for name in StoredMessage._fields if name not in _NOT_ITS_OWN),
    "parked": ("id", *(n for n in StoredParkedMessage._fields if n not in _NOT_ITS_OWN)),
    "answer": tuple(name for name in StoredAnswer._fields if name not in _NOT_ITS_OWN),
    # The chain is over the body, so the seal has no need to read the body again.
    "draft_revision": tuple(n for n in StoredRevision._fields if n not in ("body", "seal")),
}
"""The columns that a seal is over, in this order, for each table.

Of an encrypted row the seal is over the bytes as they are stored, and over the number of its data
key, which comes last. So nobody needs a key to see that a row is as it was written.
"""
ENCRYPTED = frozenset({"message", "parked"})
"""The tables with a seal of which rows may be encrypted."""

_LANES = 8
Sum = tuple[int, ...]
NOTHING: Sum = (0,) * (_LANES + 1)
"""A number of rows, and the eight lanes of the sum of their seals."""


class Tally(NamedTuple):
    """A row of `tally`: how many rows of the table `about` came by a partition, and their sum."""

    about: str
    topic: str
    partition: int
    number: int
    lane_0: int
    lane_1: int
    lane_2: int
    lane_3: int
    lane_4: int
    lane_5: int
    lane_6: int
    lane_7: int


def seal_of(about: str, values: Iterable[Any]) -> str:
    """The seal of a row of the table `about`, whose values stand in the order of `COLUMNS`.

    A time may be given as such, or as the text that SQLite stores.
    """
    stored = [stamp(value) if isinstance(value, datetime) else value for value in values]
    return link("", canonical([about, *stored]))


def sealed_message(message: StoredMessage) -> StoredMessage:
    """The message with its seal. A message without MSH-7 has "" as the time that it was sent."""
    values: list[Any] = list(message[:-2])
    if message.sent is None:
        values[_SENT] = ""
    if message.data_key:
        values.append(message.data_key)
    return message._replace(seal=seal_of("message", values))


_SENT = StoredMessage._fields.index("sent")


def sealed_parked(message: StoredParkedMessage) -> StoredParkedMessage:
    """The parked message with its seal; it must have its id."""
    assert message.id, "the id is under the seal"
    data_key = [message.data_key] if message.data_key else []
    return message._replace(seal=seal_of("parked", (message.id, *message[:-3], *data_key)))


def sealed_revision(row: StoredRevision) -> StoredRevision:
    """The revision with its seal."""
    return row._replace(seal=seal_of("draft_revision", (*row[:7], row.changes, row.chain)))


def sealed_answer(row: StoredAnswer) -> StoredAnswer:
    """The answer with its seal."""
    return row._replace(seal=seal_of("answer", row[:-1]))


def added(seals: Iterable[str]) -> Sum:
    """The number of some seals, and their sum."""
    lanes = [unpack(">8I", bytes.fromhex(seal)) for seal in seals]
    return (len(lanes), *map(sum, zip(*lanes, strict=True))) if lanes else NOTHING


def plus(one: Sum, other: Sum, sign: int = 1) -> Sum:
    """One sum and another, or one less another with -1."""
    return tuple(a + sign * b for a, b in zip(one, other, strict=True))


NO_PARTITION: tuple[str, int] = ("", 0)
"""The topic and the partition in the tally of rows that come by no partition."""


def tally_of_all(
    about: str, seals: Sequence[str], partition: tuple[str, int] = NO_PARTITION
) -> Tally:
    """What new rows of a table add to one tally of it, that of a topic and partition."""
    return Tally._make((about, *partition, *added(seals)))


def tallies(about: str, rows: Sequence[StoredMessage | StoredParkedMessage]) -> list[Tally]:
    """What new rows of a table add to the tallies of their partitions."""
    by_partition: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        by_partition.setdefault((row.topic, row.partition), []).append(row.seal)
    return [
        Tally._make((about, *partition, *added(seals))) for partition, seals in by_partition.items()
    ]
