"""The baselines of the end-to-end benchmark: two programs that do less with the same messages.

This module owns both. One passes records with aiokafka from topic to topic and does not read them;
the other only writes messages into the ledger. Each runs in a process of its own and prints how
many messages a second it has moved.
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
    """Consume `count` records of a topic and send them to another, acknowledged by all replicas."""
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
            waiting = [await producer.send(target, value=r.value, key=r.key) for r in records]
            await asyncio.gather(*waiting)
            moved += len(records)
    seconds = perf_counter() - began
    await consumer.stop()
    await producer.stop()
    return moved / seconds


async def inserts(url: str, bootstrap: str, source: str, count: int) -> float:
    """Write `count` records of a topic into the ledger's table of messages, 500 a transaction.

    The records are read from Kafka before the clock starts.
    """
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    rows: list[StoredMessage] = []
    while len(rows) < count:
        for records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).values():
            rows += [
                _row(record.value or b"", (record.key or b"").decode(), record.offset)
                for record in records
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
