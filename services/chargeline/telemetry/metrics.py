"""Every metric of the product: its name, its labels, its meaning, and what to do when it is bad.

It owns the list of metrics. What a counter or a gauge is stands in instruments.py, what a label may
say in labels.py. A `Metrics` fills the registry that it is given, so that two programs in one
process, as in a test, do not add up their numbers.
"""

from collections.abc import Iterator
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from chargeline.telemetry.declaring import Declared, count, durations, gauge, info
from chargeline.telemetry.instruments import Definition, Instrument

# Upper bounds of the buckets of the histograms.
QUICK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LATENCY_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 28800, 86400)

_OF_THE_LEDGER = "Every capture of a ledger shows the same number: take max, and no sum."


class Metrics:
    """All metrics of one program, in the registry that the program passes in."""

    # ------------------------------------------------------------------ is it running

    up = gauge(
        "chargeline_up",
        meaning="1 while the program runs.",
        do="if it is absent, the process has ended or the scrape fails: look at the pod and its "
        "last log lines.",
    )
    ready = gauge(
        "chargeline_ready",
        meaning="1 when the program can do its work, 0 while something that it needs is missing.",
        do="/readyz lists the reasons. Minutes after a start the reason is a wrong setting or a "
        "server that is down.",
    )
    build = info(
        "chargeline_build_info",
        "program",
        "version",
        meaning="The program that runs, and its version.",
        do="two versions for longer than a roll-out takes: the roll-out is stuck.",
    )
    rulebook = info(
        "chargeline_rulebook_info",
        "version",
        meaning="The version of the rules that drafts are made with.",
        do="two versions for longer than a roll-out takes: one feed is coded by two sets of "
        "rules; finish the roll-out.",
    )
    refdata = info(
        "chargeline_refdata_info",
        "version",
        meaning="The version of the published tables; none where CHARGELINE_REFDATA is not set.",
        do="none where a bundle was set up: the program was started without it. Two versions for "
        "longer than a roll-out takes: finish the roll-out.",
    )
    refdata_stale = gauge(
        "chargeline_refdata_stale",
        "table",
        meaning="1 for a published table that has no issue for the quarter of today, else 0.",
        do="1: edits that need the table do not run. Download the files of the quarter, and build "
        "a bundle with them (docs/refdata.md).",
    )

    # ------------------------------------------------------------------ the feed

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
        "there is none. " + _OF_THE_LEDGER,
        do="older than a day: a charge may miss its billing day; have somebody look at it.",
    )

    parked_expired = count(
        "chargeline_parked_expired_messages_total",
        meaning="Parked messages that retention removed although nobody had retried or dropped "
        "them.",
        do="above 0: charges were lost, because nobody looks at `chargeline parked list`. Have "
        "somebody look each day; see chargeline_oldest_parked_age_seconds.",
    )

    # ------------------------------------------------------------------ drafts

    open_visits = gauge(
        "chargeline_open_visits",
        meaning="Visits whose draft is not final. " + _OF_THE_LEDGER,
        do="grows for weeks: discharges (A03) do not arrive, so no draft becomes final.",
    )
    revisions = count(
        "chargeline_draft_revisions_total",
        "status",
        meaning="Draft revisions, by status.",
        do="open but never final: discharges do not arrive. Many more revisions than messages: "
        "report a bug.",
    )
    redrafted = count(
        "chargeline_redrafted_visits_total",
        meaning="Open visits that were drafted again because their draft rested on other rules.",
        do="stands still after a change of rules: messages wait all the time, see "
        "chargeline_consumer_lag_messages, or CHARGELINE_REDRAFT_PER_SECOND is 0.",
    )
    lines = count(
        "chargeline_draft_lines_total",
        "role",
        "policy",
        meaning="Charge lines that a revision added, by service role and policy.",
        do="a sudden change in the mix of roles: the sender, the formulary or a rule has changed; "
        "compare with the day before, and with chargeline_rulebook_info.",
    )
    withheld = count(
        "chargeline_withheld_services_total",
        "reason",
        meaning="Administrations that a revision newly withheld, by reason.",
        do="drug.no_code rises: the formulary lacks drugs. The id of a rule rises: read the rule "
        "with `chargeline rules show`.",
    )
    final_edits = count(
        "chargeline_final_edits_total",
        "edit",
        "severity",
        meaning="Edits before the claim that stood on a draft when it became final, by edit.",
        do="one edit rises: a payer will deny such lines. Its `do` in the draft says who can mend "
        "the cause; ndc.missing and waste.undocumented mean that vials are not scanned.",
    )
    questions = count(
        "chargeline_questions_total",
        "question",
        "state",
        meaning="Questions to a person that were opened or closed, by question.",
        do="opened grows faster than closed: nobody answers, and charges stay provisional. Many "
        "stop.missing: ask the unit to chart stop times.",
    )
    open_questions = gauge(
        "chargeline_open_questions",
        "question",
        meaning="Questions that are open now, by question. " + _OF_THE_LEDGER,
        do="answer the oldest first. Many of one kind usually have one cause.",
    )
    oldest_question = gauge(
        "chargeline_oldest_open_question_age_seconds",
        "question",
        meaning="Age of the oldest open question, by question. " + _OF_THE_LEDGER,
        do="older than CHARGELINE_DISCHARGE_GRACE_HOURS: drafts become final without the answer.",
    )
    money_at_stake = gauge(
        "chargeline_money_at_stake_cents",
        meaning="What the charge lines with an open question would bring, in cents of the price "
        "list; 0 without a price list. " + _OF_THE_LEDGER,
        do="answer the questions of the dearest drugs first.",
    )

    # ------------------------------------------------------------------ the ledger and Kafka

    outbox = gauge(
        "chargeline_outbox_events",
        meaning="Events that are committed to the ledger and not yet published to Kafka. "
        + _OF_THE_LEDGER,
        do="grows: Kafka refuses them, or the relay does not run. No draft is lost, but billing "
        "waits for it.",
    )
    oldest_outbox = gauge(
        "chargeline_oldest_outbox_age_seconds",
        meaning="Age of the oldest event that is not yet published; 0 when there is none. "
        + _OF_THE_LEDGER,
        do="more than a minute: look for errors of the relay in the log, and check that the "
        "topics accept writes.",
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

    kafka_certificate_left = gauge(
        "chargeline_kafka_certificate_left_seconds",
        meaning="Seconds until our client certificate for Kafka ends, below 0 when it has ended; "
        "NaN without one.",
        do="below 2592000, which is 30 days: replace the files of "
        "CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE and _KEY_FILE; new connections use them without a "
        "restart.",
    )

    # ------------------------------------------------------------------ the gateway

    connections = count(
        "chargeline_gateway_connections_total",
        meaning="MLLP connections accepted.",
        do="many a minute: a sender opens a connection for each message, or a health check "
        "connects to the MLLP port.",
    )
    refused_connections = count(
        "chargeline_gateway_refused_connections_total",
        "reason",
        meaning="MLLP connections that were not accepted, were closed at once, or gave way to "
        "another one, by reason.",
        do="too_many: raise CHARGELINE_MLLP_CONNECTIONS, or look for a sender that opens one for "
        "each message. too_many_of_address, gave_way, too_many_handshakes, handshake_gave_way: a "
        "host opens connections and says nothing; connection.refused and connection.gave_way in "
        "the log have its address. If it is a proxy of many senders, raise "
        "CHARGELINE_MLLP_CONNECTIONS_PER_ADDRESS. handshake: its certificate or its TLS version, "
        "see handshake.failed in the log. unknown_sender: the file of CHARGELINE_SENDERS does not "
        "know the address or the certificate, see connection.refused in the log. revoked: "
        "CHARGELINE_MLLP_TLS_CLIENT_CRL_FILE lists the certificate of an open connection. http or "
        "tls: something else speaks to this port, or the sender uses TLS and "
        "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE is not set. unframed: the sender leaves out the MLLP "
        "frame (0x0B before a message, 0x1C 0x0D after it); connection.stranger in the log has its "
        "host.",
    )
    open_connections = gauge(
        "chargeline_gateway_open_connections",
        meaning="MLLP connections open now.",
        do="0 in clinic hours: the sender cannot reach the gateway, or its certificate has "
        "expired.",
    )
    certificate_left = gauge(
        "chargeline_gateway_certificate_left_seconds",
        meaning="Seconds until the certificate of the MLLP listener ends, below 0 when it has "
        "ended; NaN without TLS.",
        do="below 2592000, which is 30 days: replace the files of "
        "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE and _KEY_FILE; they are read again without a "
        "restart.",
    )
    held_bytes = gauge(
        "chargeline_gateway_held_bytes",
        meaning="What the MLLP frames that are not acknowledged take, counted as for "
        "CHARGELINE_MLLP_MEMORY_BYTES.",
        do="near CHARGELINE_MLLP_MEMORY_BYTES: the senders wait, because the store is slow or many "
        "send large messages at once. See /readyz; raise the setting if there is memory for it.",
    )
    frames = count(
        "chargeline_gateway_frames_total",
        "frame",
        meaning="MLLP frames received, by how they ended (idle: the connection was closed because "
        "it was silent).",
        do="too_large: raise CHARGELINE_MLLP_FRAME_BYTES if the sender needs such messages. "
        "broken: the sender or a proxy cuts connections.",
    )
    acknowledgements = count(
        "chargeline_gateway_acknowledgements_total",
        "acknowledgement",
        meaning="Acknowledgements sent, by MSA-1.",
        do="AE or CE: the message was not stored in time, is too large, or cannot be read. AR or "
        "CR: the store is full, or the site does not take this MSH-11 or MSH-12. See "
        "chargeline_gateway_refusals_total.",
    )
    refusals = count(
        "chargeline_gateway_refusals_total",
        "reason",
        meaning="Messages that the gateway did not store, by reason.",
        do="store_unavailable: see /readyz; the sender sends these messages again. store_full: "
        "make room for the ledger. store_too_large: raise max.message.bytes of the inbound topic. "
        "message_refused: the frame is too large (CHARGELINE_MLLP_FRAME_BYTES) or is not HL7; the "
        "log line has the code and the host. unknown_sender, application_not_allowed, "
        "facility_not_allowed, type_not_allowed, processing_id_not_allowed: the sender, or the "
        "file of CHARGELINE_SENDERS, is wrong.",
    )

    def __init__(self, registry: CollectorRegistry, *, program: str, version: str) -> None:
        self.registry = registry
        self.instruments: dict[str, Any] = {  # each of the kind that it is declared with
            metric.definition.name: metric.make(metric.definition, registry)
            for metric in _declared()
        }
        self.up.set(1)
        self.build.tell(program=program, version=version)

    def exposition(self, accept: str = "") -> tuple[str, bytes]:
        """Content type and body of a scrape, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(_WithoutCreated(self.registry))


class _WithoutCreated(Collector):
    """A registry without the `_created` series, which say when each counter began.

    These series would make a scrape twice as long, and nobody uses them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


def _declared() -> list["Declared[Instrument]"]:
    return [each for each in vars(Metrics).values() if isinstance(each, Declared)]


def definitions() -> list[Definition]:
    """All metrics as they are published, in the order in which they are declared."""
    return [each.definition for each in _declared()]
