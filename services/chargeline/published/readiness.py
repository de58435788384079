"""Whether a bill may be made of a visit, what it waits for, and how much money waits.

It owns the one definition of readiness: the draft is final and whole, nobody holds it, and no
question that blocks is open. Metrics, work lists and outputs ask this file.
"""

from collections.abc import Iterable, Mapping, Sequence

from chargeline.engine import ChargeLine, severity_of
from chargeline.published.writing import VisitDraft


def readiness(
    visit: VisitDraft,
    lines: Sequence[ChargeLine],
    *,
    status: str,
    incomplete: bool,
    prices: Mapping[str, int],
) -> dict[str, object]:
    """Whether a bill may be made of the visit, what it waits for, and how much money waits."""
    held = visit.draft.held or any(line.held for line in lines)
    codes = [asked.question.finding.code for asked in visit.asked]
    waits_for = [
        *["discharge"] * (status == "open"),
        *["parked"] * incomplete,
        *["hold"] * bool(held),
        *sorted({code for code in codes if severity_of(code) == "blocks"}),
    ]
    waiting = money(lines, prices) if waits_for else 0
    return {
        "ready": status == "final" and not waits_for,
        "waits_for": waits_for,
        "waiting_cents": waiting if prices else None,
    }


def money(lines: Iterable[ChargeLine], prices: Mapping[str, int]) -> int:
    """The cents that some lines would bring; a code without a price counts nothing."""
    return sum([line.units * prices.get(line.code, 0) for line in lines])
