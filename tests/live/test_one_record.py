"""No record stops a capture, on a real Kafka and PostgreSQL: it is parked, and the rest goes on."""

import gzip
from hashlib import sha256
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from chargeline.ledger.records import StoredParkedMessage
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings
from tests.drafting.test_processor import by_code

from .commands import command
from .records import (
    NO_TIME_MS,
    PARTITIONS,
    Record,
    as_kafka_ships,
    java,
    key_of,
    send,
    send_by,
    send_with_bad_name,
)
from .service import Service, service
from .test_bad_input import logged
from .test_placement import feed

__all__ = ["service"]

LARGEST = 400_000
ZEROS = bytes(30_000_000)
BOMB = bytes(100 * 1_048_576)


def bad(partition: int, **more: Any) -> Record:
    return Record(b"no HL7 at all", b"nobody", partition)._replace(**more)


async def parked(service: Service) -> list[StoredParkedMessage]:
    ledger = await Ledger.open(service.url)
    try:
        return await ledger.parked()
    finally:
        await ledger.close()


async def test_whatever_one_record_is_only_that_record_is_parked(service: Service) -> None:
    """In every partition, between good messages of its visits: a timestamp that is no time, a
    header name that is no UTF-8 (aiokafka raises inside its poll), and more bytes than a message
    may have, in the value and in the headers. The drafts are those of `chargeline code`.
    """
    messages = feed(24, 61)
    assert {java(key_of(each)) for each in messages} == set(range(PARTITIONS))
    large = b"MSH|^~\\&|" + b"x" * LARGEST
    await service.prepare()
    await as_kafka_ships(service.kafka.bootstrap, service.inbound)
    bootstrap, too_long = service.kafka.bootstrap, (("name", b"\xff"), ("long", b"x" * 100_000))
    unusable: list[dict[str, Any]] = [
        {"timestamp_ms": NO_TIME_MS},
        {"value": large},
        {"headers": too_long},
    ]
    for part in (messages[::3], messages[1::3]):
        await service.deliver(part)
        for partition in range(PARTITIONS):
            await send_with_bad_name(bootstrap, service.inbound, partition)
            await service.deliver_records([bad(partition, **more) for more in unusable])
    await service.deliver(messages[2::3])
    capture = service.start(CHARGELINE_MLLP_FRAME_BYTES=str(LARGEST))
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    await service.until(service.drained, "the rest to be worked off")
    rows = await parked(service)
    counted = {code: [row for row in rows if row.code == code] for code in {r.code for r in rows}}
    assert {code: len(some) for code, some in counted.items()} == {
        "record.time": 2 * PARTITIONS,
        "record.unreadable": 2 * PARTITIONS,
        "record.too_large": 4 * PARTITIONS,
    }
    assert {row.raw for row in counted["record.time"]} == {b"no HL7 at all"}
    assert {row.raw for row in rows if row.code != "record.time"} == {b""}
    said = [row.found for row in counted["record.too_large"]]
    assert sum(sha256(large).hexdigest() in found for found in said) == 2 * PARTITIONS
    assert capture.poll() is None


async def test_a_bomb_is_refused_by_the_broker(service: Service) -> None:
    """100 MiB of zeros travel as 100 kB, less than the topic takes. The topics that `topics create`
    makes have the broker unpack them: their producer is refused, and others go on.
    """
    assert len(gzip.compress(BOMB)) < Settings().kafka_record_bytes()
    messages = feed(4, 65)
    await service.prepare()
    service.start()
    bomb = [bad(0, value=BOMB)]
    with pytest.raises(MessageSizeTooLargeError):
        await send(service.kafka.bootstrap, service.inbound, bomb, compression="gzip")
    await service.deliver(messages)
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    assert await parked(service) == []


async def test_a_bomb_is_parked_as_its_size(service: Service) -> None:
    """On a topic that keeps batches as they come 30 MB of zeros travel as 30 kB. Its event is
    small, and what comes behind it is drafted. `topics create` names such a topic.
    """
    assert len(gzip.compress(ZEROS)) < 100_000
    messages = feed(4, 62)
    await service.prepare()
    await as_kafka_ships(service.kafka.bootstrap, service.inbound)
    said = await command(f"topics create --partitions {PARTITIONS}", service.environment)
    assert f"{service.inbound} to have compression.type = uncompressed, found producer" in said.err
    service.start()
    bomb = [bad(0, value=ZEROS)]
    await send(service.kafka.bootstrap, service.inbound, bomb, compression="gzip")
    await service.deliver(messages)
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    await service.until(service.drained, "the rest to be worked off")
    (row,) = await parked(service)
    assert (row.code, row.raw) == ("record.too_large", b"")
    assert f"{len(ZEROS) + len(b'nobody')} bytes" in row.found
    assert not logged(service, "event.too_large")


async def test_an_open_transaction_is_told(service: Service) -> None:
    """A producer begins a transaction on the topic and goes away. The message behind it waits, and
    the log and a metric say why; when the transaction is ended, the message is drafted.
    """
    messages = feed(4, 63)
    await service.prepare()
    capture = service.start()
    await service.ready(capture)
    forgetful = AIOKafkaProducer(
        bootstrap_servers=service.kafka.bootstrap, transactional_id=f"{service.name}-forgetful"
    )
    await forgetful.start()
    try:
        await forgetful.begin_transaction()
        await send_by(forgetful, service.inbound, [bad(n) for n in range(PARTITIONS)])
        await service.deliver(messages)
        await service.until(lambda: logged(service, "transaction.open"), "the log to say so")

        async def counted() -> bool:
            return await capture.metric("chargeline_held_back_messages") >= len(messages)

        await service.until(counted, "the metric to count the messages")
        await forgetful.abort_transaction()
    finally:
        await forgetful.stop()
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    await service.until(lambda: logged(service, "transaction.over"), "the log to say so")
    assert await parked(service) == []
