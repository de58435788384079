"""Every metric of the product: its name, its labels, what it means and what to do when it is bad.

It owns the names and keeps labels few: a value outside a closed set is a mistake of ours, and a
label that the rulebook or Kafka bounds holds at most `MOST_VALUES`, then `other`. No label tells a
visit, a patient or a message, so that a scrape shows no one. Each `Metrics` fills the registry it
is given.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, Generic, NamedTuple, Self, TypeVar, overload

import prometheus_client as prometheus
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

OTHER = "other"
MOST_VALUES = 200

QUICK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LATENCY_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 28800, 86400)

# What a label may say: one of these words, or, for a text, values bounded by what the text names.
LABELS: Mapping[str, tuple[str, ...] | str] = {
    "message_type": ("ADT", "RDE", "RAS", "RDS", "RGV", OTHER),
    "outcome": ("used", "set_aside", "parked", "duplicate"),
    "phase": ("read", "fold", "draft", "ledger"),
    "since": ("sent", "queued"),
    "status": ("open", "final", "merged"),
    "state": ("opened", "closed"),
    "frame": ("complete", "too_large", "broken", "idle"),
    "acknowledgement": ("AA", "AE", "AR", "CA", "CE", "CR"),
    "partition": "the partitions of the inbound topic",
    "role": "the service roles of the rulebook",
    "policy": "the policies of the rulebook",
    "question": "the question codes of the engine and the rulebook",
    "reason": "the codes of the reader, the rules that withhold, or what the gateway counts",
    "version": "one value at a time",
    "program": "one value at a time",
}


def message_type(text: str) -> str:
    """The label of an MSH-9 such as RAS^O17, which anybody may have written."""
    kind = text.partition("^")[0].upper()
    return kind if kind in LABELS["message_type"] else OTHER


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
        """What a scrape says of it."""
        return f"{self.meaning} When bad: {self.do}"


class _Instrument:
    """Label values in the order of the definition, checked and bounded."""

    kind = ""

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        self.labels = definition.labels
        self._seen: dict[str, set[str]] = {name: set() for name in self.labels}
        # prometheus-client checks labels at every look-up
        self._children: dict[tuple[tuple[str, str], ...], Any] = {}

    def _child(self, inner: Any, given: Mapping[str, str]) -> Any:
        """The part of a metric that these labels name."""
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

    def _known_in_advance(self) -> Iterator[tuple[str, ...]]:
        """All combinations of labels that are closed sets: they are shown as 0 from the start."""
        sets = [allowed for name in self.labels if not isinstance(allowed := LABELS[name], str)]
        if self.labels and len(sets) == len(self.labels):
            yield from product(*sets)


class Count(_Instrument):
    """A number that only grows, until the program starts anew."""

    kind = "counter"

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        super().__init__(definition, registry)
        self._inner = prometheus.Counter(
            definition.name, definition.help, definition.labels, registry=registry
        )
        for values in self._known_in_advance():
            self._inner.labels(*values)

    def add(self, amount: int = 1, **labels: str) -> None:
        """Count `amount` more."""
        self._child(self._inner, labels).inc(amount)


class Gauge(_Instrument):
    """A number that goes up and down."""

    kind = "gauge"

    def __init__(self, definition: Definition, registry: CollectorRegistry) -> None:
        super().__init__(definition, registry)
        self._inner = prometheus.Gauge(
            definition.name, definition.help, definition.labels, registry=registry
        )

    def set(self, value: float, **labels: str) -> None:
        """Say how much it is now."""
        self._child(self._inner, labels).set(value)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Raise it or, with a negative amount, lower it."""
        self._child(self._inner, labels).inc(amount)

    def replace(self, amounts: Mapping[str, float]) -> None:
        """Say how much it is for each value of its only label; all other values are forgotten."""
        (label,) = self.labels
        self._forget()
        for value, amount in amounts.items():
            self.set(amount, **{label: value})

    def _forget(self) -> None:
        self._inner.clear()
        self._children.clear()
        self._seen = {name: set() for name in self.labels}


class Info(Gauge):
    """A constant 1 whose labels tell a fact."""

    def tell(self, **labels: str) -> None:
        """Say what is true now; what was told before no longer is."""
        self._forget()
        self.set(1, **labels)


class Durations(_Instrument):
    """How often something took how many seconds."""

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
        for values in self._known_in_advance():
            self._inner.labels(*values)

    def observe(self, seconds: float, **labels: str) -> None:
        """Note one duration; a sender's clock ahead of ours gives a negative one, which counts as
        0.
        """
        self._child(self._inner, labels).observe(max(seconds, 0.0))


_I = TypeVar("_I", bound=_Instrument)


class _Declared(Generic[_I]):
    """A metric as the class below declares it; read from a `Metrics`, it is the instrument."""

    def __init__(
        self, make: Callable[[Definition, CollectorRegistry], _I], definition: Definition
    ) -> None:
        self.make = make
        self.definition = definition

    @overload
    def __get__(self, metrics: None, owner: type) -> Self: ...
    @overload
    def __get__(self, metrics: "Metrics", owner: type) -> _I: ...
    def __get__(self, metrics: "Metrics | None", owner: type) -> "Self | _I":
        if metrics is None:
            return self
        made: _I = metrics.instruments[self.definition.name]
        return made


def _count(name: str, *labels: str, meaning: str, do: str) -> _Declared[Count]:
    return _Declared(
        Count, Definition(name=name, kind=Count.kind, labels=labels, meaning=meaning, do=do)
    )


def _gauge(name: str, *labels: str, meaning: str, do: str) -> _Declared[Gauge]:
    return _Declared(
        Gauge, Definition(name=name, kind=Gauge.kind, labels=labels, meaning=meaning, do=do)
    )


def _info(name: str, *labels: str, meaning: str, do: str) -> _Declared[Info]:
    return _Declared(
        Info, Definition(name=name, kind=Info.kind, labels=labels, meaning=meaning, do=do)
    )


def _durations(
    name: str, *labels: str, buckets: tuple[float, ...], meaning: str, do: str
) -> _Declared[Durations]:
    return _Declared(
        Durations,
        Definition(
            name=name, kind=Durations.kind, labels=labels, meaning=meaning, do=do, buckets=buckets
        ),
    )


class Metrics:
    """All metrics of one program, in the registry that is passed in."""

    # ------------------------------------------------------------------ is it running

    up = _gauge(
        "chargeline_up",
        meaning="1 while the program runs.",
        do="absent means that the process or the scrape is gone: look at the pod and its last "
        "log lines.",
    )
    ready = _gauge(
        "chargeline_ready",
        meaning="1 when the program can do its work, 0 while something that it needs is missing.",
        do="/readyz lists the reasons; minutes after a start it is a wrong setting or a server "
        "that is down.",
    )
    build = _info(
        "chargeline_build_info",
        "program",
        "version",
        meaning="Which program of which version runs.",
        do="two versions for longer than a roll-out takes mean that the roll-out is stuck.",
    )
    rulebook = _info(
        "chargeline_rulebook_info",
        "version",
        meaning="The version of the rules that drafts are made with.",
        do="two versions for longer than a roll-out takes code one feed by two sets of rules: "
        "finish it.",
    )

    # ------------------------------------------------------------------ the feed

    messages = _count(
        "chargeline_messages_total",
        "message_type",
        "outcome",
        meaning="Messages taken from the inbound topic, by what became of them.",
        do="no growth in clinic hours: the sender or the gateway is down. A rising share of "
        "set_aside or parked: the sender has changed how it writes, see `chargeline parked list`.",
    )
    lag = _gauge(
        "chargeline_consumer_lag_messages",
        "partition",
        meaning="Messages of a partition that are written but not yet in the ledger.",
        do="grows on all partitions: add consumers or find the slow phase in"
        " chargeline_batch_duration_seconds. On one: its owner is stuck or one visit is very "
        "large.",
    )
    batch = _durations(
        "chargeline_batch_duration_seconds",
        "phase",
        buckets=QUICK_SECONDS,
        meaning="Seconds that a batch spent in each phase.",
        do="ledger slow: the database (locks, disk, connections). fold or draft slow: a very "
        "long account, or too little CPU.",
    )
    message_to_draft = _durations(
        "chargeline_message_to_draft_seconds",
        "since",
        buckets=LATENCY_SECONDS,
        meaning="Seconds until a message is in a committed draft, since it was sent (MSH-7) and "
        "since it was queued (Kafka's time).",
        do="sent long and queued short: the sender or the gateway holds messages back, or the "
        "sender's clock or time zone is wrong. Both long: see chargeline_consumer_lag_messages.",
    )
    parked = _count(
        "chargeline_parked_messages_total",
        "reason",
        meaning="Messages put aside with a reason, raw bytes kept; their visits are incomplete.",
        do="`chargeline parked list` shows them, `parked retry` reads them again after the cause "
        "is mended.",
    )
    oldest_parked = _gauge(
        "chargeline_oldest_parked_age_seconds",
        meaning="Age of the oldest parked message that nobody has dealt with; 0 when there is "
        "none.",
        do="older than a day: a charge may miss its billing day; assign someone.",
    )

    # ------------------------------------------------------------------ drafts

    open_visits = _gauge(
        "chargeline_open_visits",
        meaning="Visits whose draft is not final.",
        do="grows for weeks: discharges (A03) do not arrive, so nothing becomes final.",
    )
    revisions = _count(
        "chargeline_draft_revisions_total",
        "status",
        meaning="Draft revisions announced, by their status.",
        do="open but never final: discharges do not arrive. Many more revisions than messages: "
        "report a bug.",
    )
    lines = _count(
        "chargeline_draft_lines_total",
        "role",
        "policy",
        meaning="Charge lines that a revision added, by service role and policy.",
        do="a sudden change in the mix of roles is a changed sender, formulary or rule: compare "
        "with the day before, and with chargeline_rulebook_info.",
    )
    withheld = _count(
        "chargeline_withheld_services_total",
        "reason",
        meaning="Administrations that a revision newly withheld, by reason.",
        do="drug.no_code rising: the formulary lacks drugs. A rule's id rising: read it with"
        " `chargeline rules show`.",
    )
    questions = _count(
        "chargeline_questions_total",
        "question",
        "state",
        meaning="Questions to a person, by kind, opened and closed.",
        do="opened outruns closed: nobody answers, charges stay provisional. stop.missing: talk "
        "to the unit.",
    )
    open_questions = _gauge(
        "chargeline_open_questions",
        "question",
        meaning="Questions that wait for a person now, by kind.",
        do="work through them, oldest first; many of one kind have one cause.",
    )
    oldest_question = _gauge(
        "chargeline_oldest_open_question_age_seconds",
        "question",
        meaning="Age of the oldest open question of each kind.",
        do="older than CHARGELINE_DISCHARGE_GRACE_HOURS: drafts become final without the answer.",
    )
    money_at_stake = _gauge(
        "chargeline_money_at_stake_cents",
        meaning="What the lines with an open question would bring at the loaded prices; 0 "
        "without a price list.",
        do="answer the questions of the dearest drugs first.",
    )

    # ------------------------------------------------------------------ the ledger and Kafka

    outbox = _gauge(
        "chargeline_outbox_events",
        meaning="Events committed to the ledger and not yet published.",
        do="grows: Kafka refuses or the relay is not running; drafts are safe, billing waits for "
        "them.",
    )
    oldest_outbox = _gauge(
        "chargeline_oldest_outbox_age_seconds",
        meaning="Age of the oldest event that is not yet published; 0 when there is none.",
        do="more than a minute: look for errors of the relay, and whether the topics accept "
        "writes.",
    )
    fenced = _count(
        "chargeline_fenced_transactions_total",
        meaning="Batches rolled back because another consumer had gone on from the same offset.",
        do="a few at a rebalance are the fence at work. Steady: two deployments share a group, "
        "or pauses exceed the session timeout.",
    )
    rebalances = _count(
        "chargeline_rebalances_total",
        meaning="Times that partitions were assigned anew.",
        do="more than deployments explain: batches take longer than the poll interval, or pods "
        "restart.",
    )

    # ------------------------------------------------------------------ the gateway

    connections = _count(
        "chargeline_gateway_connections_total",
        meaning="MLLP connections accepted.",
        do="many a minute: a sender reconnects for each message, or a health check speaks TCP to "
        "the port.",
    )
    open_connections = _gauge(
        "chargeline_gateway_open_connections",
        meaning="MLLP connections open now.",
        do="0 in clinic hours: the sender cannot reach the gateway, or its certificate has "
        "expired.",
    )
    frames = _count(
        "chargeline_gateway_frames_total",
        "frame",
        meaning="MLLP frames received, by how they ended.",
        do="too_large: raise CHARGELINE_MLLP_FRAME_BYTES if the sender means it. broken: the "
        "sender or a proxy cuts connections.",
    )
    acknowledgements = _count(
        "chargeline_gateway_acknowledgements_total",
        "acknowledgement",
        meaning="Acknowledgements sent, by MSA-1.",
        do="AE or CE: not stored in time, too large, or without a structure that can be read. AR "
        "or CR: the store is full, or MSH-11 or MSH-12 is not what the site takes. See "
        "chargeline_gateway_refusals_total.",
    )
    refusals = _count(
        "chargeline_gateway_refusals_total",
        "reason",
        meaning="Messages that the gateway did not store, by reason.",
        do="store_unavailable: see /readyz; the sender repeats them. store_full: make room for "
        "the ledger. store_too_large: raise max.message.bytes of the inbound topic. "
        "message_refused: too large a frame (CHARGELINE_MLLP_FRAME_BYTES) or a sender that "
        "writes no HL7; its log line has code and host.",
    )

    def __init__(self, registry: CollectorRegistry, *, program: str, version: str) -> None:
        self.registry = registry
        self.instruments: dict[str, Any] = {  # of the kind that each is declared with
            each.definition.name: each.make(each.definition, registry) for each in _declared()
        }
        self.up.set(1)
        self.build.tell(program=program, version=version)

    def exposition(self, accept: str = "") -> tuple[str, bytes]:
        """Content type and body of a scrape, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(_WithoutCreated(self.registry))


class _WithoutCreated(Collector):
    """A registry without the time series that tell when each counter began, which double a
    scrape.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [each for each in metric.samples if not each.name.endswith("_created")]
            yield metric


def _declared() -> list["_Declared[_Instrument]"]:
    return [each for each in vars(Metrics).values() if isinstance(each, _Declared)]


def definitions() -> list[Definition]:
    """All metrics as they are published, in the order in which they are declared."""
    return [each.definition for each in _declared()]
