"""A dashboard as Grafana reads it: classic JSON, which every Grafana since 9 loads.

This module owns Grafana's words, and where a panel stands on the grid. It decides nothing of what
is shown: the tables beside it do.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chargeline.telemetry.dashboards.panels import (
    Dashboard,
    DashboardVariable,
    Panel,
    Query,
    narrowed,
)
from chargeline.telemetry.instruments import Definition

SCHEMA_VERSION = 42  # of Grafana 12; a newer Grafana migrates it when it loads the file
COLUMNS = 24
HERE = 'namespace=~"$namespace"'
"""What narrows each query to one deployment. A Prometheus without Kubernetes has no such label, and
the choice `All` then matches what has none."""

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_TYPES = {"bars": "timeseries"}
_TAG = "chargeline"


def as_json(dashboard: Dashboard, metrics: Mapping[str, Definition]) -> str:
    """The file of a dashboard. `metrics` are those that it may name, by name."""
    whole = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.says,
        "tags": [_TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": dashboard.span, "to": "now"},
        "links": [
            {
                "title": "chargeline", "type": "dashboards", "tags": [_TAG], "asDropdown": True,
                "includeVars": True, "keepTime": True, "icon": "external link",
            }
        ],
        "annotations": {"list": [_restarts()]},
        "templating": {"list": list(_variables(dashboard.choices))},
        "panels": list(_panels(dashboard, metrics)),
    }  # fmt: skip
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def expression(query: Query, choices: tuple[DashboardVariable, ...]) -> str:
    """The query as Grafana sends it: of one deployment, and of what was chosen."""
    expr = narrowed(query.expr, HERE)
    for choice in choices:
        expr = expr.replace(f"<{choice.name}>", f'{choice.name}=~"${choice.name}"')
    return expr


def _restarts() -> dict[str, Any]:
    """A line through all panels where a program has started."""
    expr = narrowed("changes(process_start_time_seconds[2m]) and on (job, instance) chargeline_up")
    return {
        "name": "starts of programs",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "yellow",
        "expr": f"{narrowed(expr, HERE)} > 0",
        "titleFormat": "{{instance}} started",
        "step": "60s",
    }


def _variables(choices: tuple[DashboardVariable, ...]) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    yield _values("namespace", "chargeline_up", "namespace", "the deployment, on Kubernetes")
    for choice in choices:
        yield _values(choice.name, narrowed(choice.metric, HERE), choice.name, choice.says)


def _values(name: str, metric: str, label: str, says: str) -> dict[str, Any]:
    query = f"label_values({metric}, {label})"
    return {
        "name": name,
        "label": name,
        "description": says,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels(dashboard: Dashboard, metrics: Mapping[str, Definition]) -> Iterator[dict[str, Any]]:
    """Rows and panels from left to right and from top to bottom."""
    numbers = {panel.title: number for number, panel in enumerate(dashboard.panels, start=1)}
    top = 0
    for place, row in enumerate(dashboard.rows):
        yield {
            "id": 1000 + place, "type": "row", "title": row.title, "collapsed": False,
            "panels": [], "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }  # fmt: skip
        top, left, lowest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, lowest = top + lowest, 0, 0
            at = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            left, lowest = left + panel.width, max(lowest, panel.height)
            yield _panel(panel, dashboard, metrics, numbers) | {"gridPos": at}
        top += lowest


def _panel(
    panel: Panel,
    dashboard: Dashboard,
    metrics: Mapping[str, Definition],
    numbers: Mapping[str, int],
) -> dict[str, Any]:
    links = []
    if panel.see:
        address = f"/d/{dashboard.uid}?viewPanel={numbers[panel.see]}"
        here = "${__url_time_range}&${datasource:queryparam}&${namespace:queryparam}"
        links = [{"title": panel.see, "url": f"{address}&{here}"}]
    return {
        "id": numbers[panel.title],
        "type": _TYPES.get(panel.kind, panel.kind),
        "title": panel.title,
        "description": description(panel, metrics),
        "datasource": _SOURCE,
        "links": links,
        "targets": list(_targets(panel, dashboard.choices)),
        "fieldConfig": {"defaults": _defaults(panel, links), "overrides": []},
        "options": _options(panel),
    }


def description(panel: Panel, metrics: Mapping[str, Definition]) -> str:
    """What a panel shows and what to do, in the words of its metrics."""
    several = len(panel.metrics) > 1
    parts = [panel.says] if panel.says else []
    for name in panel.metrics:
        metric = metrics[name]
        parts += [f"**{name}**: {metric.help}" if several else metric.help]
    return "\n\n".join(parts)


def _targets(panel: Panel, choices: tuple[DashboardVariable, ...]) -> Iterator[dict[str, Any]]:
    at_once = panel.kind in ("stat", "bargauge")
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        yield {
            "refId": letter,
            "datasource": _SOURCE,
            "expr": expression(query, choices),
            "legendFormat": query.legend or "__auto",
            "instant": at_once,
            "range": not at_once,
            "format": "heatmap" if panel.kind == "heatmap" else "time_series",
        }


def _defaults(panel: Panel, links: list[dict[str, str]]) -> dict[str, Any]:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "links": links,  # a click on the number itself
    }
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.kind in ("stat", "bargauge"):
        defaults["color"] = {"mode": "thresholds"}
        defaults["noValue"] = "no data"
    else:
        bars = panel.kind == "bars"
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = {
            "drawStyle": "bars" if bars else "line",
            "fillOpacity": 80 if bars else 10,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"mode": "normal" if bars else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if len(panel.steps) > 1 else "off"},
        }
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "stat":
        return {
            "reduceOptions": reduced, "colorMode": "value", "graphMode": "none",
            "textMode": "auto", "justifyMode": "auto", "orientation": "auto",
        }  # fmt: skip
    if panel.kind == "bargauge":
        return {
            "reduceOptions": reduced, "displayMode": "basic", "orientation": "horizontal",
            "showUnfilled": True, "valueMode": "color",
        }  # fmt: skip
    if panel.kind == "heatmap":
        return {
            "calculate": False, "cellGap": 1, "yAxis": {"unit": panel.unit},
            "color": {"mode": "scheme", "scheme": "Blues", "steps": 64},
            "legend": {"show": True}, "tooltip": {"mode": "single", "yHistogram": False},
        }  # fmt: skip
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
