"""What the form of a question posts, read back into one answer.

It owns the names of the fields. Each choice has a field for its own value, because a page without
script cannot empty the others; only that of the choice counts.
"""

from collections.abc import Mapping
from typing import NamedTuple


class AnswerFromForm(NamedTuple):
    """What a person chose on the page; each is "" where the form does not have it."""

    question: str
    choice: str
    value: str
    reason: str
    fingerprint: str


def posted_answer(form: Mapping[str, str]) -> AnswerFromForm:
    """The answer of a form: `value` is that of the choice, posted as `value-CHOICE` or `value`."""
    choice = form.get("choice", "").strip()
    value = form.get(f"value-{choice}", form.get("value", ""))
    return AnswerFromForm(
        question=form.get("question", "").strip(),
        choice=choice,
        value=value.strip(),
        reason=form.get("reason", "").strip(),
        fingerprint=form.get("fingerprint", "").strip(),
    )
