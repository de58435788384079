"""`chargeline offsets show` and `offsets skip`: how far partitions were read, and the last resort.

It owns what is printed, and the order of a skip. A skip is what a person does when a record holds
up its partition and nothing else helps: chargeline parks what it can. Kafka is asked where the
partition begins and ends, and nothing is read or written there. A skip goes to its end at most: a
ledger ahead of Kafka stops every capture, and no offset ever goes back. A capture that has the
partition is fenced by the skip, claims it again, and goes on behind the records that were skipped.
"""

import json
from collections.abc import Sequence

from chargeline.drafting.acting import act_of
from chargeline.kafka.connecting import client_options
from chargeline.kafka.topics import span_of
from chargeline.ledger.records import Move, StoredOffset
from chargeline.operate.opened import opened
from chargeline.operate.running import FAILED, OK, Command, say
from chargeline.settings import Settings

_NOBODY = "chargeline offsets skip"
"""Who owns a partition between a skip and the next claim."""


def show(*, as_json: bool = False) -> Command:
    """Do `chargeline offsets show`: each partition with its next offset and its owner."""

    async def work(settings: Settings) -> int:
        async with opened(settings, locked=True) as ledger, ledger.view() as view:
            rows = await view.offsets()
        if as_json:
            for row in rows:
                print(json.dumps({**row._asdict(), "claimed_at": row.claimed_at.isoformat()}))
        else:
            print("\n".join(map(_line, rows)) or "no partition was ever claimed")
        return OK

    return work


def _line(row: StoredOffset) -> str:
    offset = "nothing read" if row.next_offset is None else f"next offset {row.next_offset}"
    since = row.claimed_at.isoformat(timespec="seconds")
    return f"{row.topic}[{row.partition}]  {offset}  owner {row.owner} since {since}"


def skip(partition: int, to: int, *, who: str, why: str) -> Command:
    """Do `chargeline offsets skip`: go on at the offset `to` of a partition of the inbound topic.

    The records before it are not read. The skip is an act of the audit trail. An offset beyond the
    end of the partition is refused, and so is one that is not ahead of the ledger's.
    Raises KafkaUnavailableError or LedgerError.
    """

    async def work(settings: Settings) -> int:
        topic = settings.topic_inbound
        record = f"{topic}[{partition}]"
        async with opened(settings) as ledger:
            async with ledger.view() as view:
                behind = _not_ahead(await view.offsets(), topic, partition, to)
            if behind:
                return say(behind, FAILED)
            options = client_options(settings.kafka_client(), settings.kafka_tls_files())
            span = await span_of(options, topic, partition)
            if span is None or to > span.end:
                ends = f"it ends at {span.end}" if span else "Kafka has no such partition"
                return say(f"expected an offset that {record} has: {ends}", FAILED)
            async with ledger.takeover() as batch:
                # Asked again: a capture may have read on while Kafka answered.
                behind = _not_ahead(await batch.offsets(), topic, partition, to)
                if behind:
                    return say(behind, FAILED)
                at = await batch.claim(topic, partition, _NOBODY)
                await batch.advance(topic, {partition: Move(at, to)}, owner=_NOBODY)
                told = {"topic": topic, "partition": partition, "from": at or 0, "to": to}
                act = act_of("offsets.skip", "offsets", record, who=who, why=why, details=told)
                await batch.audit([act])
        first = max(at or 0, span.begin)  # what Kafka has deleted, nobody could have read
        print(f"{max(to - first, 0)} records of {record} are skipped, from {first} on")
        return OK

    return work


def _not_ahead(rows: Sequence[StoredOffset], topic: str, partition: int, to: int) -> str:
    """Why the ledger cannot go on at the offset `to`, "" if it can."""
    for row in rows:
        if (row.topic, row.partition) == (topic, partition):
            at = row.next_offset or 0
            stands = f"it stands at {at}" if at >= to else ""
            break
    else:
        stands = "nobody has claimed it"
    return f"expected an offset ahead of {topic}[{partition}]: {stands}" if stands else ""
