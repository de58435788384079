"""Claims about several programs at once: in the end the drafts are those of `chargeline code`.

This module owns a small world without Kafka, driven by a seed. Its programs share partitions, lose
them with and without being told, crash, and read the records that they sent themselves. The module
knows no codes: `chargeline code` says what is right. To try more seeds by hand:
`STRESS_SEEDS=0:300 pytest tests/drafting/test_stress.py`.
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from chargeline.coding.assembly import code_feed
from chargeline.coding.run import CodedVisit
from chargeline.drafting.announcing import ParkedTopic, nudge
from chargeline.drafting.inbound import InboundRecord
from chargeline.drafting.polls import PartitionBatch
from chargeline.drafting.processor import Processor, ProcessorSettings
from chargeline.drafting.quarantine import Quarantine
from chargeline.drafting.revisions import RevisionMaker, Topics
from chargeline.engine import Feed, VisitKey
from chargeline.files import FeedFile
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.ledger.batch import Batch
from chargeline.ledger.errors import Fenced, LedgerError
from chargeline.ledger.records import Announcement, Move, StoredVisit
from chargeline.ledger.store import Ledger
from chargeline.ledger.view import View
from chargeline.published import drafts, events, shapes, writing
from chargeline.published.inbound import record_key
from tests.golden.messages import adt, given, ordered
from tests.ledger import with_tables

from .test_processor import PROFILE, RULEBOOK

ARRIVED = datetime(2100, 1, 1, tzinfo=UTC)  # after every message was written
TOPIC = "hl7.inbound"
PARTITIONS = 4
MORNING = datetime(2026, 3, 2, 12, tzinfo=UTC)
IN_MEMORY = 3
ROUNDS = 500
_FIRST, _, _LAST = os.environ.get("STRESS_SEEDS", "0:12").partition(":")
SEEDS = range(int(_FIRST), int(_LAST))

Sent = tuple[str, bytes, dict[str, str]]


def partition_of(key: str) -> int:
    return sum(key.encode()) % PARTITIONS


class CrashError(ConnectionError):
    """A program died before its transaction was committed."""


class Breaking:
    """A ledger that refuses to commit the next transaction if `breaks` is set."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.breaks = False

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Batch]:
        async with self._ledger.batch() as batch:
            yield batch
            if self.breaks:
                self.breaks = False
                raise CrashError

    def view(self) -> AbstractAsyncContextManager[View]:
        """A transaction that reads, and never breaks."""
        return self._ledger.view()


class Program:
    """One process: which partitions it believes to own, and at which offsets."""

    def __init__(self, name: str, world: "World") -> None:
        self.name = name
        self.world = world
        self.ledger = Breaking(world.ledger)
        self.believed: dict[int, int | None] = {}
        self.start()

    def start(self) -> None:
        """Begin with nothing in memory, as after a crash."""
        world = self.world
        drafting = RevisionMaker(
            RULEBOOK,
            Topics("charge.draft", "documentation.question"),
            grace=world.grace,
            stop_grace=timedelta(minutes=30),
        )
        terms = ProcessorSettings(TOPIC, ParkedTopic("hl7.parked"), world.settle, IN_MEMORY)
        ledger: Any = self.ledger
        self.processor = Processor(
            ledger,
            PROFILE,
            drafting,
            terms,
            clock=lambda: world.now,
            quarantine=Quarantine(1000, 1000, minutes=15, clock=lambda: world.now),
        )
        self.believed.clear()

    async def claim(self, partition: int) -> None:
        async with self.world.ledger.batch() as batch:
            self.believed[partition] = await batch.claim(TOPIC, partition, self.name)

    def revoked(self) -> None:
        """Drop everything, as a program does when the group says that its partitions are revoked.

        The program claims again what it keeps.
        """
        self.processor.drop()
        self.believed.clear()

    async def poll(self, partitions: Sequence[int], most: int) -> None:
        """Work off at most so many records of each partition that this program believes to own."""
        lots = {}
        for number in partitions:
            begin = self.believed[number] or 0
            records = self.world.logs[number][begin : begin + most]
            if records:
                lots[number] = PartitionBatch(
                    await self.processor.read(records),
                    Move(self.believed[number], begin + len(records)),
                )
        if not lots:
            return
        if await self._tried(self.processor.process(lots, owner=self.name)):
            self.believed.update({number: lot.move.next_offset for number, lot in lots.items()})

    async def due(self, limit: int) -> None:
        """One round of the timers."""
        await self._tried(self.processor.work_off_due(self._ours, self.believed, self.name, limit))
        assert len(self.processor._cache._loaded) <= IN_MEMORY, "more visits in memory than allowed"

    async def _tried(self, work: Awaitable[object]) -> bool:
        try:
            await work
        except Fenced as error:
            for number in error.partitions:
                self.believed.pop(number, None)
            return False
        except CrashError:
            return False
        except LedgerError:
            if self.world.alone:
                raise
            return False
        return True

    def _ours(self, key: VisitKey) -> int | None:
        number = partition_of(record_key(*key))
        return number if number in self.believed else None


class World:
    """Programs, partitions and a clock. Chance alone moves them."""

    def __init__(
        self, ledger: Ledger, seed: int = 0, *, settle: int | None = None, alone: bool = True
    ) -> None:
        self.ledger = ledger
        self.chance = random.Random(seed)
        # Alone means one thing at a time. No program is in another's way, so an error of the ledger
        # is a mistake of ours.
        self.alone = alone
        self.now = MORNING
        self.settle = timedelta(minutes=self.chance.choice([0, 0, 2]) if settle is None else settle)
        self.grace = timedelta(hours=self.chance.choice([0, 0, 1, 24]))
        self.logs: list[list[InboundRecord]] = [[] for _number in range(PARTITIONS)]
        self.published: list[Announcement] = []
        self.programs = [Program(f"program-{number}", self) for number in range(3)]

    # -------------------------------------------------------------- what happens

    def send(self, key: str, value: bytes, headers: dict[str, str]) -> None:
        number = partition_of(key)
        log = self.logs[number]
        log.append(InboundRecord(TOPIC, number, len(log), key, value, headers, ARRIVED))

    async def step(self) -> None:
        """Let one thing happen, by chance."""
        program, chance = self.chance.choice(self.programs), self.chance.random()
        if chance < 0.45:
            await self._poll(program)
        elif chance < 0.60:
            await program.due(self.chance.randint(1, 3))
        elif chance < 0.80:
            await self.publish(self.chance.randint(1, 8), repeated=self.chance.random() < 0.15)
        elif chance < 0.88:
            await self._move(program)
        elif chance < 0.91:
            program.start()
        elif chance < 0.94:
            program.ledger.breaks = True
        elif chance < 0.96:
            await self._drop_parked()
        else:
            self.now += timedelta(minutes=self.chance.choice([1, 5, 60]))

    async def _poll(self, program: Program) -> None:
        ours = [number for number in program.believed if self.chance.random() < 0.7]
        await program.poll(ours, self.chance.randint(1, 12))

    async def _move(self, program: Program) -> None:
        number = self.chance.randrange(PARTITIONS)
        if self.chance.random() < 0.6:
            for other in self.programs:
                if number in other.believed and other is not program:
                    other.revoked()
        await program.claim(number)

    async def publish(self, most: int, *, repeated: bool = False) -> int:
        """Publish as the relay does, in order.

        With `repeated` the events are not deleted, so they are published again later.
        """
        taken = await self.ledger.take_outbox(most)
        for event in taken:
            if event.topic == TOPIC:
                self.send(event.key, event.payload, json.loads(event.headers))
        if not repeated:
            self.published += taken
            await self.ledger.delete_outbox([event.id for event in taken])
        return len(taken)

    async def _drop_parked(self) -> None:
        parked = await self.ledger.parked()
        if parked:
            row = self.chance.choice(parked)
            async with self.ledger.batch() as batch:
                await batch.set_status(row.id, "dropped")
                if row.facility is not None and row.visit is not None:
                    key = VisitKey(row.facility, row.visit)
                    await batch.announce([nudge(TOPIC, key, self.now)])

    async def run(self, messages: Sequence[Sent]) -> None:
        """Send all messages while things happen, then read until nothing is left."""
        left = list(messages)
        while left:
            for _number in range(self.chance.randint(0, 2)):
                if left:
                    self.send(*left.pop(0))
            await (self.step() if self.alone else self._at_once())
        await self.quiet()

    async def _at_once(self) -> None:
        """Every program reads or drafts, all at the same time."""
        await asyncio.gather(
            *(
                self._poll(program) if self.chance.random() < 0.75 else program.due(2)
                for program in self.programs
            )
        )
        await self.step()

    # -------------------------------------------------------------- the end

    async def quiet(self) -> None:
        """Read and publish everything, and let six days pass."""
        for program in self.programs:
            program.ledger.breaks = False
        for _number in range(6):
            await self._read_all()
            self.now += timedelta(hours=25)
        await self._read_all()

    async def _read_all(self) -> None:
        for _number in range(ROUNDS):
            for number in range(PARTITIONS):
                owners = [program for program in self.programs if number in program.believed]
                if len(owners) != 1:
                    for owner in owners:
                        owner.revoked()
                    await self.chance.choice(self.programs).claim(number)
            for program in self.programs:
                await program.poll(list(program.believed), self.chance.randint(1, 12))
                await program.due(50)
            if not await self.publish(100) and not self._waiting() and not await self.due():
                return
        raise AssertionError(f"never quiet: due {await self.due()}, waiting {self._waiting()}")

    def _waiting(self) -> bool:
        believed: dict[int, int | None] = {}
        for program in self.programs:
            believed |= program.believed
        return any(len(log) > (believed.get(number) or 0) for number, log in enumerate(self.logs))

    async def due(self) -> list[VisitKey]:
        async with self.ledger.batch() as batch:
            return await batch.due_visits(self.now, 100)


# ------------------------------------------------------------------ what must be so in the end


async def check(world: World, messages: Sequence[Sent]) -> None:
    """Assert all that must be so when everything is read and published.

    Revisions count 1, 2, 3 without a gap, the ledger holds what was published, changes lead from
    one revision to the next, and the last one says what `chargeline code` says.
    """
    whole = b"".join(value for _key, value, _headers in messages if value.startswith(b"MSH"))
    visits = Feed(RULEBOOK.base)
    for _key, value, _headers in messages:
        if value.startswith(b"MSH"):
            visits.add(read_events(read_message(value), PROFILE))
    run = code_feed([FeedFile("feed", whole)], RULEBOOK, PROFILE)
    coded = {visit.timeline.key: visit for visit in run.visits}
    said: dict[VisitKey, list[shapes.DraftRevision]] = {}
    for event in world.published:
        if event.topic == "charge.draft":
            revision = shapes.DraftRevision.model_validate_json(event.payload)
            said.setdefault(VisitKey(revision.facility, revision.visit), []).append(revision)
    async with world.ledger.view() as view:
        rows = await view._transaction.rows(text("SELECT facility, visit FROM visit"))
        keys = [VisitKey(*row) for row in rows]
        parked = {visits.surviving(key) for key in (await view.visits_with_parked(keys))[0]}
        asked = await view.open_questions(keys)
        stored = {key: await view.revisions(*key) for key in keys}
    for key in {*keys, *coded, *said}:
        ours = said.get(key, [])
        assert [revision.revision for revision in ours] == list(range(1, len(ours) + 1)), key
        assert [json.loads(row.body) for row in stored.get(key, [])] == [
            json.loads(revision.model_dump_json()) for revision in ours
        ], key
        _applied(ours)
        _ends_as_coded(world, key, coded.get(key), ours, key in parked)
        open_now = sorted(question.question_id for question in asked.get(key, ()))
        assert open_now == _questions(coded.get(key)), key


def _applied(revisions: Sequence[shapes.DraftRevision]) -> None:
    """A billing system that applies the changes has just the lines of each revision."""
    billed: dict[str, shapes.Billed | None] = {}
    for revision in revisions:
        changes = revision.changes
        for change in (*changes.added, *changes.changed, *changes.removed):
            assert billed.get(change.line_id) == change.before
            billed[change.line_id] = change.after
        lines = drafts.billed(
            [line for encounter in revision.encounters for line in encounter.lines]
        )
        now = {name: what.model_dump() for name, what in billed.items() if what is not None}
        assert now == {
            name: {**what._asdict(), "modifiers": list(what.modifiers)}
            for name, what in lines.items()
        }


def _ends_as_coded(
    world: World,
    key: VisitKey,
    coded: CodedVisit | None,
    said: Sequence[shapes.DraftRevision],
    parked: bool,
) -> None:
    if coded is None:
        assert not said or said[-1].status == "merged", key
        return
    discharged = coded.timeline.context.discharged
    written = drafts.revision_of(
        _whole(coded),
        revision=1,
        final=discharged is not None and discharged + world.grace <= world.now,
        incomplete=parked or bool(coded.timeline.problems),
        before={},
    )
    expected = shapes.DraftRevision.model_validate_json(written.value)
    if not said:
        assert not expected.encounters and not expected.questions, key
        return
    assert _lines(said[-1]) == _lines(expected), key
    left_out = {"revision", "changes", "chain_before", "chain"}
    assert said[-1].model_dump(exclude=left_out) == expected.model_dump(exclude=left_out), key


def _whole(coded: CodedVisit) -> writing.VisitDraft:
    return writing.visit_draft(coded.draft, coded.timeline, RULEBOOK.formulary)


def _lines(revision: shapes.DraftRevision) -> list[tuple[object, ...]]:
    return [
        (line.code, line.units, tuple(line.modifiers))
        for encounter in revision.encounters
        for line in encounter.lines
    ]


def _questions(coded: CodedVisit | None) -> list[str]:
    if coded is None:
        return []
    asked = events.questions_of(_whole(coded), 1)
    return sorted(entry.question.question_id for entry in asked)


# ------------------------------------------------------------------ feeds


def keyed(messages: Sequence[bytes]) -> list[Sent]:
    """Messages under the key of their visit, as the gateway sends them."""
    records: list[Sent] = []
    for data in messages:
        reading = read_events(read_message(data), PROFILE)
        key = record_key(reading.facility, reading.visit or reading.message.digest[:8])
        records.append((key, data, {} if reading.visit else {"chargeline-no-visit": "1"}))
    return records


def _time(chance: random.Random, first: int = 8, last: int = 15) -> str:
    return f"{chance.randint(first, last):02}{chance.randrange(0, 60, 5):02}"


def random_feed(seed: int) -> list[Sent]:
    """Messages of a few visits on one day, which merge, cancel and correct one another."""
    chance = random.Random(seed)
    visits = [f"V{number}" for number in range(chance.randint(3, 7))]
    patients = [f"ZZ{number}" for number in range(chance.randint(1, 4))]
    whose = {visit: chance.choice(patients) for visit in visits}
    messages = [
        _about(chance, visits, patients, whose) for _number in range(chance.randint(10, 45))
    ]
    messages += [message for message in messages if chance.random() < 0.1]
    chance.shuffle(messages)
    sent = keyed(messages)
    sent = [
        record if chance.random() < 0.9 else (chance.choice(["nobody", "ZEBRA|V1"]), *record[1:])
        for record in sent
    ]
    for _number in range(chance.choice([0, 0, 1, 2])):
        broken = (
            f"ZEBRA|{chance.choice([*visits, 'V99'])}",
            b"PID|1||no header " + str(_number).encode(),
            {},
        )
        sent.insert(chance.randrange(len(sent)), broken)
    return sent


def _about(
    chance: random.Random, visits: list[str], patients: list[str], whose: dict[str, str]
) -> bytes:
    visit, sent = chance.choice(visits), _time(chance, 7, 22)
    patient = whose[visit] if chance.random() < 0.9 else chance.choice(patients)
    kind = chance.random()
    if kind < 0.5:
        drug = chance.choice(["VANCOMYCIN", "CEFTRIAXONE", "ONDANSETRON"])
        start = _time(chance, 8, 12)
        stop = f"{int(start[:2]) + 1:02}{start[2:]}" if chance.random() < 0.8 else ""
        status = "A" if chance.random() < 0.85 else "D"
        return given(
            drug, "1000 mg", start, stop, visit=visit, patient=patient, sent=sent, status=status,
            order=f"R{chance.randint(1, 6)}-{visit}",
        )  # fmt: skip
    if kind < 0.6:
        return ordered(
            "VANCOMYCIN",
            "1000 mg",
            minutes=60,
            order=f"R{chance.randint(1, 6)}-{visit}",
            visit=visit,
        )
    if kind < 0.8:
        event = chance.choice(["A01", "A03", "A03", "A04", "A08", "A11", "A13"])
        return adt(event, visit=visit, patient=patient, sent=sent)
    other, prior = chance.choice(visits), chance.choice(patients)
    if kind < 0.9:
        return adt(chance.choice(["A35", "A41", "A36"]), visit=visit, patient=patient, sent=sent,
                   prior_visit=other, prior_patient=whose[other])  # fmt: skip
    if kind < 0.97:
        return adt(chance.choice(["A40", "A34"]), visit="" if chance.random() < 0.7 else visit,
                   patient=patient, prior_patient=prior, sent=sent)  # fmt: skip
    return adt("A44", visit=visit, patient=patient, prior_patient=prior, sent=sent)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(await with_tables(url))
    try:
        yield ledger
    finally:
        await ledger.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_the_end_is_what_code_says(tmp_path: Path, seed: int) -> None:
    """Programs lose partitions, crash and repeat, and still end with the right drafts."""
    async with opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        world, messages = World(ledger, seed), random_feed(seed)
        await world.run(messages)
        await check(world, messages)


# ------------------------------------------------------------------ programs beside one another


@pytest.mark.live
@pytest.mark.parametrize("seed", SEEDS[::4])
async def test_programs_at_the_same_time_end_where_code_ends(database: str, seed: int) -> None:
    """Transactions at the same time on PostgreSQL give the drafts of one after the other."""
    async with opened(database) as ledger:
        world, messages = World(ledger, seed, alone=False), random_feed(seed)
        await world.run(messages)
        await check(world, messages)


# ------------------------------------------------------------------ mistakes that chance has found


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A fresh SQLite ledger."""
    async with opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as empty:
        yield empty


async def apart(ledger: Ledger, settle: int = 0) -> World:
    """A world in which the second program owns the partition of V2, and the first all others."""
    world = World(ledger, settle=settle)
    world.grace = timedelta(hours=24)
    for program in world.programs:
        program.start()
    for number in range(PARTITIONS):
        await world.programs[number == partition_of("ZEBRA|V2")].claim(number)
    return world


async def read(world: World, *messages: bytes) -> None:
    """Read messages one after the other, and the records that programs send because of them."""
    for record in keyed(messages):
        world.send(*record)
        for _number in range(3):
            for program in world.programs:
                await program.poll(list(program.believed), 10)
            await world.publish(100)


def dose(visit: str, time: str, patient: str = "ZZ1") -> bytes:
    stop = f"{int(time) + 100:04}"
    return given(
        "VANCOMYCIN", "1000 mg", time, stop, visit=visit, patient=patient, order=f"R-{visit}-{time}"
    )


def last_lines(world: World, visit: str) -> list[tuple[object, ...]]:
    """The lines of the revision that was published last."""
    revisions = [
        event
        for event in world.published
        if event.topic == "charge.draft" and event.key == f"ZEBRA|{visit}"
    ]
    return _lines(shapes.DraftRevision.model_validate_json(revisions[-1].payload))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("prior", "surviving"), [("ZZ1", "ZZ2"), ("ZZ2", "ZZ1")])
async def test_a_merge_of_patients_reaches_visits_of_other_programs(
    ledger: Ledger, late: bool, prior: str, surviving: str
) -> None:
    """V1 at 08:00 and V2 at 10:00 have two patient numbers, which an A40 joins, early or late.

    Then V1 has the first initial service of the day, and V2 the second, with modifier 59.
    """
    world = await apart(ledger)
    messages = [dose("V1", "0800", "ZZ1"), dose("V2", "1000", "ZZ2")]
    merge = adt("A40", visit="", patient=surviving, prior_patient=prior, sent="1900")
    await read(world, *([*messages, merge] if late else [merge, *messages]))
    assert ("96365", 1, ()) in last_lines(world, "V1")
    assert ("96365", 1, ("59",)) in last_lines(world, "V2")


async def test_a_number_that_is_merged_anew_leaves_its_first_survivor(ledger: Ledger) -> None:
    """V1 was merged into V2 at 12:00, and into V3, of another patient, at 13:00.

    V2 loses all its lines.
    """
    world = await apart(ledger)
    await read(world, dose("V1", "0800"), adt("A41", visit="V2", prior_visit="V1", sent="1200"))
    assert last_lines(world, "V2")
    await read(world, adt("A41", visit="V3", prior_visit="V1", sent="1300", patient="ZZ2"))
    assert last_lines(world, "V2") == []


async def test_a_visit_that_only_a_parked_message_names_is_not_due_for_ever(ledger: Ledger) -> None:
    """Bytes that are not HL7 come under the key of an unknown visit: the timers look once."""
    world = await apart(ledger, settle=2)
    world.send("ZEBRA|V9", b"PID|1||no header", {})
    for program in world.programs:
        await program.poll(list(program.believed), 10)
    world.now += timedelta(minutes=5)
    assert await world.due() == [VisitKey("ZEBRA", "V9")]
    await world.programs[0].due(10)
    assert await world.due() == []


async def test_a_merge_of_patients_writes_nothing_for_a_partition_that_was_lost(
    ledger: Ledger,
) -> None:
    """A program that has lost V2 without knowing it reads an A40 about V2's patient.

    It writes nothing for V2: the row, and what is due, stay as the new owner wrote them.
    """
    world = await apart(ledger)
    stale, other = world.programs[1], world.programs[2]
    await read(world, dose("V2", "0800", "ZZ1"))
    lost = partition_of("ZEBRA|V2")
    await other.claim(lost)
    world.send("ZEBRA|V2", dose("V2", "1100", "ZZ1"), {})
    await other.poll([lost], 10)
    before = await _row(ledger, "V2")
    merge = adt("A40", visit="", patient="ZZ2", prior_patient="ZZ1", sent="1900")
    key = next(text for text in map(str, range(9)) if partition_of(text) != lost)
    await stale.claim(partition_of(key))
    world.send(key, merge, {})
    world.now += timedelta(minutes=1)
    await stale.poll([partition_of(key)], 10)
    assert await _row(ledger, "V2") == before


async def _row(ledger: Ledger, visit: str) -> StoredVisit:
    async with ledger.batch() as batch:
        return (await batch.visits([VisitKey("ZEBRA", visit)]))[VisitKey("ZEBRA", visit)]


async def test_what_is_kept_for_another_programs_survivor_is_let_go(ledger: Ledger) -> None:
    """Ten visits are merged into a visit of another program.

    The program that reads them keeps no more visits in memory than it may.
    """
    world = await apart(ledger)
    for number in range(10, 20):
        merge = adt("A41", visit="V2", prior_visit=f"V{number}", sent="1200")
        await read(world, dose(f"V{number}", "0800"), merge)
    for program in world.programs[:1]:
        visits = program.processor._cache.feed
        assert sum(1 for _key in visits) <= IN_MEMORY
        assert len(visits._kept) <= IN_MEMORY
