"""Why Kafka does not let us in: one more try at each address, and the words for what happened.

This module owns the diagnosis. aiokafka says only that it could not connect, so this module
connects once more to each address ("knocks") and words what happened there. It decides only
whether a failure may pass by itself; `starting.py` decides how long to wait.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    BrokerNotAvailableError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from chargeline.engine import Finding

KNOCK_SECONDS = 5.0

# The options of a client that a single connection understands as well.
_OF_A_CONNECTION = (
    "client_id", "security_protocol", "ssl_context", "sasl_mechanism", "sasl_plain_username",
    "sasl_plain_password",
)  # fmt: skip


class _Refusal(NamedTuple):
    """What happened at an address, and what to do about it. Both are empty if it let us in."""

    found: str = ""
    do: str = ""


_BOOTSTRAP = "CHARGELINE_KAFKA_BOOTSTRAP"
_PROTOCOL = "CHARGELINE_KAFKA_SECURITY_PROTOCOL"
_LOGIN = "CHARGELINE_KAFKA_SASL_USERNAME, _PASSWORD and _MECHANISM"
_CLOSED = (
    "a connection that is closed on us",
    f"correct {_PROTOCOL} or the port: it may expect TLS, a login or a client certificate",
)
# The first kind that fits an error counts. The order matters: a TimeoutError and every error of TLS
# are OSErrors as well.
_ANSWERS: tuple[tuple[type[BaseException], str, str], ...] = (
    (SaslAuthenticationFailed, "a login that is refused", f"correct {_LOGIN}"),
    (
        UnsupportedSaslMechanismError,
        "a server without our mechanism",
        "set CHARGELINE_KAFKA_SASL_MECHANISM to one that the server offers",
    ),
    (IllegalSaslStateError, "a listener without login", f"correct {_PROTOCOL}, or the port"),
    (socket.gaierror, "a name that is not known", f"correct {_BOOTSTRAP}, or the name service"),
    (ConnectionRefusedError, "nobody who listens", f"start Kafka, or correct {_BOOTSTRAP}"),
    (
        ssl.SSLCertVerificationError,
        "a certificate that is not trusted ({reason})",
        "set CHARGELINE_KAFKA_TLS_CA_FILE to the certificate of its issuer, and use a host name "
        "that stands in the certificate",
    ),
    (
        ssl.SSLError,
        "no TLS, or one that does not take us ({reason})",
        f"correct {_PROTOCOL} or the port, or set CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE and "
        "_KEY_FILE",
    ),
    (
        TimeoutError,
        "no answer in time",
        "check that Kafka runs, that no firewall stands between, and that the port speaks the same "
        "protocol",
    ),
    (ConnectionError, *_CLOSED),
    (
        OSError,
        "an address that cannot be reached ({reason})",
        f"correct {_BOOTSTRAP}, or the network",
    ),
    (Exception, *_CLOSED),
)


class Refusal(NamedTuple):
    """Why Kafka could not be used, and whether the same try may succeed in a moment."""

    finding: Finding
    passes: bool


async def refusal_of(
    options: Mapping[str, object], error: KafkaError | TimeoutError, starting_seconds: float
) -> Refusal:
    """Why Kafka could not be used, after a knock at each address.

    `starting_seconds` is how long the caller waits for a Kafka that is starting;
    the finding names it.
    """
    servers = str(options["bootstrap_servers"])
    at_first = await _knock_at_all(
        [(host, port) for host, port, _family in collect_hosts(servers, randomize=False)], options
    )
    if not at_first.let_us_in:
        return _not_let_in(options, at_first.wrong)
    named = await _knock_at_all(at_first.brokers, options)
    if at_first.brokers and not named.let_us_in:
        told = {
            place: _Refusal(answer.found, _NAMED + answer.do)
            for place, answer in named.wrong.items()
        }
        return _not_let_in(options, told)
    kind = type(error).__name__
    if not _may_pass(error):
        finding = Finding(
            "kafka.refused",
            expected=f"Kafka at {servers} to serve us",
            found=kind,
            where="",
            do=_REFUSES,
        )
        return Refusal(finding, passes=False)
    finding = Finding(
        "kafka.starting",
        expected=f"Kafka at {servers} to be ready within {starting_seconds:.0f} seconds",
        found=f"{kind} from brokers that let us in"
        if at_first.brokers
        else f"no broker registered ({kind})",
        where="",
        do=_STILL_STARTING,
    )
    return Refusal(finding, passes=True)


def _not_let_in(options: Mapping[str, object], wrong: Mapping[str, _Refusal]) -> Refusal:
    servers, protocol = options["bootstrap_servers"], options["security_protocol"]
    finding = Finding(
        "kafka.refused",
        expected=f"Kafka at {servers} to let us in over {protocol}",
        found=", ".join([f"{answer.found} at {place}" for place, answer in wrong.items()]),
        where="",
        do="; ".join(dict.fromkeys([answer.do for answer in wrong.values()])),
    )
    return Refusal(finding, passes=False)


def _may_pass(error: KafkaError | TimeoutError) -> bool:
    """Whether a Kafka that lets us in may answer differently in a moment."""
    if isinstance(error, TimeoutError | BrokerNotAvailableError):
        return True
    # aiokafka raises a bare KafkaError when no broker that answers lists a broker.
    return type(error) is KafkaError or bool(error.retriable)


_REFUSES = "see Kafka's log, and whether our user has the right"
_STILL_STARTING = (
    "see in the logs of its brokers and controllers what they wait for; start this again when they "
    "are done"
)
_NAMED = "Kafka sends us there itself: correct its advertised.listeners, or the network; otherwise "


class _Knocked(NamedTuple):
    """What happened at each address, and which brokers the servers named."""

    answers: dict[str, _Refusal]
    brokers: list[tuple[str, int]]

    @property
    def wrong(self) -> dict[str, _Refusal]:
        """The addresses that did not let us in."""
        return {place: answer for place, answer in self.answers.items() if answer.found}

    @property
    def let_us_in(self) -> bool:
        """Whether at least one address let us in."""
        return len(self.wrong) < len(self.answers)


async def _knock_at_all(places: list[tuple[str, int]], options: Mapping[str, object]) -> _Knocked:
    knocks = await asyncio.gather(*(_answer_at(host, port, options) for host, port in places))
    answers = {
        f"{host}:{port}": answer for (host, port), (answer, _) in zip(places, knocks, strict=True)
    }
    return _Knocked(
        answers, list(dict.fromkeys(broker for _, brokers in knocks for broker in brokers))
    )


async def _answer_at(
    host: str, port: int, options: Mapping[str, object]
) -> tuple[_Refusal, list[tuple[str, int]]]:
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            return _Refusal(), await _knock(host, port, options)
    except (OSError, EOFError, KafkaError) as error:
        return _answer(error), []


async def _knock(host: str, port: int, options: Mapping[str, object]) -> list[tuple[str, int]]:
    """Connect, log in, and ask for the brokers.

    The question is needed: a server that expects a login and got none closes the connection only
    at the first request.
    """
    told = {name: options[name] for name in _OF_A_CONNECTION if name in options}
    connection: AIOKafkaConnection = await create_conn(host, port, **told)
    try:
        metadata = await connection.send(MetadataRequest([]))
    finally:
        connection.close()
    return [(broker[1], broker[2]) for broker in metadata.brokers]


def _answer(error: BaseException) -> _Refusal:
    while error.__cause__ is not None and isinstance(error.__cause__, OSError | KafkaError):
        error = error.__cause__
    words, do = next((words, do) for kind, words, do in _ANSWERS if isinstance(error, kind))
    return _Refusal(words.format(reason=reason_in_short(error)), do)


def reason_in_short(error: BaseException) -> str:
    """The reason that TLS or the operating system gives for an error, or else the error's kind."""
    for name in ("verify_message", "reason", "strerror"):
        said = getattr(error, name, None)
        if isinstance(said, str) and said:
            return said
    return type(error).__name__
