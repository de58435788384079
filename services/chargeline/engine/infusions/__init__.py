"""The charge family of giving drugs: infusions, pushes, injections, hydration, care of pumps.

It owns the hierarchy of an encounter: which service is initial, and which place every other service
has. It does not judge a service by itself; `services/` has done that. `propose` drafts the lines of
an encounter. Each question of a coder has a file: access_lines, repeats, hydration, initial,
concurrent, pushes, injections. `place.py` asks these questions in order, and `lines.py` writes the
lines. `in_short` says how the same services end under another policy.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial

from chargeline.engine.again import SavedWork
from chargeline.engine.encounters import Assessment
from chargeline.engine.infusions.lines import (
    Caps,
    charges_of,
    lines_of,
    withheld_in_encounter,
    withheld_service,
)
from chargeline.engine.infusions.place import place
from chargeline.engine.infusions.places import Entry, NotReported, Placement, Places, places_of
from chargeline.engine.record import Fact, fact_of_day
from chargeline.engine.services.records import Service, keys_of
from chargeline.engine.trace import (
    ChargeLine,
    InShort,
    Proposal,
    Question,
    charge_in_short,
    rules_of,
)
from chargeline.engine.words import ContributionKind

__all__ = ["in_short", "propose", "reason_in_short"]


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The lines of giving drugs in one encounter, the questions, and the withheld services."""
    services = assessment.services
    places = places_of(place(assessment))
    written = lines_of(places.placements, assessment, saved)
    asked = [question for service in services for question in service.questions]
    held = [withheld_service(service) for service in _held(assessment, places)]
    dropped = [withheld_in_encounter(entry) for entry in places.not_reported]
    return Proposal(
        lines=written.lines,
        questions=(*asked, *written.questions, *places.questions),
        withheld=(*held, *written.withheld, *dropped),
        facts=_facts(places, written.lines, assessment),
    )


def _held(assessment: Assessment, places: Places) -> list[Service]:
    """The services that are withheld by themselves; a flush may have got a place after all."""
    held = [service for service in assessment.services if service.outcome == "withheld"]
    placed: list[Placement | NotReported] = [*places.placements, *places.not_reported]
    keys = {key for entry in placed for key in keys_of(entry.services)}
    return [service for service in held if service.administration.key not in keys]


def _facts(places: Places, lines: Sequence[ChargeLine], assessment: Assessment) -> tuple[Fact, ...]:
    """What an encounter adds to the patient's record: for each day, the most that was done on it.

    A rinsed access device counts even where it is not reported, because the services of another
    visit, for which it is not reported, may be taken back.
    """
    billed = {key for line in lines for key in line.administrations}
    placed: list[Placement | NotReported] = [*places.placements, *places.not_reported]
    kinds: dict[date, ContributionKind] = {
        entry.services[0].administration.day: "irrigation"
        for entry in placed
        if entry.technique == "irrigation"
    }
    others = [placement for placement in places.placements if placement.technique != "irrigation"]
    for placement in others:
        if billed.isdisjoint(keys_of(placement.services)):
            continue
        day = placement.services[0].administration.day
        if placement.position == "initial":
            kinds[day] = "initial_service"
        elif kinds.get(day) != "initial_service":
            kinds[day] = "service"
    starts = assessment.encounter.starts
    return tuple([fact_of_day(kind, day, starts[day]) for day, kind in kinds.items()])


def reason_in_short(line: ChargeLine) -> str:
    """One sentence for a page: why the line has its role, with the arithmetic of further hours."""
    steps = {step.topic: step for step in line.trace}
    place_decision = steps["place"].decision
    assert place_decision is not None, "a line has a place"
    sentence = place_decision.rule_in_force.why
    hours = steps.get("further hours")
    if hours is not None and line.role.endswith(("additional_hour", "hydration.additional")):
        sentence += f" {dict(hours.facts)['arithmetic']}."
    return sentence


# ------------------------------------------------------------------ what another policy would give


def in_short(assessment: Assessment, _saved: SavedWork) -> InShort:
    """How each administration ends under this policy, and the rules that led to the end.

    No line is written, because a comparison needs the ends only.
    """
    entries = place(assessment)
    return InShort(_ends(assessment, entries), partial(_rules_behind, assessment, entries))


def _ends(assessment: Assessment, entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Codes with units and modifiers, or `withheld`, by administration.

    The codes stand first and `withheld` last, in the same order as in a draft.
    """
    ends: dict[str, list[str]] = {}
    withheld = [*keys_of(_held(assessment, places_of(entries)))]
    caps = Caps(assessment.rules, assessment.context.payer)
    for entry in entries:
        if isinstance(entry, Question):
            continue
        keys = keys_of(entry.services)
        if isinstance(entry, NotReported):
            withheld += keys
            continue
        for charge in charges_of(entry, assessment.rules):
            allowed, _cap = caps.allow(charge.role, charge.units)
            end = charge.in_short
            if allowed < charge.units:
                withheld += keys
                code = charge.coded.answer.code
                end = charge_in_short(code, charge.modifiers, allowed) if allowed else ""
            if end:
                for key in keys:
                    ends.setdefault(key, []).append(end)
    for key in withheld:
        ends.setdefault(key, []).append("withheld")
    return ends


def _rules_behind(assessment: Assessment, entries: Sequence[Entry]) -> dict[str, list[str]]:
    """The rules behind the end of each administration, in the order of the reasoning."""
    rules = {service.administration.key: rules_of(service.steps) for service in assessment.services}
    places = places_of(entries)
    for placement in places.placements:
        used = rules_of(placement.steps)
        for charge in charges_of(placement, assessment.rules):
            for decision in (charge.place, charge.threshold):
                if decision is not None and decision.rule is not None:
                    used.append(decision.rule.id)
        for key in keys_of(placement.services):
            rules[key] += used
    for entry in places.not_reported:
        for key in keys_of(entry.services):
            rules[key] += rules_of(entry.steps)
    return rules
