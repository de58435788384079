"""What people answered to questions that are about no administration.

It owns which answer fits such a question: the one to a question of the same code about the same
facts, with a choice that the question offers. It does not know what a choice does.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.identity import fingerprint_of
from chargeline.engine.answers.offers import offers_for
from chargeline.engine.events import Answer
from chargeline.engine.trace import Question


class AnswersBeside(NamedTuple):
    """The answers of a visit that are about no administration, by the fingerprint of a question."""

    by_fingerprint: Mapping[str, Answer]

    def to(self, question: Question) -> Answer | None:
        """The answer to a question; None if nobody gave one that fits."""
        if not self.by_fingerprint or question.administrations:
            return None
        answer = self.by_fingerprint.get(fingerprint_of(question, {}))
        if answer is None or answer.code != question.finding.code:
            return None
        if answer.choice == "said" and answer.value not in question.values:
            return None
        choices = [offer.choice for offer in offers_for(answer.code)]
        return answer if answer.choice in choices else None

    def choice(self, question: Question) -> AnswerChoice | None:
        """What a person chose; None if nobody did."""
        answer = self.to(question)
        return answer.choice if answer is not None else None


NO_ANSWERS = AnswersBeside({})


def answers_beside(answers: Iterable[Answer]) -> AnswersBeside:
    """Those of some answers that are about no administration."""
    beside = {answer.fingerprint: answer for answer in answers if not answer.administrations}
    return AnswersBeside(beside) if beside else NO_ANSWERS
