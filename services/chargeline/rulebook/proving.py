"""Tests whether a case proves each rule, and each answer that rules may give.

This module owns the experiment. It runs each case again and again: each time it misspells one of
the answers that the rules gave in the case, or takes one of the rules away. If the case then fails,
it proves that answer or that rule. An answer of the vocabulary that no case proves is a mistake,
even if no shipped policy gives it, because a site may choose it tomorrow. Only the closed words of
answers are tried. Numbers and texts are not, because each rule has its own.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from chargeline.engine import (
    CONCERNS,
    Finding,
    Policy,
    Rule,
    Rulebook,
    SharedDecisions,
    UndecidedError,
)
from chargeline.rulebook.cases import Case, run_case, with_choice

_MISSPELT = "misspelt"


class Offered(NamedTuple):
    """One word that rules may give as an answer, of the closed list of that answer."""

    concern: str
    answer: str
    word: str


def offered() -> list[Offered]:
    """Every word that rules may give as an answer, in the order in which a draft asks for them."""
    return [
        Offered(concern.name, field.name, word)
        for concern in CONCERNS.values()
        for field in concern.answers.values()
        for word in field.words
    ]


class Unproven(NamedTuple):
    """A finding for each answer that no case proves, and for each rule that no case proves."""

    answers: list[Finding]
    rules: list[Finding]


def unproven(cases: Sequence[Case], rulebook: Rulebook) -> Unproven:
    """The answers that can be misspelt, and the rules that can be removed, while all cases hold."""
    answers = dict.fromkeys(offered())
    rules = {rule.id: rule.place for policy in rulebook.policies.values() for rule in policy.rules}
    for case in sorted(cases, key=_says_little):
        decided = _rules_that_decided(case, rulebook)
        for answer in _answers_of(decided):
            if answer in answers and _fails(case, rulebook, misspelt=answer):
                del answers[answer]
        for rule in decided:
            if rule.id in rules and _fails(case, rulebook, without=rule.id):
                del rules[rule.id]
    return Unproven(
        [_unproven_answer(answer) for answer in answers],
        [_unproven_rule(name, place) for name, place in rules.items()],
    )


def _says_little(case: Case) -> int:
    """Fewer first: cases that look at more of a draft prove more, so less is tried in vain."""
    looked_at = (case.drugs, case.withheld, case.withheld_drugs, case.asks, case.edits)
    return sum([outcome is None for outcome in looked_at])


def _unproven_answer(answer: Offered) -> Finding:
    return Finding(
        "rules.unproven",
        expected=f"a case that rests on {answer.answer} = {answer.word!r} of {answer.concern}",
        found="none that fails when the answer is misspelt",
        where="*.cases.toml",
        do="add a case; `choose` gives an answer that no policy gives (rules/README.md)",
    )


def _unproven_rule(name: str, place: str) -> Finding:
    return Finding(
        "rules.unproven",
        expected=f"a case that rests on {name}",
        found="none that fails without the rule",
        where=place,
        do="add a case in a *.cases.toml beside it, or remove the rule",
    )


def _rules_that_decided(case: Case, rulebook: Rulebook) -> list[Rule]:
    """The rules that decided something in a case; none if the case does not hold.

    The case is run on tables that nobody has asked yet, so afterwards they hold its questions only.
    """
    fresh = _anew(case, rulebook)
    if run_case(case._replace(choose={}), fresh):
        return []
    decided: dict[str, Rule] = {}
    for policy in (*[fresh.policies[name] for name in case.expect], fresh.base):
        for decision in policy.decisions():
            if decision.rule is not None:
                decided[decision.rule.id] = decision.rule
    return list(decided.values())


def _answers_of(rules: Sequence[Rule]) -> set[Offered]:
    return {Offered(rule.concern.name, key, str(word)) for rule in rules for key, word in rule.then}


def _fails(
    case: Case, rulebook: Rulebook, *, misspelt: Offered | None = None, without: str = ""
) -> bool:
    """Whether a case fails when an answer is misspelt or a rule is taken away."""
    spoilt = _anew(case, rulebook, misspelt=misspelt, without=without)
    try:
        return bool(run_case(case._replace(choose={}), spoilt))
    except (KeyError, AssertionError, UndecidedError):
        return True  # the engine cannot go on with such a word, or without such a rule


def _anew(
    case: Case, rulebook: Rulebook, *, misspelt: Offered | None = None, without: str = ""
) -> Rulebook:
    """The rulebook as a case needs it, with tables that nobody has asked yet.

    It holds the policies that the case names, and compares none. If given, one answer is misspelt
    in every rule that gives it, or one rule is left out.
    """
    shared = SharedDecisions()

    def anew(policy: Policy) -> Policy:
        kept = [_with(rule, misspelt) for rule in policy.rules if rule.id != without]
        return Policy(policy.name, policy.describes, kept, shared)

    chosen = with_choice(case, rulebook)
    policies = {name: anew(chosen.policies[name]) for name in case.expect}
    return chosen._replace(policies=policies, base=anew(chosen.base), compared=())


def _with(rule: Rule, misspelt: Offered | None) -> Rule:
    if misspelt is None or rule.concern.name != misspelt.concern:
        return rule
    then: dict[str, Any] = dict(rule.then)
    if then.get(misspelt.answer) != misspelt.word:
        return rule
    then[misspelt.answer] = _MISSPELT
    return rule._replace(then=tuple(sorted(then.items())), answer=rule.concern.answer_of(then))
