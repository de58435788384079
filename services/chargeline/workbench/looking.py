"""What the ledger has of one visit, for its page: the draft as it would be made now, and its rows.

It owns the look-up, and the record of it in the audit trail. Nothing else is written here, and the
program that owns the visit may be drafting it at the same moment.
"""

from typing import NamedTuple

from chargeline.drafting.acting import act_of
from chargeline.drafting.answering import DraftedVisit
from chargeline.drafting.looking import drafted_now
from chargeline.drafting.reading_back import answer_read
from chargeline.drafting.said_elsewhere import answered_elsewhere
from chargeline.engine import Finding, VisitKey
from chargeline.ledger.auditing import Verb
from chargeline.ledger.records import StoredMessage, StoredVisit
from chargeline.ledger.view import View
from chargeline.ledger.workbench_records import StoredAssignment
from chargeline.workbench.bench import Bench, NotThereError
from chargeline.workbench.people import Person
from chargeline.workbench.visit.page import LedgerRows, SiteSetting


class LookedAt(NamedTuple):
    """A visit and what stands beside it. `assignment` is None where nobody was given it, and
    `recorded_by` says whose word it is that the address speaks of, "" for none.
    """

    drafted: DraftedVisit
    rows: LedgerRows
    assignment: StoredAssignment | None
    recorded_by: str


async def look_at(
    bench: Bench, view: View, key: VisitKey, *, message: str = "", recorded: str = ""
) -> LookedAt:
    """A visit, with the message of a digest and the word of a number. Raises NotThereError where
    there is no such draft, and UnreadableRow.
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
    elsewhere = await answered_elsewhere(view, visits[0], bench.processor.maker.rulebook)
    return LookedAt(
        visits[0],
        LedgerRows(rows.get(key), revisions, shown, elsewhere),
        given.get(key),
        recorded_by=await _recorded_by(view, key, recorded) if recorded else "",
    )


async def note_look(
    bench: Bench, person: Person, key: VisitKey, did: Verb, *, why: str = ""
) -> None:
    """Put a look into the audit trail."""
    act = act_of(did, "visit", "|".join(key), who=person.who, why=why)
    async with bench.ledger.batch() as batch:
        await batch.audit([act])


async def revision_at(bench: Bench, key: VisitKey, revision: int) -> str:
    """A revision as it was published, in JSON. Raises NotThereError where there is none."""
    async with bench.ledger.view() as view:
        revisions = await view.revisions(*key)
    for row in revisions:
        if row.revision == revision:
            return row.body
    raise NotThereError(
        Finding(
            "command.not_found",
            expected="a revision of the visit",
            found=str(revision),
            where="revision",
            do="see the revisions on the page of the visit",
        )
    )


async def _recorded_by(view: View, key: VisitKey, number: str) -> str:
    """Who gave the answer, or said the word, of a number; "" for nobody."""
    said = (await view.answers_of([key], await view.merges_around([key])))[key]
    return next((answer_read(row).by for row in said if row.answer_id == number), "")


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
