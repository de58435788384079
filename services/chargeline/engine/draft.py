"""The draft of a visit: every administration ends as a charge line, a question or withheld.

It owns putting the parts together: encounters, services, their places, roles, codes, units,
modifiers and drug lines, and what other policies would make of the same. It decides nothing that
rules decide, and reads no clock: equal timelines and rules give equal drafts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.drug_lines import LineIdentity, drug_lines
from chargeline.engine.encounters import Encounter, encounters_of
from chargeline.engine.formulary import Formulary
from chargeline.engine.hierarchy import Dropped, Placement, place
from chargeline.engine.rules import DayRules, Decision, Policy
from chargeline.engine.services import Service, assess
from chargeline.engine.timeline import Administration, Problem, Timeline, VisitContext
from chargeline.engine.trace import (
    ChargeLine,
    Difference,
    Draft,
    EncounterDraft,
    Question,
    Step,
    Withheld,
)
from chargeline.engine.units import additional_hours, hours_in_words

_HOUR_POSITIONS = frozenset({"initial", "sequential", "additional", "additional_hour"})
_TIMED = frozenset({"infusion", "prolonged_infusion", "arterial_infusion", "subcutaneous_infusion"})


class Rulebook(NamedTuple):
    """All that drafts are made from besides the timeline.

    `policies` by name; `compared` are the names whose differences are said on the line;
    `payers` maps a payer to its policy; `version` names the rules' text.
    """

    version: str
    policies: Mapping[str, Policy]
    compared: tuple[str, ...]
    default_policy: str
    payers: Mapping[str, str]
    formulary: Formulary

    def policy_for(self, context: VisitContext) -> str:
        """The policy of the visit's payer; the site's default where the table has none."""
        return self.payers.get(context.payer.upper(), self.default_policy)


class Memory:
    """What an earlier draft of the same visit worked out and a later one may use again.

    It changes no result: entries are used only where administration and rules are the very same.
    """

    def __init__(self) -> None:
        self.encounters: dict[tuple[str, str], tuple[tuple[object, ...], EncounterDraft]] = {}
        self.services: dict[tuple[str, str], tuple[Administration, DayRules, Service]] = {}


def draft(
    timeline: Timeline,
    rulebook: Rulebook,
    policy: str = "",
    *,
    second_encounters: frozenset[date] = frozenset(),
    memory: Memory | None = None,
) -> Draft:
    """Draft all charges of a visit.

    `policy` overrides the payer's. `second_encounters` are the days on which the patient already
    had another encounter elsewhere. `memory` of an earlier draft of this visit saves work only.
    """
    name = policy or rulebook.policy_for(timeline.context)
    memory = memory or Memory()
    questions = _visit_questions(timeline)
    encounters = []
    for encounter in encounters_of(timeline, rulebook.policies[name]):
        second = encounter.day in second_encounters
        encounters.append(_encounter(timeline, encounter, rulebook, name, second, memory))
    return Draft(timeline.key, name, rulebook.version, tuple(encounters), questions)


def _visit_questions(timeline: Timeline) -> tuple[Question, ...]:
    questions = [_visit_question(problem) for problem in timeline.problems]
    if len(timeline.patients) > 1:
        questions.append(
            Question(
                "visit.two_patients",
                "one patient under one visit number",
                f"{len(timeline.patients)} medical record numbers that no merge joins",
                "correct the visit number at the sender, or send the merge (A40); nothing is billed until then",
                "",
                (),
                (),
            )
        )
    if timeline.context.cancelled and timeline.days:
        questions.append(
            Question(
                "visit.cancelled",
                "no administrations under a visit that was cancelled (A11)",
                f"{len(timeline.administrations)} administrations",
                "move them to the visit under which they were given; nothing is billed until then",
                "",
                (),
                (),
            )
        )
    return tuple(questions)


def _visit_question(problem: Problem) -> Question:
    return Question(problem.code, problem.expected, problem.found, problem.do, "", (), (problem.source,))


def _encounter(
    timeline: Timeline,
    encounter: Encounter,
    rulebook: Rulebook,
    name: str,
    second: bool,
    memory: Memory,
) -> EncounterDraft:
    """The draft of an encounter, or the earlier one where nothing it rests on has changed."""
    blocked = len(timeline.patients) > 1 or timeline.context.cancelled
    rests_on = (*encounter.days, timeline.context, encounter.grouping, rulebook, second, blocked)
    known = memory.encounters.get((encounter.name, name))
    if known is not None and len(known[0]) == len(rests_on) and all(map(_is, known[0], rests_on)):
        return known[1]
    made = _make(timeline, encounter, rulebook, name, second, memory, blocked)
    others = [each for each in rulebook.compared if each != name]
    if others and not blocked and encounter.grouping.word("bill") == "yes":
        alternatives = [
            _make(timeline, encounter, rulebook, other, second, memory, blocked) for other in others
        ]
        made = _with_differences(made, alternatives)
    memory.encounters[(encounter.name, name)] = (rests_on, made)
    return made


def _is(known: object, now: object) -> bool:
    return known is now or (type(known) is bool and known == now)


def _make(
    timeline: Timeline,
    encounter: Encounter,
    rulebook: Rulebook,
    name: str,
    second: bool,
    memory: Memory,
    blocked: bool,
) -> EncounterDraft:
    rules = rulebook.policies[name].on(encounter.day)
    builder = _Builder(timeline, encounter, rules, second)
    if blocked:
        builder.withhold_all("visit", "The visit itself has an open question.", ())
    elif encounter.grouping.word("bill") != "yes":
        builder.withhold_by(encounter.grouping)
    else:
        builder.code(_assessed(encounter, rules, rulebook, memory))
    return builder.done(name)


def _assessed(encounter: Encounter, rules: DayRules, rulebook: Rulebook, memory: Memory) -> list[Service]:
    found = []
    for item in encounter.administrations:
        slot = (item.key, rules.policy)
        known = memory.services.get(slot)
        if known is not None and known[0] is item and known[1] is rules:
            found.append(known[2])
            continue
        service = assess(item, rules, rulebook.formulary)
        memory.services[slot] = (item, rules, service)
        found.append(service)
    return found


class _Builder:
    """Collects the lines, questions and withheld services of one encounter."""

    def __init__(self, timeline: Timeline, encounter: Encounter, rules: DayRules, second: bool) -> None:
        self.context = timeline.context
        self.encounter = encounter
        self.rules = rules
        self.second = second
        self.identify = LineIdentity(f"{timeline.key.facility}|{timeline.key.visit}|{encounter.name}")
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

    def code(self, services: Sequence[Service]) -> None:
        """Place the services that can be coded; pass on what was asked or withheld before."""
        coded = []
        for each in services:
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
        drugs = drug_lines([each for each in services if _drug_given(each)], self.identify)
        self.lines.extend(drugs.lines)
        self.withheld.extend(drugs.withheld)
        self.questions.extend(drugs.questions)

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
            self._line(placement, hours[0], hours[1], (*steps, hours[2]))

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

    def _line(self, placement: Placement, role: str, units: int, steps: tuple[Step, ...]) -> None:
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
        self.lines.append(
            ChargeLine(
                line_id=self.identify(role, item.key),
                role=role,
                code=code,
                units=units,
                modifiers=tuple([each for each in (placement.distinct, first.modifier) if each]),
                service_date=item.day,
                drug=first.substance,
                minutes=placement.minutes if first.spans else None,
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


# ------------------------------------------------------------------ what other policies would do


def _with_differences(made: EncounterDraft, alternatives: Sequence[EncounterDraft]) -> EncounterDraft:
    """Say on each line and withheld service where another policy ends differently."""
    ours = _outcomes(made)
    differences: dict[tuple[str, ...], list[Difference]] = {}
    theirs = [(each, _outcomes(each)) for each in alternatives]
    for keys in {entry.administrations for entry in (*made.lines, *made.withheld)}:
        for other, outcomes in theirs:
            says = _of(outcomes, keys)
            if says != _of(ours, keys):
                rule = _first_differing_rule(made, other, keys)
                differences.setdefault(keys, []).append(Difference(other.policy, says, rule))
    if not differences:
        return made
    lines = tuple(
        line
        if line.role == "drug" or line.administrations not in differences
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
        if line.role == "drug":
            continue
        modifiers = "".join("-" + each for each in line.modifiers)
        for key in line.administrations:
            found.setdefault(key, []).append(f"{line.code}{modifiers} x{line.units}")
    for entry in made.withheld:
        if entry.reason in ("vehicle", "drug.no_code"):
            continue
        for key in entry.administrations:
            found.setdefault(key, []).append("withheld")
    return found


def _of(outcomes: Mapping[str, Sequence[str]], keys: Iterable[str]) -> tuple[str, ...]:
    together = dict.fromkeys(each for key in keys for each in outcomes.get(key, ("a question",)))
    return tuple(together)


def _first_differing_rule(made: EncounterDraft, other: EncounterDraft, keys: tuple[str, ...]) -> str:
    """The first rule in the other policy's reasoning that ours did not use."""
    ours = {rule for entry in (*made.lines, *made.withheld) if _about(entry, keys) for rule in _rules(entry)}
    for entry in (*other.lines, *other.withheld):
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
