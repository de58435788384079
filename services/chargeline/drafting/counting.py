"""What the live service tells an operations team: the metrics of a batch, a draft and the ledger.

This module owns which number goes into which metric. It counts what was committed, never what was
only tried. No metric names a visit, a patient or a message.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from chargeline.drafting.polls import PollResult
from chargeline.drafting.processor import Clock
from chargeline.drafting.revisions import DraftingResult
from chargeline.engine import PublishedTables
from chargeline.ledger.records import Counts
from chargeline.refdata.status import stale_tables, tables_of_bundle
from chargeline.telemetry.labels import message_type
from chargeline.telemetry.metrics import Metrics


def count_poll(metrics: Metrics, poll: PollResult) -> None:
    """Count messages by outcome and parked messages by reason, and add the time of each phase."""
    for (kind, outcome), count in poll.outcomes.items():
        metrics.messages.add(count, message_type=message_type(kind), outcome=outcome)
    for code in poll.parked:
        metrics.parked.add(reason=code)
    for code in poll.warnings:
        metrics.warnings.add(warning=code)
    for reason in poll.misplaced:
        metrics.rekeyed.add(reason=reason)
    for phase, seconds in poll.seconds.items():
        metrics.batch.observe(seconds, phase=phase)


def count_redrafted(metrics: Metrics) -> Callable[[int], None]:
    """A function that counts visits that were drafted again after a change of rules."""

    def count(visits: int) -> None:
        metrics.redrafted.add(visits)

    return count


def count_drafted(metrics: Metrics, clock: Clock) -> Callable[[DraftingResult], None]:
    """A function that counts the result of a round of drafting.

    It counts revisions, new lines, edits of final revisions, visits that were set aside, withheld
    services and questions, and observes how long each message waited for its draft.
    """

    def count(drafted: DraftingResult) -> None:
        for revision in drafted.written:
            metrics.revisions.add(status=revision.digest.status)
            for role, number in Counter(revision.new_roles).items():
                metrics.lines.add(number, role=role, policy=revision.digest.policy)
            if revision.digest.status == "final":
                for edit, severity in revision.edits:
                    metrics.final_edits.add(edit=edit, severity=severity)
        for code in drafted.set_aside:
            metrics.parked.add(reason=code)
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


def show_tables(metrics: Metrics, tables: PublishedTables, now: datetime) -> None:
    """Set the metrics of the published tables: their version, and which lack the quarter of now."""
    day = now.date()
    metrics.refdata.tell(version=tables.version or "none")
    stale = stale_tables(tables, day)
    metrics.refdata_stale.replace(
        {name: float(name in stale) for name in map(str, tables_of_bundle(tables))}
    )


def show_counts(metrics: Metrics, counts: Counts, now: datetime, *, priced: bool) -> None:
    """Set the metrics of what waits in the ledger, and since when.

    `priced` says that the site has given a price list. Without one no money is shown.
    """
    metrics.outbox.set(counts.outbox)
    metrics.oldest_outbox.set((now - (counts.outbox_oldest or now)).total_seconds())
    metrics.oldest_parked.set((now - (counts.parked_oldest or now)).total_seconds())
    metrics.open_visits.set(counts.open_visits)
    metrics.open_questions.replace({asked.code: asked.number for asked in counts.questions})
    metrics.oldest_question.replace(
        {asked.code: (now - asked.oldest).total_seconds() for asked in counts.questions}
    )
    if priced:
        metrics.money_at_stake.set(counts.stake_cents)
