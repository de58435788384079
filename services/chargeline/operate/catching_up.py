"""`chargeline ledger catch-up`: revisions that Kafka has and a ledger that was put back has not.

It owns what a ledger takes back from the topic of the drafts after it was restored from a backup.
Without that it would count again from the revisions of the backup, and billing would hear nothing
of a visit whose later revisions were lost with the answers of people: a bill would stay that the
ledger does not know. With it, the next revision of a visit stands above the last one that was
published, and credits what that one billed.

One sequence, worked through. The backup has revision 2 of a visit; 3 and 4 were published since.
The command adds 3 and 4, as the topic has them, because 3 goes on from the chain of 2, and 4 from
that of 3. The captures read the messages since the backup once more, from Kafka, and draft the
visit. It comes out as revision 4 says, so there is no revision 5. An answer that was given since is
lost: then 5 follows 4, and its `changes` take back what the answer had changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from chargeline.drafting.acting import act_of
from chargeline.drafting.processor import utc_now
from chargeline.drafting.rows import new_visit, waiting_for
from chargeline.engine import Finding, VisitKey, link
from chargeline.kafka.connecting import client_options
from chargeline.kafka.reading_whole import whole_topic
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import Move, StoredRevision, StoredVisit
from chargeline.ledger.store import Ledger
from chargeline.operate.opened import opened
from chargeline.operate.running import NOT_COMPLETE, OK, Command, say
from chargeline.published.events import TOO_LARGE
from chargeline.published.shapes import DraftRevision
from chargeline.settings import Settings

LOOK_AFTER = timedelta(minutes=10)
"""A visit that was caught up is drafted again after this time, by when a capture has read the
messages since the backup once more.
"""
_AT_ONCE = 100  # visits in one transaction
_US = "chargeline ledger catch-up"


class Published(NamedTuple):
    """A revision as a record of the topic has it: its bytes as text, and what they say."""

    at: datetime
    value: str
    data: DraftRevision

    @property
    def key(self) -> VisitKey:
        """The visit that it is of."""
        return VisitKey(self.data.facility, self.data.visit)


class CaughtUp(NamedTuple):
    """What was added; `apart` are visits whose revisions do not go on from those of the ledger, and
    `answered` those with answers of people that the ledger lacks.
    """

    visits: list[VisitKey]
    revisions: int
    apart: list[VisitKey]
    answered: list[VisitKey]


def catch_up(*, who: str = "", why: str = "") -> Command:
    """Do `chargeline ledger catch-up`: add the revisions that the topic of drafts has and the
    ledger lacks.

    The exit code is 3 if the revisions of a visit do not go on from the ledger's, or a record of
    the topic is no revision. Raises KafkaUnavailableError or LedgerError.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            newer = await _newer(settings, ledger)
            done = CaughtUp([], 0, sorted(newer.apart), [])
            revisions = newer.addable()
            keys = list(revisions)
            for first in range(0, len(keys), _AT_ONCE):
                some = {key: revisions[key] for key in keys[first : first + _AT_ONCE]}
                async with ledger.takeover() as batch:
                    await _fence_all(batch, settings.topic_inbound)
                    more = await _add(batch, some, utc_now())
                    told = {"visits": len(more.visits), "revisions": more.revisions}
                    act = act_of(
                        "ledger.catch_up", "ledger", "revisions", who=who, why=why, details=told
                    )
                    await batch.audit([act])
                done = CaughtUp(
                    visits=done.visits + more.visits,
                    revisions=done.revisions + more.revisions,
                    apart=done.apart + more.apart,
                    answered=done.answered + more.answered,
                )
        print(f"revisions added from Kafka: {done.revisions}, of {len(done.visits)} visits")
        return _say_rest(done, newer.unread, settings.topic_drafts)

    return work


class Newer:
    """The published revisions beyond those of the ledger, by visit and number.

    `apart` are visits of which another revision was published under a number that the ledger has,
    or two under one number, and `unread` counts the records that hold no revision.
    """

    def __init__(self) -> None:
        self.revisions: dict[VisitKey, dict[int, Published]] = {}
        self.apart: set[VisitKey] = set()
        self.unread = 0

    def add(self, event: Published, known_chain: str | None) -> None:
        """Take in a published revision; the ledger has none of its number if the chain is None."""
        if known_chain is None:
            of_visit = self.revisions.setdefault(event.key, {})
            known_chain = of_visit.setdefault(event.data.revision, event).data.chain
        if known_chain != event.data.chain:
            self.apart.add(event.key)

    def addable(self) -> dict[VisitKey, dict[int, Published]]:
        """The visits whose revisions are told in one way, by key."""
        keys = sorted(self.revisions.keys() - self.apart)
        return {key: self.revisions[key] for key in keys}


async def _newer(settings: Settings, ledger: Ledger) -> Newer:
    options = client_options(settings.kafka_client(), settings.kafka_tls_files())
    newer = Newer()
    async for records in whole_topic(options, settings.topic_drafts):
        events = [event for record in records if (event := _published(record)) is not None]
        newer.unread += len(records) - len(events)
        keys = {event.key for event in events}
        async with ledger.view() as view:
            rows, chains = await view.visits(keys), await view.chains(keys)
        for event in events:
            row = rows.get(event.key)
            if row is None or row.status != "forgotten":
                newer.add(event, chains.get((event.key, event.data.revision)))
    return newer


def _published(record: ConsumerRecord) -> Published | None:
    """The revision of a record; None where the record holds none."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    if headers.get("ce_type") == TOO_LARGE:
        return None
    try:
        value = (record.value or b"").decode()
        data = DraftRevision.model_validate_json(value)
        at = datetime.fromisoformat(headers["ce_time"])
    except (UnicodeDecodeError, ValidationError, KeyError, ValueError):
        return None
    return Published(at, value, data)


async def _fence_all(batch: Batch, topic: str) -> None:
    """Take every partition over: a capture that runs is fenced, and reads its visits anew."""
    rows = [row for row in await batch.offsets() if row.topic == topic]
    numbers = [row.partition for row in rows] or [0]
    moves = {}
    for number in numbers:
        at = await batch.claim(topic, number, _US)
        moves[number] = Move(at, at)
    await batch.advance(topic, moves, owner=_US)


async def _add(
    batch: Batch, newer: Mapping[VisitKey, Mapping[int, Published]], now: datetime
) -> CaughtUp:
    """Add the revisions of some visits that go on from the ledger's, chain by chain."""
    rows = await batch.visits(newer)
    last = await batch.last_revisions(newer)
    added: list[StoredRevision] = []
    visits: list[StoredVisit] = []
    done = CaughtUp([], 0, [], [])
    for key, by_number in newer.items():
        stored = last.get(key)
        events = [by_number[number] for number in sorted(by_number)]
        if not _follow(stored, events):
            done.apart.append(key)
            continue
        added += map(_as_stored, events)
        visits.append(_row_after(rows.get(key) or new_visit(key, now), events[-1].data, now))
        done.visits.append(key)
        before = DraftRevision.model_validate_json(stored.body).said if stored else []
        if any(said not in before for said in events[-1].data.said):
            done.answered.append(key)
    await batch.add_revisions(added)
    await batch.put_visits(visits)
    return done._replace(revisions=len(added))


def _follow(stored: StoredRevision | None, events: Sequence[Published]) -> bool:
    """Whether the published revisions, each whole, go on from the stored one, one by one.

    Without a stored one they must begin with the first.
    """
    number, chain = (stored.revision, stored.chain) if stored else (0, "")
    for event in events:
        said = event.value[: event.value.rindex(',"chain":"')].encode()
        whole = link(event.data.chain_before, said) == event.data.chain
        if not whole or (event.data.revision, event.data.chain_before) != (number + 1, chain):
            return False
        number, chain = event.data.revision, event.data.chain
    return True


def _as_stored(event: Published) -> StoredRevision:
    data = event.data
    before_the_chain = event.value.rpartition(',"chain_before":')[0]
    changes = before_the_chain.rpartition(',"changes":')[2]
    return StoredRevision(
        facility=data.facility,
        visit=data.visit,
        revision=data.revision,
        status=data.status,
        policy=data.policy,
        rulebook=data.rulebook,
        created_at=event.at,
        body=event.value,
        changes=changes,
        chain=data.chain,
    )


def _row_after(row: StoredVisit, data: DraftRevision, now: datetime) -> StoredVisit:
    """The row of a visit after its published revision. It is looked at again soon."""
    row = row._replace(
        status=data.status, revision=data.revision, incomplete=data.incomplete, updated_at=now
    )
    if data.status == "merged":  # it has no bill
        return row._replace(waits_for=None, waiting_cents=0, settle_due=None)
    waiting = waiting_for(row, data.waits_for, data.waiting_cents or 0)
    return waiting._replace(settle_due=now + LOOK_AFTER)


def _say_rest(done: CaughtUp, unread: int, topic: str) -> int:
    """Say what a person must see to; returns the exit code."""
    code = OK
    for key in sorted(done.answered):
        code = say(f"{key.facility}|{key.visit}: an answer of a person is lost; answer again", OK)
    for key in sorted(done.apart):
        finding = Finding(
            "ledger.revisions_apart",
            expected="revisions that go on from the ledger's last one",
            found="others: a program has drafted the visit since the ledger was put back, or the "
            "record was changed",
            where=f"{topic}, visit {key.facility}|{key.visit}",
            do="have billing take the visit's whole next revision in place of what it has, and run "
            "`chargeline redraft --visit NUMBER` if none comes",
        )
        code = say(str(finding), NOT_COMPLETE)
    if unread:
        finding = Finding(
            "ledger.no_revision",
            expected="revisions in each record of the topic",
            found=f"{unread} records that hold none, such as a draft that was larger than its "
            "topic takes",
            where=topic,
            do="compare the visits that billing cannot follow with `chargeline visit show NUMBER`",
        )
        code = say(str(finding), NOT_COMPLETE)
    return code
