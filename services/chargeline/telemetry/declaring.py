"""How a class of metrics says which ones it has.

It owns the declaration: a name, its labels, its meaning and what to do. It does not know which
metrics there are (metrics.py), nor what an instrument does with a number (instruments.py).
"""

from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from prometheus_client.registry import CollectorRegistry

from chargeline.telemetry.instruments import Count, Definition, Durations, Gauge, Info, Instrument

_I = TypeVar("_I", bound=Instrument)


class HasInstruments(Protocol):
    """An object of a class that declares metrics: its instruments, by the name of the metric."""

    instruments: dict[str, Any]


class Declared(Generic[_I]):
    """A metric as the class `Metrics` declares it; `metrics.lag` gives the instrument itself."""

    def __init__(
        self, make: Callable[[Definition, CollectorRegistry], _I], definition: Definition
    ) -> None:
        self.make = make
        self.definition = definition

    @overload
    def __get__(self, metrics: None, owner: type) -> Self: ...
    @overload
    def __get__(self, metrics: HasInstruments, owner: type) -> _I: ...
    def __get__(self, metrics: HasInstruments | None, owner: type) -> "Self | _I":
        if metrics is None:
            return self
        instrument: _I = metrics.instruments[self.definition.name]
        return instrument


def count(name: str, *labels: str, meaning: str, do: str) -> Declared[Count]:
    """A counter, with its labels, its meaning and what to do when it is bad."""
    return Declared(
        Count, Definition(name=name, kind=Count.kind, labels=labels, meaning=meaning, do=do)
    )


def gauge(name: str, *labels: str, meaning: str, do: str) -> Declared[Gauge]:
    """A gauge, with its labels, its meaning and what to do when it is bad."""
    return Declared(
        Gauge, Definition(name=name, kind=Gauge.kind, labels=labels, meaning=meaning, do=do)
    )


def info(name: str, *labels: str, meaning: str, do: str) -> Declared[Info]:
    """An info, with its labels, its meaning and what to do when it is bad."""
    return Declared(
        Info, Definition(name=name, kind=Info.kind, labels=labels, meaning=meaning, do=do)
    )


def durations(
    name: str, *labels: str, buckets: tuple[float, ...], meaning: str, do: str
) -> Declared[Durations]:
    """A histogram of seconds, with its labels, its meaning and what to do when it is bad."""
    return Declared(
        Durations,
        Definition(
            name=name, kind=Durations.kind, labels=labels, meaning=meaning, do=do, buckets=buckets
        ),
    )
