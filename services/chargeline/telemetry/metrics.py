"""Every metric of the product: which program has which, and the scrape that shows them.

It owns which areas of metrics a program has; the metrics of each area stand in `declared/`, what a
counter or a gauge is in instruments.py, and what a label may say in labels.py. A `Metrics` fills
the registry that it is given, so that two programs in one process, as in a test, do not add up
their numbers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from chargeline.telemetry.declared.drafts import DraftMetrics
from chargeline.telemetry.declared.feed import FeedMetrics
from chargeline.telemetry.declared.gateway import GatewayMetrics
from chargeline.telemetry.declared.ledger import LedgerMetrics
from chargeline.telemetry.declared.rules import RulesMetrics
from chargeline.telemetry.declared.running import PROCESS, RunningMetrics
from chargeline.telemetry.declaring import Declared
from chargeline.telemetry.instruments import Definition, Instrument

_DRAFTS = (RunningMetrics, RulesMetrics, FeedMetrics, DraftMetrics, LedgerMetrics)
# What a program does not do, it does not show: a 0 of a gateway would look like an empty outbox.
AREAS: Mapping[str, tuple[type, ...]] = {
    "gateway": (RunningMetrics, GatewayMetrics),
    "capture": _DRAFTS,
    "serve": (*_DRAFTS, GatewayMetrics),
    "workbench": (RunningMetrics, RulesMetrics),
}


__all__ = ["AREAS", "PROCESS", "Metrics", "definitions"]


class Metrics(
    RunningMetrics, RulesMetrics, FeedMetrics, DraftMetrics, LedgerMetrics, GatewayMetrics
):
    """The metrics of one program, in the registry that the program passes in.

    A metric of an area that the program does not have is a KeyError: a mistake of our own.
    """

    def __init__(self, registry: CollectorRegistry, *, program: str, version: str) -> None:
        self.registry = registry
        self.instruments: dict[str, Any] = {  # each of the kind that it is declared with
            metric.definition.name: metric.make(metric.definition, registry)
            for metric in _declared(AREAS[program])
        }
        ProcessCollector(registry=registry)  # process_…: CPU, memory, open files, start
        self.up.set(1)
        self.build.tell(program=program, version=version)

    def exposition(self, accept: str = "") -> tuple[str, bytes]:
        """Content type and body of a scrape, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(_WithoutCreated(self.registry))


class _WithoutCreated(Collector):
    """A registry without the `_created` series, which say when each counter began.

    These series would make a scrape twice as long, and nobody uses them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


def _declared(areas: tuple[type, ...]) -> list["Declared[Instrument]"]:
    return [each for area in areas for each in vars(area).values() if isinstance(each, Declared)]


def definitions(program: str = "serve") -> list[Definition]:
    """The metrics of a program as they are published; `serve` has all that there are."""
    return [each.definition for each in _declared(AREAS[program])]
