"""Failures while capture runs: which of them end the program, and what the program lacks meanwhile.

This module owns one judgement: does a failure pass by itself, or does it need a person? It also
owns the reasons that /readyz shows. It refuses to know which work failed and how that is tried
again: each task says its own name and tries again itself.
"""

from collections.abc import Callable, Sequence
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
from chargeline.ledger.errors import KeyMissing, LedgerError

# So many tries, a second apart, has a failure of which we do not know whether it passes.
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
    """The present failure of each task of a program. `tell` is called at each failure.

    One server that is away fails several tasks. The log tells of it by the task that met it first,
    ever more rarely while it lasts, and once when the last of these tasks did its work.
    """

    def __init__(
        self, log: FilteringBoundLogger, tell: Callable[[str], None] = lambda _task: None
    ) -> None:
        self._log = log
        self._tell = tell
        self._lacking: dict[str, str] = {}
        self._in_a_row: dict[str, int] = {}
        self._teller: dict[str, str] = {}  # by what is lacking
        self._attempts: dict[str, int] = {}  # of the teller

    def met(self, task: str, error: Failure) -> None:
        """Note that a task failed and will try again. Raises the error if that is useless."""
        self.bear(task, error)
        if isinstance(error, _NEEDS_A_PERSON) or (
            not passes(error) and self._in_a_row[task] >= TRIES
        ):
            raise error

    def bear(self, task: str, error: Failure) -> None:
        """Note that a task failed and will try again, however often: the other tasks go on."""
        lack = lacking(error)
        before = self._lacking.get(task)
        self._lacking[task] = lack
        if before not in (None, lack):
            self._told_off(before, silently=True)
        self._tell(task)
        self._in_a_row[task] = self._in_a_row.get(task, 0) + 1
        teller = self._teller.setdefault(lack, task)
        if teller != task and self._lacking.get(teller) == lack:
            return
        attempt = self._attempts[lack] = self._attempts.get(lack, 0) + 1
        if attempt & (attempt - 1) == 0:  # 1, 2, 4, 8: an hour of tries a second is 12 lines
            self._log.error(f"{teller}.waiting", exc_info=error, attempt=attempt)

    def too_large(self, topic: str, size: int) -> None:
        """Log that a topic takes no record of this size. The program goes on with other records."""
        self._log.error("event.too_large", topic=topic, bytes=size)

    def over(self, task: str) -> None:
        """Note that a task did its work, so its failure is over. The log says so once, when no task
        fails for the same reason any more.
        """
        self._in_a_row.pop(task, None)
        self._told_off(self._lacking.pop(task, None))

    def _told_off(self, lack: str | None, *, silently: bool = False) -> None:
        """Forget what was lacking, if no task lacks it any more."""
        if lack is None or lack in self._lacking.values():
            return
        task, attempts = self._teller.pop(lack), self._attempts.pop(lack)
        if not silently:
            self._log.info(f"{task}.goes_on", attempt=attempts)

    def reasons(self) -> Sequence[str]:
        """What the program lacks, each reason once."""
        return list(dict.fromkeys(self._lacking.values()))


def passes(error: Failure) -> bool:
    """Whether the same try may succeed later without anybody's help."""
    if isinstance(error, LedgerError):
        return error.passing
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    return not isinstance(error, TopicsMissingError)


def lacking(error: Failure) -> str:
    """What the program lacks by this failure: the ledger or Kafka, and the name of the error."""
    if isinstance(error, KeyMissing):
        return f"the key of the ledger is missing (KeyMissing): {error.finding.do}"
    what = "the ledger" if isinstance(error, LedgerError) else "Kafka"
    return f"{what} does not serve us ({type(error).__name__})"
