"""Claims about the first contact with a real Kafka that answers and is still starting: we wait.

The broker here is registered with its controller only half of the time. Its session lasts 3 s and
its heartbeat comes every 6 s, so the controller removes the broker and takes it back again and
again. While the broker is removed, Kafka answers that it has no broker. A starting Kafka gives the
same answer, and so does one that was frozen; here a test can have the answer as often as needed.
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
    """Wait until Kafka has come to a certain state."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(LOOK_SECONDS)


@pytest.fixture
async def starting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KafkaServer]:
    """A Kafka that is starting; the programs wait for it as long as a test may wait."""
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
    """Topics, producer and consumer wait: as the port opens, and while there is no broker."""
    settings = Settings(kafka_bootstrap=starting.bootstrap)
    topics = settings.topics()
    assert await commands.make_topics(settings, 1, 1) == sorted(topics)

    await until(lambda: not starting.answers())
    assert await commands.create_topics(1, 1)(settings) == commands.OK
    said = capsys.readouterr()
    assert said.out == "all topics exist\n"
    waits = f"chargeline: Kafka at {starting.bootstrap} answers and is still starting "
    assert said.err.startswith(f"{waits}(NoBrokersAvailable); ")

    await until(lambda: not starting.answers())
    caplog.clear()
    options = program.kafka_options(settings)
    async with AsyncExitStack() as stack:
        producer, consumer = await asyncio.gather(
            stack.enter_async_context(
                clients.producer(options, topics=topics, record_bytes=1000, password=str)
            ),
            program._consumer(settings, stack, logs.logger("test")),
        )
        assert [line.getMessage() for line in caplog.records].count("kafka.starting") == 2
        await producer.send_and_wait(settings.topic_inbound, b"one")
        consumer.subscribe([settings.topic_inbound])
        assert (await asyncio.wait_for(consumer.getone(), PATIENCE_SECONDS)).value == b"one"
