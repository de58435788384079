"""Topics: made where they are missing, and looked at where they are there.

It owns what a broker answers to that, which aiokafka hands over without a look: a refusal is an
error here. Names, partitions and how long records are kept are the programs' to say.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoBrokersAvailable, NoError, TopicAlreadyExistsError, for_code

from chargeline.engine import Finding
from chargeline.kafka.starting import (
    KafkaUnavailableError,
    Starting,
    log_starting,
    met,
    need_brokers,
)

RECORD_BYTES = "max.message.bytes"


class TopicRefusedError(KafkaUnavailableError):
    """Kafka does not make a topic."""


async def create(
    options: Mapping[str, object],
    wanted: Mapping[str, Mapping[str, str]],
    *,
    partitions: int,
    replication: int,
    tell: Callable[[Starting], None] = log_starting,
) -> list[str]:
    """Make the topics that are missing, with these configurations; returns their names.

    `tell` is called if Kafka is waited for. Raises KafkaUnavailableError or TopicRefusedError.
    """
    created: list[str] = []

    async def make() -> None:
        async with _admin(options) as admin:
            for name in sorted(set(wanted) - set(await admin.list_topics())):
                topic = NewTopic(name, partitions, replication, topic_configs=dict(wanted[name]))
                if await _makes(admin, topic):
                    created.append(name)

    await met(options, make, tell)
    return created


async def _makes(admin: AIOKafkaAdminClient, topic: NewTopic) -> bool:
    """Have one topic made; false if somebody else was quicker.

    Raises TopicRefusedError, or Kafka's error where it may answer otherwise in a moment.
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
            expected=f"Kafka to make the topic {topic.name} with {topic.num_partitions} "
            f"partitions and {topic.replication_factor} replicas",
            found=f"{error.__name__} ({answer[2] or 'without a reason'})",
            where="",
            do="correct --partitions or --replication, or have our user given the right",
        )
    )


async def too_small(
    options: Mapping[str, object],
    names: list[str],
    record_bytes: int,
    tell: Callable[[Starting], None] = log_starting,
) -> dict[str, int]:
    """Those of the topics that take only records smaller than these, and what they take.

    `tell` is called if Kafka is waited for. Raises KafkaUnavailableError.
    """
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, {RECORD_BYTES: None}) for name in names
    ]

    async def look() -> dict[str, int]:
        async with _admin(options) as admin:
            answers = await admin.describe_configs(resources)
        found = {}
        for code, _message, _kind, name, entries in (
            each for one in answers for each in one.resources
        ):
            error = for_code(code)
            if error.retriable:
                raise error()
            values = {entry[0]: int(entry[1]) for entry in entries} if error is NoError else {}
            if values.get(RECORD_BYTES, record_bytes) < record_bytes:
                found[name] = values[RECORD_BYTES]
        return found

    return await met(options, look, tell)


@asynccontextmanager
async def _admin(options: Mapping[str, object]) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        need_brokers(admin._client)
        if (
            admin._client.cluster.controller is None
        ):  # aiokafka asks it for its number, there or not
            raise NoBrokersAvailable()
        yield admin
    finally:
        await admin.close()
