"""How two lists of charges of one visit differ: two drafts of it, charge by charge.

It owns which charges belong together, and the word for how they differ. Charges belong together
that bill the same administrations, or the same thing without any: two hours of vancomycin as 96367
and 96366 in one draft stand beside 96417 and 96415 in the other. What both have alike is left out.
Money is for whoever has the prices.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, NamedTuple

from chargeline.engine.codes import CODE
from chargeline.engine.rules import Rule
from chargeline.engine.trace import ChargeLine, Draft, Step, Withheld, keys_of_entry

DifferenceKind = Literal[
    "dropped",  # only the first has it, and the second bills nothing in its place
    "added",  # only the second has it
    "code",  # another code for the same
    "units",  # the same codes with other units
    "modifier",  # the same codes and units with other modifiers
    "day",  # the same on another day of service
    "asked",  # the second asks a person, and bills nothing until somebody answers
]


class BilledCharge(NamedTuple):
    """A charge as a bill has it; `modifiers` are sorted, because their order means nothing."""

    code: str
    modifiers: tuple[str, ...]
    units: int
    day: date


class ChargeDifference(NamedTuple):
    """Charges that belong together and differ: `before` has only the first, `after` the second.

    `rule` is the id of the rule that makes the difference, the code of the question where the
    second asks, or "" where no rule differs. `line_id` is a line of the first draft, else of the
    second. `provisional`: an open question may change it.
    """

    kind: DifferenceKind
    drug: str
    before: tuple[BilledCharge, ...]
    after: tuple[BilledCharge, ...]
    rule: str
    line_id: str
    provisional: bool

    @property
    def day(self) -> date:
        """The first day of service of its charges."""
        return min([charge.day for charge in (*self.before, *self.after)])


def charge_of(line: ChargeLine) -> BilledCharge:
    """A line as a bill has it."""
    return BilledCharge(line.code, tuple(sorted(line.modifiers)), line.units, line.service_date)


def only_in(
    before: Iterable[BilledCharge], after: Iterable[BilledCharge]
) -> tuple[tuple[BilledCharge, ...], tuple[BilledCharge, ...]]:
    """What only the first and only the second of two lists has, sorted."""
    first, second = Counter(before), Counter(after)
    return (
        tuple(sorted((first - second).elements())),
        tuple(sorted((second - first).elements())),
    )


def kind_of(before: Sequence[BilledCharge], after: Sequence[BilledCharge]) -> DifferenceKind:
    """How charges that belong together differ; the first thing that differs is the word for it."""
    if not after:
        return "dropped"
    if not before:
        return "added"
    if {charge.code for charge in before} != {charge.code for charge in after}:
        return "code"
    if _units(before) != _units(after):
        return "units"
    if {(c.code, c.modifiers) for c in before} != {(c.code, c.modifiers) for c in after}:
        return "modifier"
    return "day"


def _units(charges: Iterable[BilledCharge]) -> Counter[str]:
    units: Counter[str] = Counter()
    for charge in charges:
        units[charge.code] += charge.units
    return units


def draft_differences(before: Draft, after: Draft, policy: str = "") -> list[ChargeDifference]:
    """Where two drafts of one visit bill differently, by day and code.

    Where `before` was compared with the named policy, under which `after` was drafted, its lines
    say which rule makes the difference; else it is the first rule of the reasoning that only one
    of the two has, in this wording.
    """
    differences = []
    for group in _groups(before, after):
        ours, theirs = only_in(map(charge_of, group.before), map(charge_of, group.after))
        if ours or theirs:
            differences.append(_difference(group, ours, theirs, policy))
    return sorted(differences, key=lambda one: (one.day, one.before, one.after, one.line_id))


class _BilledTogether(NamedTuple):
    """The lines of two drafts that belong together, and what else each says of the same things.

    `asked` is the code of the first question of the second draft about them, "" for none.
    """

    before: list[ChargeLine]
    after: list[ChargeLine]
    withheld_before: list[Withheld]
    withheld_after: list[Withheld]
    asked: str


def _groups(before: Draft, after: Draft) -> list[_BilledTogether]:
    """The lines of two drafts of a visit, those together that share what they bill."""
    together = _JoinedKeys()
    for line in (*before.lines, *after.lines):
        together.join([(line.family, key) for key in keys_of_entry(line)])
    withheld_before, withheld_after = _withheld(before), _withheld(after)
    questions = [q for encounter in after.encounters for q in encounter.questions]
    groups = []
    for keys in together.groups():
        names = {name for _family, name in keys}
        asked = [
            question.finding.code
            for question in (*questions, *after.questions)
            if names.intersection(question.administrations or (question.drug,))
        ]
        groups.append(
            _BilledTogether(
                before=_of_keys(before.lines, keys),
                after=_of_keys(after.lines, keys),
                withheld_before=[w for w in withheld_before if names & {*keys_of_entry(w)}],
                withheld_after=[w for w in withheld_after if names & {*keys_of_entry(w)}],
                asked=next(iter(asked), ""),
            )
        )
    return groups


def _withheld(draft: Draft) -> list[Withheld]:
    return [entry for encounter in draft.encounters for entry in encounter.withheld]


def _of_keys(lines: Iterable[ChargeLine], keys: set[tuple[str, str]]) -> list[ChargeLine]:
    return [line for line in lines if (line.family, keys_of_entry(line)[0]) in keys]


class _JoinedKeys:
    """Sets of keys that grow together where one entry has keys of several."""

    def __init__(self) -> None:
        self._group_of: dict[tuple[str, str], set[tuple[str, str]]] = {}

    def join(self, keys: Sequence[tuple[str, str]]) -> None:
        """Note that some keys belong together."""
        whole = set(keys).union(*[self._group_of.get(key, ()) for key in keys])
        for key in whole:
            self._group_of[key] = whole

    def groups(self) -> list[set[tuple[str, str]]]:
        """The sets, in the order in which they began."""
        return list({id(group): group for group in self._group_of.values()}.values())


def _difference(
    group: _BilledTogether,
    ours: tuple[BilledCharge, ...],
    theirs: tuple[BilledCharge, ...],
    policy: str,
) -> ChargeDifference:
    lines = [*group.before, *group.after]
    differing = next((line for line in group.before if charge_of(line) in ours), lines[0])
    asks = bool(group.asked) and not group.after and not group.withheld_after
    return ChargeDifference(
        kind="asked" if asks else kind_of(ours, theirs),
        drug=differing.drug,
        before=ours,
        after=theirs,
        rule=group.asked if asks else _rule(group, differing, policy),
        line_id=differing.line_id,
        provisional=any(line.provisional for line in lines),
    )


def _rule(group: _BilledTogether, differing: ChargeLine, policy: str) -> str:
    """The id of the rule that makes the difference, "" where none does."""
    entries: list[ChargeLine | Withheld] = [
        differing,
        *group.before,
        *group.withheld_before,
    ]
    told = [d.rule for e in entries for d in e.other_policies if d.policy == policy and d.rule]
    if policy and told:
        return told[0]
    ours = _rules([*group.before, *group.withheld_before])
    theirs = _rules([*group.after, *group.withheld_after])
    wordings = {_wording(rule) for rule in ours}, {_wording(rule) for rule in theirs}
    apart = [
        *[rule for rule in theirs if _wording(rule) not in wordings[0]],
        *[rule for rule in ours if _wording(rule) not in wordings[1]],
    ]
    # Another role has another code in any case, so that its code is the cause only by itself.
    return next((rule.id for rule in sorted(apart, key=_says_a_code)), "")


def _rules(entries: Iterable[ChargeLine | Withheld]) -> list[Rule]:
    return [rule for entry in entries for rule in _rules_of_steps(entry.trace)]


def _rules_of_steps(steps: Iterable[Step]) -> list[Rule]:
    decisions = [step.decision for step in steps if step.decision is not None]
    return [decision.rule for decision in decisions if decision.rule is not None]


def _says_a_code(rule: Rule) -> bool:
    return rule.concern.name == CODE.name


def last_rule(steps: Iterable[Step]) -> str:
    """The id of the rule that decided last, not counting the code of a role; "" for none."""
    rules = [rule.id for rule in _rules_of_steps(steps) if not _says_a_code(rule)]
    return rules[-1] if rules else ""


def _wording(rule: Rule) -> tuple[object, ...]:
    """What a rule says: two rules of one id may say different things in two folders."""
    return (rule.id, rule.starts, rule.ends, rule.when, rule.then)
