"""Claims about secrets that change while a program runs: the next connection uses the new one.

No patient is real.
"""

import asyncio
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chargeline.kafka import connecting as clients
from chargeline.kafka.renewing import RenewedContext
from chargeline.ledger import AccessRefused, BadAddress, Ledger
from chargeline.operate.topics import make_topics
from chargeline.settings import Settings
from tests.clock import PATIENCE_SECONDS
from tests.drafting.test_processor import by_code
from tests.ledger import with_tables
from tests.live.service import TOPICS
from tests.serve import Served, deliver, drafted, feed, until

from .servers import PASSWORD_ROLE, SASL_PASSWORD, SASL_USER, Kafka, make_certificates

Topics = Callable[[str], str]


# ------------------------------------------------------------------ PostgreSQL


class Login:
    """A role that needs a password, and the file with its address of the ledger."""

    def __init__(self, database: str, file: Path) -> None:
        self.database, self.file = database, file
        self.role = f"zebra_{uuid.uuid4().hex[:12]}"

    async def run(self, *statements: str) -> None:
        """Run statements as the superuser."""
        connection = await asyncpg.connect(self.database)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def make(self) -> None:
        """Make the role, with the password `first`."""
        name = urlsplit(self.database).path[1:]
        group = f"CREATE ROLE {PASSWORD_ROLE}"
        await self.run(
            f"DO $$ BEGIN {group}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"CREATE ROLE {self.role} LOGIN PASSWORD 'first' IN ROLE {PASSWORD_ROLE}",
            f"GRANT ALL ON DATABASE {name} TO {self.role}",
            f"GRANT ALL ON SCHEMA public TO {self.role}",
        )
        self.write("first")

    async def change(self, password: str) -> None:
        """Give the role another password, and end its sessions."""
        await self.run(
            f"ALTER ROLE {self.role} PASSWORD '{password}'",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.role}'",
        )

    def write(self, password: str) -> None:
        """Write the address with a password into the file."""
        place = urlsplit(self.database)
        host = f"{place.hostname}:{place.port}{place.path}"
        self.file.write_text(f"postgresql+asyncpg://{self.role}:{password}@{host}\n")


@pytest.fixture
async def login(database: str, tmp_path: Path) -> Login:
    made = Login(database, tmp_path / "address")
    await made.make()
    return made


@pytest.fixture
def served(tmp_path: Path, login: Login) -> Iterator[Served]:
    service = Served(tmp_path, ledger_url_file=str(login.file))
    del service.environment["CHARGELINE_LEDGER_URL"]
    yield service
    service.end()


async def test_serve_goes_on_with_a_new_password(served: Served, login: Login) -> None:
    """The password of the role is changed, its sessions are ended, and the file is written a moment
    later: no message is lost, and the program was not started again.
    """
    messages = feed(20, 44)
    served.start()
    await served.ready()
    await deliver(messages[:40], served.port)
    await login.change("second")
    sending = asyncio.create_task(deliver(messages[40:], served.port))
    await until(lambda: "ledger.unavailable" in served.log.read_text(), served.said)
    login.write("second")
    await sending
    assert await served.stop() == 0, served.said()
    assert drafted(served.events()) == by_code(messages)
    assert not {"first", "second"} & set(served.log.read_text().replace("@", ":").split(":"))


async def test_a_file_without_a_value_is_said_by_the_next_connection(login: Login) -> None:
    """The file is emptied, then names another database: the ledger says so and goes on when the
    file is right again.
    """
    settings = Settings(ledger_url_file=login.file)
    await with_tables(settings.ledger_address())
    ledger = await Ledger.open(settings.ledger_address)
    right = login.file.read_text()
    for wrong, kind in (("", AccessRefused), (right.strip() + "_other\n", BadAddress)):
        login.file.write_text(wrong)
        await login.change("first")
        with pytest.raises(kind) as caught:
            async with ledger.view() as view:
                await view.counts()
        assert "first" not in str(caught.value)
    login.file.write_text(right)
    async with asyncio.timeout(PATIENCE_SECONDS), ledger.view() as view:
        await view.counts()
    await ledger.close()


# ------------------------------------------------------------------ Kafka


async def _sent(producer: AIOKafkaProducer, topic: str) -> bool:
    """Whether a producer whose connections are gone can send a record."""
    for connection in list(producer.client._conns.values()):
        connection.close()
    try:
        async with asyncio.timeout(3):
            await producer.send_and_wait(topic, b"x")
    except (KafkaError, TimeoutError):
        return False
    return True


async def test_a_new_connection_to_kafka_logs_in_with_the_password_of_now(
    kafka: Kafka, topics: Topics, tmp_path: Path
) -> None:
    """A wrong password in the file keeps a running producer out, the right one lets it in again;
    while the file is empty, the password before counts.
    """
    topic = topics("inbound")
    await _with_topic(kafka, topics)
    file = tmp_path / "password"
    file.write_text(f"{SASL_PASSWORD}\n")
    settings = Settings(
        kafka_bootstrap=kafka.sasl_bootstrap,
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_sasl_mechanism="SCRAM-SHA-256",
        kafka_sasl_username=SASL_USER,
        kafka_sasl_password_file=file,
    )
    options = clients.client_options(settings.kafka_client(), settings.kafka_tls_files())
    async with clients.producer(
        options, topics=[topic], record_bytes=1000, password=settings.kafka_password
    ) as producer:
        assert await _sent(producer, topic)
        file.write_text("wrong\n")
        assert not await _sent(producer, topic)
        file.write_text(f"{SASL_PASSWORD}\n")
        assert await _sent(producer, topic)
        file.write_text("\n")
        assert await _sent(producer, topic)


async def test_a_new_connection_to_kafka_shows_the_certificate_of_now(
    kafka: Kafka, topics: Topics, tmp_path: Path
) -> None:
    """Files of a stranger keep a running producer out, the right ones let it in again; a key that
    does not fit changes nothing.
    """
    topic = topics("inbound")
    await _with_topic(kafka, topics)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    make_certificates(strangers)
    names = ("authority.pem", "client.pem", "client.key")
    files = [tmp_path / name for name in names]

    def put(*sources: Path) -> None:
        for source, file in zip(sources, files, strict=True):
            shutil.copy(source, file)

    ours = [kafka.tls_file(name) for name in names]
    put(*ours)
    options = clients.client_options(
        {
            "bootstrap_servers": kafka.mutual_bootstrap,
            "client_id": "test",
            "security_protocol": "SSL",
        },
        (files[0], files[1], files[2]),
    )
    assert isinstance(options["ssl_context"], RenewedContext)
    async with clients.producer(
        options, topics=[topic], record_bytes=1000, password=str
    ) as producer:
        assert await _sent(producer, topic)
        put(ours[0], strangers / "client.pem", strangers / "client.key")
        assert not await _sent(producer, topic)
        put(*ours)
        assert await _sent(producer, topic)
        put(*ours[:2], strangers / "client.key")
        assert await _sent(producer, topic)


async def _with_topic(kafka: Kafka, topics: Topics) -> None:
    settings = Settings(
        kafka_bootstrap=kafka.bootstrap,
        **{f"topic_{name}": topics(name) for name in TOPICS},
    )
    await make_topics(settings, 1, 1)
