"""What the live service tells an operations team: the metrics of a batch, a draft and the ledger.

It owns which number goes into which metric. It counts what was committed, never what was only tried, and
passes on no visit, patient or message.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from chargeline.drafting.processor import Clock, Done
from chargeline.drafting.revisions import Outcome
from chargeline.ledger.records import Counts
from chargeline.telemetry.metrics import Metrics, message_type


def tell_batch(metrics: Metrics, done: Done) -> None:
    """Messages by outcome, what was parked, and the time each phase took."""
    for (kind, outcome), count in done.outcomes.items():
        metrics.messages.add(count, message_type=message_type(kind), outcome=outcome)
    for code in done.parked:
        metrics.parked.add(reason=code)
    for phase, seconds in done.seconds.items():
        metrics.batch.observe(seconds, phase=phase)


def tell_outcome(metrics: Metrics, clock: Clock) -> Callable[[Outcome], None]:
    """Counts what a round of drafting came to: revisions, their new lines, questions, time since sent."""

    def tell(outcome: Outcome) -> None:
        for revision in outcome.said:
            metrics.revisions.add(status=revision.said.status)
            for role, count in Counter(revision.new_roles).items():
                metrics.lines.add(count, role=role, policy=revision.said.policy)
        for reason in outcome.withheld:
            metrics.withheld.add(reason=reason)
        for question in outcome.asked:
            metrics.questions.add(question=question.code, state=question.state)
        now = clock()
        for each in outcome.waited:
            metrics.message_to_draft.observe((now - each.queued).total_seconds(), since="queued")
            if each.sent is not None:
                metrics.message_to_draft.observe((now - each.sent).total_seconds(), since="sent")

    return tell


def tell_counts(metrics: Metrics, counts: Counts, now: datetime, *, priced: bool) -> None:
    """What only the ledger knows: how much waits, and since when. `priced`: a price list is loaded."""
    metrics.outbox.set(counts.outbox)
    metrics.oldest_outbox.set((now - (counts.outbox_oldest or now)).total_seconds())
    metrics.oldest_parked.set((now - (counts.parked_oldest or now)).total_seconds())
    metrics.open_visits.set(counts.open_visits)
    metrics.open_questions.replace({each.code: each.number for each in counts.questions})
    metrics.oldest_question.replace(
        {each.code: (now - each.oldest).total_seconds() for each in counts.questions}
    )
    if priced:
        metrics.money_at_stake.set(counts.stake_cents)
