"""Claims about several programs under one Prometheus: two captures of a ledger and a gateway.

What one program shows is the business of tests/serve/test_watched.py. Here gauges of the ledger
must not count double, and each program shows only what it does.
"""

import asyncio
from pathlib import Path

import pytest

from chargeline.simulator.feed import simulate
from chargeline.telemetry import shipped
from chargeline.telemetry.dashboards.operations import OPERATIONS
from tests.serve import deliver
from tests.serve.test_watched import asked, scraped

from .prometheus import Prometheus
from .servers import free_port
from .service import Service, service

__all__ = ["service"]  # a fixture

RULES = Path(__file__).resolve().parents[2] / shipped.FOLDER / "alerts.yaml"

# What gives no series here, and why that is right.
NOTHING = {
    "Odd but read, sent again": "the second query: the gateway writes each message to its place",
    "Parked by reason": "each message of this feed can be used",
    "Set aside by trigger": "for the same reason",
}


@pytest.mark.live
async def test_two_captures_and_a_gateway_are_one_service(service: Service, tmp_path: Path) -> None:
    """All are ready; the ledger's visits are those of either capture; a gateway has no outbox, and
    a capture no connections; each panel of operations has data but those with a reason.
    """
    await service.prepare()
    port = free_port()
    listening = {"CHARGELINE_MLLP_PORT": str(port), "CHARGELINE_MLLP_HOST": "127.0.0.1"}
    gateway = service.start("gateway", **listening)
    captures = [service.start(), service.start()]
    for program in (gateway, *captures):
        await service.ready(program)
    jobs = {"gateway": gateway.port, "one": captures[0].port, "two": captures[1].port}
    prometheus = Prometheus(tmp_path, jobs, RULES)
    try:
        await asyncio.to_thread(prometheus.ready)
        for job in jobs:
            await scraped(prometheus, 1, job)
        feed = simulate(visits=15, seed=5, style="standard").messages
        await deliver([data for _style, data in feed], port)
        await service.until(service.drained, "all messages to be drafted")

        async def value(expr: str) -> float | None:
            series = await asyncio.to_thread(prometheus.query, expr)
            return float(series[0]["value"][1]) if series else None

        async def told() -> bool:
            return await value("count(sum by (job) (chargeline_visits) >= 15)") == 2

        await service.until(told, "both captures to tell of all visits")
        await scraped(prometheus, 2, "two")
        assert await value("sum(chargeline_ready)") == 3

        async def agree() -> bool:
            return await value("sum(max by (status) (chargeline_visits))") == 15

        await service.until(agree, "both captures to have read the states of the same moment")
        assert await value("sum(chargeline_visits)") == 30
        assert await value('chargeline_outbox_events{job="gateway"}') is None
        assert await value('chargeline_gateway_open_connections{job!="gateway"}') is None
        assert await value("max(chargeline_oldest_unread_age_seconds)") == 0
        empty = set()
        for panel in OPERATIONS.panels:
            answers = [
                await asyncio.to_thread(prometheus.query, query)
                for query in asked(panel, OPERATIONS)
            ]
            if not all(answers):
                empty.add(panel.title)
        assert empty == set(NOTHING)
    finally:
        prometheus.end()
