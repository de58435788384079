"""Further infusions of an access line: beside another one, after it, or more of the same.

It owns the reckoning of overlap. How much of it makes an infusion concurrent, and how many such an
encounter may carry, are answers of the rules.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.infusions.concerns import (
    CONCURRENCY,
    CONCURRENT_LIMIT,
    ConcurrencyAnswer,
)
from chargeline.engine.infusions.places import Candidate, Entry, NotReported, Placement, placed
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.spans import Span, overlap, seconds, subtract
from chargeline.engine.trace import Step
from chargeline.engine.words import ConcurrencyAs


def further_infusions(
    infusions: Sequence[Candidate],
    initial: Candidate,
    rules: DayRules,
    *,
    distinct: str,
    reported: int,
) -> list[Entry]:
    """The places of the infusions beside the initial service, in the order of the clock.

    `distinct` is the modifier of the line. `reported`: how many concurrent therapeutic infusions
    the encounter has already.
    """
    entries: list[Entry] = []
    timed = [initial] if initial.technique == "infusion" else []
    for infusion in infusions:
        if infusion.service_class == "hydration":
            entries.append(placed(infusion, "additional"))
        elif infusion.substance in [other.substance for other in timed]:
            entries.append(placed(infusion, "additional_hour", distinct=distinct))
        else:
            entry = _beside(infusion, timed, rules, distinct=distinct, reported=reported)
            if isinstance(entry, Placement) and entry.position == "sequential":
                timed.append(infusion)
            reported += _counts_as_concurrent(entry)
            entries.append(entry)
    return entries


def concurrent_count(entries: Sequence[Entry]) -> int:
    """How many concurrent therapeutic infusions are reported."""
    return sum([_counts_as_concurrent(entry) for entry in entries])


def _counts_as_concurrent(entry: Entry) -> bool:
    return (
        isinstance(entry, Placement)
        and entry.position == "concurrent"
        and entry.service_class == "therapeutic"
    )


class _Overlap(NamedTuple):
    """How an infusion runs beside others: the most minutes with any one, and what runs alone."""

    most_minutes: int
    running_minutes: int
    spans: Sequence[Span]
    others: Sequence[Span]


class _Found(NamedTuple):
    """Whether an infusion is concurrent, and the minutes that count."""

    is_concurrent: bool
    minutes: int


def _beside(
    infusion: Candidate,
    timed: Sequence[Candidate],
    rules: DayRules,
    *,
    distinct: str,
    reported: int,
) -> Placement | NotReported:
    """A drug that is infused for the first time: concurrent with another one, or in sequence."""
    others = [each for each in timed if each.service_class != "hydration"]
    shared = [overlap(infusion.spans, each.spans) // 60 for each in others]
    overlapping = _Overlap(
        most_minutes=max(shared, default=0),
        running_minutes=infusion.minutes,
        spans=infusion.spans,
        others=[span for each in others for span in each.spans],
    )
    decision = rules.of(CONCURRENCY).decide(NO_FACTS)
    found = _CONCURRENCY[decision.answer.as_](overlapping, decision.answer)
    facts = (
        ("overlap_minutes", overlapping.most_minutes),
        ("running_minutes", overlapping.running_minutes),
    )
    step = Step("beside the others", decision, facts)
    if not found.is_concurrent:
        return placed(
            infusion, "sequential", minutes=found.minutes, distinct=distinct, steps=(step,)
        )
    if infusion.service_class == "therapeutic":
        over = _over_limit(infusion, rules, step, reported)
        if over is not None:
            return over
    return placed(infusion, "concurrent", minutes=found.minutes, steps=(step,))


def _any_overlap(overlapping: _Overlap, answer: ConcurrencyAnswer) -> _Found:
    return _Found(overlapping.most_minutes >= 1, overlapping.running_minutes)


def _so_many_minutes(overlapping: _Overlap, answer: ConcurrencyAnswer) -> _Found:
    return _Found(overlapping.most_minutes >= answer.minutes, overlapping.running_minutes)


def _most_of_the_time(overlapping: _Overlap, answer: ConcurrencyAnswer) -> _Found:
    minutes = overlapping.running_minutes
    return _Found(overlapping.most_minutes >= minutes // 2 + 1, minutes)


def _what_is_left(overlapping: _Overlap, answer: ConcurrencyAnswer) -> _Found:
    """The minutes that run alone are sequential, if they are as many as the answer says."""
    if not overlapping.most_minutes:
        return _Found(False, overlapping.running_minutes)
    minutes = seconds(subtract(overlapping.spans, overlapping.others)) // 60
    return _Found(minutes < answer.minutes, minutes)


_CONCURRENCY: Mapping[ConcurrencyAs, Callable[[_Overlap, ConcurrencyAnswer], _Found]] = {
    "any": _any_overlap,
    "at_least": _so_many_minutes,
    "majority": _most_of_the_time,
    "subtract": _what_is_left,
}


def _over_limit(
    infusion: Candidate, rules: DayRules, beside: Step, reported: int
) -> NotReported | None:
    """The infusion as not reported, where the encounter has its number of concurrent ones."""
    decision = rules.of(CONCURRENT_LIMIT).decide(NO_FACTS)
    limit = decision.answer.per_encounter
    if reported < limit:
        return None
    rule = decision.rule_in_force
    why = Step("concurrent once", decision, (("already reported", reported), ("limit", limit)))
    steps = (*infusion.steps, beside, why)
    return NotReported(
        services=infusion.services,
        reason=rule.id,
        says=rule.why,
        minutes=infusion.minutes,
        steps=steps,
    )
