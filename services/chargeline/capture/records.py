"""From Kafka's records to the values that the drafting floor reads, whatever a record holds.

This module owns what of a record cannot be used at all: a time that is none, more bytes than a
message may have, and what aiokafka cannot read. Such a record becomes a value that says so, to be
parked; it must not end the program, because the next start would read it again. The module does not
know what a message says.

aiokafka decompresses a whole batch before it hands over the first record. A batch of a few hundred
kilobytes may hold hundreds of megabytes of zeros, and nothing here can bound that: the memory is
needed once, and given back when the batch is read. Where a MemoryError comes of it, the records of
the batch are parked as unreadable; where the system kills the program for it, only the broker
helps: `topics create` has it unpack and refuse such a batch.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from structlog.typing import FilteringBoundLogger

from chargeline.drafting.inbound import InboundRecord
from chargeline.hl7.errors import Hl7Error

APART_MS = 200
HEADER_BYTES_MOST = 65_536
"""Key and headers of one record. Ours have 300 bytes."""


class CannotBeReadError(Exception):
    """aiokafka cannot read a record of this poll. It does not say which one."""


def inbound_of(record: ConsumerRecord, largest: int) -> InboundRecord:
    """A record of Kafka as the value that the drafting floor reads.

    A record with more than `largest` bytes is given as its size and hash.
    """
    key, value = record.key or b"", record.value or b""
    headers = {name: (said or b"") for name, said in record.headers}
    received_at, problem = _instant(record.timestamp)
    if len(value) > largest or _size(key, headers) > HEADER_BYTES_MOST:
        problem = _too_large(len(value) + _size(key, headers), value, largest)
        value, headers = b"", {}
        key = key if len(key) <= HEADER_BYTES_MOST else b""
    return InboundRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=key.decode("utf-8", "replace"),
        value=value,
        headers={name: said.decode("utf-8", "replace") for name, said in headers.items()},
        received_at=received_at,
        unusable=problem,
    )


def _size(key: bytes, headers: Mapping[str, bytes]) -> int:
    return len(key) + sum(len(name) + len(said) for name, said in headers.items())


def _instant(milliseconds: int) -> tuple[datetime, Hl7Error | None]:
    """A Kafka timestamp as a time. Where it is none, the time of now, and the problem."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC), None
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC), Hl7Error(
            "record.time",
            expected="a record whose timestamp is a time from the year 1 to 9999",
            found="one that is not",
            where="the timestamp of the record",
            do="correct the producer, or set message.timestamp.type=LogAppendTime on the topic; "
            "`chargeline parked retry` sends the message again with the time of now",
        )


def _too_large(size: int, value: bytes, largest: int) -> Hl7Error:
    return Hl7Error(
        "record.too_large",
        expected=f"at most {largest} bytes, and {HEADER_BYTES_MOST} of key and headers",
        found=f"{size} bytes, the message with the SHA-256 {sha256(value).hexdigest()}",
        where="",
        do="the ledger does not keep its bytes. Have the sender send it in parts, or raise "
        "CHARGELINE_MLLP_FRAME_BYTES and have it sent again",
    )


async def one_by_one(
    consumer: AIOKafkaConsumer, partition: TopicPartition, most: int, log: FilteringBoundLogger
) -> tuple[list[ConsumerRecord], InboundRecord | None]:
    """The next records of a partition, up to the first that aiokafka cannot read.

    If the very next one is such a record, it is passed, and given as a value that says so. aiokafka
    does not say which record of a poll it cannot read, so they are asked for singly here. Where
    offsets are left out (markers of transactions), the same record may be met at each of them.
    """
    records: list[ConsumerRecord] = []
    while len(records) < most:
        try:
            polled = await consumer.getmany(partition, timeout_ms=APART_MS, max_records=1)
        except KafkaError:
            raise
        except Exception as error:
            if records:
                break
            offset = await consumer.position(partition)
            log.error(
                "record.unreadable",
                exc_info=error,
                topic=partition.topic,
                partition=partition.partition,
                offset=offset,
            )
            consumer.seek(partition, offset + 1)
            return [], _unreadable(partition, offset, error)
        if not polled:
            break
        records += polled[partition]
    return records, None


def _unreadable(partition: TopicPartition, offset: int, error: Exception) -> InboundRecord:
    problem = Hl7Error(
        "record.unreadable",
        expected="a record that our Kafka client can read",
        found=type(error).__name__,
        where=f"{partition.topic}[{partition.partition}] at offset {offset}",
        do="the ledger has no bytes of it. Names of headers must be UTF-8, and a batch must not be "
        "a bomb; read it at its offset with another client, and have it sent again",
    )
    return InboundRecord(
        topic=partition.topic,
        partition=partition.partition,
        offset=offset,
        key="",
        value=b"",
        headers={},
        received_at=datetime.now(UTC),
        unusable=problem,
    )
