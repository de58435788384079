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
from chargeline.engine.spans import Span, distance, join_in, runs_at, union
from chargeline.engine.trace import Step
from chargeline.engine.words import PushBesideAs, RepeatPushAs


def further_pushes(
    pushes: Sequence[Candidate], given: Sequence[Candidate], rules: DayRules
) -> list[Entry]:
    """The places of pushes in the order of the clock; `given` are the other services of the line.

    Each further drug is an additional push. For the same drug again, rules decide: the minutes
    count from the pushes of it that are reported, and not from an infusion of it. A drug in a bag
    with others is known by its own name: ondansetron after a bag of dexamethasone and ondansetron
    is the same drug again.
    """
    times: dict[str, list[Span]] = {}  # of each drug, as `union` returns them
    infused: set[str] = set()
    for other in given:
        if other.technique == "push":
            _note(times, other)
        elif other.service_class == "therapeutic":
            infused.update(_drugs_of(other))
    chemotherapy = [
        infusion
        for infusion in given
        if infusion.technique == "infusion" and infusion.service_class in CHEMOTHERAPY
    ]
    running = union([span for infusion in chemotherapy for span in infusion.spans])
    entries: list[Entry] = []
    for push in pushes:
        is_beside = runs_at(running, push.start)
        part_of_infusion = _part_of_infusion(push, chemotherapy[0], rules) if is_beside else None
        if part_of_infusion is not None:
            entries.append(part_of_infusion)  # not a push, so a later push is not a repeat of it
            continue
        drugs = _drugs_of(push)
        before = [times[drug] for drug in drugs if drug in times]
        if before:
            gap_minutes = min([distance(push.presence, spans) for spans in before]) // 60
            entries.append(_again(push, gap_minutes, rules))
        elif infused.isdisjoint(drugs):
            entries.append(placed(push, "additional"))
        else:
            entries.append(_again(push, None, rules))
        if isinstance(entries[-1], Placement):
            _note(times, push)
    return entries


def _note(times: dict[str, list[Span]], push: Candidate) -> None:
    """Add a push to the times of its drugs."""
    for drug in _drugs_of(push):
        for span in push.presence:
            join_in(times.setdefault(drug, []), span)


def _drugs_of(candidate: Candidate) -> list[str]:
    """What was given, drug by drug; the drugs of a mixture are joined by `+`."""
    return candidate.substance.split("+")


def _part_of_infusion(push: Candidate, infusion: Candidate, rules: DayRules) -> NotReported | None:
    """The push, at whose start chemotherapy ran, as not reported where rules withhold it then."""
    if push.services[0].provisional:
        return None
    decision = rules.of(PUSH_BESIDE).decide(OfClass(push.service_class))
    if _REPORTED_BESIDE[decision.answer.as_]:
        return None
    rule = decision.rule_in_force
    step = Step("push beside an infusion", decision, (("during", infusion.substance),))
    return _not_reported(push, rule.id, rule.why, step)


_REPORTED_BESIDE: Mapping[PushBesideAs, bool] = {"report": True, "withheld": False}


def _again(push: Candidate, gap_minutes: int | None, rules: DayRules) -> Placement | NotReported:
    """The place of the same drug pushed again, `gap_minutes` after the nearest push of it.

    None: the drug was infused before and not pushed, so no minutes need have passed.
    """
    decision = rules.of(REPEAT_PUSH).decide(OfClass(push.service_class))
    rule, after = decision.rule_in_force, decision.answer.after_minutes
    since = "infused" if gap_minutes is None else gap_minutes
    step = Step("same drug again", decision, (("minutes since", since), ("more than", after)))
    if _REPORTED_AGAIN[decision.answer.as_](gap_minutes, after):
        return placed(push, "repeat", steps=(step,))
    return _not_reported(push, rule.id, rule.why, step)


def _after_so_many_minutes(gap_minutes: int | None, after_minutes: int) -> bool:
    return gap_minutes is None or gap_minutes > after_minutes


def _never(_gap_minutes: int | None, _after_minutes: int) -> bool:
    return False


_REPORTED_AGAIN: Mapping[RepeatPushAs, Callable[[int | None, int], bool]] = {
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
