"""Walks of docs/runbooks: each page is followed while a test plays the fault that it is for.

This module owns how a page is followed: the alert's expression gives a series in a real Prometheus
that scrapes the faulty program, what the page says to look at shows the cause, and what it says to
do ends the alert. Whatever a walk looks at or runs must be written on the page. How long an alert
waits before it fires, and which numbers keep it quiet, is proved in tests/telemetry/test_alerts.py.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from chargeline.telemetry.alerts import ALERTS, RECORDED
from chargeline.telemetry.dashboards import DASHBOARDS
from tests.live.commands import Ended, command, logged_in
from tests.live.prometheus import Prometheus
from tests.serve import until
from tests.serve.test_watched import asked

PAGES = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
ALERT_OF = {alert.name: alert for alert in ALERTS}
RECENT = "[10s]"
"""The window of a rate or an increase once a fault is over, so that a walk need not wait a day."""

Series = list[dict[str, Any]]


class Walk:
    """One page, followed against programs that log to one file and that one Prometheus scrapes."""

    def __init__(
        self, page: str, prometheus: Prometheus, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.text = " ".join((PAGES / f"{page}.md").read_text(encoding="utf-8").split())
        self.page, self.prometheus, self.log = page, prometheus, log
        self.environment = environment

    def beside(self, page: str) -> "Walk":
        """Another page that is followed for the same fault."""
        return Walk(page, self.prometheus, self.log, self.environment)

    def says(self, words: str) -> None:
        """Hold the page to these words."""
        assert words in self.text, f"{self.page}.md does not say {words}"

    def said(self) -> str:
        """The end of the log, for a failed assertion."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    async def gives(self, expr: str, wanted: bool) -> Series:
        """The series of an expression, once there are some, or none."""
        got: Series = []

        async def so() -> bool:
            got[:] = await asyncio.to_thread(self.prometheus.query, expr)
            return bool(got) == wanted

        await until(so, lambda: f"{expr} gives {got}\n{self.said()}")
        return got

    async def fires(self, alert: str) -> Series:
        """Wait until the alert's expression gives series: the fault is seen."""
        self.says(f"`{alert}`")
        assert ALERT_OF[alert].runbook == self.page
        return await self.gives(ALERT_OF[alert].expr, True)

    async def is_over(self, alert: str, *, as_written: bool = False) -> None:
        """Wait until it gives none. Unless it is taken as written, what was counted before the last
        seconds is left out.
        """
        expr = ALERT_OF[alert].expr
        await self.gives(expr if as_written else _of_late(expr), False)

    async def shows(self, panel: str, **labels: str) -> Series:
        """The series of a panel that the page names, once one has these labels."""
        self.says(f"*{panel}*")
        board, found = next((b, p) for b in DASHBOARDS for p in b.panels if p.title == panel)
        series: Series = []

        async def so() -> bool:
            series.clear()
            for query in asked(found, board):
                series.extend(await asyncio.to_thread(self.prometheus.query, query))
            return any(labels.items() <= one["metric"].items() for one in series)

        await until(so, lambda: f"{panel} shows {series}\n{self.said()}")
        return series

    async def logs(self, event: str) -> dict[str, Any]:
        """The last line of an event that the page names, once the log has one."""
        self.says(f"`{event}`")
        lines: list[dict[str, Any]] = []

        def so() -> bool:
            text = self.log.read_text(errors="replace") if self.log.exists() else ""
            lines[:] = [line for line in logged_in(text) if line["event"] == event]
            return bool(lines)

        await until(so, self.said)
        return lines[-1]

    async def run(self, words: str, *more: str, **values: str) -> Ended:
        """Run a command as the page writes it. `values` stand for its words in capitals, and `more`
        follows it. It must end well.
        """
        self.says(words)
        filled = [values.get(word, word) for word in words.removeprefix("chargeline ").split()]
        ended = await command(" ".join([*filled, *more]), self.environment)
        assert ended.code == 0, ended
        return ended


Walking = Callable[..., Awaitable[Walk]]
"""Begins the walk of a page."""


def _of_late(expr: str) -> str:
    """An expression over the last seconds, also where it rests on a recorded series of a window."""
    for rule in RECORDED:
        if "[" in rule.expr:
            expr = expr.replace(rule.record, f"({rule.expr})")
    expr = re.sub(r"\[\d+[mhd]\]", RECENT, expr)
    return re.sub(r"offset \d+d", "offset 10s", expr)
