"""Claims about failures: which of them end the program, and what /readyz says meanwhile."""

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from structlog.testing import capture_logs

from chargeline.capture.failures import TRIES, Failure, TaskFailures
from chargeline.capture.relay import in_rounds
from chargeline.engine import Finding
from chargeline.kafka.starting import KafkaUnavailableError, TopicsMissingError
from chargeline.ledger.errors import AccessRefused, Busy, DiskFull, LedgerError, Unreachable
from chargeline.ledger.records import Announcement
from chargeline.published.inbound import record_key
from chargeline.telemetry import logs
from tests.drafting.test_processor import NOW

AWAY = Finding("kafka.refused", expected="Kafka", found="nobody", where="", do="wait")


def ledger_error(kind: type[LedgerError]) -> LedgerError:
    return kind(expected="this", found="that", do="something")


@pytest.fixture
def failures() -> TaskFailures:
    """A program in which nothing has failed yet."""
    return TaskFailures(logs.logger("test"))


def test_a_failure_is_logged_ever_more_rarely_and_its_end_once() -> None:
    """Ten tries are four lines, and one line says that the task goes on."""
    with capture_logs() as lines:
        failing = TaskFailures(logs.logger("test"))
        for _ in range(10):
            failing.met("reader", ledger_error(Unreachable))
        failing.over("reader")
        failing.over("reader")
    said = [(line["event"], line["attempt"]) for line in lines]
    waiting = [("reader.waiting", attempt) for attempt in (1, 2, 4, 8)]
    assert said == [*waiting, ("reader.goes_on", 10)]


def test_a_server_that_is_away_is_told_by_one_task() -> None:
    """Three tasks lack the ledger, one of them Kafka besides: each lack has its lines, and the end
    is told when the last task did its work.
    """
    with capture_logs() as lines:
        failing = TaskFailures(logs.logger("test"))
        for _ in range(4):
            for task in ("reader", "timers", "counts"):
                failing.met(task, ledger_error(Unreachable))
        failing.met("relay", KafkaConnectionError())
        failing.over("reader")
        failing.over("relay")
        failing.met("timers", ledger_error(Unreachable))
        failing.over("counts")
        failing.over("timers")
        failing.met("timers", ledger_error(Unreachable))
    assert [(line["event"], line["attempt"]) for line in lines] == [
        *[("reader.waiting", attempt) for attempt in (1, 2, 4)],
        ("relay.waiting", 1),
        ("relay.goes_on", 1),
        ("reader.goes_on", 5),
        ("timers.waiting", 1),
    ]


def test_another_failure_of_the_same_task_is_told_anew() -> None:
    """First the ledger is away, then its disk is full: two lines, and one end."""
    with capture_logs() as lines:
        failing = TaskFailures(logs.logger("test"))
        failing.met("reader", ledger_error(Unreachable))
        failing.met("reader", ledger_error(DiskFull))
        failing.over("reader")
    assert [line["event"] for line in lines] == ["reader.waiting"] * 2 + ["reader.goes_on"]


@pytest.mark.parametrize(
    "error",
    [
        *map(ledger_error, (Unreachable, Busy, DiskFull)),
        KafkaConnectionError(),
        KafkaUnavailableError(AWAY),
        TimeoutError(),
    ],
)
def test_what_passes_by_itself_is_borne_for_ever(failures: TaskFailures, error: Failure) -> None:
    """A server that is away for 500 tries does not end the program."""
    for _ in range(50 * TRIES):
        failures.met("reader", error)


@pytest.mark.parametrize(
    "error", [TopicAuthorizationFailedError(), GroupAuthorizationFailedError("g")]
)
def test_what_needs_a_person_ends_the_program_at_once(
    failures: TaskFailures, error: Failure
) -> None:
    """No try brings back a right that was taken away: the first failure raises."""
    with pytest.raises(type(error)):
        failures.met("reader", error)


@pytest.mark.parametrize(
    "error",
    [ledger_error(AccessRefused), TopicsMissingError(AWAY), KafkaError(), IllegalStateError()],
)
def test_what_nobody_knows_gets_ten_tries_in_a_row(failures: TaskFailures, error: Failure) -> None:
    """A failure that may or may not pass is raised at the tenth try in a row; a success in between
    starts the count anew.

    A failover looks like a refusal for a while. A client that gave up inside never comes back.
    """
    for _ in range(TRIES - 1):
        failures.met("reader", error)
    failures.over("reader")
    for _ in range(TRIES - 1):
        failures.met("reader", error)
    with pytest.raises(type(error)):
        failures.met("reader", error)


def test_the_reasons_name_what_is_lacking_once_and_until_it_is_there(
    failures: TaskFailures,
) -> None:
    """Two tasks that lack the ledger give one reason. It goes when both have done their work."""
    failures.met("reader", ledger_error(Unreachable))
    failures.met("timers", ledger_error(Unreachable))
    failures.met("kafka", KafkaConnectionError())
    assert failures.reasons() == [
        "the ledger does not serve us (Unreachable)",
        "Kafka does not serve us (KafkaConnectionError)",
    ]
    failures.over("kafka")
    failures.over("reader")
    assert failures.reasons() == ["the ledger does not serve us (Unreachable)"]
    failures.over("timers")
    assert failures.reasons() == []


def test_a_round_holds_one_event_of_a_key_and_topic_and_rounds_keep_the_order() -> None:
    """Three events of one visit make three rounds; the events of another visit and of another topic
    go with the first.
    """
    a, b = "ZEBRA|a", "ZEBRA|b"
    sent = [("drafts", a), ("drafts", a), ("questions", a), ("drafts", b), ("drafts", a)]
    assert _rounds(sent) == [["0", "2", "3"], ["1"], ["4"]]


def test_events_of_no_visit_wait_for_none_another() -> None:
    """The unreadable messages of a flood are one round, and the draft behind them is in it."""
    flood = [("parked", record_key(None, None)), ("parked", record_key("ZEBRA", None))]
    sent = [*flood, *flood, ("inbound", "nobody"), ("inbound", "nobody"), ("drafts", "ZEBRA|a")]
    assert _rounds(sent) == [[f"{number}" for number in range(len(sent))]]


def _rounds(sent: list[tuple[str, str]]) -> list[list[str]]:
    events = [
        Announcement(topic, key, f"{n}", "{}", b"", NOW) for n, (topic, key) in enumerate(sent)
    ]
    return [[event.event_id for event in part] for part in in_rounds(events)]


def test_each_try_is_told_with_its_task() -> None:
    """For the metric of retries, also those that the log leaves out."""
    told: list[str] = []
    failing = TaskFailures(logs.logger("test"), told.append)
    for _ in range(3):
        failing.met("relay", ledger_error(Unreachable))
    failing.over("relay")
    assert told == ["relay"] * 3
