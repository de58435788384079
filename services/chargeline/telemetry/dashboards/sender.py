"""The dashboard *one sender*: what comes by one interface, and what its senders meet.

It owns which panels an interface engineer sees. `<interface>` and `<sender>` in a query are what
the reader chose above.
"""

from chargeline.telemetry.dashboards.panels import (
    Dashboard,
    DashboardRow,
    DashboardVariable,
    Panel,
    Query,
)

READ = DashboardRow(
    "What is read, by interface",
    (
        Panel(
            "Silent for",
            "stat",
            (
                Query(
                    "time() - max by (interface) "
                    "(chargeline_interface_last_message_timestamp_seconds{<interface>})",
                    "{{interface}}",
                ),
            ),
            unit="s",
            width=6,
            height=5,
            steps=((None, "blue"),),
            see="Messages by outcome",
        ),
        Panel(
            "Usual gap at this hour",
            "stat",
            (
                Query(
                    "7200 / (sum by (interface) (increase("
                    "chargeline_interface_messages_total{<interface>}[2h] offset 167h)) > 0)",
                    "{{interface}}",
                ),
            ),
            unit="s",
            width=6,
            height=5,
            steps=((None, "blue"),),
            says="Seconds between two messages in these two hours of last week; no data in the "
            "first week.",
        ),
        Panel(
            "Messages of the last hour",
            "stat",
            (
                Query(
                    "sum by (interface) (increase("
                    "chargeline_interface_messages_total{<interface>}[1h]))",
                    "{{interface}}",
                ),
            ),
            unit="none",
            width=6,
            height=5,
            steps=((None, "blue"),),
            see="Messages by outcome",
        ),
        Panel(
            "Share parked, last hour",
            "stat",
            (
                Query(
                    "sum by (interface) (increase(chargeline_interface_messages_total{<interface>,"
                    'outcome="parked"}[1h])) / sum by (interface) (increase('
                    "chargeline_interface_messages_total{<interface>}[1h]))",
                    "{{interface}}",
                ),
            ),
            unit="percentunit",
            width=6,
            height=5,
            steps=((None, "green"), (0.01, "yellow"), (0.05, "red")),
            see="Parked by reason",
        ),
        Panel(
            "Messages by outcome",
            "timeseries",
            (
                Query(
                    "sum by (interface, outcome) (rate("
                    "chargeline_interface_messages_total{<interface>}[5m]))",
                    "{{interface}} {{outcome}}",
                ),
            ),
            unit="mps",
            width=12,
        ),
        Panel(
            "Parked by reason",
            "bars",
            (
                Query(
                    "sum by (interface, reason) (increase("
                    "chargeline_interface_parked_messages_total{<interface>}[1h]))",
                    "{{interface}} {{reason}}",
                ),
            ),
            unit="none",
            width=12,
        ),
        Panel(
            "This week and last week",
            "timeseries",
            (
                Query(
                    "sum(rate(chargeline_interface_messages_total{<interface>}[1h]))", "this week"
                ),
                Query(
                    "sum(rate(chargeline_interface_messages_total{<interface>}[1h] offset 1w))",
                    "last week",
                ),
            ),
            unit="mps",
            width=24,
        ),
    ),
)

MET = DashboardRow(
    "What senders meet at the gateway",
    (
        Panel(
            "Silent for, by sender",
            "bargauge",
            (
                Query(
                    "time() - max by (sender) "
                    "(chargeline_gateway_sender_last_message_timestamp_seconds{<sender>})",
                    "{{sender}}",
                ),
            ),
            unit="s",
            width=8,
            steps=((None, "blue"),),
        ),
        Panel(
            "Accepted, by sender",
            "timeseries",
            (
                Query(
                    "sum by (sender) (rate("
                    "chargeline_gateway_sender_messages_total{<sender>}[5m]))",
                    "{{sender}}",
                ),
            ),
            unit="mps",
            width=8,
        ),
        Panel(
            "Refused, of all senders",
            "bars",
            (
                Query(
                    "sum by (reason) (increase(chargeline_gateway_refusals_total[1h]))",
                    "{{reason}}",
                ),
            ),
            unit="none",
            width=8,
            says="message.refused in the log has the address of the sender.",
        ),
    ),
)

ONE_SENDER = Dashboard(
    "sender",
    "chargeline / one sender",
    "For whoever connects a sender: what comes by its interface, and what it meets at the gateway.",
    (READ, MET),
    choices=(
        DashboardVariable(
            "interface", "chargeline_interface_messages_total", "a folder of rules/interfaces"
        ),
        DashboardVariable(
            "sender", "chargeline_gateway_sender_messages_total", "a name of the senders' file"
        ),
    ),
)
