"""Claims about the questions that rules answer about infusions, pushes and injections.

It owns what a rule may leave out: an answer with a default, and a question without any rule.
"""

import re

import pytest

from chargeline.engine import CONCERNS
from chargeline.engine.infusions.concerns import (
    ConcurrencyAnswer,
    InjectionsAnswer,
    PrimaryReasonAnswer,
    RepeatInfusionAnswer,
)

SILENT = {
    "encounter.grouping": False,
    "primary.reason": True,
    "service.rank": True,
    "exclusive": True,
    "service.role": True,
    "role.code": True,
    "units.minimum": True,
    "units.cap": True,
    "units.additional_hour": False,
    "position.initial": False,
    "position.concurrency": False,
    "position.injections": False,
    "modifier.distinct": False,
}


@pytest.mark.parametrize("name", SILENT)
def test_only_some_questions_may_stay_without_a_rule(name: str) -> None:
    """No cap is an answer; no threshold of a further hour is a gap in the rules."""
    assert CONCERNS[name].may_be_silent is SILENT[name]


def test_every_question_says_in_words_what_it_decides() -> None:
    """A phrase that begins small and has no full stop, and no two are alike."""
    meanings = [concern.meaning for concern in CONCERNS.values()]
    assert [said for said in meanings if not re.fullmatch(r"[a-z].*[^.]", said)] == []
    assert len(set(meanings)) == len(meanings)


def test_minutes_that_an_answer_does_not_name_are_none() -> None:
    """Overlap of any length, repeats that are no pushes, syringes that are each a dose."""
    assert ConcurrencyAnswer("any").minutes == 0
    assert RepeatInfusionAnswer("add_minutes").push_minutes == 0
    assert InjectionsAnswer("injection").dose_minutes == 0


def test_words_that_an_answer_does_not_name_are_empty() -> None:
    """No modifier on a further injection, and no kinds beside a class."""
    assert InjectionsAnswer("injection").modifier == ""
    assert PrimaryReasonAnswer("chemo").kinds == ""


def test_an_answer_names_at_least_what_it_is() -> None:
    """What else it has may be left out."""
    required = {
        name: [field.name for field in CONCERNS[name].answers.values() if field.required]
        for name in ("position.concurrency", "position.repeat_infusion", "position.injections")
    }
    assert required == {
        "position.concurrency": ["as"],
        "position.repeat_infusion": ["as"],
        "position.injections": ["per"],
    }
