"""Claims about what an operations team sees: a real Prometheus scrapes a real `serve`, which is fed
by the simulator with faults, and every query of the dashboards and every rule is run against it.

This module owns which queries rightly give nothing here, with the reason. With CHARGELINE_PICTURES
set to a folder it also leaves what each panel gave there, for tests/serve/pictures.py.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargeline.mllp.client import MllpClient
from chargeline.refdata.building import build
from chargeline.refdata.bundle import write_bundle
from chargeline.simulator.feed import simulate
from chargeline.telemetry import shipped
from chargeline.telemetry.alerts import ALERTS, RECORDED
from chargeline.telemetry.alerts.recorded import CERTIFICATE, SENDER_USUAL_GAP, USUAL_GAP
from chargeline.telemetry.dashboards import DASHBOARDS
from chargeline.telemetry.dashboards.grafana import expression
from chargeline.telemetry.dashboards.panels import Dashboard, Panel, metrics_of
from tests.drafting.test_authorizations import order
from tests.golden.messages import message
from tests.live.prometheus import Prometheus
from tests.refdata import published

from . import HOST, Served, deliver

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = REPOSITORY / shipped.FOLDER / "alerts.yaml"
SCRAPES = 3  # so many more, so that a rate has what it needs
WAIT_SECONDS = 90

# What gives no series here, and why that is right.
NOTHING = {
    "operations: Held back by open transactions": "serve reads no topic",
    "operations: Odd but read, sent again": "the second query: one partition, so "
    "nothing lies in a wrong one",
    "sender: Usual gap at this hour": "Prometheus has not run for a week",
    "sender: This week and last week": "the second query, for the same reason",
}
NOT_RECORDED = {
    USUAL_GAP: "Prometheus has not run for a week",
    SENDER_USUAL_GAP: "Prometheus has not run for a week",
    CERTIFICATE: "this serve has no certificate",
}


def faulty_feed() -> list[bytes]:
    """A messy feed with mistakes, messages that nobody uses, and some that nobody can read."""
    feed = simulate(
        visits=40, seed=12, style="standard", mess=0.5, faults=0.3, examinations=0.6,
        authorizations=5, courses=2,
    )  # fmt: skip
    odd = [message("ADT^A60", visit="V9"), message("ORU^R01", visit="V9")]
    ordered = order("V8", "20261005")  # it needs an authorization, and nobody asks for one
    bad = [message("ADT^A08", visit="V" * 3_000 + str(number)) for number in range(45)]
    return [*[data for _style, data in feed.messages], *odd, ordered, *bad]


def knock(port: int) -> None:
    """Speak HTTP to the MLLP port, as a scanner does, and break a frame off."""
    with socket.create_connection((HOST, port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while stranger.recv(100):
            continue
    with socket.create_connection((HOST, port)) as cut:
        cut.sendall(b"\x0bMSH|^~\\&|")


async def refuse(port: int) -> None:
    """Send something that is no HL7, which is answered with a refusal."""
    async with await MllpClient.connect(HOST, port) as client:
        await client.send(b"MSH|^~\\&|MAR|ZEBRA|||||RAS^O17|M1|T|2.5.1\r" + b"x" * 3_000_000)


def asked(panel: Panel, dashboard: Dashboard) -> list[str]:
    """The queries of a panel as Grafana sends them when all is chosen."""
    queries = [expression(query, dashboard.choices) for query in panel.queries]
    for name in ("namespace", *[choice.name for choice in dashboard.choices]):
        queries = [query.replace(f"${name}", ".*") for query in queries]
    return queries


@pytest.fixture
def watched(
    served: Callable[..., Served], tmp_path: Path
) -> Callable[[], tuple[Served, Prometheus]]:
    bundle = tmp_path / "bundle.json"
    write_bundle(build(published.everything(tmp_path), published.CODES).bundle, bundle)
    prices = tmp_path / "prices.csv"
    prices.write_text("code,cents\n96413,15000\n96365,8000\n96367,4000\n96375,3000\nJ9271,5900\n")
    service = served(refdata=str(bundle), prices=str(prices), mllp_frame_bytes="2000000")
    service.start()

    def start() -> tuple[Served, Prometheus]:
        return service, Prometheus(tmp_path, {"serve": service.page_port}, RULES)

    return start


@pytest.mark.live
async def test_each_panel_and_each_rule_gives_what_it_should(
    watched: Callable[[], tuple[Served, Prometheus]],
) -> None:
    """Each query returns series, or is on the list with a reason; each rule is evaluated, and of
    the alerts those begin whose fault is played.
    """
    service, prometheus = watched()
    try:
        await service.ready()
        await asyncio.to_thread(prometheus.ready)
        began = time.time()
        await scraped(prometheus, 1)
        feed = faulty_feed()
        half = len(feed) // 2
        await deliver(feed[:half], service.port)
        await scraped(prometheus, SCRAPES)
        await asyncio.to_thread(knock, service.port)
        await refuse(service.port)
        await deliver(feed[half:], service.port)
        await scraped(prometheus, SCRAPES)
        empty = await empty_panels(prometheus)
        assert empty == set(NOTHING)
        await asyncio.to_thread(rules_work, prometheus)
        await asyncio.to_thread(leave_pictures, prometheus, began)
    finally:
        prometheus.end()


def rules_work(prometheus: Prometheus) -> None:
    """Each rule is evaluated without an error, each recorded series and each metric of an alert is
    there or rightly not, and of the alerts those begin whose fault was played.
    """
    rules = {rule["name"]: rule for rule in prometheus.rules()}
    assert set(rules) == {rule.record for rule in RECORDED} | {alert.name for alert in ALERTS}
    assert [rule["lastError"] for rule in rules.values() if rule.get("lastError")] == []
    absent = {rule.record for rule in RECORDED if not prometheus.query(rule.record)}
    assert absent == set(NOT_RECORDED)
    named = {metric for alert in ALERTS for metric in metrics_of(alert.expr)}
    unheard = {name for name in named if not prometheus.query(name)}
    assert unheard == {
        "chargeline_held_back_messages",  # serve reads no topic
        "chargeline_gateway_acknowledge_seconds",  # a histogram: only its parts are series
    }
    assert prometheus.query("chargeline_gateway_acknowledge_seconds_bucket")
    begun = {name for name, rule in rules.items() if rule.get("state", "inactive") != "inactive"}
    assert "ChargelineParkedShare" in begun
    assert not begun & {"ChargelineAbsent", "ChargelineNotReady", "ChargelineLedgerFails"}


async def scraped(prometheus: Prometheus, more: int, job: str = "serve") -> None:
    """Wait until Prometheus has scraped a job so many more times."""
    name = f'count_over_time(chargeline_up{{job="{job}"}}[1h])'

    async def count() -> int:
        series = await asyncio.to_thread(prometheus.query, name)
        return int(series[0]["value"][1]) if series else 0

    wanted = await count() + more
    async with asyncio.timeout(WAIT_SECONDS):
        while await count() < wanted:
            await asyncio.sleep(0.2)


async def empty_panels(prometheus: Prometheus) -> set[str]:
    """The panels of which a query gives nothing, once all others have given something.

    The gauges of the ledger are set every few seconds, so that the last of the feed shows later
    than its messages are worked off. When the time is up, what is still empty is given.
    """
    waiting = {
        f"{board.name}: {panel.title}": asked(panel, board)
        for board in DASHBOARDS
        for panel in board.panels
    }
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while set(waiting) - set(NOTHING):
                for title, queries in list(waiting.items()):
                    answers = [await asyncio.to_thread(prometheus.query, q) for q in queries]
                    if all(answers):
                        del waiting[title]
                await asyncio.sleep(0.5)
    except TimeoutError:
        return set(waiting)
    return set(waiting)


def leave_pictures(prometheus: Prometheus, began: float) -> None:
    """Write what each panel gave over the run, if somebody asked for it."""
    folder = os.environ.get("CHARGELINE_PICTURES")
    if not folder:
        return
    now = time.time()
    for board in DASHBOARDS:
        given: dict[str, Any] = {
            panel.title: [prometheus.range(q, began, now) for q in asked(panel, board)]
            for panel in board.panels
        }
        (Path(folder) / f"{board.uid}.json").write_text(json.dumps(given))
