"""The shapes of what people answer: what is offered, what is kept, and what a draft says of it.

It owns these shapes, and how a kept answer becomes an event of the engine and back. It does not
know where answers are kept.
"""

from datetime import datetime
from hashlib import blake2b

from pydantic import AwareDatetime, Field

from chargeline.engine import (
    ANSWER,
    Answer,
    LineAnswer,
    MessageRef,
    Reading,
    VisitKey,
    answer_words,
)
from chargeline.published.model import PublishedModel


class AnswerOffered(PublishedModel):
    """One of the answers that a person may give to a question."""

    choice: answer_words.AnswerChoice
    says: str
    """The answer as a sentence."""
    value: answer_words.ValueKind
    """The kind of value that the answer needs; empty if it needs none."""


class SaidByAPerson(PublishedModel):
    """The last answer to a question that was not taken back."""

    answer_id: str
    question_id: str
    code: str
    """The code of the question."""
    choice: answer_words.AnswerChoice
    value: str
    by: str
    at: AwareDatetime | None
    reason: str
    holds: bool
    """False if the facts have changed since. The question is then open again."""


class GivenAnswer(PublishedModel):
    """What a person answered to a question, as the ledger and a file of answers keep it."""

    facility: str
    visit: str
    question_id: str
    code: str
    drug: str
    administrations: list[str]
    fingerprint: str
    """That of the question; the answer holds as long as the facts have it."""
    choice: answer_words.AnswerChoice
    value: str = ""
    by: str = Field(min_length=1)
    at: AwareDatetime
    reason: str


class GivenWord(PublishedModel):
    """What a person said of a charge line, or of all lines of a visit."""

    facility: str
    visit: str
    line_id: str
    """Empty for all lines of the visit."""
    fingerprint: str
    choice: answer_words.LineChoice
    value: str = ""
    by: str = Field(min_length=1)
    at: AwareDatetime
    reason: str


Given = GivenAnswer | GivenWord


def number_of(given: Given) -> str:
    """Twelve hexadecimal digits: the same answer has the same number, wherever it is kept."""
    return blake2b(given.model_dump_json().encode(), digest_size=6).hexdigest()


def reading_of(given: Given, visit: str, zone: str) -> Reading:
    """What a person said, as one more message of a visit.

    `visit` is the number under which the visit is kept now; it may have been merged since.
    """
    number = number_of(given)
    message = MessageRef(number, number, ANSWER, given.at)
    event = _answer(given, message) if isinstance(given, GivenAnswer) else _word(given, message)
    return Reading(message, given.facility, visit, zone, events=(event,))


def _answer(given: GivenAnswer, message: MessageRef) -> Answer:
    return Answer(
        message=message,
        question_id=given.question_id,
        code=given.code,
        drug=given.drug,
        administrations=tuple(given.administrations),
        fingerprint=given.fingerprint,
        choice=given.choice,
        value=given.value,
        by=given.by,
        reason=given.reason,
    )


def given_of(answer: Answer, at: datetime, key: VisitKey) -> GivenAnswer:
    """An answer of the engine that was said at a time, as it is kept for a visit."""
    return GivenAnswer(
        facility=key.facility,
        visit=key.visit,
        question_id=answer.question_id,
        code=answer.code,
        drug=answer.drug,
        administrations=list(answer.administrations),
        fingerprint=answer.fingerprint,
        choice=answer.choice,
        value=answer.value,
        by=answer.by,
        at=at,
        reason=answer.reason,
    )


def _word(given: GivenWord, message: MessageRef) -> LineAnswer:
    return LineAnswer(
        message=message,
        line_id=given.line_id,
        fingerprint=given.fingerprint,
        choice=given.choice,
        value=given.value,
        by=given.by,
        reason=given.reason,
    )
