"""The dashboard *operations*: from the symptom at the top to its cause at the bottom.

It owns which panels operations see, and in which order. A gauge of the ledger is taken with max,
because each capture shows the same number.
"""

from chargeline.telemetry.dashboards.machinery import THE_GATEWAY, THE_LEDGER
from chargeline.telemetry.dashboards.panels import Dashboard, DashboardRow, Panel, Query

_DAY = 86_400.0

IS_IT_WELL = DashboardRow(
    "Is it well?",
    (
        Panel(
            "Programs not ready",
            "stat",
            (Query("count(chargeline_up) - sum(chargeline_ready)"),),
            unit="none",
            width=4,
            height=4,
            steps=((None, "green"), (1, "red")),
            see="Ready, by program",
        ),
        Panel(
            "Oldest unread message",
            "stat",
            (Query("max(chargeline_oldest_unread_age_seconds)"),),
            unit="s",
            width=4,
            height=4,
            steps=((None, "green"), (60, "yellow"), (300, "red")),
            see="Behind, by partition",
        ),
        Panel(
            "Behind",
            "stat",
            (Query("sum(max by (partition) (chargeline_consumer_lag_messages))"),),
            unit="none",
            width=4,
            height=4,
            steps=((None, "green"), (1000, "yellow"), (10_000, "red")),
            see="Behind, by partition",
        ),
        Panel(
            "Oldest parked",
            "stat",
            (Query("max(chargeline_oldest_parked_age_seconds)"),),
            unit="s",
            width=4,
            height=4,
            steps=((None, "green"), (14_400, "yellow"), (_DAY, "red")),
            see="Parked by reason",
        ),
        Panel(
            "Oldest not announced",
            "stat",
            (Query("max(chargeline_oldest_outbox_age_seconds)"),),
            unit="s",
            width=4,
            height=4,
            steps=((None, "green"), (30, "yellow"), (60, "red")),
            see="Outbox and relay",
        ),
        Panel(
            "Rulebooks at work",
            "stat",
            (Query("count(count by (version) (chargeline_rulebook_info == 1))"),),
            unit="none",
            width=4,
            height=4,
            steps=((None, "green"), (2, "yellow")),
            see="Versions at work",
        ),
    ),
)

THE_FEED = DashboardRow(
    "The feed: rate, errors, duration",
    (
        Panel(
            "Messages by type",
            "timeseries",
            (
                Query(
                    "sum by (message_type) (rate(chargeline_messages_total[5m]))",
                    "{{message_type}}",
                ),
            ),
            unit="mps",
            width=8,
        ),
        Panel(
            "Not understood",
            "timeseries",
            (
                Query(
                    'sum by (outcome) (rate(chargeline_messages_total{outcome=~"set_aside|parked"}'
                    "[15m])) / on () group_left () sum(rate(chargeline_messages_total[15m]))",
                    "{{outcome}}",
                ),
            ),
            unit="percentunit",
            width=8,
            steps=((None, "green"), (0.02, "red")),
        ),
        Panel(
            "From message to draft",
            "heatmap",
            (
                Query(
                    'sum by (le) (rate(chargeline_message_to_draft_seconds_bucket{since="queued"}'
                    "[5m]))",
                    "{{le}}",
                ),
            ),
            unit="s",
            width=8,
        ),
        Panel(
            "Parked by reason",
            "bars",
            (
                Query(
                    "sum by (reason) (increase(chargeline_parked_messages_total[1h]))", "{{reason}}"
                ),
            ),
            unit="none",
            width=6,
        ),
        Panel(
            "Set aside by trigger",
            "bars",
            (
                Query(
                    "sum by (trigger) (increase(chargeline_set_aside_messages_total[1h]))",
                    "{{trigger}}",
                ),
            ),
            unit="none",
            width=6,
        ),
        Panel(
            "Silent for, by interface",
            "bargauge",
            (
                Query(
                    "time() - max by (interface) "
                    "(chargeline_interface_last_message_timestamp_seconds)",
                    "{{interface}}",
                ),
            ),
            unit="s",
            width=6,
            steps=((None, "blue"),),
        ),
        Panel(
            "Message to draft, p50 p95",
            "timeseries",
            (
                Query(
                    "histogram_quantile(0.5, sum by (le, since) "
                    "(rate(chargeline_message_to_draft_seconds_bucket[15m])))",
                    "p50 {{since}}",
                ),
                Query(
                    "histogram_quantile(0.95, sum by (le, since) "
                    "(rate(chargeline_message_to_draft_seconds_bucket[15m])))",
                    "p95 {{since}}",
                ),
            ),
            unit="s",
            width=6,
        ),
        Panel(
            "Behind, by partition",
            "timeseries",
            (Query("max by (partition) (chargeline_consumer_lag_messages)", "{{partition}}"),),
            unit="none",
            width=6,
        ),
        Panel(
            "Held back by open transactions",
            "timeseries",
            (Query("sum(max by (partition) (chargeline_held_back_messages))", "messages"),),
            unit="none",
            width=6,
            steps=((None, "green"), (1, "red")),
            says="`serve` reads no topic, so there it is empty.",
        ),
        Panel(
            "Quarantined senders, expired messages",
            "timeseries",
            (
                Query("max(chargeline_quarantined_senders)", "quarantined"),
                Query("sum(increase(chargeline_parked_expired_messages_total[1d]))", "expired"),
            ),
            unit="none",
            width=6,
            steps=((None, "green"), (1, "red")),
        ),
        Panel(
            "Odd but read, sent again",
            "bars",
            (
                Query(
                    "sum by (warning) (increase(chargeline_message_warnings_total[1h]))",
                    "{{warning}}",
                ),
                Query(
                    "sum by (reason) (increase(chargeline_rekeyed_messages_total[1h]))",
                    "rekeyed: {{reason}}",
                ),
            ),
            unit="none",
            width=6,
        ),
    ),
)

OPERATIONS = Dashboard(
    "operations",
    "chargeline / operations",
    "For the hall and for three in the morning: from the symptom at the top to its cause.",
    (IS_IT_WELL, THE_FEED, THE_GATEWAY, THE_LEDGER),
)
