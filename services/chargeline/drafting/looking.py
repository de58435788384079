"""A visit of the ledger as it would be drafted now, for a person who looks at it.

It owns how a program that only reads comes to the timeline, the draft and the history of a visit:
as `processor.py` does, from the stored messages, merges, answers and records of the patient. It
writes nothing, and another program may own the visit meanwhile.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.drafting.answering import DraftedVisit
from chargeline.drafting.processor import Processor
from chargeline.drafting.visit_cache import VisitCache
from chargeline.drafting.visit_state import VisitState
from chargeline.engine import SavedWork, Timeline, VisitKey
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.view import View


async def looked_up(view: View, processor: Processor, keys: Sequence[VisitKey]) -> VisitCache:
    """The timelines of some visits, and of the visits into which they were merged; `unreadable`
    tells of those of which a row cannot be read.
    """
    cache = VisitCache(processor.profile_of, processor.maker.rulebook.base, len(keys))
    await cache.load(view, keys)
    everyone = {*keys, *map(cache.feed.surviving, keys)}
    await cache.load(view, sorted(everyone))
    await cache.join_patients(
        view, [key for key in sorted(everyone) if key in cache.feed and key not in cache.unreadable]
    )
    return cache


async def drafted_now(
    view: View, processor: Processor, keys: Sequence[VisitKey]
) -> list[DraftedVisit]:
    """The visits of some keys; a visit that was merged away or has no messages is left out.

    Raises UnreadableRow if a row of one of them cannot be read.
    """
    visits, closed = await drafted_where_readable(view, processor, keys)
    if closed:
        raise closed[0]
    return visits


async def drafted_where_readable(
    view: View, processor: Processor, keys: Sequence[VisitKey]
) -> tuple[list[DraftedVisit], list[UnreadableRow]]:
    """The visits of some keys as `drafted_now` gives them, without those of which a row cannot be
    read, and why they are not there.
    """
    loaded = await visits_loaded(view, processor, keys)
    visits = []
    for timeline, state in loaded.visits.values():
        drafted = processor.maker.draft(timeline, state, loaded.saved)
        visits.append(DraftedVisit(timeline, drafted, state.history))
    return visits, list(loaded.unreadable.values())


class LoadedVisits(NamedTuple):
    """Visits of the ledger that are not drafted yet: their timelines and states by key.

    `unreadable` tells of those of which a row cannot be read. A visit that is in neither was merged
    away or has no messages. `saved` is work that drafts may use again.
    """

    visits: dict[VisitKey, tuple[Timeline, VisitState]]
    unreadable: dict[VisitKey, UnreadableRow]
    saved: dict[VisitKey, SavedWork]


async def visits_loaded(view: View, processor: Processor, keys: Sequence[VisitKey]) -> LoadedVisits:
    """What the visits of some keys are drafted from.

    Raises Hl7Error if the rules of the processor lack the interface of a message.
    """
    cache = await looked_up(view, processor, keys)
    present = [key for key in keys if key in cache.feed]
    await cache.load_states(view, present, await view.visits(present))
    return LoadedVisits(
        {
            key: (cache.feed[key], cache.states[key])
            for key in present
            if key not in cache.unreadable
        },
        {key: cache.unreadable[key] for key in keys if key in cache.unreadable},
        cache.saved,
    )
