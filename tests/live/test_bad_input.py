"""Claims about bad input to the running service: a clear message, a metric, and nothing is lost.

The cases are a full disk, a message of 5 MB, a topic that refuses a large message, a thousand
messages that are not HL7, and a Kafka that stops answering while a sender waits. The programs are
processes; Kafka and PostgreSQL are real.
"""

import asyncio
import base64
import json
import signal
from collections import Counter

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chargeline.hl7.reader import read_message
from chargeline.kafka.topics import RECORD_BYTES
from chargeline.ledger.store import Ledger
from chargeline.mllp.client import MllpClient
from chargeline.published.inbound import NO_VISIT, PEER
from chargeline.simulator.feed import simulate
from tests.drafting.test_processor import by_code

from . import servers
from .commands import command, environment
from .records import PARTITIONS, Record, key_of, send_by
from .service import DEADLINE_SECONDS, Program, Service, service

__all__ = ["service"]

FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
FIVE_MEGABYTES = 5_000_000


def feed(visits: int, seed: int) -> list[bytes]:
    return [
        data
        for _style, data in simulate(visits=visits, seed=seed, style="standard", mess=0.0).messages
    ]


def large(message: bytes, size: int = FIVE_MEGABYTES) -> bytes:
    """The message with an embedded document, as some senders append one."""
    document = base64.b64encode(b"An invented report. " * (size // 20))[:size]
    return (
        message.rstrip(b"\r")
        + b"\rOBX|1|ED|PDF^Report||^APPLICATION^PDF^Base64^"
        + document
        + b"\r"
    )


def logged(service: Service, event: str) -> list[dict[str, object]]:
    """The lines that the programs logged for an event."""
    return [line for line in service.logged() if line["event"] == event]


async def sent(service: Service, messages: list[bytes], key: str = "", **headers: str) -> None:
    """Send messages to the inbound topic, under the keys of their visits.

    With a `key`, such as `nobody`, the messages go out under `nobody0`, `nobody1` and so on,
    with these headers.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=service.kafka.bootstrap, max_request_size=20_000_000
    )
    await producer.start()
    try:
        if not key:
            await send_by(producer, service.inbound, [Record(m, key_of(m)) for m in messages])
            return
        waiting = [
            await producer.send(
                service.inbound,
                value=message,
                key=f"{key}{number}".encode(),
                headers=[(name, text.encode()) for name, text in headers.items()],
            )
            for number, message in enumerate(messages)
        ]
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def gateway(service: Service, **settings: str) -> tuple[Program, int]:
    """Start a gateway; returns the program and its MLLP port."""
    port = servers.free_port()
    program = service.start("gateway", CHARGELINE_MLLP_PORT=str(port), **settings)
    await service.ready(program)
    return program, port


def code_of(answer: bytes) -> str | None:
    return read_message(answer).value("MSA-1")


# ------------------------------------------------------------------ a full disk


async def test_with_a_full_disk_capture_waits_and_goes_on_when_there_is_room(
    service: Service,
) -> None:
    """Capture names the reason on /readyz and in the log, moves no offset and does not end.

    When there is room again, capture drafts every message.
    """
    await service.prepare()
    messages = feed(10, 31)
    capture = service.start()
    await service.ready(capture)
    connection = await asyncpg.connect(service.database)
    try:
        await connection.execute(FULL_DISK)
        await sent(service, messages)

        async def not_ready() -> bool:
            status, reasons = await capture.page("/readyz")
            return status == 503 and "DiskFull" in reasons

        await service.until(not_ready, "503 with the reason")
        assert await capture.metric("chargeline_ready") == 0
        (said, *_again) = [line for line in service.logged() if line.get("error") == "DiskFull"]
        assert "expected room for the transaction at postgresql://" in str(said["says"])
        offsets = await connection.fetch("SELECT next_offset FROM partition_offset")
        assert not any(row["next_offset"] for row in offsets)
        assert capture.poll() is None
        await connection.execute("DROP TRIGGER full_disk ON message")
    finally:
        await connection.close()
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    await service.ready(capture)


# ------------------------------------------------------------------ a message of 5 MB


async def test_a_message_of_five_megabytes_goes_all_the_way(service: Service) -> None:
    """Capture drafts it, from the gateway and under a wrong key; unreadable, it is parked whole."""
    await service.prepare()
    messages = feed(4, 32)
    part = len(messages) // 2
    program, port = await gateway(service)
    service.start(CHARGELINE_PARKED_BYTES="yes")
    big = [large(m) if number in (0, part) else m for number, m in enumerate(messages)]
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    answers = [await client.send(message) for message in big[:part]]
    nothing = b"MSH|^~\\&|no structure" + b"x" * FIVE_MEGABYTES
    await client.close()
    assert {code_of(answer) for answer in answers} == {"CA"}
    assert await program.metric("chargeline_gateway_frames_total") == part
    await sent(service, big[part:], key="nobody")
    await sent(service, [nothing], key="nobody")
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    (parked,) = await read(service, f"{service.name}.parked", 1)
    assert base64.b64decode(json.loads(parked)["raw_base64"]) == nothing


async def read(service: Service, topic: str, count: int) -> list[bytes]:
    """The first messages of a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_the_topic_refuses_is_told_to_its_sender_and_harms_no_other(
    service: Service,
) -> None:
    """A topic with Kafka's own limit of 1 MB: the sender is told why, and may go on sending.

    All messages go to one partition, so those that follow reach the one that has just refused.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=service.kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(service.inbound, 1, 1)])
    await admin.close()
    program, port = await gateway(service)
    first, *others = feed(1, 33)
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    assert code_of(await client.send(first)) == "CA"
    refused = read_message(await client.send(large(first)))
    assert (refused.value("MSA-1"), refused.value("ERR-3.1")) == ("CE", "207")
    assert "takes no message of this size" in (refused.value("ERR-7") or "")
    assert {code_of(await client.send(message)) for message in others} == {"CA"}
    assert await program.metric("chargeline_gateway_open_connections") == 1
    await client.close()
    _status, text = await program.page("/metrics")
    assert 'chargeline_gateway_acknowledgements_total{acknowledgement="CE"} 1.0' in text
    (said,) = logged(service, "kafka.too_large")
    assert (said["topic"], said["level"]) == (service.inbound, "error")
    refusals = logged(service, "message.refused")
    assert [line["reason"] for line in refusals] == ["store_too_large"]


async def test_what_a_topic_refuses_is_announced_as_its_size_and_holds_up_no_other(
    service: Service,
) -> None:
    """Of a parked message that its topic refuses, size and hash are announced and the ledger has
    the bytes. Parked messages of the same slot and drafts go out behind it.
    """
    await service.prepare()
    admin = AIOKafkaAdminClient(bootstrap_servers=service.kafka.bootstrap)
    await admin.start()
    limit = ConfigResource(
        ConfigResourceType.TOPIC, f"{service.name}.parked", {RECORD_BYTES: "1000000"}
    )
    await admin.alter_configs([limit])
    await admin.close()
    messages = feed(5, 39)
    nothing = b"no HL7 at all " * 150_000
    capture = service.start(CHARGELINE_PARKED_BYTES="yes")
    await sent(service, [nothing], key="nobody")

    async def refused() -> bool:
        return bool(logged(service, "event.too_large"))

    await service.until(refused, "the refusal to be logged")
    await sent(service, messages)
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    small = b"no HL7 either"
    await sent(service, [small], key="nobody")
    announced = [json.loads(event) for event in await read(service, f"{service.name}.parked", 2)]
    (left_out,) = [event for event in announced if "raw_base64" not in event]
    assert left_out["type"] == "org.chargeline.hl7.parked.v1"
    assert left_out["bytes"] > len(nothing)
    (whole,) = [event for event in announced if "raw_base64" in event]
    assert base64.b64decode(whole["raw_base64"]) == small
    assert await parked(service) == sorted([nothing, small])
    (said, *_again) = logged(service, "event.too_large")
    assert said["topic"] == f"{service.name}.parked"

    async def counted() -> bool:
        return await capture.metric("chargeline_outbox_events") == 0

    await service.until(counted, "an empty outbox")
    capture.signal(signal.SIGTERM)
    assert await capture.ended() == 0


# ------------------------------------------------------------------ a thousand bad messages


async def test_a_thousand_bad_messages_cost_no_other_sender_anything(service: Service) -> None:
    """Capture drafts the good messages before and behind the garbage and does not end. All garbage
    is parked, the last of it unread. After a restart a person sends that again, and it is read.
    """
    await service.prepare()
    first, then = feed(6, 34), feed(6, 35)
    garbage = [f"not HL7 at all {number}".encode() for number in range(1000)]
    await sent(service, first)
    capture = service.start("capture", CHARGELINE_KAFKA_MAX_POLL_RECORDS="100")
    wanted = by_code(first)
    assert await service.settled(wanted) == wanted, service.last_words()
    await sent(service, garbage, key="nobody", **{PEER: "192.0.2.66", NO_VISIT: "1"})
    await sent(service, then)
    wanted = by_code([*first, *then])
    assert await service.settled(wanted) == wanted, service.last_words()

    async def all_parked() -> bool:
        return len(await parked(service)) == len(garbage)

    await service.until(all_parked, "all garbage to be parked")
    assert await parked(service) == sorted(garbage)

    async def counted() -> bool:
        return await capture.metric("chargeline_quarantined_senders") == 1

    await service.until(counted, "the quarantine to be counted")
    unread = await codes(service)
    assert unread["message.no_msh"] > 50
    assert unread["sender.quarantined"] > 0
    (begun,) = logged(service, "sender.quarantined")
    assert (begun["code"], begun["host"]) == ("message.no_msh", "192.0.2.66")
    capture.signal(signal.SIGTERM)
    assert await capture.ended() == 0
    limits = {"CHARGELINE_PARKED_IN_A_ROW": "5000", "CHARGELINE_PARKED_PER_MINUTE": "5000"}
    generous = service.start("capture", **limits)
    again = await command("parked retry --code sender.quarantined", service.environment)
    assert again.code == 0

    async def read_again() -> bool:
        return await codes(service) == {"message.no_msh": len(garbage)}

    await service.until(read_again, "what was parked unread to be read")
    assert await parked(service) == sorted(garbage)
    assert generous.poll() is None


async def codes(service: Service) -> Counter[str]:
    """How many messages are parked for each reason."""
    ledger = await Ledger.open(service.url)
    try:
        return Counter(message.code for message in await ledger.parked(limit=2000))
    finally:
        await ledger.close()


async def parked(service: Service) -> list[bytes]:
    """The bytes of the parked messages, as the ledger keeps them."""
    ledger = await Ledger.open(service.url)
    try:
        return sorted(message.raw for message in await ledger.parked(limit=2000))
    finally:
        await ledger.close()


# ------------------------------------------------------------------ Kafka goes away under a sender


@pytest.mark.hurts("kafka")
async def test_a_gateway_without_kafka_says_so_and_ends_in_time(service: Service) -> None:
    """Kafka is frozen while a sender waits: /readyz gives 503 and the reason.

    After SIGTERM the sender gets an error, and the gateway ends with 0.
    """
    await service.prepare()
    program, port = await gateway(service)
    (message, *_rest) = feed(1, 37)
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    assert code_of(await client.send(message)) == "CA"
    await asyncio.to_thread(service.kafka.freeze)
    waiting = asyncio.create_task(client.send(message))

    async def not_ready() -> bool:
        status, reasons = await program.page("/readyz")
        return status == 503 and "Kafka does not answer" in reasons

    await service.until(not_ready, "503 with the reason")
    assert await program.metric("chargeline_ready") == 0
    assert await program.metric("chargeline_gateway_open_connections") == 1
    program.signal(signal.SIGTERM)
    assert code_of(await waiting) == "CE"
    assert await program.ended() == 0
    (said, *_again) = logged(service, "kafka.unavailable")
    assert said["where"] == "Kafka does not answer"
    with pytest.raises(OSError):
        await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)


# ------------------------------------------------------------------ over TLS, with a login


async def test_the_service_works_over_tls_with_a_login(service: Service) -> None:
    """With SASL_SSL set as documented, messages over MLLP give the drafts of `chargeline code`."""
    await service.prepare()
    service.environment |= environment(
        KAFKA_BOOTSTRAP=service.kafka.secure_bootstrap,
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_MECHANISM="SCRAM-SHA-512",
        KAFKA_SASL_USERNAME=servers.SASL_USER,
        KAFKA_SASL_PASSWORD=servers.SASL_PASSWORD,
        KAFKA_TLS_CA_FILE=str(service.kafka.tls_file("authority.pem")),
    )
    _program, port = await gateway(service)
    service.start()
    messages = feed(5, 38)
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    assert {code_of(await client.send(message)) for message in messages} == {"CA"}
    await client.close()
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    assert servers.SASL_PASSWORD not in service.log.read_text()
