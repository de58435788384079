"""What the end-to-end benchmark is measured beside: the same messages, with less done to each.

It owns two programs of one process each: aiokafka passing records from topic to topic untouched,
and the ledger taking messages in and nothing else. Each prints how many messages a second it moved.
"""

import asyncio
import sys
from datetime import UTC, datetime
from time import perf_counter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chargeline.hl7.reader import read_message
from chargeline.ledger import Ledger, StoredMessage

BATCH = 500


async def pass_through(bootstrap: str, source: str, target: str, count: int) -> float:
    """Consume `count` records of one topic and produce them to another, all replicas waited for."""
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=5
    )
    await consumer.start()
    await producer.start()
    began, moved = perf_counter(), 0
    while moved < count:
        for records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).values():
            sent = [await producer.send(target, value=each.value, key=each.key) for each in records]
            await asyncio.gather(*sent)
            moved += len(records)
    seconds = perf_counter() - began
    await consumer.stop()
    await producer.stop()
    return moved / seconds


async def inserts(url: str, bootstrap: str, source: str, count: int) -> float:
    """Write `count` records of a topic into the ledger's table of messages, 500 a transaction.

    They are read from Kafka before the clock starts.
    """
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    rows: list[StoredMessage] = []
    while len(rows) < count:
        for records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).values():
            rows += [
                _row(each.value or b"", (each.key or b"").decode(), each.offset) for each in records
            ]
    await consumer.stop()
    ledger = await Ledger.open(url, accept_old=True)
    await ledger.migrate()
    began = perf_counter()
    for first in range(0, len(rows), BATCH):
        async with ledger.batch() as batch:
            await batch.add_messages(rows[first : first + BATCH])
    seconds = perf_counter() - began
    await ledger.close()
    return len(rows) / seconds


def _row(raw: bytes, key: str, offset: int) -> StoredMessage:
    facility, _bar, visit = key.partition("|")
    message = read_message(raw)
    digest = message.body_digest.hex()
    now = datetime.now(UTC)
    return StoredMessage(
        facility,
        visit,
        digest,
        message.control_id,
        now,
        message.type,
        "inbound",
        0,
        offset,
        now,
        raw,
    )


if __name__ == "__main__":
    verb, *rest, number = sys.argv[1:]
    work = {"pass_through": pass_through, "inserts": inserts}[verb]
    print(asyncio.run(work(*rest, int(number))))
