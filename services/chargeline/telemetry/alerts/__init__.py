"""The alerts and the series that they rest on, as tables, and the file that they become.

It owns which there are. The file is written by `python -m chargeline.telemetry.shipped`, and the
chart makes a PrometheusRule of it.
"""

from chargeline.telemetry.alerts import rules
from chargeline.telemetry.alerts.recorded import RECORDED
from chargeline.telemetry.alerts.rules import AlertRule
from chargeline.telemetry.alerts.table import ALERTS

__all__ = ["ALERTS", "RECORDED", "AlertRule", "as_yaml"]


def as_yaml() -> str:
    """The rules as Prometheus reads them."""
    return rules.as_yaml(RECORDED, ALERTS)
