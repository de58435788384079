"""Why the chosen line is there: one sentence, the sum of minutes, other policies, the steps.

It owns the layout of the reasons. Every fact comes from the line's trace and from the timeline on
which the draft rests; no rule is asked again.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from chargeline.engine import (
    FAMILIES,
    Administration,
    ChargeLine,
    Difference,
    Interval,
    Rulebook,
    Step,
)
from chargeline.workbench.visit.lines import amount_of, what_of
from chargeline.workbench.visit.model import (
    LineRow,
    MinutesPart,
    PolicyGives,
    StepShown,
    WhyOfLine,
)
from chargeline.workbench.visit.ruler import ruler_of
from chargeline.workbench.visit.words import (
    clock,
    dollars,
    minutes_between,
    sources_shown,
)

_HOURS = "further hours"
_END = re.compile(r"([A-Z0-9]{5})(?:-[A-Z0-9-]+)? x(\d+)")
_MOST_PARTS = 40


def why_of(
    line: ChargeLine,
    row: LineRow,
    items: Mapping[str, Administration],
    rulebook: Rulebook,
    *,
    policy: str,
    prices: Mapping[str, int],
    zone: ZoneInfo,
) -> WhyOfLine:
    """The reasons of a line; `items` are the administrations after what people answered."""
    given = [items[key] for key in line.administrations if key in items]
    rules = [step.decision.rule for step in line.trace if step.decision is not None]
    positions = [position for rule in rules if rule is not None for position in rule.other]
    return WhyOfLine(
        row=row,
        sentence=_sentence(line),
        parts=_parts(line, given, zone) if line.minutes is not None else (),
        ruler=_ruler(line),
        policies=_policies(line, rulebook, policy, prices),
        positions=tuple(dict.fromkeys(positions)),
        steps=tuple([_step(step, rulebook.sources) for step in line.trace]),
        said=tuple(_said(line)),
    )


def _sentence(line: ChargeLine) -> str:
    reason = FAMILIES[line.family].reason_in_short(line)
    drug = line.drug
    name = drug[:1].upper() + drug[1:]
    ran = f" ran {line.minutes} minutes" if line.minutes is not None else ""
    return f"{name}{ran}: {what_of(line)}. {reason}" if ran else f"{name}: {reason}"


def _said(line: ChargeLine) -> list[str]:
    """What people said of the line and of the doses behind it, a sentence each."""
    return [
        f"{step.topic}: " + "; ".join([f"{name.replace('_', ' ')} {fact}" for name, fact in facts])
        for step in line.trace
        for facts in [step.facts]
        if step.topic in ("answer", "word on the line")
    ]


# ------------------------------------------------------------------ minutes as a sum


def _parts(
    line: ChargeLine, given: Sequence[Administration], zone: ZoneInfo
) -> tuple[MinutesPart, ...]:
    """The stretches and pauses of the doses behind a line, then their sum, then what counts."""
    parts: list[MinutesPart] = []
    total = 0
    for item in given:
        for place, run in enumerate(item.intervals):
            if place:
                parts.append(_pause(item.intervals[place - 1], run, item.day, zone))
            part, minutes = _stretch(run, item.day, zone)
            parts.append(part)
            total += minutes
    if not parts:
        return ()
    more = len(parts) - _MOST_PARTS
    parts = parts[:_MOST_PARTS]
    if more > 0:
        parts.append(MinutesPart("…", "", f"{more} further stretches: see the table of times", ()))
    parts.append(MinutesPart("Charted", str(total), _in_hours(total), (), is_total=True))
    if line.minutes is not None and line.minutes != total:
        says = "of these the line counts; the steps below say which"
        parts.append(MinutesPart("Counted", str(line.minutes), says, (), is_total=True))
    return tuple(parts)


def _stretch(run: Interval, day: date, zone: ZoneInfo) -> tuple[MinutesPart, int]:
    sources = sources_shown([run.start_source, run.stop_source])
    start = clock(run.start, zone, day)
    if run.stop is None:
        return MinutesPart(f"{start} –", "", "no stop is charted", sources), 0
    minutes = minutes_between(run.start, run.stop)
    return MinutesPart(
        f"{start} – {clock(run.stop, zone, day)}", str(minutes), "", sources
    ), minutes


def _pause(before: Interval, after: Interval, day: date, zone: ZoneInfo) -> MinutesPart:
    start = before.stop or before.start
    span = f"{clock(start, zone, day)} – {clock(after.start, zone, day)}"
    length = minutes_between(start, after.start)
    return MinutesPart(span, "0", f"paused {length} minutes, not counted", ())


def _in_hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"= {hours} h + {rest} min"


def _ruler(line: ChargeLine) -> str:
    """The ruler of hours where the line was worked out by hours; "" elsewhere."""
    decision = next((step.decision for step in line.trace if step.topic == _HOURS), None)
    if line.minutes is None or decision is None or decision.rule is None:
        return ""
    least = dict(decision.rule.then).get("remainder_minutes")
    assert isinstance(least, int), "the rule on further hours gives minutes"
    return ruler_of(line.minutes, least, line.code)


# ------------------------------------------------------------------ other policies


def _policies(
    line: ChargeLine, rulebook: Rulebook, policy: str, prices: Mapping[str, int]
) -> tuple[PolicyGives, ...]:
    """What each policy gives, the one in use first."""
    ours = f"{'-'.join([line.code, *line.modifiers])} ×{line.units}"
    amount = amount_of([line], prices) if line.code in prices else ""
    rows = [PolicyGives(policy, ours, "", amount, in_use=True)]
    by_policy = {difference.policy: difference for difference in line.other_policies}
    for other in rulebook.compared:
        if other == policy:
            continue
        difference = by_policy.get(other)
        if difference is None:
            rows.append(PolicyGives(other, ours, "same", amount, in_use=False))
        else:
            rows.append(_other_policy(difference, prices))
    return tuple(rows)


def _other_policy(difference: Difference, prices: Mapping[str, int]) -> PolicyGives:
    """What the other policy makes of the administrations of the line, all their lines together."""
    here = ", ".join(difference.here).replace(" x", " ×")
    because = f" (rule {difference.rule})" if difference.rule else ""
    return PolicyGives(
        policy=difference.policy,
        gives=", ".join(difference.says).replace(" x", " ×") or "nothing",
        compared=f"in place of {here or 'nothing'}{because}",
        amount=_amount_of_ends(difference.says, prices),
        in_use=False,
    )


def _amount_of_ends(ends: Sequence[str], prices: Mapping[str, int]) -> str:
    """What the lines of another policy would bring; "" where one of their codes has no price."""
    lines = [(match[1], int(match[2])) for match in map(_END.fullmatch, ends) if match is not None]
    if not prices or any(code not in prices for code, _units in lines):
        return ""
    return dollars(sum([prices[code] * units for code, units in lines]))


# ------------------------------------------------------------------ steps


def _step(step: Step, titles: Mapping[str, str]) -> StepShown:
    decision = step.decision
    rule = decision.rule if decision is not None else None
    facts = [f"{name.replace('_', ' ')} {value}" for name, value in step.facts]
    passed_over = decision.passed_over if decision is not None else ()
    return StepShown(
        topic=step.topic,
        says=rule.why if rule is not None else "",
        facts="; ".join(facts),
        rule=rule.id if rule is not None else "",
        cited="; ".join([titles.get(key, key) for key in rule.cite]) if rule is not None else "",
        sources=sources_shown(step.sources),
        passed_over=tuple([(other.id, other.why) for other in passed_over]),
    )
