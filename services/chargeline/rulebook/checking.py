"""Looks for rules that clash and for facts that no rule decides.

It owns the search over the closed vocabulary: every policy, every period, every concern. What it
finds would stop a draft at night, so it is found here by day. It changes nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

from chargeline.engine import (
    BASE_ONLY,
    CONCERNS,
    Condition,
    Field,
    Finding,
    FindingCode,
    Rule,
    Rulebook,
    Table,
    Value,
)

ANY_OTHER = "(any other)"
_AnyTable = Table[Any, Any]


def check_rulebook(rulebook: Rulebook) -> list[Finding]:
    """All clashes and gaps of a rulebook, once each, and rules in a layer that cannot have them."""
    mistakes: dict[Finding, None] = {}
    for policy in rulebook.policies.values():
        for rule in policy.rules:
            if rule.concern.name in BASE_ONLY and rule.layer != "base":
                mistakes[_only_in_base(rule)] = None
        for day in policy.periods():
            rules = policy.on(day)
            for concern in CONCERNS.values():
                table = rules.of(concern)
                where = f"{policy.name} on {day.isoformat()}: {concern.name}"
                for mistake in (*_clashes(table, where), *_gaps(table, where)):
                    mistakes[mistake] = None
    return list(mistakes)


def _mistake(code: FindingCode, where: str, *, expected: str, found: str, do: str) -> Finding:
    return Finding(code, expected=expected, found=found, where=where, do=do)


def _only_in_base(rule: Rule) -> Finding:
    return _mistake(
        "rules.policy",
        rule.place,
        expected=f"rules that decide {rule.concern.name} in base/ only",
        found=f"one in {rule.layer}",
        do="move it to base/: a visit is folded before anybody knows who pays",
    )


def _values(table: _AnyTable, field: Field) -> Sequence[Value]:
    """The values of a fact that rules can tell apart."""
    if field.is_number:
        return table.values_of(field.name)
    if field.words:
        return field.words
    conditions = [condition for rule in table.rules for condition in rule.when]
    named = {word for each in conditions if each.fact == field.name for word in each.words}
    return [*sorted(named), ANY_OTHER]


def _clashes(table: _AnyTable, where: str) -> Iterator[Finding]:
    for first, second in combinations(table.rules, 2):
        if first.id in second.overrides or second.id in first.overrides:
            continue
        for facts in product(*_shared(table, (*first.when, *second.when))):
            clash = _decided(table, facts).clash
            if first in clash and second in clash:
                yield _clash(first=first, second=second, table=table, facts=facts, where=where)
                break


def _shared(table: _AnyTable, when: Sequence[Condition]) -> list[list[Value]]:
    """The values of each fact that meet all conditions; nothing at all where a fact has none.

    Most pairs of rules part at one of their first facts, so the others are not looked at.
    """
    shared = []
    for field in table.concern.facts.values():
        conditions = [condition for condition in when if condition.fact == field.name]
        values = _values(table, field)
        shared.append([value for value in values if all(each.holds(value) for each in conditions)])
        if not shared[-1]:
            return [[]]
    return shared


def _decided(table: _AnyTable, facts: Sequence[Value]) -> Any:
    values = dict(zip(table.concern.facts, facts, strict=True))
    return table.decide(table.concern.facts_of(values))


def _shown(table: _AnyTable, facts: Sequence[Value]) -> str:
    pairs = zip(table.concern.facts, facts, strict=True)
    return ", ".join([f"{name}={value}" for name, value in pairs])


def _clash(
    first: Rule, second: Rule, table: _AnyTable, facts: Sequence[Value], where: str
) -> Finding:
    both = f"{first.id} ({first.place}) and {second.id} ({second.place})"
    return _mistake(
        "rules.clash",
        where,
        expected="one rule for the same facts",
        found=f"{both} for {_shown(table, facts) or 'all facts'}",
        do="let one override the other, or narrow its `when`",
    )


def _gaps(table: _AnyTable, where: str) -> Iterator[Finding]:
    concern = table.concern
    if concern.may_be_silent:
        return
    if not table.rules:
        yield _mistake(
            "rules.gap",
            where,
            expected="a rule",
            found="none in force",
            do=f"add one: {concern.meaning}",
        )
        return
    for facts in product(*[_values(table, field) for field in concern.facts.values()]):
        decision = _decided(table, facts)
        if decision.rule is None and not decision.clash:
            yield _mistake(
                "rules.gap",
                where,
                expected="a rule for these facts",
                found=f"none for {_shown(table, facts)}",
                do=f"add one: {concern.meaning}",
            )
