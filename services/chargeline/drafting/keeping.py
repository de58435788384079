"""Keeping: the messages of a poll that the ledger does not have yet, and their merges.

This module owns which record counts where a message comes twice. It does not fold or draft: the
processor does that with the records that it gives back.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from chargeline.drafting.inbound import ReadRecord, patient_merges, visit_merges
from chargeline.drafting.rows import stored_merge, stored_message
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import MessageKey, StoredMessage


async def keep(batch: Batch, usable: Sequence[ReadRecord]) -> list[ReadRecord]:
    """Store messages and their merges; returns the records whose message is new."""
    rows = [stored_message(read) for read in usable]
    fresh = _first_of_each(usable, rows, await batch.add_messages(rows))
    readings = [read.reading for read in usable if read.reading is not None and read.reading.merges]
    if readings:
        visits = [
            stored_merge(reading, merge) for reading in readings for merge in visit_merges(reading)
        ]
        patients = [
            stored_merge(reading, merge)
            for reading in readings
            for merge in patient_merges(reading)
        ]
        await batch.add_merges(visits, patients)
    return fresh


def _first_of_each(
    usable: Iterable[ReadRecord], rows: Iterable[StoredMessage], new: AbstractSet[MessageKey]
) -> list[ReadRecord]:
    """The records whose message is new. Of a message that is twice in a poll, the first record
    counts.

    A copy of a merge for its prior visit always counts: the partition of that visit has to fold it.
    """
    left = set(new)
    first = []
    for read, row in zip(usable, rows, strict=True):
        key = row.key
        if key in left or read.kind == "prior":
            left.discard(key)
            first.append(read)
    return first
