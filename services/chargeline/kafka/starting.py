"""The first contact with Kafka: errors of it, and the wait for a Kafka that answers and is still
starting.

It owns how long is waited, and that the wait is said in the log. A broker opens its port before it
is registered with the controller. That takes a moment; after a crash it takes until the session of
the dead broker is over (broker.session.timeout.ms, 9 seconds if nobody sets it), and a cluster that
starts as a whole elects its controller first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NoBrokersAvailable

from chargeline.engine import FindingError
from chargeline.kafka.refusal import refusal_of

# Three sessions of a broker: a Kafka that is not there by then waits for a person.
STARTING_SECONDS = 30.0
AGAIN_SECONDS = 0.5

log = logging.getLogger(__name__)
Made = TypeVar("Made")


class KafkaUnavailableError(FindingError):
    """Kafka cannot be used."""


class TopicsMissingError(KafkaUnavailableError):
    """Kafka answers, and has not all topics that we need, or does not show them to us."""


class Starting(NamedTuple):
    """A Kafka that lets us in and cannot serve us yet, and the error that says so."""

    servers: str
    error: str

    def __str__(self) -> str:
        return (
            f"Kafka at {self.servers} answers and is still starting ({self.error}); "
            f"it is waited for, {STARTING_SECONDS:.0f} seconds at most"
        )


def log_starting(found: Starting) -> None:
    """Say in the log that a Kafka is waited for."""
    log.warning(
        "kafka.starting",
        extra={"where": found.servers, "error": found.error, "seconds": STARTING_SECONDS},
    )


async def met(
    options: Mapping[str, object],
    meet: Callable[[], Awaitable[Made]],
    tell: Callable[[Starting], None] = log_starting,
) -> Made:
    """What `meet` makes of its first contact with Kafka; while Kafka is starting, it is tried
    again.

    `meet` must leave nothing open where it fails. `tell` is called once, when the wait begins.
    Raises KafkaUnavailableError, at once where Kafka does not let us in or refuses what we ask for,
    and after STARTING_SECONDS where it lets us in and still cannot serve us.
    """
    loop = asyncio.get_running_loop()
    last = None
    while True:
        try:
            return await meet()
        except (KafkaError, TimeoutError) as error:
            refusal = await refusal_of(options, error, STARTING_SECONDS)
            if not refusal.passes:
                raise KafkaUnavailableError(refusal.finding) from None
            if last is None:
                last = loop.time() + STARTING_SECONDS
                tell(Starting(str(options["bootstrap_servers"]), type(error).__name__))
            elif loop.time() >= last:
                raise KafkaUnavailableError(refusal.finding) from None
            await asyncio.sleep(AGAIN_SECONDS)


def need_brokers(client: AIOKafkaClient) -> None:
    """Raise NoBrokersAvailable if the cluster that a client has met lists no broker.

    aiokafka starts on such a cluster without a word, and its clients do not recover: a consumer
    never joins its group, for the task that would look for the coordinator has ended by then.
    """
    if not client.cluster.brokers():
        raise NoBrokersAvailable()
