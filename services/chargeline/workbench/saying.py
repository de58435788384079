"""What people say of a visit, made and kept: the same for the form of a page and for the API.

It owns that whoever else says something of the visit waits meanwhile, and that nothing is kept of
what rests on charting which has changed. The drafting floor makes and checks an answer.
"""

from collections.abc import Callable

from pydantic import BaseModel, TypeAdapter, ValidationError

from chargeline.drafting.answering import (
    AnswerError,
    DraftedVisit,
    Speaker,
    answer_to,
    questions_of_visit,
    standing_answer,
    taken_back,
    without_words,
    word_on_line,
)
from chargeline.drafting.said import keep_said
from chargeline.engine import Finding, VisitKey
from chargeline.published.answers import Given
from chargeline.workbench.addresses import Id, Reason, Text
from chargeline.workbench.bench import Bench, OutdatedError
from chargeline.workbench.looking import LookedAt, look_at
from chargeline.workbench.people import Person
from chargeline.workbench.visit.posted import AnswerFromForm

_REASON: TypeAdapter[str] = TypeAdapter(Reason)
_VALUE: TypeAdapter[str] = TypeAdapter(Text)


class WordOnLine(BaseModel):
    """Something that is said of a line, or of the whole visit with an empty `line`."""

    line: Id = ""
    choice: Id
    value: Text = ""
    reason: str = ""


class AnswerToTakeBack(BaseModel):
    """An answer, by its number, that somebody takes back."""

    answer: Id
    reason: str = ""


async def say(
    bench: Bench, key: VisitKey, make: Callable[[LookedAt], Given]
) -> tuple[LookedAt, Given | AnswerError]:
    """Keep what `make` makes of the visit as it is drafted now; returns the visit with what was
    kept, or with the AnswerError that `make` raised. Raises NotThereError.
    """
    async with bench.ledger.batch() as batch:
        await batch.visits([key])  # which locks it: whoever else says something waits
        looked = await look_at(bench, batch, key)
        try:
            said = make(looked)
        except AnswerError as error:
            return looked, error
        await keep_said(batch, said, bench.settings.topic_inbound)
    return looked, said


def answer_said(bench: Bench, person: Person, visit: DraftedVisit, posted: AnswerFromForm) -> Given:
    """The answer to keep. Raises AnswerError, and OutdatedError where the charting changed."""
    speaker = _speaker(bench, person, posted.reason)
    _check_value(posted.value)
    asked = {asked.question_id: asked for asked in questions_of_visit(visit)}.get(posted.question)
    if asked is None or asked.fingerprint != posted.fingerprint:
        raise outdated("other charting" if asked is not None else "nobody who asks any more")
    try:
        return answer_to(
            visit,
            asked,
            bench.processor.maker.rulebook.formulary,
            posted.choice,
            value=posted.value,
            speaker=speaker,
        )
    except OverflowError as error:  # such as a stop at the end of the year 9999
        raise AnswerError(_not_valid("value", "a time that a clock can show")) from error


def answer_taken_back(
    bench: Bench, person: Person, visit: DraftedVisit, back: AnswerToTakeBack
) -> Given:
    """What takes an answer back. Raises AnswerError, OutdatedError where it no longer counts."""
    speaker = _speaker(bench, person, back.reason)
    before = standing_answer(visit, back.answer)
    if before is None:
        raise _outdated_answer()
    return taken_back(before, speaker)


def word_said(bench: Bench, person: Person, visit: DraftedVisit, word: WordOnLine) -> Given:
    """The word on a line, or on the visit, to keep. Raises AnswerError."""
    speaker = _speaker(bench, person, word.reason)
    as_drafted = without_words(visit, bench.processor.maker.rulebook)
    return word_on_line(as_drafted, word.line, word.choice, value=word.value, speaker=speaker)


def reason_of(written: str) -> str:
    """A reason without the blanks around it. Raises AnswerError where that leaves none."""
    try:
        return _REASON.validate_python(written)
    except ValidationError as error:
        expected = "a reason of 3 to 500 characters on one line"
        raise AnswerError(_not_valid("reason", expected)) from error


def _speaker(bench: Bench, person: Person, written: str) -> Speaker:
    """Who speaks now, with the reason that was written. Raises AnswerError."""
    return Speaker(person.who, bench.clock(), reason_of(written))


def _check_value(written: str) -> None:
    """Raise AnswerError for a value that no field holds."""
    try:
        _VALUE.validate_python(written)
    except ValidationError as error:
        expected = "at most 500 characters on one line"
        raise AnswerError(_not_valid("value", expected)) from error


def _not_valid(where: str, expected: str) -> Finding:
    return Finding(
        "answer.invalid",
        expected=expected,
        found="something else",
        where=where,
        do="correct it, and send it again",
    )


def _outdated_answer() -> OutdatedError:
    return OutdatedError(
        Finding(
            "answer.outdated",
            expected="the last answer to a question of the visit",
            found="none of that number that counts: it was taken back, or another one has followed",
            where="answer",
            do="see who said what; nothing was recorded",
        )
    )


def outdated(found: str) -> OutdatedError:
    """The refusal of an answer to a question that is no longer what it was."""
    return OutdatedError(
        Finding(
            "answer.outdated",
            expected="the question as it was when the page was made",
            found=found,
            where="question",
            do="look at the question again, and at who said what; your answer was not recorded",
        )
    )
