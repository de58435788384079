"""What the ledger has of one visit, for its page: the draft as it would be made now, and its rows.

It owns the look-up. Nothing is written here, and the program that owns the visit may be drafting it
at the same moment.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.drafting.answering import DraftedVisit
from chargeline.drafting.looking import drafted_now
from chargeline.drafting.reading_back import answer_read
from chargeline.engine import Finding, Formulary, VisitKey
from chargeline.ledger.records import StoredAnswer, StoredMessage, StoredVisit
from chargeline.ledger.view import View
from chargeline.ledger.workbench_records import StoredAssignment
from chargeline.workbench.bench import Bench, NotThereError
from chargeline.workbench.visit.page import LedgerRows, SiteSetting


class LookedAt(NamedTuple):
    """A visit and what stands beside it. `assignment` is None where nobody was given it."""

    drafted: DraftedVisit
    rows: LedgerRows
    assignment: StoredAssignment | None
    said: Sequence[StoredAnswer]
    formulary: Formulary

    def was_said(self, number: str, who: str) -> bool:
        """Whether somebody said what has this number."""
        return any(row.answer_id == number and answer_read(row).by == who for row in self.said)


async def look_at(bench: Bench, view: View, key: VisitKey, message: str = "") -> LookedAt:
    """A visit, with the message of a digest. Raises NotThereError where there is no such draft, and
    UnreadableRow.
    """
    visits = await drafted_now(view, bench.processor, [key])
    if not visits:
        raise NotThereError(
            Finding(
                "command.not_found",
                expected="a visit with a draft",
                found=await _instead(view, key),
                where=key.visit,
                do="look for it on the list of work",
            )
        )
    rows: dict[VisitKey, StoredVisit] = await view.visits([key])
    revisions = await view.revisions(*key)
    shown = await _message(view, key, message) if message else None
    given = await view.workbench.assignments([key])
    said = (await view.answers_of([key], await view.merges_around([key])))[key]
    return LookedAt(
        visits[0],
        LedgerRows(rows.get(key), revisions, shown),
        given.get(key),
        said=said,
        formulary=bench.processor.maker.rulebook.formulary,
    )


async def _instead(view: View, key: VisitKey) -> str:
    """What there is in place of a draft."""
    rows = await view.visits([key])
    if key not in rows:
        return "no visit of this number"
    return {
        "merged": "a visit that was merged into another one",
        "forgotten": "a visit whose messages were removed",
    }.get(rows[key].status, "a visit of which no message can be used yet")


async def _message(view: View, key: VisitKey, digest: str) -> StoredMessage | None:
    messages = (await view.messages_of([key]))[key]
    return next((message for message in messages if message.digest == digest), None)


def site_of(bench: Bench) -> SiteSetting:
    """Rules and prices of the site."""
    maker = bench.processor.maker
    return SiteSetting(maker.rulebook, maker.prices)
