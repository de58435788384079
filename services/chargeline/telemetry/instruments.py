"""The kinds of metrics: counter, gauge, info and histogram, with checked and bounded labels.

It owns what a program can do with one metric, on top of prometheus-client. A label value outside
its closed set is a mistake of our own and fails at once; too many values of another label are
counted as `other`. It does not know which metrics there are (metrics.py).
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import prometheus_client as prometheus
from prometheus_client.registry import CollectorRegistry

from chargeline.telemetry.labels import LABELS, MOST_VALUES, OTHER


class Definition(NamedTuple):
    """One metric as it is published: `kind` is counter, gauge or histogram."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    do: str
    buckets: tuple[float, ...] = ()

    @property
    def help(self) -> str:
        """The HELP text of a scrape: what the metric means, and what to do when it is bad."""
        return f"{self.meaning} When bad: {self.do}"


class Instrument:
    """The part that all kinds of metrics share: it checks label values and limits their number."""

    kind = ""

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        self.labels = definition.labels
        self._seen: dict[str, set[str]] = {name: set() for name in self.labels}
        # Keeps what `labels()` of prometheus-client returned, because each call of it checks the
        # label values again.
        self._children: dict[tuple[tuple[str, str], ...], Any] = {}

    def _child(self, inner: Any, given: Mapping[str, str]) -> Any:
        """The time series that these label values name."""
        key = tuple(given.items())
        child = self._children.get(key)
        if child is None:
            values = self._values(given)
            child = inner.labels(*values) if values else inner
            if len(self._children) < MOST_VALUES:
                self._children[key] = child
        return child

    def _values(self, given: Mapping[str, str]) -> list[str]:
        assert set(given) == set(self.labels), f"labels are {self.labels}, given {tuple(given)}"
        return [self._bounded(name, given[name]) for name in self.labels]

    def _bounded(self, name: str, value: str) -> str:
        allowed, seen = LABELS[name], self._seen[name]
        if not isinstance(allowed, str):
            assert value in allowed, f"{name} is one of {allowed}"
        elif value not in seen:
            if len(seen) >= MOST_VALUES:
                return OTHER
            seen.add(value)
        return value

    def _values_from_the_start(self) -> Iterator[tuple[str, ...]]:
        """All combinations of values if all labels are closed sets, else none.

        A counter shows these combinations as 0 from the start. A rate of messages that have not
        come yet is then 0, and not absent.
        """
        sets = [allowed for name in self.labels if not isinstance(allowed := LABELS[name], str)]
        if self.labels and len(sets) == len(self.labels):
            yield from product(*sets)


class Count(Instrument):
    """A counter: it only grows, and begins at 0 when the program starts."""

    kind = "counter"

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        super().__init__(definition, registry)
        self._inner = prometheus.Counter(
            definition.name, definition.help, definition.labels, registry=registry
        )
        for values in self._values_from_the_start():
            self._inner.labels(*values)

    def add(self, amount: int = 1, **labels: str) -> None:
        """Add `amount` to the counter."""
        self._child(self._inner, labels).inc(amount)


class Gauge(Instrument):
    """A gauge: a number that goes up and down."""

    kind = "gauge"

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        super().__init__(definition, registry)
        self._inner = prometheus.Gauge(
            definition.name, definition.help, definition.labels, registry=registry
        )

    def set(self, value: float, **labels: str) -> None:
        """Set the gauge to `value`."""
        self._child(self._inner, labels).set(value)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Add `amount` to the gauge; a negative amount lowers it."""
        self._child(self._inner, labels).inc(amount)

    def raise_to(self, value: float, **labels: str) -> None:
        """Set the gauge to `value`, unless it stands higher already."""
        child = self._child(self._inner, labels)
        child.set(max(value, child._value.get()))

    def replace(self, amounts: Mapping[str, float]) -> None:
        """Set the gauge for each of these values of its only label, and forget all other values.

        Example: a consumer that has lost partition 3 no longer shows a lag for partition 3.
        """
        (label,) = self.labels
        self._forget()
        for value, amount in amounts.items():
            self.set(amount, **{label: value})

    def _forget(self) -> None:
        self._inner.clear()
        self._children.clear()
        self._seen = {name: set() for name in self.labels}


class Info(Gauge):
    """A gauge that is always 1 and whose labels state a fact, such as the version."""

    def tell(self, **labels: str) -> None:
        """Set the labels to these values, and forget the values before."""
        self._forget()
        self.set(1, **labels)


class Durations(Instrument):
    """A histogram of durations in seconds."""

    kind = "histogram"

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        super().__init__(definition, registry)
        self._inner = prometheus.Histogram(
            definition.name,
            definition.help,
            definition.labels,
            registry=registry,
            buckets=definition.buckets,
        )
        for values in self._values_from_the_start():
            self._inner.labels(*values)

    def observe(self, seconds: float, **labels: str) -> None:
        """Add one duration; a negative one counts as 0, as the sender's clock is ahead of ours."""
        self._child(self._inner, labels).observe(max(seconds, 0.0))
