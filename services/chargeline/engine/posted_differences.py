"""What another system posted of a visit beside what is drafted: infusions, injections and drugs.

It owns which posted charges are compared, and which belong to which drafted line. Visits with a
practitioner and courses of radiation are compared by their own families, as edits and questions.
A posted code that no rule here speaks of is counted and not judged: a hospital posts far more than
infusions. It changes no line.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

from chargeline.engine.differing import (
    BilledCharge,
    ChargeDifference,
    charge_of,
    kind_of,
    last_rule,
    only_in,
)
from chargeline.engine.office_visits.posted import posted_beside
from chargeline.engine.posted_charges import StandingCharges, standing_charges
from chargeline.engine.rulebooks import Rulebook
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import ChargeLine, Draft
from chargeline.engine.words import FamilyName

_COMPARED: tuple[FamilyName, ...] = ("infusions", "drugs")


class PostedComparison(NamedTuple):
    """The posted charges of a visit beside its draft.

    In a difference `before` is what was posted and `after` what is drafted: `dropped` was posted
    and is not supported, `added` is drafted and was missed. `drafted` and `posted` are all charges
    that were compared. `apart` counts posted charges that were not: of codes of which no rule here
    speaks, or that other families compare. `unusable` counts charges whose units are no whole
    number, and credits that take back nothing.
    """

    differences: tuple[ChargeDifference, ...]
    drafted: tuple[BilledCharge, ...]
    posted: tuple[BilledCharge, ...]
    apart: int
    unusable: int


def posted_differences(draft: Draft, timeline: Timeline, rulebook: Rulebook) -> PostedComparison:
    """The posted charges of a visit beside its draft under these rules.

    Where nothing that is compared was posted there are no differences, because all of it may still
    come.
    """
    lines = [line for line in draft.lines if line.family in _COMPARED]
    stands = standing_charges([day.care for day in timeline.days])
    posted = _compared(stands, lines, draft.policy, rulebook)
    drafted = _summed(map(charge_of, lines))
    differences = _pairs(posted, drafted, rulebook) if posted else []
    return PostedComparison(
        differences=tuple([_told(pair, draft, lines, rulebook) for pair in differences]),
        drafted=tuple(drafted),
        posted=tuple(posted),
        apart=len(stands.standing) - len(_of_codes(stands, {c.code for c in posted})),
        unusable=len(stands.odd) + len(stands.alone),
    )


def _of_codes(stands: StandingCharges, codes: set[str]) -> list[BilledCharge]:
    """The posted charges of some codes."""
    return [
        BilledCharge(charge.code, tuple(sorted(charge.modifiers)), units, charge.day)
        for charge, units in stands.standing
        if charge.code in codes
    ]


def _compared(
    stands: StandingCharges, lines: Sequence[ChargeLine], policy: str, rulebook: Rulebook
) -> list[BilledCharge]:
    """The posted charges that are compared: of drugs, of giving them, and of drafted codes."""
    codes = {line.code for line in lines}
    for charge, _units in stands.standing:
        rules = rulebook.policies[policy].on(charge.day)
        gives = posted_beside([charge], rules).get("drugs", ())
        if gives or rulebook.formulary.of_code(charge.code):
            codes.add(charge.code)
    return _summed(_of_codes(stands, codes))


def _summed(charges: Iterable[BilledCharge]) -> list[BilledCharge]:
    """Charges with the units of those that are alike but for units together, sorted."""
    units: dict[tuple[str, tuple[str, ...], date], int] = {}
    for charge in charges:
        slot = (charge.code, charge.modifiers, charge.day)
        units[slot] = units.get(slot, 0) + charge.units
    return sorted([BilledCharge(*slot[:2], number, slot[2]) for slot, number in units.items()])


_Pair = tuple[list[BilledCharge], list[BilledCharge]]
"""What was posted, and what is drafted in its place."""


def _pairs(
    posted: Sequence[BilledCharge], drafted: Sequence[BilledCharge], rulebook: Rulebook
) -> list[_Pair]:
    """What differs: of one code and day first, then of one code, then of one drug and day."""

    def product(charge: BilledCharge) -> object:
        rows = sorted([row.id for row in rulebook.formulary.of_code(charge.code)])
        return (rows[0], charge.day) if rows else None

    before, after = map(list, only_in(posted, drafted))
    pairs: list[_Pair] = []
    for alike in (lambda charge: (charge.code, charge.day), lambda charge: charge.code, product):
        pairs += _take(before, after, alike)
    return [*pairs, *[([charge], []) for charge in before], *[([], [charge]) for charge in after]]


def _take(
    before: list[BilledCharge], after: list[BilledCharge], alike: Callable[[BilledCharge], object]
) -> list[_Pair]:
    """Take from two lists the charges that both have of one kind."""
    kinds = dict.fromkeys([alike(charge) for charge in before if alike(charge) is not None])
    pairs: list[_Pair] = []
    for kind in kinds:
        ours = [charge for charge in after if alike(charge) == kind]
        if ours:
            theirs = [charge for charge in before if alike(charge) == kind]
            pairs.append((theirs, ours))
            before[:] = [charge for charge in before if charge not in theirs]
            after[:] = [charge for charge in after if charge not in ours]
    return pairs


def _told(
    pair: _Pair, draft: Draft, lines: Sequence[ChargeLine], rulebook: Rulebook
) -> ChargeDifference:
    """A pair with the drafted line that it is about, and the rule behind that line.

    Of what was posted alone, the rule is that by which its drug is withheld, if it is.
    """
    before, after = pair
    codes = {(charge.code, charge.day) for charge in after}
    about = [line for line in lines if (line.code, line.service_date) in codes]
    rules = [rule for line in about for rule in [last_rule(line.trace)] if rule]
    drugs = {row.id for charge in before for row in rulebook.formulary.of_code(charge.code)}
    withheld = [
        entry.reason
        for encounter in draft.encounters
        for entry in encounter.withheld
        if entry.drug in drugs
    ]
    return ChargeDifference(
        kind=kind_of(before, after),
        drug=next(chain([line.drug for line in about], sorted(drugs)), ""),
        before=tuple(before),
        after=tuple(after),
        rule=next(iter(rules or withheld), ""),
        line_id=about[0].line_id if about else "",
        provisional=any(line.provisional for line in about),
    )
