"""The alerts: each a symptom that somebody feels, with its runbook.

It owns what wakes a person (`page`) and what waits for the morning (`ticket`), and after how long.
Gauges of the ledger are taken with max, because each capture shows the same number.
"""

from chargeline.telemetry.alerts.recorded import (
    CERTIFICATE,
    LAG,
    PARKED_SHARE,
    SENDER_SILENCE,
    SENDER_USUAL_GAP,
    SILENCE,
    USUAL_GAP,
)
from chargeline.telemetry.alerts.rules import AlertRule

GAPS = 10
"""So many usual gaps without a message are silence."""
_DUE = "max by (namespace) (chargeline_oldest_unread_age_seconds) > 300"
_EXPIRED = "chargeline_parked_expired_messages_total"
"""Retention also runs when a program starts, and what it counts before the first scrape is no
increase: of a program that is younger than a day the whole count is taken.
"""

FEED = (
    AlertRule(
        "ChargelineAbsent",
        "absent(chargeline_up)",
        after="5m",
        severity="page",
        runbook="absent",
        summary="No chargeline program is scraped",
        description="Prometheus sees no program at all: none runs, or the scrape fails.",
    ),
    AlertRule(
        "ChargelineNotReady",
        "chargeline_ready == 0",
        after="10m",
        severity="page",
        runbook="not-ready",
        summary="{{ $labels.instance }} has not been ready for 10 minutes",
        description="/readyz of {{ $labels.instance }} lists what is missing.",
    ),
    AlertRule(
        "ChargelineFeedNotDrafted",
        _DUE,
        after="5m",
        severity="page",
        runbook="feed-not-drafted",
        summary="Messages wait for {{ $value | humanizeDuration }}",
        description="The oldest message that Kafka has and the ledger has not is this old. Drafts "
        "lack what is in it.",
    ),
    AlertRule(
        "ChargelineLagGrows",
        f"{LAG} > 1000 and delta({LAG}[30m]) > 0",
        after="30m",
        severity="ticket",
        runbook="lag-grows",
        summary="{{ $value | humanize }} messages behind, and more each minute",
        description="More messages come than the captures work off.",
    ),
    AlertRule(
        "ChargelineOpenTransaction",
        "max by (namespace, partition) (chargeline_held_back_messages) > 0",
        after="5m",
        severity="ticket",
        runbook="open-transaction",
        summary="An open transaction holds back messages of partition {{ $labels.partition }}",
        description="A producer began a transaction on the inbound topic and went away. Nobody "
        "gets what stands behind it.",
    ),
    AlertRule(
        "ChargelineParkedShare",
        f"{PARKED_SHARE} > 0.05\n"
        'and sum by (namespace) (increase(chargeline_messages_total{outcome="parked"}[15m])) > 5',
        after="10m",
        severity="ticket",
        runbook="parked-share",
        summary="{{ $value | humanizePercentage }} of the messages cannot be used",
        description="A sender has changed how it writes, or new rules or interfaces are wrong.",
    ),
    AlertRule(
        "ChargelineParkedTooLong",
        "max by (namespace) (chargeline_oldest_parked_age_seconds) > 14400",
        after="15m",
        severity="ticket",
        runbook="parked-too-long",
        summary="A message has been parked for {{ $value | humanizeDuration }}",
        description="Its visit is incomplete until a person retries or drops it.",
    ),
    AlertRule(
        "ChargelineParkedExpired",
        f"sum by (namespace) (({_EXPIRED} unless {_EXPIRED} offset 1d)\n"
        f"or increase({_EXPIRED}[1d])) > 0",
        after="0m",
        severity="ticket",
        runbook="parked-expired",
        summary="{{ $value | humanize }} parked messages were removed unseen",
        description="Retention removed them although nobody had retried or dropped them: charges "
        "may be lost.",
    ),
    AlertRule(
        "ChargelineSenderQuarantined",
        "max by (namespace) (chargeline_quarantined_senders) > 0",
        after="5m",
        severity="ticket",
        runbook="sender-quarantined",
        summary="{{ $value }} senders are quarantined",
        description="So many of their messages could not be used that theirs are parked unread.",
    ),
    AlertRule(
        "ChargelineInterfaceSilent",
        f"({SILENCE} > 900 and {SILENCE} > {GAPS} * {USUAL_GAP})\nunless on (namespace) {_DUE}",
        after="10m",
        severity="ticket",
        runbook="sender-silent",
        summary="Nothing by the interface {{ $labels.interface }} for "
        "{{ $value | humanizeDuration }}",
        description=f"That is more than {GAPS} times its usual gap at this hour of the week.",
    ),
    AlertRule(
        "ChargelineSenderSilent",
        f"{SENDER_SILENCE} > 900 and {SENDER_SILENCE} > {GAPS} * {SENDER_USUAL_GAP}",
        after="10m",
        severity="ticket",
        runbook="sender-silent",
        summary="Nothing from the sender {{ $labels.sender }} for {{ $value | humanizeDuration }}",
        description=f"That is more than {GAPS} times its usual gap at this hour of the week.",
    ),
)

GATEWAY = (
    AlertRule(
        "ChargelineMessagesNotStored",
        'sum by (namespace) (increase(chargeline_gateway_refusals_total{reason=~"store_.+"}[5m]))'
        " > 0",
        after="5m",
        severity="page",
        runbook="messages-not-stored",
        summary="The gateway cannot store messages",
        description="Senders get AE or AR and send again. Their queues grow.",
    ),
    AlertRule(
        "ChargelineSlowAcknowledgements",
        "histogram_quantile(0.99, sum by (namespace, le) "
        "(rate(chargeline_gateway_acknowledge_seconds_bucket[10m]))) > 5",
        after="10m",
        severity="ticket",
        runbook="slow-acknowledgements",
        summary="Acknowledgements take {{ $value | humanizeDuration }} (p99)",
        description="Senders wait for each answer, so the feed slows down with it.",
    ),
    AlertRule(
        "ChargelineCertificateEnds",
        f"{CERTIFICATE} < 30 * 86400",
        after="1h",
        severity="ticket",
        runbook="certificate-ends",
        summary="The {{ $labels.certificate }} certificate ends in {{ $value | humanizeDuration }}",
        description="That of the MLLP listener, or ours for Kafka.",
    ),
    AlertRule(
        "ChargelineCertificateEndsSoon",
        f"{CERTIFICATE} < 3 * 86400",
        after="10m",
        severity="page",
        runbook="certificate-ends",
        summary="The {{ $labels.certificate }} certificate ends in {{ $value | humanizeDuration }}",
        description="After that no sender can connect, or we cannot reach Kafka.",
    ),
)

LEDGER = (
    AlertRule(
        "ChargelineNotAnnounced",
        "max by (namespace) (chargeline_oldest_outbox_age_seconds) > 60",
        after="5m",
        severity="page",
        runbook="not-announced",
        summary="A draft has waited {{ $value | humanizeDuration }} to be published",
        description="Drafts are in the ledger, and billing does not get them.",
    ),
    AlertRule(
        "ChargelineRelayStuck",
        "max by (namespace) (chargeline_outbox_events) > 0\n"
        "unless sum by (namespace) (increase(chargeline_published_events_total[10m])) > 0",
        after="10m",
        severity="ticket",
        runbook="relay-stuck",
        summary="{{ $value }} events wait, and none has left for 10 minutes",
        description="The relay does not run, or Kafka refuses what it sends.",
    ),
    AlertRule(
        "ChargelineLedgerDiskFull",
        'sum by (namespace) (increase(chargeline_ledger_transactions_total{result="disk_full"}'
        "[5m])) > 0",
        after="1m",
        severity="page",
        runbook="ledger-disk-full",
        summary="The disk of the ledger is full",
        description="Nothing can be stored. The programs wait and go on by themselves.",
    ),
    AlertRule(
        "ChargelineLedgerFails",
        "sum by (namespace) (increase(chargeline_ledger_transactions_total"
        '{result=~"unreachable|failed"}[5m])) > 0',
        after="10m",
        severity="page",
        runbook="ledger-fails",
        summary="Transactions of the ledger have failed for 10 minutes",
        description="The database cannot be reached, refuses us, or an error of ours comes again.",
    ),
    AlertRule(
        "ChargelineRestarts",
        "sum by (namespace, job) (changes(process_start_time_seconds[1h]) "
        "and on (job, instance) chargeline_up) > 3",
        after="0m",
        severity="ticket",
        runbook="restarts",
        summary="{{ $labels.job }} started {{ $value }} times in an hour",
        description="The last line of the log before each end says why.",
    ),
    AlertRule(
        "ChargelineTwoRulebooks",
        "count by (namespace) (count by (namespace, version) (chargeline_rulebook_info == 1)) > 1",
        after="1h",
        severity="ticket",
        runbook="two-rulebooks",
        summary="{{ $value }} sets of rules are at work",
        description="One feed is coded by two sets of rules: a roll-out is stuck.",
    ),
    AlertRule(
        "ChargelineStaleTables",
        "max by (namespace, table) (chargeline_refdata_stale) == 1",
        after="6h",
        severity="ticket",
        runbook="stale-tables",
        summary="The published table {{ $labels.table }} lacks this quarter",
        description="Edits that need the table do not run.",
    ),
)

REVENUE = (
    AlertRule(
        "ChargelineMoneyWaits",
        "max by (namespace) (chargeline_money_at_stake_cents) > 25000000",
        after="6h",
        severity="ticket",
        runbook="money-waits",
        summary="{{ $value | humanize }} cents wait for answers",
        description="So much do the charge lines bring that have an open question.",
    ),
    AlertRule(
        "ChargelineQuestionsOutrunAnswers",
        'sum by (namespace) (increase(chargeline_questions_total{state="opened"}[1d]))\n'
        "> 1.3 * sum by (namespace) "
        '(increase(chargeline_questions_total{state="closed"}[1d])) + 20',
        after="2d",
        severity="ticket",
        runbook="questions-outrun-answers",
        summary="{{ $value | humanize }} questions a day are opened, and fewer are closed",
        description="For two days more than 1.3 questions have been opened for each one closed.",
    ),
    AlertRule(
        "ChargelineDrugsWithoutCode",
        'sum by (namespace) (increase(chargeline_questions_total{state="opened",'
        'question=~"drug.unknown|drug.no_code"}[1d])) > 20',
        after="1h",
        severity="ticket",
        runbook="drugs-without-code",
        summary="{{ $value | humanize }} questions a day about drugs that have no code",
        description="The formulary lacks drugs that are given, or their codes, so nothing is "
        "billed for them.",
    ),
)

ALERTS = (*FEED, *GATEWAY, *LEDGER, *REVENUE)
