"""Hydration: which of its minutes count, and whether they are enough to be reported.

It owns one decision: all hydration of an encounter is one service, whatever fluids ran. It does not
know whether minutes beside a drug count, nor whether pieces add up: rules answer both. Example:
saline runs 09:00-10:00, and a drug runs 09:00-09:20. Under a rule of "alone only" 40 minutes count.
Fluid from the first unit of blood to the end of the last one serves the transfusion.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chargeline.engine.infusions.concerns import MINIMUM, ServiceFacts
from chargeline.engine.infusions.fluid_concerns import (
    FLUID_WITH_BLOOD,
    HYDRATION_BESIDE,
    HYDRATION_PIECES,
)
from chargeline.engine.infusions.places import Candidate, NotReported, candidate
from chargeline.engine.rules import NO_FACTS, DayRules, Decision, Rule
from chargeline.engine.services.records import (
    Service,
    clock_order,
    end_seconds,
    joined_spans,
    start_seconds,
)
from chargeline.engine.spans import Span, seconds, subtract
from chargeline.engine.trace import Step
from chargeline.engine.words import FluidWithBloodAs, HydrationBesideAs, HydrationPiecesAs


def hydration_of(
    fluids: Sequence[Service],
    drugs: Sequence[Service],
    blood: Sequence[Service],
    rules: DayRules,
) -> Candidate | NotReported | None:
    """All hydration of an encounter as one candidate, or as not reported; None without hydration.

    `drugs` are the other services that were given by vein, and `blood` the transfused units.
    """
    if not fluids:
        return None
    ordered = sorted(fluids, key=clock_order)
    beside = rules.of(HYDRATION_BESIDE).decide(NO_FACTS)
    running = joined_spans(ordered)
    drug_spans = [span for service in drugs for span in service.spans]
    apart = _BESIDE[beside.answer.as_](running, drug_spans)
    transfusion, spans = _without_transfusion(apart, blood, rules)
    pieces = rules.of(HYDRATION_PIECES).decide(NO_FACTS)
    counted = _PIECES[pieces.answer.as_](spans)
    running_minutes, minutes = seconds(running) // 60, seconds(counted) // 60
    facts = (("running", running_minutes), ("counted", minutes))
    steps = [Step("hydration beside others", beside, facts), *transfusion]
    if len(spans) > 1:
        arithmetic = " + ".join([str((stop - start) // 60) for start, stop in counted])
        sum_of_pieces = (("arithmetic", f"{arithmetic} = {minutes}"),)
        steps.append(Step("hydration in pieces", pieces, sum_of_pieces))
    least = rules.of(MINIMUM).decide(ServiceFacts("hydration", "infusion"))
    if least.rule is not None and minutes < least.answer.minutes:
        enough = (("minutes", minutes), ("least", least.answer.minutes))
        steps.append(Step("minimum", least, enough))
        rule = _reason(beside if seconds(apart) < seconds(running) else least, transfusion)
        return NotReported(
            services=tuple(ordered),
            reason=rule.id,
            says=rule.why,
            minutes=minutes,
            steps=tuple(steps),
        )
    return candidate(ordered, minutes=minutes, spans=counted, steps=tuple(steps))


def _without_transfusion(
    spans: list[Span], blood: Sequence[Service], rules: DayRules
) -> tuple[list[Step], list[Span]]:
    """The spans without those of a transfusion, and the step that says so."""
    if not blood:
        return [], spans
    decision = rules.of(FLUID_WITH_BLOOD).decide(NO_FACTS)
    period = (min(map(start_seconds, blood)), max(map(end_seconds, blood)))
    left = _WITH_BLOOD[decision.answer.as_](spans, period)
    if left == spans:
        return [], spans
    taken = (seconds(spans) - seconds(left)) // 60
    return [Step("fluid with blood", decision, (("minutes with blood", taken),))], left


def _outside(spans: list[Span], period: Span) -> list[Span]:
    return subtract(spans, [period])


def _everything(spans: list[Span], _period: Span) -> list[Span]:
    return spans


_WITH_BLOOD: Mapping[FluidWithBloodAs, Callable[[list[Span], Span], list[Span]]] = {
    "withheld": _outside,
    "count": _everything,
}


def _reason(decision: Decision[Any], transfusion: Sequence[Step]) -> Rule:
    """The rule because of which hydration is not reported: the last that took minutes away."""
    last = transfusion[-1].decision if transfusion else None
    return (last or decision).rule_in_force


def _alone_only(running: Sequence[Span], drugs: Sequence[Span]) -> list[Span]:
    return subtract(running, drugs)


def _all_minutes(running: Sequence[Span], _drugs: Sequence[Span]) -> list[Span]:
    return list(running)


_BESIDE: Mapping[HydrationBesideAs, Callable[[Sequence[Span], Sequence[Span]], list[Span]]] = {
    "alone_only": _alone_only,
    "count": _all_minutes,
}


def _longest(spans: Sequence[Span]) -> list[Span]:
    """The longest piece; of pieces of the same length the earliest."""
    return [max(spans, key=lambda span: (span[1] - span[0], -span[0]))] if spans else []


_PIECES: Mapping[HydrationPiecesAs, Callable[[Sequence[Span]], list[Span]]] = {
    "sum": list,
    "longest": _longest,
}
