"""Kafka clients as every program of ours makes them.

This module owns how plain settings become aiokafka's options, and a producer that waits until all
in-sync replicas have a record. It refuses to know what is sent: each program decides that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient

from chargeline.engine import Finding
from chargeline.kafka.refusal import KNOCK_SECONDS, reason_in_short
from chargeline.kafka.renewing import RenewedContext, TlsFiles, with_password_of_now
from chargeline.kafka.starting import KafkaUnavailableError, TopicsMissingError, met, need_brokers

# What a producer has not sent after 5 seconds is not lost: the sender of such a message has no
# acknowledgement and repeats the message, and such an event is still in the outbox.
FLUSH_SECONDS = 5.0
BREAK_OFF_SECONDS = 1.0

# A draft has about 10 kB. In batches of 16 kB, Kafka's default, each draft would travel alone.
BATCH_BYTES = 1_048_576


def client_options(plain: Mapping[str, object], tls: TlsFiles) -> dict[str, object]:
    """Options for any aiokafka client: servers, name, login, and a TLS context if the security
    protocol asks for TLS.

    Raises KafkaUnavailableError if a TLS file is missing or is no PEM file of its kind.
    """
    options = dict(plain)
    if str(options["security_protocol"]).endswith("SSL"):
        try:
            context = RenewedContext(tls)
        except OSError as error:  # an SSLError is one
            files = ", ".join(str(path) for path in tls if path)
            raise KafkaUnavailableError(
                Finding(
                    "kafka.tls_files",
                    expected=f"PEM certificates, and our key without a password, in {files}",
                    found=reason_in_short(error),
                    where="",
                    do="correct CHARGELINE_KAFKA_TLS_CA_FILE, _CERTIFICATE_FILE and _KEY_FILE",
                )
            ) from None
        options["ssl_context"] = context
    return options


@asynccontextmanager
async def producer(
    options: Mapping[str, object],
    *,
    topics: Collection[str],
    record_bytes: int,
    password: Callable[[], str],
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer for the time of the `async with`, of records up to `record_bytes`. The topics must
    exist. `password` is asked for at each connection that the producer makes once it has started.

    The producer is not idempotent. When the broker refuses one record of aiokafka's idempotent
    producer, a gap stays in the sequence numbers, and the partition takes no further record from
    that producer. The order of records holds without idempotence, because the producer has one
    request for a partition under way at a time. A retry may write a record twice: our readers
    recognize the second by its id. Raises KafkaUnavailableError or TopicsMissingError.
    """
    started = await met(options, lambda: _started(options, topics, record_bytes))
    with_password_of_now(started.client, password)
    try:
        yield started
    finally:
        await _stop(started)


async def _started(
    options: Mapping[str, object], topics: Collection[str], record_bytes: int
) -> AIOKafkaProducer:
    starting = AIOKafkaProducer(
        acks="all",
        linger_ms=5,
        max_batch_size=BATCH_BYTES,
        max_request_size=record_bytes,
        **options,
    )
    try:
        await starting.start()
        need_brokers(starting.client)
        await _need(starting.client, topics)
    except BaseException:
        await _stop(starting)
        raise
    return starting


async def _need(client: AIOKafkaClient, topics: Collection[str]) -> None:
    async with asyncio.timeout(KNOCK_SECONDS):
        there = (await client.fetch_all_metadata()).topics(exclude_internal_topics=False)
    missing = sorted(set(topics) - set(there))
    if missing:
        raise TopicsMissingError(
            Finding(
                "kafka.topics_missing",
                expected=f"the topics {', '.join(sorted(topics))}",
                found=f"no {', no '.join(missing)}",
                where="",
                do="create the missing topics with `chargeline topics create`, or give our user "
                "the right to see them",
            )
        )


async def _stop(stopping: AIOKafkaProducer) -> None:
    """Send the records that still wait, for at most FLUSH_SECONDS.

    While Kafka is away, a producer's own stop never ends.
    """
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await stopping.stop()
    except TimeoutError:
        # The sender's close waits for the request under way, so the timeout breaks that off.
        with suppress(TimeoutError):
            async with asyncio.timeout(BREAK_OFF_SECONDS):
                await stopping._sender.close()
        await stopping.client.close()
