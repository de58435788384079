"""What goes wrong while capture runs: which of it is borne, and what the program lacks until it
passes.

It owns one judgement, whether a failure passes by itself or needs a person, and the reasons that
/readyz shows. It knows neither the work that failed nor how it is tried again.
"""

from collections.abc import Sequence
from typing import TypeAlias

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    InvalidTopicError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
from structlog.typing import FilteringBoundLogger

from chargeline.kafka.starting import KafkaUnavailableError, TopicsMissingError
from chargeline.ledger.errors import LedgerError

# What is neither known to pass nor to need a person has so many tries, a second apart.
TRIES = 10

Failure: TypeAlias = LedgerError | KafkaError | KafkaUnavailableError | TimeoutError

_NEEDS_A_PERSON = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    InvalidTopicError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)


class TaskFailures:
    """What each task of a program is in trouble with."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._lacking: dict[str, str] = {}
        self._in_a_row: dict[str, int] = {}

    def met(self, task: str, error: Failure) -> None:
        """Note that a task failed and will try again; raises the error if that would be in vain."""
        self._lacking[task] = lacking(error)
        self._in_a_row[task] = self._in_a_row.get(task, 0) + 1
        self._log.error(f"{task}.waiting", exc_info=error, attempt=self._in_a_row[task])
        if isinstance(error, _NEEDS_A_PERSON) or (
            not passes(error) and self._in_a_row[task] >= TRIES
        ):
            raise error

    def too_large(self, topic: str, size: int) -> None:
        """Note that a topic takes no record of a size; what else there is goes on."""
        self._log.error("event.too_large", topic=topic, bytes=size)

    def over(self, task: str) -> None:
        """Note that a task did its work."""
        self._lacking.pop(task, None)
        self._in_a_row.pop(task, None)

    def reasons(self) -> Sequence[str]:
        """What is lacking, each reason once."""
        return list(dict.fromkeys(self._lacking.values()))


def passes(error: Failure) -> bool:
    """Whether the same again may succeed later without anybody's help."""
    if isinstance(error, LedgerError):
        return error.passing
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    return not isinstance(error, TopicsMissingError)


def lacking(error: Failure) -> str:
    """What a failure says is lacking: the ledger or Kafka, and the name of the error."""
    what = "the ledger" if isinstance(error, LedgerError) else "Kafka"
    return f"{what} does not serve us ({type(error).__name__})"
