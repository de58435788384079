"""`chargeline gateway`: messages come in over MLLP and go out to the inbound topic.

This module owns the start, the metrics, the look whether Kafka can be reached, and an end in good
order. A sender gets its acknowledgement only when all in-sync replicas of Kafka have the message.
The module refuses to know what a message says: `server.py` reads it.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from prometheus_client import CollectorRegistry

from chargeline.certificates import seconds_left
from chargeline.drafting.beside import let_the_loop_have_its_turn
from chargeline.drafting.service_process import (
    become_a_service,
    tell_open_files,
    told_to_stop,
)
from chargeline.engine import Finding, FindingError, Rulebook
from chargeline.gateway import server
from chargeline.gateway.counting import observe_senders, tell_gateway
from chargeline.gateway.permission import SenderList, Senders
from chargeline.gateway.received import InboundMessage
from chargeline.gateway.tls import TlsFiles
from chargeline.hl7.profile import Profile, make_profile
from chargeline.kafka import connecting as kafka
from chargeline.mllp.limits import MllpLimits
from chargeline.rulebook.loading import interface_names, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.settings import Settings
from chargeline.settings.senders import read_senders
from chargeline.telemetry import logs
from chargeline.telemetry.http import ListenError, health_pages
from chargeline.telemetry.metrics import Metrics
from chargeline.version import VERSION

PROBE_SECONDS = 5.0
log = logs.logger("gateway")


class KafkaStore:
    """Keeps messages in the inbound topic.

    `trouble` says why Kafka takes no messages, "" if it does. A probe that succeeds ends
    the trouble. Waiting for a message to succeed would not do: nobody sends to a gateway
    that is not ready.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self.trouble = ""

    async def put(self, message: InboundMessage) -> None:
        """Return when all in-sync replicas have the message."""
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        try:
            await self._producer.send_and_wait(
                self._topic, value=message.raw, key=message.key.encode(), headers=headers
            )
        except MessageSizeTooLargeError as error:
            log.error("kafka.too_large", topic=self._topic, bytes=len(message.raw))
            raise server.StoreTooLarge(type(error).__name__) from error
        except KafkaError as error:
            self.tell(
                f"Kafka refuses messages for the topic {self._topic} ({type(error).__name__})"
            )
            raise server.StoreUnavailable(type(error).__name__) from error

    async def probe(self) -> None:
        """Ask Kafka whether every partition of the topic takes messages."""
        self.tell(await self._looked())

    async def _looked(self) -> str:
        client = self._producer.client
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await client.add_topic(self._topic)
                if not await client.force_metadata_update():
                    return "Kafka cannot be reached"
        except TimeoutError:
            return "Kafka does not answer"
        partitions = client.cluster.partitions_for_topic(self._topic) or set()
        led = client.cluster.available_partitions_for_topic(self._topic) or set()
        if partitions and partitions == led:
            return ""
        without = len(partitions) - len(led)
        return (
            f"the topic {self._topic} has {without} partitions without leader, of {len(partitions)}"
        )

    def tell(self, trouble: str) -> None:
        """Note why Kafka takes no messages. The log says when trouble begins and when it ends."""
        if trouble and not self.trouble:
            log.error("kafka.unavailable", where=trouble)
        elif self.trouble and not trouble:
            log.info("kafka.available")
        self.trouble = trouble


async def run(settings: Settings) -> int:
    """Listen until SIGTERM or SIGINT; returns the exit code."""
    become_a_service()
    logs.configure(settings.log_level)
    tell_open_files(settings, log)
    let_the_loop_have_its_turn()
    metrics = Metrics(CollectorRegistry(), program="gateway", version=VERSION)
    profile = make_profile(read_interface(rules_directory(settings.rules), settings.interface))
    options = kafka.client_options(settings.kafka_client(), settings.kafka_tls_files())
    async with kafka.producer(
        options,
        topics=[settings.topic_inbound],
        record_bytes=settings.kafka_record_bytes(),
        password=settings.kafka_password,
    ) as producer:
        store = KafkaStore(producer, settings.topic_inbound)
        grace_seconds = max(settings.shutdown_seconds - kafka.FLUSH_SECONDS, 1.0)
        listener = server_settings(
            settings, in_flight=server.IN_FLIGHT, grace_seconds=grace_seconds
        )
        gateway = server.Gateway(
            store,
            profile,
            listener,
            senders=senders_of(settings, profile),
            report=tell_gateway(metrics),
            observed=observe_senders(metrics),
        )
        told = told_to_stop()
        async with listener_pages(
            program="gateway",
            settings=settings,
            metrics=metrics,
            gateway=gateway,
            trouble=lambda: store.trouble,
            told=told,
        ):
            await listen(gateway, settings)
            log.info("started", program="gateway", version=VERSION, port=gateway.server.port)
            try:
                await _probe_until(told, store)
            finally:
                await gateway.close()
    log.info("stopped", program="gateway")
    return 0


async def listen(gateway: server.Gateway, settings: Settings) -> None:
    """Begin to listen for MLLP, and read the certificates and the file of senders again at each
    SIGHUP.

    Raises ListenError, CertificateError or SendersError if the address or a file cannot be used.
    """
    read_again = partial(gateway.look, asked=True)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, read_again)
    try:
        await gateway.start()
    except FindingError:
        raise
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "strerror", None) or error
        raise ListenError(
            Finding(
                "listen.refused",
                expected=f"to listen for MLLP on {settings.mllp_host} port {settings.mllp_port}",
                found=str(reason),
                where="",
                do="correct CHARGELINE_MLLP_HOST, CHARGELINE_MLLP_PORT or the files of "
                "CHARGELINE_MLLP_TLS_…, or end the program that has the port",
            )
        ) from None


def server_settings(
    settings: Settings, *, in_flight: int, grace_seconds: float
) -> server.ListenerSettings:
    """The listener's settings. `in_flight` messages of a connection are worked on at once."""
    return server.ListenerSettings(
        host=settings.mllp_host,
        port=settings.mllp_port,
        limits=MllpLimits(
            frame_bytes=settings.mllp_frame_bytes,
            idle_seconds=settings.mllp_idle_seconds,
            connections=settings.mllp_connections,
            connections_of_address=settings.mllp_connections_per_address,
            handshakes=settings.mllp_handshakes,
            in_flight=in_flight,
            memory_bytes=settings.mllp_memory_bytes,
        ),
        grace_seconds=grace_seconds,
        tls=TlsFiles(
            certificate=settings.mllp_tls_certificate_file,
            private_key=settings.mllp_tls_key_file,
            authorities=settings.mllp_tls_client_ca_file,
            revoked=settings.mllp_tls_client_crl_file,
        ),
    )


def senders_of(settings: Settings, profile: Profile) -> Senders:
    """Who may send what. Without the setting every sender may send all."""
    path = settings.senders
    if path is None:
        return Senders(profile)
    folder = rules_directory(settings.rules)

    def read() -> SenderList:
        senders = read_senders(
            path,
            interfaces=interface_names(folder),
            certificates=settings.mllp_tls_client_ca_file is not None,
        )
        names = {sender.interface for sender in senders} - {""}
        return SenderList(senders, {n: make_profile(read_interface(folder, n)) for n in names})

    return Senders(profile, path, read)


def listener_pages(
    program: str,
    settings: Settings,
    metrics: Metrics,
    gateway: server.Gateway,
    trouble: Callable[[], str],
    told: asyncio.Event,
    rulebook: Rulebook | None = None,
) -> AbstractAsyncContextManager[None]:
    """The health pages of a program that listens for MLLP. It is not ready in trouble and
    while it shuts down. `rulebook` is what it drafts by; a gateway drafts nothing.
    """

    def not_ready() -> list[str]:
        ending = "this program is shutting down" if told.is_set() else ""
        return [reason for reason in (trouble(), ending) if reason]

    def before_scrape() -> None:
        metrics.open_connections.set(gateway.server.connections)
        metrics.certificate_left.set(gateway.certificates.days_left() * 86_400)
        left = seconds_left(settings.kafka_tls_certificate_file, datetime.now(UTC))
        metrics.kafka_certificate_left.set(left)
        metrics.held_bytes.set(gateway.server.budget.used)

    version = {"program": program, "version": VERSION}
    if rulebook is not None:
        version |= {"rulebook": rulebook.version, "refdata": rulebook.tables.version}
    return health_pages(
        settings.http_address(),
        metrics,
        version=version,
        not_ready=not_ready,
        before_scrape=before_scrape,
    )


async def _probe_until(told: asyncio.Event, store: KafkaStore) -> None:
    """Probe Kafka every PROBE_SECONDS, until we are told to stop."""
    while not told.is_set():
        await store.probe()
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await told.wait()
        except TimeoutError:
            continue
