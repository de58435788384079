"""Each question that the engine can ask has its sentence, with the drug in it."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from chargeline.engine import MEANINGS, claim_words
from chargeline.engine.answers.offers import _CHOICES
from chargeline.workbench.visit.sentences import SENTENCES, sentence_of

SERVICES = Path(__file__).parents[3] / "services/chargeline"
# These files list codes; they raise none.
LISTS = {"finding_codes.py", "visit_codes.py", "course_codes.py", "authorization_codes.py"} | {
    "claim_words.py",
    "offers.py",
}
# Edits before the claim ask nobody. An answer that cannot be used is told to who gave it.
NOT_ASKED = {*get_args(claim_words.EditName), "answer.invalid"}


def codes_raised() -> set[str]:
    """The codes that the code of the engine and of the reader names."""
    files = [path for part in ("engine", "hl7") for path in (SERVICES / part).rglob("*.py")]
    return {
        node.value
        for path in files
        if path.name not in LISTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and node.value in MEANINGS
        and not node.value.startswith("workbench.")
    }


def test_each_question_that_can_be_asked_has_a_sentence() -> None:
    assert codes_raised() - NOT_ASKED - set(SENTENCES) == set()
    assert set(_CHOICES) - set(SENTENCES) == set()


def test_there_is_no_sentence_that_nobody_asks() -> None:
    assert set(SENTENCES) - codes_raised() - set(_CHOICES) == set()


@pytest.mark.parametrize("code", SENTENCES)
def test_each_sentence_is_a_question_and_names_the_drug_or_none(code: str) -> None:
    sentence = sentence_of(code, "zebrafen")
    assert "?" in sentence and "{" not in sentence
    assert ("ebrafen" in sentence) == ("rug}" in SENTENCES[code])


def test_a_sentence_says_the_drug() -> None:
    assert sentence_of("stop.missing", "bevacizumab") == "When did bevacizumab stop?"
    assert sentence_of("drug.codes", "epoetin").endswith("Epoetin has another code then.")


def test_without_a_drug_the_sentence_can_be_read() -> None:
    assert sentence_of("dose.missing", "") == "How much of the drug was given?"


def test_a_rule_that_asks_has_a_sentence_too() -> None:
    assert "zebrafen billed" in sentence_of("class.site_of_ours", "zebrafen")
