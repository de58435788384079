"""The metrics keep the naming rules of Prometheus, explain themselves, and can show no one."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from chargeline.telemetry import metrics as module
from chargeline.telemetry.metrics import (
    LABELS,
    MOST_VALUES,
    Definition,
    Metrics,
    definitions,
    message_type,
)

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
    return Metrics(CollectorRegistry(), program="capture", version="1.2.3")


def value(made: Metrics, name: str, **labels: str) -> float | None:
    return made.registry.get_sample_value(name, labels)


def breaches(each: Definition) -> Iterator[str]:
    """What the naming rules object to."""
    if not re.fullmatch(r"chargeline_[a-z0-9]+(_[a-z0-9]+)*", each.name):
        yield "name"
    if each.name.endswith("_total") != (each.kind == "counter"):
        yield "total"
    if each.name.endswith(("_count", "_sum", "_bucket", "_created")):
        yield "reserved suffix"
    if OTHER_UNITS.search(each.name):
        yield "unit"
    if any(
        f"_{unit}_" in each.name.removesuffix("_total") for unit in ("seconds", "bytes", "cents")
    ):
        yield "unit last"
    if each.kind == "histogram" and not each.name.endswith("_seconds"):
        yield "unit of a histogram"
    if re.search(r"_(counter|gauge|histogram)(_|$)", each.name):
        yield "type in the name"
    if not UNBOUNDED.isdisjoint(each.labels) or {"le", "quantile"} & set(each.labels):
        yield "label"


@pytest.mark.parametrize("each", definitions(), ids=lambda each: each.name)
def test_a_metric_keeps_the_naming_rules(each: Definition) -> None:
    """Counters end in _total, base units stand last, no label can hold unbounded values."""
    assert list(breaches(each)) == []


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
    """Each rule objects to a metric that breaks it."""
    assert breach in breaches(Definition(name, kind, labels, "", ""))


@pytest.mark.parametrize("each", definitions(), ids=lambda each: each.name)
def test_a_metric_says_its_meaning_and_what_to_do(each: Definition) -> None:
    """Its help has a sentence for what it means, and one for what to do when it is bad."""
    assert each.meaning.endswith(".") and each.do.endswith(".")
    assert " When bad: " in each.help


def test_every_label_says_its_values_or_what_bounds_them() -> None:
    """The labels in use are those of the table of labels, and no other."""
    assert {label for each in definitions() for label in each.labels} == set(LABELS)


def test_every_metric_is_scraped() -> None:
    """A scrape names each metric with its kind."""
    _type, body = metrics().exposition()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", body.decode(), re.MULTILINE))
    assert kinds == {each.name: each.kind for each in definitions()}


def test_a_scrape_can_be_read_back() -> None:
    """The exposition is valid by Prometheus' own reader."""
    made = metrics()
    made.messages.add(3, message_type="RAS", outcome="used")
    families = {each.name for each in text_string_to_metric_families(made.exposition()[1].decode())}
    assert "chargeline_messages" in families


def test_openmetrics_is_given_to_who_asks_for_it() -> None:
    """The Accept header chooses the format."""
    content_type, body = metrics().exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text") and body.endswith(b"# EOF\n")


def test_when_a_counter_began_is_not_told() -> None:
    """No series of a scrape ends in _created."""
    assert b"_created" not in metrics().exposition()[1]


def test_counters_of_closed_sets_begin_at_zero() -> None:
    """A rate of what has not happened yet is 0, not absent."""
    assert value(metrics(), "chargeline_messages_total", message_type="ADT", outcome="parked") == 0


def test_money_is_absent_without_a_price_list() -> None:
    """What nobody has reckoned is not shown as 0 cents."""
    assert value(metrics(), "chargeline_money_at_stake_cents", because="question") is None


def test_two_programs_of_one_process_do_not_share_numbers() -> None:
    """Each `Metrics` counts in its own registry."""
    one, other = metrics(), metrics()
    one.fenced.add()
    assert [value(each, "chargeline_fenced_transactions_total") for each in (one, other)] == [1, 0]


def test_a_word_outside_a_closed_set_is_our_mistake() -> None:
    """A label value that the table does not name fails at once."""
    with pytest.raises(AssertionError, match="outcome is one of"):
        metrics().messages.add(message_type="RAS", outcome="lost")


def test_a_label_that_is_forgotten_is_our_mistake() -> None:
    """All labels of a metric must be given."""
    with pytest.raises(AssertionError, match="labels are"):
        metrics().messages.add(message_type="RAS")


def test_a_flood_of_values_ends_in_other() -> None:
    """A label bounded by data holds at most so many values; all further ones are counted as
    `other`.
    """
    made = metrics()
    for number in range(MOST_VALUES + 5):
        made.parked.add(reason=f"code.{number}")
    assert value(made, "chargeline_parked_messages_total", reason="other") == 5


def test_only_the_rulebook_in_force_is_told() -> None:
    """A new version of the rules replaces the old one."""
    made = metrics()
    made.rulebook.tell(version="old")
    made.rulebook.tell(version="new")
    assert [value(made, "chargeline_rulebook_info", version=each) for each in ("old", "new")] == [
        None,
        1,
    ]


def test_lag_of_a_partition_that_moved_away_is_forgotten() -> None:
    """`replace` leaves only the partitions that it names."""
    made = metrics()
    made.lag.replace({"0": 5, "1": 7})
    made.lag.replace({"1": 6})
    assert [value(made, "chargeline_consumer_lag_messages", partition=each) for each in "01"] == [
        None,
        6,
    ]


def test_a_clock_ahead_of_ours_counts_as_no_time() -> None:
    """A negative duration is observed as 0 and not lost."""
    made = metrics()
    made.message_to_draft.observe(-30, since="sent")
    assert value(made, "chargeline_message_to_draft_seconds_sum", since="sent") == 0
    assert value(made, "chargeline_message_to_draft_seconds_count", since="sent") == 1


@pytest.mark.parametrize(
    ("text", "label"), [("RAS^O17", "RAS"), ("adt^A08", "ADT"), ("ORU^R01", "other"), ("", "other")]
)
def test_what_a_sender_writes_as_type_is_a_known_word_or_other(text: str, label: str) -> None:
    """MSH-9 becomes a value of the closed set, whatever stands in it."""
    assert message_type(text) == label


def test_metrics_live_in_one_file() -> None:
    """No metric is declared anywhere but in `Metrics`."""
    assert len(definitions()) == len({each.name for each in definitions()})
    assert all(each.name in metrics().instruments for each in module.definitions())
