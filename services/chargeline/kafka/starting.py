"""The first contact with Kafka: its errors, and the wait for a Kafka that answers and is still
starting.

This module owns how long a program waits, and that the log says so. It refuses to know what the
first contact is for: a function is handed in and called again.

The wait is needed because a broker opens its port before it is registered with the controller.
Usually that takes a moment. After a crash the broker is registered only when the session of the
dead broker is over (broker.session.timeout.ms, 9 seconds unless somebody sets it). A cluster that
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

# Three sessions of a broker, rounded up. A Kafka that is not ready by then needs a person.
STARTING_SECONDS = 30.0
AGAIN_SECONDS = 0.5

log = logging.getLogger(__name__)
Made = TypeVar("Made")


class KafkaUnavailableError(FindingError):
    """Kafka cannot be used."""


class TopicsMissingError(KafkaUnavailableError):
    """Kafka answers, but a topic that we need is missing or hidden from our user."""


class Starting(NamedTuple):
    """A Kafka that lets us in and cannot serve us yet, and the name of the error that it gave."""

    servers: str
    error: str

    def __str__(self) -> str:
        return (
            f"Kafka at {self.servers} answers and is still starting ({self.error}); "
            f"chargeline waits for it, {STARTING_SECONDS:.0f} seconds at most"
        )


def log_starting(wait: Starting) -> None:
    """Say in the log that this program waits for Kafka."""
    log.warning(
        "kafka.starting",
        extra={"where": wait.servers, "error": wait.error, "seconds": STARTING_SECONDS},
    )


async def met(
    options: Mapping[str, object],
    meet: Callable[[], Awaitable[Made]],
    tell: Callable[[Starting], None] = log_starting,
) -> Made:
    """The result of `meet`, the first contact with Kafka. While Kafka is starting, `meet` is called
    again.

    A `meet` that fails must leave nothing open. `tell` is called once, when the wait begins.
    Raises KafkaUnavailableError: at once if Kafka does not let us in or refuses what we ask for;
    after STARTING_SECONDS if Kafka lets us in and still cannot serve us.
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
    """Raise NoBrokersAvailable if the cluster that a client has reached lists no broker.

    On such a cluster aiokafka starts without an error, and its clients never recover. A consumer,
    for example, never joins its group: the task that looks for the group coordinator has ended.
    """
    if not client.cluster.brokers():
        raise NoBrokersAvailable()
