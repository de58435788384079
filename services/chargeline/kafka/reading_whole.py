"""A topic read once, from its first record to where it ended when the reading began.

It owns the bounds of such a reading. It belongs to no consumer group and commits nothing, so that
the programs of the live service do not notice it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from chargeline.kafka.starting import met, need_brokers

_POLL_MS = 1_000


async def whole_topic(
    options: Mapping[str, object], topic: str, most: int = 500
) -> AsyncIterator[Sequence[Any]]:
    """The records of a topic in lots of at most `most`, in order within each partition.

    Nothing comes of a topic that Kafka does not have. Raises KafkaUnavailableError, and KafkaError
    once records have come.
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
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        left = {place for place in places if begins[place] < ends[place]}
        if places and not left:
            # Kafka tells only a fetch that we may not read, so an empty topic is asked as well.
            await consumer.getmany(*places, timeout_ms=_POLL_MS)
        while left:
            for place, records in (
                await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=most)
            ).items():
                yield [record for record in records if record.offset < ends[place]]
            left = {place for place in left if await consumer.position(place) < ends[place]}
    finally:
        await consumer.stop()
