"""Looks for rules that clash and for facts that no rule decides.

It owns the search over the closed vocabulary: every policy, every period, every concern. What it
finds would stop a draft at night, so it is found here by day. It changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from chargeline.engine.draft import Rulebook
from chargeline.engine.rules import Answer, Condition, Rule, Table
from chargeline.engine.vocabulary import CONCERNS, MINUTES, Concern
from chargeline.rulebook.errors import Mistake

ANY_OTHER = "(any other)"


def check_rulebook(rulebook: Rulebook) -> list[Mistake]:
    """All clashes and gaps of a rulebook, once each."""
    mistakes: dict[Mistake, None] = {}
    for policy in rulebook.policies.values():
        for day in policy.periods():
            rules = policy.on(day)
            for name, concern in CONCERNS.items():
                table = rules[name]
                where = f"{policy.name} on {day.isoformat()}: {name}"
                for mistake in (*_clashes(table, concern, where), *_gaps(table, concern, where)):
                    mistakes.setdefault(mistake)
    return list(mistakes)


def _values(table: Table, fact: str, allowed: tuple[str, ...] | str) -> Sequence[Answer]:
    """The values of a fact that rules can tell apart."""
    if allowed == MINUTES:
        return sorted({0, *table.bounds})
    if not isinstance(allowed, str):
        return allowed
    named = {word for rule in table.rules for each in rule.when if each.fact == fact for word in each.words}
    return [*sorted(named), ANY_OTHER]


def _clashes(table: Table, concern: Concern, where: str) -> Iterator[Mistake]:
    domains = {fact: _values(table, fact, allowed) for fact, allowed in concern.facts.items()}
    for first, second in combinations(table.rules, 2):
        if first.id in second.overrides or second.id in first.overrides:
            continue
        for facts in product(*_shared(domains, (*first.when, *second.when))):
            decision = table.decide(*facts)
            if first in decision.clash and second in decision.clash:
                yield _clash(first, second, concern, facts, where)
                break


def _shared(domains: Mapping[str, Sequence[Answer]], when: Sequence[Condition]) -> list[list[Answer]]:
    """The values of each fact that meet all conditions; nothing at all where a fact has none.

    Most pairs of rules part at one of their first facts, so the others are not looked at.
    """
    found = []
    for fact, values in domains.items():
        conditions = [each for each in when if each.fact == fact]
        found.append([value for value in values if all(each.holds(value) for each in conditions)])
        if not found[-1]:
            return [[]]
    return found


def _clash(first: Rule, second: Rule, concern: Concern, facts: Sequence[Answer], where: str) -> Mistake:
    shown = ", ".join(f"{name}={value}" for name, value in zip(concern.facts, facts, strict=True))
    return Mistake(
        where,
        "one rule for the same facts",
        f"{first.id} ({first.place}) and {second.id} ({second.place}) for {shown or 'all facts'}",
        "let one override the other, or narrow its `when`",
    )


def _gaps(table: Table, concern: Concern, where: str) -> Iterator[Mistake]:
    if concern.may_be_silent or not table.rules:
        if not table.rules and not concern.may_be_silent:
            yield Mistake(where, "a rule", "none in force", f"add one: {concern.meaning}")
        return
    domains = [_values(table, fact, allowed) for fact, allowed in concern.facts.items()]
    for facts in product(*domains):
        decision = table.decide(*facts)
        if decision.rule is None and not decision.clash:
            shown = ", ".join(f"{name}={value}" for name, value in zip(concern.facts, facts, strict=True))
            yield Mistake(where, "a rule for these facts", f"none for {shown}", f"add one: {concern.meaning}")
