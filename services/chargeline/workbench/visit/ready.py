"""Whether the visit is ready, as one sentence with the money that waits.

It owns the words. What readiness is, `published.readiness` says.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from chargeline.engine import severity_of
from chargeline.ledger.records import StoredVisit
from chargeline.published.readiness import readiness
from chargeline.published.stakes import money
from chargeline.published.writing import VisitDraft
from chargeline.workbench.visit.model import ReadyShown, Tone
from chargeline.workbench.visit.words import dollars, many, span_of

_WORDS: Mapping[str, str] = {
    "discharge": "the end of the visit",
    "parked": "a message that is parked",
    "hold": "its release",
}


def ready_of(
    whole: VisitDraft, row: StoredVisit | None, prices: Mapping[str, int], now: datetime
) -> ReadyShown:
    """The sentence of readiness; a visit without a row counts as open."""
    lines = whole.draft.lines
    ready = readiness(
        whole,
        lines,
        status=row.status if row is not None else "open",
        incomplete=row.incomplete if row is not None else False,
        prices=prices,
    )
    waits_for = ready["waits_for"]
    if not waits_for and ready["ready"]:
        total = f"{dollars(money(lines, prices))} in " if prices else ""
        return ReadyShown(
            "ready", "Ready.", f"{total}{many(len(lines), 'line')}, and nothing open."
        )
    waits = _waits(whole, waits_for)
    lead = f"Not ready: waits for {waits}." if waits else "Not ready."
    cents = ready["waiting_cents"]
    waiting = f"{dollars(cents)} waits. " if cents else ""
    return ReadyShown(_tone(waits_for), lead, f"{waiting}{_final_in(row, now)}".strip())


def _waits(whole: VisitDraft, waits_for: Sequence[str]) -> str:
    """What a visit waits for: 2 answers, 1 edit, its release."""
    blocking = [
        asked for asked in whole.asked if severity_of(asked.question.finding.code) == "blocks"
    ]
    edits = [edit for edit in whole.draft.edits if edit.severity == "blocks"]
    waits = [many(len(blocking), "answer")] if blocking else []
    waits += [many(len(edits), "edit")] if edits else []
    waits += [_WORDS[word] for word in waits_for if word in _WORDS]
    return " and ".join(waits)


def _tone(waits_for: Sequence[str]) -> Tone:
    if set(waits_for) <= {"discharge"}:
        return "notes"
    return "held" if set(waits_for) <= {"discharge", "hold"} else "blocks"


def _final_in(row: StoredVisit | None, now: datetime) -> str:
    if row is None or row.status != "open" or row.final_due is None:
        return ""
    if row.final_due <= now:
        return "It is due to become final now."
    return f"Becomes final in {span_of(row.final_due - now)}; provisional lines are never sent."
