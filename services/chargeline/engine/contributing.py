"""What a drafted visit adds to the record of its patient.

It owns which facts of a draft become contributions, one for each slot. What a contribution is, and
which visits it concerns, `record.py` says.
"""

from collections.abc import Iterator

from chargeline.engine.authorizations.contributions import authorization_fact
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.pumps import pump_facts
from chargeline.engine.record import Contribution, Fact, Slot
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import Draft


def contributions_of(timeline: Timeline, drafted: Draft) -> tuple[Contribution, ...]:
    """What a visit, as drafted, adds to the record of its patient.

    `timeline` is the one after what people answered (`with_answers`). A visit without exactly one
    patient adds nothing, because nobody can say whose visit it is; but of an authorization that
    messages tell of several patients, the record of each of them says just that.
    """
    context = timeline.context
    if len(timeline.patients) > 1 and not timeline.days:
        return tuple(_of_nobody(timeline))
    if not context.patient or context.cancelled or len(timeline.patients) != 1:
        return ()
    facts = [fact for encounter in drafted.encounters for fact in encounter.facts]
    first: dict[Slot, Fact] = {}
    told = [authorization_fact(entry) for entry in timeline.authorizations]
    for fact in (*facts, *pump_facts(timeline), *told, *drafted.facts):
        first[fact.slot] = min(fact, first.get(fact.slot, fact))
    return tuple(
        [
            Contribution(timeline.key, context.patient, slot, at, value=value)
            for slot, at, value in first.values()
        ]
    )


def _of_nobody(timeline: Timeline) -> Iterator[Contribution]:
    """Authorizations of several patients, for the record of each: their number and codes only.

    What a payer granted one patient, and for which diagnosis, is nothing to the other.
    """
    for entry in timeline.authorizations:
        bare = Authorization(
            entry.message,
            entry.number,
            entry.item,
            payer=entry.payer,
            codes=entry.codes,
            unsaid=("patient",),
        )
        slot, at, value = authorization_fact(bare)
        for patient in timeline.patients:
            yield Contribution(timeline.key, patient, slot, at, value=value)
