"""Rules as values, and the one way in which they decide.

It owns the meaning of a rule. A rule is in force on a day. It applies when its conditions hold. A
rule that applies strikes out the rules that it overrides. Exactly one rule must remain. When no
rule remains, or more than one, the decision says so as a value, and the engine asks a person. This
module does not know files (the package `rulebook` reads them), nor what any rule says.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Generic, NamedTuple

from chargeline.engine.rules.vocabulary import Answer, Concern, Facts, Value

_REMEMBERED = 20_000  # decisions that one table remembers; each number of minutes is another fact


class Condition(NamedTuple):
    """What one fact must be: one of `words`, or a number from `least` to `most` (both included).

    With `excluded` the fact must be any value but the words.
    """

    fact: str
    words: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None
    excluded: bool = False

    def holds(self, value: Value) -> bool:
        """Whether the fact's value meets the condition."""
        if isinstance(value, int):
            above = self.least is None or value >= self.least
            return above and (self.most is None or value <= self.most)
        return (value in self.words) is not self.excluded


class Rule(NamedTuple):
    """One dated, cited rule. The day `starts` is included, the day `ends` is not (None: no end).

    `then` is the answer as the file writes it, `answer` the same in the shape of the concern.
    `other` names published positions that differ. `place` is where the rule stands in its file.
    """

    id: str
    concern: Concern[Any, Any]
    layer: str
    starts: date
    ends: date | None
    when: tuple[Condition, ...]
    then: tuple[tuple[str, Value], ...]
    answer: Any
    why: str
    cite: tuple[str, ...]
    overrides: tuple[str, ...]
    other: tuple[str, ...]
    place: str

    def in_force(self, day: date) -> bool:
        """Whether the rule holds for a service on that day."""
        return self.starts <= day and (self.ends is None or day < self.ends)


class UndecidedError(Exception):
    """No rule, or more than one, remains where rules must give one answer.

    `chargeline rules check` finds such gaps and clashes before they reach a draft. A draft that
    meets one bills nothing of the encounter and asks a person.
    """

    def __init__(self, concern: str, clash: tuple[Rule, ...]) -> None:
        super().__init__(f"no one rule decides {concern}")
        self.concern = concern
        self.clash = clash


class Decision(Generic[Answer]):
    """The rule that remained, its answer, and the rules that it overrode (`passed_over`).

    `rule` is None unless exactly one remained; `clash` holds the rules when several remained.
    """

    __slots__ = ("_answer", "clash", "concern", "passed_over", "rule")

    def __init__(
        self,
        concern: str,
        rule: Rule | None,
        passed_over: tuple[Rule, ...],
        clash: tuple[Rule, ...],
    ) -> None:
        self.concern = concern
        self.rule = rule
        self.passed_over = passed_over
        self.clash = clash
        self._answer: Answer | None = rule.answer if rule is not None else None

    @property
    def answer(self) -> Answer:
        """What the rule says. Raises UndecidedError where no one rule decides."""
        if self._answer is None:
            raise UndecidedError(self.concern, self.clash)
        return self._answer

    @property
    def rule_in_force(self) -> Rule:
        """The rule. Raises UndecidedError where no one rule decides."""
        if self.rule is None:
            raise UndecidedError(self.concern, self.clash)
        return self.rule

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Decision) and self._key() == other._key())

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        passed_over = [rule.id for rule in self.passed_over]
        clash = [rule.id for rule in self.clash]
        rule = self.rule.id if self.rule is not None else None
        return f"Decision({self.concern}: {rule}, passed over {passed_over}, clash {clash})"

    def _key(self) -> tuple[object, ...]:
        return (self.concern, self.rule, self.passed_over, self.clash)


class SharedDecisions:
    """Equal tables and equal decisions of several policies, each kept once.

    Two policies with the same rules share the very same objects. So a comparison of policies need
    not look into an object that both of them share.
    """

    def __init__(self) -> None:
        self._tables: dict[tuple[str, tuple[Rule, ...]], Table[Any, Any]] = {}
        self._decisions: dict[Decision[Any], Decision[Any]] = {}

    def table(
        self, concern: Concern[Facts, Answer], rules: Iterable[Rule]
    ) -> "Table[Facts, Answer]":
        """The table of these rules."""
        ordered = tuple(sorted(rules, key=lambda rule: rule.id))
        table = self._tables.get((concern.name, ordered))
        if table is None:
            table = self._tables[concern.name, ordered] = Table(concern, ordered, self)
        return table

    def decision(self, decision: Decision[Answer]) -> Decision[Answer]:
        """The one object for all decisions that equal this one."""
        return self._decisions.setdefault(decision, decision)


class Table(Generic[Facts, Answer]):
    """The rules of one concern in force on one day, and the decisions taken so far."""

    def __init__(
        self, concern: Concern[Facts, Answer], rules: tuple[Rule, ...], shared: SharedDecisions
    ) -> None:
        self.concern = concern
        self.rules = rules
        self.asked: dict[Facts, Decision[Answer]] = {}
        """The decision for each set of facts that was asked about, in the order of asking."""
        self._shared = shared
        self._numbers = [name for name, field in concern.facts.items() if field.is_number]
        self._bounds = {name: self._bounds_of(name) for name in self._numbers}
        self._in_bands: dict[tuple[Value, ...], Decision[Answer]] = {}

    def _bounds_of(self, fact: str) -> tuple[int, ...]:
        """The numbers at which some rule begins or ceases to hold, ascending.

        A rule for 16 to 90 minutes gives the bounds 16 and 91.
        """
        bounds: set[int] = set()
        for rule in self.rules:
            for condition in rule.when:
                if condition.fact == fact:
                    bounds.update([condition.least] if condition.least is not None else [])
                    bounds.update([condition.most + 1] if condition.most is not None else [])
        return tuple(sorted(bounds))

    def values_of(self, fact: str) -> list[Value]:
        """One value for each range of a number within which every rule treats all values alike."""
        return sorted({0, *self._bounds[fact]})

    def decide(self, facts: Facts) -> Decision[Answer]:
        """Decide from these facts."""
        decision = self.asked.get(facts)
        if decision is None:
            if len(self.asked) >= _REMEMBERED:
                self.asked.clear()
            decision = self.asked[facts] = self._decide(facts)
        return decision

    def _decide(self, facts: Facts) -> Decision[Answer]:
        """The decision for the ranges in which the numbers lie.

        There are few ranges and many numbers, so most decisions are found in memory.
        """
        values: dict[str, Value] = dict(zip(self.concern.facts, facts, strict=True))
        for name in self._numbers:
            values[name] = self._band(name, values[name])
        ranges = tuple(values.values())
        decision = self._in_bands.get(ranges)
        if decision is None:
            decision = self._shared.decision(self._resolve(values))
            self._in_bands[ranges] = decision
        return decision

    def _band(self, fact: str, value: Value) -> int:
        """The least number of the range in which a value lies: 16 for 20 with bounds 16 and 91."""
        assert isinstance(value, int), f"{self.concern.name}: {fact} is a number"
        index = bisect_right(self._bounds[fact], value)
        return self._bounds[fact][index - 1] if index else 0

    def _resolve(self, facts: Mapping[str, Value]) -> Decision[Answer]:
        applying = [rule for rule in self.rules if applies(rule, facts)]
        struck = {overridden for rule in applying for overridden in rule.overrides}
        remaining = [rule for rule in applying if rule.id not in struck]
        passed_over = tuple([rule for rule in applying if rule.id in struck])
        if len(remaining) == 1:
            return Decision(self.concern.name, remaining[0], passed_over, ())
        return Decision(self.concern.name, None, passed_over, tuple(remaining))


def applies(rule: Rule, facts: Mapping[str, Value]) -> bool:
    """Whether every condition of a rule holds for these facts."""
    return all(condition.holds(facts[condition.fact]) for condition in rule.when)


class DayRules:
    """One policy's rules in force on one day: a table for each concern."""

    def __init__(
        self, policy: str, day: date, rules: Iterable[Rule], shared: SharedDecisions
    ) -> None:
        self.policy = policy
        self._shared = shared
        by_concern: dict[str, list[Rule]] = {}
        for rule in rules:
            if rule.in_force(day):
                by_concern.setdefault(rule.concern.name, []).append(rule)
        self._tables: dict[str, Table[Any, Any]] = {
            name: shared.table(same[0].concern, same) for name, same in by_concern.items()
        }

    def of(self, concern: Concern[Facts, Answer]) -> Table[Facts, Answer]:
        """The table of a concern; one without rules is empty."""
        table: Table[Facts, Answer] | None = self._tables.get(concern.name)
        if table is None:
            table = self._tables[concern.name] = self._shared.table(concern, ())
        return table

    def rules(self) -> Iterator[Rule]:
        """Every rule in force on the day."""
        for table in self._tables.values():
            yield from table.rules

    def decisions(self) -> Iterator[Decision[Any]]:
        """Every decision that the tables were asked for and remember."""
        for table in self._tables.values():
            yield from table.asked.values()


class Policy:
    """All rules of one policy, its base layers included, over all dates."""

    def __init__(
        self, name: str, describes: str, rules: Iterable[Rule], shared: SharedDecisions
    ) -> None:
        self.name = name
        self.describes = describes
        self.rules = tuple(sorted(rules, key=lambda rule: rule.id))
        self._shared = shared
        edges = {day for rule in self.rules for day in (rule.starts, rule.ends) if day is not None}
        self._edges = tuple(sorted(edges))
        self._periods: dict[int, DayRules] = {}

    def on(self, day: date) -> DayRules:
        """The rules in force on a day; all days between two changes of rules share one object."""
        period = bisect_right(self._edges, day)
        rules = self._periods.get(period)
        if rules is None:
            rules = self._periods[period] = DayRules(self.name, day, self.rules, self._shared)
        return rules

    def decisions(self) -> Iterator[Decision[Any]]:
        """Every decision that the policy was asked for and remembers, on whatever day."""
        for rules in self._periods.values():
            yield from rules.decisions()

    def periods(self) -> tuple[date, ...]:
        """The days on which some rule begins or ends, ascending."""
        return self._edges
