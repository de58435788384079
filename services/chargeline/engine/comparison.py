"""What other policies would make of the same administrations.

It owns comparing finished drafts of one encounter and saying on each line where another shipped
policy ends differently, because that difference is a compliance decision someone must own.
"""

from collections.abc import Iterable, Mapping, Sequence

from chargeline.engine.drug_lines import DRUG_ROLE, NOT_SERVICES
from chargeline.engine.trace import ChargeLine, Difference, EncounterDraft, Withheld


def with_differences(made: EncounterDraft, alternatives: Sequence[EncounterDraft]) -> EncounterDraft:
    """Say on each line and withheld service where another policy ends differently."""
    ours = _outcomes(made)
    differences: dict[tuple[str, ...], list[Difference]] = {}
    theirs = [(each, _outcomes(each)) for each in alternatives]
    entries: list[ChargeLine | Withheld] = [*made.lines, *made.withheld]
    for keys in {entry.administrations for entry in entries}:
        for other, outcomes in theirs:
            says = _of(outcomes, keys)
            if says != _of(ours, keys):
                rule = _first_differing_rule(made, other, keys)
                differences.setdefault(keys, []).append(Difference(other.policy, says, rule))
    if not differences:
        return made
    lines = tuple(
        line
        if line.role == DRUG_ROLE or line.administrations not in differences
        else line._replace(other_policies=tuple(differences[line.administrations]))
        for line in made.lines
    )
    withheld = tuple(
        entry._replace(other_policies=tuple(differences.get(entry.administrations, ())))
        for entry in made.withheld
    )
    return made._replace(lines=lines, withheld=withheld)


def _outcomes(made: EncounterDraft) -> dict[str, list[str]]:
    """How each administration ended: codes with units and modifiers, or withheld."""
    found: dict[str, list[str]] = {}
    for line in made.lines:
        if line.role == DRUG_ROLE:
            continue
        modifiers = "".join("-" + each for each in line.modifiers)
        for key in line.administrations:
            found.setdefault(key, []).append(f"{line.code}{modifiers} x{line.units}")
    for entry in made.withheld:
        if entry.reason in NOT_SERVICES:
            continue
        for key in entry.administrations:
            found.setdefault(key, []).append("withheld")
    return found


def _of(outcomes: Mapping[str, Sequence[str]], keys: Iterable[str]) -> tuple[str, ...]:
    together = dict.fromkeys(each for key in keys for each in outcomes.get(key, ("a question",)))
    return tuple(together)


def _first_differing_rule(made: EncounterDraft, other: EncounterDraft, keys: tuple[str, ...]) -> str:
    """The first rule in the other policy's reasoning that ours did not use."""
    known: list[ChargeLine | Withheld] = [*made.lines, *made.withheld]
    ours = {rule for entry in known if _about(entry, keys) for rule in _rules(entry)}
    theirs: list[ChargeLine | Withheld] = [*other.lines, *other.withheld]
    for entry in theirs:
        if _about(entry, keys):
            for rule in _rules(entry):
                if rule not in ours:
                    return rule
    return ""


def _about(entry: ChargeLine | Withheld, keys: tuple[str, ...]) -> bool:
    return any(key in entry.administrations for key in keys)


def _rules(entry: ChargeLine | Withheld) -> list[str]:
    return [
        step.decision.rule.id
        for step in entry.trace
        if step.decision is not None and step.decision.rule is not None
    ]
