"""What the live service tells an operations team: the metrics of a batch, a draft and the ledger.

This module owns which number goes into which metric. It counts what was committed, never what was
only tried. No metric names a visit, a patient or a message.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import get_args
from zoneinfo import ZoneInfo

from chargeline.drafting.patient_records import RecordCounts, counted_records
from chargeline.drafting.polls import PollResult
from chargeline.drafting.processor import Clock, Processor
from chargeline.drafting.revisions import DraftingResult
from chargeline.drafting.stops import StopDocumented
from chargeline.engine import PublishedTables, VisitKey
from chargeline.ledger.counting import Counts
from chargeline.published.drafts import WrittenRevision
from chargeline.refdata.status import stale_tables, tables_of_bundle
from chargeline.telemetry.labels import OUTCOMES, UnitWords, message_type, trigger
from chargeline.telemetry.metrics import Metrics

COUNT_SECONDS = 5.0  # at least between two counts of all records
COUNT_PAUSE = 50.0  # times as long as a count took

# How the ledger names the end of a transaction, and the label that the metric gives it.
_RESULTS = {
    "": "committed",
    "Fenced": "fenced",
    "DiskFull": "disk_full",
    "Unreachable": "unreachable",
    "Busy": "unreachable",
    "undone": "undone",
}


def count_poll(metrics: Metrics, poll: PollResult) -> None:
    """Count messages by outcome and parked messages by reason, and add the time of each phase."""
    for (kind, outcome), count in poll.outcomes.items():
        metrics.messages.add(count, message_type=message_type(kind), outcome=outcome)
    for code in poll.parked:
        metrics.parked.add(reason=code)
    for code in poll.warnings:
        metrics.warnings.add(warning=code)
    for kind in poll.set_aside:
        metrics.set_aside.add(trigger=trigger(kind))
    for name, of in poll.interfaces.items():
        for outcome in OUTCOMES:  # all of them, so that a share of none is 0 and not absent
            amount = of.outcomes.get(outcome, 0)
            metrics.interface_messages.add(amount, interface=name, outcome=outcome)
        for code in of.parked:
            metrics.interface_parked.add(interface=name, reason=code)
        # An older message, read again after a failure, moves nothing back.
        metrics.interface_heard.raise_to(of.last.timestamp(), interface=name)
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

    It counts revisions, new lines, what final revisions lack, visits that were set aside, withheld
    services and questions, and observes how long each message waited for its draft, and how long
    each question was open.
    """
    units = UnitWords()

    def count(drafted: DraftingResult) -> None:
        def unit(key: VisitKey) -> str:
            return units.label(drafted.places.get(key, ""), key.visit)

        for revision in drafted.written:
            _count_revision(metrics, revision)
        for key, stop in drafted.stops:
            where = unit(key)
            for word in get_args(StopDocumented):
                metrics.final_infusions.add(int(word == stop), unit=where, stop=word)
        for code in drafted.set_aside:
            metrics.parked.add(reason=code)
        for reason in drafted.withheld:
            metrics.withheld.add(reason=reason)
        for question in drafted.asked:
            for state in ("opened", "closed"):  # a close then grows from 0, and is not lost
                amount = int(state == question.state)
                metrics.questions.add(amount, question=question.code, state=state)
            if question.state == "opened":
                where = unit(VisitKey(question.facility, question.visit))
                metrics.unit_questions.add(unit=where, question=question.code)
        for stored in drafted.questions:
            if stored.closed_at is not None:
                waited = stored.closed_at - stored.opened_at
                metrics.question_open.observe(waited.total_seconds())
        now = clock()
        for message in drafted.drafted:
            metrics.message_to_draft.observe((now - message.queued).total_seconds(), since="queued")
            if message.sent is not None:
                metrics.message_to_draft.observe((now - message.sent).total_seconds(), since="sent")

    return count


def _count_revision(metrics: Metrics, revision: WrittenRevision) -> None:
    """Count one revision, the lines that it added, and, if it is final, what it lacks."""
    policy = revision.digest.policy
    metrics.revisions.add(status=revision.digest.status)
    added = Counter((line.family, line.role) for line in revision.added)
    for (family, role), number in added.items():
        metrics.lines.add(number, family=family, role=role, policy=policy)
    for line in revision.added:
        for other in line.other_policies:
            metrics.differences.add(policy=other.policy, rule=other.rule or "none")
    if revision.digest.status == "final":
        for edit, severity in revision.edits:
            metrics.final_edits.add(edit=edit, severity=severity)
        for reason in revision.waits_for or ("nothing",):
            metrics.final_revisions.add(waits_for=reason)


def tell_ledger(metrics: Metrics) -> Callable[[str], None]:
    """A function that counts a transaction of the ledger by how it ended."""

    def tell(ended: str) -> None:
        metrics.transactions.add(result=_RESULTS.get(ended, "failed"))

    return tell


def count_retries(metrics: Metrics) -> Callable[[str], None]:
    """A function that counts a task that failed and tries again."""

    def count(task: str) -> None:
        metrics.retries.add(task=task)

    return count


def count_published(metrics: Metrics) -> Callable[[str, int], None]:
    """A function that counts events of a topic that left the outbox."""

    def count(topic: str, events: int) -> None:
        metrics.published.add(events, topic=topic)

    return count


def show_tables(metrics: Metrics, tables: PublishedTables, now: datetime) -> None:
    """Set the metrics of the published tables: their version, and which lack the quarter of now."""
    day = now.date()
    metrics.refdata.tell(version=tables.version or "none")
    stale = stale_tables(tables, day)
    metrics.refdata_stale.replace(
        {name: float(name in stale) for name in map(str, tables_of_bundle(tables))}
    )


async def count_records(processor: Processor, metrics: Metrics) -> float:
    """Count how authorizations and courses of radiation stand today, and set their metrics.

    Returns the seconds until the next count, so that counting takes one part in fifty of the time.
    Raises LedgerError.
    """
    began = monotonic()
    day = datetime.now(ZoneInfo(processor.profile.zone)).date()
    counted = await counted_records(processor.ledger.view, processor.maker.rulebook, day)
    show_records(metrics, counted)
    return max(COUNT_SECONDS, COUNT_PAUSE * (monotonic() - began))


def show_records(metrics: Metrics, counted: RecordCounts) -> None:
    """Set the metrics of how authorizations and courses of radiation stand."""
    metrics.authorizations.replace({key: float(n) for key, n in counted.authorizations.items()})
    metrics.courses.replace({pace: float(number) for pace, number in counted.courses.items()})


def show_counts(metrics: Metrics, counts: Counts, now: datetime, *, priced: bool) -> None:
    """Set the metrics of what waits in the ledger, and since when.

    `priced` says that the site has given a price list. Without one no money is shown.
    """
    metrics.outbox.set(counts.outbox)
    metrics.oldest_outbox.set((now - (counts.outbox_oldest or now)).total_seconds())
    metrics.oldest_parked.set((now - (counts.parked_oldest or now)).total_seconds())
    metrics.open_visits.set(counts.visits.get("open", 0))
    metrics.visits.replace({status: float(number) for status, number in counts.visits.items()})
    metrics.open_questions.replace({asked.code: asked.number for asked in counts.questions})
    metrics.oldest_question.replace(
        {asked.code: (now - asked.oldest).total_seconds() for asked in counts.questions}
    )
    by_reason = {entry.waits_for or "nothing": entry for entry in counts.waiting}
    metrics.waiting_visits.replace({reason: float(w.visits) for reason, w in by_reason.items()})
    metrics.waiting_cents.replace({reason: float(w.cents) for reason, w in by_reason.items()})
    if priced:
        metrics.money_at_stake.set(counts.stake_cents)
