"""Collects what becomes of one encounter under one policy.

It owns turning places into lines: role, code, units, modifiers, caps, and the steps that explain
them. Which place a service has is hierarchy.py's; it only asks the rules what that place is called
and how much it counts.
"""

from collections.abc import Sequence
from datetime import date
from hashlib import blake2b
from operator import is_

from chargeline.engine.drug_lines import DrugOutcome, drug_lines
from chargeline.engine.encounters import Encounter
from chargeline.engine.hierarchy import Dropped, Placement, place
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.services import Facts, Service
from chargeline.engine.timeline import Timeline
from chargeline.engine.trace import ChargeLine, EncounterDraft, Question, Step, Withheld
from chargeline.engine.units import additional_hours, hours_in_words

_HOUR_POSITIONS = frozenset({"initial", "sequential", "additional", "additional_hour"})
# Only these, and further hours, carry the modifier of a second initial service.
_CARRY_DISTINCT = frozenset({"initial", "additional_hour"})
_TIMED = frozenset({"infusion", "prolonged_infusion", "arterial_infusion", "subcutaneous_infusion"})


class Memory:
    """What an earlier draft of the same visit worked out and a later one may use again.

    It changes no result: entries are used only where what they rest on is the very same.
    """

    def __init__(self) -> None:
        self.encounters: dict[tuple[str, str], tuple[tuple[object, ...], EncounterDraft]] = {}
        self.facts: dict[str, Facts] = {}
        self.services: dict[tuple[str, str], tuple[Facts, DayRules, Service]] = {}
        self.lines: dict[
            tuple[str, str, str, str], tuple[Placement, tuple[DayRules, str], list[ChargeLine]]
        ] = {}
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
        self.used: dict[str, int] = {}  # units reported so far by role, for caps

    def withhold_all(self, reason: str, says: str, steps: tuple[Step, ...]) -> None:
        """Withhold every administration for one and the same reason."""
        for item in self.encounter.administrations:
            drug = item.drugs[0].text if item.drugs else ""
            self.withheld.append(Withheld(reason, says, drug, None, (item.key,), steps))

    def withhold_by(self, decision: Decision) -> None:
        """Withhold the encounter by its grouping rule, or ask where no rule holds."""
        rule = decision.rule
        if rule is not None:
            facts = (("patient class", self.encounter.patient_class),)
            self.withhold_all(rule.id, rule.why, (Step("encounter", decision, facts),))
            return
        self.withhold_all("rule.none", "No rule groups visits of this day.", ())

    def code(self, services: Sequence[Service], *, drugs: bool) -> None:
        """Place the services that can be coded; pass on what was asked or withheld before."""
        coded = []
        for each in services:
            if each.questions:
                self.questions.extend(each.questions)
            if each.outcome == "service":
                coded.append(each)
            elif each.outcome == "withheld":
                self._withhold_service(each)
        placed = place(coded, self.rules, self.context, second_encounter=self.second)
        for placement in placed.placements:
            self._report(placement)
        for dropped in placed.dropped:
            self._withhold_dropped(dropped)
        self.questions.extend(placed.questions)
        if drugs:
            self._drugs(services)

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
        rests_on = (self.rules, self.context.payer)
        if known is not None and known[1] == rests_on and _same_placement(known[0], placement):
            self.lines.extend(known[2])
            return
        before = (len(self.lines), len(self.questions), len(self.used))
        self._make_lines(placement)
        if (len(self.questions), len(self.used)) == before[1:] and not self.used:
            made = self.lines[before[0] :]
            self.memory.lines[slot] = (placement, rests_on, made)

    def _make_lines(self, placement: Placement) -> None:
        first = placement.services[0]
        roles = self.rules["service.role"]
        decision = roles.decide(first.service_class, first.technique, placement.position)
        if decision.rule is None:
            self.questions.append(_no_role(placement, decision))
            return
        role = decision.word("role")
        place_step = Step("place", decision, (("position", placement.position), ("role", role)))
        steps = (*first.steps, *placement.steps, place_step)
        hours = self._hours(placement, roles.decide(first.service_class, first.technique, "additional_hour"))
        if placement.position in ("additional", "additional_hour") and first.technique in _TIMED:
            units = 1 + (hours[1] if hours else 0)
            extra = (hours[2],) if hours else ()
            self._line(placement, role, units, (*steps, *extra))
            return
        self._line(placement, role, 1, steps)
        if hours and hours[1]:
            self._line(placement, hours[0], hours[1], (*steps, hours[2]), hours_of=True)

    def _hours(self, placement: Placement, decision: Decision) -> tuple[str, int, Step] | None:
        """Role, units and reasoning of the further hours; None where the service is not timed."""
        first = placement.services[0]
        if decision.rule is None or placement.position not in _HOUR_POSITIONS:
            return None
        if first.technique not in _TIMED or first.provisional == "stop.missing":
            return None
        role = decision.word("role")
        threshold = self.rules["units.additional_hour"].decide(role)
        remainder = threshold.number("remainder_minutes")
        units = additional_hours(placement.minutes, remainder)
        words = hours_in_words(placement.minutes, remainder, units)
        return role, units, Step("further hours", threshold, (("arithmetic", words),))

    def _line(
        self, placement: Placement, role: str, units: int, steps: tuple[Step, ...], *, hours_of: bool = False
    ) -> None:
        first = placement.services[0]
        item = first.administration
        units, steps = self._capped(placement, role, units, steps)
        if not units:
            return
        coded = self.rules["role.code"].decide(role)
        if coded.rule is None:
            self.questions.append(_no_code(placement, role, coded))
            return
        code = coded.word("code")
        distinct = placement.distinct if hours_of or placement.position in _CARRY_DISTINCT else ""
        self.lines.append(
            ChargeLine(
                line_id=self.line_id(role, item.key),
                role=role,
                code=code,
                units=units,
                modifiers=tuple([each for each in (distinct, first.modifier) if each]),
                service_date=item.day,
                drug=first.substance,
                minutes=placement.minutes or None,
                administrations=tuple([each.administration.key for each in placement.services]),
                provisional=first.provisional,
                trace=(*steps, Step("code", coded, (("code", code), ("units", units)))),
            )
        )

    def _capped(
        self, placement: Placement, role: str, units: int, steps: tuple[Step, ...]
    ) -> tuple[int, tuple[Step, ...]]:
        """Hold units under the payer's cap; what is above it is withheld, not lost."""
        decision = self.rules["units.cap"].decide(role, self.context.payer)
        if decision.rule is None:
            return units, steps
        most = decision.number("most")
        before = self.used.get(role, 0)
        allowed = max(0, min(units, most - before))
        self.used[role] = before + allowed
        if allowed == units:
            return units, steps
        step = Step("cap", decision, (("units earned", units), ("allowed", allowed)))
        first = placement.services[0]
        says = f"{units - allowed} of {units} further hours are above the cap of {most}: {decision.rule.why}"
        keys = tuple(each.administration.key for each in placement.services)
        self.withheld.append(
            Withheld(decision.rule.id, says, first.substance, placement.minutes, keys, (*steps, step))
        )
        return allowed, (*steps, step)

    def done(self, policy: str) -> EncounterDraft:
        """The finished draft, lines in the order of the hierarchy as they were placed."""
        return EncounterDraft(
            self.encounter.name,
            policy,
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


def _drug_given(service: Service) -> bool:
    """Drugs are billed where they were given, even if giving them is not; a flush is neither."""
    if not service.drugs:
        return False
    if service.outcome == "withheld":
        item = service.administration
        return item.given and item.purpose == "" and service.service_class != "flush"
    return True


def _no_role(placement: Placement, decision: Decision) -> Question:
    first = placement.services[0]
    clash = ", ".join(rule.id for rule in decision.clash)
    return Question(
        "role.clash" if clash else "role.none",
        "exactly one service role",
        f"rules {clash} at once"
        if clash
        else f"no code for a {first.service_class} {first.technique} that is {placement.position}",
        "let one rule override the other" if clash else "code it by hand, or correct the charted times",
        first.substance,
        tuple(each.administration.key for each in placement.services),
        tuple(each.administration.intervals[0].start_source for each in placement.services),
    )


def _no_code(placement: Placement, role: str, decision: Decision) -> Question:
    first = placement.services[0]
    return Question(
        "code.none",
        f"a code for the role {role} on {first.administration.day.isoformat()}",
        "more than one" if decision.clash else "none",
        "add the code with its dates to the table of codes (rules/base/codes.csv)",
        first.substance,
        tuple(each.administration.key for each in placement.services),
        (),
    )
