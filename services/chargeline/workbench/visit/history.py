"""The revisions of a visit, and what people said of it.

It owns how a stored revision's changes and a person's answer are worded. It compares nothing: what
changed stands in the revision.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from chargeline.drafting.answering import TAKE_BACK
from chargeline.drafting.said_elsewhere import AnsweredElsewhere
from chargeline.engine import Answer, Draft, LineAnswer, Timeline
from chargeline.ledger.records import StoredRevision
from chargeline.published.shapes import Billed, Changes, LineChange
from chargeline.workbench.addresses import visit_address
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
    holds = {standing.answer.message.digest: standing.holds for standing in draft.said}
    codes = {line.line_id: line.code for line in draft.lines}
    rows = []
    for word in sorted(timeline.answers, key=lambda word: str(word.message.sent or "")):
        row = SaidRow(
            at=moment_of(word.message.sent, zone),
            by=word.by,
            about=_about(word, codes),
            said=f"{word.choice} {word.value}".strip(),
            because=word.reason,
            holds=_A_WORD,
        )
        if isinstance(word, LineAnswer):
            rows.append(row)
        elif word.choice == TAKE_BACK:
            rows.append(row._replace(said="taken back"))
        elif word.message.digest not in holds:
            rows.append(row._replace(holds=_NO_MORE))
        else:
            state = _HOLDS if holds[word.message.digest] else _NO_LONGER
            rows.append(row._replace(holds=state, number=word.message.digest))
    return tuple(rows)


def elsewhere_rows(elsewhere: Sequence[AnsweredElsewhere], zone: ZoneInfo) -> tuple[SaidRow, ...]:
    """What people answered under other visits to questions that this visit has as well."""
    return tuple(
        [
            SaidRow(
                at=moment_of(answer.at, zone),
                by=answer.by,
                about=f"{answer.code} {answer.drug}".strip(),
                said=f"{answer.choice} {answer.value}".strip(),
                because=answer.reason,
                holds=_HOLDS,
                other=visit.visit,
                address=visit_address(*visit),
            )
            for visit, answer in elsewhere
        ]
    )


def _about(word: Answer | LineAnswer, codes: Mapping[str, str]) -> str:
    if isinstance(word, Answer):
        return f"{word.code} {word.drug}".strip()
    return f"line {codes.get(word.line_id, word.line_id)}" if word.line_id else "the whole visit"
