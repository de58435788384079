"""From the TOML files of the rules folder to rules.

This module owns the shape of a [[rule]] entry: its keys, and the notation of conditions and
answers. It checks each word against the engine's closed vocabulary and the named sets of sets.toml;
a rule may write the name of a set wherever it may write one of its words. It does not know which
rule wins; the engine does.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from chargeline.engine import (
    CONCERNS,
    Concern,
    Condition,
    Field,
    Finding,
    FindingCode,
    Rule,
    Value,
)
from chargeline.rulebook.files import entries_of, place_of, read_toml

_RULE_KEYS = frozenset(
    {"id", "decides", "from", "until", "when", "then", "why", "cite", "overrides", "other"}
)
NUMBER_MOST = 1_000_000
"""The largest number that a rule may answer: no minutes, ranks or days are more."""
_POLICY_KEYS = frozenset({"name", "describes"})  # the head of a policy.toml

Sets = Mapping[str, Mapping[str, frozenset[str]]]
"""The named sets of each fact, with their words."""


def parse_sets(path: Path, mistakes: list[Finding]) -> Sets:
    """The named sets of sets.toml. Each fact has a table of names, each name a list of words."""
    words_of_fact: dict[str, set[str]] = {}
    for concern in CONCERNS.values():
        for field in concern.facts.values():
            words_of_fact.setdefault(field.name, set()).update(field.words)
    sets: dict[str, dict[str, frozenset[str]]] = {}
    for fact, table in read_toml(path, mistakes).items():
        allowed = words_of_fact.get(fact, set())
        named = table if isinstance(table, dict) else {}
        for name, members in named.items():
            strange = (
                sorted(map(str, set(members) - allowed)) if isinstance(members, list) else [name]
            )
            if strange or name in allowed or not members:
                mistakes.append(
                    Finding(
                        "rules.value",
                        expected=f"a name of its own, and words of {fact}: "
                        f"{', '.join(sorted(allowed))}",
                        found=", ".join(strange) or name,
                        where=f"{place_of(path)} [{fact}] {name}",
                        do="correct the set",
                    )
                )
                continue
            sets.setdefault(fact, {})[name] = frozenset(members)
    return sets


class RuleReader:
    """Reads the rule files of one rulebook and collects their mistakes."""

    def __init__(self, sources: Mapping[str, str], sets: Sets, mistakes: list[Finding]) -> None:
        self.sources = sources
        self.sets = sets
        self.mistakes = mistakes

    def rules_of(self, path: Path, layer: str) -> list[Rule]:
        """All rules of one file except those with mistakes."""
        rules = []
        entries = entries_of(path, "rule", _POLICY_KEYS, self.mistakes)
        for index, entry in enumerate(entries, start=1):
            place = f"{layer}/{path.name} rule {index} ({entry.get('id', 'without id')})"
            parser = _RuleParser(entry, place=place, layer=layer, reader=self)
            rule = parser.parse()
            self.mistakes.extend(parser.mistakes)
            if rule is not None:
                rules.append(rule)
        return rules


class _RuleParser:
    """One [[rule]] entry; collects its mistakes."""

    def __init__(
        self, entry: Mapping[str, object], *, place: str, layer: str, reader: RuleReader
    ) -> None:
        self.entry = entry
        self.place = place
        self.layer = layer
        self.reader = reader
        self.mistakes: list[Finding] = []

    def parse(self) -> Rule | None:
        """The rule, or None if it has mistakes."""
        for key in sorted(set(self.entry) - _RULE_KEYS):
            allowed = ", ".join(sorted(_RULE_KEYS))
            self._wrong("rules.key", f"one of the keys {allowed}", repr(key), "remove or rename it")
        concern = CONCERNS.get(str(self.entry.get("decides")))
        if concern is None:
            allowed = ", ".join(CONCERNS)
            found = repr(self.entry.get("decides"))
            self._wrong("rules.value", f"decides = one of {allowed}", found, "correct it")
            return None
        starts = self._day("from", required=True)
        ends = self._day("until", required=False)
        if starts and ends and ends <= starts:
            found = f"{starts} to {ends}"
            do = "write the first day on which the rule no longer holds"
            self._wrong("rules.date", "until after from", found, do)
        rule_id, why = self._text("id"), self._text("why")
        when, then = self._when(concern), self._then(concern)
        cite, overrides, other = self._cite(), self._texts("overrides"), self._texts("other")
        if self.mistakes:
            return None
        return Rule(
            id=rule_id,
            concern=concern,
            layer=self.layer,
            starts=starts or date.min,
            ends=ends,
            when=when,
            then=then,
            answer=concern.answer_of(dict(then)),
            why=why,
            cite=cite,
            overrides=tuple(overrides),
            other=tuple(other),
            place=self.place,
        )

    def _wrong(self, code: FindingCode, expected: str, found: str, do: str) -> None:
        finding = Finding(code, expected=expected, found=found, where=self.place, do=do)
        self.mistakes.append(finding)

    def _text(self, key: str) -> str:
        value = self.entry.get(key)
        if not isinstance(value, str) or not value.strip():
            self._wrong("rules.key", f"{key} = a text", repr(value), f"give the rule its {key}")
            return ""
        return value

    def _texts(self, key: str) -> list[str]:
        value = self.entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            expected = f"{key} = a list of texts"
            self._wrong("rules.value", expected, repr(value), "write it in brackets")
            return []
        return value

    def _day(self, key: str, *, required: bool) -> date | None:
        value = self.entry.get(key)
        if value is None and not required:
            return None
        if type(value) is not date:
            expected = f"{key} = a date such as 2026-01-01"
            self._wrong("rules.date", expected, repr(value), "write the day without quotes")
            return None
        return value

    def _cite(self) -> tuple[str, ...]:
        cite = self._texts("cite")
        if not cite:
            expected = "cite = at least one source"
            self._wrong("rules.cite", expected, "none", "name a key of sources.toml")
        for key in cite:
            if key not in self.reader.sources:
                do = "add the source there, or correct the key"
                self._wrong("rules.cite", "a source of sources.toml", repr(key), do)
        return tuple(cite)

    # ------------------------------------------------------------------ when

    def _when(self, concern: Concern[Any, Any]) -> tuple[Condition, ...]:
        value = self.entry.get("when", {})
        if not isinstance(value, dict):
            self._wrong("rules.value", "when = { fact = value }", repr(value), "write a table")
            return ()
        conditions = [self._condition(concern, fact, value[fact]) for fact in sorted(value)]
        return tuple(condition for condition in conditions if condition is not None)

    def _condition(self, concern: Concern[Any, Any], fact: str, wanted: object) -> Condition | None:
        field = concern.facts.get(fact)
        if field is None:
            allowed = ", ".join(concern.facts) or "none"
            expected = f"a fact of {concern.name} ({allowed})"
            self._wrong("rules.key", expected, repr(fact), "correct the name of the fact")
            return None
        if field.is_number:
            return self._range(fact, wanted)
        excluded = isinstance(wanted, dict) and set(wanted) == {"not"}
        listed = wanted["not"] if excluded and isinstance(wanted, dict) else wanted
        named = [listed] if isinstance(listed, str) else listed
        if not isinstance(named, list) or not _is_list_of_texts(named):
            expected = f"{fact} = a word, a list of words, or {{ not = words }}"
            self._wrong("rules.value", expected, repr(wanted), "correct the value")
            return None
        return Condition(fact, self._members(field, named), excluded=excluded)

    def _members(self, field: Field, named: Sequence[str]) -> frozenset[str]:
        """The words of a condition, with the words of a set in place of its name."""
        sets = self.reader.sets.get(field.name, {})
        members: set[str] = set()
        for name in named:
            if field.words and name not in field.words and name not in sets:
                allowed = ", ".join([*field.words, *sets])
                expected = f"{field.name} = one of {allowed}"
                self._wrong("rules.value", expected, repr(name), "correct the word")
            members |= sets.get(name, {name}) if name not in field.words else {name}
        if field.name == "payer":
            return frozenset([name.upper() for name in members])  # a rule names payers in any case
        return frozenset(members)

    def _range(self, fact: str, wanted: object) -> Condition | None:
        if not isinstance(wanted, dict) or not wanted or set(wanted) - {"at_least", "at_most"}:
            expected = f"{fact} = {{ at_least = n, at_most = n }}"
            self._wrong("rules.value", expected, repr(wanted), "correct the range")
            return None
        bounds = [wanted.get("at_least"), wanted.get("at_most")]
        if any(bound is not None and type(bound) is not int for bound in bounds):
            self._wrong("rules.value", "whole numbers", repr(wanted), "write whole numbers")
            return None
        return Condition(fact, least=bounds[0], most=bounds[1])

    # ------------------------------------------------------------------ then

    def _then(self, concern: Concern[Any, Any]) -> tuple[tuple[str, Value], ...]:
        value = self.entry.get("then")
        if not isinstance(value, dict) or not value:
            expected = "then = { answer = value }"
            self._wrong("rules.value", expected, repr(value), "say what the rule decides")
            return ()
        for field in concern.answers.values():
            if field.required and field.name not in value:
                expected = f"{field.name} in the answer of {concern.name}"
                self._wrong("rules.key", expected, "none", "say it in `then`")
        mistakes = answer_mistakes(concern, value)
        for expected, found, do in mistakes:
            self._wrong("rules.value", expected, found, do)
        return tuple([(key, value[key]) for key in sorted(value)])


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)


def answer_mistakes(
    concern: Concern[Any, Any], answers: Mapping[str, object]
) -> list[tuple[str, str, str]]:
    """The mistakes in the answers of a rule, each as expected, found and what to do."""
    mistakes = []
    for key, value in sorted(answers.items()):
        field = concern.answers.get(key)
        if field is None:
            allowed = ", ".join(concern.answers)
            mistakes.append((f"an answer of {concern.name} ({allowed})", repr(key), "correct it"))
        elif field.is_number and (type(value) is not int or not 0 <= value <= NUMBER_MOST):
            expected = f"{key} = a whole number from 0 to {NUMBER_MOST}"
            mistakes.append((expected, repr(value)[:40], "correct the value"))
        elif field.is_text and not isinstance(value, str):
            mistakes.append((f"{key} = a text", repr(value), "put it in quotes"))
        elif field.words and value not in field.words:
            mistakes.append(
                (f"{key} = one of {', '.join(field.words)}", repr(value), "correct the word")
            )
    return mistakes
