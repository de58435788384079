"""One poll in one transaction of the ledger: from records to revisions of drafts.

This module owns the order of the work. It also owns the rule that memory never runs ahead of the
ledger: when a transaction fails, the cache of visits is thrown away with it. The module knows no
Kafka. Records come in as values, and events go out through the outbox of the ledger.

    1  read      say what each record is; this needs no ledger and may be done ahead (`inbound.py`)
    2  keep      store the messages that are new, and their merges (`keeping.py`)
    3  fold      bring the timelines of their visits up to date (`visit_cache.py`, `engine.Feed`)
    4  park      put aside what cannot be used; its visit is incomplete until a person has seen to
                 the message
    5  tell      tell other partitions to look at a visit of theirs again (`announcing.py`,
                 `concerned.py`)
    6  draft     draft the visits that changed, with the history of their patients; then draft again
                 the visits whose history that has changed (`same_patient.py`); set a visit aside of
                 which a row of the ledger cannot be read (`setting_aside.py`)
    7  revise    find what is new in each draft since the last revision, and which questions are due
                 (`revisions.py`, `due.py`)
    8  announce  put all events into the outbox

If the site lets a visit settle before it is drafted (`settle_seconds`), or a visit is large
(`settling.py`), steps 6 to 8 are done later for it, by `work_off_due`. With 20 seconds, messages of
a visit at 09:00:00, 09:00:05 and 09:00:10 give one draft at 09:00:20.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

from chargeline.drafting.announcing import (
    ParkedTopic,
    copies_of_merges,
    in_their_own_place,
    nudge,
    parked_events,
)
from chargeline.drafting.apart import each_apart, failed_visit, visits_apart
from chargeline.drafting.beside import draft_beside
from chargeline.drafting.concerned import concerned_by_merges
from chargeline.drafting.inbound import (
    InboundRecord,
    ReadRecord,
    problems_of,
    visit_merges,
)
from chargeline.drafting.interfaces import interface_name, interface_of
from chargeline.drafting.keeping import keep
from chargeline.drafting.polls import PartitionBatch, PollResult, poll_result
from chargeline.drafting.quarantine import Quarantine
from chargeline.drafting.reading import read_of_sender
from chargeline.drafting.revisions import DraftingResult, RevisionMaker, VisitToRevise
from chargeline.drafting.rows import new_visit, parked_message
from chargeline.drafting.same_patient import draft_with_records
from chargeline.drafting.setting_aside import give_up, set_aside_unreadable
from chargeline.drafting.settling import wait_of
from chargeline.drafting.visit_cache import VisitCache
from chargeline.engine import VisitKey
from chargeline.hl7.profile import Profile
from chargeline.kafka.placing import KeyPlacement
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import Move
from chargeline.ledger.store import Ledger

# The visits of a program that hangs stay due and stand before ours. So we look through this many
# due visits for each one that we draft.
OTHERS_DUE = 20
Clock = Callable[[], datetime]


class ProcessorSettings(NamedTuple):
    """What a site decides about drafting.

    `settle` is the time between the first new message of a visit and its draft.
    """

    inbound_topic: str
    parked: ParkedTopic
    settle: timedelta
    visits_in_memory: int


class Processor:
    """Works off polls, and keeps the visits of its partitions in a cache.

    `tell` is called with the result of each round of drafting once that is committed.
    """

    def __init__(
        self,
        ledger: Ledger,
        profile: Profile,
        maker: RevisionMaker,
        settings: ProcessorSettings,
        *,
        clock: Clock,
        quarantine: Quarantine,
        tell: Callable[[DraftingResult], None] = lambda _result: None,
        interfaces: Mapping[str, Profile] = MappingProxyType({}),
    ) -> None:
        self.ledger = ledger
        self.profile = profile
        self.interfaces = interfaces
        self.maker = maker
        self.settings = settings
        self.clock = clock
        self.quarantine = quarantine
        self.placement: KeyPlacement | None = None
        self._tell = tell
        self._cache = self._new_cache()

    def _new_cache(self) -> VisitCache:
        return VisitCache(self.profile_of, self.maker.rulebook.base, self.settings.visits_in_memory)

    def profile_of(self, headers: Mapping[str, str]) -> Profile:
        """How the sender of a record writes. Raises Hl7Error if we lack its interface."""
        return interface_of(headers, self.interfaces, self.profile)

    def place(self, placement: KeyPlacement) -> None:
        """The inbound topic has so many partitions now, and its visits lie by that number.

        Only a program that shares the topic with others needs to say so.
        """
        if placement != self.placement:
            self.placement = placement
            self.drop()

    @property
    def _partitions(self) -> int | None:
        return self.placement.partitions if self.placement is not None else None

    def drop(self) -> None:
        """Empty the cache, because partitions were lost or the last transaction failed."""
        self._cache = self._new_cache()

    async def read(self, records: Sequence[InboundRecord]) -> list[ReadRecord]:
        """Read records (step 1), one after the other; while a large one is read, others have their
        turn.

        This needs neither ledger nor cache, so it may be done ahead.
        """
        return [
            await read_of_sender(record, self.quarantine, self.profile_of, self.placement)
            for record in records
        ]

    async def process(self, batches: Mapping[int, PartitionBatch], *, owner: str) -> PollResult:
        """Work off records by partition, in one transaction.

        If a record makes us fail, the batch is parted until that record is alone and can be parked;
        each part is then a transaction. Raises Fenced if another program owns a partition now, and
        Hl7Error if the interface of a kept message is no longer there.
        """
        return await each_apart(lambda part: self._process_together(part, owner), batches)

    async def _process_together(
        self, batches: Mapping[int, PartitionBatch], owner: str
    ) -> PollResult:
        began = perf_counter()
        records = [read for batch in batches.values() for read in batch.records]
        moves = {number: batch.move for number, batch in batches.items()}
        try:
            async with self.ledger.batch() as transaction:
                await transaction.advance(
                    self.settings.inbound_topic, moves, owner=owner, partitions=self._partitions
                )
                poll, drafted = await self._work_off(transaction, records, self.clock())
        except BaseException:
            self.drop()
            raise
        self.quarantine.count(poll.course)
        self._tell(drafted)
        self._cache.trim()
        ledger_seconds = perf_counter() - began - sum(poll.seconds.values())
        read_seconds = sum(batch.read_seconds for batch in batches.values())
        return poll._replace(
            seconds={**poll.seconds, "read": read_seconds, "ledger": ledger_seconds}
        )

    async def _work_off(
        self, batch: Batch, records: Sequence[ReadRecord], now: datetime
    ) -> tuple[PollResult, DraftingResult]:
        """The numbered list of this file, from step 2 on."""
        cache, inbound_topic = self._cache, self.settings.inbound_topic
        usable = [read for read in records if read.kind in ("message", "prior")]
        nudged = {read.visit for read in records if read.kind == "nudge" and read.visit is not None}
        await cache.reload(batch, sorted(nudged))
        nudged = {key for key in nudged if cache.has_news_of(key)}
        await cache.load(
            batch, dict.fromkeys([read.visit for read in usable if read.visit is not None])
        )
        closed = set(cache.unreadable)
        # 2 keep, 3 fold: `fresh` are the records whose message the ledger did not have
        fresh = await keep(batch, usable)
        folded = [read for read in fresh if read.visit not in closed]
        cache.note_undrafted(folded)
        began = perf_counter()
        changed = nudged | closed | await cache.fold(batch, folded)
        fold_seconds = perf_counter() - began
        ours = nudged | closed | {read.visit for read in fresh if read.visit is not None}
        changed &= ours  # a merge also changes visits of others in memory; others draft them
        merged = [
            read.visit
            for read in fresh
            if read.visit and read.reading and visit_merges(read.reading)
        ]
        await cache.load(batch, merged, again=True)  # the prior number may have messages too
        changed.update(merged)
        # 4 park
        problems = [(read, problem) for read in records for problem in problems_of(read)]
        numbers = await batch.park(
            [parked_message(read, problem, now) for read, problem in problems]
        )
        incomplete = {read.visit for read, _problem in problems if read.visit is not None}
        await cache.load(batch, incomplete)
        cache.note_parked(incomplete)
        # 5 tell
        announcements = [
            *in_their_own_place(inbound_topic, records, self._partitions or 1, now),
            *copies_of_merges(inbound_topic, fresh, now),
        ]
        elsewhere = await concerned_by_merges(batch, cache, fresh)
        survivors = {cache.feed.surviving(key) for key in ours | incomplete} - (ours | incomplete)
        announcements += [nudge(inbound_topic, key, now) for key in sorted(survivors | elsewhere)]
        # 6 draft, 7 revise
        drafted = await self._draft_or_settle(batch, sorted(changed | incomplete), now)
        # 8 announce
        told = parked_events(self.settings.parked, problems, numbers, now)
        await batch.announce([*announcements, *drafted.announcements, *told])
        poll = poll_result(
            records,
            fresh,
            revisions=len(drafted.revisions),
            seconds={"fold": fold_seconds, "draft": drafted.seconds},
            interface=partial(interface_name, interfaces=self.interfaces, default=self.profile),
        )
        return poll, drafted

    # ------------------------------------------------------------------ drafts

    async def _draft_or_settle(
        self, batch: Batch, keys: Sequence[VisitKey], now: datetime
    ) -> DraftingResult:
        """Draft visits that changed at once, or mark those as due that settle first."""
        feed, closed = self._cache.feed, self._cache.unreadable
        waits = {
            key: timedelta(0) if key in closed else wait_of(feed.rows(key), self.settings.settle)
            for key in keys
        }
        later = [key for key in keys if waits[key]]
        if later:
            rows = await batch.visits(later)
            wanted = {key: rows.get(key) or new_visit(key, now) for key in later}
            await batch.put_visits(
                [
                    row._replace(settle_due=now + waits[key], updated_at=now)
                    for key, row in wanted.items()
                    if row.settle_due is None
                ]
            )
        return await self._draft(batch, [key for key in keys if not waits[key]], now)

    async def work_off_due(
        self,
        partition_of: Callable[[VisitKey], int | None],
        offsets: Mapping[int, int | None],
        owner: str,
        limit: int,
    ) -> int:
        """Draft the due visits of our partitions, at most `limit` of them; returns how many.

        `partition_of` gives the partition of a visit, None if another program owns it. `offsets`
        gives the offset that the ledger must hold for each of our partitions. Raises Fenced.
        """
        async with self.ledger.view() as view:
            due = await view.due_visits(self.clock(), limit * OTHERS_DUE)
        placed = [(key, number) for key in due if (number := partition_of(key)) is not None]
        ours = dict(placed[:limit])
        await self.draft_ours(ours, offsets, owner)
        return len(ours)

    async def draft_ours(
        self, ours: Mapping[VisitKey, int], offsets: Mapping[int, int | None], owner: str
    ) -> None:
        """Draft visits, given with their partitions, in one transaction. Raises Fenced.

        If a visit makes us fail, the others are drafted apart, and of that one a nudge is parked.
        """
        await visits_apart(
            lambda some: self._draft_together(some, offsets, owner),
            lambda key, error: self._give_up(key, ours[key], offsets, owner=owner, error=error),
            list(ours.items()),
        )

    async def _give_up(
        self,
        key: VisitKey,
        partition: int,
        offsets: Mapping[int, int | None],
        *,
        owner: str,
        error: Exception,
    ) -> None:
        """Park a visit that cannot be drafted; nothing of it is due until a message comes."""
        topic, now, offset = self.settings.inbound_topic, self.clock(), offsets[partition]
        read = failed_visit(topic, partition, offset, key=key, error=error)
        held = {partition: Move(offset, offset)}
        rulebook, told = self.maker.rulebook.version, self.settings.parked
        async with self.ledger.batch() as batch:
            await batch.advance(topic, held, owner=owner, partitions=self._partitions)
            given = await give_up(batch, [key], [read], rulebook, topic=told, now=now)
            await batch.announce(given.announcements)
        self._tell(given)

    async def _draft_together(
        self, ours: Mapping[VisitKey, int], offsets: Mapping[int, int | None], owner: str
    ) -> None:
        if not ours:
            return
        try:
            async with self.ledger.batch() as batch:
                held = {number: Move(offsets[number], offsets[number]) for number in ours.values()}
                await batch.advance(
                    self.settings.inbound_topic, held, owner=owner, partitions=self._partitions
                )
                await self._cache.load(batch, ours)
                drafted = await self._draft(batch, list(ours), self.clock())
                await batch.announce(drafted.announcements)
        except BaseException:
            self.drop()
            raise
        self._tell(drafted)
        self._cache.trim()

    async def _draft(self, batch: Batch, keys: Sequence[VisitKey], now: datetime) -> DraftingResult:
        """Draft visits, and make and store their new revisions (steps 6 and 7).

        Those of which a row of the ledger cannot be read are set aside.
        """
        if not keys:
            return DraftingResult()
        began = perf_counter()
        cache = self._cache
        rows_of = cache.feed.rows
        timelines = {
            key: await draft_beside(rows_of(key), partial(cache.feed.get, key))
            for key in keys
            if key not in cache.unreadable
        }
        unsure = [
            key
            for key, timeline in timelines.items()
            if timeline is not None and (len(timeline.patients) > 1 or key not in cache.states)
        ]
        if unsure:
            await cache.join_patients(batch, unsure)
            timelines.update({key: cache.feed.get(key) for key in unsure})
        rows = await batch.visits(keys)  # this locks the visits, so that two batches take turns
        timelines.update(dict.fromkeys(cache.without_forgotten(rows)))
        await cache.load_states(batch, list(timelines), rows)
        closed = {key: cache.unreadable[key] for key in keys if key in cache.unreadable}
        timelines = {key: timelines[key] for key in timelines if key not in closed}
        drafts, others = await draft_with_records(batch, cache, self.maker, timelines)
        to_revise = [
            VisitToRevise(
                key=key,
                timeline=timeline,
                draft=drafts.get(key),
                state=cache.states[key],
                row=rows.get(key),
                survivor=cache.feed.surviving(key),
            )
            for key, timeline in timelines.items()
        ]
        result = await draft_beside(
            max(map(rows_of, keys)), partial(self.maker.revise, to_revise, now)
        )
        rulebook, told = self.maker.rulebook.version, self.settings.parked
        aside = await set_aside_unreadable(batch, closed, rulebook, topic=told, now=now)
        await batch.add_revisions(result.revisions)
        await batch.put_visits(result.visits)
        await batch.put_questions(result.questions)
        cache.states.update(result.states)
        nudges = [nudge(self.settings.inbound_topic, key, now) for key in sorted(others)]
        return result._replace(
            announcements=[*result.announcements, *nudges, *aside.announcements],
            set_aside=aside.set_aside,
            drafted=cache.now_drafted(timelines),
            seconds=perf_counter() - began,
        )


def utc_now() -> datetime:
    """The clock of the live service."""
    return datetime.now(UTC)
