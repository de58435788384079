"""Claims about what the chart renders of seven sets of values, by Helm itself.

The objects are what Kubernetes and its operators accept; each template's change is seen.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from chargeline.version import VERSION
from tests.chart.golden import FOLDER, as_text
from tests.chart.helm import (
    CHART,
    NAMESPACE,
    RELEASE,
    SETS,
    VALUES,
    Object,
    objections,
    pods,
    rendered_set,
    values_of,
)

CUSTOM = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in Path(__file__).with_name("schemas").glob("*.json")
}
CHART_FILE = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
OLDEST = CHART_FILE["kubeVersion"].removeprefix(">=").removesuffix(".0-0")
IMAGE_VOLUMES = "1.31"  # older ones know no volume that is an image


def mistakes(one: Object, version: str) -> list[str]:
    """What the schema of Kubernetes, or ours of a custom resource, has against an object."""
    try:
        if one["kind"] in CUSTOM:
            jsonschema.validate(one, CUSTOM[one["kind"]])
        else:
            kubernetes_validate.validate(one, version, strict=True)
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        return [f"{one['kind']} {one['metadata']['name']}: {list(error.path)}: {error.message}"]
    return []


def test_every_file_of_values_is_a_set() -> None:
    """No file lies there that no test renders."""
    assert {path.stem for path in VALUES.iterdir()} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_helm_has_no_objection(name: str) -> None:
    """`helm lint --strict` finds neither an error nor a warning."""
    assert objections(values_of(name)) == []


@pytest.mark.parametrize("name", SETS)
def test_kubernetes_accepts_every_object(name: str) -> None:
    """Strictly, in the newest version and in the oldest that the chart says: no unknown field."""
    volumes = [v for pod in pods(rendered_set(name)) for v in pod.spec.get("volumes", [])]
    oldest = IMAGE_VOLUMES if any("image" in volume for volume in volumes) else OLDEST
    for version in (oldest, kubernetes_validate.latest_version()):
        assert [m for one in rendered_set(name).objects for m in mistakes(one, version)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "replicas"], "two"),
        (["spec", "replica"], 2),
        (["spec", "template", "spec", "containers", 0, "readinessProbes"], {}),
    ],
)
def test_a_mistake_in_an_object_is_found(path: list[Any], value: object) -> None:
    """A word for a number, and a field that does not exist, are told."""
    gateway = json.loads(json.dumps(rendered_set("minimal").one("Deployment", "-gateway")))
    place = gateway
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert len(mistakes(gateway, "1.37")) == 1


def test_a_mistake_in_a_custom_resource_is_found() -> None:
    """KEDA takes strings only: a number or a bare true in its metadata is told."""
    scaled = json.loads(json.dumps(rendered_set("keda").one("ScaledObject", "-capture")))
    assert mistakes(scaled, "1.37") == []
    for wrong in ({"lagThreshold": 5000}, {"allowIdleConsumers": False}, {"lag": "1"}):
        worse = json.loads(json.dumps(scaled))
        worse["spec"]["triggers"][0]["metadata"] |= wrong
        assert len(mistakes(worse, "1.37")) == 1


@pytest.mark.parametrize("name", SETS)
def test_what_is_rendered_is_what_was_read(name: str) -> None:
    """The objects are those of the files in `rendered/`, which a person reads at each change."""
    assert as_text(rendered_set(name)) == (FOLDER / f"{name}.yaml").read_text("utf-8"), (
        "if the change is meant, write the files again: python -m tests.chart.golden"
    )


def test_helm_would_install_it() -> None:
    """A dry run of an installation goes through, with the notes for a person."""
    import helm_python

    with (
        helm_python.Chart.load(CHART) as chart,
        helm_python.Config(namespace=NAMESPACE, storage_driver="memory") as config,
    ):
        release = config.install(chart, RELEASE, values_of("minimal"), dry_run="client")
    assert release["chart_version"] == CHART_FILE["version"]
    assert f"{RELEASE}-chargeline-mllp, port 2575 (ClusterIP), with TLS" in release["notes"]


def test_the_chart_is_of_our_version() -> None:
    """The app's version is that of the program, and so is the tag of the image."""
    assert CHART_FILE["appVersion"] == VERSION
    images = {c["image"] for pod in pods(rendered_set("minimal")) for c in pod.containers}
    assert images == {f"chargeline:{VERSION}"}


@pytest.mark.parametrize(
    ("name", "there", "not_there"),
    [
        ("minimal", {"gateway", "capture", "topics", "migrate", "test"}, {"serve"}),
        ("serve", {"serve", "test"}, {"gateway", "capture", "topics", "migrate"}),
    ],
)
def test_a_mode_has_its_programs(name: str, there: set[str], not_there: set[str]) -> None:
    """live has gateway, captures and their jobs; serve is one pod, which needs no job."""
    components = {pod.component for pod in pods(rendered_set(name))}
    assert there <= components and not components & not_there


def test_each_name_is_there_once() -> None:
    """No two objects of a kind have one name, in any set."""
    for name in SETS:
        names = [(one["kind"], one["metadata"]["name"]) for one in rendered_set(name).objects]
        assert len(names) == len(set(names))
