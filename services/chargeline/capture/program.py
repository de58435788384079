"""`chargeline capture`: puts the parts together and runs them until it is told to stop.

This module owns the start, the tasks side by side, and an end in good order: the poll at hand is
finished, and the outbox is published. A failure that needs a person ends the program with its
reason. The module repeats no step of the parts; each part knows its own work.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from chargeline.capture.consumer import GATHER_SECONDS, RETRY_SECONDS, Consumer
from chargeline.capture.courtesies import Courtesies, waited
from chargeline.capture.failures import TaskFailures
from chargeline.capture.partitions import Partitions
from chargeline.capture.relay import OutboxRelay
from chargeline.capture.shutdown import Shutdown, closed
from chargeline.certificates import seconds_left
from chargeline.drafting.acting import note_start, start_of
from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.counting import (
    count_drafted,
    count_published,
    count_records,
    count_redrafted,
    count_retries,
    show_counts,
    show_tables,
    tell_ledger,
)
from chargeline.drafting.ledger_keys import ledger_keys
from chargeline.drafting.prices import read_prices
from chargeline.drafting.processor import utc_now
from chargeline.drafting.redrafting import Redrafting
from chargeline.drafting.retaining import forget_old
from chargeline.drafting.service_process import become_a_service, tell_open_files
from chargeline.drafting.setup import RETENTION_SECONDS, new_processor
from chargeline.drafting.signed_heads import signer_of, tell_head
from chargeline.kafka import connecting as kafka
from chargeline.kafka.renewing import with_password_of_now
from chargeline.kafka.starting import met, need_brokers
from chargeline.ledger.connecting import LedgerLimits
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings
from chargeline.telemetry import logs
from chargeline.telemetry.http import health_pages
from chargeline.telemetry.metrics import Metrics
from chargeline.version import VERSION

TIMER_SECONDS = 0.5
GAUGE_SECONDS = 10.0
DUE_AT_ONCE = 200
# Records that are fetched and not yet worked off stay in memory. There is at most one answer for
# each partition: with 48 partitions 48 MiB. A single message that is larger is fetched all the
# same.
FETCH_BYTES = 16 * 1_048_576
PARTITION_FETCH_BYTES = 1_048_576
# The broker waits for so many bytes, or for GATHER_SECONDS, before it answers a fetch: messages
# gather there and not in our memory. Messages that were fetched early would wait for the next poll,
# and messages behind them for the poll after that.
FETCH_LEAST_BYTES = 262_144
# So soon a capture hears that partitions were added, and the group shares them out.
METADATA_MS = 30_000


def kafka_options(settings: Settings) -> dict[str, object]:
    """The options that all our Kafka clients share: servers, name, security."""
    return kafka.client_options(settings.kafka_client(), settings.kafka_tls_files())


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    become_a_service()
    logs.configure(settings.log_level)
    log = logs.logger("capture")
    tell_open_files(settings, log)
    _check_files(settings)
    metrics = Metrics(CollectorRegistry(), program="capture", version=VERSION)
    failures = TaskFailures(log, count_retries(metrics))
    async with AsyncExitStack() as stack:
        ledger = await _ledger(settings, metrics)
        stack.push_async_callback(lambda: closed(ledger.close(), "ledger", log))
        processor = new_processor(
            settings, ledger, settings.topic_inbound, count_drafted(metrics, utc_now)
        )
        rulebook, parked = processor.maker.rulebook.version, processor.settings.parked
        metrics.rulebook.tell(version=rulebook)
        await note_start(ledger, start_of("capture", settings, rulebook))
        relay = _relay(settings, ledger, failures, parked, metrics=metrics)
        stack.push_async_callback(relay.close)
        await relay.connect()
        consumer = await _consumer(settings, stack, log)
        partitions = Partitions(
            consumer=consumer,
            processor=processor,
            owner=f"{settings.kafka_client_id}-{uuid4().hex[:12]}",
            metrics=metrics,
            log=log,
            heartbeat_seconds=settings.kafka_heartbeat_interval_ms / 1000,
        )

        def not_ready() -> list[str]:
            return [*partitions.not_ready(), *failures.reasons()]

        def unfinished() -> list[str]:
            waiting = [f"events that are not published: {relay.in_hand}"] if relay.in_hand else []
            return [*waiting, *failures.reasons()]

        shutdown = Shutdown(settings.shutdown_seconds, unfinished, log)
        reader = _reader(settings, partitions, shutdown, relay, failures=failures)
        await stack.enter_async_context(_pages(settings, not_ready, partitions))
        shutdown.on_signals()
        redrafting = Redrafting(processor, settings.redraft_per_second, count_redrafted(metrics))
        consumer.subscribe([settings.topic_inbound], listener=partitions)
        log.info("started", program="capture", version=VERSION)
        await shutdown.beside(
            _until_drained(shutdown, relay, *_tasks(reader, ledger, settings, redrafting)),
            relay.run(),
        )
    log.info("stopped", program="capture")
    return 0


def _check_files(settings: Settings) -> None:
    """Report mistakes of the price list and of the signing key before we connect.

    Raises PricesError or KeyUnusable.
    """
    if settings.prices is not None:
        read_prices(settings.prices)
    signer_of(settings)


async def _ledger(settings: Settings, metrics: Metrics) -> Ledger:
    ledger = await Ledger.open(
        settings.ledger_address,
        limits=_limits(settings),
        keys=await ledger_keys(settings),
        keys_anew=partial(ledger_keys, settings),
    )
    ledger.told = tell_ledger(metrics)
    return ledger


def _courtesies(reader: Consumer) -> Courtesies:
    return Courtesies(
        reader.consumer,
        reader.partitions,
        topic=reader.topic,
        failures=reader.failures,
        log=reader.log,
        stop=reader.stop,
    )


def _relay(
    settings: Settings,
    ledger: Ledger,
    failures: TaskFailures,
    parked: ParkedTopic,
    *,
    metrics: Metrics,
) -> OutboxRelay:
    return OutboxRelay(
        ledger,
        lambda: _producer(settings),
        failures,
        parked,
        inbound=settings.topic_inbound,
        tell=count_published(metrics),
    )


def _reader(
    settings: Settings,
    partitions: Partitions,
    shutdown: Shutdown,
    relay: OutboxRelay,
    *,
    failures: TaskFailures,
) -> Consumer:
    return Consumer(
        partitions.consumer,
        partitions,
        topic=settings.topic_inbound,
        most=settings.kafka_max_poll_records,
        largest=settings.mllp_frame_bytes,
        poll_ms=min(settings.kafka_poll_timeout_ms, 500),
        failures=failures,
        log=partitions.log,
        stop=shutdown.told,
        committed=relay.wake.set,
    )


def _pages(
    settings: Settings, not_ready: Callable[[], list[str]], partitions: Partitions
) -> AbstractAsyncContextManager[None]:
    metrics, processor = partitions.metrics, partitions.processor

    def before_scrape() -> None:
        left = seconds_left(settings.kafka_tls_certificate_file, utc_now())
        metrics.kafka_certificate_left.set(left)
        metrics.oldest_unread.set(partitions.unread.oldest(partitions.expected, utc_now()))

    rulebook = processor.maker.rulebook
    return health_pages(
        settings.http_address(),
        metrics,
        version={
            "program": "capture",
            "version": VERSION,
            "rulebook": rulebook.version,
            "refdata": rulebook.tables.version,
        },
        not_ready=not_ready,
        before_scrape=before_scrape,
    )


def _limits(settings: Settings) -> LedgerLimits:
    """The limits of the ledger. PostgreSQL ends an idle transaction after half the Kafka session.

    With a session of 45 s that is 22.5 s. So a capture that hangs in a transaction has lost its
    locks before another capture gets its partitions.
    """
    return LedgerLimits(idle_in_transaction=settings.kafka_session_timeout_ms / 2000)


def _producer(settings: Settings) -> AbstractAsyncContextManager[AIOKafkaProducer]:
    return kafka.producer(
        kafka_options(settings),
        topics=settings.topics(),
        record_bytes=settings.kafka_record_bytes(),
        password=settings.kafka_password,
    )


async def _consumer(
    settings: Settings, stack: AsyncExitStack, log: FilteringBoundLogger
) -> AIOKafkaConsumer:
    consumer = await met(kafka_options(settings), lambda: _started(settings, log))
    with_password_of_now(consumer._client, settings.kafka_password)
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
        metadata_max_age_ms=METADATA_MS,
        fetch_min_bytes=FETCH_LEAST_BYTES,
        fetch_max_wait_ms=round(GATHER_SECONDS * 1000),
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        **kafka_options(settings),
    )
    try:
        await consumer.start()
        need_brokers(consumer._client)
    except BaseException:
        await closed(consumer.stop(), "consumer", log)
        raise
    return consumer


def _tasks(
    reader: Consumer, ledger: Ledger, settings: Settings, redrafting: Redrafting
) -> list[Awaitable[None]]:
    """What fills the outbox, and what watches and cleans the ledger meanwhile."""
    processor = reader.partitions.processor
    return [
        reader.run(),
        _courtesies(reader).run(),
        _timers(reader),
        # open visits that rest on other rules, while no messages wait
        _again(reader, "redrafting", partial(reader.redraft, redrafting)),
        _gauges(reader, ledger, priced=settings.prices is not None),
        # how authorizations and courses stand, which a passing day changes
        _again(reader, "records", partial(count_records, processor, reader.partitions.metrics)),
        _again(reader, "retention", partial(_retention, reader, ledger, settings)),
    ]


async def _until_drained(shutdown: Shutdown, relay: OutboxRelay, *work: Awaitable[None]) -> None:
    """Run all tasks that fill the outbox. When they have ended, tell the relay to publish
    the rest and end.
    """
    await shutdown.beside(*work)
    relay.stop.set()


async def _timers(reader: Consumer) -> None:
    """Work off visits that are due: drafts that have settled or become final, stops to ask for."""
    while not reader.stop.is_set():
        try:
            count = await reader.work_off_due(DUE_AT_ONCE)
        except LedgerError as error:
            reader.failures.met("timers", error)
            await waited(reader.stop, RETRY_SECONDS)
            continue
        reader.failures.over("timers")
        if count < DUE_AT_ONCE:
            await waited(reader.stop, TIMER_SECONDS)


async def _gauges(reader: Consumer, ledger: Ledger, *, priced: bool) -> None:
    """Show in the metrics what only the ledger knows: how much waits, and since when."""
    metrics = reader.partitions.metrics
    while not reader.stop.is_set():
        metrics.quarantined.set(reader.partitions.processor.quarantine.senders())
        show_tables(metrics, reader.partitions.processor.maker.rulebook.tables, utc_now())
        try:
            show_counts(metrics, await ledger.counts(), utc_now(), priced=priced)
        except LedgerError as error:
            reader.failures.met("counts", error)
        else:
            reader.failures.over("counts")
        await waited(reader.stop, GAUGE_SECONDS)


async def _retention(reader: Consumer, ledger: Ledger, settings: Settings) -> float:
    """Delete what has been kept for as many days as the settings say, and log the head of the
    ledger; once an hour.
    """
    await forget_old(ledger, settings, utc_now(), log=reader.log, metrics=reader.partitions.metrics)
    await tell_head(ledger, settings, utc_now(), reader.log)
    return RETENTION_SECONDS


async def _again(reader: Consumer, task: str, step: Callable[[], Awaitable[float]]) -> None:
    """Do a step again and again, each time after the seconds that it gives; what the ledger refuses
    is tried again.
    """
    while not reader.stop.is_set():
        try:
            seconds = await step()
        except LedgerError as error:
            reader.failures.met(task, error)
            seconds = RETRY_SECONDS
        else:
            reader.failures.over(task)
        await waited(reader.stop, seconds)
