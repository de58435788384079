"""The visits of our partitions, held in memory between batches.

It owns loading a visit from the ledger when it is first touched, and dropping the least recently
touched ones. Whatever it holds can be made again from the ledger, so after a failed transaction it
is thrown away as a whole.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence

from chargeline.drafting.inbound import Looked
from chargeline.drafting.revisions import Known, Standing, Waiting
from chargeline.engine import (
    NO_HISTORY,
    Contribution,
    Feed,
    History,
    MessageRef,
    PatientMerge,
    Policy,
    SavedWork,
    VisitKey,
    VisitMerge,
    histories,
)
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import StoredMerge, StoredRevision
from chargeline.published.drafts import said_in

_NOTHING: tuple[frozenset[Contribution], History] = (frozenset(), NO_HISTORY)


class Desk:
    """Visits with their memories and what was last said of them."""

    def __init__(self, profile: Profile, rules: Policy, most: int) -> None:
        self.visits = Feed(rules)
        self.memories: dict[VisitKey, SavedWork] = {}
        self.standings: dict[VisitKey, Standing] = {}
        self.waiting: dict[VisitKey, list[Waiting]] = {}
        self._profile = profile
        self._most = most
        self._loaded: OrderedDict[VisitKey, None] = OrderedDict()

    async def load(self, batch: Batch, keys: Iterable[VisitKey], *, again: bool = False) -> None:
        """Bring visits in from the ledger, with their merges."""
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
        merges = await batch.merges_around(wanted)
        for merge in merges:
            self.visits.merge(merge.facility, VisitMerge(_reference(merge), merge.prior, merge.surviving))
        for key, messages in (await batch.messages_of(wanted, merges)).items():
            for stored in messages:
                self.visits.add(read_events(read_message(stored.raw), self._profile))
            self._loaded[key] = None

    async def know(self, batch: Batch, keys: Iterable[VisitKey], rows: Container[VisitKey]) -> None:
        """Bring in what the ledger says of visits besides their messages, where it is not known yet.

        `rows`: those with a row. The others have never been drafted, so nothing but parked messages is kept.
        """
        missing = [key for key in keys if key not in self.standings]
        if not missing:
            return
        drafted = [key for key in missing if key in rows]
        last = await batch.last_revisions(drafted) if drafted else {}
        asked = await batch.open_questions(drafted) if drafted else {}
        records = await self._records(batch, drafted) if drafted else {}
        members = {key: {key, *self.visits.numbers(key)} for key in missing}
        everyone = {member for each in members.values() for member in each}
        parked, settled = await batch.visits_with_parked(everyone)
        for key in missing:
            self.standings[key] = Standing(
                _known(last[key]) if key in last else None,
                {each.question_id: each for each in asked.get(key, ())},
                *records.get(key, _NOTHING),
                parked=not parked.isdisjoint(members[key]),
                settled=not settled.isdisjoint(members[key]),
            )

    def park(self, keys: Iterable[VisitKey]) -> None:
        """Note that messages of visits were put aside."""
        for key in keys:
            if key in self.standings:
                self.standings[key] = self.standings[key]._replace(parked=True)

    def wait(self, looked: Iterable[Looked]) -> None:
        """Note messages that are in no draft yet."""
        for each in looked:
            if each.visit is not None and each.reading is not None:
                waiting = Waiting(each.reading.message.sent, each.record.received_at)
                self.waiting.setdefault(each.visit, []).append(waiting)

    def drafted(self, keys: Iterable[VisitKey]) -> list[Waiting]:
        """The messages of visits that are in a draft now."""
        return [each for key in keys for each in self.waiting.pop(key, ())]

    async def _records(
        self, batch: Batch, keys: Sequence[VisitKey]
    ) -> dict[VisitKey, tuple[frozenset[Contribution], History]]:
        """What visits contribute, and their history; most visits have just begun and have neither."""
        rows = await batch.contributions_of(keys)
        patients = {(row.facility, row.patient) for row in rows}
        if not patients:
            return {}
        everyone = [row.contribution for row in await batch.contributions(patients)]
        history = histories(everyone)
        own: dict[VisitKey, set[Contribution]] = {key: set() for key in keys}
        for contribution in everyone:
            if contribution.visit in own:
                own[contribution.visit].add(contribution)
        return {key: (frozenset(own[key]), history.get(key, NO_HISTORY)) for key in keys}

    async def join_patients(self, batch: Batch, keys: Iterable[VisitKey]) -> None:
        """Take in the merges of patients of some visits; they may have come through other partitions."""
        patients = [(key.facility, patient) for key in keys for patient in self.visits[key].patients]
        for merge in await batch.patient_merges_around(patients):
            self.visits.merge(merge.facility, PatientMerge(_reference(merge), merge.prior, merge.surviving))

    def of_patients(self, patients: Iterable[tuple[str, str]]) -> set[VisitKey]:
        """The visits in memory in which a message named one of these patients, by facility and number."""
        found = {key for facility, patient in patients for key in self.visits.of_patient(facility, patient)}
        return {key for key in found if key in self._loaded}

    def trim(self) -> None:
        """Drop the visits that were not touched for longest."""
        while len(self._loaded) > self._most:
            key = next(iter(self._loaded))
            self._forget(key)

    def _forget(self, key: VisitKey) -> None:
        self._loaded.pop(key, None)
        self.memories.pop(key, None)
        self.standings.pop(key, None)
        self.waiting.pop(key, None)
        self.visits.forget(key)
        survivor = self.visits.surviving(key)
        if survivor not in self._loaded:  # what we kept for it would never be let go: others draft it
            self.visits.forget(survivor)


def _reference(merge: StoredMerge) -> MessageRef:
    return MessageRef(merge.digest, merge.digest, "ADT", merge.sent)


def _known(stored: StoredRevision) -> Known:
    return Known(said_in(stored.body))
