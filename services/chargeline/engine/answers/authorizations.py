"""What a person's answer does to an authorization of which a payer's message did not say enough.

It owns which choice gives which value, and who pays a visit as a person says. Where a value goes,
`authorizations/unsaid.py` and `visit_review.py` say. An answer holds as long as the message that it
is about stands in the visit: a later message that says the same thing itself counts from its own
time on.
"""

from collections.abc import Mapping
from typing import Any

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.answers.identity import fingerprint_of
from chargeline.engine.answers.values import code_list_of, count_of
from chargeline.engine.authorization_codes import AuthorizationCode
from chargeline.engine.authorization_words import StatusCharted, Unsaid
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.unpaid import payer_question
from chargeline.engine.authorizations.unsaid import HAD_TO_SAY, unsaid_question, with_said
from chargeline.engine.events import Answer
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import Question

_CODES = frozenset([code for code, _expected in HAD_TO_SAY.values()])
_NO_PAYER: AuthorizationCode = "authorization.no_payer"
_STATUS: Mapping[AnswerChoice, StatusCharted] = {
    "granted": "approved",
    "denied": "denied",
    "pended": "pended",
}


def is_of_authorization(answer: Answer) -> bool:
    """Whether an answer is to a question about what a payer did not say, or about who pays."""
    return answer.code in _CODES or answer.code == _NO_PAYER


def still_fits(answer: Answer, timeline: Timeline) -> bool:
    """Whether the message that an answer of a person is about still stands in the visit.

    An answer to who pays holds for the payer that the question named.
    """
    if answer.code == _NO_PAYER:
        asked = fingerprint_of(payer_question(answer.value), {})
        return answer.choice != "this_payer" or answer.fingerprint == asked
    return answer.fingerprint in {
        fingerprint_of(unsaid_question(version, name), {})
        for versions in timeline.unclear
        for version in versions
        for name in version.unsaid
    }


def answered_authorizations(
    timeline: Timeline, answers: AnswersBeside
) -> tuple[Authorization, ...]:
    """The authorizations of a visit after what people answered."""
    if not answers.by_fingerprint or not timeline.unclear:
        return timeline.authorizations

    def filled(version: Authorization, name: Unsaid, question: Question) -> Authorization:
        answer = answers.to(question)
        said = _value(answer) if answer is not None else {}
        if not said:
            return version
        left = tuple([other for other in version.unsaid if other != name])
        return version._replace(unsaid=left, **said)

    return with_said(timeline.authorizations, timeline.unclear, filled)


def _value(answer: Answer) -> dict[str, Any]:
    """What an answer gives of an authorization, by field; nothing where a person sees to it."""
    if answer.choice in _STATUS:
        return {"status": _STATUS[answer.choice]}
    if answer.choice == "codes":
        return {"codes": code_list_of(answer.value)}
    count = count_of(answer.value) if answer.choice == "units" else None
    if count is None:
        return {}
    return {"units": count.granted, **({"basis": count.basis} if count.basis else {})}


def payer_said(answers: AnswersBeside) -> str:
    """Who pays a visit, in capitals, as a person says; "" if nobody does.

    Of several answers the last counts. It hangs on the answer alone, so that what the visit adds to
    the patient's record does not hang on what others have added.
    """
    payers = [
        answer.value
        for answer in answers.by_fingerprint.values()
        if answer.code == _NO_PAYER and answer.choice == "this_payer"
    ]
    return payers[-1] if payers else ""
