"""From places to charge lines: the role of a place, its code, its units, its modifiers, its cap.

It owns the arithmetic of hours, and the writing of lines with the steps that explain them. It does
not decide the place of a service: `place.py` has done that. Here rules say which role a place has,
which code a role has, and how many units count. The comparison with other policies uses the same
functions for codes and units, and writes no lines.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.again import LINES_OF_PLACE, SavedWork
from chargeline.engine.codes import CODE, CodeAnswer, RoleFacts
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import VisitKey
from chargeline.engine.infusions.concerns import (
    CAP,
    FURTHER_HOUR,
    ROLE,
    CapAnswer,
    CapFacts,
    PlaceFacts,
    RemainderAnswer,
    RoleAnswer,
)
from chargeline.engine.infusions.places import NotReported, Placement
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.services.records import Service, keys_of
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import (
    ChargeLine,
    Proposal,
    Question,
    Step,
    Withheld,
    ask,
    charge_in_short,
    line_id,
)

_new_charge_line = by_keyword(ChargeLine)

_HOUR_POSITIONS = frozenset({"initial", "sequential", "additional", "additional_hour"})
_TIMED = frozenset({"infusion", "arterial_infusion", "subcutaneous_infusion"})
# In these positions the first unit is already a further hour: hydration beside other services, and
# a drug infused again.
_COUNTED_BY_HOUR = frozenset({"additional", "additional_hour"})
# Services in these positions carry the modifier of their placement: a second initial service, and a
# repeated injection. Further hours always carry it; a sequential infusion does not.
_CARRY_DISTINCT = frozenset({"initial", "additional_hour", "only"})


def additional_hours(minutes: int, remainder_minutes: int) -> int:
    """Units past the first hour; the last further hour needs `remainder_minutes` only.

    With 31: 90 minutes earn none, 91 one, 151 two (coding-rules, CPT "more than 30 minutes").
    """
    return max(0, (minutes - remainder_minutes) // 60)


def hours_in_words(minutes: int, remainder_minutes: int, units: int) -> str:
    """The arithmetic of `additional_hours`, written out."""
    return (
        f"{minutes} minutes = {minutes // 60} h + {minutes % 60} min; a further hour counts "
        f"from {remainder_minutes} min: {units} further"
    )


# ------------------------------------------------------------------ what a place is worth


class Charge(NamedTuple):
    """One role with its units and code.

    `threshold` is the decision on how many minutes earn a further hour, None where hours are not
    counted. `in_short` is the charge as a coder writes it, such as "96415-59 x2", and "" where the
    role has no code on that day.
    """

    role: str
    units: int
    modifiers: tuple[str, ...]
    place: Decision[RoleAnswer]
    threshold: Decision[RemainderAnswer] | None
    coded: Decision[CodeAnswer]
    in_short: str


_new_charge = by_keyword(Charge)


def charges_of(placement: Placement, rules: DayRules) -> tuple[Charge, ...]:
    """The charges of a placement; none where no role fits, which becomes a question.

    Equal places occur in many encounters, so their charges are remembered.
    """
    first = placement.services[0]
    worth = (
        rules,
        first.service_class,
        placement.technique,
        placement.position,
        placement.minutes,
        placement.distinct,
        first.modifier,
        first.provisional,
    )
    charges = _REMEMBERED.get(worth)
    if charges is None:
        if len(_REMEMBERED) >= _REMEMBERED_MOST:
            _REMEMBERED.clear()
        charges = _REMEMBERED[worth] = _charges(placement, rules)
    return charges


_REMEMBERED_MOST = 20_000
_REMEMBERED: dict[tuple[object, ...], tuple[Charge, ...]] = {}


def _charges(placement: Placement, rules: DayRules) -> tuple[Charge, ...]:
    first = placement.services[0]
    technique, position, distinct = placement.technique, placement.position, placement.distinct
    place = rules.of(ROLE).decide(PlaceFacts(first.service_class, technique, position))
    if place.rule is None:
        return ()
    hours = _further_hours(placement, rules)
    modifiers = _modifiers(distinct if position in _CARRY_DISTINCT else "", first.modifier)
    if position in _COUNTED_BY_HOUR and technique == "infusion":
        return (_charge(place, 1 + hours.units, modifiers, threshold=hours.threshold, rules=rules),)
    base = _charge(place, 1, modifiers, threshold=hours.threshold, rules=rules)
    if not hours.units or hours.place is None:
        return (base,)
    of_hours = _modifiers(distinct, first.modifier)
    further = _charge(hours.place, hours.units, of_hours, threshold=hours.threshold, rules=rules)
    return (base, further)


class _Hours(NamedTuple):
    """The role of further hours, the minutes that earn one, and their number.

    All are empty where the place is not billed by the hour.
    """

    place: Decision[RoleAnswer] | None = None
    threshold: Decision[RemainderAnswer] | None = None
    units: int = 0


def _further_hours(placement: Placement, rules: DayRules) -> _Hours:
    first = placement.services[0]
    if placement.technique not in _TIMED or placement.position not in _HOUR_POSITIONS:
        return _Hours()
    facts = PlaceFacts(first.service_class, placement.technique, "additional_hour")
    place = rules.of(ROLE).decide(facts)
    if place.rule is None or first.provisional == "stop.missing":
        return _Hours()
    threshold = rules.of(FURTHER_HOUR).decide(RoleFacts(place.answer.role))
    units = additional_hours(placement.minutes, threshold.answer.remainder_minutes)
    return _Hours(place, threshold, units)


def _charge(
    place: Decision[RoleAnswer],
    units: int,
    modifiers: tuple[str, ...],
    *,
    threshold: Decision[RemainderAnswer] | None,
    rules: DayRules,
) -> Charge:
    role = place.answer.role
    coded = rules.of(CODE).decide(RoleFacts(role))
    in_short = ""
    if coded.rule is not None:
        in_short = charge_in_short(coded.answer.code, modifiers, units)
    return _new_charge(
        role=role,
        units=units,
        modifiers=modifiers,
        place=place,
        threshold=threshold,
        coded=coded,
        in_short=in_short,
    )


def _modifiers(distinct: str, own: str) -> tuple[str, ...]:
    return tuple([modifier for modifier in (distinct, own) if modifier])


@lru_cache(maxsize=5_000)  # each charge needs the cap, and most payers have none
def _cap(rules: DayRules, role: str, payer: str) -> Decision[CapAnswer]:
    return rules.of(CAP).decide(CapFacts(role, payer))


class Caps:
    """Counts the units of an encounter against the payer's caps."""

    def __init__(self, rules: DayRules, payer: str) -> None:
        self._rules = rules
        self._payer = payer.upper()
        self._used: dict[str, int] = {}

    def allow(self, role: str, units: int) -> tuple[int, Decision[CapAnswer] | None]:
        """How many of the units are within the cap, and the decision, None without a cap."""
        decision = _cap(self._rules, role, self._payer)
        if decision.rule is None:
            return units, None
        used = self._used.get(role, 0)
        allowed = max(0, min(units, decision.answer.most - used))
        self._used[role] = used + allowed
        return allowed, decision


# ------------------------------------------------------------------ lines with their reasons


class Heading(NamedTuple):
    """What all lines of an encounter have in common: visit, encounter, and the step of grouping."""

    visit: VisitKey
    encounter: str
    step: Step


def lines_of(placements: Sequence[Placement], assessment: Assessment, saved: SavedWork) -> Proposal:
    """The lines of all placements; units above a cap of the payer are withheld."""
    rules, encounter = assessment.rules, assessment.encounter
    heading = Heading(assessment.visit, encounter.name, encounter.step)
    caps = Caps(rules, assessment.context.payer)
    lines: list[ChargeLine] = []
    questions: list[Question] = []
    withheld: list[Withheld] = []
    for placement in placements:
        anchor = placement.services[0].administration.key
        name = (rules.policy, encounter.name, anchor, placement.position)
        written = saved.again(LINES_OF_PLACE, name, _written, placement, rules, heading)
        questions += written.questions
        for line in written.lines:
            allowed, cap = caps.allow(line.role, line.units)
            if cap is None or allowed == line.units:
                lines.append(line)
            else:
                kept, above = _under_cap(line, allowed, cap)
                lines += kept
                withheld.append(above)
    return Proposal(tuple(lines), tuple(questions), tuple(withheld))


def _written(placement: Placement, rules: DayRules, heading: Heading) -> Proposal:
    """The lines of a placement without any cap; a question where a role or a code is missing."""
    charges = charges_of(placement, rules)
    if not charges:
        return Proposal(questions=(_no_role(placement, rules),))
    lines: list[ChargeLine] = []
    questions: list[Question] = []
    for charge in charges:
        if charge.coded.rule is not None:
            lines.append(_line(placement, charge, heading))
        else:
            questions.append(_no_code(placement, charge))
    return Proposal(tuple(lines), tuple(questions))


def _line(placement: Placement, charge: Charge, heading: Heading) -> ChargeLine:
    first = placement.services[0]
    item = first.administration
    code = charge.coded.answer.code
    return _new_charge_line(
        family="infusions",
        line_id=line_id(heading.visit, heading.encounter, charge.role, item.key),
        role=charge.role,
        code=code,
        units=charge.units,
        modifiers=charge.modifiers,
        service_date=item.day,
        drug=first.substance,
        minutes=placement.minutes or None,
        administrations=keys_of(placement.services),
        provisional=first.provisional,
        trace=(
            heading.step,
            *first.steps,
            *placement.steps,
            *_place_steps(placement, charge),
            Step("code", charge.coded, (("code", code), ("units", charge.units))),
        ),
    )


def _place_steps(placement: Placement, charge: Charge) -> tuple[Step, ...]:
    """The steps that say why the place has this role, and how its further hours were counted."""
    facts = (("position", placement.position), ("role", charge.place.answer.role))
    step = Step("place", charge.place, facts)
    if charge.threshold is None:
        return (step,)
    remainder = charge.threshold.answer.remainder_minutes
    hours = additional_hours(placement.minutes, remainder)
    words = hours_in_words(placement.minutes, remainder, hours)
    return (step, Step("further hours", charge.threshold, (("arithmetic", words),)))


def _under_cap(
    line: ChargeLine, allowed: int, cap: Decision[CapAnswer]
) -> tuple[tuple[ChargeLine, ...], Withheld]:
    """A line with the units that the payer's cap allows, and the units above it as withheld.

    No line is left where the cap allows no unit.
    """
    rule = cap.rule_in_force
    step = Step("cap", cap, (("units earned", line.units), ("allowed", allowed)))
    trace = (*line.trace, step)
    kept = (line._replace(units=allowed, trace=trace),) if allowed else ()
    above = line.units - allowed
    units = f"{above} of {line.units} units"
    says = f"{units} of {line.code} are above the cap of {cap.answer.most}: {rule.why}"
    entry = Withheld(
        family="infusions",
        reason=rule.id,
        says=says,
        drug=line.drug,
        minutes=line.minutes,
        administrations=line.administrations,
        trace=trace,
    )
    return kept, entry


def withheld_service(service: Service) -> Withheld:
    """A service that is withheld whatever else the encounter has."""
    return Withheld(
        family="infusions",
        reason=service.reason,
        says=service.says,
        drug=service.substance,
        minutes=service.minutes,
        administrations=(service.administration.key,),
        trace=service.steps,
    )


def withheld_in_encounter(entry: NotReported) -> Withheld:
    """Services that are withheld because of other services of the encounter."""
    first = entry.services[0]
    return Withheld(
        family="infusions",
        reason=entry.reason,
        says=entry.says,
        drug=first.substance,
        minutes=entry.minutes,
        administrations=keys_of(entry.services),
        trace=(*first.steps, *entry.steps),
    )


# ------------------------------------------------------------------ what is asked


def _no_role(placement: Placement, rules: DayRules) -> Question:
    first = placement.services[0]
    service_class, technique = first.service_class, placement.technique
    facts = PlaceFacts(service_class, technique, placement.position)
    clash = ", ".join([rule.id for rule in rules.of(ROLE).decide(facts).clash])
    what = f"a {service_class} {technique} that is {placement.position}"
    starts = [service.administration.intervals[0].start_source for service in placement.services]
    return ask(
        "role.clash" if clash else "role.none",
        expected="exactly one service role",
        found=f"rules {clash} at once" if clash else f"no code for {what}",
        do="let one rule override the other"
        if clash
        else "code the service by hand, or correct the charted times",
        drug=first.substance,
        administrations=keys_of(placement.services),
        sources=tuple(starts),
    )


def _no_code(placement: Placement, charge: Charge) -> Question:
    first = placement.services[0]
    return ask(
        "code.none",
        expected=f"a code for the role {charge.role} on {first.administration.day.isoformat()}",
        found="more than one" if charge.coded.clash else "none",
        do="add the code with its dates to the table of codes (rules/base/codes.csv)",
        drug=first.substance,
        administrations=keys_of(placement.services),
    )
