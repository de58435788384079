"""Drafts with the records of their patients: what the patient's other visits contribute.

This module owns how a change in what one visit contributes reaches the patient's other visits.
Those of this round are drafted again. Of the others it returns the keys, so that their own
partitions look at them. It does not know what a contribution means; `engine/record.py` does.

Patients are locked while their record is read and written. Otherwise this could happen: visit A in
partition 2 and visit B in partition 5 are drafted at 09:00:00, neither sees the other's initial
service, and both are billed as the first of the day.
"""

from collections.abc import Mapping

from chargeline.drafting.beside import draft_beside
from chargeline.drafting.revisions import RevisionMaker
from chargeline.drafting.visit_cache import VisitCache
from chargeline.drafting.visit_state import VisitState
from chargeline.engine import (
    NO_HISTORY,
    Contribution,
    Draft,
    Timeline,
    VisitKey,
    contributions_of,
    histories,
    sharing,
)
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import stored_contribution

_NOTHING: frozenset[Contribution] = frozenset()


async def draft_with_records(
    batch: Batch,
    cache: VisitCache,
    maker: RevisionMaker,
    timelines: Mapping[VisitKey, Timeline | None],
) -> tuple[dict[VisitKey, Draft], set[VisitKey]]:
    """The drafts of visits, and the keys of the patients' other visits that must be looked at.

    A visit without a timeline was merged away. It contributes nothing any more.
    """
    drafts: dict[VisitKey, Draft] = {}
    contributed: dict[VisitKey, frozenset[Contribution]] = {}
    for key, timeline in timelines.items():
        if timeline is not None:
            drafts[key], contributed[key] = await _drafted(
                cache, maker, timeline, cache.states[key]
            )
    moved = [
        key for key in timelines if contributed.get(key, _NOTHING) != cache.states[key].contributed
    ]
    if not moved:
        return drafts, set()
    before = {fact for key in moved for fact in cache.states[key].contributed}
    after = {fact for key in moved for fact in contributed.get(key, _NOTHING)}
    patients = {(fact.visit.facility, fact.patient) for fact in before | after}
    await batch.lock_patients(patients)
    await cache.join_patients(batch, [key for key in moved if timelines[key] is not None])
    rejoined = {
        key for key in moved if (old := timelines[key]) is not None and old != cache.feed[key]
    }
    had = [key for key in moved if cache.states[key].contributed]
    await batch.put_contributions(had, [stored_contribution(fact) for fact in sorted(after)])
    record = [row.contribution for row in await batch.contributions(patients)]
    others = sharing(before ^ after, record)
    history = histories(record, {*moved, *others})
    for key in [key for key in timelines if key in moved or key in others]:
        timeline, state = timelines[key], cache.states[key]
        its_history = history.get(key, NO_HISTORY)
        if timeline is not None and its_history != state.history:
            state = state._replace(history=its_history)
            drafts[key], _same = await _drafted(cache, maker, timeline, state)
        cache.states[key] = state._replace(
            contributed=contributed.get(key, _NOTHING), history=its_history
        )
    return drafts, (others - set(timelines)) | rejoined


async def _drafted(
    cache: VisitCache, maker: RevisionMaker, timeline: Timeline, state: VisitState
) -> tuple[Draft, frozenset[Contribution]]:
    """The draft of a visit, and what the visit contributes to its patient's record."""

    def work() -> tuple[Draft, frozenset[Contribution]]:
        draft = maker.draft(timeline, state, cache.saved)
        return draft, frozenset(contributions_of(maker.answered(timeline), draft))

    return await draft_beside(cache.feed.rows(timeline.key), work)
