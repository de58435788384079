"""The cases of rules/ hold, and together they use every rule and every code.

It owns the collecting of what a case used: the rules named in the traces of its drafts, and those that
a trace names only by what they led to. It knows no coding; expectations stand beside the rules.
"""

import re
from collections.abc import Iterator
from functools import cache

import pytest

from chargeline.engine.draft import Draft, Rulebook, draft
from chargeline.engine.encounters import encounters_of
from chargeline.engine.finding import Finding
from chargeline.engine.rules import Rule
from chargeline.rulebook.cases import FIRST_DAY, Case, read_cases, run_case, timeline_of
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory

# Rules that no trace names, because they change nothing that a line or a withheld service could say.
# Each has a case that fails without the rule.
SILENT = {
    "position.push_beside.report": "lets a push stand: see 'A push of chemotherapy beside a running'",
}
POLICIES = ("guide-2026", "cms-facility-2026", "cms-physician-2026")


@cache
def rulebook() -> Rulebook:
    return load_rulebook(rules_directory())


@cache
def all_cases() -> tuple[tuple[Case, ...], tuple[Finding, ...]]:
    mistakes: list[Finding] = []
    paths = sorted(rules_directory().rglob("*.cases.toml"))
    return tuple(read_cases(paths, rulebook(), mistakes)), tuple(mistakes)


def drafts_of(case: Case) -> tuple[Draft, ...]:
    second = frozenset({FIRST_DAY}) if case.second_encounter else frozenset()
    timeline = timeline_of(case)
    return tuple(draft(timeline, rulebook(), policy, second_encounters=second) for policy in case.expect)


def named_in_traces(made: Draft) -> Iterator[str]:
    """Rules that decided a step, and the reason rule that stands among the facts; none passed over."""
    for encounter in made.encounters:
        for entry in (*encounter.lines, *encounter.withheld):
            for step in entry.trace:
                yield from (str(value) for name, value in step.facts if name == "reason rule")
                if step.decision is not None and step.decision.rule is not None:
                    yield step.decision.rule.id
        yield from (question.finding.code for question in encounter.questions)


def led_to_a_line(made: Draft, rules: tuple[Rule, ...]) -> Iterator[str]:
    """Role rules by the role of a line: a further hour is reported by its role, not by a step."""
    roles = {line.role for encounter in made.encounters for line in encounter.lines}
    yield from (
        rule.id for rule in rules if rule.concern == "service.role" and dict(rule.then)["role"] in roles
    )


def used_by(case: Case) -> set[str]:
    used: set[str] = set()
    timeline = timeline_of(case)
    for policy, made in zip(case.expect, drafts_of(case), strict=True):
        used.update(named_in_traces(made))
        used.update(led_to_a_line(made, rulebook().policies[policy].rules))
        groupings = [each.grouping.rule for each in encounters_of(timeline, rulebook().policies[policy])]
        used.update(rule.id for rule in groupings if rule is not None)
    return used


@cache
def used_by_all() -> frozenset[str]:
    return frozenset(name for case in CASES for name in used_by(case))


def every_rule() -> set[str]:
    return {rule.id for policy in rulebook().policies.values() for rule in policy.rules}


CASES, UNREADABLE = all_cases()


def test_every_case_can_be_read() -> None:
    """No file of cases has a case without sentence, facts or expectation."""
    assert not UNREADABLE, "\n".join(map(str, UNREADABLE))
    assert len(CASES) > 100


@pytest.mark.parametrize("case", CASES, ids=[f"{each.place}: {each.says}" for each in CASES])
def test_case(case: Case) -> None:
    """The program drafts what the case expects, under each policy that it names."""
    failures = run_case(case, rulebook())
    assert not failures, "\n".join(map(str, failures))


def test_no_two_cases_of_a_file_say_the_same() -> None:
    """Each case has a sentence of its own."""
    said = [(each.place.partition(" case ")[0], each.says) for each in CASES]
    assert sorted(said) == sorted(set(said))


def test_every_case_says_a_sentence() -> None:
    """A case's claim ends like a sentence and begins like one."""
    wrong = [each.says for each in CASES if not re.fullmatch(r"[A-Z0-9].*[.]", each.says)]
    assert not wrong


def test_every_case_names_policies_that_exist() -> None:
    """An expectation under a misspelt policy would never be compared."""
    named = {policy for each in CASES for policy in each.expect}
    assert named == set(POLICIES) == set(rulebook().policies)


def test_every_rule_is_used_by_a_case() -> None:
    """No rule stands without a case in which it decides; being passed over is not enough."""
    unused = sorted(every_rule() - used_by_all() - set(SILENT))
    assert not unused, "rules without a case: " + ", ".join(unused)


def test_every_silent_rule_exists_and_is_silent() -> None:
    """The list of exceptions holds no rule that the traces do name."""
    assert set(SILENT) <= every_rule() - used_by_all()


def test_every_code_is_expected_by_a_case() -> None:
    """Each code of rules/base/codes.csv stands in at least one expectation."""
    rows = (rules_directory() / "base" / "codes.csv").read_text(encoding="utf-8").splitlines()[1:]
    codes = {row.split(",")[1] for row in rows if row}
    expected = {
        re.split(r"[- ]", code)[0] for case in CASES for codes in case.expect.values() for code in codes
    }
    assert not codes - expected, "codes without a case: " + ", ".join(sorted(codes - expected))
    assert not expected - codes, "expected, but not in codes.csv: " + ", ".join(sorted(expected - codes))
