"""Finds rules that clash, and facts that no rule decides.

This module owns the search: it puts every combination of facts to the rules of every policy, period
and concern. Such a mistake would otherwise show only when a visit with these facts is drafted. The
module changes nothing and knows no files.
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
    """Each clash and each gap of a rulebook once, and each rule that must stand in base/ only."""
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
        do="move it to base/: a timeline is made before anybody knows who pays",
    )


def _values(table: _AnyTable, field: Field) -> Sequence[Value]:
    """The values of a fact that the rules can tell apart.

    Of a number it is one value for each range: with `at_least = 16`, these are 0 and 16. Of an open
    list such as payers, these are the names in the rules and one other.
    """
    if field.is_number:
        return table.values_of(field.name)
    if field.words:
        return field.words
    conditions = [condition for rule in table.rules for condition in rule.when]
    of_fact = [condition.words for condition in conditions if condition.fact == field.name]
    return [*sorted(set().union(*of_fact)), ANY_OTHER]


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
    """The values of each fact that meet all conditions; one empty list if some fact has none.

    Most pairs of rules have no value in common for one of the first facts. Then the facts after it
    are not looked at, which makes the search fast.
    """
    shared = []
    for field in table.concern.facts.values():
        conditions = [condition for condition in when if condition.fact == field.name]
        values = _values(table, field)
        shared.append(
            [value for value in values if all(condition.holds(value) for condition in conditions)]
        )
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
