"""Capture and gateway processes of one test, with topics and a ledger of their own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from chargeline.bus import events
from chargeline.capture.inbound import key_text
from chargeline.capture.program import create_topics
from chargeline.engine.events import VisitKey
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.ledger.store import Ledger
from chargeline.telemetry.settings import Settings
from tests.capture.test_processor import PROFILE, Lines, by_bench

from .conftest import Kafka

PARTITIONS = 6
DEADLINE_SECONDS = 150


class Service:
    """Topics, a ledger and some capture processes of one test."""

    def __init__(self, kafka: Kafka, database: str, name: str, log: Path) -> None:
        self.kafka = kafka
        self.url = database.replace("postgresql://", "postgresql+asyncpg://")
        self.name = name
        self.log = log
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ports: dict[int, int] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHARGELINE_")},
            "CHARGELINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "CHARGELINE_KAFKA_GROUP": name,
            "CHARGELINE_TOPIC_INBOUND": f"{name}.inbound",
            "CHARGELINE_TOPIC_DRAFTS": f"{name}.drafts",
            "CHARGELINE_TOPIC_QUESTIONS": f"{name}.questions",
            "CHARGELINE_TOPIC_PARKED": f"{name}.parked",
            "CHARGELINE_LEDGER_URL": self.url,
            "CHARGELINE_SETTLE_SECONDS": "1",
            "CHARGELINE_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "CHARGELINE_KAFKA_HEARTBEAT_INTERVAL_MS": "1000",
            "CHARGELINE_KAFKA_REBALANCE_TIMEOUT_MS": "6000",
            "CHARGELINE_KAFKA_MAX_POLL_RECORDS": "200",
        }

    async def prepare(self) -> None:
        """Topics and schema."""
        settings = Settings(
            kafka_bootstrap=self.kafka.bootstrap,
            topic_inbound=f"{self.name}.inbound",
            topic_drafts=f"{self.name}.drafts",
            topic_questions=f"{self.name}.questions",
            topic_parked=f"{self.name}.parked",
        )
        assert len(await create_topics(settings, PARTITIONS, 1)) == 4
        ledger = await Ledger.open(self.url, accept_old=True)
        await ledger.migrate()
        await ledger.close()

    def start(self, verb: str = "capture") -> subprocess.Popen[bytes]:
        """One more process of a verb."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**self.environment, "CHARGELINE_HTTP_PORT": str(port)}
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "chargeline.cli", verb],
                env=environment,
                stdout=output,
                stderr=output,
            )
        self.processes.append(process)
        self.ports[process.pid] = port
        return process

    async def ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a process serves its pages and says that it is ready."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await self._says_ready(self.ports[process.pid]):
                assert process.poll() is None, self.log.read_text()[-3000:]
                await asyncio.sleep(0.1)

    async def _says_ready(self, port: int) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return b" 200 " in answer.split(b"\r\n", 1)[0]

    def end(self) -> None:
        """End all processes, the hard way if they do not listen."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    async def send(self, messages: list[bytes], producer: AIOKafkaProducer) -> None:
        """Messages under the key of their visit."""
        for data in messages:
            reading = read_events(read_message(data), PROFILE)
            key = key_text(VisitKey(reading.facility, reading.visit or reading.message.digest[:8]))
            await producer.send(f"{self.name}.inbound", value=data, key=key.encode())
        await producer.flush()

    async def settled(self, wanted: Lines) -> Lines:
        """The drafts once they are what is wanted, or what they were when the time was over."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        topic = f"{self.name}.drafts"
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        latest: dict[tuple[str, str], events.DraftRevision] = {}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while by_bench(latest) != wanted:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        for record in records:
                            revision = events.DraftRevision.model_validate_json(record.value or b"")
                            slot = (revision.facility, revision.visit)
                            if slot not in latest or latest[slot].revision <= revision.revision:
                                latest[slot] = revision
        except TimeoutError:
            return by_bench(latest)
        finally:
            await consumer.stop()
        return by_bench(latest)


@pytest.fixture
def service(kafka: Kafka, database: str, topics: Callable[[str], str], tmp_path: Path) -> Iterator[Service]:
    """A service of this test's own, ended after it."""
    made = Service(kafka, database, topics("s"), tmp_path / "capture.log")
    yield made
    made.end()
