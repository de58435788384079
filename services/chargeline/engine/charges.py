"""What a place is worth: roles, units and modifiers, before anything is written out.

It owns the arithmetic of one placement, shared by the draft that is explained and by the
comparison with other policies, so that both can only agree. Traces and words are builder.py's.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.engine.hierarchy import Placement
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.units import additional_hours

_HOUR_POSITIONS = frozenset({"initial", "sequential", "additional", "additional_hour"})
_TIMED = frozenset({"infusion", "arterial_infusion", "subcutaneous_infusion"})
# An add-on whose first unit is already an hour: hydration beside others, a drug infused again.
_COUNTED_BY_HOUR = frozenset({"additional", "additional_hour"})
# Only these, and further hours, carry the modifier of a second initial service.
_CARRY_DISTINCT = frozenset({"initial", "additional_hour"})
_REMEMBERED = 20_000


class Charge(NamedTuple):
    """One role with its units and code. `threshold` decided about further hours, if any were counted.

    `said` is the charge in short, "96415-59 x2"; "" where the role has no code on that day.
    """

    role: str
    units: int
    modifiers: tuple[str, ...]
    place: Decision
    threshold: Decision | None
    coded: Decision
    said: str


def charges_of(placement: Placement, rules: DayRules) -> tuple[Charge, ...]:
    """The charges of a placement; none where no role fits it (then it is a question)."""
    first = placement.services[0]
    what = (
        first.service_class,
        first.technique,
        placement.position,
        placement.minutes,
        placement.distinct,
        first.modifier,
        first.provisional,
    )
    known: tuple[Charge, ...] | None = rules.charges.get(what)
    if known is None:
        if len(rules.charges) > _REMEMBERED:
            rules.charges.clear()
        known = rules.charges[what] = _reckon(placement, rules)
    return known


def _reckon(placement: Placement, rules: DayRules) -> tuple[Charge, ...]:
    first = placement.services[0]
    place = rules["service.role"].decide(first.service_class, first.technique, placement.position)
    if place.rule is None:
        return ()
    further, threshold, hours = _hours(placement, rules)
    position, distinct = placement.position, placement.distinct
    modifiers = _modifiers(distinct if position in _CARRY_DISTINCT else "", first.modifier)
    if position in _COUNTED_BY_HOUR and first.technique == "infusion":
        return (_charge(1 + hours, modifiers, place, threshold, rules),)
    base = _charge(1, modifiers, place, threshold, rules)
    if not hours or further is None:
        return (base,)
    return (base, _charge(hours, _modifiers(distinct, first.modifier), further, threshold, rules))


def _charge(
    units: int, modifiers: tuple[str, ...], place: Decision, threshold: Decision | None, rules: DayRules
) -> Charge:
    role = place.word("role")
    coded = rules["role.code"].decide(role)
    said = charge_in_short(coded.word("code"), modifiers, units) if coded.rule is not None else ""
    return Charge(role, units, modifiers, place, threshold, coded, said)


def charge_in_short(code: str, modifiers: Sequence[str], units: int) -> str:
    """A code with its modifiers and units: 96415-59 x2."""
    return f"{'-'.join([code, *modifiers]) if modifiers else code} x{units}"


def _modifiers(distinct: str, own: str) -> tuple[str, ...]:
    if not distinct and not own:
        return ()
    return tuple([each for each in (distinct, own) if each])


def _hours(placement: Placement, rules: DayRules) -> tuple[Decision | None, Decision | None, int]:
    """The role of further hours, what earns them, and their number; none where nothing is timed."""
    first = placement.services[0]
    if first.technique not in _TIMED or placement.position not in _HOUR_POSITIONS:
        return None, None, 0
    decision = rules["service.role"].decide(first.service_class, first.technique, "additional_hour")
    if decision.rule is None or first.provisional == "stop.missing":
        return None, None, 0
    role = decision.word("role")
    threshold = rules["units.additional_hour"].decide(role)
    return decision, threshold, additional_hours(placement.minutes, threshold.number("remainder_minutes"))


class Caps:
    """Counts the units of an encounter against the payer's caps."""

    def __init__(self, rules: DayRules, payer: str) -> None:
        self._table = rules["units.cap"]
        self._payer = payer.upper()
        self._used: dict[str, int] = {}

    def allow(self, role: str, units: int) -> tuple[int, Decision | None]:
        """How many of the units are within the cap, and the decision if there is one."""
        decision = self._table.decide(role, self._payer)
        if decision.rule is None:
            return units, None
        before = self._used.get(role, 0)
        allowed = max(0, min(units, decision.number("most") - before))
        self._used[role] = before + allowed
        return allowed, decision
