"""Claims about the dashboards: they name metrics that exist, all of them, and take gauges rightly.

That each query returns data is shown in tests/live/test_watched.py against a real Prometheus.
"""

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import pytest

from chargeline.telemetry import shipped
from chargeline.telemetry.alerts import ALERTS, RECORDED
from chargeline.telemetry.dashboards import DASHBOARDS, WITHOUT_PANEL, files
from chargeline.telemetry.dashboards.panels import Dashboard, Panel, Query, metrics_of, narrowed
from chargeline.telemetry.labels import LABELS
from chargeline.telemetry.metrics import PROCESS, definitions

REPOSITORY = Path(__file__).resolve().parents[2]
METRICS = {metric.name: metric for metric in [*definitions(), *PROCESS]}
PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels]
QUERIES = [query for panel in PANELS for query in panel.queries]
EXPRESSIONS = [
    *[query.expr for query in QUERIES],
    *[rule.expr for rule in RECORDED],
    *[alert.expr for alert in ALERTS],
]


def title(panel: Panel) -> str:
    return panel.title


def test_the_files_of_the_chart_are_those_of_the_tables() -> None:
    """`python -m chargeline.telemetry.shipped` would change nothing, and nothing lies beside."""
    folder = REPOSITORY / shipped.FOLDER
    wanted = shipped.files()
    assert {name: (folder / name).read_text(encoding="utf-8") for name in wanted} == wanted
    assert {path.name for path in (folder / "dashboards").iterdir()} == set(files())


def test_the_writer_writes_them(tmp_path: Path) -> None:
    """Into a folder that is not there yet."""
    shipped.write(tmp_path / "files")
    assert (tmp_path / "files/alerts.yaml").read_text().startswith("# Written by")


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_query_names_metrics_that_exist_and_only_their_labels(expr: str) -> None:
    """Also inside of braces and of `by (…)`, where a wrong label is an empty panel."""
    names = metrics_of(expr)
    assert set(names) <= set(METRICS)
    labels = {"le", "job", "instance", "namespace", "interface", "sender", "certificate"}
    labels |= {label for name in names for label in METRICS[name].labels}
    named = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expr)
    for listed in re.findall(r"(?:by|on|group_left) \(([^)]*)\)", expr):
        named += [label.strip() for label in listed.split(",") if label.strip()]
    assert set(named) <= labels


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_value_of_a_label_is_one_that_the_label_has(expr: str) -> None:
    """`outcome="parkd"` would be an empty panel."""
    for label, values in re.findall(r'(\w+)=~?"([^"$]+)"', expr):
        allowed = LABELS.get(label)
        if isinstance(allowed, tuple):
            assert all(
                any(re.fullmatch(word, value) for value in allowed) for word in values.split("|")
            )


def test_each_metric_has_a_panel_or_a_reason() -> None:
    """Nothing is measured that nobody looks at."""
    shown = {name for panel in PANELS for name in panel.metrics}
    assert set(METRICS) - shown == set(WITHOUT_PANEL)


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_gauge_of_the_ledger_is_never_summed(expr: str) -> None:
    """Each capture shows the same number: two captures would double a sum."""
    for name in metrics_of(expr):
        if "take max" in METRICS[name].meaning:
            assert re.search(
                rf"max (?:by \([^)]*\) )?\({name}|max\({name}|max_over_time\({name}", expr
            )


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_counter_is_read_as_a_growth(expr: str) -> None:
    """A counter begins anew with its program, so its value alone says nothing."""
    for name in metrics_of(expr):
        if METRICS[name].kind == "counter":
            assert re.search(rf"(?:rate|increase)\({name}", expr)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_a_dashboard_is_what_grafana_loads(dashboard: Dashboard) -> None:
    """Panels with ids of their own, on the grid, none over another; each query asks the chosen
    source for the chosen deployment; each link leads to a panel.
    """
    board = json.loads(files()[f"{dashboard.uid}.json"])
    panels: list[dict[str, Any]] = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert board["templating"]["list"][0]["type"] == "datasource"
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        own = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not own & cells
        cells |= own
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"
            selectors = re.findall(r"(?:chargeline|process)_\w+(\{[^}]*\})?", target["expr"])
            assert all('namespace=~"$namespace"' in selector for selector in selectors)
            assert "<" not in target["expr"].replace("< ", "")
        for link in panel.get("links", ()):
            number = re.search(r"viewPanel=(\d+)", link["url"])
            assert number and int(number[1]) in {other["id"] for other in panels}


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_a_panel_says_what_it_means_and_what_to_do(panel: Panel) -> None:
    """In the words of its metrics, so that nobody looks for a page."""
    said = next(
        drawn["description"]
        for text in files().values()
        for drawn in json.loads(text)["panels"]
        if drawn["title"] == panel.title and drawn["type"] != "row"
    )
    assert "When bad: " in said
    assert panel.unit and panel.queries


def test_a_query_is_narrowed_in_each_of_its_metrics() -> None:
    """With and without labels of its own."""
    wide = 'sum(chargeline_a{x="1"}) / chargeline_b_seconds_bucket'
    narrow = 'sum(chargeline_a{x="1",y="2"}) / chargeline_b_seconds_bucket{y="2"}'
    assert narrowed(wide, 'y="2"') == narrow
    assert metrics_of(wide) == ["chargeline_a", "chargeline_b_seconds"]
    assert Query(wide).legend == ""


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_the_picture_of_a_dashboard_has_each_of_its_panels(dashboard: Dashboard) -> None:
    """docs/dashboards is drawn anew when a panel is added (tests/serve/pictures.py)."""
    picture = (REPOSITORY / f"docs/dashboards/{dashboard.uid}.svg").read_text(encoding="utf-8")
    assert [panel.title for panel in dashboard.panels if escape(panel.title) not in picture] == []
