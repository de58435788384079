"""Claims about the first contact with Kafka: we wait for a Kafka that is starting, and not for one
that refuses us.

The broker of these tests speaks only the part of Kafka's protocol that a first contact needs,
with aiokafka's own classes, and gives the answers that a test wants. How a real broker
behaves is in `tests/live/test_starting.py`.
"""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import Any

import pytest
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    KafkaError,
    LeaderNotAvailableError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.admin import (
    ApiVersionResponse_v0,
    CreateTopicsRequest_v1,
    CreateTopicsResponse_v1,
    DescribeConfigsRequest_v0,
    DescribeConfigsResponse_v0,
)
from aiokafka.protocol.metadata import MetadataResponse_v1

from chargeline.kafka import connecting as kafka
from chargeline.kafka import starting, topics
from chargeline.kafka.starting import KafkaUnavailableError, Starting

HOST = "127.0.0.1"
TOPIC = "hl7.inbound"
NO_ERROR, NOT_CONTROLLER, UNKNOWN_TOPIC = 0, 41, 3
VERSIONS, METADATA, CREATE_TOPICS, DESCRIBE_CONFIGS = 18, 3, 19, 32
SPOKEN = [(VERSIONS, 0, 0), (METADATA, 1, 1), (CREATE_TOPICS, 1, 1), (DESCRIBE_CONFIGS, 0, 0)]


class Broker:
    """A broker that listens, and is registered with its controller as soon as a test says so."""

    def __init__(self) -> None:
        self.registered = False
        self.controller = 1
        self.topics = {TOPIC}
        self.answers: list[int] = []
        """The codes of the next answers about topics; NO_ERROR when there are no more."""
        self.asked: list[int] = []
        """The API keys of all requests."""
        self.port = 0

    @property
    def options(self) -> dict[str, object]:
        """The options of a client of this broker."""
        place = {"bootstrap_servers": f"{HOST}:{self.port}", "client_id": "test"}
        return kafka.client_options(place | {"security_protocol": "PLAINTEXT"}, (None, None, None))

    def register(self, _wait: Starting) -> None:
        """Be registered from now on. A test hands this in as `tell`, so it happens
        when a wait begins.
        """
        self.registered = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer all requests of a connection."""
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = BytesIO(await reader.readexactly(size))
                kind, _version, number, name = struct.unpack(">hhih", request.read(10))
                request.read(name)
                self.asked.append(kind)
                answer = struct.pack(">i", number) + self._answer(kind, request).encode()
                writer.write(struct.pack(">i", len(answer)) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, kind: int, request: BytesIO) -> Any:
        match kind:
            case 18:
                return ApiVersionResponse_v0(NO_ERROR, SPOKEN)
            case 3:
                brokers = [(1, HOST, self.port, None)] if self.registered else []
                listed = [
                    (NO_ERROR, name, False, [(NO_ERROR, 0, 1, [1], [1])]) for name in self.topics
                ]
                return MetadataResponse_v1(
                    brokers, self.controller if self.registered else -1, listed
                )
            case 19:
                code = self._code()
                (asked,) = CreateTopicsRequest_v1.decode(request).create_topic_requests
                self.topics |= set() if code else {asked[0]}
                return CreateTopicsResponse_v1([(asked[0], code, None)])
        code = self._code()
        resources = DescribeConfigsRequest_v0.decode(request).resources
        limit = [(topics.RECORD_BYTES, "1000", False, False, False)]
        return DescribeConfigsResponse_v0(
            0, [(code, None, kind, name, limit) for kind, name, *_keys in resources]
        )

    def _code(self) -> int:
        return self.answers.pop(0) if self.answers else NO_ERROR


@pytest.fixture
async def broker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Broker]:
    """A broker that listens and is not registered yet. A program that waits tries again at once."""
    monkeypatch.setattr(starting, "AGAIN_SECONDS", 0.0)
    listening = Broker()
    server = await asyncio.start_server(listening.serve, HOST, 0)
    listening.port = server.sockets[0].getsockname()[1]
    yield listening
    server.close()


class Waits:
    """Remembers each wait that it is told of."""

    def __init__(self, then: Callable[[Starting], None]) -> None:
        self.told: list[Starting] = []
        self._then = then

    def __call__(self, wait: Starting) -> None:
        """Note the wait, and let the event happen that ends it."""
        self.told.append(wait)
        self._then(wait)


async def created(broker: Broker, tell: Waits, *names: str) -> list[str]:
    """Have topics created; returns the names of the new ones."""
    wanted: dict[str, dict[str, str]] = {name: {} for name in names}
    return await topics.create(broker.options, wanted, partitions=1, replication=1, tell=tell)


# ------------------------------------------------------------------ a Kafka that is starting


async def test_topics_are_made_when_the_broker_is_registered(broker: Broker) -> None:
    """The broker listens and lists no broker. The wait is told once; the topic is created as soon
    as the broker is registered.
    """
    tell = Waits(broker.register)
    assert await created(broker, tell, TOPIC, "charge.draft") == ["charge.draft"]
    assert tell.told == [Starting(f"{HOST}:{broker.port}", "NoBrokersAvailable")]
    assert str(tell.told[0]) == (
        f"Kafka at {HOST}:{broker.port} answers and is still starting (NoBrokersAvailable); "
        "chargeline waits for it, 30 seconds at most"
    )


async def test_topics_are_made_when_the_cluster_has_a_controller(broker: Broker) -> None:
    """A broker is registered and the election of a controller is not over: we wait for that."""
    broker.registered, broker.controller = True, -1

    def elected(_wait: Starting) -> None:
        broker.controller = 1

    tell = Waits(elected)
    assert await created(broker, tell, "charge.draft") == ["charge.draft"]
    assert len(tell.told) == 1


async def test_the_limit_of_a_topic_is_read_when_the_broker_is_registered(broker: Broker) -> None:
    """`topics create` reads the limits after it has created topics: it waits there as well."""
    tell = Waits(broker.register)
    assert await topics.too_small(broker.options, [TOPIC], 2000, tell) == {TOPIC: 1000}
    assert len(tell.told) == 1


async def test_a_producer_starts_when_the_broker_is_registered(
    broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says that we wait for Kafka, where and how long; then the producer works."""
    said: list[logging.LogRecord] = []

    class Watching(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record)
            broker.registered = True

    watching = Watching()
    monkeypatch.setattr(starting.log, "handlers", [watching])
    async with kafka.producer(
        broker.options, topics=[TOPIC], record_bytes=1000, password=str
    ) as producer:
        assert producer.client.cluster.brokers()
    (record,) = said
    assert (record.getMessage(), record.levelname) == ("kafka.starting", "WARNING")
    told = {name: vars(record)[name] for name in ("where", "error", "seconds")}
    assert told == {
        "where": f"{HOST}:{broker.port}",
        "error": "NoBrokersAvailable",
        "seconds": 30.0,
    }


@pytest.mark.parametrize("code", [NOT_CONTROLLER, UNKNOWN_TOPIC])
async def test_an_answer_that_may_be_another_in_a_moment_is_asked_for_again(
    broker: Broker, code: int
) -> None:
    """The old controller no longer answers for topics, or not every broker knows a new topic yet:
    we ask until the answer is good.
    """
    broker.registered = True
    tell = Waits(lambda _wait: None)
    broker.answers = [NO_ERROR, code, code, NO_ERROR]
    assert await created(broker, tell, "charge.draft", "hl7.parked") == [
        "charge.draft",
        "hl7.parked",
    ]
    broker.answers = [code, code]
    assert await topics.too_small(broker.options, [TOPIC], 2000, tell) == {TOPIC: 1000}
    assert len(tell.told) == 2


@pytest.mark.parametrize(
    "error",
    [KafkaError(), LeaderNotAvailableError(), CoordinatorNotAvailableError(), TimeoutError()],
)
async def test_what_a_starting_kafka_answers_is_waited_out(
    broker: Broker, error: Exception
) -> None:
    """Kafka lets us in and has no leader, no coordinator, no metadata, or no answer in time."""
    broker.registered = True
    left = [error, error]

    async def meet() -> str:
        if left:
            raise left.pop()
        return "done"

    assert await starting.met(broker.options, meet, lambda _wait: None) == "done"


# ------------------------------------------------------------------ the bound


@pytest.mark.parametrize(
    ("registered", "found"),
    [
        (False, "no broker registered (NoBrokersAvailable)"),
        (True, "NotControllerError from brokers that let"),
    ],
)
async def test_a_kafka_that_does_not_get_ready_is_given_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, registered: bool, found: str
) -> None:
    """After the bound the error says what was expected, what was found and what to do. The
    wait was told once.
    """
    monkeypatch.setattr(starting, "STARTING_SECONDS", 0.05)
    broker.registered = registered
    broker.answers = [NOT_CONTROLLER] * 10_000
    tell = Waits(lambda _wait: None)
    with pytest.raises(KafkaUnavailableError) as caught:
        await created(broker, tell, "charge.draft")
    said = str(caught.value)
    assert said.startswith(
        f"expected Kafka at {HOST}:{broker.port} to be ready within 0 seconds, found "
    )
    assert found in said
    assert said.endswith("; start this again when they are done")
    assert len(said) < 400, "the log cuts it"
    assert len(tell.told) == 1


# ------------------------------------------------------------------ a Kafka that refuses


async def failing(options: dict[str, object], error: Exception) -> tuple[str, int]:
    """The words of the refusal when a first contact fails, and the number of tries."""
    tries = 0

    async def meet() -> None:
        nonlocal tries
        tries += 1
        raise error

    def tell(_wait: Starting) -> None:
        raise AssertionError("nobody waits for it")

    with pytest.raises(KafkaUnavailableError) as caught:
        await starting.met(options, meet, tell)
    return str(caught.value), tries


async def test_a_kafka_that_refuses_us_is_not_waited_for(broker: Broker) -> None:
    """Kafka lets us in, and we have no right to what we ask for: one try, and no
    advice to start again.
    """
    broker.registered = True
    said, tries = await failing(broker.options, TopicAuthorizationFailedError())
    assert tries == 1
    assert said == (
        f"expected Kafka at {HOST}:{broker.port} to serve us, found TopicAuthorizationFailedError; "
        "see Kafka's log, and whether our user has the right"
    )


async def test_where_nobody_listens_nobody_waits(broker: Broker) -> None:
    """Nobody listens at the address of the settings: one try, and the error names the address."""
    nobody = broker.options | {"bootstrap_servers": f"{HOST}:1"}
    said, tries = await failing(nobody, LeaderNotAvailableError())
    assert (tries, "found nobody who listens at 127.0.0.1:1; start Kafka" in said) == (1, True)


async def test_a_topic_that_is_refused_is_not_asked_for_again(broker: Broker) -> None:
    """The error names Kafka's reason, and Kafka was asked once."""
    broker.registered = True
    broker.answers = [38]
    with pytest.raises(topics.TopicRefusedError, match="InvalidReplicationFactorError"):
        await created(broker, Waits(lambda _wait: None), "charge.draft")
    assert broker.asked.count(CREATE_TOPICS) == 1


async def producing(broker: Broker) -> object:
    """Start a producer for a topic that does not exist."""
    async with kafka.producer(
        broker.options, topics=["absent"], record_bytes=1000, password=str
    ) as producer:
        return producer


async def test_a_topic_that_is_missing_is_not_waited_for(broker: Broker) -> None:
    """A registered broker knows its topics: somebody must create the one that it does not know."""
    broker.registered = True
    with pytest.raises(starting.TopicsMissingError, match="no absent"):
        await producing(broker)
