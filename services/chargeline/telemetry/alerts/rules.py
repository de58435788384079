"""What a recording rule and an alert are, and how Prometheus reads them: YAML, group by group.

This module owns the shapes and the file. It knows no metric; the table beside it says what is
alerted on.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

# The chart puts the address of the runbooks in its place.
RUNBOOKS = "docs/runbooks"

AlertSeverity = Literal["page", "ticket"]


class RecordingRule(NamedTuple):
    """A series that Prometheus works out at each evaluation: level:metric:operation."""

    record: str
    expr: str


class AlertRule(NamedTuple):
    """One alert. `after` is how long the condition holds before it fires. `page` wakes a person,
    `ticket` waits for the morning. `runbook` is the name of its page in docs/runbooks.
    """

    name: str
    expr: str
    after: str
    severity: AlertSeverity
    runbook: str
    summary: str
    description: str


def as_yaml(recorded: Sequence[RecordingRule], alerts: Sequence[AlertRule]) -> str:
    """The file of rules. A string in JSON is a string in YAML, so nothing needs a library."""
    return "\n".join(_lines(recorded, alerts)) + "\n"


def _lines(recorded: Sequence[RecordingRule], alerts: Sequence[AlertRule]) -> Iterator[str]:
    yield "# Written by python -m chargeline.telemetry.shipped from telemetry/alerts; a test holds"
    yield "# it to that table. Change the table, not this file."
    yield "groups:"
    yield "  - name: chargeline.rules"
    yield "    rules:"
    for rule in recorded:
        yield f"      - record: {rule.record}"
        yield from _expression(rule.expr)
    yield "  - name: chargeline.alerts"
    yield "    rules:"
    for alert in alerts:
        yield f"      - alert: {alert.name}"
        yield from _expression(alert.expr)
        yield f"        for: {alert.after}"
        yield "        labels:"
        yield f"          severity: {alert.severity}"
        yield "        annotations:"
        yield f"          summary: {_text(alert.summary)}"
        yield f"          description: {_text(alert.description)}"
        yield f"          runbook_url: {_text(f'{RUNBOOKS}/{alert.runbook}.md')}"


def _expression(expr: str) -> Iterator[str]:
    yield "        expr: |-"
    for line in expr.strip().splitlines():
        yield f"          {line.rstrip()}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
