"""`chargeline topics create`: the topics of the live service, where they are missing.

It owns how long each topic keeps its records. The site's Kafka decides everything else.
"""

from collections.abc import Awaitable, Callable

from chargeline.kafka import topics
from chargeline.kafka.connecting import client_options
from chargeline.kafka.starting import Starting, log_starting
from chargeline.operate.running import OK, say
from chargeline.published.schemas import CHANNELS, INBOUND_DAYS
from chargeline.settings import Settings

# In the order of `Settings.topics`, as schemas/ publishes them.
_KEPT_DAYS = (INBOUND_DAYS, *(channel.retention_days for channel in CHANNELS))
RETENTION_DAYS = dict(zip(("inbound", "drafts", "questions", "parked"), _KEPT_DAYS, strict=True))


async def make_topics(
    settings: Settings,
    partitions: int,
    replication: int,
    tell: Callable[[Starting], None] = log_starting,
) -> list[str]:
    """Create the topics that are missing; returns their names. Raises KafkaUnavailableError.

    `tell` is called if Kafka is waited for.
    """
    wanted = {
        name: {
            "retention.ms": str(days * 86_400_000),
            topics.RECORD_BYTES: str(settings.kafka_record_bytes()),
        }
        for name, days in zip(settings.topics(), RETENTION_DAYS.values(), strict=True)
    }
    options = client_options(settings.kafka_client(), settings.kafka_tls_files())
    return await topics.create(
        options, wanted, partitions=partitions, replication=replication, tell=tell
    )


def create_topics(partitions: int, replication: int) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline topics create`."""

    def tell(found: Starting) -> None:
        say(str(found), OK)

    async def work(settings: Settings) -> int:
        created = await make_topics(settings, partitions, replication, tell)
        print(
            "\n".join(f"created {name}, {partitions} partitions" for name in created)
            or "all topics exist"
        )
        most = settings.kafka_record_bytes()
        options = client_options(settings.kafka_client(), settings.kafka_tls_files())
        names = list(settings.topics())
        for name, found in (await topics.too_small(options, names, most, tell)).items():
            say(
                f"expected {name} to take records of {most} bytes, found {topics.RECORD_BYTES} "
                f"at {found}; raise it, or the largest messages go no further",
                OK,
            )
        return OK

    return work
