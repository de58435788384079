"""`make bench`, second part: the live service end to end, on a real Kafka and a real PostgreSQL.

This module owns the comparison of one capture process with two baselines that do less
(`baselines.py`). All run on this machine in the same run, so that the ratios can be compared with
those of another machine. Each candidate runs twice, in turns, and the better run counts: other work
on the machine can only slow a run down.
"""

import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chargeline.engine import VisitKey
from chargeline.hl7.reader import read_message
from chargeline.ledger import Ledger
from chargeline.operate.topics import make_topics
from chargeline.published.inbound import record_key
from chargeline.settings import Settings
from chargeline.simulator.feed import simulate
from tests.bench.sizes import print_sizes
from tests.live.servers import KafkaServer, PostgresServer, kafka_server, postgres_server

PARTITIONS = 6
VISITS = 2_500
COPIES = 2
ROUNDS = 2
PROBES_A_SECOND = 50
LOAD_SECONDS = 20
DEADLINE_SECONDS = 600
WANTED_A_SECOND, WANTED_SHARE, WANTED_P99 = 5_000, 0.5, 0.25
Feed = list[tuple[bytes, bytes]]


def feed_of(copies: int, first: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """Keys and messages of one simulated centre, repeated `copies` times.

    Each copy has visit and patient numbers of its own: V100002 becomes V1C100002 in copy 1.
    """
    plain = [
        data
        for _style, data in simulate(visits=VISITS, seed=7, style="standard", mess=0.1).messages
    ]
    visits = [(read_message(data).value("PV1-19") or "none").encode() for data in plain]
    for copy in range(first, first + copies):
        name = rb"\g<0>%dC" % copy
        for visit, data in zip(visits, plain, strict=True):
            key = VisitKey("ZEBRA_CLINIC", _NUMBERS.sub(name, visit).decode())
            yield record_key(*key).encode(), _NUMBERS.sub(name, data)


# The letters before the number of a visit or a patient, where a field or a repetition begins.
_NUMBERS = re.compile(rb"(?:^|(?<=[|~]))(?:V|T|ZZ)(?=\d{6})")


class Capture:
    """One capture process with topics and a ledger of its own."""

    def __init__(
        self, kafka: KafkaServer, postgres: PostgresServer, name: str, folder: Path
    ) -> None:
        self.kafka = kafka
        self.name = name
        self.url = postgres.create_database(name)
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    async def prepare(self) -> None:
        """Make the topics and the tables of the ledger."""
        await make_topics(self._settings(), PARTITIONS, 1)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(f"{self.name}.passed", PARTITIONS, 1)])
        stamped = {"message.timestamp.type": "LogAppendTime"}  # the broker's time, at both ends
        for name in ("inbound", "drafts"):
            topic = ConfigResource(ConfigResourceType.TOPIC, f"{self.name}.{name}", stamped)
            await admin.alter_configs([topic])
        await admin.close()
        ledger = await Ledger.open(self.url, accept_old=True)
        await ledger.migrate()
        await ledger.close()

    def _settings(self) -> Settings:
        return Settings(
            kafka_bootstrap=self.kafka.bootstrap,
            topic_inbound=f"{self.name}.inbound",
            topic_drafts=f"{self.name}.drafts",
            topic_questions=f"{self.name}.questions",
            topic_parked=f"{self.name}.parked",
            topic_authorizations=f"{self.name}.authorizations",
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the process inside the block. No visit waits to settle: each poll is drafted."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        ours = {
            name: value for name, value in os.environ.items() if not name.startswith("CHARGELINE_")
        }
        settings = self._settings()
        environment = ours | {
            "CHARGELINE_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "CHARGELINE_KAFKA_GROUP": self.name,
            "CHARGELINE_TOPIC_INBOUND": settings.topic_inbound,
            "CHARGELINE_TOPIC_DRAFTS": settings.topic_drafts,
            "CHARGELINE_TOPIC_QUESTIONS": settings.topic_questions,
            "CHARGELINE_TOPIC_PARKED": settings.topic_parked,
            "CHARGELINE_TOPIC_AUTHORIZATIONS": settings.topic_authorizations,
            "CHARGELINE_LEDGER_URL": self.url.replace("postgresql://", "postgresql+asyncpg://"),
            "CHARGELINE_SETTLE_SECONDS": "0",
            "CHARGELINE_HTTP_PORT": str(self.port),
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chargeline.cli", "capture"],
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            yield
        finally:
            self.process.terminate()
            if self.process.wait(60):
                raise RuntimeError(f"capture ended with an error: {self.log.read_text()[-2000:]}")

    async def ready(self) -> None:
        """Wait until the process has its partitions: the wait before says nothing of its speed."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await asyncio.to_thread(self._is_ready):
                await asyncio.sleep(0.1)

    def _is_ready(self) -> bool:
        page = HTTPConnection("127.0.0.1", self.port, timeout=5)
        with closing(page), suppress(OSError):
            page.request("GET", "/readyz")
            return page.getresponse().status == 200
        return False

    def resident_bytes(self) -> int:
        """The resident memory of the process."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def read_so_far(self, ledger: Ledger) -> int:
        """How many records the ledger has: the sum of the offsets, which have no gaps."""
        async with ledger.view() as view:
            offsets = await view.offsets()
        topic = f"{self.name}.inbound"
        return sum([row.next_offset or 0 for row in offsets if row.topic == topic])

    async def final_visits(self, ledger: Ledger) -> int:
        """How many visits the ledger has in their final state."""
        async with ledger.view() as view:
            return await view.count_visits("final")

    async def outbox(self, ledger: Ledger) -> int:
        """How many events wait to be published."""
        return (await ledger.counts()).outbox


async def load(bootstrap: str, topic: str, feed: Sequence[tuple[bytes, bytes]]) -> None:
    """Put a feed into a topic."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=256_000)
    await producer.start()
    for key, data in feed:
        await producer.send(topic, value=data, key=key)
    await producer.stop()


async def captured(capture: Capture, count: int) -> float:
    """Messages a second: from the first in the ledger to the last whose drafts are published."""
    ledger = await Ledger.open(capture.url)
    with capture.running():
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (first := await capture.read_so_far(ledger)):
                await asyncio.sleep(0.02)
            began = perf_counter()
            while await capture.read_so_far(ledger) < count or await capture.outbox(ledger):
                await asyncio.sleep(0.1)
            seconds = perf_counter() - began
    await ledger.close()
    return (count - first) / seconds


# ------------------------------------------------------------------ latency at half load


async def latencies(capture: Capture, feed: Feed, rate: float) -> list[float]:
    """Seconds from a visit's only message to its draft, while capture is under load.

    The broker stamps both times. The load is the feed at `rate` messages a second; the measured
    visits, 50 a second, come on top.
    """
    inbound, drafts = f"{capture.name}.inbound", f"{capture.name}.drafts"
    producer = AIOKafkaProducer(bootstrap_servers=capture.kafka.bootstrap, linger_ms=1)
    await producer.start()
    began, number, probe = perf_counter(), 0, 0
    total = int(min(len(feed), rate * LOAD_SECONDS))
    while number < total:
        elapsed = perf_counter() - began
        while number < min(total, elapsed * rate):
            key, data = feed[number]
            await producer.send(inbound, value=data, key=key)
            number += 1
        if probe < elapsed * PROBES_A_SECOND:
            probe += 1
            key, data = _probe(probe)
            await producer.send(inbound, value=data, key=key)
        await asyncio.sleep(0.002)
    await producer.stop()
    sent = await _stamps(capture.kafka.bootstrap, inbound, probe)
    drafted = await _stamps(capture.kafka.bootstrap, drafts, probe)
    return [(drafted[key] - sent[key]) / 1000 for key in sent]


async def _stamps(bootstrap: str, topic: str, wanted: int) -> dict[bytes, int]:
    """When each measured message came to a topic, in milliseconds; waits until all have come."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    stamps: dict[bytes, int] = {}
    async with asyncio.timeout(60):
        while len(stamps) < wanted:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if record.key and record.key.startswith(_PROBED):
                        stamps.setdefault(record.key, record.timestamp)
    await consumer.stop()
    return stamps


_PROBED = b"ZEBRA_CLINIC|VPROBE"
_PROBE = (
    "MSH|^~\\&|ZEBRAMAR|ZEBRA_CLINIC|CHARGELINE|ZEBRA|20260302080000||RAS^O17^RAS_O17|PROBE{n}|T|2.5.1\r"
    "PID|1||ZZPROBE{n}^^^ZEBRA^MR||TESTPATIENT^ZEBRA\r"
    "PV1|1|R|INF^CHAIR1||||||||||||||||VPROBE{n}\r"
    "ORC|RE|P{n}|F{n}\r"
    "RXA|0|1|20260302080000|20260302080000|ONDANSETRON^ondansetron^L|8|mg|||||||||||||CP|A|20260302080000\r"
    "RXR|IV^intravenous^HL70162|PORT||IVP\r"
)


def _probe(number: int) -> tuple[bytes, bytes]:
    return b"%b%d" % (_PROBED, number), _PROBE.format(n=number).encode()


# ------------------------------------------------------------------ the whole


def baseline(verb: str, *arguments: str) -> float:
    """Messages a second of a baseline, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.baselines", verb, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


async def _rounds(
    kafka: KafkaServer, postgres: PostgresServer, feed: Feed, folder: Path
) -> tuple[dict[str, float], Capture]:
    count = str(len(feed))
    best: dict[str, float] = {}
    for number in range(ROUNDS):
        capture = Capture(kafka, postgres, f"bench{number}", folder)
        await capture.prepare()
        source = f"bench{number}.inbound"
        await load(kafka.bootstrap, source, feed)
        rates = {
            "aiokafka, passing through": await asyncio.to_thread(
                baseline, "pass_through", kafka.bootstrap, source, f"bench{number}.passed", count
            ),
            "ledger, inserts alone": await asyncio.to_thread(
                baseline,
                "inserts",
                postgres.create_database(f"inserts{number}"),
                kafka.bootstrap,
                source,
                count,
            ),
            "chargeline capture": await captured(capture, len(feed)),
        }
        best = {name: max(rate, best.get(name, 0.0)) for name, rate in rates.items()}
    return best, capture


async def measure() -> None:
    """Run capture and the baselines, and print all figures."""
    feed = list(feed_of(COPIES))
    size = sum(len(data) for _key, data in feed) // len(feed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chargeline-bench-")))
        kafka, postgres = kafka_server(), postgres_server()
        assert isinstance(kafka, KafkaServer) and isinstance(postgres, PostgresServer)
        for server in (kafka, postgres):
            stack.callback(server.close)
            server.start()
        visits = VISITS * COPIES
        print(f"\nend to end: {len(feed):,} messages of {visits:,} visits,")
        print(f"{size:,} bytes on average, {PARTITIONS} partitions;")
        print(f"Kafka, PostgreSQL and capture share this machine; best of {ROUNDS}\n")
        best, capture = await _rounds(kafka, postgres, feed, folder)
        print("messages a second")
        for name, rate in best.items():
            print(f"  {name:<30}{rate:>10,.0f}")
        rate = best.pop("chargeline capture")
        slower = min(best.values())
        half = f"half of the slower baseline: {slower / 2:,.0f}"
        print(f"  {'wanted of capture':<30}{WANTED_A_SECOND:>10,}   {half}")
        print(f"\ncapture / slower baseline {rate / slower:.2f}   wanted {WANTED_SHARE}")
        await print_sizes(
            capture.url, kafka.folder, capture.name, messages=len(feed), visits=visits
        )
        fresh = list(feed_of(COPIES, first=1 + COPIES))
        with capture.running():
            await capture.ready()
            waits = sorted(await latencies(capture, fresh, rate / 2))
        p50, p99 = statistics.median(waits), waits[int(len(waits) * 0.99)]
        print(f"\nmessage to draft on the topic, at half load ({rate / 2:,.0f} a second),")
        print(f"{len(waits):,} probes")
        wanted = f"wanted p99 {WANTED_P99 * 1000:.0f} ms"
        print(f"  p50 {p50 * 1000:,.0f} ms   p99 {p99 * 1000:,.0f} ms   {wanted}")


if __name__ == "__main__":
    asyncio.run(measure())
