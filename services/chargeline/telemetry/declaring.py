"""How a metric is declared: one statement in a class, with its meaning and what to do.

It owns the statement and nothing of what is measured. The class `Metrics` lists the metrics, and
each of its objects makes their instruments in a registry of its own.
"""

from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from prometheus_client.registry import CollectorRegistry

from chargeline.telemetry.instruments import Count, Definition, Durations, Gauge, Info, Instrument


class HoldsInstruments(Protocol):
    """What has an instrument for each declared metric, by the name of the metric."""

    instruments: dict[str, Any]


InstrumentT = TypeVar("InstrumentT", bound=Instrument)


class Declared(Generic[InstrumentT]):
    """A metric as the class `Metrics` declares it; `metrics.lag` is the instrument itself."""

    def __init__(
        self, make: Callable[[Definition, CollectorRegistry], InstrumentT], definition: Definition
    ) -> None:
        self.make = make
        self.definition = definition

    @overload
    def __get__(self, metrics: None, owner: type) -> Self: ...
    @overload
    def __get__(self, metrics: HoldsInstruments, owner: type) -> InstrumentT: ...
    def __get__(self, metrics: HoldsInstruments | None, owner: type) -> "Self | InstrumentT":
        if metrics is None:
            return self
        instrument: InstrumentT = metrics.instruments[self.definition.name]
        return instrument


def count(name: str, *labels: str, meaning: str, do: str) -> Declared[Count]:
    """A counter."""
    return Declared(
        Count, Definition(name=name, kind=Count.kind, labels=labels, meaning=meaning, do=do)
    )


def gauge(name: str, *labels: str, meaning: str, do: str) -> Declared[Gauge]:
    """A gauge."""
    return Declared(
        Gauge, Definition(name=name, kind=Gauge.kind, labels=labels, meaning=meaning, do=do)
    )


def info(name: str, *labels: str, meaning: str, do: str) -> Declared[Info]:
    """A gauge of 1 whose labels state a fact."""
    return Declared(
        Info, Definition(name=name, kind=Info.kind, labels=labels, meaning=meaning, do=do)
    )


def durations(
    name: str, *labels: str, buckets: tuple[float, ...], meaning: str, do: str
) -> Declared[Durations]:
    """A histogram of seconds, with the upper bounds of its buckets."""
    return Declared(
        Durations,
        Definition(
            name=name, kind=Durations.kind, labels=labels, meaning=meaning, do=do, buckets=buckets
        ),
    )
