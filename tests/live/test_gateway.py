"""Claims about `chargeline gateway` in front of a real Kafka: what it acknowledges, Kafka has.

A message that Kafka has becomes a draft. A message that Kafka does not have gets no CA, so that
the sender sends it again.
"""

import asyncio

import pytest

from chargeline.hl7.reader import read_message
from chargeline.mllp.client import MllpClient
from chargeline.mllp.wire import MllpError
from chargeline.simulator.feed import simulate
from tests.drafting.test_processor import by_code

from .servers import free_port
from .service import DEADLINE_SECONDS, Service, service

__all__ = ["service"]


def feed() -> list[bytes]:
    """The messages of ten visits, without duplicates, disorder or mistakes."""
    return [
        data for _style, data in simulate(visits=10, seed=4, style="standard", mess=0.0).messages
    ]


async def gateway(service: Service) -> int:
    """Start a gateway; returns the MLLP port."""
    port = free_port()
    service.environment["CHARGELINE_MLLP_PORT"] = str(port)
    await service.ready(service.start("gateway"))
    return port


def code_of(answer: bytes) -> str | None:
    """MSA-1 of an acknowledgement."""
    return read_message(answer).value("MSA-1")


async def test_what_is_acknowledged_becomes_a_draft(service: Service) -> None:
    """Ten visits over MLLP: each message is answered with CA, since MSH-15 is AL.

    The drafts are those of `chargeline code`.
    """
    await service.prepare()
    port = await gateway(service)
    service.start()
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    messages = feed()
    answers = [await client.send(message) for message in messages]
    await client.close()
    assert {code_of(answer) for answer in answers} == {"CA"}
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()


@pytest.mark.hurts("kafka")
async def test_while_kafka_is_down_nothing_is_acknowledged(service: Service) -> None:
    """While Kafka is killed the sender gets no CA; when Kafka is back, a repeat gets CA."""
    await service.prepare()
    port = await gateway(service)
    (message, *_rest) = feed()
    await asyncio.to_thread(service.kafka.kill)
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            refused = code_of(await client.send(message))
    except MllpError:
        refused = "hung up"
    assert refused in ("AE", "CE", "hung up")
    await client.close()
    await asyncio.to_thread(service.kafka.start)
    async with asyncio.timeout(DEADLINE_SECONDS):
        taken = ""
        while taken != "CA":
            client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
            try:
                taken = code_of(await client.send(message)) or ""
            except MllpError:
                taken = "hung up"
            finally:
                await client.close()
