"""Kafka clients as every program of ours makes them.

It owns turning plain settings into aiokafka's options, a producer that waits for all replicas, and one
wording for a broker that does not let us in. What is sent is the programs'.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context


class KafkaUnavailableError(Exception):
    """Kafka cannot be used; the text says what was expected, found, and what to do."""


class TlsFiles(NamedTuple):
    """Who vouches for Kafka, and what we show: PEM files, None where unset."""

    authority: Path | None
    certificate: Path | None
    key: Path | None


def client_options(plain: Mapping[str, object], tls: TlsFiles) -> dict[str, object]:
    """Options for any aiokafka client: servers, name, login, and a TLS context where it is asked for."""
    options = dict(plain)
    if str(options["security_protocol"]).endswith("SSL"):
        authority, certificate, key = (str(each) if each is not None else None for each in tls)
        options["ssl_context"] = create_ssl_context(cafile=authority, certfile=certificate, keyfile=key)
    return options


def refused(plain: Mapping[str, object], error: KafkaError) -> KafkaUnavailableError:
    """The words for a Kafka that could not be reached or did not let us in."""
    return KafkaUnavailableError(
        f"expected Kafka at {plain['bootstrap_servers']} to let us in over {plain['security_protocol']}, "
        f"found {type(error).__name__}; check that it runs, and user, password and certificates "
        "(`chargeline config` shows what is set)"
    )


@asynccontextmanager
async def producer(options: Mapping[str, object]) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer for as long as it is needed. Raises KafkaUnavailableError."""
    made = AIOKafkaProducer(enable_idempotence=True, acks="all", linger_ms=5, **options)
    try:
        await made.start()
    except KafkaError as error:
        await made.stop()
        raise refused(options, error) from error
    try:
        yield made
    finally:
        await made.stop()
