"""Claims about compose.yaml: Docker Compose would take it, and its parts fit together.

No engine runs here. A parser of the Compose specification reads the file; our programs read their
own words and settings, promtool the configuration of Prometheus. What Kafka, PostgreSQL and Grafana
do with theirs is not tested; `make live` runs the same service on real servers.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from chargeline import cli
from chargeline.settings import load
from chargeline.settings.kinds import PREFIX
from chargeline.version import VERSION
from tests.live.prometheus import program

from . import REPOSITORY
from .test_dockerfile import LAST

FILE = yaml.safe_load((REPOSITORY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
HEALTHY, DONE = "service_healthy", "service_completed_successfully"


def content(name: str) -> Any:
    """A configuration that stands in the file, as its reader reads it."""
    return yaml.safe_load(FILE["configs"][name]["content"])


def test_compose_takes_it() -> None:
    """The specification knows every key, and everything that is named is defined."""
    PyCompose.from_json(json.dumps(FILE)).validate()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"readonly": True}, "readonly"),
        ({"configs": ["unheard-of"]}, "unheard-of"),
        ({"depends_on": {"kafka": {"condition": "healthy"}}}, "unknown variant `healthy`"),
    ],
)
def test_a_mistake_is_found(change: dict[str, Any], said: str) -> None:
    """A key that is misspelt, a configuration that is not there, a condition that is none."""
    worse = FILE | {"services": SERVICES | {"gateway": SERVICES["gateway"] | change}}
    with pytest.raises(ValueError, match=said):
        PyCompose.from_json(json.dumps(worse)).validate()


def test_each_waits_for_what_there_is() -> None:
    """A healthy service has a check, its own or the image's; one that is waited for to the end
    ends, and so is not started again.
    """
    for service in SERVICES.values():
        waits = service.get("depends_on", {})
        for name, told in waits.items() if isinstance(waits, dict) else []:
            other = SERVICES[name]
            if told["condition"] == HEALTHY:
                assert "healthcheck" in other or (name in OURS and LAST.of("HEALTHCHECK"))
            else:
                assert told["condition"] == DONE and "restart" not in other
    assert set(SERVICES["capture"]["depends_on"]) == {"topics", "migrate"}


def test_volumes_are_the_ones_that_are_named() -> None:
    """Each volume of a service is a path here or is defined, and each that is defined is used."""
    used = {
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if not mount.startswith("./")
    }
    assert used == FILE["volumes"].keys()


def test_other_machines_reach_nothing() -> None:
    """Nothing is encrypted in there, so each port is of this machine alone."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_images_are_named_with_their_version() -> None:
    """Ours with that of the program; the others with a number that moves only when we say so."""
    for name, service in SERVICES.items():
        _image, _colon, tag = service["image"].rpartition(":")
        assert tag == VERSION if name in OURS else re.match(r"v?\d+(\.\d+)*$", tag), name


@pytest.mark.parametrize("name", OURS)
def test_our_programs_take_their_words_and_settings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line parses, and the environment of image and file together is accepted; the
    servers that it names are services here.
    """
    service = OURS[name]
    assert cli._parser().parse_args(service["command"]).run
    image = {key: value for env in LAST.of("ENV") for key, value in env.pairs.items()}
    for key, value in {**image, **service["environment"]}.items():
        if key.startswith(PREFIX):
            monkeypatch.setenv(key, value)
    settings = load()
    servers = settings.kafka_bootstrap.split(",") + re.findall(
        r"@([a-z]+)/", settings.ledger_address()
    )
    assert len(servers) == 2 and {server.split(":")[0] for server in servers} <= SERVICES.keys()
    assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_the_sender_sends_what_was_invented_to_where_it_is_heard() -> None:
    """The file of one is the file of the other, on one volume; the address is the gateway's."""
    invent, sender = SERVICES["invent"], SERVICES["sender"]
    folder = invent["command"][invent["command"].index("--out") + 1]
    style = invent["command"][invent["command"].index("--style") + 1]
    _send, feed, to, *_pace = sender["command"]
    assert feed == f"{folder}/{style}.hl7" and invent["volumes"] == sender["volumes"]
    host, port = to.split(":")
    assert host == "gateway" and port in LAST.last("EXPOSE").words
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_people_reach_the_workbench_through_the_proxy_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The development login believes every name, so the workbench listens on loopback, which it
    shares with the proxy; the proxy is believed, and only this machine reaches it.
    """
    workbench, proxy = SERVICES["workbench"], SERVICES["proxy"]
    for key, value in workbench["environment"].items():
        monkeypatch.setenv(key, value)
    settings = load()
    assert (settings.workbench_login, settings.workbench_host) == ("development", "127.0.0.1")
    assert workbench["network_mode"] == "service:proxy" and "ports" not in workbench
    _caddy, _verb, _from, opened, _to, leads = proxy["command"]
    assert leads == f"{settings.workbench_host}:{settings.workbench_port}"
    assert leads.startswith(f"{settings.workbench_proxies}:")
    assert proxy["ports"] == [f"127.0.0.1:8090{opened}"] and opened == ":8090"


def test_what_is_mounted_from_here_is_there() -> None:
    """Each path of this repository exists, and is read-only."""
    mounts = [
        mount.split(":")
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if mount.startswith("./")
    ]
    assert len(mounts) == 2
    for path, _target, mode in mounts:
        assert (REPOSITORY / path).exists() and mode == "ro"


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """promtool accepts it with our alerts; it scrapes the port of the pages of both programs."""
    told = content("prometheus")
    (rules,) = told["rule_files"]
    (mount,) = [one for one in SERVICES["prometheus"]["volumes"] if one.startswith("./")]
    path, target, _mode = mount.split(":")
    assert target == rules
    told["rule_files"] = [str(REPOSITORY / path)]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(told))
    checked = subprocess.run(
        [program("promtool"), "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (job,) = told["scrape_configs"]
    (found_by,) = job["dns_sd_configs"]
    # The proxy's network is that of the workbench.
    assert set(found_by["names"]) == {"gateway", "capture", "proxy"}
    assert str(found_by["port"]) in LAST.last("EXPOSE").words


def test_grafana_finds_data_and_dashboards() -> None:
    """The data source is our Prometheus, by default; the folder of dashboards is the mounted one,
    and the first that is seen is in it.
    """
    grafana = SERVICES["grafana"]
    (source,) = content("data_source")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert source["isDefault"] is True
    (provider,) = content("dashboards")["providers"]
    (mount,) = [one for one in grafana["volumes"] if one.startswith("./")]
    path, target, _mode = mount.split(":")
    assert provider["options"]["path"] == target
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (REPOSITORY / path / home.relative_to(target)).is_file()
    assert [one["target"].split("/")[-2] for one in grafana["configs"]] == [
        "datasources",
        "dashboards",
    ]
