"""What people said of a cause that a whole course has in common, whatever visit they were asked in.

It owns how such a word reaches the other visits of the patient: by the fingerprint of the question,
which is the same under every visit, in the patient's record. Of several words for one question that
by which nothing is billed counts, else the last one. It does not know what a word does.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, cast

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.events import ANSWER, BEGINNING, Answer, MessageRef, VisitKey
from chargeline.engine.radiation.asking import OF_A_COURSE
from chargeline.engine.radiation.remembered import SAID, service_of, service_slot
from chargeline.engine.record import APART, Contribution, Fact, History
from chargeline.engine.trace import Question


def facts_of_words(course: str, answers: AnswersBeside) -> Iterator[Fact]:
    """What people said under a visit of causes that courses have, of whatever course.

    `course` is the number of any course of the visit.
    """
    for fingerprint, answer in answers.by_fingerprint.items():
        if answer.code in OF_A_COURSE:
            slot = service_slot(course, SAID, f"{answer.code}{APART}{fingerprint}")
            said = f"{answer.choice}{APART}{answer.value}" if answer.value else answer.choice
            yield Fact(slot, answer.message.sent or BEGINNING, said)


class _Word(NamedTuple):
    """One word for a question, by what decides which of several counts."""

    bills_nothing: bool
    at: datetime
    visit: VisitKey
    answer: Answer


def with_words_elsewhere(visit: VisitKey, answers: AnswersBeside, across: History) -> AnswersBeside:
    """The answers of a visit, with what people said under others of causes that courses have."""
    words: dict[str, _Word] = {}
    for other, answer in words_elsewhere(across):
        _hear(words, _word(answer, other.visit))
    if not words:
        return answers
    for answer in answers.by_fingerprint.values():
        _hear(words, _word(answer, visit))
    return AnswersBeside({name: word.answer for name, word in words.items()})


def words_elsewhere(across: History) -> Iterator[tuple[Contribution, Answer]]:
    """What people said under other visits of causes that courses have, with where it is kept."""
    for other in across:
        if other.slot.kind == "course_service":
            _course, what, apart = service_of(other)
            if what == SAID:
                code, _apart, fingerprint = apart.partition(APART)
                yield other, _answer(code, fingerprint, other)


def words_that_count(across: History) -> dict[str, tuple[VisitKey, Answer]]:
    """Of the words of other visits the one that counts, by the fingerprint of its question."""
    words: dict[str, _Word] = {}
    for other, answer in words_elsewhere(across):
        _hear(words, _word(answer, other.visit))
    return {name: (word.visit, word.answer) for name, word in words.items()}


def _word(answer: Answer, visit: VisitKey) -> _Word:
    at = answer.message.sent or BEGINNING
    return _Word(answer.choice == "by_hand", at, visit, answer)


def _hear(words: dict[str, _Word], word: _Word) -> None:
    """Keep the word that counts."""
    fingerprint = word.answer.fingerprint
    before = words.get(fingerprint)
    if before is None or word[:3] > before[:3]:
        words[fingerprint] = word


def _answer(code: str, fingerprint: str, other: Contribution) -> Answer:
    """A word in the record as the answer that it was; who gave it, the other visit says."""
    choice, _apart, value = other.value.partition(APART)
    return Answer(
        message=MessageRef(fingerprint, fingerprint, ANSWER, other.at),
        question_id="",
        code=code,
        drug="",
        administrations=(),
        fingerprint=fingerprint,
        choice=cast(AnswerChoice, choice),
        value=value,
        by=f"as visit {other.visit.visit} says",
        reason="",
    )


def not_answered_elsewhere(
    questions: tuple[Question, ...], own: AnswersBeside, heard: AnswersBeside
) -> tuple[Question, ...]:
    """The questions without those that somebody answered under another visit alone.

    What was answered here is settled with the whole draft (`answers.settling`).
    """
    if own is heard:
        return questions
    return tuple([q for q in questions if own.choice(q) or not heard.choice(q)])
