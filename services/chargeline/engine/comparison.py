"""What other policies would make of the same administrations.

This module owns the sentence on a line that says where another shipped policy ends differently.
Such a difference is a compliance decision, and somebody in the hospital must take it. The module
does not code anything: the families say what each policy makes of an encounter, and the module
compares the ends. An end of an administration is its codes, `withheld`, or a question.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.again import SavedWork
from chargeline.engine.encounters import Assessment
from chargeline.engine.families import FAMILIES
from chargeline.engine.rules import DayRules, UndecidedError
from chargeline.engine.services.records import Service
from chargeline.engine.trace import (
    A_QUESTION,
    WITHHELD,
    ChargeLine,
    Difference,
    EncounterDraft,
    InShort,
    Withheld,
    ends_of,
    keys_of_entry,
    rules_behind,
    rules_of,
)
from chargeline.engine.words import FamilyName

_Ends = Mapping[str, Sequence[str]]
"""How each administration ends: its codes with units and modifiers, or `withheld`."""


class _Other(NamedTuple):
    """What the families of another policy make of the encounter.

    `ends` lacks a family of which all policies end the encounter alike, as one that is paid with
    a stay. `families` lacks a family
    in which that policy has a gap, and `ends` has no end of it then.
    """

    assessment: Assessment
    ends: Mapping[FamilyName, _Ends]
    families: Mapping[FamilyName, InShort]

    @property
    def policy(self) -> str:
        """The name of the other policy."""
        return self.assessment.rules.policy

    def end_of(self, family: FamilyName, keys: Iterable[str]) -> tuple[str, ...]:
        """How some administrations end; with a question where the policy has a gap."""
        in_short = self.families.get(family)
        return _end_of(self.ends[family], keys, in_short.others if in_short else A_QUESTION)


def with_differences(
    draft: EncounterDraft, own: Assessment, others: Sequence[Assessment], saved: SavedWork
) -> EncounterDraft:
    """Say on each line and withheld service where another policy ends differently.

    `own` is the encounter under the draft's own policy, and `others` under other policies.
    """
    theirs = [_other(assessment, saved) for assessment in others]
    compared = [name for name in FAMILIES if any(name in other.ends for other in theirs)]
    ours = {name: ends_of(_of_family(draft, name)) for name in compared}
    if all(other.ends == ours for other in theirs):
        return draft
    differences: dict[_Entry, tuple[Difference, ...]] = {}
    for name in compared:
        entries = _of_family(draft, name)
        causes = _Causes(name, own, rules_behind(entries))
        for keys in dict.fromkeys(keys_of_entry(entry) for entry in entries):
            differences[name, keys] = _differences(keys, ours[name], theirs, causes)
    lines = [line._replace(other_policies=_own(line, differences)) for line in draft.lines]
    withheld = [entry._replace(other_policies=_own(entry, differences)) for entry in draft.withheld]
    return draft._replace(lines=tuple(lines), withheld=tuple(withheld))


_Entry = tuple[FamilyName, tuple[str, ...]]
"""A family, and by what an entry of it is compared."""


def _differences(
    keys: tuple[str, ...], ours: _Ends, theirs: Sequence[_Other], causes: "_Causes"
) -> tuple[Difference, ...]:
    """Where other policies end some administrations differently, within one family."""
    end = _end_of(ours, keys, A_QUESTION)
    differences = []
    for other in theirs:
        says = other.end_of(causes.family, keys)
        if says != end:
            rule = causes.of(keys, other, _codes(end) == _codes(says))
            differences.append(Difference(other.policy, says, rule, end))
    return tuple(differences)


def _entries(draft: EncounterDraft) -> list[ChargeLine | Withheld]:
    return [*draft.lines, *draft.withheld]


def _own(
    entry: ChargeLine | Withheld, differences: Mapping[_Entry, tuple[Difference, ...]]
) -> tuple[Difference, ...]:
    """The differences of one entry; none where the entry's family is not compared."""
    return next(
        (
            differences[name, keys_of_entry(entry)]
            for name in FAMILIES
            if name == entry.family and (name, keys_of_entry(entry)) in differences
        ),
        (),
    )


def _of_family(draft: EncounterDraft, family: FamilyName) -> list[ChargeLine | Withheld]:
    return [entry for entry in _entries(draft) if entry.family == family]


def _other(assessment: Assessment, saved: SavedWork) -> _Other:
    families: dict[FamilyName, InShort] = {}
    ends: dict[FamilyName, _Ends] = {}
    for name, family in FAMILIES.items():
        if assessment.encounter.is_of_stay and not family.beside_stay:
            continue
        try:
            in_short = family.in_short(assessment, saved)
        except UndecidedError:
            ends[name] = {}  # under that policy the whole family would be a question
            continue
        if in_short is not None:
            families[name] = in_short
            ends[name] = in_short.ends
    return _Other(assessment, ends, families)


def _end_of(ends: _Ends, keys: Iterable[str], others: Sequence[str]) -> tuple[str, ...]:
    ends_of_keys: list[str] = []
    for key in keys:
        ends_of_keys += ends.get(key) or others
    return tuple(dict.fromkeys(ends_of_keys))


class _Causes:
    """Finds the rule that makes a difference between our policy and another one, in one family."""

    def __init__(
        self, family: FamilyName, own: Assessment, ours: Mapping[str, Sequence[str]]
    ) -> None:
        self.family = family
        self._ours = ours
        self._ours_alone = _alone(own.services) if FAMILIES[family].rests_on_services else {}
        self._our_rules = own.rules
        # By policy, because every line asks for them.
        self._theirs: dict[str, _RulesOfOther] = {}

    def of(self, keys: Sequence[str], other: _Other, has_same_codes: bool) -> str:
        """The id of the rule that makes the difference, "" where no rule differs.

        The search has four stages: rules that judge these administrations by themselves; rules on
        their place that only one of the policies has; rules that judge any other administration by
        itself; and any rule on their place. The third stage is needed because an administration
        that becomes the initial service moves all others. Example: two hours of vancomycin beside
        30 minutes of pembrolizumab are initial under the guide. Under Medicare pembrolizumab is
        chemotherapy and therefore initial, so the rule on pembrolizumab is the cause of the other
        code of vancomycin. Rules that count hours belong to the second stage only where the codes
        are the same and the units differ.
        """
        theirs = self._theirs.get(other.policy)
        if theirs is None:
            theirs = self._theirs[other.policy] = self._rules_of(other)
        apart = _only_theirs(self._our_rules, other.assessment.rules, has_same_codes)
        apart_in_place = {
            key: [rule for rule in theirs.in_place.get(key, ()) if rule in apart] for key in keys
        }
        return (
            _first_differing(self._ours_alone, theirs.alone, keys)
            or _first_differing(self._ours, apart_in_place, keys)
            or theirs.first_alone
            or _first_differing(self._ours, theirs.in_place, keys)
        )

    def _rules_of(self, other: _Other) -> "_RulesOfOther":
        family = FAMILIES[self.family]
        alone = _alone(other.assessment.services) if family.rests_on_services else {}
        in_short = other.families.get(self.family)
        in_place = in_short.rules() if in_short is not None else {}
        first = _first_differing(self._ours_alone, alone, self._ours_alone)
        return _RulesOfOther(alone, first, in_place)


class _RulesOfOther(NamedTuple):
    """The rules of another policy by administration: those that judge it by itself, the first of
    these that we do not use, and those on its place.
    """

    alone: Mapping[str, Sequence[str]]
    first_alone: str
    in_place: Mapping[str, Sequence[str]]


@lru_cache(maxsize=1_000)  # a few policies, a few periods
def _only_theirs(ours: DayRules, theirs: DayRules, with_hours: bool) -> frozenset[str]:
    """The rules on places that decide under the other policy and cannot decide under ours.

    Ours lacks them, or has a rule of its own that overrides them.
    """
    own = {rule.id: rule for rule in ours.rules()}
    shared = {rule.id for rule in theirs.rules() if rule.id in own}
    beaten = {name for rule in own.values() if rule.id not in shared for name in rule.overrides}
    return frozenset(
        [
            rule.id
            for rule in theirs.rules()
            if (rule.id not in shared or rule.id in beaten)
            and (with_hours or rule.concern.name.startswith("position."))
        ]
    )


def _codes(ends: Sequence[str]) -> list[str]:
    """The codes of some ends without their units; `withheld` beside a code is units above a cap."""
    codes = list(dict.fromkeys([end.split(" ")[0] for end in ends]))
    return [code for code in codes if code != WITHHELD] or codes


def _alone(services: Sequence[Service]) -> dict[str, list[str]]:
    """The rules that judge each administration by itself, without its place among others."""
    return {service.administration.key: rules_of(service.steps) for service in services}


def _first_differing(
    ours: Mapping[str, Sequence[str]], theirs: Mapping[str, Sequence[str]], keys: Iterable[str]
) -> str:
    """The first rule that the other policy uses for these administrations and ours does not."""
    for key in keys:
        used = ours.get(key, ())
        for rule in theirs.get(key, ()):
            if rule not in used:
                return rule
    return ""
