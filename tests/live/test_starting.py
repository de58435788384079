"""Claims about the first contact with a real Kafka that answers before it can serve: it is waited
for.

The broker here is registered with its controller by turns. Its session ends before its next
heartbeat, so the controller lets it go and takes it back, and for half of the time Kafka answers
that it has no broker: what a starting Kafka answers, and one that was frozen or starved, for as
long as a test needs it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from chargeline.capture import program
from chargeline.kafka import connecting as clients
from chargeline.kafka import starting as first_contact
from chargeline.operate import topics as commands
from chargeline.settings import Settings
from chargeline.telemetry import logs
from tests.clock import PATIENCE_SECONDS

from .servers import KafkaServer

BY_TURNS = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "6000"}
LOOK_SECONDS = 0.005


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that Kafka brings about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(LOOK_SECONDS)


@pytest.fixture
async def starting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KafkaServer]:
    """A Kafka that is on its way up; whoever waits for it has the patience of a test."""
    monkeypatch.setattr(first_contact, "STARTING_SECONDS", PATIENCE_SECONDS)
    server = KafkaServer(quick=True, settings=BY_TURNS)
    up = asyncio.create_task(asyncio.to_thread(server.start))
    await until(server.listens)
    yield server
    await up
    await asyncio.to_thread(server.close)


async def test_whoever_meets_a_kafka_without_a_broker_waits_until_it_has_one(
    starting: KafkaServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """At the moment that it opens its port, and when it has no broker: topics, producer and
    consumer.
    """
    settings = Settings(kafka_bootstrap=starting.bootstrap)
    topics = settings.topics()
    assert await commands.make_topics(settings, 1, 1) == sorted(topics)

    await until(lambda: not starting.answers())
    assert await commands.create_topics(1, 1)(settings) == commands.OK
    said = capsys.readouterr()
    assert said.out == "all topics exist\n"
    waits = f"chargeline: Kafka at {starting.bootstrap} answers and is still starting (NoBrokersAvailable); "
    assert said.err.startswith(waits)

    await until(lambda: not starting.answers())
    caplog.clear()
    options = program.kafka_options(settings)
    async with AsyncExitStack() as stack:
        producer, consumer = await asyncio.gather(
            stack.enter_async_context(clients.producer(options, topics=topics, record_bytes=1000)),
            program._consumer(settings, stack, logs.logger("test")),
        )
        assert [each.getMessage() for each in caplog.records].count("kafka.starting") == 2
        await producer.send_and_wait(settings.topic_inbound, b"one")
        consumer.subscribe([settings.topic_inbound])
        assert (await asyncio.wait_for(consumer.getone(), PATIENCE_SECONDS)).value == b"one"
