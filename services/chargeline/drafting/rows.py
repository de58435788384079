"""From records that were read to rows of the ledger.

It owns which value goes into which column. It writes nothing.
"""

import json
from datetime import datetime

from chargeline.drafting.inbound import ReadRecord
from chargeline.engine import PatientMerge, Reading, Unreadable, VisitKey, VisitMerge
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.records import StoredMerge, StoredMessage, StoredParkedMessage, StoredVisit


def headers_text(headers: dict[str, str]) -> str:
    """Headers as they are kept: a JSON object with sorted names."""
    return json.dumps(headers, sort_keys=True) if headers else "{}"


def stored_message(read: ReadRecord) -> StoredMessage:
    """The message of a record, with its bytes."""
    reading, record = read.reading, read.record
    assert reading is not None, "only what was read is kept"
    message = reading.message
    return StoredMessage(
        facility=reading.facility,
        visit=reading.visit or "",
        digest=message.digest,
        control_id=message.control_id,
        sent=message.sent,
        type=message.type,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=record.received_at,
        raw=record.value,
        headers=headers_text(record.headers),
    )


def stored_merge(reading: Reading, merge: VisitMerge | PatientMerge) -> StoredMerge:
    """A merge, with the message that told of it."""
    message = reading.message
    return StoredMerge(
        facility=reading.facility,
        prior=merge.prior,
        surviving=merge.surviving,
        sent=message.sent,
        digest=message.digest,
    )


def parked_message(
    read: ReadRecord, problem: Unreadable | Hl7Error, now: datetime
) -> StoredParkedMessage:
    """A record that could not be used, or of which a part could not be, with the reason."""
    record, finding = read.record, problem.finding
    return StoredParkedMessage(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        raw=record.value,
        headers=headers_text(record.headers),
        code=finding.code,
        expected=finding.expected,
        found=finding.found,
        where_=finding.where,
        do=finding.do,
        facility=read.visit.facility if read.visit else None,
        visit=read.visit.visit if read.visit else None,
        first_seen=now,
    )


def new_visit(key: VisitKey, now: datetime) -> StoredVisit:
    """A visit that was never drafted."""
    return StoredVisit(
        facility=key.facility,
        visit=key.visit,
        status="open",
        revision=0,
        settle_due=None,
        final_due=None,
        asked_due=None,
        discharged_at=None,
        incomplete=False,
        updated_at=now,
    )
