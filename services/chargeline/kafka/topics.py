"""Topics: create those that are missing, and read the limits and offsets of those that exist.

This module owns the broker's answers to these requests. aiokafka hands an answer over without
looking at its error code; here a refusal raises an error. It refuses to know which topics a site
has: the program that calls gives names, partitions and how long records are kept.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    NoBrokersAvailable,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from chargeline.engine import Finding
from chargeline.kafka.starting import (
    KafkaUnavailableError,
    Starting,
    log_starting,
    met,
    need_brokers,
)

RECORD_BYTES = "max.message.bytes"
COMPRESSION, UNCOMPRESSED = "compression.type", "uncompressed"
"""A topic so set has the broker unpack each batch before it asks for RECORD_BYTES."""


class TopicRefusedError(KafkaUnavailableError):
    """Kafka refuses to create a topic."""


async def create(
    options: Mapping[str, object],
    wanted: Mapping[str, Mapping[str, str]],
    *,
    partitions: int,
    replication: int,
    tell: Callable[[Starting], None] = log_starting,
) -> list[str]:
    """Create the topics that are missing, with these configurations; returns the names of the new
    ones when Kafka shows all of them to whoever asks: a gateway may be started at once.

    `tell` is called when a wait for Kafka begins. Raises
    KafkaUnavailableError or TopicRefusedError.
    """
    created: list[str] = []

    async def make() -> None:
        async with _admin(options) as admin:
            for name in sorted(set(wanted) - set(await admin.list_topics())):
                topic = NewTopic(name, partitions, replication, topic_configs=dict(wanted[name]))
                if await _makes(admin, topic):
                    created.append(name)
            if not set(wanted) <= set(await admin.list_topics()):
                raise UnknownTopicOrPartitionError()

    await met(options, make, tell)
    return created


async def _makes(admin: AIOKafkaAdminClient, topic: NewTopic) -> bool:
    """Have Kafka create one topic; False if somebody else has created it meanwhile.

    Raises TopicRefusedError, or Kafka's own error if a second try in a moment may succeed.
    """
    (answer,) = (await admin.create_topics([topic])).topic_errors
    error = for_code(answer[1])
    if error is NoError or error is TopicAlreadyExistsError:
        return error is NoError
    if error.retriable:
        raise error()
    raise TopicRefusedError(
        Finding(
            "kafka.topic_refused",
            expected=f"Kafka to create the topic {topic.name} with {topic.num_partitions} "
            f"partitions and {topic.replication_factor} replicas",
            found=f"{error.__name__} ({answer[2] or 'without a reason'})",
            where="",
            do="correct --partitions or --replication (with one broker, --replication 1), or give "
            "our user the right to create it",
        )
    )


async def too_small(
    options: Mapping[str, object],
    names: list[str],
    record_bytes: int,
    tell: Callable[[Starting], None] = log_starting,
) -> dict[str, int]:
    """The topics that take no record of `record_bytes`, each with the most bytes that it takes.

    `tell` is called when a wait for Kafka begins. Raises KafkaUnavailableError.
    """
    limits = await _configured(options, names, RECORD_BYTES, tell)
    return {name: int(most) for name, most in limits.items() if int(most) < record_bytes}


async def compressed(
    options: Mapping[str, object],
    names: list[str],
    tell: Callable[[Starting], None] = log_starting,
) -> dict[str, str]:
    """The topics that keep a compressed batch as it came, each with its compression.type.

    `tell` is called when a wait for Kafka begins. Raises KafkaUnavailableError.
    """
    types = await _configured(options, names, COMPRESSION, tell)
    return {name: kind for name, kind in types.items() if kind != UNCOMPRESSED}


async def _configured(
    options: Mapping[str, object], names: list[str], key: str, tell: Callable[[Starting], None]
) -> dict[str, str]:
    """The value of a configuration of topics; a topic that is hidden from us is left out."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, {key: None}) for name in names]

    async def look() -> dict[str, str]:
        async with _admin(options) as admin:
            answers = await admin.describe_configs(resources)
        values: dict[str, str] = {}
        for code, _message, _kind, name, entries in [
            resource for answer in answers for resource in answer.resources
        ]:
            error = for_code(code)
            if error.retriable:
                raise error()
            told = {entry[0]: entry[1] for entry in entries} if error is NoError else {}
            if key in told:
                values[name] = told[key]
        return values

    return await met(options, look, tell)


async def partitions_of(
    options: Mapping[str, object],
    names: list[str],
    tell: Callable[[Starting], None] = log_starting,
) -> dict[str, int]:
    """How many partitions each topic has. Raises KafkaUnavailableError."""

    async def look() -> dict[str, int]:
        async with _admin(options) as admin:
            described = await admin.describe_topics(names)
        return {topic["topic"]: len(topic["partitions"]) for topic in described}

    return await met(options, look, tell)


class PartitionSpan(NamedTuple):
    """The offsets of a partition: its first record, and where the next record will be written."""

    begin: int
    end: int


async def span_of(
    options: Mapping[str, object],
    topic: str,
    partition: int,
    tell: Callable[[Starting], None] = log_starting,
) -> PartitionSpan | None:
    """Where a partition begins and ends; None if Kafka does not have it, or hides it from us.

    `tell` is called when a wait for Kafka begins. Raises KafkaUnavailableError.
    """
    place = TopicPartition(topic, partition)

    async def look() -> PartitionSpan | None:
        consumer = AIOKafkaConsumer(**options)
        try:
            await consumer.start()
            need_brokers(consumer._client)
            seen = await consumer._client.fetch_all_metadata()
            if partition not in (seen.partitions_for_topic(topic) or ()):
                return None
            begins = await consumer.beginning_offsets([place])
            return PartitionSpan(begins[place], (await consumer.end_offsets([place]))[place])
        finally:
            await consumer.stop()

    return await met(options, look, tell)


@asynccontextmanager
async def _admin(options: Mapping[str, object]) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        need_brokers(admin._client)
        # Without a controller, aiokafka would ask None for its node id.
        if admin._client.cluster.controller is None:
            raise NoBrokersAvailable()
        yield admin
    finally:
        await admin.close()
