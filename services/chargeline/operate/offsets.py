"""`chargeline offsets show | skip`: how far each partition has been read, and the last resort.

It owns what is printed, and the order of a skip. A skip is what a person does when a record holds
up its partition and nothing else helps: chargeline parks what it can. Nothing is read or written in
Kafka. A capture that has the partition is fenced by the skip, claims it again, and goes on behind
the records that were skipped.
"""

import json

from chargeline.drafting.acting import act_of
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

    The records before it are not read. The skip is an act of the audit trail.
    """

    async def work(settings: Settings) -> int:
        topic = settings.topic_inbound
        async with opened(settings) as ledger, ledger.takeover() as batch:
            rows = {(row.topic, row.partition): row for row in await batch.offsets()}
            row = rows.get((topic, partition))
            if row is None or (row.next_offset or 0) >= to:
                stands = f"it stands at {row.next_offset or 0}" if row else "nobody has claimed it"
                return say(f"expected an offset ahead of {topic}[{partition}]: {stands}", FAILED)
            at = await batch.claim(topic, partition, _NOBODY)
            await batch.advance(topic, {partition: Move(at, to)}, owner=_NOBODY)
            told = {"topic": topic, "partition": partition, "from": at or 0, "to": to}
            record = f"{topic}[{partition}]"
            act = act_of("offsets.skip", "offsets", record, who=who, why=why, details=told)
            await batch.audit([act])
        print(f"{to - (at or 0)} records of {topic}[{partition}] are skipped, from {at or 0} on")
        return OK

    return work
