"""Helm itself, as a library: it lints and renders the chart, and says why it refuses values.

It owns how values are read (by Helm's own parsers) and how what comes out is taken apart. It knows
nothing of what the chart should render.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "helm/chargeline"
VALUES = Path(__file__).with_name("values")
SETS = ("minimal", "full", "tls", "keda", "external-secrets", "air-gapped", "serve")
RELEASE = "ward"
NAMESPACE = "oncology"

Values = dict[str, Any]
Object = dict[str, Any]


class Rendered(NamedTuple):
    """The objects of one rendering, by kind and name in this order, and the notes for a person."""

    objects: tuple[Object, ...]
    notes: str

    def of(self, kind: str) -> dict[str, Object]:
        """The objects of a kind by their names."""
        return {o["metadata"]["name"]: o for o in self.objects if o["kind"] == kind}

    def one(self, kind: str, ending: str) -> Object:
        """The one object of a kind whose name ends so."""
        (there,) = [o for name, o in self.of(kind).items() if name.endswith(ending)]
        return there


def values_of(name: str) -> Values:
    """The values of a set, as Helm reads the file."""
    import helm_python

    read: Values = helm_python.values_from_yaml((VALUES / f"{name}.yaml").read_text("utf-8"))
    return read


def with_set(values: Values, *expressions: str) -> Values:
    """Values with `--set` expressions over them, as Helm reads these."""
    import helm_python

    for expression in expressions:
        values = _over(values, helm_python.parse_set_string(expression))
    return values


def _over(values: Values, above: Values) -> Values:
    merged = deepcopy(values)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def objections(values: Values) -> list[str]:
    """What `helm lint --strict` objects to; that a chart should have an icon is only a hint."""
    import helm_python

    report = helm_python.lint(CHART, values, strict=True, namespace=NAMESPACE)
    assert report["total_charts_linted"] == 1
    return [message["error"] for message in report["messages"] if message["severity"] > 1]


def rendered(values: Values, release: str = RELEASE) -> Rendered:
    """What Helm renders. Raises HelmError if it refuses the values."""
    import helm_python

    with helm_python.Chart.load(CHART) as chart:
        texts = chart.render(values, name=release, namespace=NAMESPACE)
    notes = texts.pop("chargeline/templates/NOTES.txt")
    objects = [o for text in texts.values() for o in yaml.safe_load_all(text) if o is not None]
    objects.sort(key=lambda o: (o["kind"], o["metadata"]["name"]))
    return Rendered(tuple(objects), notes)


@cache
def rendered_set(name: str) -> Rendered:
    """What Helm renders of a set. Whoever changes an object must copy it first."""
    return rendered(values_of(name))


def refusal(values: Values) -> str:
    """Why Helm refuses these values; "" if it takes them."""
    import helm_python

    try:
        rendered(values)
    except helm_python.HelmError as error:
        return str(error)
    return ""


class Pod(NamedTuple):
    """A pod that the chart renders: the name of its object, its component, metadata and spec."""

    name: str
    component: str
    metadata: Object
    spec: Object

    @property
    def containers(self) -> list[Object]:
        """All containers, those of the start first."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def pods(objects: Rendered) -> Iterator[Pod]:
    """Each pod of a rendering: of programs, jobs and the console, and that of `helm test`."""
    for rendering in objects.objects:
        name = rendering["metadata"]["name"]
        template = rendering if rendering["kind"] == "Pod" else None
        if rendering["kind"] in ("Deployment", "StatefulSet", "Job"):
            template = rendering["spec"]["template"]
        if rendering["kind"] == "CronJob":
            template = rendering["spec"]["jobTemplate"]["spec"]["template"]
        if template is not None:
            component = template["metadata"]["labels"]["app.kubernetes.io/component"]
            yield Pod(name, component, template["metadata"], template["spec"])
