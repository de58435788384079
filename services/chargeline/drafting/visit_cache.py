"""The visits of our partitions, held in memory between polls.

This module owns when a visit is loaded from the ledger, which is when a message first touches it,
and which visits are dropped, which are those that were not touched for longest. It does not draft.
Everything in the cache can be loaded again from the ledger, so after a failed transaction the whole
cache is thrown away.
"""

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from chargeline.drafting.beside import read_beside
from chargeline.drafting.inbound import ReadRecord, visit_merges
from chargeline.drafting.reading_back import (
    answer_read,
    headers_read,
    question_read,
    revision_read,
)
from chargeline.drafting.visit_state import LastRevision, UndraftedMessage, VisitState
from chargeline.engine import (
    NO_HISTORY,
    Contribution,
    Feed,
    History,
    MessageRef,
    PatientMerge,
    Policy,
    Reading,
    SavedWork,
    VisitKey,
    VisitMerge,
    histories,
)
from chargeline.hl7.ahead import bounded
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import (
    StoredMerge,
    StoredMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.ledger.unreadable import unreadable
from chargeline.ledger.view import View
from chargeline.published.answers import Given, reading_of

_NOTHING: tuple[frozenset[Contribution], History] = (frozenset(), NO_HISTORY)


class VisitCache:
    """Timelines (`feed`), work that later drafts may use again (`saved`), and what was published
    last (`states`).

    `unreadable` are the visits of which this round could not read a row of the ledger, and why:
    they are not here, whatever the feed holds of them by way of merges. The cache holds at most
    `most` visits. `rules` are those of the base layer. `profile_of` gives the profile of a message
    by the headers of its record.
    """

    def __init__(
        self, profile_of: Callable[[Mapping[str, str]], Profile], rules: Policy, most: int
    ) -> None:
        self._profile_of = profile_of
        self._rules = rules
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self.feed = Feed(self._rules)
        self.saved: dict[VisitKey, SavedWork] = {}
        self.states: dict[VisitKey, VisitState] = {}
        self.unreadable: dict[VisitKey, UnreadableRow] = {}
        self._forgotten: set[VisitKey] = set()
        self._beside_forgotten: set[VisitKey] = set()
        self._undrafted: dict[VisitKey, list[UndraftedMessage]] = {}
        self._loaded: OrderedDict[VisitKey, None] = OrderedDict()

    async def load(self, view: View, keys: Iterable[VisitKey], *, again: bool = False) -> None:
        """Load visits from the ledger, with their merges; `again` loads those that are here too.

        Raises Hl7Error if the interface of a kept message is no longer in the rules: read in
        another way, or left out, the message would change charges in silence. For the same reason
        a visit of which a row cannot be read is not loaded at all; `unreadable` tells of it.
        """
        wanted = []
        for key in keys:
            if key in self._loaded and not again:
                self._loaded.move_to_end(key)
            else:
                wanted.append(key)
        if not wanted:
            return
        for key in wanted:
            if key in self._loaded:
                self._forget(key)
        merges = await self._followed(view, wanted)
        for merge in merges:
            self.feed.merge(
                merge.facility, VisitMerge(_reference(merge), merge.prior, merge.surviving)
            )
        messages = await self._messages_of(view, wanted, merges)
        answers = await view.answers_of(messages, merges)
        given: dict[VisitKey, list[Given]] = {}
        for key in messages:
            try:
                readings = [await self._read(stored) for stored in messages[key]]
                given[key] = list(map(answer_read, answers[key]))
            except UnreadableRow as error:
                self.unreadable[key] = error
                continue
            for reading in readings:
                self._add(reading)
            self._loaded[key] = None
            self.unreadable.pop(key, None)
        for key, said in given.items():
            self._answer(key, said)

    async def _followed(self, view: View, keys: Sequence[VisitKey]) -> list[StoredMerge]:
        """The merges around visits, without those that name a forgotten visit (decision 0066)."""
        merges = await view.merges_around(keys)
        numbers = {end for merge in merges for end in _ends(merge.facility, merge)}
        await self._learn(view, numbers)
        return [m for m in merges if self._is_followed(_ends(m.facility, m))]

    async def fold(self, view: View, records: Iterable[ReadRecord]) -> set[VisitKey]:
        """Fold new messages; returns the visits that they change."""
        readings = [read.reading for read in records if read.reading is not None]
        merges = [(one.facility, merge) for one in readings for merge in visit_merges(one)]
        await self._learn(view, {end for merge in merges for end in _ends(*merge)})
        return {key for reading in readings for key in self._add(reading)}

    async def _learn(self, view: View, numbers: set[VisitKey]) -> None:
        if numbers:
            self._forgotten |= await view.forgotten(sorted(numbers))

    def _is_followed(self, ends: tuple[VisitKey, VisitKey]) -> bool:
        """Whether no end of a merge is forgotten; the other end is beside a forgotten visit."""
        live = [end for end in ends if end not in self._forgotten]
        if len(live) == len(ends):
            return True
        self._beside_forgotten.update(live)
        for key in live:
            if key in self.states:
                self.states[key] = self.states[key]._replace(beside_forgotten=True)
        return False

    def _add(self, reading: Reading) -> set[VisitKey]:
        """Fold a message; returns the visits that it changes. A merge with a forgotten visit is not
        followed: what was billed of it nobody knows here, so nothing may be credited or added.
        """
        merges = [
            merge
            for merge in reading.merges
            if not isinstance(merge, VisitMerge)
            or self._is_followed(_ends(reading.facility, merge))
        ]
        return self.feed.add(reading._replace(merges=tuple(merges)))

    async def reload(self, view: View, keys: Sequence[VisitKey]) -> None:
        """Load visits again, whatever is here of them.

        If the ledger no longer has a merge of them that is known here, a person had the visits
        removed. Then the whole cache begins anew, since it can take no single merge back.
        """
        merges = await self._followed(view, keys) if keys else []
        merged = {VisitKey(merge.facility, merge.prior) for merge in merges}
        if any(self.feed.surviving(key) != key and key not in merged for key in keys):
            self._begin()
        await self.load(view, keys, again=True)

    def without_forgotten(self, rows: Mapping[VisitKey, StoredVisit]) -> list[VisitKey]:
        """The visits whose rows say that they are forgotten. What is known here of their last
        revision, questions and patients goes too: it may be from before.
        """
        forgotten = [key for key, row in rows.items() if row.status == "forgotten"]
        for key in forgotten:
            self.states.pop(key, None)
        return forgotten

    async def _messages_of(
        self, view: View, keys: Sequence[VisitKey], merges: Sequence[StoredMerge]
    ) -> dict[VisitKey, list[StoredMessage]]:
        """The messages of the visits that open; of the others, why they do not."""
        try:
            return await view.messages_of(keys, merges)
        except UnreadableRow as error:
            if len(keys) == 1:
                self.unreadable[keys[0]] = error
                return {}
        half = len(keys) // 2
        first, second = keys[:half], keys[half:]
        return {
            **await self._messages_of(view, first, merges),
            **await self._messages_of(view, second, merges),
        }

    async def _read(self, stored: StoredMessage) -> Reading:
        profile = self._profile_of(headers_read(stored))
        return await read_beside(stored.raw, partial(_reading, stored, profile))

    def _answer(self, key: VisitKey, answers: Iterable[Given]) -> None:
        """Take in what people answered of a visit that has messages."""
        survivor = self.feed.surviving(key)
        if survivor in self.feed:
            zone = self.feed[survivor].context.zone
            for given in answers:
                self.feed.add(reading_of(given, survivor.visit, zone))

    async def load_states(
        self, view: View, keys: Iterable[VisitKey], rows: Container[VisitKey]
    ) -> None:
        """Load the states of visits that are not here yet; `unreadable` tells of those of which a
        row cannot be read.

        `rows` are the visits with a row in the ledger. A visit without one was never drafted, so
        the ledger can have only parked messages of it.
        """
        missing = [key for key in keys if key not in self.states]
        if not missing:
            return
        drafted = [key for key in missing if key in rows]
        last = await view.last_revisions(drafted) if drafted else {}
        asked = await view.open_questions(drafted) if drafted else {}
        records = await self._patients_records(view, drafted) if drafted else {}
        members = {key: {key, *self.feed.numbers(key)} for key in missing}
        everyone = {member for numbers in members.values() for member in numbers}
        parked, settled = await view.visits_with_parked(everyone)
        dropped = await self._dropped(view, members, settled) if settled else {}
        for key in [key for key in missing if key not in self.unreadable]:
            contributed, history = records.get(key, _NOTHING)
            try:
                before = _last_revision(last.get(key))
                open_now = _that_can_be_closed(asked.get(key, ()))
            except UnreadableRow as error:
                self.unreadable[key] = error
                continue
            self.states[key] = VisitState(
                last=before,
                asked=open_now,
                contributed=contributed,
                history=history,
                parked=not parked.isdisjoint(members[key]),
                settled=not settled.isdisjoint(members[key]),
                beside_forgotten=key in self._beside_forgotten,
                dropped=_digests(
                    [raw for member in members[key] for raw in dropped.get(member, ())]
                ),
            )

    async def _dropped(
        self, view: View, members: Mapping[VisitKey, set[VisitKey]], settled: set[VisitKey]
    ) -> dict[VisitKey, list[bytes]]:
        """The dropped messages of every number of some visits, as far as they open."""
        try:
            return await view.dropped(settled)
        except UnreadableRow:
            dropped: dict[VisitKey, list[bytes]] = {}
        for key, numbers in members.items():
            try:
                dropped |= await view.dropped(numbers & settled)
            except UnreadableRow as error:
                self.unreadable[key] = error
        return dropped

    async def _patients_records(
        self, view: View, keys: Sequence[VisitKey]
    ) -> dict[VisitKey, tuple[frozenset[Contribution], History]]:
        """What visits contribute, and their history. A visit that has just begun has neither."""
        rows = await view.contributions_of(keys)
        patients = {(row.facility, row.patient) for row in rows}
        if not patients:
            return {}
        everyone = [row.contribution for row in await view.contributions(patients)]
        history = histories(everyone, set(keys))
        own: dict[VisitKey, set[Contribution]] = {key: set() for key in keys}
        for contribution in everyone:
            if contribution.visit in own:
                own[contribution.visit].add(contribution)
        return {key: (frozenset(own[key]), history.get(key, NO_HISTORY)) for key in keys}

    def has_news_of(self, key: VisitKey) -> bool:
        """Whether the ledger has any message of a visit that is loaded, or knows it as merged away.

        Of another visit nothing can be drafted. Who nudges it has made a mistake, and its row would
        stay open for ever.
        """
        return key in self.feed or self.feed.surviving(key) != key

    def note_parked(self, keys: Iterable[VisitKey]) -> None:
        """Note that messages of these visits were parked."""
        for key in keys:
            if key in self.states:
                self.states[key] = self.states[key]._replace(parked=True)

    def note_undrafted(self, records: Iterable[ReadRecord]) -> None:
        """Note messages that are in no draft yet, for the metric of the time to the draft."""
        for read in records:
            if read.visit is not None and read.reading is not None:
                message = UndraftedMessage(read.reading.message.sent, read.record.received_at)
                self._undrafted.setdefault(read.visit, []).append(message)

    def now_drafted(self, keys: Iterable[VisitKey]) -> list[UndraftedMessage]:
        """The noted messages of visits that have just been drafted; each is given once."""
        return [message for key in keys for message in self._undrafted.pop(key, ())]

    async def join_patients(self, view: View, keys: Iterable[VisitKey]) -> None:
        """Load the merges of the patients of some visits.

        Such a merge may have come through another partition, which does not know of these visits.
        """
        patients = [(key.facility, patient) for key in keys for patient in self.feed[key].patients]
        for merge in await view.patient_merges_around(patients):
            self.feed.merge(
                merge.facility, PatientMerge(_reference(merge), merge.prior, merge.surviving)
            )

    def of_patients(self, patients: Iterable[tuple[str, str]]) -> set[VisitKey]:
        """The visits in memory of which a message named one of these patients.

        A patient is given by facility and number.
        """
        keys = {
            key for facility, patient in patients for key in self.feed.of_patient(facility, patient)
        }
        return {key for key in keys if key in self._loaded}

    def trim(self) -> None:
        """End a round: drop the visits that were not touched for longest, until at most `most` are
        left.
        """
        self.unreadable.clear()
        while len(self._loaded) > self._most:
            self._forget(next(iter(self._loaded)))

    def _forget(self, key: VisitKey) -> None:
        self._loaded.pop(key, None)
        self.saved.pop(key, None)
        self.states.pop(key, None)
        self._undrafted.pop(key, None)
        self.feed.forget(key)
        survivor = self.feed.surviving(key)
        if survivor not in self._loaded:
            # Another partition drafts the survivor. What this feed holds of it would stay for ever,
            # because nobody here loads it and drops it again.
            self.feed.forget(survivor)


def _ends(facility: str, merge: VisitMerge | StoredMerge) -> tuple[VisitKey, VisitKey]:
    return VisitKey(facility, merge.prior), VisitKey(facility, merge.surviving)


def _last_revision(row: StoredRevision | None) -> LastRevision | None:
    return LastRevision(revision_read(row)) if row is not None else None


def _that_can_be_closed(rows: Sequence[StoredQuestion]) -> dict[str, StoredQuestion]:
    """Open questions by id. One that cannot be read could not be closed, so it is told now."""
    for row in rows:
        question_read(row)
    return {row.question_id: row for row in rows}


def _reading(stored: StoredMessage, profile: Profile) -> Reading:
    try:
        message = read_message(stored.raw)
    except Hl7Error as error:  # it was read before it was stored
        raise unreadable(stored, f"bytes that are no HL7 ({error.finding.code})") from None
    return bounded(read_events(message, profile), stored.received_at)


def _digests(messages: Iterable[bytes]) -> frozenset[str]:
    """The digests of messages; one that cannot be read at all is in no draft, so it has none."""
    digests = set()
    for raw in messages:
        with suppress(Hl7Error):
            digests.add(read_message(raw).body_digest.hex())
    return frozenset(digests)


def _reference(merge: StoredMerge) -> MessageRef:
    return MessageRef(merge.digest, merge.digest, "ADT", merge.sent)
