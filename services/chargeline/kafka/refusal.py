"""Why Kafka does not let us in: a knock at each address, and the words for what was found there.

It owns the diagnosis. aiokafka says only that it could not connect, so we knock once more at each
address and say what happened. It decides nothing but whether a failure may pass by itself.
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

# Options of a client that one connection understands too.
_OF_A_CONNECTION = (
    "client_id", "security_protocol", "ssl_context", "sasl_mechanism", "sasl_plain_username",
    "sasl_plain_password",
)  # fmt: skip


class _Refusal(NamedTuple):
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
        f"correct {_PROTOCOL} or the port, or set CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE and "
        f"_KEY_FILE",
    ),
    (
        TimeoutError,
        "no answer in time",
        "see whether Kafka is alive, what stands between, and that the port speaks the same "
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
    """Why Kafka could not be used, and whether that may pass in a moment."""

    finding: Finding
    passes: bool


async def refusal_of(
    options: Mapping[str, object], error: KafkaError | TimeoutError, starting_seconds: float
) -> Refusal:
    """Why Kafka could not be used, after knocking at each address.

    `starting_seconds`: for so long a Kafka that starts is waited for.
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
            place: _Refusal(each.found, _NAMED + each.do) for place, each in named.wrong.items()
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
    """Whether a Kafka that lets us in may answer otherwise in a moment."""
    if isinstance(error, TimeoutError | BrokerNotAvailableError):
        return True
    # A bare KafkaError is aiokafka's word for brokers none of which lists a broker.
    return type(error) is KafkaError or bool(error.retriable)


_REFUSES = "see Kafka's log, and whether our user has the right"
_STILL_STARTING = "see in the logs of its brokers and controllers what they wait for; start this again when they are done"
_NAMED = "Kafka sends us there itself: correct its advertised.listeners, or the way to it; else "


class _Knocked(NamedTuple):
    """What was found at each address, and which brokers the servers named."""

    answers: dict[str, _Refusal]
    brokers: list[tuple[str, int]]

    @property
    def wrong(self) -> dict[str, _Refusal]:
        """The addresses that did not let us in."""
        return {place: each for place, each in self.answers.items() if each.found}

    @property
    def let_us_in(self) -> bool:
        """Whether one of them did."""
        return len(self.wrong) < len(self.answers)


async def _knock_at_all(places: list[tuple[str, int]], options: Mapping[str, object]) -> _Knocked:
    found = await asyncio.gather(*(_answer_at(host, port, options) for host, port in places))
    answers = {
        f"{host}:{port}": answer for (host, port), (answer, _) in zip(places, found, strict=True)
    }
    return _Knocked(
        answers, list(dict.fromkeys(broker for _, brokers in found for broker in brokers))
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
    """Connect, log in, and ask for the brokers: without a login that is owed, that is where it
    ends.
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
    found, do = next((found, do) for kind, found, do in _ANSWERS if isinstance(error, kind))
    return _Refusal(found.format(reason=reason_in_short(error)), do)


def reason_in_short(error: BaseException) -> str:
    """TLS's or the system's word for an error, else its kind."""
    for name in ("verify_message", "reason", "strerror"):
        said = getattr(error, name, None)
        if isinstance(said, str) and said:
            return said
    return type(error).__name__
