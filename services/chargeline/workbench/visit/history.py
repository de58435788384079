"""The revisions of a visit, and what people said of it.

It owns how a stored revision's changes and a person's answer are worded. It compares nothing: what
changed stands in the revision.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from chargeline.engine import Answer, Draft, LineAnswer, Timeline
from chargeline.ledger.records import StoredRevision
from chargeline.published.shapes import Billed, Changes, LineChange
from chargeline.workbench.visit.model import ChangedLine, RevisionRow, SaidRow, StateShown
from chargeline.workbench.visit.words import dollars, moment_of

_HOLDS = StateShown("ready", "holds")
_NO_LONGER = StateShown("warns", "the facts have changed")
_NO_MORE = StateShown("plain", "taken back or answered anew")
_A_WORD = StateShown("plain", "last word counts")


def revision_rows(
    revisions: Sequence[StoredRevision], prices: Mapping[str, int], zone: ZoneInfo
) -> tuple[RevisionRow, ...]:
    """The revisions, the last one first."""
    newest_first = sorted(revisions, key=lambda revision: -revision.revision)
    return tuple([_revision(revision, prices, zone) for revision in newest_first])


def _revision(revision: StoredRevision, prices: Mapping[str, int], zone: ZoneInfo) -> RevisionRow:
    changes = Changes.model_validate_json(revision.changes)
    every = [*changes.added, *changes.changed, *changes.removed]
    cents = sum([_cents(change.after, prices) - _cents(change.before, prices) for change in every])
    return RevisionRow(
        number=revision.revision,
        drafted=moment_of(revision.created_at, zone),
        status=revision.status,
        changes=tuple([_change(change) for change in every]),
        money=dollars(cents, signed=True) if prices else "",
    )


def _cents(billed: Billed | None, prices: Mapping[str, int]) -> int:
    return billed.units * prices.get(billed.code, 0) if billed is not None else 0


def _change(change: LineChange) -> ChangedLine:
    before, after = change.before, change.after
    if before is None and after is not None:
        return ChangedLine("added", f"{_billed(after)} {after.drug}")
    if before is not None and after is None:
        return ChangedLine("removed", f"{_billed(before)} {before.drug}")
    assert before is not None and after is not None, "a change has a before or an after"
    was, now = _billed(before), _billed(after)
    what = f"{was} → {now}" if was != now else f"{now}, another NDC, day or authorization"
    return ChangedLine("changed", f"{what} {after.drug}")


def _billed(billed: Billed) -> str:
    code = "-".join([billed.code, *billed.modifiers])
    return f"{code} ×{billed.units}{' ?' if billed.provisional else ''}"


def said_rows(draft: Draft, timeline: Timeline, zone: ZoneInfo) -> tuple[SaidRow, ...]:
    """What people answered and said of lines, in the order of time; `timeline` is as charted.

    An answer that was taken back, or that another one has followed, stays with what became of it.
    """
    rows = []
    standing_now = {standing.answer.message.digest for standing in draft.said}
    for answer in timeline.answers:
        if isinstance(answer, Answer) and answer.message.digest not in standing_now:
            is_back = answer.choice == "withdraw"
            row = SaidRow(
                at=moment_of(answer.message.sent, zone),
                by=answer.by,
                about=f"{answer.code} {answer.drug}".strip(),
                said="taken back" if is_back else f"{answer.choice} {answer.value}".strip(),
                because=answer.reason,
                holds=_A_WORD if is_back else _NO_MORE,
            )
            rows.append((answer.message.sent, row))
    for standing in draft.said:
        answer = standing.answer
        about = f"{answer.code} {answer.drug}".strip()
        row = SaidRow(
            at=moment_of(answer.message.sent, zone),
            by=answer.by,
            about=about,
            said=f"{answer.choice} {answer.value}".strip(),
            because=answer.reason,
            holds=_HOLDS if standing.holds else _NO_LONGER,
            number=answer.message.digest,
        )
        rows.append((answer.message.sent, row))
    codes = {line.line_id: line.code for line in draft.lines}
    for word in timeline.answers:
        if isinstance(word, LineAnswer):
            line = f"line {codes.get(word.line_id, word.line_id)}"
            row = SaidRow(
                at=moment_of(word.message.sent, zone),
                by=word.by,
                about=line if word.line_id else "the whole visit",
                said=f"{word.choice} {word.value}".strip(),
                because=word.reason,
                holds=_A_WORD,
            )
            rows.append((word.message.sent, row))
    return tuple([row for _at, row in sorted(rows, key=lambda entry: str(entry[0] or ""))])
