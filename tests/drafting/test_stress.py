"""Claims about what programs remember: whatever happens between them, the end is what `chargeline
code` says.

It owns a small world without Kafka, driven by a seed: programs that share partitions, lose them
with and without being told, crash, and read what they themselves sent. It knows no codes. To try
more seeds by
hand: `STRESS_SEEDS=0:300 pytest tests/capture/test_stress.py`.
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from chargeline.coding.assembly import code_feed
from chargeline.coding.run import CodedVisit
from chargeline.drafting.announcing import nudge
from chargeline.drafting.inbound import InboundRecord
from chargeline.drafting.processor import PartitionBatch, Processor, ProcessorSettings
from chargeline.drafting.revisions import RevisionMaker, Topics
from chargeline.engine import Feed, VisitKey
from chargeline.files import FeedFile
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.ledger.batch import Batch
from chargeline.ledger.errors import Fenced, LedgerError
from chargeline.ledger.records import Announcement, Move, StoredVisit
from chargeline.ledger.store import Ledger
from chargeline.published import drafts, events, shapes
from chargeline.published.inbound import record_key
from tests.golden.messages import adt, given, ordered
from tests.ledger import with_tables

from .test_processor import PROFILE, RULEBOOK

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


class CrashError(Exception):
    """A program died before its transaction was committed."""


class Breaking:
    """A ledger whose next transaction may not be committed."""

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


class Program:
    """One process: what it believes to have, and where it believes the ledger to be."""

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
            "",
            Topics("charge.draft", "documentation.question"),
            grace=world.grace,
            stop_grace=timedelta(minutes=30),
        )
        terms = ProcessorSettings(TOPIC, "hl7.parked", world.settle, IN_MEMORY)
        ledger: Any = self.ledger
        self.processor = Processor(ledger, PROFILE, drafting, terms, clock=lambda: world.now)
        self.believed.clear()

    async def claim(self, partition: int) -> None:
        async with self.world.ledger.batch() as batch:
            self.believed[partition] = await batch.claim(TOPIC, partition, self.name)

    def revoked(self) -> None:
        """Told by the group: everything is dropped, and claimed again where it stays ours."""
        self.processor.drop()
        self.believed.clear()

    async def poll(self, partitions: Sequence[int], most: int) -> None:
        """Work off some of what waits in partitions that are believed to be ours."""
        lots = {}
        for number in partitions:
            begin = self.believed[number] or 0
            records = self.world.logs[number][begin : begin + most]
            if records:
                lots[number] = PartitionBatch(
                    self.processor.read(records), Move(self.believed[number], begin + len(records))
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
    """Programs, partitions and a clock, moved by chance alone."""

    def __init__(
        self, ledger: Ledger, seed: int = 0, *, settle: int | None = None, alone: bool = True
    ) -> None:
        self.ledger = ledger
        self.chance = random.Random(seed)
        # one thing at a time: nobody is in anybody's way, no error of the ledger is right
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
        log.append(InboundRecord(TOPIC, number, len(log), key, value, headers, self.now))

    async def step(self) -> None:
        """Something happens."""
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
        ours = [each for each in program.believed if self.chance.random() < 0.7]
        await program.poll(ours, self.chance.randint(1, 12))

    async def _move(self, program: Program) -> None:
        number = self.chance.randrange(PARTITIONS)
        if self.chance.random() < 0.6:
            for other in self.programs:
                if number in other.believed and other is not program:
                    other.revoked()
        await program.claim(number)

    async def publish(self, most: int, *, repeated: bool = False) -> int:
        """The relay: in order, some of it twice."""
        found = await self.ledger.take_outbox(most)
        for each in found:
            if each.topic == TOPIC:
                self.send(each.key, each.payload, json.loads(each.headers))
        if not repeated:
            self.published += found
            await self.ledger.delete_outbox([each.id for each in found])
        return len(found)

    async def _drop_parked(self) -> None:
        parked = await self.ledger.parked()
        if parked:
            each = self.chance.choice(parked)
            async with self.ledger.batch() as batch:
                await batch.set_status(each.id, "dropped")
                if each.facility is not None and each.visit is not None:
                    await batch.announce(
                        [nudge(TOPIC, VisitKey(each.facility, each.visit), self.now)]
                    )

    async def run(self, messages: Sequence[Sent]) -> None:
        """Send all messages while things happen, then let it become quiet."""
        left = list(messages)
        while left:
            for _number in range(self.chance.randint(0, 2)):
                if left:
                    self.send(*left.pop(0))
            await (self.step() if self.alone else self._at_once())
        await self.quiet()

    async def _at_once(self) -> None:
        """Every program reads or drafts beside the others."""
        await asyncio.gather(
            *(
                self._poll(each) if self.chance.random() < 0.75 else each.due(2)
                for each in self.programs
            )
        )
        await self.step()

    # -------------------------------------------------------------- the end

    async def quiet(self) -> None:
        """Everything read and published, and days gone by."""
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
                    for each in owners:
                        each.revoked()
                    await self.chance.choice(self.programs).claim(number)
            for program in self.programs:
                await program.poll(list(program.believed), self.chance.randint(1, 12))
                await program.due(50)
            if not await self.publish(100) and not self._waiting() and not await self.due():
                return
        raise AssertionError(f"never quiet: due {await self.due()}, waiting {self._waiting()}")

    def _waiting(self) -> bool:
        believed = {number: end for each in self.programs for number, end in each.believed.items()}
        return any(len(log) > (believed.get(number) or 0) for number, log in enumerate(self.logs))

    async def due(self) -> list[VisitKey]:
        async with self.ledger.batch() as batch:
            return await batch.due_visits(self.now, 100)


# ------------------------------------------------------------------ what must be so in the end


async def check(world: World, messages: Sequence[Sent]) -> None:
    """Everything that must be so once all is quiet."""
    # The feed in order of arrival matters to nobody.
    whole = b"".join(value for _key, value, _headers in messages if value.startswith(b"MSH"))
    visits = Feed(RULEBOOK.base)
    for _key, value, _headers in messages:
        if value.startswith(b"MSH"):
            visits.add(read_events(read_message(value), PROFILE))
    coded = {
        each.timeline.key: each
        for each in code_feed([FeedFile("feed", whole)], RULEBOOK, PROFILE).visits
    }
    announced = [
        shapes.DraftRevision.model_validate_json(each.payload)
        for each in world.published
        if each.topic == "charge.draft"
    ]
    said: dict[VisitKey, list[shapes.DraftRevision]] = {}
    for revision in announced:
        said.setdefault(VisitKey(revision.facility, revision.visit), []).append(revision)
    async with world.ledger.view() as view:
        rows = await view._transaction.rows(text("SELECT facility, visit FROM visit"))
        keys = [VisitKey(*row) for row in rows]
        parked = {visits.surviving(each) for each in (await view.visits_with_parked(keys))[0]}
        asked = await view.open_questions(keys)
        kept = {key: await view.revisions(*key) for key in keys}
    for key in {*keys, *coded, *said}:
        ours = said.get(key, [])
        assert [each.revision for each in ours] == list(range(1, len(ours) + 1)), key
        assert [json.loads(each.body) for each in kept.get(key, [])] == [
            json.loads(each.model_dump_json()) for each in ours
        ], key
        _applied(ours)
        _ends_as_coded(world, key, coded.get(key), ours, key in parked)
        open_now = sorted(each.question_id for each in asked.get(key, ()))
        assert open_now == _questions(coded.get(key)), key


def _applied(revisions: Sequence[shapes.DraftRevision]) -> None:
    """A billing system that follows the changes has just the lines."""
    billed: dict[str, shapes.Billed | None] = {}
    for each in revisions:
        for change in (*each.changes.added, *each.changes.changed, *each.changes.removed):
            assert billed.get(change.line_id) == change.before
            billed[change.line_id] = change.after
        lines = drafts.billed([line for encounter in each.encounters for line in encounter.lines])
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
        coded.draft,
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
    left_out = {"revision", "changes"}
    assert said[-1].model_dump(exclude=left_out) == expected.model_dump(exclude=left_out), key


def _lines(revision: shapes.DraftRevision) -> list[tuple[object, ...]]:
    return [
        (line.code, line.units, tuple(line.modifiers))
        for each in revision.encounters
        for line in each.lines
    ]


def _questions(coded: CodedVisit | None) -> list[str]:
    if coded is None:
        return []
    by_key = {item.key: item for item in coded.timeline.administrations}
    asked = events.questions_of(coded.draft, 1, by_key)
    return sorted(each.question.question_id for each in asked)


# ------------------------------------------------------------------ feeds


def keyed(messages: Sequence[bytes]) -> list[Sent]:
    """Under the key of their visit, as the gateway sends them."""
    found: list[Sent] = []
    for data in messages:
        reading = read_events(read_message(data), PROFILE)
        key = record_key(reading.facility, reading.visit or reading.message.digest[:8])
        found.append((key, data, {} if reading.visit else {"chargeline-no-visit": "1"}))
    return found


def _time(chance: random.Random, first: int = 8, last: int = 15) -> str:
    return f"{chance.randint(first, last):02}{chance.randrange(0, 60, 5):02}"


def random_feed(seed: int) -> list[Sent]:
    """A few visits of fewer patients on one day, and all that can join, cancel or correct them."""
    chance = random.Random(seed)
    visits = [f"V{number}" for number in range(chance.randint(3, 7))]
    patients = [f"ZZ{number}" for number in range(chance.randint(1, 4))]
    whose = {visit: chance.choice(patients) for visit in visits}
    found = [_about(chance, visits, patients, whose) for _number in range(chance.randint(10, 45))]
    found += [each for each in found if chance.random() < 0.1]
    chance.shuffle(found)
    sent = keyed(found)
    sent = [
        each if chance.random() < 0.9 else (chance.choice(["nobody", "ZEBRA|V1"]), *each[1:])
        for each in sent
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
    """Programs that lose partitions, crash and repeat: the drafts and questions of `chargeline
    code`.
    """
    async with opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        world, messages = World(ledger, seed), random_feed(seed)
        await world.run(messages)
        await check(world, messages)


# ------------------------------------------------------------------ programs beside one another


@pytest.mark.live
@pytest.mark.parametrize("seed", SEEDS[::4])
async def test_programs_at_the_same_time_end_where_code_ends(database: str, seed: int) -> None:
    """Transactions beside one another on PostgreSQL: the same drafts as one after the other."""
    async with opened(database) as ledger:
        world, messages = World(ledger, seed, alone=False), random_feed(seed)
        await world.run(messages)
        await check(world, messages)


# ------------------------------------------------------------------ what this has found, each by
# itself


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A fresh SQLite ledger."""
    async with opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as made:
        yield made


async def apart(ledger: Ledger, settle: int = 0) -> World:
    """Programs of which the first has all partitions but V2's, which is the second's."""
    world = World(ledger, settle=settle)
    world.grace = timedelta(hours=24)
    for each in world.programs:
        each.start()
    for number in range(PARTITIONS):
        await world.programs[number == partition_of("ZEBRA|V2")].claim(number)
    return world


async def read(world: World, *messages: bytes) -> None:
    """Messages one after the other, and what they make programs send."""
    for each in keyed(messages):
        world.send(*each)
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
    """The lines of the revision announced last."""
    drafts = [
        each
        for each in world.published
        if each.topic == "charge.draft" and each.key == f"ZEBRA|{visit}"
    ]
    return _lines(shapes.DraftRevision.model_validate_json(drafts[-1].payload))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("prior", "surviving"), [("ZZ1", "ZZ2"), ("ZZ2", "ZZ1")])
async def test_a_merge_of_patients_reaches_visits_of_other_programs(
    ledger: Ledger, late: bool, prior: str, surviving: str
) -> None:
    """Two visits of a day under two patient numbers: an A40, come when it may, makes one the
    second.
    """
    world = await apart(ledger)
    messages = [dose("V1", "0800", "ZZ1"), dose("V2", "1000", "ZZ2")]
    merge = adt("A40", visit="", patient=surviving, prior_patient=prior, sent="1900")
    await read(world, *([*messages, merge] if late else [merge, *messages]))
    assert ("96365", 1, ()) in last_lines(world, "V1")
    assert ("96365", 1, ("59",)) in last_lines(world, "V2")


async def test_a_number_that_is_merged_anew_leaves_its_first_survivor(ledger: Ledger) -> None:
    """V1 into V2, and an hour later into V3 of nobody knows whom: V2 is charged for nothing any
    more.
    """
    world = await apart(ledger)
    await read(world, dose("V1", "0800"), adt("A41", visit="V2", prior_visit="V1", sent="1200"))
    assert last_lines(world, "V2")
    await read(world, adt("A41", visit="V3", prior_visit="V1", sent="1300", patient="ZZ2"))
    assert last_lines(world, "V2") == []


async def test_a_visit_that_only_a_parked_message_names_is_not_due_for_ever(ledger: Ledger) -> None:
    """Bytes that are no HL7 under the key of an unknown visit: the timers see to it once."""
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
    """A program that does not know yet that V2 is another's reads an A40: what is due for V2 stays
    due.
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
    """Feed merged into another program's: no more of them stays in memory than is allowed."""
    world = await apart(ledger)
    for number in range(10, 20):
        merge = adt("A41", visit="V2", prior_visit=f"V{number}", sent="1200")
        await read(world, dose(f"V{number}", "0800"), merge)
    for program in world.programs[:1]:
        visits = program.processor._cache.feed
        assert sum(1 for _key in visits) <= IN_MEMORY
        assert len(visits._kept) <= IN_MEMORY
