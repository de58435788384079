"""What becomes of a record of our own that the inbound topic does not take.

Such a record is a message: one that is placed anew, the copy of a merge, or one that a person has
retried. This module owns that it is parked like any other that cannot be used, with its bytes, and
that its visit hears of it. It does not publish; the relay tells it what Kafka has refused.
"""

import json
from datetime import datetime

from chargeline.drafting.announcing import ParkedTopic, nudge, parked_event
from chargeline.drafting.inbound import InboundRecord, ReadRecord
from chargeline.drafting.rows import parked_message
from chargeline.engine import VisitKey
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger
from chargeline.published.inbound import parts_of_key

_RETRY = "retry|"


async def park_own(ledger: Ledger, event: Announcement, parked: ParkedTopic, now: datetime) -> None:
    """Park a record of the outbox and take it out of there, in one transaction.

    Raises LedgerError.
    """
    partition, offset = await _came_from(ledger, event)
    facility, visit = parts_of_key(event.key)
    problem = Hl7Error(
        "record.not_taken",
        expected=f"the topic {event.topic} to take our own record of this message",
        found=f"a record of {len(event.payload)} bytes, and a smaller limit",
        where="",
        do="raise max.message.bytes of the topic, then `chargeline parked retry`",
    )
    read = ReadRecord(
        InboundRecord(
            topic=event.topic,
            partition=partition,
            offset=offset,
            key=event.key,
            value=event.payload,
            headers=json.loads(event.headers),
        ),
        "parked",
        visit=VisitKey(facility, visit) if visit else None,
        problem=problem,
    )
    async with ledger.batch() as batch:
        (number,) = await batch.park([parked_message(read, problem, now)])
        told = [parked_event(parked, read, problem, number=number, now=now)]
        if read.visit is not None:  # its draft is incomplete from here on
            told.append(nudge(event.topic, read.visit, now))
        await batch.announce(told)
        await batch.delete_announced([event.id])


async def _came_from(ledger: Ledger, event: Announcement) -> tuple[int, int]:
    """Partition and offset where the message of a record first lay.

    The id of a record that is sent again begins with its place, see `announcing.py`; that of a
    retry names the parked message.
    """
    if event.event_id.startswith(_RETRY):
        row = await ledger.show(int(event.event_id.removeprefix(_RETRY)))
        return row.partition, row.offset
    _topic, partition, offset, _key = event.event_id.split("|", 3)
    return int(partition), int(offset)
