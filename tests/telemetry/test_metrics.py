"""Claims about the metrics: names by the rules of Prometheus, help for each, and no patient in any.

A metric is judged by its `Definition`, without a running program.
"""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from chargeline.telemetry.instruments import Definition
from chargeline.telemetry.labels import LABELS, MOST_VALUES, message_type
from chargeline.telemetry.metrics import AREAS, PROCESS, Metrics, definitions

UNITS = ("seconds", "bytes", "cents", "messages", "events", "visits", "questions", "connections")
OTHER_UNITS = re.compile(
    r"_(ms|millis|milliseconds|minutes|hours|days|kb|mb|dollars|euros|percent)(_|$)"
)
UNBOUNDED = {
    "visit",
    "patient",
    "mrn",
    "control_id",
    "message_id",
    "line_id",
    "order",
    "account",
    "offset",
}


def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), program="serve", version="1.2.3")


def value(of: Metrics, name: str, **labels: str) -> float | None:
    return of.registry.get_sample_value(name, labels)


def breaches(metric: Definition) -> Iterator[str]:
    """The naming rules that a metric breaks."""
    if not re.fullmatch(r"chargeline_[a-z0-9]+(_[a-z0-9]+)*", metric.name):
        yield "name"
    if metric.name.endswith("_total") != (metric.kind == "counter"):
        yield "total"
    if metric.name.endswith(("_count", "_sum", "_bucket", "_created")):
        yield "reserved suffix"
    if OTHER_UNITS.search(metric.name):
        yield "unit"
    if any(
        f"_{unit}_" in metric.name.removesuffix("_total") for unit in ("seconds", "bytes", "cents")
    ):
        yield "unit last"
    if metric.kind == "histogram" and not metric.name.endswith("_seconds"):
        yield "unit of a histogram"
    if re.search(r"_(counter|gauge|histogram)(_|$)", metric.name):
        yield "type in the name"
    if not UNBOUNDED.isdisjoint(metric.labels) or {"le", "quantile"} & set(metric.labels):
        yield "label"


@pytest.mark.parametrize("metric", definitions(), ids=lambda metric: metric.name)
def test_a_metric_keeps_the_naming_rules(metric: Definition) -> None:
    """Counters end in _total, the base unit stands last, and no label has unbounded values."""
    assert list(breaches(metric)) == []


@pytest.mark.parametrize(
    ("name", "kind", "labels", "breach"),
    [
        ("chargeline_messages", "counter", (), "total"),
        ("chargeline_lag_total", "gauge", (), "total"),
        ("messages_total", "counter", (), "name"),
        ("chargeline_age_ms", "gauge", (), "unit"),
        ("chargeline_seconds_of_age", "gauge", (), "unit last"),
        ("chargeline_draft", "histogram", (), "unit of a histogram"),
        ("chargeline_lag_gauge", "gauge", (), "type in the name"),
        ("chargeline_lag", "gauge", ("visit",), "label"),
        ("chargeline_lag", "gauge", ("patient",), "label"),
        ("chargeline_lag", "gauge", ("control_id",), "label"),
    ],
)
def test_the_naming_rules_bite(name: str, kind: str, labels: tuple[str, ...], breach: str) -> None:
    """Each naming rule objects to a metric that breaks it."""
    assert breach in breaches(Definition(name, kind, labels, "", ""))


@pytest.mark.parametrize("metric", definitions(), ids=lambda metric: metric.name)
def test_a_metric_says_its_meaning_and_what_to_do(metric: Definition) -> None:
    """The help has a sentence about the meaning and one about what to do when the value is bad."""
    assert metric.meaning.endswith(".") and metric.do.endswith(".")
    assert " When bad: " in metric.help


def test_every_label_says_its_values_or_what_bounds_them() -> None:
    """The metrics use the labels of LABELS, and no others."""
    assert {label for each in definitions() for label in each.labels} == set(LABELS)


@pytest.mark.parametrize("program", AREAS)
def test_every_metric_of_a_program_is_scraped_and_no_other(program: str) -> None:
    """A scrape names each metric with its kind, and the process as prometheus-client tells it.
    Only a program that drafts has an outbox; another shows none of 0.
    """
    of = Metrics(CollectorRegistry(), program=program, version="1.2.3")
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", of.exposition()[1].decode(), re.MULTILINE))
    process = {name: kinds.pop(name) for name in list(kinds) if name.startswith("process_")}
    assert kinds == {each.name: each.kind for each in definitions(program)}
    assert set(process) >= {metric.name for metric in PROCESS}
    assert ("chargeline_outbox_events" in kinds) == (program in ("capture", "serve"))


def test_a_scrape_can_be_read_back() -> None:
    """The exposition is valid by Prometheus' own reader."""
    counted = metrics()
    counted.messages.add(3, message_type="RAS", outcome="used")
    families = text_string_to_metric_families(counted.exposition()[1].decode())
    assert "chargeline_messages" in {family.name for family in families}


def test_the_accept_header_chooses_openmetrics() -> None:
    """A scrape that accepts OpenMetrics gets it, with its end mark."""
    content_type, body = metrics().exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text") and body.endswith(b"# EOF\n")


def test_a_scrape_leaves_out_when_counters_began() -> None:
    """No series of a scrape ends in _created."""
    assert b"_created" not in metrics().exposition()[1]


def test_counters_of_closed_sets_begin_at_zero() -> None:
    """A counter with closed label sets is 0 before its first event: its rate is 0, not absent."""
    assert value(metrics(), "chargeline_messages_total", message_type="ADT", outcome="parked") == 0


def test_money_is_0_without_a_price_list() -> None:
    """A program that never sets the gauge shows 0 cents, as the help of the metric says."""
    assert value(metrics(), "chargeline_money_at_stake_cents") == 0


def test_two_programs_of_one_process_do_not_share_numbers() -> None:
    """Each `Metrics` counts in a registry of its own."""
    one, other = metrics(), metrics()
    one.fenced.add()
    assert [value(m, "chargeline_fenced_transactions_total") for m in (one, other)] == [1, 0]


def test_a_word_outside_a_closed_set_is_our_mistake() -> None:
    """A label value that LABELS does not have fails at once."""
    with pytest.raises(AssertionError, match="outcome is one of"):
        metrics().messages.add(message_type="RAS", outcome="lost")


def test_a_label_that_is_forgotten_is_our_mistake() -> None:
    """A call without one of the labels fails at once."""
    with pytest.raises(AssertionError, match="labels are"):
        metrics().messages.add(message_type="RAS")


def test_a_flood_of_values_ends_in_other() -> None:
    """A label with values from data holds 200 of them; the 5 after these are counted as `other`."""
    counted = metrics()
    for number in range(MOST_VALUES + 5):
        counted.parked.add(reason=f"code.{number}")
    assert value(counted, "chargeline_parked_messages_total", reason="other") == 5


def test_only_the_rulebook_in_force_is_told() -> None:
    """A new version of the rules replaces the old version in the scrape."""
    counted = metrics()
    counted.rulebook.tell(version="old")
    counted.rulebook.tell(version="new")
    assert value(counted, "chargeline_rulebook_info", version="old") is None
    assert value(counted, "chargeline_rulebook_info", version="new") == 1


def test_lag_of_a_partition_that_moved_away_is_forgotten() -> None:
    """`replace` keeps only the partitions that it is given."""
    counted = metrics()
    counted.lag.replace({"0": 5, "1": 7})
    counted.lag.replace({"1": 6})
    assert value(counted, "chargeline_consumer_lag_messages", partition="0") is None
    assert value(counted, "chargeline_consumer_lag_messages", partition="1") == 6


def test_a_clock_ahead_of_ours_counts_as_no_time() -> None:
    """A duration of -30 seconds is counted as one of 0 seconds, and is not lost."""
    counted = metrics()
    counted.message_to_draft.observe(-30, since="sent")
    assert value(counted, "chargeline_message_to_draft_seconds_sum", since="sent") == 0
    assert value(counted, "chargeline_message_to_draft_seconds_count", since="sent") == 1


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("RAS^O17", "RAS"),
        ("adt^A08", "ADT"),
        ("ORU^R01", "ORU"),
        ("VXU^V04", "other"),
        ("", "other"),
    ],
)
def test_what_a_sender_writes_as_type_is_a_known_word_or_other(text: str, label: str) -> None:
    """Whatever stands in MSH-9, the label gets a value of its closed set."""
    assert message_type(text) == label


def test_each_metric_has_a_name_and_an_instrument_of_its_own() -> None:
    """No two metrics share a name, and `Metrics` has an instrument for each."""
    assert len(definitions()) == len({metric.name for metric in definitions()})
    assert all(metric.name in metrics().instruments for metric in definitions())
