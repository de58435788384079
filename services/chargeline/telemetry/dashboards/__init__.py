"""The dashboards for Grafana, as tables beside the metrics, and the files that they become.

It owns which dashboards there are, and which metrics need no panel, with the reason. The files are
written by `python -m chargeline.telemetry.shipped`.
"""

from collections.abc import Mapping

from chargeline.telemetry.dashboards.grafana import as_json
from chargeline.telemetry.dashboards.operations import OPERATIONS
from chargeline.telemetry.dashboards.revenue import REVENUE
from chargeline.telemetry.dashboards.sender import ONE_SENDER
from chargeline.telemetry.metrics import PROCESS, definitions

DASHBOARDS = (OPERATIONS, REVENUE, ONE_SENDER)

WITHOUT_PANEL: Mapping[str, str] = {}
"""Metrics that no panel shows, with the reason. None today: each metric earns its place."""


def files() -> dict[str, str]:
    """The dashboards as Grafana reads them, by the name of the file."""
    metrics = {metric.name: metric for metric in [*definitions(), *PROCESS]}
    return {f"{dashboard.uid}.json": as_json(dashboard, metrics) for dashboard in DASHBOARDS}
