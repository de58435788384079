"""`chargeline capture`: puts the parts together and runs them until it is told to stop.

It owns start-up, the tasks side by side, and an end in good order: what was polled is finished, what
was announced is published, and every failure that would need a person ends the program with its reason.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from chargeline import __version__
from chargeline.bus import kafka
from chargeline.capture.consumer import Consumer, Partitions
from chargeline.capture.limits import ParkedLimit
from chargeline.capture.processor import Processor, Terms, utc_now
from chargeline.capture.relay import OutboxRelay
from chargeline.capture.revisions import Drafting, Outcome, Topics
from chargeline.engine.draft import Rulebook
from chargeline.hl7.profile import make_profile
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.store import Ledger
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.telemetry import logs
from chargeline.telemetry.http import Pages, PageServer
from chargeline.telemetry.metrics import Metrics
from chargeline.telemetry.settings import Settings

VISITS_IN_MEMORY = 5_000
TIMER_SECONDS = 0.5
GAUGE_SECONDS = 5.0
DUE_AT_ONCE = 200
# What the topics need; the site's Kafka decides replication.
PARTITIONS = 48
RETENTION_DAYS = {"inbound": 14, "drafts": 90, "questions": 14, "parked": 90}


class StartError(Exception):
    """The program cannot start: what was expected, found, and what to do."""


def kafka_options(settings: Settings) -> dict[str, object]:
    """What every Kafka client of ours is told: servers, name, security."""
    return kafka.client_options(settings.kafka_client(), kafka.TlsFiles(*settings.kafka_tls_files()))


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
    )
    terms = Terms(
        inbound, settings.topic_parked, timedelta(seconds=float(settings.settle_seconds)), VISITS_IN_MEMORY
    )
    profile = make_profile(read_interface(folder, settings.interface))
    return Processor(ledger, profile, drafting, terms, utc_now, tell)


def told_to(metrics: Metrics) -> Callable[[Outcome], None]:
    """Counts what was committed: revisions, lines that they added, questions."""

    def tell(outcome: Outcome) -> None:
        for revision in outcome.said:
            metrics.revisions.add(status=revision.status)
            added = {change.line_id for change in revision.changes.added}
            for encounter in revision.encounters:
                for line in encounter.lines:
                    if line.line_id in added:
                        metrics.lines.add(role=line.role, policy=revision.policy)
        for question in outcome.asked:
            metrics.questions.add(question=question.code, state=question.state)

    return tell


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    logs.configure(settings.log_level)
    log = logs.logger("capture")
    async with AsyncExitStack() as stack:
        ledger = await Ledger.open(settings.ledger_url.get_secret_value())
        stack.push_async_callback(ledger.close)
        metrics = Metrics(CollectorRegistry(), program="capture", version=__version__)
        processor = new_processor(settings, ledger, settings.topic_inbound, told_to(metrics))
        metrics.rulebook.tell(version=processor.drafting.rulebook.version)
        consumer, partitions = await _consumer(settings, processor, metrics, stack)
        producer = await stack.enter_async_context(kafka.producer(kafka_options(settings)))
        limit = ParkedLimit(settings.parked_in_a_row, settings.parked_per_minute, utc_now)
        reader = Consumer(
            consumer,
            partitions,
            topic=settings.topic_inbound,
            most=settings.kafka_max_poll_records,
            poll_ms=min(settings.kafka_poll_timeout_ms, 500),
            limit=limit,
            log=log,
        )
        relay = OutboxRelay(ledger, producer, log)
        await stack.enter_async_context(_pages(settings, metrics, partitions))
        stop = _on_signals(reader, relay)
        log.info("started", program="capture", version=__version__)
        await _side_by_side(
            stop,
            reader.run(),
            relay.run(),
            _timers(reader, processor, stop),
            _gauges(ledger, metrics, stop, log),
        )
        await relay.turn()
    log.info("stopped", program="capture")
    return 0


async def _consumer(
    settings: Settings, processor: Processor, metrics: Metrics, stack: AsyncExitStack
) -> tuple[AIOKafkaConsumer, Partitions]:
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
        **kafka_options(settings),
    )
    owner = f"{settings.kafka_client_id}-{uuid4().hex[:12]}"
    partitions = Partitions(consumer, processor, owner, metrics)
    try:
        await consumer.start()
    except KafkaError as error:
        await consumer.stop()
        raise kafka.refused(settings.kafka_client(), error) from error
    stack.push_async_callback(consumer.stop)
    if settings.topic_inbound not in await consumer.topics():
        raise StartError(
            f"expected the topic {settings.topic_inbound}, found none of that name; "
            "create it with `chargeline topics create`"
        )
    consumer.subscribe([settings.topic_inbound], listener=partitions)
    return consumer, partitions


@asynccontextmanager
async def _pages(settings: Settings, metrics: Metrics, partitions: Partitions) -> AsyncIterator[None]:
    def not_ready() -> list[str]:
        return ["partitions are being claimed"] if partitions.unclaimed else []

    version = {"program": "capture", "version": __version__}
    server = PageServer(Pages(not_ready, metrics.exposition, version))
    await server.start(settings.http_host, settings.http_port)
    try:
        yield
    finally:
        await server.close()


def _on_signals(reader: Consumer, relay: OutboxRelay) -> asyncio.Event:
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        reader.stopping.set()
        relay.stopping.set()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, end)
    return stop


async def _side_by_side(stop: asyncio.Event, *work: Awaitable[None]) -> None:
    """Run until all end; the first that fails ends the others."""
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(_until_failure(each, stop))


async def _until_failure(work: Awaitable[None], stop: asyncio.Event) -> None:
    try:
        await work
    except BaseException:
        stop.set()
        raise


async def _timers(reader: Consumer, processor: Processor, stop: asyncio.Event) -> None:
    """Work off what is due: drafts that have settled, drafts that become final, stops to ask for."""
    while not stop.is_set():
        try:
            async with reader.partitions.lock:
                count = await processor.work_off_due(reader.owned, DUE_AT_ONCE)
        except LedgerError as error:
            reader.log.error("timers.waiting", exc_info=error)
            count = 0
        if count < DUE_AT_ONCE:
            await _wait(stop, TIMER_SECONDS)


async def _gauges(ledger: Ledger, metrics: Metrics, stop: asyncio.Event, log: FilteringBoundLogger) -> None:
    """What only the ledger knows: how much waits, and since when."""
    while not stop.is_set():
        try:
            counts = await ledger.counts()
        except LedgerError as error:
            log.error("counts.waiting", exc_info=error)
        else:
            now = utc_now()
            metrics.outbox.set(counts.outbox)
            metrics.oldest_outbox.set((now - (counts.outbox_oldest or now)).total_seconds())
            metrics.oldest_parked.set((now - (counts.parked_oldest or now)).total_seconds())
            metrics.open_visits.set(counts.open_visits)
        await _wait(stop, GAUGE_SECONDS)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def create_topics(settings: Settings, partitions: int, replication: int) -> list[str]:
    """Create the topics that are missing; returns their names. Raises StartError."""
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
    except KafkaError as error:
        await admin.close()
        raise kafka.refused(settings.kafka_client(), error) from error
    wanted = {
        settings.topic_inbound: RETENTION_DAYS["inbound"],
        settings.topic_drafts: RETENTION_DAYS["drafts"],
        settings.topic_questions: RETENTION_DAYS["questions"],
        settings.topic_parked: RETENTION_DAYS["parked"],
    }
    created = []
    try:
        for name in sorted(set(wanted) - set(await admin.list_topics())):
            configs = {"retention.ms": str(wanted[name] * 86_400_000)}
            topic = NewTopic(name, partitions, replication, topic_configs=configs)
            try:
                await admin.create_topics([topic])
                created.append(name)
            except TopicAlreadyExistsError:
                continue
    finally:
        await admin.close()
    return created
