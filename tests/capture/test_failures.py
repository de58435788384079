"""Claims about failures: which are borne, which end the program, and what /readyz says
meanwhile.
"""

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from chargeline.capture.failures import TRIES, Failure, TaskFailures
from chargeline.capture.relay import in_rounds
from chargeline.engine import Finding
from chargeline.kafka.starting import KafkaUnavailableError, TopicsMissingError
from chargeline.ledger.errors import AccessRefused, Busy, DiskFull, LedgerError, Unreachable
from chargeline.ledger.records import Announcement
from chargeline.telemetry import logs
from tests.drafting.test_processor import NOW

AWAY = Finding("kafka.refused", expected="Kafka", found="nobody", where="", do="wait")


def ledger_error(kind: type[LedgerError]) -> LedgerError:
    return kind(expected="this", found="that", do="something")


@pytest.fixture
def failures() -> TaskFailures:
    """Nothing wrong yet."""
    return TaskFailures(logs.logger("test"))


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
    """A server that is away for long ends no program."""
    for _ in range(50 * TRIES):
        failures.met("reader", error)


@pytest.mark.parametrize(
    "error", [TopicAuthorizationFailedError(), GroupAuthorizationFailedError("g")]
)
def test_what_needs_a_person_ends_the_program_at_once(
    failures: TaskFailures, error: Failure
) -> None:
    """A right that was taken away does not come back by trying."""
    with pytest.raises(type(error)):
        failures.met("reader", error)


@pytest.mark.parametrize(
    "error",
    [ledger_error(AccessRefused), TopicsMissingError(AWAY), KafkaError(), IllegalStateError()],
)
def test_what_nobody_knows_gets_ten_tries_in_a_row(failures: TaskFailures, error: Failure) -> None:
    """A failover looks like a refusal for a while; a client that gave up inside never comes
    back.
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
    """Two tasks that miss the ledger are one reason; it goes when both have done their work."""
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
    """Three events of one visit are three rounds; another visit and another topic go with the
    first.
    """
    sent = [("drafts", "a"), ("drafts", "a"), ("questions", "a"), ("drafts", "b"), ("drafts", "a")]
    events = [
        Announcement(topic, key, f"{n}", "{}", b"", NOW) for n, (topic, key) in enumerate(sent)
    ]
    rounds = [[each.event_id for each in part] for part in in_rounds(events)]
    assert rounds == [["0", "2", "3"], ["1"], ["4"]]
