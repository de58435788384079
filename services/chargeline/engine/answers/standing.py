"""Which answers hold: those whose question is still about the facts that the person saw.

It owns the comparison of fingerprints, and that of several answers to one question the last counts.
It does not know what an answer does (`applying`).
"""

from collections.abc import Mapping

from chargeline.engine.answers.authorizations import is_of_authorization, still_fits
from chargeline.engine.answers.identity import fingerprint_of_facts
from chargeline.engine.answers.offers import offers_for
from chargeline.engine.answers.values import refusal, time_of
from chargeline.engine.events import Answer
from chargeline.engine.formulary import Formulary
from chargeline.engine.timeline.records import Administration, Timeline
from chargeline.engine.trace import StandingAnswer


def said_of(timeline: Timeline, formulary: Formulary) -> tuple[StandingAnswer, ...]:
    """The last answer to each question that was not taken back, oldest first."""
    last: dict[str, Answer] = {}
    for answer in timeline.answers:
        if isinstance(answer, Answer):
            last.pop(answer.question_id, None)
            last[answer.question_id] = answer
    standing = [answer for answer in last.values() if answer.choice != "withdraw"]
    if not standing:
        return ()
    charted = {item.key: item for item in timeline.administrations}
    return tuple(
        [
            StandingAnswer(answer, _holds(answer, timeline, charted, formulary))
            for answer in standing
        ]
    )


def _holds(
    answer: Answer, timeline: Timeline, charted: Mapping[str, Administration], formulary: Formulary
) -> bool:
    """Whether the facts are those that were asked about, and the answer can be used.

    A question about the visit as a whole is looked at when it is asked again (`settling`).
    """
    offer = {offer.choice: offer for offer in offers_for(answer.code)}.get(answer.choice)
    if not answer.administrations and is_of_authorization(answer):
        is_value = offer is not None and not refusal(
            offer.value, answer.value, formulary, frozenset()
        )
        return is_value and still_fits(answer, timeline)
    if not answer.administrations:
        return True
    about = (answer.code, answer.drug)
    if fingerprint_of_facts(about, answer.administrations, charted) != answer.fingerprint:
        return False
    if offer is None or any(key not in charted for key in answer.administrations):
        return False
    is_value = not refusal(offer.value, answer.value, formulary, frozenset(charted))
    item = charted[answer.administrations[0]]
    return is_value and is_possible(answer.choice, answer.value, item)


def is_possible(choice: str, value: str, item: Administration) -> bool:
    """Whether a stop that a person gives lies after its start, and a start before its stop."""
    moment = time_of(value) if choice in ("stop", "start") else None
    if moment is None:
        return True
    if choice == "stop":
        return moment > item.intervals[-1].start
    stop = item.intervals[0].stop
    return stop is None or moment < stop
