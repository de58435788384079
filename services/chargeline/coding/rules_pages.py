"""`chargeline rules`: the texts of check, list, show and diff.

It owns the layout of these texts. A coder reads a rule here as the rule stands in its file, with
its policy and the rules that it overrides. It finds no mistake itself: the package `rulebook`
checks the rules and runs their cases.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from chargeline.engine import Finding, Policy, Rule, Rulebook
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import make_profile
from chargeline.rulebook.cases import read_cases, run_case
from chargeline.rulebook.checking import check_rulebook
from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.loading import interface_names, read_interface
from chargeline.rulebook.proving import unproven
from chargeline.rulebook.trying import in_words


class Checked(NamedTuple):
    """The result of a check of a rulebook.

    `notes` name the rules that no case tests. They are no mistakes, and they are listed only if
    there are no mistakes.
    """

    mistakes: list[Finding]
    notes: list[Finding]
    summary: str


def check(rulebook: Rulebook, folder: Path) -> Checked:
    """All mistakes of a rulebook that could be loaded.

    A mistake is a gap, a clash, a case that fails, an answer that no case tests, or a mistake in an
    interface profile.
    """
    mistakes = [*check_rulebook(rulebook), *_profile_mistakes(folder)]
    files = sorted(folder.rglob("*.cases.toml"))
    cases = read_cases(files, rulebook, mistakes)
    for case in cases:
        mistakes.extend(run_case(case, rulebook))
    without_proof = unproven(cases, rulebook)
    mistakes.extend(without_proof.answers)
    rules = {rule.id for policy in rulebook.policies.values() for rule in policy.rules}
    mistaken = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    summary = (
        f"rulebook {rulebook.version}: {len(rulebook.policies)} policies, {len(rules)} rules, "
        f"{len(cases)} cases, {len(rulebook.formulary.drugs)} drugs; {mistaken}"
    )
    return Checked(mistakes, [] if mistakes else without_proof.rules, summary)


def _profile_mistakes(folder: Path) -> Iterator[Finding]:
    for name in interface_names(folder):
        try:
            make_profile(read_interface(folder, name))
        except RulebookError as error:
            yield from error.findings
        except Hl7Error as error:
            yield Finding(
                "rules.interface",
                expected=error.finding.expected,
                found=error.finding.found,
                where=f"interfaces/{name}",
                do=error.finding.do,
            )


_TABLE_COLUMNS = 95
"""The columns of id, layer and concern; a page of at least so much more has the reason beside."""


def listing(rulebook: Rulebook, width: int) -> Iterator[str]:
    """Each rule: its id, its layer (base or a policy), what it decides, and why.

    No line is longer than `width`, if no word is. Each rule begins at the left, and what does not
    fit beside or below it is indented.
    """
    for rule in sorted(_rules(rulebook).values(), key=lambda rule: (rule.concern.name, rule.id)):
        if width >= _TABLE_COLUMNS + 40:
            head = f"{rule.id:<44} {rule.layer:<20} {rule.concern.name:<28}"
            yield from wrap(f"{head} {rule.why}", width, **_BESIDE)
        else:
            yield from wrap(f"{rule.id}  {rule.layer}  {rule.concern.name}", width, **_BELOW)
            yield from wrap(f"    {rule.why}", width, **_BELOW)


_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
_BESIDE = {**_WHOLE_WORDS, "subsequent_indent": " " * _TABLE_COLUMNS}
_BELOW = {**_WHOLE_WORDS, "subsequent_indent": "    "}


def show(rulebook: Rulebook, rule_id: str) -> list[str]:
    """One rule in full; raises KeyError if no rule has this id."""
    rules = _rules(rulebook)
    rule = rules[rule_id]
    until = rule.ends.isoformat() if rule.ends else "further notice"
    lines = [
        rule.id,
        f"  {rule.why}",
        f"  decides   {rule.concern.name}",
        f"  in force  {rule.starts.isoformat()} until {until}",
        f"  when      {_when(rule)}",
        f"  then      {', '.join(f'{key} = {value}' for key, value in rule.then)}",
        f"  place     {rule.place}",
    ]
    lines += [f"  cites     {rulebook.sources.get(key, key)}" for key in rule.cite]
    lines += [f"  others    {position}" for position in rule.other]
    lines += [f"  overrides {name}" for name in rule.overrides]
    lines += [
        f"  overridden by {other.id} ({other.layer})" for other in _overriding(rules, rule_id)
    ]
    return lines


def _overriding(rules: dict[str, Rule], rule_id: str) -> list[Rule]:
    return [other for other in rules.values() if rule_id in other.overrides]


def _when(rule: Rule) -> str:
    return "; ".join([in_words(condition) for condition in rule.when]) or "always"


def difference(rulebook: Rulebook, first: str, second: str) -> list[str]:
    """The rules that only one of two policies has, grouped by what they decide."""
    ours, theirs = rulebook.policies[first], rulebook.policies[second]
    lines = []
    for concern in sorted({rule.concern.name for rule in (*ours.rules, *theirs.rules)}):
        only_ours, only_theirs = _only(ours, theirs, concern), _only(theirs, ours, concern)
        if not only_ours and not only_theirs:
            continue
        lines.append(concern)
        for name, rules in ((first, only_ours), (second, only_theirs)):
            for rule in rules:
                lines.append(f"  {name}: {rule.why} [{rule.id}]")
                lines += [f"      instead of {overridden}" for overridden in rule.overrides]
    return lines or [f"{first} and {second} say the same."]


def _only(ours: Policy, theirs: Policy, concern: str) -> list[Rule]:
    ids = {rule.id for rule in theirs.rules}
    return [rule for rule in ours.rules if rule.concern.name == concern and rule.id not in ids]


def _rules(rulebook: Rulebook) -> dict[str, Rule]:
    return {rule.id: rule for policy in rulebook.policies.values() for rule in policy.rules}
