"""A policy whose rules about some concerns give way to the answers that a case chooses.

This module owns that exchange, so that an answer which no shipped policy gives can be proven too.
It knows no case.
"""

from collections.abc import Mapping
from datetime import date

from chargeline.engine import CONCERNS, Policy, Rule, SharedDecisions

Answers = Mapping[str, Mapping[str, str | int]]
"""Answers by concern."""


def with_answers_chosen(policy: Policy, choose: Answers, shared: SharedDecisions) -> Policy:
    """The policy with one rule for each concern of `choose`, in place of its own."""
    beaten = {rule.id for rule in policy.rules if rule.concern.name in choose}
    chosen = [_chosen_rule(name, answers, beaten) for name, answers in choose.items()]
    kept = [rule for rule in policy.rules if rule.concern.name not in choose]
    return Policy(policy.name, policy.describes, [*kept, *chosen], shared)


def _chosen_rule(name: str, answers: Mapping[str, str | int], beaten: set[str]) -> Rule:
    concern = CONCERNS[name]
    return Rule(
        id=f"case.{name}",
        concern=concern,
        layer="case",
        starts=date.min,
        ends=None,
        when=(),
        then=tuple(sorted(answers.items())),
        answer=concern.answer_of(answers),
        why="The case chooses this answer.",
        cite=(),
        overrides=tuple(sorted(beaten)),
        other=(),
        place="the case",
    )
