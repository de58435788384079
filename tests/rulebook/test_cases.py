"""The cases of rules/ hold, and together they prove every rule, every answer and every code.

This file knows no coding; what is expected stands in the cases beside the rules.
"""

import re
from functools import cache

import pytest

from chargeline.engine import Finding, Rulebook
from chargeline.rulebook.cases import Case, read_cases, run_case
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from chargeline.rulebook.proving import unproven

POLICIES = ("guide-2026", "cms-facility-2026", "cms-physician-2026")


@cache
def rulebook() -> Rulebook:
    return load_rulebook(rules_directory())


@cache
def all_cases() -> tuple[tuple[Case, ...], tuple[Finding, ...]]:
    mistakes: list[Finding] = []
    paths = sorted(rules_directory().rglob("*.cases.toml"))
    return tuple(read_cases(paths, rulebook(), mistakes)), tuple(mistakes)


CASES, UNREADABLE = all_cases()


def test_every_case_can_be_read() -> None:
    """No file of cases has a case without sentence, facts or expectation."""
    assert not UNREADABLE, "\n".join(map(str, UNREADABLE))
    assert len(CASES) > 100


@pytest.mark.parametrize("case", CASES, ids=[f"{case.place}: {case.says}" for case in CASES])
def test_case(case: Case) -> None:
    """The program drafts what the case expects, under each policy that it names."""
    failures = run_case(case, rulebook())
    assert not failures, "\n".join(map(str, failures))


def test_no_two_cases_of_a_file_say_the_same() -> None:
    """Each case has a sentence of its own."""
    said = [(case.place.partition(" case ")[0], case.says) for case in CASES]
    assert sorted(said) == sorted(set(said))


def test_every_case_says_a_sentence() -> None:
    """The claim of a case begins with a capital or a digit and ends with a full stop."""
    wrong = [case.says for case in CASES if not re.fullmatch(r"[A-Z0-9].*[.]", case.says)]
    assert not wrong


def test_every_case_names_policies_that_exist() -> None:
    """An expectation under a misspelt policy would never be compared."""
    named = {policy for case in CASES for policy in case.expect}
    assert named == set(POLICIES) == set(rulebook().policies)


def test_every_rule_and_every_answer_is_proven() -> None:
    """For each rule some case fails without it; for each answer some case fails if it is misspelt.

    This holds for answers that no shipped policy gives as well.
    """
    answers, rules = unproven(CASES, rulebook())
    assert not [*answers, *rules], "\n".join(map(str, [*answers, *rules]))


def test_an_answer_and_a_rule_without_a_case_are_named() -> None:
    """Without the cases about heparin and long pushes, `unproven` names that rule and answer."""
    kept = [case for case in CASES if not re.search("heparin|by hand", case.says, re.IGNORECASE)]
    answers, rules = unproven(kept, rulebook())
    assert [finding.expected for finding in answers] == [
        "a case that rests on as = 'infusion' of position.long_push"
    ]
    assert "a case that rests on mixture.flush" in [finding.expected for finding in rules]


def test_every_code_is_expected_by_a_case() -> None:
    """Each code of rules/base/codes.csv stands in at least one expectation."""
    rows = (rules_directory() / "base" / "codes.csv").read_text(encoding="utf-8").splitlines()[1:]
    codes = {row.split(",")[1] for row in rows if row}
    expected = {
        re.split(r"[- ]", code)[0]
        for case in CASES
        for codes in case.expect.values()
        for code in codes
    }
    assert not codes - expected, "codes without a case: " + ", ".join(sorted(codes - expected))
    assert not expected - codes, "expected, but not in codes.csv: " + ", ".join(
        sorted(expected - codes)
    )
