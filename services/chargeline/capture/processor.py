"""One batch of one partition, in one ledger transaction: fence, keep, fold, draft, announce.

It owns the order of these steps and that memory never runs ahead of the ledger: when a transaction
fails, what was folded in memory is thrown away with it. It does not know Kafka; records come in as
values and what must be published goes out through the outbox.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import NamedTuple

from chargeline.bus import events
from chargeline.capture.desk import Desk
from chargeline.capture.inbound import (
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
from chargeline.capture.revisions import Drafting, Known, Outcome, announcement
from chargeline.engine.events import Unreadable, VisitKey
from chargeline.engine.same_day import initial_services
from chargeline.engine.timeline import Timeline
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import Profile
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import (
    Announcement,
    MessageKey,
    ParkedMessage,
    PatientDay,
    StoredMerge,
    StoredMessage,
    StoredVisit,
)
from chargeline.ledger.store import Ledger

Clock = Callable[[], datetime]
_Partition = tuple[str, int]


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
    """Takes batches of records; keeps the visits of each partition on a desk."""

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
        self._desks: dict[_Partition, Desk] = {}

    def drop(self, topic: str, partition: int) -> None:
        """Forget what is held of a partition: it was lost, or its last transaction failed."""
        self._desks.pop((topic, partition), None)

    def _desk(self, place: _Partition) -> Desk:
        if place not in self._desks:
            self._desks[place] = Desk(self.profile, self.terms.visits_in_memory)
        return self._desks[place]

    async def process(
        self, records: Sequence[InboundRecord], *, owner: str, expected: int | None, next_offset: int
    ) -> Done:
        """Work off records of one partition. Raises Fenced when the partition is somebody else's now."""
        place = (records[0].topic, records[0].partition)
        began = perf_counter()
        looked = [look(record, self.profile) for record in records]
        read_seconds = perf_counter() - began
        desk = self._desk(place)
        try:
            async with self.ledger.batch() as batch:
                await batch.advance(*place, owner=owner, expected=expected, next_offset=next_offset)
                done, outcome = await self._work(batch, desk, looked)
        except BaseException:
            self.drop(*place)
            raise
        self._tell(outcome)
        desk.trim()
        elsewhere = read_seconds + sum(done.seconds.values())
        seconds = {**done.seconds, "read": read_seconds, "ledger": perf_counter() - began - elsewhere}
        return done._replace(seconds=seconds)

    async def _work(self, batch: Batch, desk: Desk, looked: Sequence[Looked]) -> tuple[Done, Outcome]:
        now = self.clock()
        usable = [each for each in looked if each.kind in ("message", "prior")]
        nudged = [each.visit for each in looked if each.kind == "nudge" and each.visit is not None]
        await desk.load(batch, nudged, again=True)
        named = dict.fromkeys(each.visit for each in usable if each.visit is not None)
        await desk.load(batch, named)
        new = await batch.add_messages([_stored(each) for each in usable])
        fresh = _first_of_each(usable, new)
        touched: set[VisitKey] = set(nudged)
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
            *self._nudges(desk, fresh, now),
        ]
        troubled = [(each, problem) for each in looked for problem in _problems(each)]
        parked = [_parked(each, problem, now) for each, problem in troubled]
        await batch.park(parked)
        outcome = await self._settle(batch, desk, touched | await self._of_patients(desk, fresh), now)
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

    async def _of_patients(self, desk: Desk, fresh: Iterable[Looked]) -> set[VisitKey]:
        """Visits on the desk whose patient a message has just joined with another."""
        touched: set[VisitKey] = set()
        for each in fresh:
            if each.reading is not None and patient_merges(each.reading):
                touched |= {key for key in desk.held() if key.facility == each.reading.facility}
        return touched

    async def _keep_merges(self, batch: Batch, usable: Iterable[Looked]) -> None:
        visits, patients = [], []
        for each in usable:
            reading = each.reading
            if reading is None or not reading.merges:
                continue
            sent, digest = reading.message.sent, reading.message.digest
            visits += [
                StoredMerge(reading.facility, merge.prior, merge.surviving, sent, digest)
                for merge in visit_merges(reading)
            ]
            patients += [
                StoredMerge(reading.facility, merge.prior, merge.surviving, sent, digest)
                for merge in patient_merges(reading)
            ]
        if visits or patients:
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

    def _nudges(self, desk: Desk, fresh: Iterable[Looked], now: datetime) -> list[Announcement]:
        """What came for a visit that was merged away is in the ledger; its survivor must look again."""
        survivors: dict[VisitKey, None] = {}
        for each in fresh:
            if each.visit is not None:
                survivor = desk.visits.surviving(each.visit)
                if survivor != each.visit:
                    survivors[survivor] = None
        return [self._nudge(key, now) for key in survivors]

    def _nudge(self, key: VisitKey, now: datetime) -> Announcement:
        event_id = f"nudge|{key_text(key)}|{now.isoformat()}"
        headers = _headers_text({NUDGE: "1"})
        return Announcement(self.terms.inbound_topic, key_text(key), event_id, headers, b"", now)

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
        rows = []
        for key in here:
            row = known.get(key) or _new_visit(key, now)
            due = row.settle_due or now + self.terms.settle
            rows.append(row._replace(settle_due=due, updated_at=now))
        await batch.put_visits(rows)
        return Outcome((), (), 0.0)

    async def work_off_due(self, owned: Callable[[VisitKey], _Partition | None], limit: int) -> int:
        """Draft visits whose time has come, of partitions that are ours; returns how many."""
        now = self.clock()
        count = 0
        outcomes = []
        async with self.ledger.batch() as batch:
            due = [row.key for row in await batch.due_visits(now, limit)]
            by_place: dict[_Partition, list[VisitKey]] = {}
            for key in due:
                place = owned(key)
                if place is not None:
                    by_place.setdefault(place, []).append(key)
            try:
                for place, keys in by_place.items():
                    desk = self._desk(place)
                    await desk.load(batch, keys)
                    outcome = await self._draft(batch, desk, keys, now)
                    await batch.announce(outcome.announcements)
                    outcomes.append(outcome)
                    count += len(keys)
            except BaseException:
                for place in by_place:
                    self.drop(*place)
                raise
        for outcome in outcomes:
            self._tell(outcome)
        return count

    async def _draft(self, batch: Batch, desk: Desk, keys: Sequence[VisitKey], now: datetime) -> Outcome:
        """New revisions of visits where the draft is another than the last one."""
        began = perf_counter()
        timelines = {key: _timeline(desk, key) for key in keys}
        in_doubt = [key for key, each in timelines.items() if each is not None and len(each.patients) > 1]
        if in_doubt:
            await desk.join_patients(batch, in_doubt)
            timelines.update({key: _timeline(desk, key) for key in in_doubt})
        await batch.visits(keys)  # locks them: two batches take turns
        questions = await batch.open_questions(keys)
        second, others = await self._same_day(batch, desk, timelines)
        await desk.know_last(batch, keys)
        outcome = self.drafting.revise(
            timelines, desk.last, questions, desk.memories, desk.visits.surviving, second, now
        )
        nudges = [self._nudge(key, now) for key in others]
        await batch.add_revisions(outcome.revisions)
        await batch.put_visits(outcome.visits)
        await batch.put_questions(outcome.questions)
        for revision in outcome.revisions:
            desk.last[VisitKey(revision.facility, revision.visit)] = Known.of(revision)
        announcements = [*outcome.announcements, *nudges]
        return outcome._replace(announcements=announcements, seconds=perf_counter() - began)

    async def _same_day(
        self, batch: Batch, desk: Desk, timelines: dict[VisitKey, Timeline | None]
    ) -> tuple[dict[VisitKey, frozenset[date]], set[VisitKey]]:
        """The days on which each visit is the patient's second, and other visits that this changes."""
        days: dict[VisitKey, dict[date, datetime]] = {}
        patients: dict[VisitKey, str] = {}
        for key, timeline in timelines.items():
            if timeline is not None:
                made = self.drafting.draft(timeline, frozenset(), desk.memories)
                days[key] = initial_services(timeline, made)
                patients[key] = timeline.context.patient
        rows = [
            PatientDay(key.facility, patients[key], day.isoformat(), key.visit, start)
            for key, found in days.items()
            for day, start in found.items()
        ]
        here = set(timelines)
        changed = set(await batch.patient_days_of(here)) ^ set(rows)
        if changed:
            await batch.put_patient_days(here, rows)
        whose = {(row.facility, row.patient) for row in (*changed, *rows)}
        known = await batch.patient_days(whose) if whose else []
        elsewhere = [row for row in known if VisitKey(row.facility, row.visit) not in here]
        others = {
            VisitKey(row.facility, row.visit)
            for row in elsewhere
            if any((row.facility, row.patient, row.day) == (c.facility, c.patient, c.day) for c in changed)
        }
        return _seconds([*elsewhere, *rows], here), others


def _seconds(rows: Iterable[PatientDay], wanted: Iterable[VisitKey]) -> dict[VisitKey, frozenset[date]]:
    """The days on which visits are not the first of their patient."""
    by_day: dict[tuple[str, str, str], list[PatientDay]] = {}
    for row in rows:
        by_day.setdefault((row.facility, row.patient, row.day), []).append(row)
    found: dict[VisitKey, set[date]] = {key: set() for key in wanted}
    for same in by_day.values():
        for row in sorted(same, key=lambda each: (each.start, each.visit))[1:]:
            key = VisitKey(row.facility, row.visit)
            if key in found:
                found[key].add(date.fromisoformat(row.day))
    return {key: frozenset(days) for key, days in found.items()}


def _parked_event(looked: Looked, problem: Unreadable | Hl7Error) -> events.ParkedMessage:
    record, message = looked.record, looked.reading.message if looked.reading else None
    return events.parked(
        record.value,
        [(name, value.encode()) for name, value in record.headers.items()],
        at=(record.topic, record.partition, record.offset),
        key=(looked.visit.facility, looked.visit.visit) if looked.visit else (None, None),
        why=problem,
        message_type=message.type if message else "",
        control_id=message.control_id if message else "",
    )


def _timeline(desk: Desk, key: VisitKey) -> Timeline | None:
    return desk.visits.timeline(key) if key in desk.visits else None


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


def _first_of_each(usable: Iterable[Looked], new: set[MessageKey]) -> list[Looked]:
    """The records whose message is new, the first of each: the same one twice in a batch counts once."""
    left = set(new)
    found = []
    for each in usable:
        key = _stored(each).key
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
        code=problem.code,
        expected=problem.expected,
        found=problem.found,
        where_=problem.where,
        do=problem.do,
        report="",
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
    return json.dumps(headers, sort_keys=True)


def utc_now() -> datetime:
    """The clock of the live service."""
    return datetime.now(UTC)
