"""Visits with a practitioner in the notation of the rules' cases, and answers to their questions.

It owns no claim; the tests about visits share it. The day is 2 March 2026.
"""

from collections.abc import Iterable, Sequence

from chargeline.engine import (
    ANSWER,
    Answer,
    Asked,
    ChargeLine,
    Draft,
    History,
    MessageRef,
    Timeline,
    asked_in,
    draft,
)
from chargeline.engine.answer_words import AnswerChoice
from chargeline.rulebook.care_notation import contribution_of
from chargeline.rulebook.cases import PATIENT, Case, service_codes, timeline_of
from tests.engine import rulebook
from tests.engine.short import PHYSICIAN

INFUSED = "carboplatin 450 mg iv 09:00-10:00"
NOTE = "note visit practitioner signed 10:10"
ESTABLISHED, NEW = "patient_status established", "patient_status new"


def visit(*care: str, given: Iterable[str] = ()) -> Timeline:
    """The timeline of a visit with what was given, and what was said beside the pharmacy."""
    case = Case(
        place="", says="", source="", given=tuple(given), charted=(), expect={}, drugs=None,
        withheld=None, withheld_drugs=None, asks=None, edits=None, patient_class="outpatient",
        diagnoses=(), payer="", second_encounter=False, choose={}, care=tuple(care),
    )  # fmt: skip
    return timeline_of(case, rulebook())


def drafted(timeline: Timeline, record: Sequence[str] = (), policy: str = PHYSICIAN) -> Draft:
    """Its draft; `record` is what other visits add to the patient's record."""
    history: History = frozenset([contribution_of(text, PATIENT) for text in record])
    return draft(timeline, rulebook(), history, policy=policy)


def answered(
    timeline: Timeline, code: str, choice: AnswerChoice, value: str = "", policy: str = PHYSICIAN
) -> Timeline:
    """The timeline after an answer to its one question of a code."""
    charted = {item.key: item for item in timeline.administrations}
    (asked,) = [
        entry
        for entry in asked_in(drafted(timeline, policy=policy), charted)
        if entry.question.finding.code == code
    ]
    answer = answer_to(asked, choice, value)
    return timeline._replace(answers=(*timeline.answers, answer))


def answer_to(asked: Asked, choice: AnswerChoice, value: str = "") -> Answer:
    """The answer of a nurse to a question."""
    return Answer(
        message=MessageRef("a1", "a1", ANSWER, None),
        question_id=asked.question_id,
        code=asked.question.finding.code,
        drug=asked.question.drug,
        administrations=asked.question.administrations,
        fingerprint=asked.fingerprint,
        choice=choice,
        value=value,
        by="ZN1",
        reason="I was there",
    )


def codes(timeline: Timeline, policy: str = PHYSICIAN) -> list[str]:
    """The service codes of its draft, sorted."""
    return service_codes(drafted(timeline, policy=policy))


def line_of(draft_of_visit: Draft, code: str) -> ChargeLine:
    """The one line with a code."""
    (line,) = [line for line in draft_of_visit.lines if line.code == code]
    return line
