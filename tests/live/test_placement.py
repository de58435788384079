"""A record may lie in any partition: its visit is drafted whole, on a real Kafka and PostgreSQL.

The producers here place records as librdkafka's partitioners do, which engines and scripts use
(`records.py`).
"""

import random

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from chargeline.simulator.feed import simulate
from tests.drafting.test_processor import by_code

from .records import PARTITIONS, Record, java, key_of, send, writers
from .service import Service, service

__all__ = ["service"]

WRITERS = writers(random.Random(7))
VISITS = 24
REKEYED = "chargeline_rekeyed_messages_total"


def feed(visits: int, seed: int) -> list[bytes]:
    return [
        data
        for _style, data in simulate(visits=visits, seed=seed, style="standard", mess=0.0).messages
    ]


async def metric(service: Service, name: str) -> float:
    """The sum of a metric over all captures that run."""
    running = [program for program in service.programs if program.poll() is None]
    return sum([await program.metric(name) for program in running])


async def two_captures(service: Service) -> None:
    """Start two captures, and wait until each has a half of the partitions."""
    await service.prepare()
    first, second = service.start(), service.start()

    async def shared() -> bool:
        owners = list((await service.owners()).values())
        return len(owners) == PARTITIONS and {first.name, second.name} == set(owners)

    await service.until(shared, "both captures to own partitions")


async def test_whoever_places_the_records_the_drafts_are_those_of_code(service: Service) -> None:
    """Each visit comes from another kind of producer, in two waves: when the second wave comes, the
    owner of the visit has the first in memory. The last drafts are those of `chargeline code`.
    """
    messages = feed(VISITS, 51)
    keys = list(dict.fromkeys(map(key_of, messages)))
    names = list(WRITERS)
    records = []
    for message in messages:
        key = key_of(message)
        written, placed = WRITERS[names[keys.index(key) % len(names)]]
        records.append(Record(message, written(key), placed(key)))
    elsewhere = {key_of(record.value or b"") for record in records if _is_elsewhere(record)}
    assert len(elsewhere) > VISITS / 4, "the test moves visits to other partitions"
    await two_captures(service)
    await send(service.kafka.bootstrap, service.inbound, records[::2])
    await service.until(service.drained, "the first wave to be worked off")
    await send(service.kafka.bootstrap, service.inbound, records[1::2])
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    misplaced = [r for r in records if _is_elsewhere(r) or r.key != key_of(r.value or b"")]
    assert await metric(service, REKEYED) == len(misplaced), "each was sent again once"


def _is_elsewhere(record: Record) -> bool:
    return record.partition != java(key_of(record.value or b""))


async def test_partitions_are_added_while_captures_run(service: Service) -> None:
    """Twelve partitions in place of six. Half of each visit lies by the old number and is in the
    memory of its old owner; the rest comes from producers that know of the new ones and from one
    that does not. The last drafts are those of `chargeline code`.
    """
    messages = feed(VISITS, 52)
    more = 2 * PARTITIONS
    moved = {key for key in map(key_of, messages) if java(key) != java(key, more)}
    assert len(moved) > VISITS / 4, "visits move to the new partitions"
    await two_captures(service)
    await service.deliver_records(_placed(messages[::2], PARTITIONS))
    await service.until(service.drained, "the first half to be worked off")
    admin = AIOKafkaAdminClient(bootstrap_servers=service.kafka.bootstrap)
    await admin.start()
    await admin.create_partitions({service.inbound: NewPartitions(more)})
    await admin.close()
    rest = messages[1::2]
    await service.deliver_records(_placed(rest[::2], more))
    await service.deliver_records(_placed(rest[1::2], PARTITIONS))

    async def claimed() -> bool:
        return len(await service.owners()) == more

    await service.until(claimed, "the new partitions to be claimed")
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()


def _placed(messages: list[bytes], partitions: int) -> list[Record]:
    """Records as a producer places them that knows of so many partitions."""
    keyed = [(key_of(message), message) for message in messages]
    return [Record(message, key, java(key, partitions)) for key, message in keyed]
