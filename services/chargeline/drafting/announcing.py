"""From an event to a row of the outbox: drafts, questions, parked messages, and our own records.

This module owns the rule that one partition speaks to another only by a record of the inbound
topic, sent through the outbox. There are three such records: a record sent again to the place of
its visit, a merge under the key of the visit that was merged away, and a nudge, which says to look
at a visit again. Such a record may come twice after a crash and does no harm.

The module does not publish. In which order events come out on the topics, and what a crash does to
that order, is told at the top of `capture/relay.py`.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

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
    """A record that tells a visit's partition to look again: the ledger has news of the visit."""
    return Announcement(
        topic=inbound_topic,
        key=record_key(*key),
        event_id=f"nudge|{record_key(*key)}|{now.isoformat()}",
        headers=headers_text({NUDGE: "1"}),
        payload=b"",
        created_at=now,
    )


def in_their_own_place(
    inbound_topic: str, records: Iterable[ReadRecord], partitions: int, now: datetime
) -> list[Announcement]:
    """Records that lay elsewhere, sent again under the key of their visit.

    The relay places each by the number of partitions of the topic, which its header says.
    """
    return [
        _again(inbound_topic, read.visit, read.record, {REKEYED: str(partitions)}, now=now)
        for read in records
        if read.kind == "rekey" and read.visit is not None
    ]


def copies_of_merges(
    inbound_topic: str, fresh: Iterable[ReadRecord], now: datetime
) -> list[Announcement]:
    """Copies of visit merges for the partitions of the prior visits.

    A merge that is such a copy is left out. Of one that says it is the copy for the surviving
    visit, the gateway has sent the others; but anybody can write a header, so the prior visits are
    looked at again all the same.
    """
    copies = []
    for read in fresh:
        if read.reading is None or read.kind != "message":
            continue
        for merge in visit_merges(read.reading):
            prior = VisitKey(read.reading.facility, merge.prior)
            if read.record.headers.get(MERGE_COPY) == "surviving":
                copies.append(nudge(inbound_topic, prior, now))
            else:
                added = {MERGE_COPY: "prior"}
                copies.append(_again(inbound_topic, prior, read.record, added, now=now))
    return copies


def _again(
    inbound_topic: str,
    visit: VisitKey,
    record: InboundRecord,
    added: dict[str, str],
    *,
    now: datetime,
) -> Announcement:
    key = record_key(*visit)
    # A record may come with our header from anybody; only what we say here is passed on.
    headers = {name: value for name, value in record.headers.items() if name != REKEYED}
    return Announcement(
        topic=inbound_topic,
        key=key,
        event_id=f"{record.topic}|{record.partition}|{record.offset}|{key}",
        headers=headers_text({**headers, **added}),
        payload=record.value,
        created_at=now,
    )


class ParkedTopic(NamedTuple):
    """Where parked messages are announced, and whether with their bytes."""

    name: str
    with_bytes: bool = False


def parked_events(
    topic: ParkedTopic,
    problems: Iterable[tuple[ReadRecord, Unreadable | Hl7Error]],
    numbers: Iterable[int],
    now: datetime,
) -> list[Announcement]:
    """The events of parked messages; `numbers` are those that the ledger gave them, in order."""
    return [
        parked_event(topic, read, problem, number=number, now=now)
        for (read, problem), number in zip(problems, numbers, strict=True)
    ]


def parked_event(
    topic: ParkedTopic,
    read: ReadRecord,
    problem: Unreadable | Hl7Error,
    *,
    number: int,
    now: datetime,
) -> Announcement:
    """A parked message, by its number in the ledger, and the reason; its bytes if they are wanted.

    It is for those who watch the topic.
    """
    record, message = read.record, read.reading.message if read.reading else None
    event = events.parked(
        record.value,
        [(name, value.encode()) for name, value in record.headers.items()],
        at=(record.topic, record.partition, record.offset),
        key=(read.visit.facility, read.visit.visit) if read.visit else (None, None),
        number=number,
        why=problem.finding,
        message_type=message.type if message else "",
        control_id=message.control_id if message else "",
        with_bytes=topic.with_bytes,
    )
    return announcement(topic.name, event, now)
