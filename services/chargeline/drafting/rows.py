"""From messages, revisions and questions to rows of the ledger.

This module owns which value goes into which column, and when the row of a visit need not be written
again. It writes nothing: whoever asks for a row gives it to a batch.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from chargeline.drafting.inbound import ReadRecord
from chargeline.engine import (
    PatientMerge,
    Reading,
    Timeline,
    Unreadable,
    VisitKey,
    VisitMerge,
    answer_words,
    severity_of,
)
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.records import (
    Announcement,
    StoredMerge,
    StoredMessage,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.published.drafts import WrittenRevision
from chargeline.published.shapes import DocumentationQuestion

_SEVERITIES = get_args(answer_words.Severity)  # the gravest first
# Retention goes by the time of a visit's row. A row that would change in nothing else is written
# once a day.
STALE = timedelta(days=1)


def headers_text(headers: dict[str, str]) -> str:
    """Headers as the ledger stores them: a JSON object with sorted names."""
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
    """A merge, with the time and the digest of the message that told of it."""
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
    """A record that could not be used whole, with the reason."""
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
    """A visit of which nothing is due and nothing is told: one that was never drafted."""
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


def given_up(row: StoredVisit, rulebook: str, now: datetime) -> StoredVisit:
    """A visit that cannot be drafted: nothing is due, and these rules were tried."""
    return row._replace(
        settle_due=None,
        final_due=None,
        asked_due=None,
        incomplete=True,
        updated_at=now,
        rulebook=rulebook,
    )


def waiting(
    row: StoredVisit, before: StoredVisit | None, revision: WrittenRevision | None
) -> StoredVisit:
    """The row of a visit with what its bill waits for, which a revision says; without one it is
    what the row before says.
    """
    if revision is not None:
        return waiting_for(row, revision.waits_for, revision.waiting_cents)
    if before is None:
        return row
    return row._replace(waits_for=before.waits_for, waiting_cents=before.waiting_cents)


def waiting_for(row: StoredVisit, reasons: Sequence[str], cents: int) -> StoredVisit:
    """The row of a visit whose bill waits for these, the first of which it keeps."""
    return row._replace(waits_for=next(iter(reasons), ""), waiting_cents=cents)


def told(row: StoredVisit, timeline: Timeline) -> StoredVisit:
    """The row of a visit with what its messages tell of where, when and who pays."""
    context, days = timeline.context, timeline.days
    return row._replace(
        place=context.place,
        payer=context.payer_name or context.payer,
        day=days[-1].day.isoformat() if days else "",
    )


def asking(row: StoredVisit, asked: Sequence[StoredQuestion]) -> StoredVisit:
    """The row of a visit with how many questions are open, and the one to begin with: one that
    blocks before one that does not, then the oldest.
    """
    first = min(asked, key=_urgency, default=None)
    return row._replace(asks=len(asked), asks_first=first.question_id if first is not None else "")


def _urgency(question: StoredQuestion) -> tuple[int, datetime, str]:
    return (
        _SEVERITIES.index(severity_of(question.code)),
        question.opened_at,
        question.question_id,
    )


def changed_row(before: StoredVisit | None, after: StoredVisit) -> list[StoredVisit]:
    """The row of a visit to write, none if it would say what it says already.

    The time of the next look (`asked_due`) and the version of the rules may change without anything
    happening to the visit. Then `updated_at` stays, so that retention sees how old the visit is.
    """
    if before is None:
        return [after]
    quiet = after._replace(updated_at=before.updated_at)
    if quiet._replace(asked_due=before.asked_due, rulebook=before.rulebook) != before:
        return [after]
    if quiet != before:
        return [quiet]
    return [after] if after.updated_at - before.updated_at > STALE else []


def stored_revision(revision: WrittenRevision, now: datetime) -> StoredRevision:
    """A revision as it was published, byte for byte."""
    return StoredRevision(
        facility=revision.facility,
        visit=revision.visit,
        revision=revision.revision,
        status=revision.digest.status,
        policy=revision.digest.policy,
        rulebook=revision.rulebook,
        created_at=now,
        body=revision.value.decode(),
        changes=revision.changes.decode(),
        chain=revision.digest.chain,
    )


def stored_question(
    question: DocumentationQuestion,
    before: StoredQuestion | None,
    announced: Announcement,
    now: datetime,
) -> StoredQuestion:
    """A question that was opened or closed; `before` is its row, if it was open."""
    return StoredQuestion(
        facility=question.facility,
        visit=question.visit,
        question_id=question.question_id,
        code=question.code,
        opened_at=before.opened_at if before is not None else now,
        closed_at=now if question.state == "closed" else None,
        body=announced.payload.decode(),
        drug=question.drug,
        stake_cents=question.stake_cents,
    )
