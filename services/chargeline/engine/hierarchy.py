"""The place of each service among the others of its encounter.

It owns what cannot be said of an administration alone: the initial service of each access line,
what is sequential or concurrent, repeats of the same drug, hydration beside others, how many
units several injections are. Which answer holds is asked of the rules; only the counting is here.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.services import Service, instant_seconds
from chargeline.engine.spans import Span, distance, overlap, seconds, subtract, union
from chargeline.engine.timeline import VisitContext
from chargeline.engine.trace import Question, Step, ask

COMPETING = frozenset({"infusion", "push"})
# Syringes of one order charted within a quarter of an hour are one dose that had to be divided.
SPLIT_DOSE_SECONDS = 15 * 60
# Chemotherapy has no add-on code under another initial service: where there is any, only it is chosen.
_CHEMO = frozenset({"chemo", "hormonal"})


class Placement(NamedTuple):
    """Services reported together, the first of them being the anchor, and their place.

    `minutes` are those that count toward units. `distinct` is the modifier of a second initial
    service and of all further hours of its line, or "". `steps` are the reasons for the place.
    """

    services: tuple[Service, ...]
    position: str
    minutes: int
    distinct: str
    steps: tuple[Step, ...]


class Dropped(NamedTuple):
    """Services that the encounter as a whole keeps from being billed, and the reason."""

    services: tuple[Service, ...]
    reason: str
    says: str
    minutes: int | None
    steps: tuple[Step, ...]


class Placed(NamedTuple):
    """Where every service of an encounter ended."""

    placements: list[Placement]
    dropped: list[Dropped]
    questions: list[Question]


class _Unit(NamedTuple):
    """One infusion or push as it competes: repeats of a drug may already be joined in it."""

    services: tuple[Service, ...]
    service_class: str
    technique: str
    minutes: int
    spans: tuple[Span, ...]
    start: int
    order: tuple[int, str]
    steps: tuple[Step, ...]


def place(
    services: Sequence[Service], rules: DayRules, context: VisitContext, *, second_encounter: bool
) -> Placed:
    """Give every service of one encounter its place."""
    placed = Placed([], [], [])
    competing = [each for each in services if each.technique in COMPETING]
    others = [each for each in services if each.technique not in COMPETING]
    if competing:
        _place_vein(competing, rules, context, placed, second_encounter=second_encounter)
    if others:
        _place_others(others, services, rules, placed)
    return placed


def _unit(services: Sequence[Service], minutes: int, spans: Iterable[Span], steps: tuple[Step, ...]) -> _Unit:
    first = services[0]
    together = tuple(spans)
    start = together[0][0] if together else _start(first)
    return _Unit(
        tuple(services),
        first.service_class,
        first.technique,
        minutes,
        together,
        start,
        (start, first.administration.key),
        steps,
    )


def _start(service: Service) -> int:
    if service.spans:
        return service.spans[0][0]
    return instant_seconds(service.administration.intervals[0].start)


# ------------------------------------------------------------------ infusions and pushes


def _place_vein(
    services: list[Service],
    rules: DayRules,
    context: VisitContext,
    placed: Placed,
    *,
    second_encounter: bool,
) -> None:
    drugs = [each for each in services if each.service_class != "hydration"]
    fluids = [each for each in services if each.service_class == "hydration"]
    lines = _access_lines(drugs)
    initials: list[tuple[_Unit, list[_Unit]]] = []
    for members in lines:
        units = _repeats(members, rules)
        initials.append((min(units, key=lambda unit: _rank_key(unit, rules)), units))
    initials.sort(key=lambda pair: _rank_key(pair[0], rules))
    hydration = _hydration(fluids, drugs, rules, placed)
    if hydration is not None:
        if initials:
            initials[0][1].append(hydration)
        else:
            initials.append((hydration, [hydration]))
    for index, (best, units) in enumerate(initials):
        initial, chosen = _choose_initial(best, units, rules, context, placed)
        distinct, why = _distinct(index, second_encounter, rules)
        placed.placements.append(
            Placement(initial.services, "initial", initial.minutes, distinct, (*initial.steps, *chosen, *why))
        )
        if index:
            placed.questions.append(_second_line_question(initial, initials[0][0]))
        _place_rest(initial, units, rules, placed, distinct)


def _access_lines(drugs: Sequence[Service]) -> list[list[Service]]:
    """Services by access line. A drug or order that goes on in another site has not changed its line.

    A service without a charted line belongs where the same drug or order went, else to the first line.
    """
    by_line: dict[str, list[Service]] = {}
    for each in drugs:
        by_line.setdefault(each.administration.line, []).append(each)
    if len(by_line) <= 1:
        return [list(members) for members in by_line.values()]
    unknown = by_line.pop("", [])
    groups: list[list[Service]] = []
    for name in sorted(by_line, key=lambda line: (_start(by_line[line][0]), line)):
        members = by_line[name]
        homes = [group for group in groups if any(_shares(each, group) for each in members)]
        if not homes:
            groups.append(list(members))
            continue
        homes[0].extend(members)
        for other in homes[1:]:
            homes[0].extend(other)
            groups.remove(other)
    for each in unknown:
        home = next((group for group in groups if _shares(each, group)), groups[0])
        home.append(each)
    return groups


def _shares(service: Service, group: Sequence[Service]) -> bool:
    """Whether a group holds the same drug or order."""
    return any(
        each.substance == service.substance or each.administration.order == service.administration.order
        for each in group
    )


def _repeats(members: Sequence[Service], rules: DayRules) -> list[_Unit]:
    """Join infusions of the same drug as the rules say; everything else stays by itself."""
    units: list[_Unit] = []
    by_substance: dict[str, list[Service]] = {}
    for each in members:
        if each.technique == "infusion":
            by_substance.setdefault(each.substance, []).append(each)
        else:
            units.append(_unit([each], each.minutes, each.spans, ()))
    for same in by_substance.values():
        if len(same) == 1:
            units.append(_unit(same, same[0].minutes, same[0].spans, ()))
        else:
            units.extend(_joined(sorted(same, key=_service_order), rules))
    return units


def _service_order(service: Service) -> tuple[int, str]:
    return (_start(service), service.administration.key)


def _joined(same: Sequence[Service], rules: DayRules) -> list[_Unit]:
    decision = rules["position.repeat_infusion"].decide()
    how = decision.word("as")
    joined, apart = list(same), []
    if how == "short_as_push":
        apart = [each for each in same[1:] if each.minutes <= 30]
        joined = [each for each in same if each not in apart]
    elif how == "additional_hours":
        apart, joined = list(same[1:]), [same[0]]
    spans = union(span for each in joined for span in each.spans)
    minutes = seconds(spans) // 60
    step = _repeat_step(joined, minutes, decision)
    units = [_unit(joined, minutes, spans, (step,) if len(joined) > 1 else ())]
    for each in apart:
        technique = "push" if how == "short_as_push" else "infusion"
        alone = _unit([each._replace(technique=technique)], each.minutes, each.spans, ())
        units.append(alone._replace(steps=(_repeat_step([each], each.minutes, decision),)))
    return units


def _repeat_step(joined: Sequence[Service], minutes: int, decision: Decision) -> Step:
    arithmetic = " + ".join(str(each.minutes) for each in joined)
    facts = (("infusions", len(joined)), ("arithmetic", f"{arithmetic} = {minutes} minutes"))
    return Step("same drug again", decision, facts)


def _rank_key(unit: _Unit, rules: DayRules) -> tuple[int, int, int, str]:
    """Rank first; of equal rank the longest, then the earliest, then by key, so that one is first."""
    rank = rules["service.rank"].decide(unit.service_class, unit.technique)
    number = rank.number("rank") if rank.rule is not None else 99
    return (number, -unit.minutes, unit.start, unit.order[1])


def _choose_initial(
    best: _Unit, units: Sequence[_Unit], rules: DayRules, context: VisitContext, placed: Placed
) -> tuple[_Unit, tuple[Step, ...]]:
    """The initial service and why: the highest in rank, or what the patient came for."""
    decision = rules["position.initial"].decide()
    facts: tuple[tuple[str, str | int], ...] = (("services", len(units)),)
    if decision.word("by") == "primary_reason" and len(units) > 1:
        choice = [unit for unit in units if unit.service_class in _CHEMO] or list(units)
        chosen, reason = _by_primary_reason(choice, rules, context)
        if chosen is not None:
            return chosen, (Step("initial service", decision, (*facts, *reason)),)
        if len({unit.service_class for unit in choice}) > 1:
            placed.questions.append(_primary_question(best))
    rank = rules["service.rank"].decide(best.service_class, best.technique)
    ranked = (("rank", rank.number("rank")), ("minutes", best.minutes))
    return best, (Step("initial service", decision, facts), Step("rank", rank, ranked))


def _by_primary_reason(
    choice: Sequence[_Unit], rules: DayRules, context: VisitContext
) -> tuple[_Unit | None, tuple[tuple[str, str | int], ...]]:
    """The service that the visit was for: one marked by the sender, else by the first diagnosis."""
    marked = [unit for unit in choice if any(each.administration.primary for each in unit.services)]
    if marked:
        return min(marked, key=lambda unit: _rank_key(unit, rules)), (("marked by the sender", "yes"),)
    for diagnosis in context.diagnoses[:1]:
        for name in (diagnosis, diagnosis[:3]):
            decision = rules["primary.reason"].decide(name)
            if decision.rule is None:
                continue
            kinds = decision.word("kinds").split("|") if decision.word("kinds") else []
            fitting = [unit for unit in choice if _fits(unit, decision.word("class"), kinds)]
            if fitting:
                facts = (("first diagnosis", name), ("reason rule", decision.rule.id))
                return min(fitting, key=lambda unit: _rank_key(unit, rules)), facts
    return None, ()


def _fits(unit: _Unit, service_class: str, kinds: Sequence[str]) -> bool:
    if kinds:
        drugs = [each.drug for service in unit.services for each in service.drugs]
        return any(drug.kind in kinds or drug.id in kinds for drug in drugs)
    return unit.service_class == service_class


def _primary_question(best: _Unit) -> Question:
    return ask(
        "initial.primary_reason",
        expected="a diagnosis or a marked service that says what the patient came for",
        found="none that fits the services given",
        do="say which service was the reason of the visit; until then the highest in rank is initial",
        drug=best.services[0].substance,
        administrations=tuple(each.administration.key for each in best.services),
    )


def _second_line_question(second: _Unit, first: _Unit) -> Question:
    return ask(
        "initial.second_line",
        expected="one initial service, or a second access line that the protocol or the condition required",
        found=f"services in two lines: {first.services[0].administration.line or 'not charted'} and "
        f"{second.services[0].administration.line or 'not charted'}",
        do="confirm why the second site was needed; a restart after infiltration, another lumen or "
        "saving time does not count",
        drug=second.services[0].substance,
        administrations=tuple(each.administration.key for each in second.services),
        sources=tuple(each.administration.intervals[0].start_source for each in second.services),
    )


def _distinct(index: int, second_encounter: bool, rules: DayRules) -> tuple[str, tuple[Step, ...]]:
    if not index and not second_encounter:
        return "", ()
    because = "second_line" if index else "second_encounter"
    decision = rules["modifier.distinct"].decide(because)
    return decision.word("modifier"), (Step("distinct service", decision, (("because", because),)),)


def _place_rest(
    initial: _Unit, units: Sequence[_Unit], rules: DayRules, placed: Placed, distinct: str
) -> None:
    rest = sorted((unit for unit in units if unit is not initial), key=lambda unit: unit.order)
    infusions = [unit for unit in rest if unit.technique == "infusion"]
    pushes = [unit for unit in rest if unit.technique == "push"]
    timed = [initial] if initial.technique == "infusion" else []
    for unit in infusions:
        if unit.service_class == "hydration":
            placed.placements.append(Placement(unit.services, "additional", unit.minutes, "", unit.steps))
        elif _already_infused(unit, timed):
            placed.placements.append(
                Placement(unit.services, "additional_hour", unit.minutes, distinct, unit.steps)
            )
        else:
            _place_infusion(unit, timed, rules, placed, distinct)
    if pushes:
        given = [unit for unit in (initial, *infusions) if unit.service_class != "hydration"]
        _place_pushes(pushes, given, rules, placed)


def _already_infused(unit: _Unit, timed: Sequence[_Unit]) -> bool:
    """A later infusion of a drug whose first one is reported (position additional_hours)."""
    return any(other.services[0].substance == unit.services[0].substance for other in timed)


def _place_infusion(unit: _Unit, timed: list[_Unit], rules: DayRules, placed: Placed, distinct: str) -> None:
    beside = [each for each in timed if each.service_class != "hydration"]
    decision = rules["position.concurrency"].decide()
    shared = [(overlap(unit.spans, each.spans) // 60, each) for each in beside]
    most = max((minutes for minutes, _each in shared), default=0)
    minutes = unit.minutes
    how = decision.word("as")
    concurrent = most >= _overlap_needed(how, decision, unit.minutes)
    if how == "subtract" and most:
        left = subtract(unit.spans, (span for each in beside for span in each.spans))
        minutes = seconds(left) // 60
        concurrent = minutes < 16
    facts: tuple[tuple[str, str | int], ...] = (("overlap_minutes", most), ("running_minutes", unit.minutes))
    step = Step("beside the others", decision, facts)
    position = "concurrent" if concurrent else "sequential"
    if not concurrent:
        timed.append(unit)
    elif unit.service_class == "therapeutic" and _over_limit(unit, rules, placed, step):
        return
    placed.placements.append(Placement(unit.services, position, minutes, distinct, (*unit.steps, step)))


def _overlap_needed(how: str, decision: Decision, minutes: int) -> int:
    if how == "at_least":
        return decision.number("minutes")
    if how == "majority":
        return minutes // 2 + 1
    return 1


def _over_limit(unit: _Unit, rules: DayRules, placed: Placed, step: Step) -> bool:
    decision = rules["position.concurrent_limit"].decide()
    limit = decision.number("per_encounter")
    reported = sum(
        each.position == "concurrent" and each.services[0].service_class == "therapeutic"
        for each in placed.placements
    )
    if reported < limit:
        return False
    assert decision.rule is not None
    why = Step("concurrent once", decision, (("already reported", reported), ("limit", limit)))
    placed.dropped.append(
        Dropped(unit.services, decision.rule.id, decision.rule.why, unit.minutes, (*unit.steps, step, why))
    )
    return True


def _place_pushes(pushes: Sequence[_Unit], given: Sequence[_Unit], rules: DayRules, placed: Placed) -> None:
    """Each further drug is an additional push; the same drug again is what the rules make of it."""
    known: dict[str, list[Sequence[Span]]] = {}
    for unit in given:
        if unit.technique == "push" or unit.service_class == "therapeutic":
            known.setdefault(unit.services[0].substance, []).append(_presence(unit))
    for unit in pushes:
        substance = unit.services[0].substance
        beside = _beside_chemo(unit, given, rules)
        before = known.setdefault(substance, [])
        presence = _presence(unit)
        if beside is not None:
            placed.dropped.append(beside)  # not a push of its own, so a later one is not a repeat
            continue
        if before:
            _place_repeat(unit, min(distance(presence, each) for each in before) // 60, rules, placed)
        else:
            placed.placements.append(Placement(unit.services, "additional", unit.minutes, "", unit.steps))
        before.append(presence)


def _presence(unit: _Unit) -> Sequence[Span]:
    return unit.spans or ((unit.start, unit.start),)


def _beside_chemo(unit: _Unit, given: Sequence[_Unit], rules: DayRules) -> Dropped | None:
    decision = rules["position.push_beside_infusion"].decide(unit.service_class)
    if decision.word("as") != "withheld" or unit.services[0].provisional:
        return None
    running = [each for each in given if each.technique == "infusion" and each.service_class in _CHEMO]
    inside = any(start <= unit.start < stop for each in running for start, stop in each.spans)
    if not inside:
        return None
    rule = decision.rule
    assert rule is not None
    step = Step("push beside an infusion", decision, (("during", running[0].services[0].substance),))
    return Dropped(unit.services, rule.id, rule.why, unit.minutes, (*unit.steps, step))


def _place_repeat(unit: _Unit, gap_minutes: int, rules: DayRules, placed: Placed) -> None:
    decision = rules["position.repeat_push"].decide(unit.service_class)
    rule = decision.rule
    assert rule is not None
    after = decision.number("after_minutes")
    step = Step("same drug again", decision, (("minutes since", gap_minutes), ("more than", after)))
    if decision.word("as") == "report" and gap_minutes > after:
        placed.placements.append(Placement(unit.services, "repeat", unit.minutes, "", (*unit.steps, step)))
    else:
        placed.dropped.append(Dropped(unit.services, rule.id, rule.why, unit.minutes, (*unit.steps, step)))


# ------------------------------------------------------------------ hydration


def _hydration(
    fluids: Sequence[Service], drugs: Sequence[Service], rules: DayRules, placed: Placed
) -> _Unit | None:
    """All hydration of the encounter as one: its minutes alone, in pieces or the longest piece."""
    if not fluids:
        return None
    ordered = sorted(fluids, key=_service_order)
    beside = rules["position.hydration_beside"].decide()
    spans = union(span for each in ordered for span in each.spans)
    running = seconds(spans) // 60
    if beside.word("as") == "alone_only":
        spans = subtract(spans, (span for each in drugs for span in each.spans))
    pieces = rules["position.hydration_pieces"].decide()
    counted = spans if pieces.word("as") == "sum" else _longest(spans)
    minutes = seconds(counted) // 60
    steps = [Step("hydration beside others", beside, (("running", running), ("counted", minutes)))]
    if len(spans) > 1:
        arithmetic = " + ".join(str((stop - start) // 60) for start, stop in counted)
        steps.append(Step("hydration in pieces", pieces, (("arithmetic", f"{arithmetic} = {minutes}"),)))
    least = rules["units.minimum"].decide("infusion", "hydration")
    if minutes < least.number("minutes"):
        rule = least.rule
        assert rule is not None
        steps.append(Step("minimum", least, (("minutes", minutes), ("least", least.number("minutes")))))
        alone = beside.rule if minutes < running and beside.rule is not None else rule
        placed.dropped.append(Dropped(tuple(ordered), alone.id, alone.why, minutes, tuple(steps)))
        return None
    return _unit(ordered, minutes, counted, tuple(steps))


def _longest(spans: Sequence[Span]) -> list[Span]:
    return [max(spans, key=lambda span: (span[1] - span[0], -span[0]))] if spans else []


# ------------------------------------------------------------------ everything else


def _place_others(
    others: Sequence[Service], everything: Sequence[Service], rules: DayRules, placed: Placed
) -> None:
    injections: dict[str, list[Service]] = {}
    subcutaneous: list[Service] = []
    for each in sorted(others, key=_service_order):
        if each.technique == "injection":
            injections.setdefault(each.service_class, []).append(each)
        elif each.technique == "subcutaneous_infusion":
            subcutaneous.append(each)
        else:
            _place_alone(each, everything, rules, placed)
    for service_class, same in injections.items():
        _place_injections(service_class, same, rules, placed)
    for index, each in enumerate(subcutaneous):
        position = "additional" if index else "initial"
        placed.placements.append(Placement((each,), position, each.minutes, "", ()))


def _place_alone(service: Service, everything: Sequence[Service], rules: DayRules, placed: Placed) -> None:
    decision = rules["exclusive"].decide(service.technique)
    if decision.rule is not None:
        barred = decision.word("with")
        beside = [
            each
            for each in everything
            if each is not service and (barred == "any" or each.technique == barred)
        ]
        if beside:
            step = Step("only by itself", decision, (("beside", beside[0].substance),))
            placed.dropped.append(Dropped((service,), decision.rule.id, decision.rule.why, None, (step,)))
            return
    position = "initial" if service.technique == "arterial_infusion" else "only"
    placed.placements.append(Placement((service,), position, service.minutes, "", ()))


def _place_injections(service_class: str, same: Sequence[Service], rules: DayRules, placed: Placed) -> None:
    decision = rules["position.injections"].decide(service_class)
    per = decision.word("per")
    doses: list[list[Service]] = []
    for each in same:
        home = next((dose for dose in doses if _one_dose(per, dose[-1], each)), None)
        if home is None:
            doses.append([each])
        else:
            home.append(each)
    seen: set[str] = set()
    for dose in doses:
        again = dose[0].substance in seen
        seen.add(dose[0].substance)
        modifier = decision.word("modifier") if again and per == "injection" else ""
        step = Step("injections", decision, (("injections", len(dose)), ("units", 1)))
        placed.placements.append(Placement(tuple(dose), "only", dose[0].minutes, modifier, (step,)))


def _one_dose(per: str, last: Service, each: Service) -> bool:
    if per == "visit":
        return True
    if per == "injection" or last.substance != each.substance:
        return False
    same_order = last.administration.order == each.administration.order
    return same_order and _start(each) - _start(last) <= SPLIT_DOSE_SECONDS
