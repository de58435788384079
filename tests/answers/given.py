"""Answers to the questions of a run, as a person would give them. All people are invented."""

from datetime import UTC, datetime
from pathlib import Path

import chargeline
from chargeline.coding.run import CodedVisit, Run
from chargeline.engine import Asked, asked_in
from chargeline.published.answer_file import add_answer
from chargeline.published.answers import Given, GivenAnswer

EVENING = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)


def asked(run: Run, code: str, visit: str = "") -> Asked:
    """The one question of a code, in a run of one visit or in the visit of a number."""
    return _asked(_visit(run, visit), code)


def asked_of(run: Run, code: str = "") -> list[tuple[str, str]]:
    """Each question about no administration with its visit; with a code, of this alone."""
    return [
        (visit.timeline.key.visit, entry.question.finding.code)
        for visit in run.visits
        for entry in asked_in(visit.draft, {})
        if code in ("", entry.question.finding.code)
    ]


def _visit(run: Run, number: str) -> CodedVisit:
    (visit,) = [visit for visit in run.visits if number in ("", visit.timeline.key.visit)]
    return visit


def _asked(visit: CodedVisit, code: str) -> Asked:
    charted = {item.key: item for item in visit.timeline.administrations}
    (question,) = [
        each for each in asked_in(visit.draft, charted) if each.question.finding.code == code
    ]
    return question


def answer(
    run: Run, code: str, choice: str, value: str = "", *, at: datetime = EVENING, visit: str = ""
) -> GivenAnswer:
    """An answer to the one question of a code, in a run of one visit or the visit of a number."""
    coded = _visit(run, visit)
    return answer_to(coded, _asked(coded, code), choice, value, at=at)


def answer_to(
    visit: CodedVisit, question: Asked, choice: str, value: str = "", *, at: datetime = EVENING
) -> GivenAnswer:
    """An answer to a question of a visit."""
    key = visit.timeline.key
    return GivenAnswer.model_validate(
        {
            "facility": key.facility,
            "visit": key.visit,
            "question_id": question.question_id,
            "code": question.question.finding.code,
            "drug": question.question.drug,
            "administrations": question.question.administrations,
            "fingerprint": question.fingerprint,
            "choice": choice,
            "value": value,
            "by": "ZN1",
            "at": at,
            "reason": "I was there",
        }
    )


def run_after(
    folder: Path, messages: list[str], *answers: Given, policy: str = "cms-facility-2026"
) -> Run:
    """The run of some whole messages after some answers."""
    feed, said = folder / "trial.hl7", folder / "answers.jsonl"
    feed.write_bytes("".join(messages).encode())
    said.unlink(missing_ok=True)
    said.touch()
    for given in answers:
        add_answer(said, given)
    return chargeline.code(feed, policy=policy, answers=said)
