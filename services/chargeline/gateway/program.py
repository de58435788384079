"""`chargeline gateway`: MLLP in, the inbound topic out.

It owns start-up, metrics and an end in good order. A sender is answered only when Kafka has the message
on all replicas that it must be on.
"""

import asyncio
import signal
from collections.abc import Callable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from chargeline import __version__
from chargeline.bus import kafka
from chargeline.bus.mllp import Limits
from chargeline.gateway import server
from chargeline.hl7.profile import make_profile
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.telemetry import logs
from chargeline.telemetry.http import Pages, PageServer
from chargeline.telemetry.metrics import Metrics
from chargeline.telemetry.settings import Settings

# What the gateway counts, as the metrics call it: instrument and label.
_FRAMES = {
    "frame_complete": "complete",
    "frame_too_large": "too_large",
    "frame_cut_off": "broken",
    "connection_idle": "idle",
}


class KafkaStore:
    """Keeps messages in the inbound topic."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def put(self, message: server.InboundMessage) -> None:
        """Return when all replicas that must have it have it."""
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        try:
            await self._producer.send_and_wait(
                self._topic, value=message.raw, key=message.key.encode(), headers=headers
            )
        except KafkaError as error:
            raise server.StoreUnavailable(type(error).__name__) from error


async def run(settings: Settings) -> int:
    """Listen until SIGTERM or SIGINT; returns the exit code."""
    logs.configure(settings.log_level)
    log = logs.logger("gateway")
    metrics = Metrics(CollectorRegistry(), program="gateway", version=__version__)
    profile = make_profile(read_interface(rules_directory(settings.rules), settings.interface))
    options = kafka.client_options(settings.kafka_client(), kafka.TlsFiles(*settings.kafka_tls_files()))
    async with kafka.producer(options) as producer:
        gateway = server.Gateway(
            KafkaStore(producer, settings.topic_inbound),
            profile,
            _settings(settings),
            report=_report(metrics),
        )
        pages = PageServer(Pages(list, metrics.exposition, {"program": "gateway", "version": __version__}))
        await gateway.start()
        await pages.start(settings.http_host, settings.http_port)
        log.info("started", program="gateway", version=__version__, port=gateway.server.port)
        try:
            await _until_told()
        finally:
            await gateway.close()
            await pages.close()
    log.info("stopped", program="gateway")
    return 0


def _settings(settings: Settings) -> server.Settings:
    return server.Settings(
        host=settings.mllp_host,
        port=settings.mllp_port,
        limits=Limits(frame_bytes=settings.mllp_frame_bytes, idle_seconds=settings.mllp_idle_seconds),
        grace_seconds=settings.shutdown_seconds,
        certificate=settings.mllp_tls_certificate_file,
        private_key=settings.mllp_tls_key_file,
        authorities=settings.mllp_tls_client_ca_file,
    )


def _report(metrics: Metrics) -> Callable[[str, int], None]:
    def report(name: str, amount: int) -> None:
        if name in _FRAMES:
            metrics.frames.add(amount, frame=_FRAMES[name])
        elif name == "connection_opened":
            metrics.connections.add(amount)
        elif name.startswith("answer_") and name[7:].isupper():
            metrics.acknowledgements.add(amount, acknowledgement=name[7:])

    return report


async def _until_told() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told.set)
    await told.wait()
