"""Claims about the servers of the live tests: real servers that keep their data and leave nothing.

Kafka and PostgreSQL keep over a restart or a crash what they acknowledged. They end with the test
run, also when the run is killed.
"""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiokafka
import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError

from tests.clock import PATIENCE_SECONDS

from . import servers
from .servers import Kafka, Postgres

SECONDS = PATIENCE_SECONDS
REPOSITORY = Path(__file__).resolve().parents[2]

Topics = Callable[[str], str]


@pytest.fixture
async def topic(kafka: Kafka, topics: Topics) -> str:
    name = topics("in")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return name


@asynccontextmanager
async def producer(bootstrap: str, **options: object) -> AsyncIterator[aiokafka.AIOKafkaProducer]:
    async with (
        asyncio.timeout(SECONDS),
        aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **options) as client,
    ):
        yield client


async def send(bootstrap: str, topic: str, *values: bytes, **options: object) -> None:
    async with producer(bootstrap, **options) as client:
        for value in values:
            await client.send_and_wait(topic, value)


async def read(bootstrap: str, topic: str, count: int, group: str) -> list[bytes]:
    options = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with (
        asyncio.timeout(SECONDS),
        aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **options) as client,
    ):
        values = [(await client.getone()).value for _ in range(count)]
        await client.commit()
        return values


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=SECONDS)
    try:
        return await connection.fetchval(query, timeout=SECONDS)
    finally:
        await connection.close()


# ------------------------------------------------------------------ Kafka


async def test_kafka_gives_back_what_was_sent(kafka: Kafka, topic: str, topics: Topics) -> None:
    """A consumer group reads what a producer sent, in order, and goes on after its commit."""
    group = topics("group")
    await send(kafka.bootstrap, topic, b"one", b"two")
    assert await read(kafka.bootstrap, topic, 2, group) == [b"one", b"two"]
    await send(kafka.bootstrap, topic, b"three")
    assert await read(kafka.bootstrap, topic, 1, group) == [b"three"]


async def test_kafka_makes_no_topic_by_itself(kafka: Kafka, topics: Topics) -> None:
    """A send to a topic that nobody created is an error, as at a site."""
    if isinstance(kafka, servers.ExternalKafka):
        raise servers.UnsupportedError("an external Kafka may be set to make topics by itself")
    with pytest.raises(KafkaError):
        await send(kafka.bootstrap, topics("nobodys"), b"lost", request_timeout_ms=1000)


@pytest.mark.hurts("kafka")
async def test_kafka_keeps_its_data_over_a_restart(
    kafka: Kafka, topic: str, topics: Topics
) -> None:
    """Messages and committed offsets survive an orderly restart at the same address."""
    address, group = kafka.bootstrap, topics("group")
    await send(address, topic, b"one", b"two")
    assert await read(address, topic, 1, group) == [b"one"]
    kafka.restart()
    assert kafka.bootstrap == address
    assert await read(address, topic, 1, group) == [b"two"]


@pytest.mark.hurts("kafka")
async def test_kafka_keeps_its_data_over_a_crash(kafka: Kafka, topic: str, topics: Topics) -> None:
    """Messages that Kafka acknowledged survive kill -9 and a new start."""
    await send(kafka.bootstrap, topic, b"one", b"two")
    kafka.kill()
    kafka.start()
    assert await read(kafka.bootstrap, topic, 2, topics("group")) == [b"one", b"two"]


@pytest.mark.hurts("kafka")
async def test_a_frozen_kafka_answers_after_the_thaw(
    kafka: Kafka, topic: str, topics: Topics
) -> None:
    """A frozen Kafka acknowledges nothing; a client that waits gets its answer after the thaw."""
    async with producer(kafka.bootstrap) as client:
        await client.send_and_wait(topic, b"before")
        kafka.freeze()
        waiting = asyncio.ensure_future(client.send_and_wait(topic, b"during"))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
        kafka.thaw()
        await waiting
    assert await read(kafka.bootstrap, topic, 2, topics("group")) == [b"before", b"during"]


@pytest.mark.parametrize("mechanism", servers.SASL_MECHANISMS)
async def test_kafka_asks_for_a_password(
    kafka: Kafka, topic: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The second listener lets the right password in and turns a wrong one away.

    aiokafka raises only that it could not connect; its log says that the password was wrong.
    """
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism}
    login["sasl_plain_username"] = servers.SASL_USER
    await send(
        kafka.sasl_bootstrap, topic, b"one", sasl_plain_password=servers.SASL_PASSWORD, **login
    )
    with pytest.raises(KafkaConnectionError):
        await send(kafka.sasl_bootstrap, topic, b"two", sasl_plain_password="wrong", **login)
    assert "SaslAuthenticationFailed" in caplog.text


# ------------------------------------------------------------------ PostgreSQL


async def test_postgres_answers_and_means_what_it_commits(database: str) -> None:
    """A client connects, and a commit that has returned is on the disk."""
    assert await ask(database, "SHOW fsync") == "on"
    assert await ask(database, "SHOW synchronous_commit") == "on"


async def test_a_database_is_empty_and_a_tests_own(postgres: Postgres, database: str) -> None:
    """Each test gets a database of its own without tables."""
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert await ask(database, tables) == 0
    assert await ask(database, "SELECT current_database()") != await ask(
        postgres.dsn, "SELECT current_database()"
    )


@pytest.mark.hurts("postgres")
async def test_postgres_keeps_what_was_committed_over_a_crash(
    postgres: Postgres, database: str
) -> None:
    """After kill -9 and a new start the committed row is there and the uncommitted row is not."""
    connection = await asyncpg.connect(database, timeout=SECONDS)
    await connection.execute("CREATE TABLE drafts (id int); INSERT INTO drafts VALUES (1)")
    await connection.execute("BEGIN; INSERT INTO drafts VALUES (2)")
    postgres.kill()
    connection.terminate()
    with pytest.raises(OSError):
        await ask(database, "SELECT 1")
    postgres.start()
    assert await ask(database, "SELECT array_agg(id) FROM drafts") == [1]


@pytest.mark.hurts("postgres")
async def test_postgres_restarts_under_a_client(postgres: Postgres, database: str) -> None:
    """An orderly restart does not wait for clients to leave; they reconnect at the same address."""
    connection = await asyncpg.connect(database, timeout=SECONDS)
    postgres.restart()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1", timeout=SECONDS)
    assert await ask(database, "SELECT 1") == 1


@pytest.mark.hurts("postgres")
async def test_a_frozen_postgres_answers_after_the_thaw(postgres: Postgres, database: str) -> None:
    """Even a connection that was open before the freeze gets no answer until the thaw."""
    connection = await asyncpg.connect(database, timeout=SECONDS)
    postgres.freeze()
    waiting = asyncio.ensure_future(connection.fetchval("SELECT 1", timeout=SECONDS))
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done
    postgres.thaw()
    assert await waiting == 1
    await connection.close()


@pytest.mark.hurts("postgres")
async def test_a_hurt_server_is_healed_for_the_next_test(postgres: Postgres, database: str) -> None:
    """`heal`, which the fixture calls after each test, brings back a dead or frozen server."""
    postgres.kill()
    postgres.heal()
    assert await ask(database, "SELECT 1") == 1
    postgres.freeze()
    postgres.heal()
    assert await ask(database, "SELECT 1") == 1


# ------------------------------------------------------------------ the servers' keepers

ABANDON = """
import os, signal
from tests.live.servers import PostgresServer
server = PostgresServer()
server.start()
print(server.port, server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_servers_end_when_their_starter_is_killed() -> None:
    """A test run that is ended by kill -9 leaves neither a server nor the server's folder."""
    died = subprocess.run(
        [sys.executable, "-c", ABANDON],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    port, folder = died.stdout.split()

    def gone() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(port))) != 0 and not Path(folder).exists()

    servers.wait_until(gone, SECONDS, f"port {port} closed and {folder} removed")


def test_of_two_that_fetch_at_once_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache is filled once, and the process that waited sees the complete folder."""
    monkeypatch.setenv(servers.CACHE_VARIABLE, str(tmp_path))
    fetches: list[Path] = []
    seen: list[list[str]] = []

    def fetch(folder: Path) -> None:
        fetches.append(folder)
        (folder / "a.jar").touch()
        time.sleep(0.2)  # the work of a fetch, long enough for the other to arrive
        (folder / "b.jar").touch()

    def use() -> None:
        seen.append(names(servers.fetched("kafka-x", fetch)))

    both = [threading.Thread(target=use) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(SECONDS)
    assert len(fetches) == 1
    assert seen == [["a.jar", "b.jar"]] * 2


def test_a_fetch_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed download leaves no folder that the next run would use; the error says why."""
    monkeypatch.setenv(servers.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(servers.ServerError, match="expected the program `mvn`"):
        servers.fetched("kafka-x", servers.fetch_kafka)
    assert names(tmp_path / "cache") == ["kafka-x.lock"]


@pytest.mark.parametrize("action", ["stop", "kill", "restart", "freeze", "thaw"])
def test_a_server_of_somebody_else_is_not_hurt(action: str) -> None:
    """A server that the environment names refuses to be hurt, and names the variable to unset."""
    postgres = servers.ExternalPostgres("postgresql://127.0.0.1:1/x")
    for server in (servers.ExternalKafka("127.0.0.1:1"), postgres):
        with pytest.raises(servers.UnsupportedError, match=server.variable):
            getattr(server, action)()


def test_a_server_of_somebody_else_that_is_not_there_is_an_error() -> None:
    """A wrong address in the environment is reported at the start, with the variable's name."""
    with pytest.raises(servers.ServerError, match=servers.KAFKA_VARIABLE):
        servers.ExternalKafka("127.0.0.1:1").start()
    with pytest.raises(servers.ServerError, match=servers.POSTGRES_VARIABLE):
        servers.ExternalPostgres("postgresql://127.0.0.1:1/x").start()
