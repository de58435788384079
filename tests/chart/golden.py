"""What the chart renders of each set of values, as files that a person reads when one changes.

`python -m tests.chart.golden` writes them. It owns their form: objects by kind and name, with
sorted keys, so that a change of a template shows line by line. Dashboards and alerts are held to
their own tables elsewhere; of these only the size is kept.
"""

from copy import deepcopy
from pathlib import Path

import yaml

from tests.chart.helm import SETS, Object, Rendered, rendered_set

FOLDER = Path(__file__).with_name("rendered")


class _Text(yaml.SafeDumper):
    """Writes a text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Text.add_representer(str, _text)


def as_text(objects: Rendered) -> str:
    """One rendering as text, with the notes in front."""
    notes = "".join(f"# {line}".rstrip() + "\n" for line in objects.notes.strip().splitlines())
    documents = [_shortened(one) for one in objects.objects]
    return f"{notes}---\n" + yaml.dump_all(documents, Dumper=_Text, width=100, allow_unicode=True)


def _shortened(whole: Object) -> Object:
    short = deepcopy(whole)
    if "grafana_dashboard" in short["metadata"].get("labels", {}):
        short["data"] = {name: f"{len(text)} characters" for name, text in short["data"].items()}
    if short["kind"] == "PrometheusRule":
        for group in short["spec"]["groups"]:
            group["rules"] = f"{len(group['rules'])} rules"
    return short


if __name__ == "__main__":
    for name in SETS:
        (FOLDER / f"{name}.yaml").write_text(as_text(rendered_set(name)), "utf-8")
