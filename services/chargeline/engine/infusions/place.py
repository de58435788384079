"""The place of each service among the others of its encounter.

It owns the order in which the questions of a coder are asked, and answers none of them. Each
question has a file of its own, which asks the rules and returns what it adds. `place` and
`_place_into_a_vein` are the list of questions for an encounter, and `_place_line` is the list for
one access line.
"""

from collections.abc import Sequence

from chargeline.engine.encounters import Assessment
from chargeline.engine.infusions.access_lines import access_lines
from chargeline.engine.infusions.concurrent import concurrent_count, further_infusions
from chargeline.engine.infusions.hydration import hydration_of
from chargeline.engine.infusions.initial import (
    AccessLine,
    choose_initial,
    distinct_modifier,
    highest_in_rank,
    rank_order,
    second_line_question,
)
from chargeline.engine.infusions.injections import by_itself, injections_of, services_alone
from chargeline.engine.infusions.places import (
    Candidate,
    Entry,
    Placement,
    clock_order,
    placed,
)
from chargeline.engine.infusions.ports import port_alone
from chargeline.engine.infusions.pushes import further_pushes
from chargeline.engine.infusions.repeats import candidates_of
from chargeline.engine.infusions.sites import infusions_by_site
from chargeline.engine.services.records import Service

_INTO_A_VEIN = frozenset({"infusion", "push"})


def place(assessment: Assessment) -> list[Entry]:
    """Give every service of one encounter its place."""
    services = [service for service in assessment.services if service.outcome == "service"]
    into_a_vein: list[Service] = []
    others: list[Service] = []
    for service in services:
        (into_a_vein if service.technique in _INTO_A_VEIN else others).append(service)
    entries = _place_into_a_vein(into_a_vein, assessment) if into_a_vein else []
    if others:
        entries += services_alone(others, services, assessment)
        entries += injections_of(others, assessment.rules)
        entries += infusions_by_site(others)
    care = port_alone(assessment)
    if care.flushes:
        entry = by_itself(care.flushes, services, assessment)
        entries += [entry, *care.questions] if isinstance(entry, Placement) else [entry]
    return entries


def _place_into_a_vein(services: Sequence[Service], assessment: Assessment) -> list[Entry]:
    """Place infusions and pushes by access line: an initial service for each, then its add-ons."""
    rules = assessment.rules
    drugs: list[Service] = []
    fluids: list[Service] = []
    for service in services:
        (fluids if service.service_class == "hydration" else drugs).append(service)
    by_line = [candidates_of(line, rules) for line in access_lines(drugs)]
    lines = [AccessLine(highest_in_rank(candidates, rules), candidates) for candidates in by_line]
    if len(lines) > 1:
        order = rank_order(rules)
        lines.sort(key=lambda line: order(line.best))
    blood = [service for service in assessment.services if service.service_class == "blood"]
    hydration = hydration_of(fluids, drugs, blood, rules)
    entries: list[Entry] = []
    if isinstance(hydration, Candidate):
        lines = _with_hydration(lines, hydration)
    elif hydration is not None:
        entries.append(hydration)
    for index, line in enumerate(lines):
        first = lines[0].best if index else None
        entries += _place_line(line, first, assessment, concurrent_count(entries))
    return entries


def _with_hydration(lines: Sequence[AccessLine], hydration: Candidate) -> list[AccessLine]:
    """Add hydration to the first line; without any drug hydration is a line of its own."""
    if not lines:
        return [AccessLine(hydration, [hydration])]
    return [AccessLine(lines[0].best, [*lines[0].candidates, hydration]), *lines[1:]]


def _place_line(
    line: AccessLine, first: Candidate | None, assessment: Assessment, reported: int
) -> list[Entry]:
    """Place the services of one access line.

    `first` is the best service of the first line, None where this line is the first. `reported` is
    the number of concurrent infusions in the lines before this one.
    """
    rules = assessment.rules
    choice = choose_initial(line, rules, assessment.context)
    initial = choice.initial
    distinct = distinct_modifier(
        second_line=first is not None,
        second_of_day=initial.services[0].administration.day in assessment.elsewhere.second_on,
        rules=rules,
    )
    modifier, steps = distinct.modifier, (*choice.steps, *distinct.steps)
    entries: list[Entry] = [placed(initial, "initial", distinct=modifier, steps=steps)]
    entries += choice.questions
    if first is not None:
        entries.append(second_line_question(initial, first))
    if len(line.candidates) == 1:
        return entries
    infusions: list[Candidate] = []
    pushes: list[Candidate] = []
    for other in sorted(line.candidates, key=clock_order):
        if other is not initial:
            (infusions if other.technique == "infusion" else pushes).append(other)
    if infusions:
        entries += further_infusions(
            infusions, initial, rules, distinct=modifier, reported=reported
        )
    if pushes:
        entries += further_pushes(pushes, [initial, *infusions], rules)
    return entries
