"""What a panel, a row and a dashboard are, and how a query names its metrics.

This module owns the shapes of the tables beside it, and how a query is narrowed to one deployment.
It knows no metric and nothing of Grafana's JSON.
"""

import re
from typing import Literal, NamedTuple

PanelKind = Literal["stat", "timeseries", "bars", "bargauge", "heatmap"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "text"]

_METRIC = re.compile(r"(?<![\w:])((?:chargeline|process)_[a-z0-9_]+)(\{[^}]*\})?")
_PARTS = ("_bucket", "_sum", "_count")  # of a histogram


class Query(NamedTuple):
    """A query in PromQL, without the labels of the deployment, and what its series are called."""

    expr: str
    legend: str = ""


class Panel(NamedTuple):
    """One panel. `width` is of 24 columns. `steps` are the colours from a value on, the first from
    the beginning. `see` is the title of the panel that says more. `says` is what a reader needs
    beside the meaning of the metrics.
    """

    title: str
    kind: PanelKind
    queries: tuple[Query, ...]
    unit: str
    width: int = 6
    height: int = 7
    steps: tuple[tuple[float | None, Colour], ...] = ((None, "green"),)
    see: str = ""
    says: str = ""
    most: float | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that its queries name, each once."""
        names = [name for query in self.queries for name in metrics_of(query.expr)]
        return tuple(dict.fromkeys(names))


class DashboardRow(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


class DashboardVariable(NamedTuple):
    """A variable of a dashboard: the values that a label of a metric has."""

    name: str
    metric: str
    says: str


class Dashboard(NamedTuple):
    """One dashboard. `span` is the time that it shows at first."""

    name: str
    title: str
    says: str
    rows: tuple[DashboardRow, ...]
    choices: tuple[DashboardVariable, ...] = ()
    span: str = "now-24h"

    @property
    def uid(self) -> str:
        """Its address in Grafana, and the name of its file."""
        return f"chargeline-{self.name}"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All its panels, in their order."""
        return tuple([panel for row in self.rows for panel in row.panels])


def metrics_of(expr: str) -> list[str]:
    """The metrics that a query names, as they are declared: a histogram by its own name."""
    names = []
    for match in _METRIC.finditer(expr):
        name = match[1]
        for part in _PARTS:
            if name.endswith(f"_seconds{part}"):
                name = name.removesuffix(part)
        names.append(name)
    return names


def narrowed(expr: str, *labels: str) -> str:
    """A query with the labels added to each of its metrics.

    `sum(a{x="1"})` narrowed by `y="2"` is `sum(a{x="1",y="2"})`.
    """

    def add(match: re.Match[str]) -> str:
        inside = [part for part in ((match[2] or "")[1:-1], *labels) if part]
        return f"{match[1]}{{{','.join(inside)}}}" if inside else match[1]

    return _METRIC.sub(add, expr)
