"""Topics: made where they are missing, and looked at where they are there.

It owns what a broker answers to that, which aiokafka hands over without a look: a refusal is an error here.
Names, partitions and how long records are kept are the programs' to say.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from chargeline.kafka.connecting import KafkaUnavailableError, refused

RECORD_BYTES = "max.message.bytes"


class TopicRefusedError(KafkaUnavailableError):
    """Kafka does not make a topic; the text says why."""


async def create(
    options: Mapping[str, object],
    wanted: Mapping[str, Mapping[str, str]],
    *,
    partitions: int,
    replication: int,
) -> list[str]:
    """Make the topics that are missing, with these configurations; returns their names.

    Raises KafkaUnavailableError or TopicRefusedError.
    """
    created = []
    async with _admin(options) as admin:
        for name in sorted(set(wanted) - set(await admin.list_topics())):
            topic = NewTopic(name, partitions, replication, topic_configs=dict(wanted[name]))
            (answer,) = (await admin.create_topics([topic])).topic_errors
            error = for_code(answer[1])
            if error is NoError:
                created.append(name)
            elif error is not TopicAlreadyExistsError:  # somebody else was quicker
                raise TopicRefusedError(
                    f"expected Kafka to make the topic {name} with {partitions} partitions and {replication} "
                    f"replicas, found {error.__name__} ({answer[2] or 'without a reason'}); correct "
                    "--partitions or --replication, or have our user given the right"
                )
    return created


async def too_small(options: Mapping[str, object], names: list[str], record_bytes: int) -> dict[str, int]:
    """Those of the topics that take only records smaller than these, and what they take."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, {RECORD_BYTES: None}) for name in names]
    found = {}
    async with _admin(options) as admin:
        for answer in await admin.describe_configs(resources):
            for code, _message, _kind, name, entries in answer.resources:
                values = {entry[0]: int(entry[1]) for entry in entries} if for_code(code) is NoError else {}
                if values.get(RECORD_BYTES, record_bytes) < record_bytes:
                    found[name] = values[RECORD_BYTES]
    return found


@asynccontextmanager
async def _admin(options: Mapping[str, object]) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        yield admin
    except (KafkaError, TimeoutError) as error:
        raise await refused(options, error) from None
    finally:
        await admin.close()
