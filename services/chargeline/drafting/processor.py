"""One poll in one ledger transaction: fence, keep, fold, draft, announce.

It owns the order of these steps and that memory never runs ahead of the ledger: when a transaction
fails, what was folded in memory is thrown away with it. It does not know Kafka; records come in as
values and what must be published goes out through the outbox.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import NamedTuple

from chargeline.drafting.inbound import (
    MERGE_COPY,
    NUDGE,
    REKEYED,
    InboundRecord,
    Looked,
    key_text,
    look,
    patient_merges,
    unreadable_parts,
    visit_merges,
)
from chargeline.drafting.revisions import Drafting, OnDesk, Outcome, announcement
from chargeline.drafting.visit_cache import Desk
from chargeline.engine import (
    NO_HISTORY,
    Contribution,
    Draft,
    PatientMerge,
    Reading,
    Timeline,
    Unreadable,
    VisitKey,
    VisitMerge,
    contributions_of,
    histories,
    sharing,
)
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import Profile
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import (
    Announcement,
    MessageKey,
    Move,
    ParkedMessage,
    StoredMerge,
    StoredMessage,
    StoredVisit,
    stored_contribution,
)
from chargeline.ledger.store import Ledger
from chargeline.published import events
from chargeline.published.shapes import ParkedMessage as ParkedEvent

# How many due visits are looked through for our own: those of a program that hangs stand before ours.
OTHERS_DUE = 20
Clock = Callable[[], datetime]


class Lot(NamedTuple):
    """Records of one partition in order, read, and how far the ledger goes when it has them."""

    looked: Sequence[Looked]
    move: Move
    read_seconds: float = 0.0


class Terms(NamedTuple):
    """What a site decides about the live service. Times are what passes before a thing is due."""

    inbound_topic: str
    parked_topic: str
    settle: timedelta
    visits_in_memory: int


class Done(NamedTuple):
    """What a batch came to, for metrics and the limit on parked messages.

    `outcomes` counts by message type and outcome; `seconds` by phase.
    """

    read: int
    used: int
    parked: tuple[str, ...]
    outcomes: dict[tuple[str, str], int]
    revisions: int
    seconds: dict[str, float]


class Processor:
    """Takes batches of records; keeps the visits of its partitions on a desk."""

    def __init__(
        self,
        ledger: Ledger,
        profile: Profile,
        drafting: Drafting,
        terms: Terms,
        clock: Clock,
        tell: Callable[[Outcome], None] = lambda _outcome: None,
    ) -> None:
        self.ledger = ledger
        self.profile = profile
        self.drafting = drafting
        self.terms = terms
        self.clock = clock
        self._tell = tell  # of what was committed, for metrics
        self._desk = Desk(profile, drafting.rulebook.base, terms.visits_in_memory)

    def drop(self) -> None:
        """Forget what is held: partitions were lost, or the last transaction failed."""
        self._desk = Desk(self.profile, self.drafting.rulebook.base, self.terms.visits_in_memory)

    def look(self, records: Sequence[InboundRecord]) -> list[Looked]:
        """Read records; it needs neither ledger nor desk, and may be done ahead."""
        return [look(record, self.profile) for record in records]

    async def process(self, lots: Mapping[int, Lot], *, owner: str) -> Done:
        """Work off records by partition. Raises Fenced when a partition is somebody else's now."""
        began = perf_counter()
        looked = [each for lot in lots.values() for each in lot.looked]
        desk = self._desk
        moves = {number: lot.move for number, lot in lots.items()}
        try:
            async with self.ledger.batch() as batch:
                await batch.advance(self.terms.inbound_topic, moves, owner=owner)
                done, outcome = await self._work(batch, desk, looked)
        except BaseException:
            self.drop()
            raise
        self._tell(outcome)
        desk.trim()
        ledger_seconds = perf_counter() - began - sum(done.seconds.values())
        read_seconds = sum(lot.read_seconds for lot in lots.values())
        seconds = {**done.seconds, "read": read_seconds, "ledger": ledger_seconds}
        return done._replace(seconds=seconds)

    async def _work(self, batch: Batch, desk: Desk, looked: Sequence[Looked]) -> tuple[Done, Outcome]:
        now = self.clock()
        usable = [each for each in looked if each.kind in ("message", "prior")]
        nudged = [each.visit for each in looked if each.kind == "nudge" and each.visit is not None]
        await desk.load(batch, nudged, again=True)
        named = dict.fromkeys(each.visit for each in usable if each.visit is not None)
        await desk.load(batch, named)
        rows = [_stored(each) for each in usable]
        fresh = _first_of_each(usable, rows, await batch.add_messages(rows))
        touched: set[VisitKey] = set(nudged)
        desk.wait(fresh)
        began = perf_counter()
        for each in fresh:
            assert each.reading is not None
            touched |= desk.visits.add(each.reading)
        fold_seconds = perf_counter() - began
        touched &= _ours(fresh, nudged)
        await self._keep_merges(batch, usable)
        merged = [each.visit for each in fresh if each.visit and each.reading and visit_merges(each.reading)]
        await desk.load(batch, merged, again=True)  # with what is kept under the prior number
        touched.update(merged)
        announcements = [
            *self._rekeyed(looked, now),
            *self._copies_of_merges(fresh, now),
        ]
        troubled = [(each, problem) for each in looked for problem in _problems(each)]
        parked = [_parked(each, problem, now) for each, problem in troubled]
        await batch.park(parked)
        incomplete = {each.visit for each, _problem in troubled if each.visit is not None}
        await desk.load(batch, incomplete)
        desk.park(incomplete)
        touched |= incomplete
        elsewhere = await self._joined(batch, desk, fresh)
        announcements += self._nudges(desk, _ours(fresh, [*nudged, *incomplete]), elsewhere, now)
        outcome = await self._settle(batch, desk, touched, now)
        await batch.announce([*announcements, *outcome.announcements, *self._parked_out(troubled, now)])
        done = Done(
            read=len(looked),
            used=len(fresh),
            parked=tuple(each.code for each in parked),
            outcomes=_outcomes(looked, fresh),
            revisions=len(outcome.revisions),
            seconds={"fold": fold_seconds, "draft": outcome.seconds},
        )
        return done, outcome

    async def _joined(self, batch: Batch, desk: Desk, fresh: Iterable[Looked]) -> set[VisitKey]:
        """Visits that merges concern and that may be others'. The fence guards only what this poll read,
        so they are not drafted here, from a memory that may be old: their partitions look again.
        """
        readings = [each.reading for each in fresh if each.reading is not None and each.reading.merges]
        priors = {(each.facility, merge.prior) for each in readings for merge in visit_merges(each)}
        around = await batch.merges_around(priors) if priors else []
        found = {  # also those that an earlier merge of the same number led to
            desk.visits.surviving(VisitKey(merge.facility, merge.surviving))
            for merge in around
            if (merge.facility, merge.prior) in priors
        }
        patients = {
            (each.facility, number)
            for each in readings
            for merge in patient_merges(each)
            for number in (merge.prior, merge.surviving)
        }
        return found | await self._of_patients(batch, desk, patients) if patients else found

    async def _of_patients(self, batch: Batch, desk: Desk, patients: set[tuple[str, str]]) -> set[VisitKey]:
        """Visits of patients that were just joined: on the desk, or with a contribution in the ledger."""
        await batch.lock_patients(patients)  # a visit that has its first day meanwhile looks after us
        merges = await batch.patient_merges_around(patients)
        everyone = patients | {(each.facility, number) for each in merges for number in each[1:3]}
        record = await batch.contributions(everyone)
        return desk.of_patients(everyone) | {VisitKey(each.facility, each.visit) for each in record}

    async def _keep_merges(self, batch: Batch, usable: Iterable[Looked]) -> None:
        readings = [each.reading for each in usable if each.reading is not None and each.reading.merges]
        if readings:
            visits = [_stored_merge(each, merge) for each in readings for merge in visit_merges(each)]
            patients = [_stored_merge(each, merge) for each in readings for merge in patient_merges(each)]
            await batch.add_merges(visits, patients)

    # ------------------------------------------------------------------ what goes back to the inbound topic

    def _rekeyed(self, looked: Iterable[Looked], now: datetime) -> list[Announcement]:
        """Messages that came under another key, sent again under the key of their visit."""
        found = []
        for each in looked:
            if each.kind == "rekey" and each.visit is not None:
                headers = {**each.record.headers, REKEYED: "1"}
                found.append(self._inbound(key_text(each.visit), each.record, headers, now))
        return found

    def _copies_of_merges(self, fresh: Iterable[Looked], now: datetime) -> list[Announcement]:
        """A merge is told to the partition of the prior visit as well; the gateway may have done so."""
        found = []
        for each in fresh:
            if each.reading is None or MERGE_COPY in each.record.headers:
                continue
            for merge in visit_merges(each.reading):
                prior = VisitKey(each.reading.facility, merge.prior)
                headers = {**each.record.headers, MERGE_COPY: "prior"}
                found.append(self._inbound(key_text(prior), each.record, headers, now))
        return found

    def _nudges(
        self, desk: Desk, visits: set[VisitKey], elsewhere: set[VisitKey], now: datetime
    ) -> list[Announcement]:
        """What came for a visit that was merged away is in the ledger; its survivor must look again."""
        survivors = {desk.visits.surviving(each) for each in visits} - visits
        return [nudge(self.terms.inbound_topic, key, now) for key in sorted(survivors | elsewhere)]

    def _inbound(
        self, key: str, record: InboundRecord, headers: dict[str, str], now: datetime
    ) -> Announcement:
        event_id = f"{record.topic}|{record.partition}|{record.offset}|{key}"
        return Announcement(
            self.terms.inbound_topic, key, event_id, _headers_text(headers), record.value, now
        )

    def _parked_out(
        self, troubled: Iterable[tuple[Looked, Unreadable | Hl7Error]], now: datetime
    ) -> list[Announcement]:
        """Parked messages go to their topic too, bytes and reason, for whoever watches it."""
        return [
            announcement(self.terms.parked_topic, _parked_event(each, problem), now)
            for each, problem in troubled
        ]

    # ------------------------------------------------------------------ drafts

    async def _settle(self, batch: Batch, desk: Desk, touched: set[VisitKey], now: datetime) -> Outcome:
        """Visits that changed: drafted at once where nothing is to settle, else marked as due."""
        here = sorted(touched)
        if not self.terms.settle:
            return await self._draft(batch, desk, here, now)
        known = await batch.visits(here)
        rows = [known.get(key) or _new_visit(key, now) for key in here]
        due = now + self.terms.settle
        await batch.put_visits(
            [row._replace(settle_due=due, updated_at=now) for row in rows if row.settle_due is None]
        )
        return Outcome()

    async def work_off_due(
        self,
        partition_of: Callable[[VisitKey], int | None],
        offsets: Mapping[int, int | None],
        owner: str,
        limit: int,
    ) -> int:
        """Draft visits whose time has come, of the partitions that are ours; returns how many.

        `partition_of` gives the partition of a visit, None where it is another's; `offsets` is where the
        ledger must hold each partition of ours. Raises Fenced.
        """
        now = self.clock()
        desk = self._desk
        try:
            async with self.ledger.batch() as batch:
                due = await batch.due_visits(now, limit * OTHERS_DUE)
                found = [(key, number) for key in due if (number := partition_of(key)) is not None]
                ours = dict(found[:limit])
                if not ours:
                    return 0
                held = {number: Move(offsets[number], offsets[number]) for number in ours.values()}
                await batch.advance(self.terms.inbound_topic, held, owner=owner)
                await desk.load(batch, ours)
                outcome = await self._draft(batch, desk, list(ours), now)
                await batch.announce(outcome.announcements)
        except BaseException:
            self.drop()
            raise
        self._tell(outcome)
        desk.trim()
        return len(ours)

    async def _draft(self, batch: Batch, desk: Desk, keys: Sequence[VisitKey], now: datetime) -> Outcome:
        """New revisions of visits where the draft is another than the last one."""
        if not keys:
            return Outcome()
        began = perf_counter()
        timelines = {key: desk.visits.get(key) for key in keys}
        unsure = [
            key
            for key, each in timelines.items()
            if each is not None and (len(each.patients) > 1 or key not in desk.standings)
        ]
        if unsure:
            await desk.join_patients(batch, unsure)
            timelines.update({key: desk.visits.get(key) for key in unsure})
        rows = await batch.visits(keys)  # locks them: two batches take turns
        await desk.know(batch, keys, rows)
        drafts = {
            key: self.drafting.draft(each, desk.standings[key].history, desk.memories)
            for key, each in timelines.items()
            if each is not None
        }
        others = await self._same_patient(batch, desk, timelines, drafts)
        outcome = self.drafting.revise(
            [
                OnDesk(
                    key, each, drafts.get(key), desk.standings[key], rows.get(key), desk.visits.surviving(key)
                )
                for key, each in timelines.items()
            ],
            now,
        )
        await batch.add_revisions(outcome.revisions)
        await batch.put_visits(outcome.visits)
        await batch.put_questions(outcome.questions)
        desk.standings.update(outcome.standings)
        nudges = [nudge(self.terms.inbound_topic, key, now) for key in sorted(others)]
        announcements = [*outcome.announcements, *nudges]
        return outcome._replace(
            announcements=announcements, waited=desk.drafted(keys), seconds=perf_counter() - began
        )

    async def _same_patient(
        self,
        batch: Batch,
        desk: Desk,
        timelines: Mapping[VisitKey, Timeline | None],
        drafts: dict[VisitKey, Draft],
    ) -> set[VisitKey]:
        """Keep what these visits contribute to their patients' records, and draft anew whom that concerns.

        Returns other visits that this concerns; their own partitions must look at them again.
        """
        now = {
            key: frozenset(contributions_of(each, drafts[key]))
            for key, each in timelines.items()
            if each is not None
        }
        nothing: frozenset[Contribution] = frozenset()
        moved = [key for key in timelines if now.get(key, nothing) != desk.standings[key].contributed]
        if not moved:
            return set()
        before = {each for key in moved for each in desk.standings[key].contributed}
        after = {each for key in moved for each in now.get(key, nothing)}
        patients = {(each.visit.facility, each.patient) for each in before | after}
        await batch.lock_patients(patients)
        await desk.join_patients(batch, [key for key in moved if timelines[key] is not None])
        rejoined = {key for key in moved if (each := timelines[key]) and each != desk.visits[key]}
        had = [key for key in moved if desk.standings[key].contributed]
        await batch.put_contributions(had, [stored_contribution(each) for each in sorted(after)])
        record = [row.contribution for row in await batch.contributions(patients)]
        others = sharing(before ^ after, record)
        history = histories(record)
        for key in [key for key in timelines if key in moved or key in others]:
            timeline, standing = timelines[key], desk.standings[key]
            its_history = history.get(key, NO_HISTORY)
            if timeline is not None and its_history != standing.history:
                drafts[key] = self.drafting.draft(timeline, its_history, desk.memories)
            desk.standings[key] = standing._replace(contributed=now.get(key, nothing), history=its_history)
        return (others - set(timelines)) | rejoined


def _parked_event(looked: Looked, problem: Unreadable | Hl7Error) -> ParkedEvent:
    record, message = looked.record, looked.reading.message if looked.reading else None
    return events.parked(
        record.value,
        [(name, value.encode()) for name, value in record.headers.items()],
        at=(record.topic, record.partition, record.offset),
        key=(looked.visit.facility, looked.visit.visit) if looked.visit else (None, None),
        why=problem.finding,
        message_type=message.type if message else "",
        control_id=message.control_id if message else "",
    )


def nudge(inbound_topic: str, key: VisitKey, now: datetime) -> Announcement:
    """Word to a visit's partition: look at it again, something of it in the ledger has changed."""
    event_id = f"nudge|{key_text(key)}|{now.isoformat()}"
    return Announcement(inbound_topic, key_text(key), event_id, _headers_text({NUDGE: "1"}), b"", now)


def _new_visit(key: VisitKey, now: datetime) -> StoredVisit:
    return StoredVisit(key.facility, key.visit, "open", 0, None, None, None, None, False, now)


def _stored(looked: Looked) -> StoredMessage:
    reading, record = looked.reading, looked.record
    assert reading is not None, "only what was read is kept"
    message = reading.message
    return StoredMessage(
        facility=reading.facility,
        visit=reading.visit or "",
        digest=message.digest,
        control_id=message.control_id,
        sent=message.sent,
        type=message.type,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=record.received_at,
        raw=record.value,
        headers=_headers_text(record.headers),
    )


def _stored_merge(reading: Reading, merge: VisitMerge | PatientMerge) -> StoredMerge:
    message = reading.message
    return StoredMerge(reading.facility, merge.prior, merge.surviving, message.sent, message.digest)


def _first_of_each(
    usable: Iterable[Looked], rows: Iterable[StoredMessage], new: set[MessageKey]
) -> list[Looked]:
    """The records whose message is new, the first of each: the same one twice in a batch counts once."""
    left = set(new)
    found = []
    for each, row in zip(usable, rows, strict=True):
        key = row.key
        if key in left or each.kind == "prior":
            left.discard(key)
            found.append(each)
    return found


def _ours(fresh: Iterable[Looked], nudged: Iterable[VisitKey]) -> set[VisitKey]:
    """The visits that records of this partition are keyed by; a merge moves others in memory only."""
    return {*nudged, *(each.visit for each in fresh if each.visit is not None)}


def _problems(looked: Looked) -> Sequence[Unreadable | Hl7Error]:
    if looked.kind == "parked" and looked.problem is not None:
        return [looked.problem]
    if looked.kind == "message" and looked.reading is not None:
        return list(unreadable_parts(looked.reading)[:1])
    return []


def _parked(looked: Looked, problem: Unreadable | Hl7Error, now: datetime) -> ParkedMessage:
    record = looked.record
    return ParkedMessage(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        raw=record.value,
        headers=_headers_text(record.headers),
        code=problem.finding.code,
        expected=problem.finding.expected,
        found=problem.finding.found,
        where_=problem.finding.where,
        do=problem.finding.do,
        facility=looked.visit.facility if looked.visit else None,
        visit=looked.visit.visit if looked.visit else None,
        first_seen=now,
    )


_OUTCOMES = {"unused": "set_aside", "parked": "parked"}


def _outcomes(looked: Sequence[Looked], fresh: Sequence[Looked]) -> dict[tuple[str, str], int]:
    """Counts by message type and outcome; nudges and messages sent on under their key are not counted."""
    new = {id(each) for each in fresh}
    found: Counter[tuple[str, str]] = Counter()
    for each in looked:
        kind = each.reading.message.type if each.reading is not None else ""
        if each.kind in _OUTCOMES:
            found[kind, _OUTCOMES[each.kind]] += 1
        elif each.kind == "message":
            found[kind, "used" if id(each) in new else "duplicate"] += 1
    return dict(found)


def _headers_text(headers: dict[str, str]) -> str:
    return json.dumps(headers, sort_keys=True) if headers else "{}"


def utc_now() -> datetime:
    """The clock of the live service."""
    return datetime.now(UTC)
