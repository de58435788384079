"""The metrics of the ledger and of Kafka: the outbox, the fence, rebalances.

Programs that draft have them. The module owns the words and no number.
"""

from chargeline.telemetry.declared.words import OF_THE_LEDGER
from chargeline.telemetry.declaring import count, gauge


class LedgerMetrics:
    """The metrics of the ledger and of Kafka: the outbox, the fence, rebalances."""

    outbox = gauge(
        "chargeline_outbox_events",
        meaning="Events that are committed to the ledger and not yet published to Kafka. "
        + OF_THE_LEDGER,
        do="grows: Kafka refuses them, or the relay does not run. No draft is lost, but billing "
        "waits for it.",
    )
    oldest_outbox = gauge(
        "chargeline_oldest_outbox_age_seconds",
        meaning="Age of the oldest event that is not yet published; 0 when there is none. "
        + OF_THE_LEDGER,
        do="more than a minute: look for errors of the relay in the log, and check that the "
        "topics accept writes.",
    )
    published = count(
        "chargeline_published_events_total",
        "topic",
        meaning="Events that left the outbox: Kafka has them, or the output of serve.",
        do="0 while chargeline_outbox_events grows: the relay is stuck; its reason stands in the "
        "log as relay.waiting, and in /readyz.",
    )
    transactions = count(
        "chargeline_ledger_transactions_total",
        "result",
        meaning="Transactions that write to the ledger, by how they ended. undone: rolled back for "
        "a reason of ours, such as a record that made us fail.",
        do="disk_full: make room, the program goes on by itself. unreachable: the database is away "
        "or refuses connections. failed: the log has the error.",
    )
    retries = count(
        "chargeline_retries_total",
        "task",
        meaning="How often a task failed at the ledger or Kafka and waited to try again.",
        do="a few when a server restarts. Steady: /readyz and the log (TASK.waiting) name what is "
        "missing.",
    )
    fenced = count(
        "chargeline_fenced_transactions_total",
        meaning="Batches rolled back because another consumer had taken over the partition.",
        do="a few at a rebalance are normal. A steady number: two deployments share a consumer "
        "group, or pauses are longer than the session timeout.",
    )
    rebalances = count(
        "chargeline_rebalances_total",
        meaning="Rebalances: how often Kafka assigned the partitions anew.",
        do="more than deployments explain: batches take longer than the poll interval "
        "(CHARGELINE_KAFKA_MAX_POLL_INTERVAL_MS), or pods restart.",
    )
