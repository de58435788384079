"""Further infusions of an access line: concurrent, sequential, or more hours of the same drug.

It owns the arithmetic of overlap. It does not know how much overlap makes an infusion concurrent,
nor how many concurrent infusions one encounter may report: rules answer both. Example: carboplatin
runs 09:00-10:00, ondansetron 09:20-09:40 and magnesium 10:05-11:05. Under a rule of "at least 16
minutes together" ondansetron is concurrent (20 minutes) and magnesium is sequential (0 minutes).
"""

from collections.abc import Callable, Mapping, Sequence

from chargeline.engine.infusions.concerns import (
    CONCURRENCY,
    CONCURRENT_LIMIT,
    ConcurrencyAnswer,
)
from chargeline.engine.infusions.places import Candidate, Entry, NotReported, Placement, placed
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.spans import overlap, seconds, subtract
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

    `distinct` is the modifier of the access line. `reported` is the number of concurrent
    therapeutic infusions that the encounter has already.
    """
    entries: list[Entry] = []
    timed = [initial] if initial.technique == "infusion" else []
    substances = {infusion.substance for infusion in timed}
    for infusion in infusions:
        if infusion.service_class == "hydration":
            entries.append(placed(infusion, "additional"))
        elif infusion.substance in substances:
            timed.append(infusion)
            entries.append(placed(infusion, "additional_hour", distinct=distinct))
        else:
            entry = _beside(infusion, timed, rules, distinct=distinct, reported=reported)
            if isinstance(entry, Placement) and entry.position == "sequential":
                timed.append(infusion)
                substances.add(infusion.substance)
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


def _beside(
    infusion: Candidate,
    timed: Sequence[Candidate],
    rules: DayRules,
    *,
    distinct: str,
    reported: int,
) -> Placement | NotReported:
    """The place of a drug infused for the first time: concurrent or sequential."""
    others = [
        other
        for other in timed
        if other.service_class != "hydration" and _may_overlap(infusion, other)
    ]
    together = max([overlap(infusion.spans, each.spans) // 60 for each in others], default=0)
    decision = rules.of(CONCURRENCY).decide(NO_FACTS)
    answer = decision.answer
    is_concurrent, minutes = _CONCURRENCY[answer.as_](infusion, others, together, answer)
    facts = (("overlap_minutes", together), ("running_minutes", infusion.minutes))
    step = Step("beside the others", decision, facts)
    if not is_concurrent:
        return placed(infusion, "sequential", minutes=minutes, distinct=distinct, steps=(step,))
    if infusion.service_class == "therapeutic":
        over = _over_limit(infusion, rules, step, reported)
        if over is not None:
            return over
    return placed(infusion, "concurrent", minutes=minutes, steps=(step,))


def _may_overlap(infusion: Candidate, other: Candidate) -> bool:
    """Whether one begins before the other ends, so that it pays to look at the stretches."""
    ours, theirs = infusion.spans, other.spans
    return ours[0][0] < theirs[-1][1] and theirs[0][0] < ours[-1][1]


def _any_overlap(
    infusion: Candidate, others: Sequence[Candidate], together: int, answer: ConcurrencyAnswer
) -> tuple[bool, int]:
    return together >= 1, infusion.minutes


def _so_many_minutes(
    infusion: Candidate, others: Sequence[Candidate], together: int, answer: ConcurrencyAnswer
) -> tuple[bool, int]:
    return together >= answer.minutes, infusion.minutes


def _most_of_the_time(
    infusion: Candidate, others: Sequence[Candidate], together: int, answer: ConcurrencyAnswer
) -> tuple[bool, int]:
    return together >= infusion.minutes // 2 + 1, infusion.minutes


def _what_is_left(
    infusion: Candidate, others: Sequence[Candidate], together: int, answer: ConcurrencyAnswer
) -> tuple[bool, int]:
    """Sequential for the minutes that run alone, if there are as many as the answer says.

    An infusion of 60 minutes, of which 40 run beside another one, has 20 minutes alone. With 16 in
    the answer it is sequential for 20 minutes, with 31 it is concurrent.
    """
    if not together:
        return False, infusion.minutes
    spans = [span for each in others for span in each.spans]
    minutes = seconds(subtract(infusion.spans, spans)) // 60
    return minutes < answer.minutes, minutes


_CONCURRENCY: Mapping[
    ConcurrencyAs,
    Callable[[Candidate, Sequence[Candidate], int, ConcurrencyAnswer], tuple[bool, int]],
] = {
    "any": _any_overlap,
    "at_least": _so_many_minutes,
    "majority": _most_of_the_time,
    "subtract": _what_is_left,
}
"""Whether an infusion is concurrent, and the minutes of it that count.

Each function gets the infusion, the others, and the most minutes together with any one of them.
"""


def _over_limit(
    infusion: Candidate, rules: DayRules, beside: Step, reported: int
) -> NotReported | None:
    """The infusion as not reported, where the encounter reports as many as the limit allows."""
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
