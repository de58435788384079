"""Claims about the closed words: each has its sentence, and the type checker finds a misspelt one.

The documents and the notation of cases must list the same words as `words.py`.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ForwardRef

import pytest

from chargeline.engine import CONCERNS, Concern, answer_words, claim_words, visit_words, words
from chargeline.engine.words import words_of
from chargeline.hl7.profile import WORD_TABLES
from chargeline.rulebook import notation

REPOSITORY = Path(__file__).resolve().parents[2]
INTERFACES_README = REPOSITORY / "rules/interfaces/README.md"
RULES_README = REPOSITORY / "rules/README.md"

# A word as it stands in five modules, and what a slip of the finger would make of it.
MISSPELT = {
    "engine/services/outcomes.py": ('outcome="question"', 'outcome="qestion"'),
    "engine/infusions/concurrent.py": ('"additional_hour"', '"aditional_hour"'),
    "engine/timeline/administrations.py": ('return "open"', 'return "opne"'),
    "hl7/administrations.py": ('return "not_given"', 'return "not_givn"'),
    "rulebook/notation.py": ('"intra_arterial"', '"intraarterial"'),
}


MODULES = (words, answer_words, claim_words, visit_words)


def families(module: ModuleType) -> dict[str, tuple[str, ...]]:
    """Every family of a module of words by its name."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    names = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign)]
    return {
        name.id: words_of(getattr(module, name.id)) for name in names if isinstance(name, ast.Name)
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_word_has_its_sentence(module: ModuleType) -> None:
    """Each word of a family stands on a line of its own, with a comment that says what it means."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    bare = [line for line in lines if re.fullmatch(r'"[a-zA-Z_.]*",?', line)]
    said = {
        match[1] for line in lines if (match := re.fullmatch(r'"([a-zA-Z_.]*)",?  # \S.*', line))
    }
    assert not bare
    assert {word for family in families(module).values() for word in family} - {""} <= said


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_word_stands_twice_in_a_family(module: ModuleType) -> None:
    """A family lists each of its words once."""
    for name, family in families(module).items():
        assert len(set(family)) == len(family) > 0, name


def test_a_misspelt_word_is_found_by_the_type_checker(tmp_path: Path) -> None:
    """One word is misspelt in each of five modules, and mypy reports one error in each."""
    copy = tmp_path / "services"
    shutil.copytree(REPOSITORY / "services", copy)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for name, (word, slip) in MISSPELT.items():
        module = copy / "chargeline" / name
        text = module.read_text(encoding="utf-8")
        assert word in text, f"{name}: expected {word} to stand in it"
        module.write_text(text.replace(word, slip, 1), encoding="utf-8")
    names = [f"services/chargeline/{name}" for name in MISSPELT]  # and what they import
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--no-error-summary", *names]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    errors = [line for line in told.stdout.splitlines() if ": error: " in line]
    modules = [line.partition(":")[0].removeprefix("services/chargeline/") for line in errors]
    assert sorted(modules) == sorted(MISSPELT), told.stdout + told.stderr


@pytest.mark.parametrize("table", sorted(WORD_TABLES))
def test_the_interface_guide_lists_the_words_of_each_table(table: str) -> None:
    """rules/interfaces/README.md names each word that a table of a profile may hold."""
    text = INTERFACES_README.read_text(encoding="utf-8")
    assert [word for word in words_of(WORD_TABLES[table]) if f"`{word}`" not in text] == []


def test_the_notation_of_cases_has_a_word_for_each_route_method_and_purpose() -> None:
    """A coder can write every route, method and purpose that a nurse can chart."""
    assert set(notation.ROUTES.values()) == {*words_of(words.Route), ""}
    assert set(notation.METHODS.values()) == set(words_of(words.Method))
    assert set(notation.PURPOSES.values()) == set(words_of(words.Purpose))


@pytest.mark.parametrize("concern", CONCERNS.values(), ids=lambda concern: concern.name)
def test_the_words_of_a_concern_survive_compiling(concern: Concern[Any, Any]) -> None:
    """The type of each fact and answer that is a family of words stands in quotes.

    mypyc keeps the names of types that stand so, and nothing of others.
    """
    for shape in (concern._make_facts, concern.answer):
        hints = shape.__annotations__
        plain = [name for name, hint in hints.items() if not isinstance(hint, ForwardRef)]
        assert all(hints[name] in (int, str) for name in plain)
