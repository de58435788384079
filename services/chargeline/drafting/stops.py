"""How the stop of each infusion of a visit is documented, for whoever teaches units to chart it.

This module owns the five words and which one an infusion gets. It reads what was charted and
decides nothing of a charge.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

from chargeline.engine import Administration, Draft

StopDocumented: TypeAlias = Literal["in_time", "late", "charted", "said", "missing"]


def stops_documented(
    draft: Draft, administrations: Sequence[Administration], grace: timedelta
) -> list[StopDocumented]:
    """The word of each administration that ran, in their order.

    A stop is missing if the draft asks for it, or if nobody charted it; it is in time if the
    message that says it was sent (MSH-7) at most `grace` after it. What is given at one moment has
    no stop.
    """
    questions = [*draft.questions, *[q for part in draft.encounters for q in part.questions]]
    asked = {
        key for q in questions if q.finding.code == "stop.missing" for key in q.administrations
    }
    ran = [item for item in administrations if item.given and item.intervals]
    return [
        "missing" if item.key in asked else _stop_of(item, grace)
        for item in ran
        if item.key in asked or item.charted != "instant"
    ]


def _stop_of(item: Administration, grace: timedelta) -> StopDocumented:
    last = item.intervals[-1]
    if last.stop is None:
        return "missing"
    if item.answered:
        return "said"
    sent = last.stop_source.message.sent if last.stop_source is not None else None
    if sent is None:
        return "charted"
    return "in_time" if sent - last.stop <= grace else "late"
