"""Which rules decide about an administration, and why every other rule does not apply.

This module owns the text of `chargeline rules try`. A coder writes one or more administrations in
the notation of cases. The page shows for each concern the facts that were asked about, the rule
that decided, the rules that it overrides, and for every other rule the condition that did not hold.
The page only retells a draft; the engine makes it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chargeline.engine import (
    CONCERNS,
    Condition,
    Decision,
    Draft,
    Policy,
    Rule,
    Rulebook,
    SharedDecisions,
    Table,
    Value,
    draft,
)
from chargeline.rulebook.cases import (
    drug_codes,
    question_codes,
    service_codes,
    withheld_reasons,
)
from chargeline.rulebook.typed import TypedVisit, typed_timeline


def tried(typed: TypedVisit, rulebook: Rulebook, policy: str) -> Iterator[str]:
    """The lines of the page. `policy`: its name, "" for the policy of the payer.

    Raises NotationError.
    """
    timeline = typed_timeline(typed)
    policy = policy or rulebook.policy_for(timeline.context)
    fresh = _only(rulebook, policy)
    drafted = draft(timeline, fresh, policy=policy)
    yield f"under {policy}"
    yield from (f"  {text}" for text in typed.given)
    yield from _outcome(drafted)
    for rules in dict.fromkeys(fresh.policies[policy].on(day.day) for day in timeline.days):
        for concern in CONCERNS.values():
            table = rules.of(concern)
            if table.asked:
                yield ""
                yield f"{concern.name}: {concern.meaning}"
                for facts, decision in table.asked.items():
                    yield from _decided(table, facts, decision)


def _only(rulebook: Rulebook, policy: str) -> Rulebook:
    """The rulebook with one policy only, whose tables nobody has asked yet."""
    chosen = rulebook.policies[policy]
    fresh = Policy(policy, chosen.describes, chosen.rules, SharedDecisions())
    return rulebook._replace(policies={policy: fresh}, compared=())


def _outcome(drafted: Draft) -> Iterator[str]:
    yield f"gives     {', '.join(service_codes(drafted)) or 'no service code'}"
    for what, entries in (
        ("drugs", drug_codes(drafted)),
        ("withheld", withheld_reasons(drafted)),
        ("asks", question_codes(drafted)),
    ):
        if entries:
            yield f"{what:<10}{', '.join(entries)}"


def _decided(
    table: Table[Any, Any], facts: Sequence[Value], decision: Decision[Any]
) -> Iterator[str]:
    values: Mapping[str, Value] = dict(zip(table.concern.facts, facts, strict=True))
    shown = ", ".join([f"{name} = {_shown(value)}" for name, value in values.items()])
    yield f"  asked for {shown or 'everything'}"
    if decision.rule is not None:
        answer = ", ".join([f"{name} = {value}" for name, value in decision.rule.then])
        yield f"    decides    {decision.rule.id}: {answer}"
        yield f"               {decision.rule.why}"
    elif decision.clash:
        yield f"    clash      {', '.join([rule.id for rule in decision.clash])}"
    else:
        yield "    no rule"
    for rule in decision.passed_over:
        by = [other.id for other in table.rules if rule.id in other.overrides]
        yield f"    overridden {rule.id} by {', '.join(by)}"
    decided = {decision.rule, *decision.passed_over, *decision.clash}
    others = [rule for rule in table.rules if rule not in decided]
    for rule in others:
        if not _is_row(rule):
            yield f"    not        {rule.id}: {_why_not(rule, values)}"
    rows = Counter([rule.place.partition(" ")[0] for rule in others if _is_row(rule)])
    for name, count in rows.items():
        yield f"    not        the other {count} rows of {name}, which are for other facts"


def _is_row(rule: Rule) -> bool:
    """Whether a rule is a row of a CSV table. The page counts those instead of listing them."""
    return rule.place.partition(" ")[0].endswith(".csv")


def _why_not(rule: Rule, values: Mapping[str, Value]) -> str:
    failed = [condition for condition in rule.when if not condition.holds(values[condition.fact])]
    return "; ".join(
        [f"{in_words(condition)}, found {_shown(values[condition.fact])}" for condition in failed]
    )


def _shown(value: Value) -> str:
    return "-" if value == "" else str(value)


def in_words(condition: Condition) -> str:
    """A condition as a coder reads it: `route is intravenous or subcutaneous`."""
    if condition.words:
        verb = "is not" if condition.excluded else "is"
        return f"{condition.fact} {verb} {' or '.join(sorted(condition.words))}"
    bounds = [f"at least {condition.least}"] if condition.least is not None else []
    bounds += [f"at most {condition.most}"] if condition.most is not None else []
    return f"{condition.fact} {' and '.join(bounds)}"
