"""What other policies would make of the same administrations.

It owns saying on each line where another shipped policy ends differently, because that difference
is a compliance decision someone must own. Another policy's end is reckoned with the same functions
as our own, only its words are not written out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.charges import Caps, charge_in_short, charges_of
from chargeline.engine.drug_lines import DRUG_ROLE, NOT_SERVICES
from chargeline.engine.hierarchy import Placed
from chargeline.engine.rules import DayRules
from chargeline.engine.services import Service
from chargeline.engine.trace import ChargeLine, Difference, EncounterDraft, Step, Withheld

_A_QUESTION = ("a question",)


class Alternative(NamedTuple):
    """One encounter under another policy: the services and places that it came to."""

    policy: str
    rules: DayRules
    services: Sequence[Service]
    placed: Placed
    payer: str


def with_differences(
    made: EncounterDraft, services: Sequence[Service], alternatives: Sequence[Alternative]
) -> EncounterDraft:
    """Say on each line and withheld service where another policy ends differently."""
    ours = _outcomes(made)
    theirs = [(each, _alternative_outcomes(each)) for each in alternatives]
    if all(outcomes == ours for _each, outcomes in theirs):
        return made
    our_rules = _our_rules(made)
    causes = {each.policy: _Causes(services, each, our_rules) for each in alternatives}
    entries: list[ChargeLine | Withheld] = [*made.lines, *made.withheld]
    differences: dict[tuple[str, ...], tuple[Difference, ...]] = {}
    for keys in dict.fromkeys(entry.administrations for entry in entries):
        found = [
            Difference(other.policy, says, causes[other.policy].of(keys))
            for other, outcomes in theirs
            if (says := _of(outcomes, keys)) != _of(ours, keys)
        ]
        if found:
            differences[keys] = tuple(found)
    lines = tuple(
        line
        if line.role == DRUG_ROLE or line.administrations not in differences
        else line._replace(other_policies=differences[line.administrations])
        for line in made.lines
    )
    withheld = tuple(
        entry
        if entry.reason in NOT_SERVICES or entry.administrations not in differences
        else entry._replace(other_policies=differences[entry.administrations])
        for entry in made.withheld
    )
    return made._replace(lines=lines, withheld=withheld)


def _outcomes(made: EncounterDraft) -> dict[str, list[str]]:
    """How each administration ended: codes with units and modifiers, or withheld."""
    found: dict[str, list[str]] = {}
    for line in made.lines:
        if line.role == DRUG_ROLE:
            continue
        said = charge_in_short(line.code, line.modifiers, line.units)
        for key in line.administrations:
            found.setdefault(key, []).append(said)
    for entry in made.withheld:
        if entry.reason in NOT_SERVICES:
            continue
        for key in entry.administrations:
            found.setdefault(key, []).append("withheld")
    return found


def _alternative_outcomes(other: Alternative) -> dict[str, list[str]]:
    """The same of another policy, in the same order: lines, then what is withheld."""
    found: dict[str, list[str]] = {}
    held: list[str] = [each.administration.key for each in other.services if each.outcome == "withheld"]
    caps = Caps(other.rules, other.payer)
    for placement in other.placed.placements:
        keys = [each.administration.key for each in placement.services]
        for charge in charges_of(placement, other.rules):
            units, cap = caps.allow(charge.role, charge.units)
            said = charge.said
            if cap is not None and units < charge.units:
                held += keys
                said = charge_in_short(charge.coded.word("code"), charge.modifiers, units) if units else ""
            if said:
                for key in keys:
                    found.setdefault(key, []).append(said)
    held += [each.administration.key for dropped in other.placed.dropped for each in dropped.services]
    for key in held:
        found.setdefault(key, []).append("withheld")
    return found


def _of(outcomes: Mapping[str, Sequence[str]], keys: Iterable[str]) -> tuple[str, ...]:
    together = dict.fromkeys(each for key in keys for each in outcomes.get(key, _A_QUESTION))
    return tuple(together)


class _Causes:
    """Finds the rule that makes a difference between us and one other policy."""

    def __init__(
        self, services: Sequence[Service], other: Alternative, ours: Mapping[str, list[str]]
    ) -> None:
        self._ours = ours
        self._theirs = _alternative_rules(other)
        self._own = {each.administration.key: _rules_of(each.steps) for each in services}
        self._alone = {each.administration.key: _rules_of(each.steps) for each in other.services}
        # An initial service elsewhere moves all the others, so the first such rule may explain them.
        self._anywhere = _first_differing(self._own, self._alone, self._own)

    def of(self, keys: Iterable[str]) -> str:
        """First what the other policy makes of these by themselves, then of others, then their place."""
        return (
            _first_differing(self._own, self._alone, keys)
            or self._anywhere
            or _first_differing(self._ours, self._theirs, keys)
        )


def _first_differing(
    ours: Mapping[str, list[str]], theirs: Mapping[str, list[str]], keys: Iterable[str]
) -> str:
    """The first rule in the other policy's reasoning about some administrations that ours did not use."""
    for key in keys:
        known = ours.get(key, ())
        for rule in theirs.get(key, ()):
            if rule not in known:
                return rule
    return ""


def _rules_of(steps: Iterable[Step]) -> list[str]:
    return [
        step.decision.rule.id
        for step in steps
        if step.decision is not None and step.decision.rule is not None
    ]


def _our_rules(made: EncounterDraft) -> dict[str, list[str]]:
    """The rules behind each administration's end, in the order of the reasoning."""
    found: dict[str, list[str]] = {}
    entries: list[ChargeLine | Withheld] = [*made.lines, *made.withheld]
    for entry in entries:
        for key in entry.administrations:
            found.setdefault(key, []).extend(_rules_of(entry.trace))
    return found


def _alternative_rules(other: Alternative) -> dict[str, list[str]]:
    """The same of another policy."""
    found = {each.administration.key: _rules_of(each.steps) for each in other.services}
    for placement in other.placed.placements:
        rules = _rules_of(placement.steps)
        for charge in charges_of(placement, other.rules):
            decisions = (charge.place, charge.threshold)
            rules += [each.rule.id for each in decisions if each is not None and each.rule]
        for service in placement.services:
            found[service.administration.key] += rules
    for dropped in other.placed.dropped:
        for service in dropped.services:
            found[service.administration.key] += _rules_of(dropped.steps)
    return found
