"""`chargeline topics create`: creates the topics of the live service that are missing.

It owns which settings each new topic gets: its retention, the largest record, and that inbound
records are kept unpacked. All other settings of a topic are those of the site's Kafka. A topic that
exists is not changed.
"""

from collections.abc import Callable

from chargeline.kafka import topics
from chargeline.kafka.connecting import client_options
from chargeline.kafka.starting import Starting, log_starting
from chargeline.operate.running import OK, Command, say
from chargeline.settings import Settings


async def make_topics(
    settings: Settings,
    partitions: int,
    replication: int,
    tell: Callable[[Starting], None] = log_starting,
) -> list[str]:
    """Create the topics that are missing, and return their names.

    `tell` is called if Kafka is still starting and must be waited for. Raises
    KafkaUnavailableError.
    """
    wanted = {
        name: {
            "retention.ms": str(days * 86_400_000),
            topics.RECORD_BYTES: str(settings.kafka_record_bytes()),
        }
        for name, days in zip(settings.topics(), settings.topic_days(), strict=True)
    }
    # When a message arrived must not be its sender's word: a clock that is ahead would win.
    wanted[settings.topic_inbound] |= {"message.timestamp.type": "LogAppendTime"}
    # A few kilobytes of gzip may be a gigabyte of zeros: the broker refuses it when it is unpacked.
    wanted[settings.topic_inbound] |= {topics.COMPRESSION: topics.UNCOMPRESSED}
    options = client_options(settings.kafka_client(), settings.kafka_tls_files())
    return await topics.create(
        options, wanted, partitions=partitions, replication=replication, tell=tell
    )


def create_topics(partitions: int, replication: int) -> Command:
    """Do `chargeline topics create`, and say which topics take only smaller messages."""

    def tell(starting: Starting) -> None:
        say(str(starting), OK)

    async def work(settings: Settings) -> int:
        created = await make_topics(settings, partitions, replication, tell)
        print(
            "\n".join(f"created {name}, {partitions} partitions" for name in created)
            or "all topics exist"
        )
        most = settings.kafka_record_bytes()
        options = client_options(settings.kafka_client(), settings.kafka_tls_files())
        names = list(settings.topics())
        for name, number in (await topics.partitions_of(options, names, tell)).items():
            if number != partitions:
                say(
                    f"expected the topic {name} to have {partitions} partitions, found {number}; "
                    f"`topics create` changes no topic that exists: leave it, or use another name",
                    OK,
                )
        for name, limit in (await topics.too_small(options, names, most, tell)).items():
            say(
                f"expected the topic {name} to take records of {most} bytes, found "
                f"{topics.RECORD_BYTES} = {limit}; raise {topics.RECORD_BYTES} of this topic, or "
                f"it refuses the largest messages",
                OK,
            )
        inbound = [settings.topic_inbound]
        for name, kind in (await topics.compressed(options, inbound, tell)).items():
            say(
                f"expected the topic {name} to have {topics.COMPRESSION} = {topics.UNCOMPRESSED}, "
                f"found {kind}; set it, or a small compressed batch can take all memory of a "
                f"capture",
                OK,
            )
        return OK

    return work
