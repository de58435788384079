"""Kafka clients as every program of ours makes them.

It owns turning plain settings into aiokafka's options, and a producer that waits for all replicas.
What is sent is the programs'.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.helpers import create_ssl_context

from chargeline.engine import Finding
from chargeline.kafka.refusal import KNOCK_SECONDS, reason_in_short
from chargeline.kafka.starting import KafkaUnavailableError, TopicsMissingError, met, need_brokers

FLUSH_SECONDS = (
    5.0  # what is not sent by then is unanswered, or in the outbox: nothing is lost with it
)
BREAK_OFF_SECONDS = 1.0

# A draft is some 10 kB: with Kafka's 16 kB each would travel by itself.
BATCH_BYTES = 1_048_576


TlsFiles = tuple[Path | None, Path | None, Path | None]
"""PEM files, None where unset: who vouches for Kafka, our certificate, and its key."""


def client_options(plain: Mapping[str, object], tls: TlsFiles) -> dict[str, object]:
    """Options for any aiokafka client: servers, name, login, and a TLS context where it is asked
    for.

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
                Finding(
                    "kafka.tls_files",
                    expected=f"PEM certificates, and the unencrypted key of ours, in {files}",
                    found=reason_in_short(error),
                    where="",
                    do="correct CHARGELINE_KAFKA_TLS_CA_FILE, _CERTIFICATE_FILE and _KEY_FILE",
                )
            ) from None
        options["ssl_context"] = context
    return options


@asynccontextmanager
async def producer(
    options: Mapping[str, object], *, topics: Collection[str], record_bytes: int
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer for as long as it is needed, of records up to `record_bytes`, for topics that are
    there.

    It is not idempotent: to aiokafka's idempotent producer one record that the broker refuses
    leaves a gap in the sequence, and the partition takes nothing from it any more. Order holds
    without, as it has one request of a partition under way; a repeated record is one that our
    readers know already. Raises KafkaUnavailableError or TopicsMissingError.
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
        acks="all",
        linger_ms=5,
        max_batch_size=BATCH_BYTES,
        max_request_size=record_bytes,
        **options,
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
            Finding(
                "kafka.topics_missing",
                expected=f"the topics {', '.join(sorted(topics))}",
                found=f"no {', no '.join(missing)}",
                where="",
                do="create what is missing with `chargeline topics create`, or give our user the "
                "right to see it",
            )
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
