"""What a drafted visit adds to the record of its patient.

It owns which facts of a draft become contributions, one for each slot. What a contribution is, and
which visits it concerns, `record.py` says.
"""

from chargeline.engine.authorizations.contributions import authorization_fact
from chargeline.engine.pumps import pump_facts
from chargeline.engine.record import Contribution, Fact, Slot
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import Draft


def contributions_of(timeline: Timeline, drafted: Draft) -> tuple[Contribution, ...]:
    """What a visit, as drafted, adds to the record of its patient.

    `timeline` is the one after what people answered (`with_answers`). A visit without exactly one
    patient adds nothing, because nobody can say whose visit it is.
    """
    context = timeline.context
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
