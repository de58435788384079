"""The same drug infused again in one access line: one infusion, further hours, or a push.

It owns the sum of the minutes. It does not know which of the three a policy chooses: a rule says
so. Example: vancomycin runs 10:00-10:30 and 10:50-11:40. Under a rule of "add minutes" this is one
infusion of 30 + 50 = 80 minutes.
"""

from collections.abc import Callable, Mapping, Sequence

from chargeline.engine.infusions.concerns import REPEAT_INFUSION, RepeatInfusionAnswer
from chargeline.engine.infusions.places import Candidate, candidate
from chargeline.engine.rules import NO_FACTS, DayRules, Decision
from chargeline.engine.services.records import Service, clock_order, start_seconds
from chargeline.engine.shapes import by_keyword
from chargeline.engine.spans import seconds, union
from chargeline.engine.trace import Step
from chargeline.engine.words import RepeatInfusionAs, Technique

_new_candidate = by_keyword(Candidate)


def candidates_of(services: Sequence[Service], rules: DayRules) -> list[Candidate]:
    """The infusions and pushes of one access line, infusions of one drug joined as rules say."""
    candidates: list[Candidate] = []
    by_substance: dict[str, list[Service]] = {}
    for service in services:
        if service.technique == "infusion":
            by_substance.setdefault(service.substance, []).append(service)
        else:
            candidates.append(_alone(service))
    for same in by_substance.values():
        if len(same) == 1:
            candidates.append(_alone(same[0]))
        else:
            candidates += _repeated(sorted(same, key=clock_order), rules)
    return candidates


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


def _repeated(same: Sequence[Service], rules: DayRules) -> list[Candidate]:
    """The candidates of several infusions of one drug, which are in the order of the clock."""
    decision = rules.of(REPEAT_INFUSION).decide(NO_FACTS)
    return _REPEATED[decision.answer.as_](same, decision)


def _add_minutes(
    same: Sequence[Service], decision: Decision[RepeatInfusionAnswer]
) -> list[Candidate]:
    return [_joined(same, decision)]


def _further_hours(
    same: Sequence[Service], decision: Decision[RepeatInfusionAnswer]
) -> list[Candidate]:
    """The first infusion by itself, and each later one as further hours of the first."""
    later = [_apart(service, "infusion", decision) for service in same[1:]]
    return [_joined(same[:1], decision), *later]


def _short_ones_as_pushes(
    same: Sequence[Service], decision: Decision[RepeatInfusionAnswer]
) -> list[Candidate]:
    most = decision.answer.push_minutes
    short = [service for service in same[1:] if service.minutes <= most]
    rest = [service for service in same if service not in short]
    pushes = [_apart(service, "push", decision) for service in short]
    return [_joined(rest, decision), *pushes]


_REPEATED: Mapping[
    RepeatInfusionAs,
    Callable[[Sequence[Service], Decision[RepeatInfusionAnswer]], list[Candidate]],
] = {
    "add_minutes": _add_minutes,
    "additional_hours": _further_hours,
    "short_as_push": _short_ones_as_pushes,
}


def _joined(same: Sequence[Service], decision: Decision[RepeatInfusionAnswer]) -> Candidate:
    spans = union(span for service in same for span in service.spans)
    minutes = seconds(spans) // 60
    steps = (_step(same, minutes, decision),) if len(same) > 1 else ()
    return candidate(same, minutes=minutes, spans=spans, steps=steps)


def _apart(
    service: Service, technique: Technique, decision: Decision[RepeatInfusionAnswer]
) -> Candidate:
    return candidate(
        [service],
        minutes=service.minutes,
        spans=service.spans,
        technique=technique,
        steps=(_step([service], service.minutes, decision),),
    )


def _step(same: Sequence[Service], minutes: int, decision: Decision[RepeatInfusionAnswer]) -> Step:
    arithmetic = " + ".join([str(service.minutes) for service in same])
    facts = (("infusions", len(same)), ("arithmetic", f"{arithmetic} = {minutes} minutes"))
    return Step("same drug again", decision, facts)
