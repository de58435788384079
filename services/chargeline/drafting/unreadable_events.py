"""Events of the outbox that do not open: parked, so that the events behind them are published.

This module owns what becomes of such an event. Its bytes stay as they are stored, its readers never
get it, and its visit is drafted again: the next revision of a draft says the whole of it, and that
it is incomplete until a person has seen to what is parked. It publishes nothing.
"""

from collections.abc import Sequence
from datetime import datetime

from chargeline.drafting.announcing import ParkedTopic, nudge, parked_events
from chargeline.drafting.inbound import InboundRecord, ReadRecord, key_of_text, problems_of
from chargeline.drafting.reading_back import has_headers
from chargeline.drafting.rows import parked_message
from chargeline.engine import FindingCode
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger
from chargeline.telemetry.logs import logger

UNREADABLE_EVENT: FindingCode = "event.unreadable"


async def those_that_open(
    ledger: Ledger,
    events: Sequence[Announcement],
    *,
    inbound: str,
    topic: ParkedTopic,
    now: datetime,
) -> list[Announcement]:
    """The events of an outbox that can be published. The others are parked and taken out of there,
    in one transaction, and their visits are nudged. Raises LedgerError.
    """
    closed = [event for event in events if event.data_key or not has_headers(event)]
    if closed:
        read = [_to_park(event) for event in closed]
        problems = [(aside, why) for aside in read for why in problems_of(aside)]
        visits = {aside.visit for aside in read if aside.visit is not None}
        async with ledger.batch() as batch:
            numbers = await batch.park([parked_message(aside, why, now) for aside, why in problems])
            told = parked_events(topic, problems, numbers, now)
            nudges = [nudge(inbound, key, now) for key in sorted(visits)]
            await batch.announce([*told, *nudges])
            await batch.delete_announced([event.id for event in closed])
    gone = {event.id for event in closed}
    return [event for event in events if event.id not in gone]


def _to_park(event: Announcement) -> ReadRecord:
    """An event with what the ledger has of it in the clear."""
    where = f"outbox id {event.id}, for {event.topic}"
    logger("drafting").error(UNREADABLE_EVENT, topic=event.topic, offset=event.id, where=where)
    problem = Hl7Error(
        UNREADABLE_EVENT,
        expected="an event as it was written",
        found=f"bytes that do not open with data key {event.data_key}"
        if event.data_key
        else "headers that are no JSON object of texts",
        where=where,
        do=f"who reads {event.topic} lacks this event: the next revision of its visit is whole, a "
        "question is in `chargeline questions list`, and a message on its way to another place is "
        "in Kafka where its id says; see `chargeline ledger verify`, then `chargeline parked drop`",
    )
    record = InboundRecord(
        topic=event.topic,
        partition=0,
        offset=event.id,
        key=event.key,
        value=event.payload,
        headers={"event_id": event.event_id, "data_key": str(event.data_key)},
    )
    return ReadRecord(record, "parked", visit=key_of_text(event.key), problem=problem)
