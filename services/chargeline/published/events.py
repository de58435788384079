"""What crosses Kafka: drafts, questions and parked messages, as CloudEvents in Kafka's binary mode.

It owns the keys, headers and ids of what is announced, and which questions are. It knows no broker
and reads no clock: the time is handed in. An id is a hash of what it names, so that the same
announcement made twice is recognised, after a crash as after a replay.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote

from chargeline.engine import Administration, Draft, Finding, FindingCode, Question, VisitKey
from chargeline.published.drafts import WrittenRevision, question_of
from chargeline.published.inbound import record_key
from chargeline.published.shapes import (
    TYPES,
    Data,
    DocumentationQuestion,
    DraftRevision,
    KafkaHeader,
    ParkedMessage,
)

LATE: FindingCode = "visit.forgotten"  # the code of a question
OutboundEvent = WrittenRevision | Data


class TimedEvent(NamedTuple):
    """One event on its way out: what it says, and when that came to be."""

    data: OutboundEvent
    time: datetime


# ------------------------------------------------------------------ as a Kafka message


def to_kafka(event: TimedEvent) -> tuple[str, dict[str, str], bytes]:
    """Key, headers and value of an announcement."""
    assert event.time.tzinfo is not None, "an announcement's time has a zone"
    data = event.data
    value = data.value if isinstance(data, WrittenRevision) else data.model_dump_json().encode()
    headers = {
        "ce_specversion": "1.0",
        "ce_id": _event_id(data, value),
        "ce_source": _source(data.facility),
        "ce_type": _type(data),
        "ce_time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "content-type": "application/json",
    }
    return record_key(data.facility, data.visit), headers, value


def _event_id(data: OutboundEvent, value: bytes) -> str:
    """32 hexadecimal digits: equal for an equal event, whoever announces it and when.

    The content is part of the id of a draft and of a question: after a ledger was put back to an
    earlier state, a number may come again with other content, which must not pass for a repeat.
    """
    if isinstance(data, ParkedMessage):
        return _hashed(_type(data), data.topic, str(data.partition), str(data.offset), data.code)
    return _hashed(_type(data), data.facility, data.visit, str(data.revision), value)


def _type(data: OutboundEvent) -> str:
    return TYPES[DraftRevision if isinstance(data, WrittenRevision) else type(data)]


def _hashed(*parts: str | bytes, size: int = 16) -> str:
    """A hash of several texts, which no other division into texts shares."""
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
    """A question as it is published, and so many minutes after `since` it need not be put yet.

    `wait_minutes` None puts it at once.
    """

    question: DocumentationQuestion
    wait_minutes: int | None


def questions_of(
    made: Draft, revision: int, administrations: Mapping[str, Administration]
) -> list[AskedQuestion]:
    """All questions of a draft, as opened in this revision; `administrations` by key."""
    whole: list[tuple[str | None, Sequence[Question]]] = [(None, made.questions)]
    parts = [*whole, *((each.encounter, each.questions) for each in made.encounters)]
    known: dict[str, int] = {}
    found = []
    for encounter, questions in parts:
        for question in questions:
            items = [
                administrations[key] for key in question.administrations if key in administrations
            ]
            lengths = {item.ordered_minutes for item in items}
            published = DocumentationQuestion(
                question_id=_question_id(made, encounter, question, known),
                state="opened",
                facility=made.key.facility,
                visit=made.key.visit,
                encounter=encounter,
                revision=revision,
                ordered_minutes=lengths.pop() if len(lengths) == 1 else None,
                since=min((item.start for item in items), default=None),
                **question_of(question),
            )
            found.append(AskedQuestion(published, question.wait_minutes))
    return found


def late_question(key: VisitKey, revision: int) -> DocumentationQuestion:
    """What to ask when a message comes for a visit whose other messages retention has removed."""
    return DocumentationQuestion(
        question_id=_hashed(key.facility, key.visit, LATE, size=6),
        state="opened",
        facility=key.facility,
        visit=key.visit,
        encounter=None,
        revision=revision,
        code=LATE,
        expected="the other messages of the visit, to draft it from all that is known",
        found="a visit that was forgotten after the days of retention",
        do="bill what came late by hand, from the record of the visit",
        drug="",
        administrations=[],
        sources=[],
        ordered_minutes=None,
        since=None,
    )


def _question_id(
    made: Draft, encounter: str | None, question: Question, known: dict[str, int]
) -> str:
    """Twelve hexadecimal digits: the same doubt about the same doses has the same id in every
    revision.

    Where one dose is doubted in the same way at two places, they are told apart by their order.
    """
    named = (
        made.key.facility,
        made.key.visit,
        encounter or "",
        question.finding.code,
        question.drug,
    )
    at = sorted(each.address for each in question.sources)
    text = json.dumps([named, sorted(question.administrations), at])
    count = known[text] = known.get(text, 0) + 1
    return _hashed(text, str(count), size=6)


def question_changes(
    before: Iterable[DocumentationQuestion], after: Iterable[DocumentationQuestion], revision: int
) -> Iterator[DocumentationQuestion]:
    """What to announce between two revisions: questions newly opened, then those closed in
    `revision`.
    """
    old = {each.question_id: each for each in before}
    new = {each.question_id: each for each in after}
    yield from (each for name, each in new.items() if name not in old)
    for name, each in old.items():
        if name not in new:
            yield each.model_copy(update={"state": "closed", "revision": revision})


def parked(
    raw: bytes,
    headers: Iterable[tuple[str, bytes | None]],
    *,
    at: tuple[str, int, int],
    key: tuple[str | None, str | None],
    why: Finding,
    message_type: str,
    control_id: str,
) -> ParkedMessage:
    """A parked message: `at` is topic, partition and offset; `key` is facility and visit, if
    known.
    """
    topic, partition, offset = at
    facility, visit = key
    return ParkedMessage(
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
        headers=[KafkaHeader(name=name, value_base64=_base64(value)) for name, value in headers],
        raw_base64=base64.b64encode(raw).decode(),
    )


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
