"""`chargeline capture`: puts the parts together and runs them until it is told to stop.

It owns start-up, the tasks side by side, and an end in good order: what was polled is finished, what
was announced is published, and every failure that would need a person ends the program with its reason.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from chargeline import __version__
from chargeline.capture.consumer import GATHER_SECONDS, RETRY_SECONDS, Consumer, Partitions, waited
from chargeline.capture.ending import Ending, closed
from chargeline.capture.relay import OutboxRelay
from chargeline.capture.trouble import Troubles
from chargeline.drafting.parked_limit import ParkedLimit
from chargeline.drafting.prices import read_prices
from chargeline.drafting.processor import Processor, Terms, utc_now
from chargeline.drafting.revisions import Drafting, Outcome, Topics
from chargeline.drafting.watching import tell_counts, tell_outcome
from chargeline.engine import Rulebook
from chargeline.hl7.profile import make_profile
from chargeline.kafka import connecting as kafka
from chargeline.kafka import topics
from chargeline.ledger.connecting import Limits
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.store import Ledger
from chargeline.published.schemas import CHANNELS, INBOUND_DAYS
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.settings import Settings
from chargeline.telemetry import logs
from chargeline.telemetry.http import health_pages
from chargeline.telemetry.metrics import Metrics

VISITS_IN_MEMORY = 5_000
TIMER_SECONDS = 0.5
GAUGE_SECONDS = 10.0
RETENTION_SECONDS = 3600.0
DUE_AT_ONCE = 200
# What is fetched and not yet worked off stays in memory: one answer of each partition, at most 48 MiB of
# 48 partitions. A single message that is larger still comes.
FETCH_BYTES = 16 * 1_048_576
PARTITION_FETCH_BYTES = 1_048_576
# Messages come together at the broker, not in our memory: what is fetched early would wait for the next
# poll, and what came after it for the one after that.
FETCH_LEAST_BYTES = 262_144
# In the order of `topics_of`, as schemas/ publishes them; the site's Kafka decides replication.
_KEPT_DAYS = (INBOUND_DAYS, *(channel.retention_days for channel in CHANNELS))
RETENTION_DAYS = dict(zip(("inbound", "drafts", "questions", "parked"), _KEPT_DAYS, strict=True))


def kafka_options(settings: Settings) -> dict[str, object]:
    """What every Kafka client of ours is told: servers, name, security."""
    return kafka.client_options(settings.kafka_client(), kafka.TlsFiles(*settings.kafka_tls_files()))


def topics_of(settings: Settings) -> tuple[str, ...]:
    """All topics of the live service."""
    return settings.topic_inbound, settings.topic_drafts, settings.topic_questions, settings.topic_parked


def load_rules(settings: Settings) -> tuple[Rulebook, Path]:
    """The rulebook and its folder; raises RulebookError."""
    folder = rules_directory(settings.rules)
    return load_rulebook(folder, settings.formulary), folder


def new_processor(
    settings: Settings, ledger: Ledger, inbound: str, tell: Callable[[Outcome], None]
) -> Processor:
    """A processor by the settings."""
    rulebook, folder = load_rules(settings)
    drafting = Drafting(
        rulebook,
        settings.default_policy,
        Topics(settings.topic_drafts, settings.topic_questions),
        timedelta(hours=float(settings.discharge_grace_hours)),
        timedelta(minutes=float(settings.missing_stop_grace_minutes)),
        read_prices(settings.prices) if settings.prices is not None else None,
    )
    terms = Terms(
        inbound, settings.topic_parked, timedelta(seconds=float(settings.settle_seconds)), VISITS_IN_MEMORY
    )
    profile = make_profile(read_interface(folder, settings.interface))
    return Processor(ledger, profile, drafting, terms, utc_now, tell)


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    logs.configure(settings.log_level)
    log = logs.logger("capture")
    troubles = Troubles(log)
    async with AsyncExitStack() as stack:
        ledger = await Ledger.open(settings.ledger_url.get_secret_value(), limits=_limits(settings))
        stack.push_async_callback(lambda: closed(ledger.close(), "ledger", log))
        metrics = Metrics(CollectorRegistry(), program="capture", version=__version__)
        processor = new_processor(settings, ledger, settings.topic_inbound, tell_outcome(metrics, utc_now))
        metrics.rulebook.tell(version=processor.drafting.rulebook.version)
        relay = OutboxRelay(ledger, lambda: _producer(settings), troubles)
        stack.push_async_callback(relay.close)
        await relay.connect()
        consumer = await _consumer(settings, stack, log)
        owner = f"{settings.kafka_client_id}-{uuid4().hex[:12]}"
        heartbeat = settings.kafka_heartbeat_interval_ms / 1000
        partitions = Partitions(consumer, processor, owner, metrics, log, heartbeat_seconds=heartbeat)

        def not_ready() -> list[str]:
            return [*partitions.not_ready(), *troubles.reasons()]

        def unfinished() -> list[str]:
            waiting = [f"events that are not published: {relay.in_hand}"] if relay.in_hand else []
            return [*waiting, *troubles.reasons()]

        ending = Ending(settings.shutdown_seconds, unfinished, log)
        reader = Consumer(
            consumer,
            partitions,
            topic=settings.topic_inbound,
            most=settings.kafka_max_poll_records,
            poll_ms=min(settings.kafka_poll_timeout_ms, 500),
            limit=ParkedLimit(settings.parked_in_a_row, settings.parked_per_minute, utc_now),
            troubles=troubles,
            log=log,
            stop=ending.told,
            committed=relay.wake.set,
        )
        await stack.enter_async_context(_pages(settings, metrics, not_ready))
        ending.on_signals()
        consumer.subscribe([settings.topic_inbound], listener=partitions)
        log.info("started", program="capture", version=__version__)
        await ending.beside(
            _until_drained(
                ending,
                relay,
                reader.run(),
                reader.courtesies(),
                _timers(reader),
                _gauges(reader, ledger, metrics, priced=settings.prices is not None),
                _retention(reader, ledger, settings.retention_days, settings.record_retention_days),
            ),
            relay.run(),
        )
    log.info("stopped", program="capture")
    return 0


def _pages(
    settings: Settings, metrics: Metrics, not_ready: Callable[[], list[str]]
) -> AbstractAsyncContextManager[None]:
    version = {"program": "capture", "version": __version__}
    return health_pages(settings.http_address(), metrics, version=version, not_ready=not_ready)


def _limits(settings: Settings) -> Limits:
    """A consumer that hangs in a transaction must let go of its partitions before others are given them."""
    return Limits(idle_in_transaction=settings.kafka_session_timeout_ms / 2000)


def _producer(settings: Settings) -> AbstractAsyncContextManager[AIOKafkaProducer]:
    return kafka.producer(
        kafka_options(settings), topics=topics_of(settings), record_bytes=settings.kafka_record_bytes()
    )


async def _consumer(settings: Settings, stack: AsyncExitStack, log: FilteringBoundLogger) -> AIOKafkaConsumer:
    consumer = await kafka.met(kafka_options(settings), lambda: _started(settings, log))
    stack.push_async_callback(lambda: closed(consumer.stop(), "consumer", log))
    return consumer


async def _started(settings: Settings, log: FilteringBoundLogger) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        group_id=settings.kafka_group,
        group_instance_id=settings.kafka_instance_id or None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=settings.kafka_session_timeout_ms,
        heartbeat_interval_ms=settings.kafka_heartbeat_interval_ms,
        rebalance_timeout_ms=settings.kafka_rebalance_timeout_ms,
        max_poll_interval_ms=settings.kafka_max_poll_interval_ms,
        fetch_min_bytes=FETCH_LEAST_BYTES,
        fetch_max_wait_ms=round(GATHER_SECONDS * 1000),
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        **kafka_options(settings),
    )
    try:
        await consumer.start()
        kafka.need_brokers(consumer._client)
    except BaseException:
        await closed(consumer.stop(), "consumer", log)
        raise
    return consumer


async def _until_drained(ending: Ending, relay: OutboxRelay, *work: Awaitable[None]) -> None:
    """Do all work that fills the outbox; when it has ended, the relay may end when it has published all."""
    await ending.beside(*work)
    relay.stop.set()


async def _timers(reader: Consumer) -> None:
    """Work off what is due: drafts that have settled, drafts that become final, stops to ask for."""
    while not reader.stop.is_set():
        try:
            count = await reader.work_off_due(DUE_AT_ONCE)
        except LedgerError as error:
            reader.troubles.met("timers", error)
            await waited(reader.stop, RETRY_SECONDS)
            continue
        reader.troubles.over("timers")
        if count < DUE_AT_ONCE:
            await waited(reader.stop, TIMER_SECONDS)


async def _gauges(reader: Consumer, ledger: Ledger, metrics: Metrics, *, priced: bool) -> None:
    """What only the ledger knows: how much waits, and since when."""
    while not reader.stop.is_set():
        try:
            tell_counts(metrics, await ledger.counts(), utc_now(), priced=priced)
        except LedgerError as error:
            reader.troubles.met("counts", error)
        else:
            reader.troubles.over("counts")
        await waited(reader.stop, GAUGE_SECONDS)


async def _retention(reader: Consumer, ledger: Ledger, days: int, record_days: int) -> None:
    """Once an hour, remove what has been kept for its days."""
    while not reader.stop.is_set():
        try:
            forgotten = await ledger.forget(
                utc_now() - timedelta(days=days), record_before=utc_now() - timedelta(days=record_days)
            )
        except LedgerError as error:
            reader.troubles.met("retention", error)
            await waited(reader.stop, RETRY_SECONDS)
            continue
        reader.troubles.over("retention")
        if forgotten.visits:
            reader.log.info("forgotten", count=forgotten.visits)
        await waited(reader.stop, RETENTION_SECONDS)


async def create_topics(
    settings: Settings,
    partitions: int,
    replication: int,
    tell: Callable[[kafka.Starting], None] = kafka.log_starting,
) -> list[str]:
    """Create the topics that are missing; returns their names. Raises KafkaUnavailableError.

    `tell` is called if Kafka is waited for.
    """
    wanted = {
        name: {
            "retention.ms": str(days * 86_400_000),
            topics.RECORD_BYTES: str(settings.kafka_record_bytes()),
        }
        for name, days in zip(topics_of(settings), RETENTION_DAYS.values(), strict=True)
    }
    return await topics.create(
        kafka_options(settings), wanted, partitions=partitions, replication=replication, tell=tell
    )
