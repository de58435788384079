"""The metrics of messages: how many come, how far we are behind, which cannot be used.

Programs that draft have them. The module owns the words and no number.
"""

from chargeline.telemetry.declared.words import LATENCY_SECONDS, OF_THE_LEDGER, QUICK_SECONDS
from chargeline.telemetry.declaring import count, durations, gauge


class FeedMetrics:
    """The metrics of messages: how many come, how far we are behind, which cannot be used."""

    messages = count(
        "chargeline_messages_total",
        "message_type",
        "outcome",
        meaning="Messages read from the inbound topic, by message type and outcome.",
        do="no growth in clinic hours: the sender or the gateway is down. A rising share of "
        "set_aside or parked: the sender has changed how it writes, see `chargeline parked list`.",
    )
    lag = gauge(
        "chargeline_consumer_lag_messages",
        "partition",
        meaning="Messages that stand in a partition and are not yet in the ledger.",
        do="grows on all partitions: add consumers, or find the slow phase in "
        "chargeline_batch_duration_seconds. Grows on one partition: its consumer is stuck, or one "
        "visit is very large.",
    )
    oldest_unread = gauge(
        "chargeline_oldest_unread_age_seconds",
        meaning="Age of the oldest message in our partitions that is not in the ledger; 0 when "
        "all are. Each capture shows that of its own partitions: take max.",
        do="grows: the ledger or Kafka does not serve us, see chargeline_ready and /readyz, or "
        "more comes than we work off, see chargeline_batch_duration_seconds.",
    )
    held_back = gauge(
        "chargeline_held_back_messages",
        "partition",
        meaning="Messages that stand in a partition behind the first record of an open "
        "transaction, so that nobody who reads committed records gets them.",
        do="above 0 for more than seconds: a producer began a transaction on the inbound topic and "
        "went away; Kafka ends it after that producer's transaction.timeout.ms. "
        "`kafka-transactions.sh find-hanging` and `abort` end it at once. Nobody but your broker "
        "needs TransactionalId rights on this cluster.",
    )
    batch = durations(
        "chargeline_batch_duration_seconds",
        "phase",
        buckets=QUICK_SECONDS,
        meaning="Seconds that a batch spent in each phase.",
        do="ledger slow: look at the database (locks, disk, connections). fold or draft slow: a "
        "visit with very many messages, or too little CPU.",
    )
    message_to_draft = durations(
        "chargeline_message_to_draft_seconds",
        "since",
        buckets=LATENCY_SECONDS,
        meaning="Seconds until a message is in a committed draft, since the sender sent the "
        "message (MSH-7) and since Kafka stored it.",
        do="sent long and queued short: the sender or the gateway holds messages back, or the "
        "sender's clock or time zone is wrong. Both long: see chargeline_consumer_lag_messages.",
    )
    parked = count(
        "chargeline_parked_messages_total",
        "reason",
        meaning="Messages that could not be used, and visits that were set aside, by reason. The "
        "ledger keeps them whole; their visits are incomplete.",
        do="`chargeline parked list` shows them. Correct the cause, then `chargeline parked "
        "retry` reads a message again. visit.unreadable: a row of the ledger was changed or is "
        "damaged; restore it from a backup, and find out how with `chargeline ledger verify`.",
    )
    set_aside = count(
        "chargeline_set_aside_messages_total",
        "trigger",
        meaning="Messages of a kind that nobody uses, by trigger event of ADT, else by message "
        "type. They change no draft.",
        do="a trigger that moves or merges visits rises (A40, A42, A45): this chargeline does not "
        "read it; report it. What you did not expect here: ask the sender what it sends for it.",
    )
    interface_messages = count(
        "chargeline_interface_messages_total",
        "interface",
        "outcome",
        meaning="Messages read, by the interface profile of their sender, and outcome.",
        do="no growth while its hour of last week had some: that system or the way to us is down. "
        "A rising share of parked: it has changed how it writes.",
    )
    interface_heard = gauge(
        "chargeline_interface_last_message_timestamp_seconds",
        "interface",
        meaning="When the last message by an interface profile came, in seconds since 1970. Each "
        "capture shows that of its own partitions: take max.",
        do="long ago for this hour of the week: ask who runs the sender, and look at the "
        "gateway's connections and refusals.",
    )
    interface_parked = count(
        "chargeline_interface_parked_messages_total",
        "interface",
        "reason",
        meaning="Messages that could not be used, by the interface profile of their sender, and "
        "reason.",
        do="one reason of one interface rises: correct that profile in rules/interfaces, restart, "
        "then `chargeline parked retry --code REASON`.",
    )
    quarantined = gauge(
        "chargeline_quarantined_senders",
        meaning="Senders of whom too many messages could not be used, so that theirs are parked "
        "unread until CHARGELINE_QUARANTINE_MINUTES are over.",
        do="above 0: nothing is lost, and drafts of that sender's visits wait. `chargeline parked "
        "list` says who and why. As many as there are senders, right after a deploy: the new "
        "interface or rules are wrong; go back to the old ones. Then `chargeline parked retry "
        "--code sender.quarantined`.",
    )
    rekeyed = count(
        "chargeline_rekeyed_messages_total",
        "reason",
        meaning="Records of the inbound topic that lay elsewhere than their visit's key says and "
        "were sent again, by what was wrong: their key, or only their partition.",
        do="partition grows all the time: a producer places keys by another hash, as librdkafka "
        "does (partitioner=murmur2_random ends it), or does not know that partitions were added. "
        "key: a producer writes another key than facility|visit, or none. Nothing is lost; each "
        "such message travels twice.",
    )
    warnings = count(
        "chargeline_message_warnings_total",
        "warning",
        meaning="Messages that were read although something in them is odd, by what that is.",
        do="continuation.coded or terminators.mixed: lines break inside segments, and a route or "
        "a whole segment may be lost; have the sender end segments with CR only. encoding: MSH-18 "
        "names another character set than is sent. delimiters: MSH-2 is damaged. `chargeline code` "
        "lists the messages of a file.",
    )
    oldest_parked = gauge(
        "chargeline_oldest_parked_age_seconds",
        meaning="Age of the oldest parked message that nobody has retried or dropped; 0 when "
        "there is none. " + OF_THE_LEDGER,
        do="older than a day: a charge may miss its billing day; have somebody look at it.",
    )

    parked_expired = count(
        "chargeline_parked_expired_messages_total",
        meaning="Parked messages that retention removed although nobody had retried or dropped "
        "them.",
        do="above 0: charges were lost, because nobody looks at `chargeline parked list`. Have "
        "somebody look each day; see chargeline_oldest_parked_age_seconds.",
    )
