"""Draws the dashboards from what a real Prometheus gave: `python -m tests.serve.pictures FOLDER`.

It owns a plain SVG of each: a cell for each panel where Grafana puts it, with its number or its
lines. FOLDER is what `CHARGELINE_PICTURES=FOLDER pytest tests/serve/test_watched.py` left. It asks
nobody by itself, and it is no Grafana: only what a panel holds is to be seen.
"""

import json
import math
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from chargeline.telemetry.dashboards import DASHBOARDS, files
from chargeline.telemetry.dashboards.panels import Dashboard, Panel

PICTURES = Path(__file__).resolve().parents[2] / "docs/dashboards"
CELL, HIGH = 50, 30  # of the grid, in pixels
COLOURS = ("#3274d9", "#8f5bb5", "#2e9e83", "#d9822b", "#b5423c", "#6b7684")
LEGENDS = 6

Series = list[dict[str, Any]]


def shown(value: float, unit: str) -> str:
    """A value as a person reads it."""
    if math.isnan(value):
        return "–"
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "currencyUSD":
        return f"${value:,.2f}"
    if unit == "bytes":
        return f"{value / 2**20:,.0f} MiB"
    if unit == "s":
        return _time(value)
    return f"{value:,.3g} d" if unit == "d" else f"{value:,.4g}"


def _time(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def drawn(dashboard: Dashboard, given: dict[str, list[Series]]) -> str:
    """The picture of one dashboard."""
    board = json.loads(files()[f"{dashboard.uid}.json"])
    panels = {panel.title: panel for panel in dashboard.panels}
    bottom = max(at["gridPos"]["y"] + at["gridPos"]["h"] for at in board["panels"])
    parts = []
    for cell in board["panels"]:
        at = cell["gridPos"]
        x, y, w, h = at["x"] * CELL, at["y"] * HIGH + 50, at["w"] * CELL, at["h"] * HIGH
        if cell["type"] == "row":
            parts.append(text(x + 6, y + 21, cell["title"], 15, bold=True))
            continue
        panel = panels[cell["title"]]
        parts.append(
            f'<rect x="{x + 3}" y="{y + 3}" width="{w - 6}" height="{h - 6}" rx="4" '
            'fill="#fff" stroke="#c8ced6"/>'
        )
        parts.append(text(x + 12, y + 21, panel.title, 12, bold=True))
        parts += inside(panel, given[panel.title], (x + 12, y + 30, w - 24, h - 42))
    width, height = 24 * CELL, bottom * HIGH + 60
    title = text(6, 32, dashboard.title, 20, bold=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif"><rect width="{width}" height="{height}" fill="#f4f6f8"/>'
        f"{title}{''.join(parts)}</svg>\n"
    )


def inside(panel: Panel, answers: list[Series], box: tuple[int, int, int, int]) -> Iterator[str]:
    """What a panel shows: a number, bars from left to right, or lines."""
    x, y, _w, h = box
    series = [
        (name(query.legend, one["metric"]), points(one))
        for query, answer in zip(panel.queries, answers, strict=True)
        for one in answer
    ]
    if not series:
        yield text(x, y + 20, "no data", 12, "#8a94a0")
    elif panel.kind == "stat":
        for place, (label, values) in enumerate(series[:2]):
            line = f"{shown(values[-1][1], panel.unit)} {label if len(series) > 1 else ''}"
            yield text(x, y + 30 + place * 24, line, 22 if len(series) == 1 else 16)
    elif panel.kind == "bargauge":
        yield from bars(panel, series, box)
    else:
        yield from lines(panel, series, (x, y, _w, h))


def bars(
    panel: Panel, series: list[tuple[str, list[tuple[float, float]]]], box: tuple[int, ...]
) -> Iterator[str]:
    """A bar for each series, as long as its last value."""
    x, y, w, h = box
    last = sorted(((v[-1][1], label) for label, v in series), key=lambda pair: -_real(pair[0]))
    most = panel.most or max([_real(value) for value, _label in last] + [1e-9])
    for place, (value, label) in enumerate(last[: h // 26]):
        top = y + 6 + place * 26
        long = max(2, round((w - 10) * min(1.0, _real(value) / most)))
        yield f'<rect x="{x}" y="{top + 13}" width="{long}" height="8" fill="{COLOURS[0]}"/>'
        yield text(x, top + 9, f"{label}  {shown(value, panel.unit)}", 11)


def lines(
    panel: Panel, series: list[tuple[str, list[tuple[float, float]]]], box: tuple[int, ...]
) -> Iterator[str]:
    """A line for each series over the time of the run, with the greatest value at the side."""
    x, y, w, h = box
    times = [at for _label, values in series for at, _value in values]
    most = max([_real(v) for _label, values in series for _at, v in values] + [1e-9])
    begin, span, room = min(times), max(max(times) - min(times), 1), h - 34
    yield text(x, y + 8, shown(most, panel.unit), 10, "#8a94a0")
    base = y + room
    yield f'<line x1="{x}" y1="{base}" x2="{x + w}" y2="{base}" stroke="#c8ced6"/>'
    ranked = sorted(series, key=lambda one: -max(_real(v) for _at, v in one[1]))
    for place, (_label, values) in enumerate(ranked):
        path = " ".join(
            f"{x + (at - begin) / span * w:.0f},{base - _real(v) / most * (room - 12):.0f}"
            for at, v in values
        )
        colour = COLOURS[place % len(COLOURS)]
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    left, top = x, base + 14
    for place, (label, _values) in enumerate(ranked[:LEGENDS]):
        long = 7 * len(label) + 14
        if left > x and left + long > x + w:
            left, top = x, top + 13
        if top > y + h + 6:
            break
        yield text(left, top, label[: w // 7], 11, COLOURS[place % len(COLOURS)])
        left += long


def name(legend: str, labels: dict[str, str]) -> str:
    """What a series is called: the legend with the labels put in."""
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend


def points(series: dict[str, Any]) -> list[tuple[float, float]]:
    """The values of a series with their times."""
    return [(float(at), float(value)) for at, value in series["values"]]


def _real(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def text(x: float, y: float, says: str, size: int, colour: str = "#1f2933", **how: bool) -> str:
    """A line of text."""
    weight = ' font-weight="600"' if how.get("bold") else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{weight}>{escape(says)}</text>'


def main(folder: Path) -> None:
    """Draw all dashboards into docs/dashboards."""
    PICTURES.mkdir(exist_ok=True)
    for dashboard in DASHBOARDS:
        given = json.loads((folder / f"{dashboard.uid}.json").read_text())
        (PICTURES / f"{dashboard.uid}.svg").write_text(drawn(dashboard, given), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
