"""The draft of a visit: every administration ends as a charge line, a question or withheld.

It owns putting the parts together: encounters, services, their lines, and what other policies would
make of the same. It decides nothing that rules decide, and reads no clock: equal timelines and
rules give equal drafts.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.builder import EncounterBuilder, Memory, Whole
from chargeline.engine.comparison import Alternative, with_differences
from chargeline.engine.encounters import Encounter, encounters_of
from chargeline.engine.formulary import Formulary
from chargeline.engine.rules import DayRules, Policy
from chargeline.engine.services import Service, assess, facts_of
from chargeline.engine.timeline import Day, Problem, Timeline, VisitContext
from chargeline.engine.trace import Draft, EncounterDraft, Question, ask


class Rulebook(NamedTuple):
    """All that drafts are made from besides the timeline.

    `policies` by name; `compared` are the names whose differences are said on the line;
    `payers` maps a payer to its policy; `version` names the rules' text; `sources` gives the title
    of each citation key.
    """

    version: str
    policies: Mapping[str, Policy]
    compared: tuple[str, ...]
    default_policy: str
    payers: Mapping[str, str]
    formulary: Formulary
    sources: Mapping[str, str]

    def policy_for(self, context: VisitContext) -> str:
        """The policy of the visit's payer; the site's default where the table has none."""
        return self.payers.get(context.payer.upper(), self.default_policy)


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
    rests_on = (timeline.context, timeline.patients, rulebook, name, second_encounters)
    known = memory.whole
    if known is not None and known.by_day and known.rests_on == rests_on:
        encounters = _days_made_anew(timeline, rulebook, name, second_encounters, memory, known)
    else:
        found = encounters_of(timeline, rulebook.policies[name])
        encounters = tuple(
            [
                _encounter(timeline, each, rulebook, name, each.day in second_encounters, memory)
                for each in found
            ]
        )
        by_day = len(timeline.context.classes) < 2 and bool(found) and all(map(_is_by_day, found))
        known = Whole(rests_on, by_day, (), ())
    memory.whole = known._replace(days=timeline.days, encounters=encounters)
    return Draft(timeline.key, name, rulebook.version, encounters, _visit_questions(timeline))


def _days_made_anew(
    timeline: Timeline,
    rulebook: Rulebook,
    name: str,
    second_encounters: frozenset[date],
    memory: Memory,
    known: Whole,
) -> tuple[EncounterDraft, ...]:
    """The encounters of an account that is billed by day: only the days that changed are drafted."""
    before, now = known.days, timeline.days
    least = min(len(before), len(now))
    first = _common_start(before, now)
    tail = 0
    while tail < least - first and before[-1 - tail] is now[-1 - tail]:
        tail += 1
    changed = encounters_of(timeline._replace(days=now[first : len(now) - tail]), rulebook.policies[name])
    made = [
        _encounter(timeline, each, rulebook, name, each.day in second_encounters, memory) for each in changed
    ]
    return (*known.encounters[:first], *made, *known.encounters[len(before) - tail :])


def _is_by_day(encounter: Encounter) -> bool:
    return encounter.grouping.word("group") == "by_day"


def _common_start(before: tuple[Day, ...], now: tuple[Day, ...]) -> int:
    """How many days at the beginning are the same; halving, because slices compare fast."""
    low, high = 0, min(len(before), len(now))
    if before[: high - 1] == now[: high - 1]:
        low = max(0, high - 1)  # mostly it is the last day that changes
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == now[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _visit_questions(timeline: Timeline) -> tuple[Question, ...]:
    questions = [_visit_question(problem) for problem in timeline.problems]
    if len(timeline.patients) > 1:
        questions.append(
            ask(
                "visit.two_patients",
                expected="one patient under one visit number",
                found=f"{len(timeline.patients)} medical record numbers that no merge joins",
                do="correct the number at the sender, or send the merge (A40); nothing is billed until then",
            )
        )
    if timeline.context.cancelled and timeline.days:
        questions.append(
            ask(
                "visit.cancelled",
                expected="no administrations under a visit that was cancelled (A11)",
                found=f"{len(timeline.administrations)} administrations",
                do="move them to the visit under which they were given; nothing is billed until then",
            )
        )
    return tuple(questions)


def _visit_question(problem: Problem) -> Question:
    return Question(problem.finding, "", (), (problem.source,))


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
    rules = rulebook.policies[name].on(encounter.day)
    builder = EncounterBuilder(timeline, encounter, rules, second, memory)
    if blocked:
        builder.withhold_all("visit", "The visit itself has an open question.", ())
        made = builder.done(name)
    elif encounter.grouping.word("bill") != "yes":
        builder.withhold_by(encounter.grouping)
        made = builder.done(name)
    else:
        made = _coded(builder, timeline, rulebook, name)
    memory.encounters[(encounter.name, name)] = (rests_on, made)
    return made


def _is(known: object, now: object) -> bool:
    return known is now or (type(known) is bool and known == now)


def _coded(builder: EncounterBuilder, timeline: Timeline, rulebook: Rulebook, name: str) -> EncounterDraft:
    """The encounter under its policy, with what each compared policy would make of it."""
    encounter, memory = builder.encounter, builder.memory
    services = _assessed(encounter, builder.rules, rulebook, memory, ())
    builder.code(services)
    made = builder.done(name)
    alternatives = []
    for other in rulebook.compared:
        if other != name:
            rules = rulebook.policies[other].on(encounter.day)
            theirs = _assessed(encounter, rules, rulebook, memory, services)
            placed = EncounterBuilder(timeline, encounter, rules, builder.second, memory).place(theirs)
            alternatives.append(Alternative(other, rules, theirs, placed, timeline.context.payer))
    return with_differences(made, services, alternatives)


def _assessed(
    encounter: Encounter,
    rules: DayRules,
    rulebook: Rulebook,
    memory: Memory,
    alike: Sequence[Service],
) -> list[Service]:
    """The services of an encounter; `alike` are those under other rules, shared where equal."""
    found = []
    for index, item in enumerate(encounter.administrations):
        facts = memory.facts.get(item.key)
        if facts is None or facts.administration is not item:
            facts = memory.facts[item.key] = facts_of(item, rulebook.formulary)
        slot = (item.key, rules.policy)
        known = memory.services.get(slot)
        if known is not None and known[0] is facts and known[1] is rules:
            found.append(known[2])
            continue
        service = assess(facts, rules, alike[index] if alike else None)
        memory.services[slot] = (facts, rules, service)
        found.append(service)
    return found
