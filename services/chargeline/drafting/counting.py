"""What the live service tells an operations team: the metrics of a batch, a draft and the ledger.

It owns which number goes into which metric. It counts what was committed, never what was only
tried, and passes on no visit, patient or message.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from chargeline.drafting.processor import Clock, PollResult
from chargeline.drafting.revisions import DraftingResult
from chargeline.ledger.records import Counts
from chargeline.telemetry.metrics import Metrics, message_type


def count_poll(metrics: Metrics, poll: PollResult) -> None:
    """Messages by outcome, what was parked, and the time each phase took."""
    for (kind, outcome), count in poll.outcomes.items():
        metrics.messages.add(count, message_type=message_type(kind), outcome=outcome)
    for code in poll.parked:
        metrics.parked.add(reason=code)
    for phase, seconds in poll.seconds.items():
        metrics.batch.observe(seconds, phase=phase)


def count_drafted(metrics: Metrics, clock: Clock) -> Callable[[DraftingResult], None]:
    """Counts what a round of drafting came to: revisions, their new lines, questions, time since
    sent.
    """

    def count(drafted: DraftingResult) -> None:
        for revision in drafted.written:
            metrics.revisions.add(status=revision.digest.status)
            for role, number in Counter(revision.new_roles).items():
                metrics.lines.add(number, role=role, policy=revision.digest.policy)
        for reason in drafted.withheld:
            metrics.withheld.add(reason=reason)
        for question in drafted.asked:
            metrics.questions.add(question=question.code, state=question.state)
        now = clock()
        for message in drafted.drafted:
            metrics.message_to_draft.observe((now - message.queued).total_seconds(), since="queued")
            if message.sent is not None:
                metrics.message_to_draft.observe((now - message.sent).total_seconds(), since="sent")

    return count


def show_counts(metrics: Metrics, counts: Counts, now: datetime, *, priced: bool) -> None:
    """What only the ledger knows: how much waits, and since when. `priced`: a price list is
    loaded.
    """
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
