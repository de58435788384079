"""What we publish on Kafka: drafts, questions and parked messages, as CloudEvents in binary mode.

This module owns the keys, headers and ids of events, and which questions are published. It knows no
broker, and the time is handed in. The id of an event is a hash of what the event says. So the same
event that is made twice, after a crash or a replay, has the same id, and a reader drops the second.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b, sha256
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from chargeline.engine import (
    AuthorizationNeed,
    ChargeLine,
    Draft,
    Finding,
    FindingCode,
    Question,
    VisitKey,
)
from chargeline.published.authorizations import AuthorizationNeeded, details_of
from chargeline.published.drafts import WrittenRevision
from chargeline.published.inbound import record_key
from chargeline.published.shapes import (
    TYPES,
    Data,
    DocumentationQuestion,
    DraftRevision,
    KafkaHeader,
    ParkedMessage,
)
from chargeline.published.stakes import money
from chargeline.published.writing import VisitDraft, question_of

LATE: FindingCode = "visit.forgotten"  # the code of the question that a late message raises
OutboundEvent = WrittenRevision | Data


class TimedEvent(NamedTuple):
    """An event to publish: what it says, and when that was decided."""

    data: OutboundEvent
    time: datetime


# ------------------------------------------------------------------ as a Kafka message


def to_kafka(event: TimedEvent) -> tuple[str, dict[str, str], bytes]:
    """Key, headers and value of the Kafka record of an event."""
    assert event.time.tzinfo is not None, "an event's time has a zone"
    data = event.data
    key = record_key(data.facility, data.visit)
    value = data.value if isinstance(data, WrittenRevision) else data.model_dump_json().encode()
    headers = {
        "ce_specversion": "1.0",
        "ce_id": _event_id(data, value),
        "ce_source": _source(data.facility),
        "ce_subject": key,
        "ce_type": _type(data),
        "ce_time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "content-type": "application/json",
    }
    return key, headers, value


TOO_LARGE = "org.chargeline.event.too_large.v1"
"""The type of an event that stands for one that its topic does not take."""


def too_large(headers: Mapping[str, str], value: bytes) -> tuple[dict[str, str], bytes] | None:
    """Headers and value of what is published in place of an event that its topic does not take.

    It has the id, key and time of the event, and says its type, size and hash. The ledger has the
    event whole: a draft in `draft_revision`, a message in `parked`. None for a record that is no
    event.
    """
    if "ce_type" not in headers:
        return None
    said = {
        "type": headers["ce_type"],
        "bytes": len(value),
        "sha256": sha256(value).hexdigest(),
    }
    return {**headers, "ce_type": TOO_LARGE}, json.dumps(said).encode()


def _event_id(data: OutboundEvent, value: bytes) -> str:
    """32 hexadecimal digits, the same for the same event, whoever publishes it and when.

    The content of a draft or a question is part of its id. After a ledger was put back to an
    earlier copy, revision 7 may come again with other content, and no reader may drop that as a
    repeat.
    """
    if isinstance(data, ParkedMessage):
        place = [data.topic, str(data.partition), str(data.offset), data.code]
        if data.code == "visit.unreadable":
            # One row may set several visits aside, and several rows one visit, at one place.
            place += [data.facility or "", data.visit or "", data.where]
        return _hashed(_type(data), *place)
    return _hashed(_type(data), data.facility, data.visit, str(data.revision), value)


def _type(data: OutboundEvent) -> str:
    return TYPES[DraftRevision if isinstance(data, WrittenRevision) else type(data)]


def _hashed(*parts: str | bytes, size: int = 16) -> str:
    """A hash of several texts. The lengths count: "ab", "c" has another hash than "a", "bc"."""
    digest = blake2b(digest_size=size)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _source(facility: str | None) -> str:
    return f"/chargeline/{quote(facility or 'unknown', safe='')}"


# ------------------------------------------------------------------ questions


class AskedQuestion(NamedTuple):
    """A question as it is published, and how long it can wait.

    It is put `wait_minutes` after its `since`, or at once if that is None. `need` is the
    authorization that it asks for, if it asks for one.
    """

    question: DocumentationQuestion
    wait_minutes: int | None
    need: AuthorizationNeed | None = None


def questions_of(
    visit: VisitDraft, revision: int, prices: Mapping[str, int] = MappingProxyType({})
) -> list[AskedQuestion]:
    """All questions of a draft, as this revision opens them; `prices` are cents by code."""
    timeline = visit.timeline
    items = {item.key: item for item in timeline.administrations} if timeline is not None else {}
    needs = {need.question: need for need in visit.draft.needed}
    published = []
    for asked in visit.asked:
        question = asked.question
        in_question = [items[key] for key in question.administrations if key in items]
        lengths = {item.ordered_minutes for item in in_question}
        stake = money(_waiting(visit.draft, question), prices) if prices else None
        event = DocumentationQuestion(
            state="opened",
            facility=visit.draft.key.facility,
            visit=visit.draft.key.visit,
            encounter=asked.encounter,
            revision=revision,
            ordered_minutes=lengths.pop() if len(lengths) == 1 else None,
            since=min((item.start for item in in_question), default=None),
            stake_cents=stake,
            **question_of(asked),
        )
        need = needs.get(question) if needs else None
        published.append(AskedQuestion(event, question.wait_minutes, need))
    return published


NEEDED: FindingCode = "authorization.needed"  # the code of the question about an authorization


def needed_of(
    question: DocumentationQuestion, need: AuthorizationNeed | None
) -> AuthorizationNeeded:
    """The event beside a question about an authorization, opened or closed as the question is.

    `need` is what the question asks for; one that is closed says no more than which it was.
    """
    is_opened = question.state == "opened" and need is not None
    details = details_of(need) if is_opened and need is not None else {}
    return AuthorizationNeeded.model_validate(
        {
            "question_id": question.question_id,
            "state": question.state,
            "facility": question.facility,
            "visit": question.visit,
            "revision": question.revision,
            "drug": question.drug,
            "expected": question.expected,
            "found": question.found,
            "do": question.do,
            **details,
        }
    )


def _waiting(draft: Draft, question: Question) -> list[ChargeLine]:
    """The provisional lines that wait for the answer to a question."""
    return [
        line
        for line in draft.lines
        if line.provisional == question.finding.code
        and not {line.drug, *line.administrations}.isdisjoint(
            question.administrations or [question.drug]
        )
    ]


def late_question(key: VisitKey, revision: int) -> DocumentationQuestion:
    """The question about a message of a visit whose other messages were removed."""
    return DocumentationQuestion(
        question_id=_hashed(key.facility, key.visit, LATE, size=6),
        state="opened",
        facility=key.facility,
        visit=key.visit,
        encounter=None,
        revision=revision,
        code=LATE,
        expected="the other messages of the visit, to draft the whole visit",
        found="a visit whose messages were removed, after their days or by a person",
        do="bill the services of the late message by hand, from the hospital's record of the visit",
        drug="",
        administrations=[],
        sources=[],
        ordered_minutes=None,
        since=None,
    )


def merged_question(key: VisitKey, revision: int) -> DocumentationQuestion:
    """The question about a visit that was merged with one whose messages were removed."""
    return late_question(key, revision).model_copy(
        update={
            "expected": "a merge of two visits of which both are here",
            "found": "a merge with a visit whose messages were removed, after their days or by a "
            "person; it is not followed, and this draft stays as it was",
            "do": "see under which number the hospital bills, and correct the bill by hand",
        }
    )


def question_changes(
    before: Iterable[DocumentationQuestion], after: Iterable[DocumentationQuestion], revision: int
) -> Iterator[DocumentationQuestion]:
    """The questions to publish between two revisions: the new ones, then those that are closed."""
    old = {question.question_id: question for question in before}
    new = {question.question_id: question for question in after}
    yield from (question for name, question in new.items() if name not in old)
    for name, question in old.items():
        if name not in new:
            yield question.model_copy(update={"state": "closed", "revision": revision})


def parked(
    raw: bytes,
    headers: Iterable[tuple[str, bytes | None]],
    *,
    at: tuple[str, int, int],
    key: tuple[str | None, str | None],
    number: int,
    why: Finding,
    message_type: str,
    control_id: str,
    with_bytes: bool,
) -> ParkedMessage:
    """The event of a parked message.

    `at` is its topic, partition and offset. `key` is facility and visit, None where not known.
    `number` is that of the ledger. Without `with_bytes` the event has neither the bytes of the
    message nor the headers of its record, since anybody may write a patient into a header.
    """
    topic, partition, offset = at
    facility, visit = key
    whole = ParkedMessage(
        facility=facility,
        visit=visit,
        topic=topic,
        partition=partition,
        offset=offset,
        code=why.code,
        expected=why.expected,
        found=why.found,
        where=why.where,
        do=why.do,
        message_type=message_type,
        control_id=control_id,
        number=number,
        bytes=len(raw),
        sha256=sha256(raw).hexdigest(),
        headers=[KafkaHeader(name=name, value_base64=_base64(value)) for name, value in headers],
        raw_base64=base64.b64encode(raw).decode() if with_bytes else None,
    )
    return whole if with_bytes else whole.without_bytes()


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
