"""One question for one cause: what several encounters of a visit ask alike is asked by the first.

It owns that alone. Which questions have one cause, their `cause` says.
"""

from collections.abc import Sequence

from chargeline.engine.answers.identity import fingerprint_of
from chargeline.engine.trace import EncounterDraft, Question


def asked_once(encounters: Sequence[EncounterDraft]) -> tuple[EncounterDraft, ...]:
    """The encounters, each without the questions that were asked before for the same cause."""
    asked: set[str] = set()
    return tuple([_asking(encounter, asked) for encounter in encounters])


def _asking(encounter: EncounterDraft, asked: set[str]) -> EncounterDraft:
    if not any(question.cause for question in encounter.questions):
        return encounter
    kept = tuple([question for question in encounter.questions if _is_first(question, asked)])
    return encounter if kept == encounter.questions else encounter._replace(questions=kept)


def _is_first(question: Question, asked: set[str]) -> bool:
    if not question.cause:
        return True
    fingerprint = fingerprint_of(question, {})
    is_first = fingerprint not in asked
    asked.add(fingerprint)
    return is_first
