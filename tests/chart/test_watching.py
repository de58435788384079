"""Claims about what the chart brings for who watches: scrapes, alerts, dashboards, `helm test`."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from chargeline.telemetry import shipped
from chargeline.telemetry.http import Pages, PageServer
from tests.chart.helm import CHART, REPOSITORY, pods, rendered_set
from tests.clock import PATIENCE_SECONDS
from tests.live.prometheus import program

DOCUMENTATION = "https://docs.hospital.example/chargeline"


def test_alerts_are_the_shipped_ones_with_runbooks_that_open() -> None:
    """Each alert of the file but those that the site does not want; its runbook's address is the
    site's documentation and a page of this repository. promtool accepts them.
    """
    spec = rendered_set("full").one("PrometheusRule", "oncology-charges")["spec"]
    rules = [rule for group in spec["groups"] for rule in group["rules"]]
    written = yaml.safe_load(shipped.files()["alerts.yaml"])
    wanted = [rule for group in written["groups"] for rule in group["rules"]]
    names = [rule.get("alert") or rule["record"] for rule in wanted]
    assert "ChargelineMoneyWaits" in names
    names.remove("ChargelineMoneyWaits")
    assert [rule.get("alert") or rule["record"] for rule in rules] == names
    for rule in rules:
        if "alert" in rule:
            page = rule["annotations"]["runbook_url"].removeprefix(f"{DOCUMENTATION}/")
            assert (REPOSITORY / page).is_file()


def test_promtool_accepts_what_is_rendered(tmp_path: Path) -> None:
    """The rules as the operator gives them to Prometheus, templates of their texts and all."""
    spec = rendered_set("full").one("PrometheusRule", "oncology-charges")["spec"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(spec))
    told = subprocess.run(
        [program("promtool"), "check", "rules", tmp_path / "rules.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert "{{ $labels.instance }}" in (tmp_path / "rules.yaml").read_text()


def test_dashboards_are_the_shipped_ones() -> None:
    """Each as a ConfigMap with the label that Grafana's sidecar looks for, letter by letter."""
    maps = [
        one
        for one in rendered_set("full").of("ConfigMap").values()
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    data = {name: text for one in maps for name, text in one["data"].items()}
    wanted = {
        name.removeprefix("dashboards/"): text
        for name, text in shipped.files().items()
        if name.startswith("dashboards/")
    }
    assert data == wanted and len(maps) == len(wanted) > 2
    assert all(json.loads(text)["panels"] for text in data.values())
    assert all(one["metadata"]["annotations"]["grafana_folder"] == "Chargeline" for one in maps)


def test_every_program_is_scraped_once() -> None:
    """The monitor selects the headless services and not that of MLLP; one that is not ready is
    scraped, too.
    """
    objects = rendered_set("full")
    monitor = objects.one("ServiceMonitor", "oncology-charges")["spec"]
    (expression,) = monitor["selector"]["matchExpressions"]
    hit = [
        service
        for service in objects.of("Service").values()
        if service["metadata"]["labels"][expression["key"]] in expression["values"]
        and monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ]
    assert sorted(one["metadata"]["name"].rsplit("-", 1)[1] for one in hit) == [
        "capture",
        "gateway",
        "workbench",
    ]
    (endpoint,) = monitor["endpoints"]
    for service in hit:
        assert [port["name"] for port in service["spec"]["ports"]] == [endpoint["port"]]
        assert service["spec"]["publishNotReadyAddresses"] is True
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "15s")


def test_nothing_of_an_operator_is_rendered_unasked() -> None:
    """Without the operators of Prometheus and KEDA, the chart needs none of their kinds."""
    for name in ("minimal", "serve", "tls"):
        assert not {"ServiceMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication"} & {
            one["kind"] for one in rendered_set(name).objects
        }


# ------------------------------------------------------------------ helm test


async def asked(ready: Sequence[int], listening: Sequence[int]) -> subprocess.CompletedProcess[str]:
    """Run what `helm test` runs, against ports of this machine."""
    import asyncio

    environment = {
        "READY": " ".join(f"localhost:{port}" for port in ready),
        "LISTENING": " ".join(f"localhost:{port}" for port in listening),
    }
    return await asyncio.to_thread(
        lambda: subprocess.run(
            [sys.executable, CHART / "files/ask.py"],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )
    )  # fmt: skip


async def pages(not_ready: Callable[[], Sequence[str]]) -> PageServer:
    server = PageServer(Pages(not_ready, lambda _accept: ("text/plain", b""), {}))
    await server.start("127.0.0.1", 0)
    return server


async def test_helm_test_passes_where_all_are_ready() -> None:
    """Each address behind a name is asked, and each answer is printed."""
    one, other = await pages(list), await pages(list)
    told = await asked([one.port, other.port], [one.port])
    assert told.returncode == 0, told.stdout
    assert told.stdout.count(": ready\n") == 2 and told.stdout.count(": listens\n") == 1
    for server in (one, other):
        await server.close()


async def test_helm_test_says_what_is_missing() -> None:
    """A program that is not ready tells its reason; one that does not answer fails, too."""
    waits, gone = await pages(lambda: ["no partitions yet"]), await pages(list)
    await gone.close()
    told = await asked([waits.port, gone.port], [gone.port])
    assert told.returncode == 1
    assert "not ready: no partitions yet" in told.stdout
    assert told.stdout.count("no answer: ") == 2
    await waits.close()


@pytest.mark.parametrize(
    ("name", "ready"),
    [
        ("minimal", "ward-chargeline-capture:8080 ward-chargeline-gateway:8080"),
        ("serve", "ward-chargeline-serve:8080"),
    ],
)
def test_helm_test_asks_the_services_that_there_are(name: str, ready: str) -> None:
    """The pod runs the script above on the names of our services, and goes when it has passed."""
    (pod,) = [pod for pod in pods(rendered_set(name)) if pod.component == "test"]
    (container,) = pod.spec["containers"]
    told = {one["name"]: one["value"] for one in container["env"]}
    assert told == {"READY": ready, "LISTENING": "ward-chargeline-mllp:2575"}
    services = rendered_set(name).of("Service")
    for place in " ".join(told.values()).split():
        host, _colon, port = place.partition(":")
        assert int(port) in [one["port"] for one in services[host]["spec"]["ports"]]
    assert container["command"] == ["python", "-c"]
    assert container["args"] == [(CHART / "files/ask.py").read_text()]
    assert pod.metadata["annotations"]["helm.sh/hook"] == "test"
