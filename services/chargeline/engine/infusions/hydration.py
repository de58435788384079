"""Hydration: which of its minutes count, and whether they are enough to be reported.

It owns one decision: all hydration of an encounter is one service, whatever fluids ran. It does not
know whether minutes beside a drug count, nor whether pieces add up: rules answer both. Example:
saline runs 09:00-10:00, and a drug runs 09:00-09:20. Under a rule of "alone only" 40 minutes count.
"""

from collections.abc import Callable, Mapping, Sequence

from chargeline.engine.infusions.concerns import (
    HYDRATION_BESIDE,
    HYDRATION_PIECES,
    MINIMUM,
    ServiceFacts,
)
from chargeline.engine.infusions.places import Candidate, NotReported, candidate
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.services.records import Service, clock_order
from chargeline.engine.spans import Span, seconds, subtract, union
from chargeline.engine.trace import Step
from chargeline.engine.words import HydrationBesideAs, HydrationPiecesAs


def hydration_of(
    fluids: Sequence[Service], drugs: Sequence[Service], rules: DayRules
) -> Candidate | NotReported | None:
    """All hydration of an encounter as one candidate, or as not reported; None without hydration.

    `drugs` are the other services that were given by vein.
    """
    if not fluids:
        return None
    ordered = sorted(fluids, key=clock_order)
    beside = rules.of(HYDRATION_BESIDE).decide(NO_FACTS)
    running = union(span for service in ordered for span in service.spans)
    drug_spans = [span for service in drugs for span in service.spans]
    spans = _BESIDE[beside.answer.as_](running, drug_spans)
    pieces = rules.of(HYDRATION_PIECES).decide(NO_FACTS)
    counted = _PIECES[pieces.answer.as_](spans)
    running_minutes, minutes = seconds(running) // 60, seconds(counted) // 60
    facts = (("running", running_minutes), ("counted", minutes))
    steps = [Step("hydration beside others", beside, facts)]
    if len(spans) > 1:
        arithmetic = " + ".join([str((stop - start) // 60) for start, stop in counted])
        sum_of_pieces = (("arithmetic", f"{arithmetic} = {minutes}"),)
        steps.append(Step("hydration in pieces", pieces, sum_of_pieces))
    least = rules.of(MINIMUM).decide(ServiceFacts("hydration", "infusion"))
    if least.rule is not None and minutes < least.answer.minutes:
        enough = (("minutes", minutes), ("least", least.answer.minutes))
        steps.append(Step("minimum", least, enough))
        rule = beside.rule_in_force if minutes < running_minutes else least.rule
        return NotReported(
            services=tuple(ordered),
            reason=rule.id,
            says=rule.why,
            minutes=minutes,
            steps=tuple(steps),
        )
    return candidate(ordered, minutes=minutes, spans=counted, steps=tuple(steps))


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
