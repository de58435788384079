"""Records of the inbound topic as other producers write them: any place, any key, any bytes.

This module owns what may stand in such a record and how it is sent. It computes by itself where
librdkafka's partitioners place a key, because confluent-kafka is no dependency of ours; the rules
stand in librdkafka's rdkafka_msg.c (rd_kafka_msg_partitioner_…) and rdfnv1a.c. The module does not
know what chargeline makes of a record.
"""

import asyncio
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.partitioner import murmur2
from aiokafka.record.util import calc_crc32c_py

from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.published.inbound import record_key
from tests.drafting.test_processor import PROFILE

PARTITIONS = 6
NO_TIME_MS = -(10**15)
REQUEST_BYTES_MOST = 150_000_000
CRC_AT, DATA_AT = 17, 21  # in a batch of records, by Kafka's protocol


class Record(NamedTuple):
    """One record; without a `partition` the producer chooses one by the key."""

    value: bytes | None
    key: bytes | None
    partition: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp_ms: int | None = None


class Place(NamedTuple):
    """Where Kafka keeps a record."""

    partition: int
    offset: int


# ------------------------------------------------------------------ where producers place records


def fnv1a(key: bytes) -> int:
    """librdkafka's FNV-1a: 32 bits with a sign, and then its absolute value."""
    value = 0x811C9DC5
    for byte in key:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return abs(value - 2**32 if value >= 2**31 else value)


def java(key: bytes, count: int = PARTITIONS) -> int:
    """Where Kafka's Java client and aiokafka place a key."""
    return int(murmur2(key) & 0x7FFFFFFF) % count


Writer = tuple[Callable[[bytes], bytes | None], Callable[[bytes], int]]
"""One way of writing: the key that is written for the key of a visit, and where that is placed."""


def writers(dice: random.Random) -> Mapping[str, Writer]:
    """The ways of writing that engines and scripts have, by librdkafka's names where it has one."""

    def crc32(key: bytes) -> int:
        return zlib.crc32(key) % PARTITIONS

    def anywhere(_key: bytes) -> int:
        return dice.randrange(PARTITIONS)

    return {
        "consistent": (lambda key: key, crc32),
        "consistent_random": (lambda key: key, crc32),
        "murmur2": (lambda key: key, java),
        "murmur2_random": (lambda key: key, java),
        "random": (lambda key: key, anywhere),
        "fnv1a": (lambda key: key, lambda key: fnv1a(key) % PARTITIONS),
        "without a key": (lambda _key: None, anywhere),
        "another key": (lambda key: b"MRN" + key[-3:], anywhere),
    }


def key_of(message: bytes) -> bytes:
    """The key of a message's visit; of a message without a visit, one that names none."""
    reading = read_events(read_message(message), PROFILE)
    return record_key(reading.facility, reading.visit or reading.message.digest[:8]).encode()


# ------------------------------------------------------------------ sending


async def send_by(producer: AIOKafkaProducer, topic: str, records: Sequence[Record]) -> list[Place]:
    """Send records by a producer, and wait until Kafka has all of them; returns where they are."""
    waiting = []
    for record in records:
        values = record._replace(headers=[*record.headers])._asdict()
        waiting.append(await producer.send(topic, **values))
        waiting[-1].add_done_callback(_looked_at)
    return [Place(sent.partition, sent.offset) for sent in await asyncio.gather(*waiting)]


def _looked_at(sent: asyncio.Future[object]) -> None:
    """Take note of a failure: if another record fails first, nobody waits for this one."""
    if not sent.cancelled():
        sent.exception()


async def send(
    bootstrap: str, topic: str, records: Sequence[Record], compression: str | None = None
) -> list[Place]:
    """Send records by a producer of their own; returns where they are."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        max_request_size=REQUEST_BYTES_MOST,
        compression_type=compression,
    )
    await producer.start()
    try:
        return await send_by(producer, topic, records)
    finally:
        await producer.stop()


async def send_with_bad_name(bootstrap: str, topic: str, partition: int) -> Place:
    """Send a record with a header name that is no UTF-8. aiokafka writes none, so the bytes of its
    batch are changed, and the checksum with them.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(key=b"nobody", value=b"no HL7", timestamp=None, headers=[("??name", b"x")])
        data = bytearray(bytes(batch._build()).replace(b"??name", b"\xff\xfename"))
        data[CRC_AT:DATA_AT] = calc_crc32c_py(data[DATA_AT:]).to_bytes(4, "big")
        batch._buffer = data
        sent = await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
    return Place(sent.partition, sent.offset)


async def abandon_transaction(
    bootstrap: str, topic: str, records: Sequence[Record], *, name: str, timeout_ms: int
) -> None:
    """Send records in a transaction that nobody ends, and go away.

    The broker aborts the transaction after the timeout, when it next looks for such ones: each 10 s
    as Kafka ships. Until then nothing behind the records can be read.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=name, transaction_timeout_ms=timeout_ms
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        await send_by(producer, topic, records)
    finally:
        await producer.stop()  # this ends no transaction


async def as_kafka_ships(bootstrap: str, topic: str) -> None:
    """Set what `topics create` sets to what Kafka ships with, as in a topic of somebody else.

    Producers stamp their records then, and the broker keeps batches as they come.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        shipped = {"message.timestamp.type": "CreateTime", "compression.type": "producer"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, shipped)])
    finally:
        await admin.close()
