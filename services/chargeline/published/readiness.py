"""Whether a bill may be made of a visit, what it waits for, and how much money waits.

It owns the one definition of readiness: the draft is final and whole, nobody holds it, and no
question and no edit that blocks is open. Metrics, work lists and outputs ask this file.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from chargeline.engine import ChargeLine, severity_of
from chargeline.published.stakes import money
from chargeline.published.writing import VisitDraft


class Readiness(TypedDict):
    """What a revision says of its bill."""

    ready: bool
    waits_for: tuple[str, ...]
    waiting_cents: int | None


def readiness(
    visit: VisitDraft,
    lines: Sequence[ChargeLine],
    *,
    status: str,
    incomplete: bool,
    prices: Mapping[str, int],
) -> Readiness:
    """Whether a bill may be made of the visit, what it waits for, and how much money waits."""
    held = visit.draft.held or any(line.held for line in lines)
    codes = [asked.question.finding.code for asked in visit.asked]
    waits_for = (
        *["discharge"] * (status == "open"),
        *["parked"] * incomplete,
        *["hold"] * bool(held),
        *sorted({code for code in codes if severity_of(code) == "blocks"} | _blocking(visit)),
    )
    waiting = money(lines, prices) if waits_for else 0
    return {
        "ready": status == "final" and not waits_for,
        "waits_for": waits_for,
        "waiting_cents": waiting if prices else None,
    }


def _blocking(visit: VisitDraft) -> set[str]:
    """The codes of the edits before the claim that block."""
    return {edit.finding.code for edit in visit.draft.edits if edit.severity == "blocks"}
