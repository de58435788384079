"""A file of answers: one JSON object on a line, as `chargeline answer --answers FILE` writes them.

It owns how such a file is read, with all its mistakes at once, and how an answer is added to it. An
answer in a file is what the ledger keeps in live mode, so that `chargeline code` drafts the same.
"""

import json
from pathlib import Path

from pydantic import ValidationError

from chargeline.engine import Finding, FindingError
from chargeline.published.answers import Given, GivenAnswer, GivenWord


class AnswersError(FindingError):
    """A file of answers cannot be used. The error has a finding for each mistake."""


def read_answers(path: Path) -> list[Given]:
    """The answers of a file. Raises AnswersError."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "bytes that are not UTF-8"
        raise AnswersError(_unreadable(path, str(found))) from error
    answers: list[Given] = []
    mistakes = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            answers.append(given_of(line))
        except ValueError as error:
            mistakes.append(_mistake(f"{path}:{number}", error))
    if mistakes:
        raise AnswersError(*mistakes)
    return answers


def given_of(text: str) -> Given:
    """One answer in JSON. Raises ValueError; pydantic's ValidationError is one."""
    keys = json.loads(text)
    of_a_line = isinstance(keys, dict) and "line_id" in keys
    return (GivenWord if of_a_line else GivenAnswer).model_validate_json(text)


def add_answer(path: Path, given: Given) -> None:
    """Add an answer to the end of a file, which is made if there is none. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(given.model_dump_json() + "\n")


def _unreadable(path: Path, found: str) -> Finding:
    return Finding(
        "command.unreadable",
        expected="a file of answers in UTF-8, one JSON object on a line",
        found=found,
        where=str(path),
        do="give the file that `chargeline answer --answers FILE` has written",
    )


def _mistake(where: str, error: ValueError) -> Finding:
    found = "no JSON"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        found = f"{'.'.join(map(str, first['loc'])) or 'the object'}: {first['msg'].lower()}"
    return Finding(
        "answer.invalid",
        expected="an answer as `chargeline answer --answers FILE` writes it",
        found=found,
        where=where,
        do="correct the line, or give the answer again",
    )
