"""Capture and gateway processes of one test, with topics and a ledger of their own.

This module owns how a test starts, signals and asks these processes, how a test sends them a feed,
and how a test knows that the feed is worked off. It judges no result: `chaos/evidence.py` reads the
drafts and compares them.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from chargeline.ledger.store import Ledger
from chargeline.operate.topics import make_topics
from chargeline.published import shapes
from chargeline.settings import Settings
from tests.clock import PATIENCE_SECONDS
from tests.drafting.test_processor import Lines, by_bench

from .commands import logged_in
from .processes import Forked
from .records import PARTITIONS, REQUEST_BYTES_MOST, Place, Record, key_of, send_by
from .servers import Kafka, free_port

DEADLINE_SECONDS = 240  # for waits until a service has done all of its work
LOOK_IN_SECONDS = 2.0  # for a page of a program that may be frozen
LOOK_SECONDS = 0.1

# What is still to be done: events in the outbox, visits that are due soon, and the offsets up to
# which the inbound topic is read.
_WAITING = """
SELECT (SELECT count(*) FROM outbox),
       (SELECT count(*) FROM visit WHERE settle_due IS NOT NULL OR final_due <= now()
                                      OR asked_due <= now() + interval '5 minutes'),
       (SELECT coalesce(json_object_agg(partition, next_offset), '{}') FROM partition_offset
                                                                       WHERE topic = $1)
"""

TOPICS = ("inbound", "drafts", "questions", "parked", "authorizations")
FRAME_BYTES = 8 << 20  # some tests send messages of five megabytes


def topic_settings(name: str) -> dict[str, str]:
    """The settings of all topics, each of which begins with a name of its own."""
    return {f"CHARGELINE_TOPIC_{topic.upper()}": f"{name}.{topic}" for topic in TOPICS}


class Program:
    """One running program of ours, with the port of its health pages."""

    def __init__(self, name: str, port: int, process: Forked) -> None:
        self.name = name
        self.port = port
        self.process = process

    def poll(self) -> int | None:
        """The exit code once the program has ended."""
        return self.process.poll()

    async def ended(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait for the exit code of the program."""
        return await asyncio.to_thread(self.process.wait, seconds)

    def signal(self, number: int) -> None:
        """Send the program a signal, such as SIGKILL."""
        self.process.send_signal(number)

    async def page(self, path: str, seconds: float = PATIENCE_SECONDS) -> tuple[int, str]:
        """Status and body of a page; (0, "") if the program does not answer in time."""
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
                )
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                writer.close()
            return int(head.split(b" ", 2)[1]), body.decode()
        except (OSError, IndexError):  # a TimeoutError is one
            return 0, ""

    async def metric(self, name: str) -> float:
        """The sum of all samples of a metric."""
        status, text = await self.page("/metrics")
        assert status == 200, f"{self.name} does not tell its metrics"
        lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


class Service:
    """The topics, the ledger and the processes of one test."""

    def __init__(self, kafka: Kafka, database: str, name: str, log: Path) -> None:
        self.kafka = kafka
        self.database = database
        self.url = database.replace("postgresql://", "postgresql+asyncpg://")
        self.name = name
        self.log = log
        self.programs: list[Program] = []
        self.environment = {
            "CHARGELINE_MLLP_FRAME_BYTES": str(FRAME_BYTES),
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("CHARGELINE_")
            },
            "CHARGELINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "CHARGELINE_KAFKA_GROUP": name,
            **topic_settings(name),
            "CHARGELINE_LEDGER_URL": self.url,
            "CHARGELINE_SETTLE_SECONDS": "1",
            "CHARGELINE_KAFKA_SESSION_TIMEOUT_MS": "3000",
            "CHARGELINE_KAFKA_HEARTBEAT_INTERVAL_MS": "500",
            "CHARGELINE_KAFKA_REBALANCE_TIMEOUT_MS": "5000",
            "CHARGELINE_KAFKA_MAX_POLL_RECORDS": "200",
        }

    @property
    def inbound(self) -> str:
        """The name of the inbound topic."""
        return f"{self.name}.inbound"

    @property
    def session_seconds(self) -> float:
        """After how long without a heartbeat the group throws a consumer out."""
        return int(self.environment["CHARGELINE_KAFKA_SESSION_TIMEOUT_MS"]) / 1000

    async def prepare(self) -> None:
        """Make the topics and the tables of the ledger."""
        settings = Settings(
            kafka_bootstrap=self.kafka.bootstrap,
            topic_inbound=self.inbound,
            topic_drafts=f"{self.name}.drafts",
            topic_questions=f"{self.name}.questions",
            topic_parked=f"{self.name}.parked",
            topic_authorizations=f"{self.name}.authorizations",
            mllp_frame_bytes=FRAME_BYTES,
        )
        assert len(await make_topics(settings, PARTITIONS, 1)) == 5
        ledger = await Ledger.open(self.url, accept_old=True)
        await ledger.migrate()
        await ledger.close()

    def start(self, verb: str = "capture", **settings: str) -> Program:
        """Start one more process of a verb, with further settings."""
        port = free_port()
        name = f"{verb}-{len(self.programs) + 1}"
        environment = {
            **self.environment,
            "CHARGELINE_HTTP_PORT": str(port),
            "CHARGELINE_KAFKA_CLIENT_ID": name,
            **settings,
        }
        self.programs.append(Program(name, port, Forked([verb], environment, self.log)))
        return self.programs[-1]

    def end(self) -> None:
        """End all processes; a process that ignores SIGTERM is killed."""
        for program in self.programs:
            if program.poll() is None:
                program.signal(signal.SIGCONT)
                program.process.terminate()
        for program in self.programs:
            try:
                program.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                program.process.kill()
                program.process.wait()

    # ------------------------------------------------------------------ asking

    def last_words(self) -> str:
        """The end of the log, for a failed assertion."""
        return self.log.read_text()[-3000:] if self.log.exists() else ""

    def logged(self) -> list[dict[str, object]]:
        """The lines that the programs logged."""
        return logged_in(self.log.read_text(errors="replace")) if self.log.exists() else []

    async def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for a condition; a failure says what was waited for and how the log ends."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not (await answer if asyncio.iscoroutine(answer := true()) else answer):
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise AssertionError(
                f"expected {what} within {DEADLINE_SECONDS} s\n{self.last_words()}"
            ) from None

    async def ready(self, program: Program) -> None:
        """Wait until a program says on /readyz that it is ready."""

        async def says_so() -> bool:
            assert program.poll() is None, f"{program.name} ended early\n{self.last_words()}"
            return (await program.page("/readyz"))[0] == 200

        await self.until(says_so, f"{program.name} to be ready")

    async def owners(self) -> dict[int, str]:
        """The program that claimed each partition last, as the ledger says."""
        rows = await self.ask(
            "SELECT partition, owner FROM partition_offset WHERE topic = $1", self.inbound
        )
        return {row[0]: row[1].rsplit("-", 1)[0] for row in rows}

    async def read_up_to(self, places: Sequence[Place]) -> bool:
        """Whether the ledger stands behind all of these records of the inbound topic."""
        rows = await self.ask(
            "SELECT partition, next_offset FROM partition_offset WHERE topic = $1", self.inbound
        )
        read = {row[0]: row[1] or 0 for row in rows}
        return all(read.get(place.partition, 0) > place.offset for place in places)

    async def count(self, table: str) -> int:
        """How many rows a table of the ledger has; 0 while the ledger is away."""
        rows = await self.ask(f"SELECT count(*) FROM {table}")
        return rows[0][0] if rows else 0

    async def drained(self) -> bool:
        """Whether all messages are worked off, no visit is due soon, and the outbox is empty.

        The ledger is asked before Kafka: once the outbox is empty, each nudge is on the inbound
        topic and counts among the messages there.
        """
        rows = await self.ask(_WAITING, self.inbound)
        if not rows or rows[0][0] or rows[0][1]:
            return False
        read = {int(number): offset for number, offset in json.loads(rows[0][2]).items()}
        try:
            ends = await self.ends(self.inbound)
        except KafkaError:
            return False
        return all((read.get(number) or 0) == end for number, end in ends.items())

    async def no_open_transactions(self) -> bool:
        """Whether all records of the inbound topic may be read: Kafka has ended what was left."""
        try:
            readable = await self.ends(self.inbound, isolation_level="read_committed")
            return readable == await self.ends(self.inbound)
        except KafkaError:
            return False

    async def ends(self, topic: str, isolation_level: str = "read_uncommitted") -> dict[int, int]:
        """The offset after the last message of each partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap, isolation_level=isolation_level
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            ends = await consumer.end_offsets(partitions)
            return {partition.partition: offset for partition, offset in ends.items()}
        finally:
            await consumer.stop()

    async def ask(self, statement: str, *values: object) -> Sequence[asyncpg.Record]:
        """Rows of the ledger; none while the ledger is away."""
        try:
            connection = await asyncpg.connect(self.database, timeout=PATIENCE_SECONDS)
        except (OSError, asyncpg.PostgresError):
            return []
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(
                statement, *values, timeout=PATIENCE_SECONDS
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return []
        else:
            return rows
        finally:
            connection.terminate()

    # ------------------------------------------------------------------ the feed

    async def deliver(self, messages: Sequence[bytes]) -> None:
        """Send messages, each under the key of its visit, until Kafka has all of them."""
        await self.deliver_records([Record(data, key_of(data)) for data in messages])

    async def deliver_records(self, records: Sequence[Record]) -> list[Place]:
        """Send records; after a failure send all of them again, as an interface engine would.

        Returns where the records are that were sent last.
        """
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.kafka.bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=REQUEST_BYTES_MOST,
                )
                try:
                    await producer.start()
                    return await send_by(producer, self.inbound, records)
                except KafkaError:
                    await asyncio.sleep(LOOK_SECONDS)
                finally:
                    await producer.stop()

    async def settled(self, wanted: Lines) -> Lines:
        """Wait until the drafts are the wanted ones; returns the drafts of the last moment."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        topic = f"{self.name}.drafts"
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        latest: dict[tuple[str, str], shapes.DraftRevision] = {}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while by_bench(latest) != wanted:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        for record in records:
                            revision = shapes.DraftRevision.model_validate_json(record.value or b"")
                            slot = (revision.facility, revision.visit)
                            if slot not in latest or latest[slot].revision <= revision.revision:
                                latest[slot] = revision
        except TimeoutError:
            return by_bench(latest)
        finally:
            await consumer.stop()
        return by_bench(latest)


@pytest.fixture
def service(
    kafka: Kafka, database: str, topics: Callable[[str], str], tmp_path: Path
) -> Iterator[Service]:
    """A service that belongs to this test, ended after the test."""
    own = Service(kafka, database, topics("s"), tmp_path / "capture.log")
    yield own
    own.end()
