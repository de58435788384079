"""Answers that somebody took back, as the API shows them beside those that stand.

It owns their shape, and which answer each take-back is of. What is published on Kafka has standing
answers alone, because nothing rests on the others.
"""

from pydantic import AwareDatetime, BaseModel, Field

from chargeline.drafting.answering import TAKE_BACK
from chargeline.engine import Answer, Timeline, answer_words


class TakeBack(BaseModel):
    """Who took an answer back, when, and why."""

    by: str
    at: AwareDatetime | None
    reason: str


class AnswerTakenBack(BaseModel):
    """An answer that counted until somebody took it back."""

    answer_id: str
    question_id: str
    code: str = Field(description="The code of the question")
    choice: answer_words.AnswerChoice
    value: str
    by: str
    at: AwareDatetime | None
    reason: str
    taken_back: TakeBack


def answers_taken_back(timeline: Timeline) -> list[AnswerTakenBack]:
    """The answers of a visit that were taken back, in the order in which they were; `timeline` is
    as charted, with all that people said.
    """
    standing: dict[str, Answer] = {}
    taken = []
    for answer in timeline.answers:
        if not isinstance(answer, Answer):
            continue
        before = standing.pop(answer.question_id, None)
        if answer.choice != TAKE_BACK:
            standing[answer.question_id] = answer
        elif before is not None:
            taken.append(_taken_back(before, answer))
    return taken


def _taken_back(answer: Answer, back: Answer) -> AnswerTakenBack:
    return AnswerTakenBack(
        answer_id=answer.message.digest,
        question_id=answer.question_id,
        code=answer.code,
        choice=answer.choice,
        value=answer.value,
        by=answer.by,
        at=answer.message.sent,
        reason=answer.reason,
        taken_back=TakeBack(by=back.by, at=back.message.sent, reason=back.reason),
    )
