"""The same drug infused again in one access line: one infusion, further hours, or a push.

It owns the sum of the minutes, and which stretches are one dose. It does not know which of the
three a policy chooses: a rule says so. Two stretches are one dose if they touch, because a new bag
does not stop the clock, or if they are of one order with a short pause between them. Example:
vancomycin of one order runs 10:00-10:30 and 10:50-11:40. Under a rule of "pause of 60 minutes" this
is one infusion of 30 + 50 = 80 minutes. The next bag at 18:00 is a later dose.
"""

from collections.abc import Callable, Mapping, Sequence

from chargeline.engine.infusions.concerns import REPEAT_INFUSION, RepeatInfusionAnswer
from chargeline.engine.infusions.places import Candidate, candidate
from chargeline.engine.rules import DayRules, Decision
from chargeline.engine.services.concerns import OfClass
from chargeline.engine.services.records import (
    Service,
    clock_order,
    end_seconds,
    joined_spans,
    start_seconds,
)
from chargeline.engine.shapes import by_keyword
from chargeline.engine.spans import seconds
from chargeline.engine.trace import Step
from chargeline.engine.words import RepeatInfusionAs, Technique

_new_candidate = by_keyword(Candidate)
_Dose = Sequence[Service]
_TOUCHING_SECONDS = 60  # nurses chart in whole minutes


def candidates_of(services: Sequence[Service], rules: DayRules) -> list[Candidate]:
    """The infusions and pushes of one access line, infusions of one drug joined as rules say."""
    candidates: list[Candidate] = []
    by_substance: dict[str, list[Service]] = {}
    without_stop: list[Service] = []
    for service in services:
        if service.technique == "infusion":
            by_substance.setdefault(service.substance, []).append(service)
        elif service.provisional == "stop.missing":
            without_stop.append(service)
        else:
            candidates.append(_alone(service))
    for same in by_substance.values():
        if len(same) == 1:
            candidates.append(_alone(same[0]))
        else:
            candidates += _repeated(sorted(same, key=clock_order), rules)
    return _with_bags(candidates, without_stop) if without_stop else candidates


def _alone(service: Service) -> Candidate:
    # Not by `candidate`: most services stand alone, and each is placed under every policy.
    assert service.technique is not None, "a service has a technique"
    return _new_candidate(
        services=(service,),
        service_class=service.service_class,
        substance=service.substance,
        technique=service.technique,
        minutes=service.minutes,
        spans=service.spans,
        start=start_seconds(service),
        steps=(),
    )


def _with_bags(candidates: Sequence[Candidate], without_stop: Sequence[Service]) -> list[Candidate]:
    """Bags without a stop, each with the infusion of the same drug and order, or by itself."""
    together = list(candidates)
    places: dict[tuple[str, str], int] = {}  # of the first infusion, by drug and order
    for place, infusion in enumerate(candidates):
        if infusion.technique == "infusion":
            for service in infusion.services:
                places.setdefault((infusion.substance, service.administration.order), place)
    for bag in without_stop:
        home = places.get((bag.substance, bag.administration.order))
        if home is None:
            together.append(_alone(bag))
        else:
            together[home] = _with_bag(together[home], bag)
    return together


def _with_bag(infusion: Candidate, bag: Service) -> Candidate:
    """The infusion with a bag that has no stop: no push, and without minutes until it is known."""
    step = Step("bag without a stop", None, (("minutes counted", 0),))
    return infusion._replace(
        services=(*infusion.services, bag), steps=(*infusion.steps, *bag.steps[-1:], step)
    )


# ------------------------------------------------------------------ the same drug again


def _repeated(same: Sequence[Service], rules: DayRules) -> list[Candidate]:
    """The candidates of several infusions of one drug, which are in the order of the clock."""
    decision = rules.of(REPEAT_INFUSION).decide(OfClass(same[0].service_class))
    return _REPEATED[decision.answer.as_](_doses(same, decision.answer), decision)


def _doses(same: Sequence[Service], answer: RepeatInfusionAnswer) -> list[list[Service]]:
    """The infusions dose by dose: stretches that belong together are one dose."""
    doses: list[list[Service]] = []
    ended = 0  # the last stop of the dose so far
    for service in same:
        if doses and _goes_on(doses[-1][-1], ended, service, answer.pause_minutes):
            doses[-1].append(service)
            ended = max(ended, end_seconds(service))
        else:
            doses.append([service])
            ended = end_seconds(service)
    return doses


def _goes_on(last: Service, ended: int, service: Service, pause_minutes: int) -> bool:
    gap = start_seconds(service) - ended
    is_one_order = service.administration.order == last.administration.order
    return gap <= _TOUCHING_SECONDS or (is_one_order and gap <= pause_minutes * 60)


def _add_minutes(
    doses: Sequence[_Dose], decision: Decision[RepeatInfusionAnswer]
) -> list[Candidate]:
    return [_joined([service for dose in doses for service in dose], decision)]


def _further_hours(
    doses: Sequence[_Dose], decision: Decision[RepeatInfusionAnswer]
) -> list[Candidate]:
    """The first dose by itself, and each later one as further hours of the first."""
    later = [_apart(dose, "infusion", decision) for dose in doses[1:]]
    return [_joined(doses[0], decision), *later]


def _short_ones_as_pushes(
    doses: Sequence[_Dose], decision: Decision[RepeatInfusionAnswer]
) -> list[Candidate]:
    most = decision.answer.push_minutes
    short: list[_Dose] = []
    rest = list(doses[0])
    for dose in doses[1:]:
        if _minutes(dose) <= most:
            short.append(dose)
        else:
            rest += dose
    pushes = [_apart(dose, "push", decision) for dose in short]
    return [_joined(rest, decision), *pushes]


_REPEATED: Mapping[
    RepeatInfusionAs,
    Callable[[Sequence[_Dose], Decision[RepeatInfusionAnswer]], list[Candidate]],
] = {
    "add_minutes": _add_minutes,
    "additional_hours": _further_hours,
    "short_as_push": _short_ones_as_pushes,
}


def _minutes(dose: _Dose) -> int:
    return seconds(joined_spans(dose)) // 60


def _joined(same: _Dose, decision: Decision[RepeatInfusionAnswer]) -> Candidate:
    spans = joined_spans(same)
    minutes = seconds(spans) // 60
    steps = (_step(same, minutes, decision),) if len(same) > 1 else ()
    return candidate(same, minutes=minutes, spans=spans, steps=steps)


def _apart(
    dose: _Dose, technique: Technique, decision: Decision[RepeatInfusionAnswer]
) -> Candidate:
    spans = joined_spans(dose)
    minutes = seconds(spans) // 60
    steps = (_step(dose, minutes, decision),)
    return candidate(dose, minutes=minutes, spans=spans, technique=technique, steps=steps)


def _step(same: _Dose, minutes: int, decision: Decision[RepeatInfusionAnswer]) -> Step:
    arithmetic = " + ".join([str(service.minutes) for service in same])
    facts = (("infusions", len(same)), ("arithmetic", f"{arithmetic} = {minutes} minutes"))
    return Step("same drug again", decision, facts)
