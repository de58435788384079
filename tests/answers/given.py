"""Answers to the questions of a run, as a person would give them. All people are invented."""

from datetime import UTC, datetime
from pathlib import Path

import chargeline
from chargeline.coding.run import Run
from chargeline.engine import Asked, asked_in
from chargeline.published.answer_file import add_answer
from chargeline.published.answers import Given, GivenAnswer

EVENING = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)


def asked(run: Run, code: str) -> Asked:
    """The one question of a code in a run of one visit."""
    (visit,) = run.visits
    charted = {item.key: item for item in visit.timeline.administrations}
    (question,) = [
        each for each in asked_in(visit.draft, charted) if each.question.finding.code == code
    ]
    return question


def answer(
    run: Run, code: str, choice: str, value: str = "", *, at: datetime = EVENING
) -> GivenAnswer:
    """An answer to the one question of a code."""
    question = asked(run, code)
    key = run.visits[0].timeline.key
    return GivenAnswer.model_validate(
        {
            "facility": key.facility,
            "visit": key.visit,
            "question_id": question.question_id,
            "code": code,
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
