"""Claims about what the programs are started with: they accept it, and it is what the values say.

The rendered environment is given to the program's own settings and command line, with the files
that the pod's volumes bring.
"""

import json
import os
from pathlib import Path

import pytest

from chargeline import cli
from chargeline.settings import Settings, load, variable
from chargeline.settings.kinds import PREFIX
from chargeline.settings.values import secrets
from chargeline.telemetry.http import _PAGES
from chargeline.workbench.oidc import roles_by_group
from tests.chart.helm import SETS, Pod, pods, rendered, rendered_set, values_of, with_set
from tests.chart.mounted import CONTENTS, FROM_SECRETS, environment_of, files_of, secrets_of
from tests.chart.settings_schema import PLACED, SCHEMA, as_text, passed_on, with_settings

LIVE = ("gateway", "capture", "topics", "migrate")
WITH_CONSOLE = ("full", "external-secrets")
WITH_WORKBENCH = ("full", "external-secrets")
PROGRAMS = [(name, program) for name in SETS if name != "serve" for program in LIVE]
PROGRAMS.append(("serve", "serve"))
PROGRAMS += [(name, "workbench") for name in WITH_WORKBENCH]
PODS = [*PROGRAMS, *((name, "console") for name in WITH_CONSOLE)]
DEADLINE_SECONDS = 30.0  # a program waits so long for a Kafka that is still starting


def pod_of(name: str, component: str) -> Pod:
    (pod,) = [pod for pod in pods(rendered_set(name)) if pod.component == component]
    return pod


def settings_in(pod: Pod, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a program in its pod, as the program itself reads them."""
    places = files_of(pod, rendered_set(name), folder)
    for inherited in [key for key in os.environ if key.startswith(PREFIX)]:
        monkeypatch.delenv(inherited)
    for key, value in environment_of(pod.spec["containers"][0], pod, places).items():
        monkeypatch.setenv(key, value)
    return load()


@pytest.mark.parametrize(("name", "program"), PODS)
def test_the_program_accepts_its_settings(
    name: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable is unknown, each file is there, and no two settings contradict each other: a
    program that connects somewhere finds its address, its login and verified TLS.
    """
    settings = settings_in(pod_of(name, program), name, tmp_path, monkeypatch)
    if program in ("gateway", "capture", "topics", "console"):
        assert settings.kafka_bootstrap != "localhost:9092"
        assert settings.kafka_security_protocol.endswith("SSL")
    if settings.kafka_sasl_mechanism:
        assert settings.kafka_sasl_username == FROM_SECRETS["username"]
        assert settings.kafka_password() == CONTENTS["password"]
    if program in ("capture", "workbench", "migrate", "console"):
        assert settings.secret("ledger_url") == CONTENTS["url"]
        assert "sslmode=verify-full" in settings.ledger_address()
    if program in ("gateway", "serve"):
        assert settings.mllp_host == "0.0.0.0" and settings.mllp_tls_key_file is not None
    assert settings.allow_plaintext == ("yes" if program == "workbench" else "no")


def test_people_log_in_at_the_provider_of_the_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With our secret from its file, the role of each group, and the proxies that are believed. The
    workbench signs nothing.
    """
    settings = settings_in(pod_of("full", "workbench"), "full", tmp_path, monkeypatch)
    assert (settings.workbench_host, settings.workbench_login) == ("0.0.0.0", "oidc")
    assert settings.workbench_address == "https://chargeline.hospital.example/"
    assert settings.workbench_oidc_issuer == "https://login.hospital.example/realms/hospital"
    assert settings.secret("workbench_oidc_client_secret") == CONTENTS["client-secret"]
    assert roles_by_group(settings.workbench_roles) == {
        "infusion-coders": "coder",
        "infusion-leads": "lead",
        "IT Operations": "operator",
    }
    assert settings.workbench_proxies == "10.42.0.0/16,2001:db8::/64"
    assert (settings.workbench_oidc_roles_claim, settings.workbench_idle_minutes) == ("roles", 30)
    assert settings.prices is not None and settings.signing_key_file is None


def test_the_ingress_leads_the_host_of_the_address_to_the_pages() -> None:
    """Over TLS alone, to the port on which the pages are."""
    objects = rendered_set("full")
    ingress = objects.one("Ingress", "-workbench")["spec"]
    host = "chargeline.hospital.example"
    assert ingress["tls"] == [{"hosts": [host], "secretName": "chargeline-workbench-tls"}]
    ((rule,), class_name) = ingress["rules"], ingress["ingressClassName"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], class_name) == (host, "/", "nginx")
    leads = path["backend"]["service"]
    (port,) = objects.of("Service")[leads["name"]]["spec"]["ports"]
    assert port["name"] == leads["port"]["name"]
    (container,) = pod_of("full", "workbench").spec["containers"]
    ports = {one["name"]: str(one["containerPort"]) for one in container["ports"]}
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert ports[port["targetPort"]] == told["CHARGELINE_WORKBENCH_PORT"]
    assert rendered_set("external-secrets").of("Ingress") == {}


@pytest.mark.parametrize(("name", "program"), PROGRAMS)
def test_the_command_line_accepts_its_words(name: str, program: str) -> None:
    """`args` are words of `chargeline`, which is the entry point of the image."""
    (container,) = pod_of(name, program).spec["containers"]
    assert "command" not in container
    assert cli._parser().parse_args(container["args"]).run


def test_values_reach_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the set full: numbers stay whole, a bare `no` is no, and a program's own settings win."""
    for program in ("gateway", "capture"):
        folder = tmp_path / program
        settings = settings_in(pod_of("full", program), "full", folder, monkeypatch)
        assert (settings.interface, settings.settle_seconds) == ("action-stream", 60)
        assert (settings.mllp_memory_bytes, settings.parked_bytes) == (536_870_912, "no")
        assert settings.log_level == ("debug" if program == "gateway" else "info")
        assert settings.shutdown_seconds == (60 if program == "capture" else 25)
        assert settings.rules is not None and (settings.rules / "sources.toml").is_file()
    assert settings.prices is not None and "96413,41200" in settings.prices.read_text()
    assert settings.refdata is not None and settings.signing_key_file is not None


def test_a_pod_of_captures_is_a_static_member_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A StatefulSet gives names that come back, and the name is the group.instance.id."""
    settings = settings_in(pod_of("minimal", "capture"), "minimal", tmp_path, monkeypatch)
    assert settings.kafka_instance_id == "ward-chargeline-capture-0"
    assert rendered_set("minimal").of("StatefulSet").keys() == {"ward-chargeline-capture"}


def test_what_scales_reads_the_group_and_topic_that_captures_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KEDA asks the lag of this group on this topic, logs in as a capture does, and owns the
    number of pods.
    """
    settings = settings_in(pod_of("keda", "capture"), "keda", tmp_path, monkeypatch)
    scaled = rendered_set("keda").one("ScaledObject", "-capture")["spec"]
    asked = scaled["triggers"][0]["metadata"]
    assert asked["consumerGroup"] == settings.kafka_group == "oncology"
    assert asked["topic"] == settings.topic_inbound == "oncology.hl7.inbound"
    assert asked["bootstrapServers"] == settings.kafka_bootstrap
    assert (asked["sasl"], asked["tls"]) == ("scram_sha256", "enable")
    login = rendered_set("keda").one("TriggerAuthentication", "-capture")["spec"]["secretTargetRef"]
    kafkas = {(one["name"], one["key"]) for one in login}
    assert kafkas == {
        ("chargeline-kafka-login", "username"),
        ("chargeline-kafka-login", "password"),
        ("chargeline-kafka-ca", "ca.crt"),
    }
    captures = rendered_set("keda").one("StatefulSet", "-capture")
    assert "replicas" not in captures["spec"]
    assert scaled["scaleTargetRef"]["name"] == captures["metadata"]["name"]


def test_a_program_sees_only_its_own_secrets() -> None:
    """With a login for each program, none sees another's: the gateway has no ledger, the owner of
    the tables is used by the migration alone, and who makes topics drafts nothing.
    """
    seen = {
        program: {name for name, _key in secrets_of(pod_of("external-secrets", program))}
        for program in (*LIVE, "workbench", "console")
    }
    assert seen == {
        "gateway": {"vault-gateway", "vault-kafka-ca", "vault-mllp"},
        "capture": {"vault-capture", "vault-kafka-ca", "vault-postgresql-ca", "vault-ledger-keys"},
        "workbench": {
            *("vault-workbench", "vault-oidc", "vault-postgresql-ca", "vault-ledger-keys"),
        },
        "topics": {"vault-operator", "vault-kafka-ca"},
        "migrate": {"vault-ledger-owner", "vault-postgresql-ca", "vault-ledger-keys"},
        "console": {
            *("vault-ledger-operator", "vault-operator"),
            *("vault-kafka-ca", "vault-postgresql-ca", "vault-ledger-keys"),
        },
    }


def test_the_console_waits_for_a_person_and_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never starts by itself, runs no program, and is gone after its hours. It reads the site's
    rules, does not sign heads, and takes no capture's place in the group.
    """
    console = rendered_set("full").one("CronJob", "-console")["spec"]
    assert console["suspend"] is True
    job = console["jobTemplate"]["spec"]
    assert (job["activeDeadlineSeconds"], job["backoffLimit"]) == (2 * 3600, 0)
    assert job["ttlSecondsAfterFinished"] > 0
    pod = pod_of("full", "console")
    (container,) = pod.spec["containers"]
    assert (container["command"], container.get("args")) == (["sleep", "infinity"], None)
    assert pod.spec["restartPolicy"] == "Never"
    settings = settings_in(pod, "full", tmp_path, monkeypatch)
    assert settings.rules is not None and (settings.rules / "sources.toml").is_file()
    assert (settings.signing_key_file, settings.kafka_instance_id) == (None, "")
    assert settings.ledger_key_file is not None


def test_there_is_no_console_unasked() -> None:
    """Only a set that asks for one has a CronJob."""
    assert {name for name in SETS if rendered_set(name).of("CronJob")} == set(WITH_CONSOLE)


@pytest.mark.parametrize("name", SETS)
def test_no_secret_stands_in_what_is_rendered(name: str) -> None:
    """The chart makes no Secret: each credential is in one that exists, named by the values."""
    assert rendered_set(name).of("Secret") == {}
    for pod in pods(rendered_set(name)):
        for container in pod.containers:
            for one in container.get("env", []):
                if "PASSWORD" in one["name"] or "URL" in one["name"]:
                    assert one["name"].endswith("_FILE")
                    assert one["value"].startswith("/run/chargeline/")


@pytest.mark.parametrize(("name", "program"), PODS)
def test_probes_ask_pages_that_there_are(name: str, program: str) -> None:
    """Liveness and start ask /healthz, which needs neither Kafka nor the ledger; readiness asks
    /readyz. A start may take longer than a program waits for a Kafka that starts too.
    """
    (container,) = pod_of(name, program).spec["containers"]
    if program in ("topics", "migrate", "console"):
        assert not any(key.endswith("Probe") for key in container)
        return
    asked = {key: container[key]["httpGet"] for key in container if key.endswith("Probe")}
    assert {key: get["path"] for key, get in asked.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {"/healthz", "/readyz"} <= _PAGES.keys()
    assert {get["port"] for get in asked.values()} == {"http"}
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert ports["http"] == told["CHARGELINE_HTTP_PORT"]
    assert ports.get("mllp") == told.get("CHARGELINE_MLLP_PORT")
    start = container["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] > 2 * DEADLINE_SECONDS


def test_every_setting_has_its_place_in_the_values() -> None:
    """The schema names each setting that is passed on, with its meaning; the chart sets the rest,
    or mounts a file for it.
    """
    schema = json.loads(SCHEMA.read_text("utf-8"))
    assert SCHEMA.read_text("utf-8") == as_text(with_settings(json.loads(json.dumps(schema)))), (
        "a setting has changed: python -m tests.chart.settings_schema writes the schema again"
    )
    rendered_names = {
        one["name"]
        for name in SETS
        for pod in pods(rendered_set(name))
        for container in pod.containers
        for one in container.get("env", [])
    }
    plain_secrets = {variable(name) for name in secrets()}  # as files
    rest = {variable(name) for name in Settings.model_fields} - passed_on().keys() - plain_secrets
    assert rest - rendered_names == set()
    assert {variable(name) for name in PLACED} <= rest


def test_a_mesh_is_told_to_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """allowPlaintext, without TLS anywhere, is CHARGELINE_ALLOW_PLAINTEXT=yes for each program."""
    values = with_set(
        values_of("minimal"),
        "allowPlaintext=true,kafka.tls.enabled=false,mllp.tls.existingSecret=",
        "ledger.tls.existingSecret=",
    )
    objects = rendered(values)
    for inherited in [key for key in os.environ if key.startswith(PREFIX)]:
        monkeypatch.delenv(inherited)
    for pod in pods(objects):
        if pod.component == "test":
            continue
        places = files_of(pod, objects, tmp_path / pod.component)
        with monkeypatch.context() as patch:
            for key, value in environment_of(pod.spec["containers"][0], pod, places).items():
                patch.setenv(key, value)
            assert load().allow_plaintext == "yes"
