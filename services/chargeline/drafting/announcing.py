"""What a poll announces besides drafts: records for other partitions, and what was parked.

It owns that what crosses partitions is a record of the inbound topic, sent through the outbox: a
message again under its visit's key, a merge under the key of the visit that was merged away, or a
nudge. A record that is sent twice after a crash does no harm.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from chargeline.drafting.inbound import InboundRecord, ReadRecord, visit_merges
from chargeline.drafting.rows import headers_text
from chargeline.engine import Unreadable, VisitKey
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.records import Announcement
from chargeline.published import events
from chargeline.published.inbound import MERGE_COPY, NUDGE, REKEYED, record_key


def announcement(topic: str, data: events.OutboundEvent, now: datetime) -> Announcement:
    """An event as a row of the outbox."""
    key, headers, value = events.to_kafka(events.TimedEvent(data, now))
    return Announcement(
        topic=topic,
        key=key,
        event_id=headers["ce_id"],
        headers=json.dumps(headers),
        payload=value,
        created_at=now,
    )


def nudge(inbound_topic: str, key: VisitKey, now: datetime) -> Announcement:
    """Word to a visit's partition: look at it again, something of it in the ledger has changed."""
    return Announcement(
        topic=inbound_topic,
        key=record_key(*key),
        event_id=f"nudge|{record_key(*key)}|{now.isoformat()}",
        headers=headers_text({NUDGE: "1"}),
        payload=b"",
        created_at=now,
    )


def under_their_own_keys(
    inbound_topic: str, records: Iterable[ReadRecord], now: datetime
) -> list[Announcement]:
    """Messages that came under another key, sent again under the key of their visit."""
    return [
        _again(inbound_topic, read.visit, read.record, {REKEYED: "1"}, now=now)
        for read in records
        if read.kind == "rekey" and read.visit is not None
    ]


def copies_of_merges(
    inbound_topic: str, fresh: Iterable[ReadRecord], now: datetime
) -> list[Announcement]:
    """A merge is told to the partition of the prior visit as well; the gateway may have done so."""
    return [
        _again(
            inbound_topic,
            VisitKey(read.reading.facility, merge.prior),
            read.record,
            {MERGE_COPY: "prior"},
            now=now,
        )
        for read in fresh
        if read.reading is not None and MERGE_COPY not in read.record.headers
        for merge in visit_merges(read.reading)
    ]


def _again(
    inbound_topic: str,
    visit: VisitKey,
    record: InboundRecord,
    added: dict[str, str],
    *,
    now: datetime,
) -> Announcement:
    key = record_key(*visit)
    return Announcement(
        topic=inbound_topic,
        key=key,
        event_id=f"{record.topic}|{record.partition}|{record.offset}|{key}",
        headers=headers_text({**record.headers, **added}),
        payload=record.value,
        created_at=now,
    )


def parked_event(
    parked_topic: str, read: ReadRecord, problem: Unreadable | Hl7Error, now: datetime
) -> Announcement:
    """A parked message goes to its topic too, bytes and reason, for whoever watches it."""
    record, message = read.record, read.reading.message if read.reading else None
    event = events.parked(
        record.value,
        [(name, value.encode()) for name, value in record.headers.items()],
        at=(record.topic, record.partition, record.offset),
        key=(read.visit.facility, read.visit.visit) if read.visit else (None, None),
        why=problem.finding,
        message_type=message.type if message else "",
        control_id=message.control_id if message else "",
    )
    return announcement(parked_topic, event, now)
