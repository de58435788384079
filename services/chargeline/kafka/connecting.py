"""Kafka clients as every program of ours makes them, and what becomes of the first contact with Kafka.

It owns turning plain settings into aiokafka's options, a producer that waits for all replicas, the wait for
a Kafka that answers and is still starting, and the diagnosis of one that does not let us in: aiokafka says
only that it could not connect, so we knock once more at each address and say what happened there. What is
sent is the programs'.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    BrokerNotAvailableError,
    IllegalSaslStateError,
    KafkaError,
    NoBrokersAvailable,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context
from aiokafka.protocol.metadata import MetadataRequest

# A broker opens its port before it is registered with the controller. That takes a moment; after a crash it
# takes until the session of the dead broker is over (broker.session.timeout.ms, 9 seconds if nobody sets it),
# and a cluster that starts as a whole elects its controller first. This is three such sessions: a Kafka that
# is not there by then waits for a person.
STARTING_SECONDS = 30.0
AGAIN_SECONDS = 0.5
KNOCK_SECONDS = 5.0
FLUSH_SECONDS = 5.0  # what is not sent by then is unanswered, or in the outbox: nothing is lost with it
BREAK_OFF_SECONDS = 1.0

# Options of a client that one connection understands too.
_OF_A_CONNECTION = (
    "client_id", "security_protocol", "ssl_context", "sasl_mechanism", "sasl_plain_username",
    "sasl_plain_password",
)  # fmt: skip

# A draft is some 10 kB: with Kafka's 16 kB each would travel by itself.
BATCH_BYTES = 1_048_576

log = logging.getLogger(__name__)
Made = TypeVar("Made")


class KafkaUnavailableError(Exception):
    """Kafka cannot be used; the text says what was expected, found, and what to do."""


class TopicsMissingError(KafkaUnavailableError):
    """Kafka answers, and has not all topics that we need, or does not show them to us."""


class TlsFiles(NamedTuple):
    """Who vouches for Kafka, and what we show: PEM files, None where unset."""

    authority: Path | None
    certificate: Path | None
    key: Path | None


def client_options(plain: Mapping[str, object], tls: TlsFiles) -> dict[str, object]:
    """Options for any aiokafka client: servers, name, login, and a TLS context where it is asked for.

    Raises KafkaUnavailableError if a TLS file is not what it should be.
    """
    options = dict(plain)
    if str(options["security_protocol"]).endswith("SSL"):
        authority, certificate, key = (str(each) if each is not None else None for each in tls)
        try:
            context = create_ssl_context(cafile=authority, certfile=certificate, keyfile=key)
        except OSError as error:  # an SSLError is one
            files = ", ".join(each for each in (authority, certificate, key) if each)
            raise KafkaUnavailableError(
                f"expected PEM certificates, and the unencrypted key of ours, in {files}, found "
                f"{_reason_of(error)}; correct CHARGELINE_KAFKA_TLS_CA_FILE, _CERTIFICATE_FILE and _KEY_FILE"
            ) from None
        options["ssl_context"] = context
    return options


# ------------------------------------------------------------------ a producer


@asynccontextmanager
async def producer(
    options: Mapping[str, object], *, topics: Collection[str], record_bytes: int
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer for as long as it is needed, of records up to `record_bytes`, for topics that are there.

    It is not idempotent: to aiokafka's idempotent producer one record that the broker refuses leaves a
    gap in the sequence, and the partition takes nothing from it any more. Order holds without, as it has
    one request of a partition under way; a repeated record is one that our readers know already.
    Raises KafkaUnavailableError or TopicsMissingError.
    """
    made = await met(options, lambda: _started(options, topics, record_bytes))
    try:
        yield made
    finally:
        await _stop(made)


async def _started(
    options: Mapping[str, object], topics: Collection[str], record_bytes: int
) -> AIOKafkaProducer:
    made = AIOKafkaProducer(
        acks="all", linger_ms=5, max_batch_size=BATCH_BYTES, max_request_size=record_bytes, **options
    )
    try:
        await made.start()
        need_brokers(made.client)
        await _need(made.client, topics)
    except BaseException:
        await _stop(made)
        raise
    return made


async def _need(client: AIOKafkaClient, topics: Collection[str]) -> None:
    async with asyncio.timeout(KNOCK_SECONDS):
        known = (await client.fetch_all_metadata()).topics(exclude_internal_topics=False)
    missing = sorted(set(topics) - set(known))
    if missing:
        raise TopicsMissingError(
            f"expected the topics {', '.join(sorted(topics))}, found no {', no '.join(missing)}; create what"
            " is missing with `chargeline topics create`, or give our user the right to see it"
        )


async def _stop(made: AIOKafkaProducer) -> None:
    """Send what waits, but not for ever: while Kafka is away a producer's own stop never ends."""
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await made.stop()
    except TimeoutError:
        with suppress(TimeoutError):  # a request under way is waited for, so it is broken off
            async with asyncio.timeout(BREAK_OFF_SECONDS):
                await made._sender.close()
        await made.client.close()


# ------------------------------------------------------------------ a Kafka that is still starting


class Starting(NamedTuple):
    """A Kafka that lets us in and cannot serve us yet, and the error that says so."""

    servers: str
    error: str

    def __str__(self) -> str:
        return (
            f"Kafka at {self.servers} answers and is still starting ({self.error}); "
            f"it is waited for, {STARTING_SECONDS:.0f} seconds at most"
        )


def log_starting(found: Starting) -> None:
    """Say in the log that a Kafka is waited for."""
    log.warning(
        "kafka.starting",
        extra={"where": found.servers, "error": found.error, "seconds": STARTING_SECONDS},
    )


async def met(
    options: Mapping[str, object],
    meet: Callable[[], Awaitable[Made]],
    tell: Callable[[Starting], None] = log_starting,
) -> Made:
    """What `meet` makes of its first contact with Kafka; while Kafka is starting, it is tried again.

    `meet` must leave nothing open where it fails. `tell` is called once, when the wait begins.
    Raises KafkaUnavailableError, at once where Kafka does not let us in or refuses what we ask for, and after
    STARTING_SECONDS where it lets us in and still cannot serve us.
    """
    loop = asyncio.get_running_loop()
    last = None
    while True:
        try:
            return await meet()
        except (KafkaError, TimeoutError) as error:
            reason = await _reason(options, error)
            if not reason.passes:
                raise KafkaUnavailableError(reason.says) from None
            if last is None:
                last = loop.time() + STARTING_SECONDS
                tell(Starting(str(options["bootstrap_servers"]), type(error).__name__))
            elif loop.time() >= last:
                raise KafkaUnavailableError(reason.says) from None
            await asyncio.sleep(AGAIN_SECONDS)


def need_brokers(client: AIOKafkaClient) -> None:
    """Raise NoBrokersAvailable if the cluster that a client has met lists no broker.

    aiokafka starts on such a cluster without a word, and its clients do not recover: a consumer never joins
    its group, for the task that would look for the coordinator has ended by then.
    """
    if not client.cluster.brokers():
        raise NoBrokersAvailable()


def _may_pass(error: KafkaError | TimeoutError) -> bool:
    """Whether a Kafka that lets us in may answer otherwise in a moment."""
    if isinstance(error, TimeoutError | BrokerNotAvailableError):
        return True
    # A bare KafkaError is aiokafka's word for brokers none of which lists a broker.
    return type(error) is KafkaError or bool(error.retriable)


# ------------------------------------------------------------------ why Kafka does not let us in


class _Answer(NamedTuple):
    """What was found at an address, and what to do about it. Empty: it let us in."""

    found: str = ""
    do: str = ""


_BOOTSTRAP = "CHARGELINE_KAFKA_BOOTSTRAP"
_PROTOCOL = "CHARGELINE_KAFKA_SECURITY_PROTOCOL"
_LOGIN = "CHARGELINE_KAFKA_SASL_USERNAME, _PASSWORD and _MECHANISM"
_CLOSED = (
    "a connection that is closed on us",
    f"correct {_PROTOCOL} or the port: it may expect TLS, a login or a certificate of ours",
)
# By the first kind of error that fits; a TimeoutError is an OSError, as is every error of TLS.
_ANSWERS: tuple[tuple[type[BaseException], str, str], ...] = (
    (SaslAuthenticationFailed, "a login that is refused", f"correct {_LOGIN}"),
    (
        UnsupportedSaslMechanismError,
        "a server without our mechanism",
        "correct CHARGELINE_KAFKA_SASL_MECHANISM",
    ),
    (IllegalSaslStateError, "a listener without login", f"correct {_PROTOCOL}, or the port"),
    (socket.gaierror, "a name that is not known", f"correct {_BOOTSTRAP}, or the name service"),
    (ConnectionRefusedError, "nobody who listens", f"start Kafka, or correct {_BOOTSTRAP}"),
    (
        ssl.SSLCertVerificationError,
        "a certificate that is not trusted ({reason})",
        "set CHARGELINE_KAFKA_TLS_CA_FILE to who signed it, and use the name that it is for",
    ),
    (
        ssl.SSLError,
        "no TLS, or one that does not take us ({reason})",
        f"correct {_PROTOCOL} or the port, or set CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE and _KEY_FILE",
    ),
    (
        TimeoutError,
        "no answer in time",
        "see whether Kafka is alive, what stands between, and that the port speaks the same protocol",
    ),
    (ConnectionError, *_CLOSED),
    (OSError, "an address that cannot be reached ({reason})", f"correct {_BOOTSTRAP}, or the network"),
    (Exception, *_CLOSED),
)


class _Reason(NamedTuple):
    """Why Kafka could not be used: one line for a person, and whether it may pass in a moment."""

    says: str
    passes: bool


async def _reason(options: Mapping[str, object], error: KafkaError | TimeoutError) -> _Reason:
    """Why Kafka could not be used, after knocking at each address."""
    servers = str(options["bootstrap_servers"])
    expected = f"expected Kafka at {servers} to let us in over {options['security_protocol']}"
    at_first = await _knock_at_all(
        [(host, port) for host, port, _family in collect_hosts(servers, randomize=False)], options
    )
    if not at_first.let_us_in:
        return _Reason(f"{expected}, {_in_words(at_first.wrong)}", passes=False)
    named = await _knock_at_all(at_first.brokers, options)
    if at_first.brokers and not named.let_us_in:
        told = {place: _Answer(each.found, _NAMED + each.do) for place, each in named.wrong.items()}
        return _Reason(f"{expected}, {_in_words(told)}", passes=False)
    kind = type(error).__name__
    if not _may_pass(error):
        return _Reason(f"expected Kafka at {servers} to serve us, found {kind}; {_REFUSES}", passes=False)
    found = f"{kind} from brokers that let us in" if at_first.brokers else f"no broker registered ({kind})"
    ready = f"expected Kafka at {servers} to be ready within {STARTING_SECONDS:.0f} seconds"
    return _Reason(f"{ready}, found {found}; {_STILL_STARTING}", passes=True)


def _in_words(wrong: Mapping[str, _Answer]) -> str:
    found = ", ".join(f"{each.found} at {place}" for place, each in wrong.items())
    return f"found {found}; {'; '.join(dict.fromkeys(each.do for each in wrong.values()))}"


_REFUSES = "see Kafka's log, and whether our user has the right"
_STILL_STARTING = (
    "see in the logs of its brokers and controllers what they wait for; start this again when they are done"
)
_NAMED = "Kafka sends us there itself: correct its advertised.listeners, or the way to it; else "


class _Knocked(NamedTuple):
    """What was found at each address, and which brokers the servers named."""

    answers: dict[str, _Answer]
    brokers: list[tuple[str, int]]

    @property
    def wrong(self) -> dict[str, _Answer]:
        """The addresses that did not let us in."""
        return {place: each for place, each in self.answers.items() if each.found}

    @property
    def let_us_in(self) -> bool:
        """Whether one of them did."""
        return len(self.wrong) < len(self.answers)


async def _knock_at_all(places: list[tuple[str, int]], options: Mapping[str, object]) -> _Knocked:
    found = await asyncio.gather(*(_answer_at(host, port, options) for host, port in places))
    answers = {f"{host}:{port}": answer for (host, port), (answer, _) in zip(places, found, strict=True)}
    return _Knocked(answers, list(dict.fromkeys(broker for _, brokers in found for broker in brokers)))


async def _answer_at(
    host: str, port: int, options: Mapping[str, object]
) -> tuple[_Answer, list[tuple[str, int]]]:
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            return _Answer(), await _knock(host, port, options)
    except (OSError, EOFError, KafkaError) as error:
        return _answer(error), []


async def _knock(host: str, port: int, options: Mapping[str, object]) -> list[tuple[str, int]]:
    """Connect, log in, and ask for the brokers: without a login that is owed, that is where it ends."""
    told = {name: options[name] for name in _OF_A_CONNECTION if name in options}
    connection: AIOKafkaConnection = await create_conn(host, port, **told)
    try:
        metadata = await connection.send(MetadataRequest([]))
    finally:
        connection.close()
    return [(broker[1], broker[2]) for broker in metadata.brokers]


def _answer(error: BaseException) -> _Answer:
    while error.__cause__ is not None and isinstance(error.__cause__, OSError | KafkaError):
        error = error.__cause__
    found, do = next((found, do) for kind, found, do in _ANSWERS if isinstance(error, kind))
    return _Answer(found.format(reason=_reason_of(error)), do)


def _reason_of(error: BaseException) -> str:
    """A short reason of an error: TLS's or the system's word for it, else its kind."""
    for name in ("verify_message", "reason", "strerror"):
        said = getattr(error, name, None)
        if isinstance(said, str) and said:
            return said
    return type(error).__name__
