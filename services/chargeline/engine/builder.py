"""Collects what becomes of one encounter under one policy.

It owns turning places into lines: role, code, units, modifiers, caps, and the steps that explain
them. Which place a service has is hierarchy.py's; it only asks the rules what that place is called
and how much it counts.
"""

from collections.abc import Sequence
from datetime import date
from hashlib import blake2b
from operator import is_
from typing import NamedTuple

from chargeline.engine.charges import Caps, Charge, charges_of
from chargeline.engine.drug_lines import DrugOutcome, drug_lines
from chargeline.engine.encounters import Encounter
from chargeline.engine.hierarchy import Dropped, Placed, Placement, place
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.services import Facts, Service
from chargeline.engine.timeline import Day, Timeline
from chargeline.engine.trace import ChargeLine, EncounterDraft, Question, Step, Withheld, ask
from chargeline.engine.units import additional_hours, hours_in_words

_KnownLines = tuple[Placement, tuple[DayRules, Decision], list[ChargeLine]]


class Whole(NamedTuple):
    """The draft of a whole visit as it was made last, for accounts that are billed day by day."""

    rests_on: tuple[object, ...]
    by_day: bool
    days: tuple[Day, ...]
    encounters: tuple[EncounterDraft, ...]


class Memory:
    """What an earlier draft of the same visit worked out and a later one may use again.

    It changes no result: entries are used only where what they rest on is the very same.
    """

    def __init__(self) -> None:
        self.whole: Whole | None = None
        self.encounters: dict[tuple[str, str], tuple[tuple[object, ...], EncounterDraft]] = {}
        self.facts: dict[str, Facts] = {}
        self.services: dict[tuple[str, str], tuple[Facts, DayRules, Service]] = {}
        self.lines: dict[tuple[str, str, str, str], _KnownLines] = {}
        self.drugs: dict[tuple[str, date], tuple[tuple[Service, ...], DrugOutcome]] = {}
        self.ids: dict[tuple[str, str, str], str] = {}


class EncounterBuilder:
    """Collects the lines, questions and withheld services of one encounter."""

    def __init__(
        self, timeline: Timeline, encounter: Encounter, rules: DayRules, second: bool, memory: Memory
    ) -> None:
        self.key = timeline.key
        self.context = timeline.context
        self.encounter = encounter
        self.rules = rules
        self.second = second
        self.memory = memory
        self.lines: list[ChargeLine] = []
        self.questions: list[Question] = []
        self.withheld: list[Withheld] = []
        facts = (("encounter", encounter.name), ("patient class", encounter.patient_class))
        self.encounter_step = Step("encounter", encounter.grouping, facts)
        self.caps = Caps(rules, timeline.context.payer)

    def withhold_all(self, reason: str, says: str, steps: tuple[Step, ...]) -> None:
        """Withhold every administration for one and the same reason."""
        for item in self.encounter.administrations:
            drug = item.drugs[0].text if item.drugs else ""
            self.withheld.append(Withheld(reason, says, drug, None, (item.key,), steps))

    def withhold_by(self, decision: Decision) -> None:
        """Withhold the encounter by its grouping rule, or ask where no rule holds."""
        rule = decision.rule
        if rule is not None:
            self.withhold_all(rule.id, rule.why, (self.encounter_step,))
            return
        self.withhold_all("rule.none", "No rule groups visits of this day.", ())

    def code(self, services: Sequence[Service]) -> None:
        """Place the services that can be coded; pass on what was asked or withheld before."""
        for each in services:
            if each.questions:
                self.questions.extend(each.questions)
            if each.outcome == "withheld":
                self._withhold_service(each)
        placed = self.place(services)
        for placement in placed.placements:
            self._report(placement)
        for dropped in placed.dropped:
            self._withhold_dropped(dropped)
        self.questions.extend(placed.questions)
        self._drugs(services)

    def place(self, services: Sequence[Service]) -> Placed:
        """The places of the services that can be coded."""
        coded = [each for each in services if each.outcome == "service"]
        return place(coded, self.rules, self.context, second_encounter=self.second)

    def _drugs(self, services: Sequence[Service]) -> None:
        given = [each for each in services if _drug_given(each)]
        for outcome in drug_lines(given, self.line_id, self.memory.drugs):
            self.lines.extend(outcome.lines)
            self.withheld.extend(outcome.withheld)
            self.questions.extend(outcome.questions)

    def line_id(self, role: str, anchor: str) -> str:
        """Twelve hexadecimal digits: the same role of the same anchor has the same id for ever."""
        slot = (self.encounter.name, role, anchor)
        known = self.memory.ids.get(slot)
        if known is None:
            text = f"{self.key.facility}|{self.key.visit}|{self.encounter.name}|{role}|{anchor}"
            known = self.memory.ids[slot] = blake2b(text.encode(), digest_size=6).hexdigest()
        return known

    def _withhold_service(self, service: Service) -> None:
        item = service.administration
        self.withheld.append(
            Withheld(
                service.reason, service.says, service.substance, service.minutes, (item.key,), service.steps
            )
        )

    def _withhold_dropped(self, dropped: Dropped) -> None:
        keys = tuple(each.administration.key for each in dropped.services)
        steps = (*dropped.services[0].steps, *dropped.steps)
        drug = dropped.services[0].substance
        self.withheld.append(Withheld(dropped.reason, dropped.says, drug, dropped.minutes, keys, steps))

    def _report(self, placement: Placement) -> None:
        """The lines of a placement; those of an equal placement before are used again."""
        anchor = placement.services[0].administration.key
        slot = (self.rules.policy, self.encounter.name, anchor, placement.position)
        known = self.memory.lines.get(slot)
        rests_on = (self.rules, self.encounter.grouping)
        if known is not None and known[1] == rests_on and _same_placement(known[0], placement):
            lines = known[2]
        else:
            asked = len(self.questions)
            lines = self._lines(placement)
            if len(self.questions) == asked:
                self.memory.lines[slot] = (placement, rests_on, lines)
        for line in lines:
            units, cap = self.caps.allow(line.role, line.units)
            if cap is None:
                self.lines.append(line)
            else:
                self._hold_under_cap(line, units, cap)

    def _lines(self, placement: Placement) -> list[ChargeLine]:
        """The lines of a placement as if nothing were capped; a question where there is no role or code."""
        charges = charges_of(placement, self.rules)
        if not charges:
            first = placement.services[0]
            roles = self.rules["service.role"]
            decision = roles.decide(first.service_class, first.technique, placement.position)
            self.questions.append(_no_role(placement, decision))
        return [line for charge in charges if (line := self._line(placement, charge)) is not None]

    def _line(self, placement: Placement, charge: Charge) -> ChargeLine | None:
        first = placement.services[0]
        item = first.administration
        coded = charge.coded
        if coded.rule is None:
            self.questions.append(_no_code(placement, charge.role, coded))
            return None
        code = coded.word("code")
        return ChargeLine(
            line_id=self.line_id(charge.role, item.key),
            role=charge.role,
            code=code,
            units=charge.units,
            modifiers=charge.modifiers,
            service_date=item.day,
            drug=first.substance,
            minutes=placement.minutes or None,
            administrations=tuple([each.administration.key for each in placement.services]),
            provisional=first.provisional,
            trace=(
                self.encounter_step,
                *first.steps,
                *placement.steps,
                *_place_steps(placement, charge),
                Step("code", coded, (("code", code), ("units", charge.units))),
            ),
        )

    def _hold_under_cap(self, line: ChargeLine, units: int, cap: Decision) -> None:
        """Hold a line under the payer's cap; what is above it is withheld, not lost."""
        rule = cap.rule
        assert rule is not None, "a cap is a rule"
        if units == line.units:
            self.lines.append(line)
            return
        step = Step("cap", cap, (("units earned", line.units), ("allowed", units)))
        trace = (*line.trace, step)
        if units:
            self.lines.append(line._replace(units=units, trace=trace))
        above = line.units - units
        says = f"{above} of {line.units} further hours are above the cap of {cap.number('most')}: {rule.why}"
        self.withheld.append(Withheld(rule.id, says, line.drug, line.minutes, line.administrations, trace))

    def done(self, policy: str) -> EncounterDraft:
        """The finished draft, lines in the order of the hierarchy as they were placed."""
        return EncounterDraft(
            self.encounter.name,
            policy,
            tuple([item.key for item in self.encounter.administrations]),
            tuple(self.lines),
            tuple(dict.fromkeys(self.questions)),
            tuple(self.withheld),
        )


def _same_placement(known: Placement, now: Placement) -> bool:
    """Whether nothing has changed that lines are made from; services must be the very same."""
    return (
        len(known.services) == len(now.services)
        and all(map(is_, known.services, now.services))
        and known[2:] == now[2:]
    )


def _place_steps(placement: Placement, charge: Charge) -> tuple[Step, ...]:
    """Why the place has this role, and the arithmetic of its further hours."""
    role = charge.place.word("role")
    step = Step("place", charge.place, (("position", placement.position), ("role", role)))
    if charge.threshold is None:
        return (step,)
    remainder = charge.threshold.number("remainder_minutes")
    hours = additional_hours(placement.minutes, remainder)
    words = hours_in_words(placement.minutes, remainder, hours)
    return (step, Step("further hours", charge.threshold, (("arithmetic", words),)))


def _drug_given(service: Service) -> bool:
    """Drugs are billed where they were given, even if giving them is not.

    A flush or fluid that keeps the vein open is neither; HCPCS codes of this formulary are for
    injection, so a drug by mouth has none.
    """
    if not service.drugs:
        return False
    if service.outcome == "withheld":
        item = service.administration
        return item.given and not item.purpose and item.route != "other" and service.service_class != "flush"
    return True


def _no_role(placement: Placement, decision: Decision) -> Question:
    first = placement.services[0]
    clash = ", ".join(rule.id for rule in decision.clash)
    return ask(
        "role.clash" if clash else "role.none",
        expected="exactly one service role",
        found=f"rules {clash} at once"
        if clash
        else f"no code for a {first.service_class} {first.technique} that is {placement.position}",
        do="let one rule override the other" if clash else "code it by hand, or correct the charted times",
        drug=first.substance,
        administrations=tuple(each.administration.key for each in placement.services),
        sources=tuple(each.administration.intervals[0].start_source for each in placement.services),
    )


def _no_code(placement: Placement, role: str, decision: Decision) -> Question:
    first = placement.services[0]
    return ask(
        "code.none",
        expected=f"a code for the role {role} on {first.administration.day.isoformat()}",
        found="more than one" if decision.clash else "none",
        do="add the code with its dates to the table of codes (rules/base/codes.csv)",
        drug=first.substance,
        administrations=tuple(each.administration.key for each in placement.services),
    )
