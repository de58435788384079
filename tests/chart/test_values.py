"""Claims about the values: each is described, has a default, and nothing else can be set."""

import json
from collections.abc import Iterator
from typing import Any

from tests.chart.helm import CHART

SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
OPEN = {"affinity", "global"}  # as Kubernetes and Helm write them


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema with what it refers to."""
    parts = [node, *node.get("allOf", [])]
    merged: dict[str, Any] = {}
    for part in parts:
        name = part.get("$ref", "").removeprefix("#/definitions/")
        merged = (SCHEMA["definitions"][name] if name else {}) | merged | part
    return merged


def parts(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value of the schema with its path."""
    for name, inner in resolved(node).get("properties", {}).items():
        whole = resolved(inner)
        yield f"{path}{name}", whole
        yield from parts(whole, f"{path}{name}.")


def test_every_value_is_described() -> None:
    """A sentence for each, which ends as one; a hundred values and more."""
    described = dict(parts(SCHEMA))
    assert len(described) > 150
    without = [path for path, part in described.items() if not part.get("description", "")[:1]]
    assert without == []
    assert [p for p, part in described.items() if not part["description"].endswith(".")] == []


def test_nothing_else_can_be_set() -> None:
    """draft-07, which every Helm reads; each object is closed, or a table of words."""
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["additionalProperties"] is False
    for path, part in parts(SCHEMA):
        if part.get("type") == "object" and path.rsplit(".", 1)[-1] not in OPEN:
            selector = path.endswith(("ipBlock", "namespaceSelector", "podSelector"))
            closed = part.get("additionalProperties")
            assert selector or closed is False or "type" in closed, path


def test_every_value_has_a_default() -> None:
    """values.yaml shows what can be set; of a program, what few sites set is in the schema only."""
    import helm_python

    with helm_python.Chart.load(CHART) as chart:
        defaults = chart.values
    rare = {
        "settings", "kafkaSecret", "ledgerSecret", "podAnnotations", "podLabels", "nodeSelector",
        "tolerations", "affinity", "priorityClassName", "terminationGracePeriodSeconds",
    }  # fmt: skip

    def missing(node: dict[str, Any], there: Any, path: str) -> Iterator[str]:
        for name, inner in resolved(node).get("properties", {}).items():
            if name == "global" or path == "settings.":
                continue
            if not isinstance(there, dict) or name not in there:
                seldom = path.startswith(("programs.", "jobs.")) and name in rare | {"resources"}
                if not seldom:
                    yield f"{path}{name}"
            else:
                yield from missing(inner, there[name], f"{path}{name}.")

    assert list(missing(SCHEMA, defaults, "")) == []
