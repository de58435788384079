"""Rules as values, and the one way in which they decide.

It owns the meaning of a rule: in force on a day, applies when its facts hold, strikes out the
rules it names; exactly one must remain. It does not know files (the rulebook edge reads them)
nor what any rule says. No rule left is a `NoRule`, two are a `Clash`, and both are values.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from chargeline.engine.vocabulary import CONCERNS, MINUTES

Answer = str | int


class Condition(NamedTuple):
    """One fact that must hold: one of `words`, or a number from `least` to `most` (both inclusive)."""

    fact: str
    words: frozenset[str]
    least: int | None
    most: int | None

    def holds(self, value: Answer) -> bool:
        """Whether the fact's value meets the condition."""
        if isinstance(value, int):
            return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        return value in self.words


class Rule(NamedTuple):
    """One dated, cited rule. `starts` inclusive, `ends` exclusive (None: still in force)."""

    id: str
    concern: str
    layer: str
    starts: date
    ends: date | None
    when: tuple[Condition, ...]
    then: tuple[tuple[str, Answer], ...]
    why: str
    cite: tuple[str, ...]
    overrides: tuple[str, ...]
    place: str

    def in_force(self, day: date) -> bool:
        """Whether the rule holds for a service on that day."""
        return self.starts <= day and (self.ends is None or day < self.ends)


class Decision(NamedTuple):
    """The rule that remained, its answers, and the rules that it was preferred to.

    `rule` is None when no rule applies; `clash` names the rules when more than one remained.
    """

    concern: str
    rule: Rule | None
    answers: Mapping[str, Answer]
    passed_over: tuple[Rule, ...]
    clash: tuple[Rule, ...]

    def word(self, key: str) -> str:
        """A word of the answer; "" where the rule says none."""
        value = self.answers.get(key, "")
        assert isinstance(value, str), f"{self.concern}.{key} is a word"
        return value

    def number(self, key: str) -> int:
        """A number of the answer; 0 where the rule says none."""
        value = self.answers.get(key, 0)
        assert isinstance(value, int), f"{self.concern}.{key} is a number"
        return value


class Decisions:
    """Equal tables and equal decisions of several policies, kept once.

    Where two policies say the same, they give the very same objects, so that a comparison of what
    they make of a visit can stop at identity.
    """

    def __init__(self) -> None:
        self._tables: dict[tuple[str, tuple[Rule, ...]], Table] = {}
        self._decisions: dict[tuple[str, Rule | None, tuple[Rule, ...], tuple[Rule, ...]], Decision] = {}

    def table(self, concern: str, rules: Iterable[Rule]) -> "Table":
        """The table of these rules."""
        ordered = tuple(sorted(rules, key=lambda rule: rule.id))
        return self._tables.setdefault((concern, ordered), Table(concern, ordered, self))

    def decision(self, made: Decision) -> Decision:
        """The decision equal to this one that was made first."""
        return self._decisions.setdefault((made.concern, made.rule, made.passed_over, made.clash), made)


class Table:
    """The rules of one concern in force on one day; decisions are remembered."""

    def __init__(self, concern: str, rules: tuple[Rule, ...], shared: Decisions) -> None:
        self.concern = CONCERNS[concern]
        self.rules = rules
        self._shared = shared
        self._names = tuple(self.concern.facts)
        self._memo: dict[tuple[Answer, ...], Decision] = {}
        self.bounds = self._find_bounds()

    def _find_bounds(self) -> tuple[int, ...]:
        """The minutes at which some rule begins or ceases to hold, ascending."""
        found = set()
        for rule in self.rules:
            for condition in rule.when:
                if condition.fact == MINUTES:
                    found.update([condition.least] if condition.least is not None else [])
                    found.update([condition.most + 1] if condition.most is not None else [])
        return tuple(sorted(found))

    def band(self, minutes: int) -> int:
        """The least number of minutes that every rule treats as it treats `minutes`."""
        index = bisect_right(self.bounds, minutes)
        return self.bounds[index - 1] if index else 0

    def decide(self, *facts: Answer) -> Decision:
        """Decide from facts in the order of the vocabulary; minutes must come from `band`."""
        known = self._memo.get(facts)
        if known is None:
            assert len(facts) == len(self._names), f"{self.concern.name} takes {self._names}"
            made = self._resolve(dict(zip(self._names, facts, strict=True)))
            known = self._memo[facts] = self._shared.decision(made)
        return known

    def _resolve(self, facts: Mapping[str, Answer]) -> Decision:
        applying = [rule for rule in self.rules if all(each.holds(facts[each.fact]) for each in rule.when)]
        struck = {overridden for rule in applying for overridden in rule.overrides}
        remaining = [rule for rule in applying if rule.id not in struck]
        passed_over = tuple(rule for rule in applying if rule.id in struck)
        name = self.concern.name
        if len(remaining) == 1:
            return Decision(name, remaining[0], dict(remaining[0].then), passed_over, ())
        return Decision(name, None, {}, passed_over, tuple(remaining))


class DayRules:
    """One policy's rules in force on one day: a table for each concern."""

    def __init__(self, policy: str, day: date, rules: Iterable[Rule], shared: Decisions) -> None:
        self.policy = policy
        self.charges: dict[tuple[Answer, ...], Any] = {}  # reckoned by charges.py, kept here
        in_force = [rule for rule in rules if rule.in_force(day)]
        by_concern: dict[str, list[Rule]] = {name: [] for name in CONCERNS}
        for rule in in_force:
            by_concern[rule.concern].append(rule)
        self.tables = {name: shared.table(name, found) for name, found in by_concern.items()}

    def __getitem__(self, concern: str) -> Table:
        return self.tables[concern]


class Policy:
    """All rules of one policy, its base layers included, over all dates."""

    def __init__(self, name: str, describes: str, rules: Iterable[Rule], shared: Decisions) -> None:
        self.name = name
        self._shared = shared
        self.describes = describes
        self.rules = tuple(sorted(rules, key=lambda rule: rule.id))
        self._edges = tuple(
            sorted({day for rule in self.rules for day in (rule.starts, rule.ends) if day is not None})
        )
        self._periods: dict[int, DayRules] = {}

    def on(self, day: date) -> DayRules:
        """The rules in force on a day; days of one period share the same object."""
        period = bisect_right(self._edges, day)
        known = self._periods.get(period)
        if known is None:
            known = self._periods[period] = DayRules(self.name, day, self.rules, self._shared)
        return known

    def periods(self) -> tuple[date, ...]:
        """The days on which some rule begins or ends, ascending."""
        return self._edges
