"""The series that several alerts rest on, worked out once.

It owns their names. Each is of one namespace, so that a test system and the real one in the same
Prometheus do not hide each other; where there is no such label, all are one.
"""

from chargeline.telemetry.alerts.rules import RecordingRule

LAG = "namespace:chargeline_consumer_lag_messages:sum"
PARKED_SHARE = "namespace:chargeline_messages_parked:ratio_rate15m"
SILENCE = "namespace_interface:chargeline_interface_silence_seconds:max"
USUAL_GAP = "namespace_interface:chargeline_interface_gap_seconds:lastweek"
SENDER_SILENCE = "namespace_sender:chargeline_gateway_sender_silence_seconds:max"
SENDER_USUAL_GAP = "namespace_sender:chargeline_gateway_sender_gap_seconds:lastweek"
CERTIFICATE = "namespace_certificate:chargeline_certificate_left_seconds:min"


def _silence(labels: str, metric: str) -> str:
    # Over a week, so that a program that has just started does not forget who is silent.
    return f"time() - max by ({labels}) (max_over_time({metric}[7d]))"


def _usual_gap(labels: str, metric: str) -> str:
    # These two hours of last week, from an hour before this moment to an hour after it.
    return f"7200 / (sum by ({labels}) (increase({metric}[2h] offset 167h)) > 0)"


def _left(which: str, metric: str) -> str:
    # NaN, which a program without a certificate shows, is not above minus infinity.
    least = f"min by (namespace) ({metric} > -Inf)"
    return f'label_replace({least}, "certificate", "{which}", "", "")'


RECORDED = (
    RecordingRule(
        LAG, "sum by (namespace) (max by (namespace, partition) (chargeline_consumer_lag_messages))"
    ),
    RecordingRule(
        PARKED_SHARE,
        'sum by (namespace) (rate(chargeline_messages_total{outcome="parked"}[15m]))\n'
        "/ sum by (namespace) (rate(chargeline_messages_total[15m]))",
    ),
    RecordingRule(
        SILENCE,
        _silence("namespace, interface", "chargeline_interface_last_message_timestamp_seconds"),
    ),
    RecordingRule(
        USUAL_GAP, _usual_gap("namespace, interface", "chargeline_interface_messages_total")
    ),
    RecordingRule(
        SENDER_SILENCE,
        _silence("namespace, sender", "chargeline_gateway_sender_last_message_timestamp_seconds"),
    ),
    RecordingRule(
        SENDER_USUAL_GAP,
        _usual_gap("namespace, sender", "chargeline_gateway_sender_messages_total"),
    ),
    RecordingRule(
        CERTIFICATE,
        _left("mllp", "chargeline_gateway_certificate_left_seconds")
        + "\nor "
        + _left("kafka", "chargeline_kafka_certificate_left_seconds"),
    ),
)
