"""The lower rows of the dashboard *operations*: the gateway, the ledger, Kafka and the machine.

It owns which panels show a cause. Which show a symptom stands in `operations.py`.
"""

from chargeline.telemetry.dashboards.panels import DashboardRow, Panel, Query

THE_GATEWAY = DashboardRow(
    "The gateway: what senders meet",
    (
        Panel(
            "Connections",
            "timeseries",
            (Query("sum(chargeline_gateway_open_connections)", "open"),),
            unit="none",
        ),
        Panel(
            "Acknowledgements",
            "timeseries",
            (
                Query(
                    "sum by (acknowledgement) "
                    "(rate(chargeline_gateway_acknowledgements_total[5m]))",
                    "{{acknowledgement}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Refused messages by reason",
            "bars",
            (
                Query(
                    "sum by (reason) (increase(chargeline_gateway_refusals_total[1h]))",
                    "{{reason}}",
                ),
            ),
            unit="none",
        ),
        Panel(
            "Time to acknowledge, p50 p99",
            "timeseries",
            (
                Query(
                    "histogram_quantile(0.5, sum by (le) "
                    "(rate(chargeline_gateway_acknowledge_seconds_bucket[5m])))",
                    "p50",
                ),
                Query(
                    "histogram_quantile(0.99, sum by (le) "
                    "(rate(chargeline_gateway_acknowledge_seconds_bucket[5m])))",
                    "p99",
                ),
            ),
            unit="s",
            steps=((None, "green"), (5, "red")),
        ),
        Panel(
            "Frames that broke",
            "bars",
            (
                Query(
                    'sum by (frame) (increase(chargeline_gateway_frames_total{frame!="complete"}'
                    "[1h]))",
                    "{{frame}}",
                ),
            ),
            unit="none",
            width=5,
        ),
        Panel(
            "New connections a minute",
            "timeseries",
            (Query("sum(rate(chargeline_gateway_connections_total[5m])) * 60", "connections"),),
            unit="none",
            width=5,
        ),
        Panel(
            "Refused connections and handshakes",
            "bars",
            (
                Query(
                    "sum by (reason) (increase(chargeline_gateway_refused_connections_total[1h]))",
                    "{{reason}}",
                ),
            ),
            unit="none",
            width=5,
        ),
        Panel(
            "Certificates, days left",
            "bargauge",
            (
                Query("min(chargeline_gateway_certificate_left_seconds) / 86400", "MLLP"),
                Query("min(chargeline_kafka_certificate_left_seconds) / 86400", "Kafka"),
            ),
            unit="d",
            width=4,
            steps=((None, "red"), (14, "yellow"), (30, "green")),
            says="NaN where no certificate is set.",
        ),
        Panel(
            "Memory of unanswered frames",
            "timeseries",
            (Query("max by (instance) (chargeline_gateway_held_bytes)", "{{instance}}"),),
            unit="bytes",
            width=5,
        ),
    ),
)

THE_LEDGER = DashboardRow(
    "Ledger, Kafka, machine",
    (
        Panel(
            "Where a batch spends its time, p95",
            "timeseries",
            (
                Query(
                    "histogram_quantile(0.95, sum by (le, phase) "
                    "(rate(chargeline_batch_duration_seconds_bucket[5m])))",
                    "{{phase}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Outbox and relay",
            "timeseries",
            (
                Query("max(chargeline_outbox_events)", "waiting"),
                Query(
                    "sum by (topic) (rate(chargeline_published_events_total[5m]))",
                    "{{topic}} a second",
                ),
            ),
            unit="none",
        ),
        Panel(
            "Fenced, rebalances",
            "bars",
            (
                Query("sum(increase(chargeline_fenced_transactions_total[1h]))", "fenced"),
                Query("sum(increase(chargeline_rebalances_total[1h]))", "rebalances"),
            ),
            unit="none",
        ),
        Panel(
            "Ledger transactions",
            "timeseries",
            (
                Query(
                    "sum by (result) (rate(chargeline_ledger_transactions_total[5m]))", "{{result}}"
                ),
            ),
            unit="ops",
        ),
        Panel(
            "Retries",
            "bars",
            (Query("sum by (task) (increase(chargeline_retries_total[5m]))", "{{task}}"),),
            unit="none",
        ),
        Panel(
            "Drafted again after a change of rules",
            "timeseries",
            (Query("sum(rate(chargeline_redrafted_visits_total[5m])) * 60", "visits a minute"),),
            unit="none",
        ),
        Panel(
            "CPU, by pod",
            "timeseries",
            (
                Query(
                    "rate(process_cpu_seconds_total[5m]) and on (job, instance) chargeline_up",
                    "{{job}} {{instance}}",
                ),
            ),
            unit="none",
        ),
        Panel(
            "Memory, by pod",
            "timeseries",
            (
                Query(
                    "process_resident_memory_bytes and on (job, instance) chargeline_up",
                    "{{job}} {{instance}}",
                ),
            ),
            unit="bytes",
        ),
        Panel(
            "Open files and sockets",
            "timeseries",
            (
                Query(
                    "process_open_fds and on (job, instance) chargeline_up", "{{job}} {{instance}}"
                ),
            ),
            unit="none",
        ),
        Panel(
            "Running since",
            "bargauge",
            (
                Query(
                    "time() - process_start_time_seconds and on (job, instance) chargeline_up",
                    "{{job}} {{instance}}",
                ),
            ),
            unit="s",
            steps=((None, "yellow"), (600, "blue")),
        ),
        Panel(
            "Ready, by program",
            "timeseries",
            (Query("chargeline_ready", "{{job}} {{instance}}"),),
            unit="none",
            most=1,
        ),
        Panel(
            "Versions at work",
            "bargauge",
            (
                Query(
                    "count by (program, version) (chargeline_build_info == 1)",
                    "{{program}} {{version}}",
                ),
                Query("count by (version) (chargeline_rulebook_info == 1)", "rules {{version}}"),
                Query("count by (version) (chargeline_refdata_info == 1)", "tables {{version}}"),
            ),
            unit="none",
            steps=((None, "blue"),),
            says="How many programs have each version.",
        ),
    ),
)
