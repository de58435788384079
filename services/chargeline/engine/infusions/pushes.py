"""Further pushes of an access line: of another drug, of the same drug again, or beside an infusion.

It owns the arithmetic of gaps between pushes of one drug. It does not know whether a repeat or a
push during chemotherapy is reported: rules answer both. Example: ondansetron is pushed at 09:00,
09:20 and 10:00. Under a rule of "more than 30 minutes" the push at 09:20 is not reported, because
20 minutes have passed, and the push at 10:00 is reported, because 40 minutes have passed.
"""

from collections.abc import Callable, Mapping, Sequence

from chargeline.engine.infusions.concerns import PUSH_BESIDE, REPEAT_PUSH
from chargeline.engine.infusions.places import (
    CHEMOTHERAPY,
    Candidate,
    Entry,
    NotReported,
    Placement,
    placed,
)
from chargeline.engine.rules import DayRules
from chargeline.engine.services.concerns import OfClass
from chargeline.engine.spans import Span, distance
from chargeline.engine.trace import Step
from chargeline.engine.words import PushBesideAs, RepeatPushAs


def further_pushes(
    pushes: Sequence[Candidate], given: Sequence[Candidate], rules: DayRules
) -> list[Entry]:
    """The places of pushes in the order of the clock; `given` are the other services of the line.

    Each further drug is an additional push. For the same drug again, rules decide.
    """
    times: dict[str, list[Sequence[Span]]] = {}
    for other in given:
        if other.technique == "push" or other.service_class == "therapeutic":
            times.setdefault(other.substance, []).append(other.presence)
    entries: list[Entry] = []
    for push in pushes:
        part_of_infusion = _part_of_infusion(push, given, rules)
        if part_of_infusion is not None:
            entries.append(part_of_infusion)  # not a push, so a later push is not a repeat of it
            continue
        before = times.setdefault(push.substance, [])
        if before:
            gap_minutes = min([distance(push.presence, spans) for spans in before]) // 60
            entries.append(_again(push, gap_minutes, rules))
        else:
            entries.append(placed(push, "additional"))
        before.append(push.presence)
    return entries


def _part_of_infusion(
    push: Candidate, given: Sequence[Candidate], rules: DayRules
) -> NotReported | None:
    """The push as not reported, where chemotherapy ran at its start and rules withhold it then."""
    if push.services[0].provisional:
        return None
    running = [
        infusion
        for infusion in given
        if infusion.technique == "infusion" and infusion.service_class in CHEMOTHERAPY
    ]
    if not any(start <= push.start < stop for drug in running for start, stop in drug.spans):
        return None
    decision = rules.of(PUSH_BESIDE).decide(OfClass(push.service_class))
    if _REPORTED_BESIDE[decision.answer.as_]:
        return None
    rule = decision.rule_in_force
    step = Step("push beside an infusion", decision, (("during", running[0].substance),))
    return _not_reported(push, rule.id, rule.why, step)


_REPORTED_BESIDE: Mapping[PushBesideAs, bool] = {"report": True, "withheld": False}


def _again(push: Candidate, gap_minutes: int, rules: DayRules) -> Placement | NotReported:
    """The place of the same drug pushed again, `gap_minutes` after the nearest other dose of it."""
    decision = rules.of(REPEAT_PUSH).decide(OfClass(push.service_class))
    rule, after = decision.rule_in_force, decision.answer.after_minutes
    step = Step("same drug again", decision, (("minutes since", gap_minutes), ("more than", after)))
    if _REPORTED_AGAIN[decision.answer.as_](gap_minutes, after):
        return placed(push, "repeat", steps=(step,))
    return _not_reported(push, rule.id, rule.why, step)


def _after_so_many_minutes(gap_minutes: int, after_minutes: int) -> bool:
    return gap_minutes > after_minutes


def _never(_gap_minutes: int, _after_minutes: int) -> bool:
    return False


_REPORTED_AGAIN: Mapping[RepeatPushAs, Callable[[int, int], bool]] = {
    "report": _after_so_many_minutes,
    "withheld": _never,
}


def _not_reported(push: Candidate, reason: str, says: str, step: Step) -> NotReported:
    return NotReported(
        services=push.services,
        reason=reason,
        says=says,
        minutes=push.minutes,
        steps=(*push.steps, step),
    )
