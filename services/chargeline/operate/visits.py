"""`chargeline visit show`: what the ledger has of a visit, and how its draft came about.

It owns the look into the ledger: the last revision as it was published, and the visit drafted once
more from its kept messages with the rules and the interface of the settings, as a capture would
draft it. It writes nothing, and it prints nothing: the command line has the page.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.drafting.looking import looked_up
from chargeline.drafting.reading_back import revision_read
from chargeline.drafting.revisions import RevisionMaker
from chargeline.drafting.setup import new_processor
from chargeline.drafting.visit_cache import VisitCache
from chargeline.drafting.visit_state import VisitState
from chargeline.engine import (
    NO_HISTORY,
    Draft,
    Finding,
    History,
    Rulebook,
    Timeline,
    VisitKey,
)
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import VISIT_STATUSES, StoredRevision, StoredVisit
from chargeline.ledger.view import View
from chargeline.operate.opened import opened
from chargeline.published.drafts import revision_of
from chargeline.published.writing import visit_draft
from chargeline.settings import Settings


class LedgerVisit(NamedTuple):
    """A visit as the ledger has it.

    `row` says where it stands, and `revision` is the last one, None if none was made yet. The draft
    is made of the messages of today; `timeline` and `draft` are None if the visit was merged into
    `survivor`, was forgotten, or has no message that can be used. `as_published` says whether the
    draft says what `revision` says. `unreadable` says which row of the ledger cannot be read, so
    that there is no draft. `published` is the body of `revision`, "" if that cannot be read.
    `history` is what the patient's other visits contribute.
    """

    row: StoredVisit
    revision: StoredRevision | None
    survivor: VisitKey
    timeline: Timeline | None
    draft: Draft | None
    as_published: bool
    unreadable: Finding | None = None
    published: str = ""
    history: History = NO_HISTORY


class LedgerVisits(NamedTuple):
    """The visits of one number, with what a page about them needs beside."""

    visits: Sequence[LedgerVisit]
    rulebook: Rulebook


async def visits_of(settings: Settings, number: str, facility: str = "") -> LedgerVisits:
    """The visits of a number, of one facility or of all, each with the visit that it leads to."""
    async with opened(settings) as ledger:
        processor = new_processor(settings, ledger, settings.topic_inbound)
        async with ledger.view() as view:
            named = await view.visit_keys(visit=number, statuses=VISIT_STATUSES)
            keys = [key for key in named if facility in ("", key.facility)]
            cache = await looked_up(view, processor, keys)
            with_survivors = dict.fromkeys(
                [visit for key in keys for visit in (key, cache.feed.surviving(key))]
            )
            visits = await _visits(view, cache, processor.maker, list(with_survivors))
    return LedgerVisits(visits, processor.maker.rulebook)


async def _visits(
    view: View, cache: VisitCache, maker: RevisionMaker, keys: Sequence[VisitKey]
) -> list[LedgerVisit]:
    rows = await view.visits(keys)
    await cache.load_states(view, keys, rows)
    revisions = await view.last_revisions(keys)
    visits = []
    for key in [key for key in keys if key in rows]:
        revision = revisions.get(key)
        closed = cache.unreadable.get(key)
        is_whole = closed is None and rows[key].status != "forgotten"
        timeline = cache.feed.get(key) if is_whole else None
        draft = maker.draft(timeline, cache.states[key], {}) if timeline is not None else None
        visits.append(
            LedgerVisit(
                row=rows[key],
                revision=revision,
                survivor=cache.feed.surviving(key),
                timeline=timeline,
                draft=draft,
                as_published=_as_published(maker, timeline, draft, cache.states.get(key)),
                unreadable=closed.finding if closed is not None else None,
                published=_body(revision) if revision is not None else "",
                history=cache.states[key].history if key in cache.states else NO_HISTORY,
            )
        )
    return visits


def _body(revision: StoredRevision) -> str:
    try:
        revision_read(revision)
    except UnreadableRow:
        return ""  # the cache tells of this row, or of another of the visit
    return revision.body


def _as_published(
    maker: RevisionMaker,
    timeline: Timeline | None,
    draft: Draft | None,
    state: VisitState | None,
) -> bool:
    """Whether a draft says what the last revision says, as far as both are there."""
    if timeline is None or draft is None or state is None or state.last is None:
        return True
    published = state.last.digest
    now = revision_of(
        visit_draft(draft, timeline, maker.rulebook.formulary),
        revision=published.revision,
        final=published.status == "final",
        incomplete=published.incomplete,
        before={},
        prices=maker.prices,
    )
    return now.digest.content == published.content
