"""Claims about a start that fails: one clear line, exit code 1, and the password nowhere.

Kafka and the ledger are real and refuse for real. No program waits at its start for a server that
is not there, or for a person: the program ends, and whatever runs it starts it again. The programs
do wait for a Kafka that answers and is still starting: see `test_starting.py`.
"""

import asyncio
import sqlite3
import ssl
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from chargeline.capture.program import kafka_options
from chargeline.kafka import connecting as clients
from chargeline.kafka.connecting import TlsFiles
from chargeline.kafka.starting import KafkaUnavailableError, TopicsMissingError
from chargeline.kafka.topics import too_small
from chargeline.operate.topics import make_topics
from chargeline.settings import Settings
from tests.clock import PATIENCE_SECONDS
from tests.ledger import with_tables
from tests.live.service import TOPICS

from . import servers
from .commands import assert_logged_as_well, assert_one_clear_line, command, environment
from .servers import Kafka
from .service import Service, service

__all__ = ["service"]

WRONG = "battery-staple"


def tls_files(authority: Path | None, certificate: Path | None, key: Path | None) -> TlsFiles:
    return authority, certificate, key


@pytest.fixture(autouse=True)
def patient_knocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Kafka's first handshakes more time: on a busy machine they are slow."""
    monkeypatch.setattr(clients, "KNOCK_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """The path of a SQLite ledger that has its tables."""
    path = tmp_path / "ledger.sqlite"
    await with_tables(f"sqlite:///{path}")
    return path


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


# ------------------------------------------------------------------ Kafka


async def test_without_kafka_each_program_says_so_and_ends(file: Path) -> None:
    """Nobody listens: capture, gateway and topics create name the address and what to do."""
    address = f"127.0.0.1:{servers.free_port()}"
    given = environment(KAFKA_BOOTSTRAP=address, LEDGER_URL=url(file))
    verbs = ("capture", "gateway", "topics create")
    results = await asyncio.gather(*(command(verb, given) for verb in verbs))
    for verb, ended in zip(verbs, results, strict=True):
        assert_one_clear_line(ended, f"found nobody who listens at {address}; start Kafka")
        if verb != "topics create":
            assert_logged_as_well(ended, "KafkaUnavailableError")


async def test_a_wrong_password_is_told_and_not_shown(kafka: Kafka, file: Path) -> None:
    """Capture says that the login is refused and which variables to correct, and no password."""
    given = environment(
        KAFKA_BOOTSTRAP=kafka.sasl_bootstrap,
        KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        KAFKA_SASL_MECHANISM="SCRAM-SHA-256",
        KAFKA_SASL_USERNAME=servers.SASL_USER,
        KAFKA_SASL_PASSWORD=WRONG,
        LEDGER_URL=url(file),
    )
    ended = await command("capture", given)
    assert_one_clear_line(ended, "a login that is refused", "CHARGELINE_KAFKA_SASL_USERNAME")
    assert_logged_as_well(ended, "KafkaUnavailableError")
    assert WRONG not in ended.out + ended.err


Try = Callable[[Kafka], tuple[str, dict[str, object], TlsFiles]]
NO_FILES = tls_files(None, None, None)


def ca(kafka: Kafka) -> TlsFiles:
    return tls_files(kafka.tls_file("authority.pem"), None, None)


def login(mechanism: str, password: str = servers.SASL_PASSWORD) -> dict[str, object]:
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": servers.SASL_USER,
        "sasl_plain_password": password,
    }


def tls(**more: object) -> dict[str, object]:
    return {"security_protocol": "SASL_SSL" if more else "SSL", **more}


SCRAM = "SCRAM-SHA-512"
PLAINTEXT: dict[str, object] = {"security_protocol": "PLAINTEXT"}
LOGIN: dict[str, object] = {"security_protocol": "SASL_PLAINTEXT", **login("PLAIN")}
REFUSALS: dict[str, tuple[Try, str]] = {
    "a name that nobody knows": (
        lambda _: ("kafka.invalid:9092", PLAINTEXT, NO_FILES),
        "a name that is not known at kafka.invalid:9092; correct CHARGELINE_KAFKA_BOOTSTRAP",
    ),
    "two addresses, two reasons": (
        lambda _: ("kafka.invalid:9092,127.0.0.1:1", PLAINTEXT, NO_FILES),
        "a name that is not known at kafka.invalid:9092, nobody who listens at 127.0.0.1:1; ",
    ),
    "no login where one is owed": (
        lambda kafka: (kafka.sasl_bootstrap, PLAINTEXT, NO_FILES),
        "closed on us at .* it may expect TLS, a login",
    ),
    "a login where none is": (
        lambda kafka: (kafka.bootstrap, LOGIN, NO_FILES),
        "a listener without login at .* correct CHARGELINE_KAFKA_SECURITY_PROTOCOL",
    ),
    "a wrong password": (
        lambda kafka: (kafka.sasl_bootstrap, LOGIN | {"sasl_plain_password": WRONG}, NO_FILES),
        "a login that is refused at .* CHARGELINE_KAFKA_SASL_USERNAME",
    ),
    "a mechanism that is not offered": (
        lambda kafka: (kafka.secure_bootstrap, tls(**login("PLAIN")), ca(kafka)),
        "a server without our mechanism at .* CHARGELINE_KAFKA_SASL_MECHANISM",
    ),
    "a wrong password over TLS": (
        lambda kafka: (kafka.secure_bootstrap, tls(**login(SCRAM, WRONG)), ca(kafka)),
        "a login that is refused at",
    ),
    "a certificate of an unknown authority": (
        lambda kafka: (kafka.secure_bootstrap, tls(**login(SCRAM)), NO_FILES),
        r"a certificate that is not trusted \(unable to get .*CHARGELINE_KAFKA_TLS_CA_FILE",
    ),
    "a certificate of another name": (
        lambda kafka: (
            kafka.secure_bootstrap.replace("127.0.0.1", "localhost"),
            tls(**login(SCRAM)),
            ca(kafka),
        ),
        r"a certificate that is not trusted \(Hostname mismatch",
    ),
    "no TLS where it is owed": (
        lambda kafka: (kafka.secure_bootstrap, LOGIN, NO_FILES),
        "closed on us at .* it may expect TLS",
    ),
    "TLS where none is": (
        lambda kafka: (kafka.bootstrap, tls(), NO_FILES),
        "closed on us at .* correct CHARGELINE_KAFKA_SECURITY_PROTOCOL",
    ),
    "no certificate where one is owed": (
        lambda kafka: (kafka.mutual_bootstrap, tls(), ca(kafka)),
        r"does not take us \(.*CERTIFICATE.* set CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE",
    ),
    "sent to where nobody is": (
        lambda kafka: (kafka.lost_bootstrap, PLAINTEXT, NO_FILES),
        "nobody who listens at .* Kafka sends us there itself: correct its advertised.listeners",
    ),
}


async def knock(place: str, said: dict[str, object], files: TlsFiles, *topics: str) -> None:
    """Start a producer as the programs do, and end the producer."""
    options = clients.client_options(
        {"bootstrap_servers": place, "client_id": "test"} | said, files
    )
    async with clients.producer(options, topics=topics, record_bytes=1000, password=str):
        return


@pytest.mark.parametrize("case", REFUSALS)
async def test_why_kafka_does_not_let_us_in_is_told(kafka: Kafka, case: str) -> None:
    """Each wrong address, protocol, login and certificate gives its own reason, and no password."""
    given, said = REFUSALS[case]
    with pytest.raises(KafkaUnavailableError, match=said) as caught:
        await knock(*given(kafka))
    assert not any(word in str(caught.value) for word in (WRONG, servers.SASL_PASSWORD))
    assert len(str(caught.value)) < 400, "the log cuts it"


@pytest.mark.parametrize(
    "given",
    [
        lambda kafka: (kafka.bootstrap, PLAINTEXT, NO_FILES),
        lambda kafka: (kafka.sasl_bootstrap, LOGIN, NO_FILES),
        lambda kafka: (kafka.secure_bootstrap, tls(**login(SCRAM)), ca(kafka)),
        lambda kafka: (
            kafka.mutual_bootstrap,
            tls(),
            tls_files(*map(kafka.tls_file, ("authority.pem", "client.pem", "client.key"))),
        ),
    ],
    ids=["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL with our certificate"],
)
async def test_with_what_is_right_kafka_lets_us_in(kafka: Kafka, given: Try) -> None:
    """Kafka accepts us with each security protocol that can be set."""
    await knock(*given(kafka))


@pytest.mark.parametrize(
    "files",
    [
        ("client.key", None, None),
        ("authority.pem", "client.pem", "server.key"),
        (None, "server.key", "client.key"),
    ],
)
def test_a_tls_file_of_another_kind_is_named(kafka: Kafka, files: tuple[str | None, ...]) -> None:
    """A key in place of a certificate, or the key of another one: the files are named.

    The message also names the variables to correct.
    """
    paths = tls_files(*(kafka.tls_file(name) if name else None for name in files))
    with pytest.raises(
        KafkaUnavailableError, match=r"expected PEM .*\.key, found .*; correct CHARGELINE_KAFKA_TLS"
    ):
        clients.client_options({"bootstrap_servers": "localhost:9092", **tls()}, paths)
    assert issubclass(ssl.SSLError, OSError), "the code that words the message relies on it"


async def test_a_topic_that_is_missing_is_named_with_the_command_that_makes_it(
    kafka: Kafka, file: Path
) -> None:
    """Capture needs five topics and names the missing ones; the gateway needs one.

    Neither program makes a topic by itself.
    """
    names = {
        "TOPIC_AUTHORIZATIONS": "absent.authorizations",
        "TOPIC_DRAFTS": "absent.drafts",
        "TOPIC_QUESTIONS": "absent.questions",
    }
    given = environment(
        KAFKA_BOOTSTRAP=kafka.bootstrap, LEDGER_URL=url(file), TOPIC_INBOUND="absent.in", **names
    )
    capture, gateway = await asyncio.gather(command("capture", given), command("gateway", given))
    for ended, missing in ((capture, [*names.values(), "absent.in"]), (gateway, ["absent.in"])):
        said = [f"no {topic}" for topic in missing]
        assert_one_clear_line(ended, *said, "chargeline topics create")
        assert_logged_as_well(ended, "TopicsMissingError")
    with pytest.raises(TopicsMissingError):
        await knock(kafka.bootstrap, PLAINTEXT, NO_FILES, "absent.in")


async def test_topics_that_kafka_does_not_make_are_an_error(
    kafka: Kafka, topics: Callable[[str], str]
) -> None:
    """Kafka with one server refuses three replicas; no topic is reported as created."""
    names = {f"TOPIC_{what}": topics(what) for what in map(str.upper, TOPICS)}
    ended = await command("topics create", environment(KAFKA_BOOTSTRAP=kafka.bootstrap, **names))
    assert_one_clear_line(ended, "3 replicas, found InvalidReplicationFactorError", "--replication")
    assert ended.out == ""


async def test_topics_take_the_largest_message_or_it_is_said(
    kafka: Kafka, topics: Callable[[str], str]
) -> None:
    """New topics take the largest message that the settings allow.

    When the limit is raised later, `topics create` names each topic that takes less.
    """
    names = {f"topic_{what}": topics(what) for what in TOPICS}
    settings = Settings(kafka_bootstrap=kafka.bootstrap, mllp_frame_bytes=2_000_000, **names)
    assert sorted(await make_topics(settings, 1, 1)) == sorted(names.values())
    assert (
        await too_small(kafka_options(settings), [*names.values()], settings.kafka_record_bytes())
        == {}
    )
    later = {name.upper(): value for name, value in names.items()} | {"MLLP_FRAME_BYTES": "5000000"}
    ended = await command(
        "topics create --partitions 1", environment(KAFKA_BOOTSTRAP=kafka.bootstrap, **later)
    )
    assert (ended.code, ended.out) == (0, "all topics exist\n")
    lines = ended.err.splitlines()
    assert len(lines) == len(names)
    assert all(any(f" {name} " in line for line in lines) for name in names.values())
    assert all(
        f"found max.message.bytes = {settings.kafka_record_bytes()}; raise" in line
        for line in lines
    )


async def test_topics_of_another_number_of_partitions_are_named(
    kafka: Kafka, topics: Callable[[str], str]
) -> None:
    """`topics create` changes no topic; who asks for 2 partitions is told that there is one."""
    names = {f"TOPIC_{what}": topics(what) for what in map(str.upper, TOPICS)}
    variables = environment(KAFKA_BOOTSTRAP=kafka.bootstrap, **names)
    made = await command("topics create --partitions 1 --replication 1", variables)
    assert made.code == 0, made.err  # on a busy machine it says that it waits for Kafka
    again = await command("topics create --partitions 2 --replication 1", variables)
    assert (again.code, again.out) == (0, "all topics exist\n")
    lines = [line for line in again.err.splitlines() if "still starting" not in line]
    assert len(lines) == len(names)
    assert all("to have 2 partitions, found 1; " in line for line in lines)


async def test_a_port_that_is_taken_is_told(kafka: Kafka, service: Service) -> None:
    """The gateway names the port and the variable to correct, and ends."""
    await service.prepare()
    taken = kafka.bootstrap.rpartition(":")[2]
    ended = await command("gateway", service.environment | {"CHARGELINE_MLLP_PORT": taken})
    assert_one_clear_line(ended, f"port {taken}", "in use", "CHARGELINE_MLLP_HOST")


# ------------------------------------------------------------------ the ledger


def as_if_of_version(path: Path, version: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = ?", [version])
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("state", "verbs", "said"),
    [
        ("empty", ["capture"], "found a database without a ledger; "),
        ("old", ["parked list"], "found version 0001; "),
        (
            "new",
            ["capture", "parked list", "ledger migrate"],
            "found version 9999, which this chargeline does",
        ),
        ("text", ["ledger migrate"], "found SQLITE_NOTADB"),
        ("folder", ["capture"], "/nowhere/ledger.sqlite, found FileNotFoundError"),
        ("nobody", ["parked list"], "Refused"),
    ],
)
async def test_a_ledger_that_cannot_be_used_ends_the_start(
    file: Path, state: str, verbs: list[str], said: str
) -> None:
    """One line says why: no tables, another version, no SQLite file, no folder, nobody listens."""
    address = url(file)
    match state:
        case "empty":
            file.unlink()
        case "old":
            as_if_of_version(file, "0001")
        case "new":
            as_if_of_version(file, "9999")
        case "text":
            file.write_text("Not a database. " * 100)
        case "folder":
            address = url(file.parent / "nowhere" / "ledger.sqlite")
        case "nobody":
            address = f"postgresql+asyncpg://user:{WRONG}@127.0.0.1:{servers.free_port()}/ledger"
    given = environment(LEDGER_URL=address)
    for ended in await asyncio.gather(*(command(verb, given) for verb in verbs)):
        assert_one_clear_line(ended, said)
        assert WRONG not in ended.out + ended.err


async def test_a_postgresql_ledger_that_cannot_be_used_ends_the_start(
    service: Service, database: str
) -> None:
    """Capture says so and ends: without the right to write, and with tables of a newer version."""
    await service.prepare()
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE ROLE bystander LOGIN")
    try:
        bystander = service.environment | {
            "CHARGELINE_LEDGER_URL": service.url.replace("chargeline@", f"bystander:{WRONG}@")
        }
        ended = await command("capture", bystander)
        assert_one_clear_line(ended, "42501", "bystander@", "rights")
        assert WRONG not in ended.out + ended.err
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        ended = await command("capture", service.environment)
        assert_one_clear_line(ended, "found version 9999, which this chargeline does not know")
    finally:
        await connection.execute("DROP ROLE bystander")
        await connection.close()
