"""A record may lie in any partition: its visit is drafted whole, on a real Kafka and PostgreSQL.

The producers here place records as librdkafka's partitioners do, which engines and scripts
use. confluent-kafka is no dependency of ours, so the tests compute CRC32 and FNV-1a by themselves
and name the partition. How librdkafka places a key stands in its
rdkafka_msg.c (rd_kafka_msg_partitioner_…) and rdfnv1a.c.
"""

import asyncio
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.partitioner import murmur2

from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.published.inbound import record_key
from chargeline.simulator.feed import simulate
from tests.drafting.test_processor import PROFILE, by_code

from .service import PARTITIONS, Service, service

__all__ = ["service"]

DICE = random.Random(7)
VISITS = 24
REKEYED = "chargeline_rekeyed_messages_total"


def fnv1a(key: bytes) -> int:
    """librdkafka's FNV-1a: 32 bits with a sign, and then its absolute value."""
    value = 0x811C9DC5
    for byte in key:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return abs(value - 2**32 if value >= 2**31 else value)


def java(key: bytes, count: int = PARTITIONS) -> int:
    """Where Kafka's Java client and aiokafka place a key."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def anywhere(_key: bytes) -> int:
    return DICE.randrange(PARTITIONS)


# For each way of writing: the key that is written, and where it is placed.
WRITERS: Mapping[str, tuple[Callable[[bytes], bytes | None], Callable[[bytes], int]]] = (
    MappingProxyType(
        {
            "consistent": (lambda key: key, lambda key: zlib.crc32(key) % PARTITIONS),
            "consistent_random": (lambda key: key, lambda key: zlib.crc32(key) % PARTITIONS),
            "murmur2": (lambda key: key, java),
            "murmur2_random": (lambda key: key, java),
            "random": (lambda key: key, anywhere),
            "fnv1a": (lambda key: key, lambda key: fnv1a(key) % PARTITIONS),
            "without a key": (lambda _key: None, anywhere),
            "another key": (lambda key: b"MRN" + key[-3:], anywhere),
        }
    )
)


def feed(visits: int, seed: int) -> list[bytes]:
    return [
        data
        for _style, data in simulate(visits=visits, seed=seed, style="standard", mess=0.0).messages
    ]


def key_of(message: bytes) -> bytes:
    reading = read_events(read_message(message), PROFILE)
    return record_key(reading.facility, reading.visit).encode()


async def send(service: Service, records: Sequence[tuple[bytes | None, int, bytes]]) -> None:
    """Send records: key, partition, message."""
    producer = AIOKafkaProducer(bootstrap_servers=service.kafka.bootstrap, acks="all")
    await producer.start()
    try:
        await asyncio.gather(
            *[
                await producer.send(service.inbound, message, key=key, partition=partition)
                for key, partition, message in records
            ]
        )
    finally:
        await producer.stop()


async def metric(service: Service, name: str) -> float:
    """The sum of a metric over all captures that run."""
    running = [program for program in service.programs if program.poll() is None]
    return sum([await program.metric(name) for program in running])


async def two_captures(service: Service) -> None:
    """Start two captures, and wait until each has a half of the partitions."""
    await service.prepare()
    first, second = service.start(), service.start()

    async def shared() -> bool:
        owners = list((await service.owners()).values())
        return len(owners) == PARTITIONS and {first.name, second.name} == set(owners)

    await service.until(shared, "both captures to own partitions")


async def test_whoever_places_the_records_the_drafts_are_those_of_code(service: Service) -> None:
    """Each visit comes from another kind of producer, in two waves: when the second wave comes, the
    owner of the visit has the first in memory. The last drafts are those of `chargeline code`.
    """
    messages = feed(VISITS, 51)
    keys = list(dict.fromkeys(map(key_of, messages)))
    names = list(WRITERS)
    records = []
    for message in messages:
        key = key_of(message)
        written, placed = WRITERS[names[keys.index(key) % len(names)]]
        records.append((written(key), placed(key), message))
    elsewhere = {key for (_key, partition, message) in records
                 if java(key := key_of(message)) != partition}  # fmt: skip
    assert len(elsewhere) > VISITS / 4, "the test moves visits to other partitions"
    await two_captures(service)
    await send(service, records[::2])
    await service.until(service.drained, "the first wave to be worked off")
    await send(service, records[1::2])
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    misplaced = [
        record for record in records if record[0] != key_of(record[2])
        or record[1] != java(key_of(record[2]))
    ]  # fmt: skip
    assert await metric(service, REKEYED) == len(misplaced), "each was sent again once"


async def test_partitions_are_added_while_captures_run(service: Service) -> None:
    """Twelve partitions in place of six. Half of each visit lies by the old number and is in the
    memory of its old owner; the rest comes from producers that know of the new ones and from one
    that does not. The last drafts are those of `chargeline code`.
    """
    messages = feed(VISITS, 52)
    more = 2 * PARTITIONS
    moved = {key for key in map(key_of, messages) if java(key) != java(key, more)}
    assert len(moved) > VISITS / 4, "visits move to the new partitions"
    await two_captures(service)
    await send(service, [(key_of(each), java(key_of(each)), each) for each in messages[::2]])
    await service.until(service.drained, "the first half to be worked off")
    admin = AIOKafkaAdminClient(bootstrap_servers=service.kafka.bootstrap)
    await admin.start()
    await admin.create_partitions({service.inbound: NewPartitions(more)})
    await admin.close()
    rest = messages[1::2]
    known = [(key_of(each), java(key_of(each), more), each) for each in rest[::2]]
    await send(service, known)
    await send(service, [(key_of(each), java(key_of(each)), each) for each in rest[1::2]])

    async def claimed() -> bool:
        return len(await service.owners()) == more

    await service.until(claimed, "the new partitions to be claimed")
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
