"""The review of one visit's authorizations: its lines first, then the orders that still wait.

It owns this order, and that a visit without such facts costs nothing. A draft whose history or
authorizations change is reviewed again as a whole, because each use takes what the next one finds.
"""

from typing import NamedTuple

from chargeline.engine.again import SavedWork
from chargeline.engine.authorizations.contributions import use_fact, uses_in
from chargeline.engine.authorizations.lines import ReviewBasis, on_file_for, reviewed
from chargeline.engine.authorizations.needed import Needs
from chargeline.engine.authorizations.orders import needed, planned_doses
from chargeline.engine.formulary import Formulary
from chargeline.engine.record import Fact, History
from chargeline.engine.rules import Policy
from chargeline.engine.tables import PublishedTables
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import AuthorizationNeed, EncounterDraft


class VisitReview(NamedTuple):
    """The encounters with the numbers of their lines, facts for the record, what orders lack."""

    encounters: tuple[EncounterDraft, ...]
    facts: tuple[Fact, ...] = ()
    needed: tuple[AuthorizationNeed, ...] = ()


def review_of(
    encounters: tuple[EncounterDraft, ...],
    timeline: Timeline,
    policy: Policy,
    history: History,
    *,
    formulary: Formulary,
    needs: Needs,
    tables: PublishedTables,
    saved: SavedWork,
) -> VisitReview:
    """The review of a visit, after people have had their word on its lines."""
    doses = (
        planned_doses(timeline, formulary, policy, needs, tables=tables) if timeline.planned else ()
    )
    if not doses and not any(draft.needs for draft in encounters):
        return VisitReview(encounters)
    basis = ReviewBasis(
        visit=timeline.key,
        context=timeline.context,
        policy=policy,
        needs=needs,
        tables=tables,
        on_file=on_file_for(timeline.authorizations, history),
        others=tuple(sorted(uses_in(history))),
        planned=tuple([dose.use for dose in doses]),
    )
    after = reviewed(encounters, basis, saved)
    lacking = needed(
        doses,
        timeline,
        policy,
        on_file=basis.on_file,
        countdown=after.countdown,
        others=basis.others,
    )
    facts = (*after.facts, *[use_fact(use) for use in basis.planned])
    return VisitReview(after.encounters, facts, lacking)
