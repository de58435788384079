"""A topic read once, from its first record to where it ended when the reading began.

It owns the bounds of such a reading. It belongs to no consumer group and commits nothing, so that
the programs of the live service do not notice it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from chargeline.engine import Finding
from chargeline.kafka.starting import (
    KafkaUnavailableError,
    TopicsMissingError,
    met,
    need_brokers,
)

_POLL_MS = 1_000


async def whole_topic(
    options: Mapping[str, object], topic: str, most: int = 500
) -> AsyncIterator[Sequence[Any]]:
    """The records of a topic in lots of at most `most`, in order within each partition.

    Raises TopicsMissingError if Kafka does not have it or hides it from us, KafkaUnavailableError
    also if we may not read it, and KafkaError once records have come.
    """

    async def started() -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            auto_offset_reset="earliest", enable_auto_commit=False, **options
        )
        try:
            await consumer.start()
            need_brokers(consumer._client)
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    consumer = await met(options, started)
    try:
        seen = await consumer._client.fetch_all_metadata()
        places = [TopicPartition(topic, n) for n in seen.partitions_for_topic(topic) or ()]
        if not places:
            raise _not_seen(topic)
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        left = {place for place in places if begins[place] < ends[place]}
        if not left:
            # Kafka tells only a fetch that we may not read, so an empty topic is asked as well.
            await consumer.getmany(*places, timeout_ms=_POLL_MS)
        while left:
            for place, records in (
                await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=most)
            ).items():
                yield [record for record in records if record.offset < ends[place]]
            left = {place for place in left if await consumer.position(place) < ends[place]}
    except TopicAuthorizationFailedError:
        raise _not_read(topic) from None
    finally:
        await consumer.stop()


def _not_seen(topic: str) -> TopicsMissingError:
    """The topic does not stand among those that Kafka shows our user."""
    return TopicsMissingError(
        Finding(
            "kafka.topics_missing",
            expected=f"the topic {topic}",
            found="none of that name that our Kafka user may see: it is not there, or the user has "
            "no right to Describe it",
            where="",
            do="correct the name of the topic in the settings, or give our Kafka user Read on it, "
            "which Describe comes with (docs/rights/acls.sh)",
        )
    )


def _not_read(topic: str) -> KafkaUnavailableError:
    """Kafka shows us the topic, and refuses its records."""
    return KafkaUnavailableError(
        Finding(
            "kafka.refused",
            expected=f"the records of the topic {topic}",
            found="a Kafka user that may see the topic and has no right to Read it",
            where="",
            do="give our Kafka user Read on it (docs/rights/acls.sh)",
        )
    )
