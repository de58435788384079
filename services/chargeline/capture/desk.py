"""The visits of one partition, held in memory between batches.

It owns loading a visit from the ledger when it is first touched, and dropping the least recently
touched ones. Whatever it holds can be made again from the ledger, so after a failed transaction it
is thrown away as a whole.
"""

from collections import OrderedDict
from collections.abc import Iterable

from chargeline.capture.revisions import Known
from chargeline.engine.builder import Memory
from chargeline.engine.events import MessageRef, PatientMerge, VisitKey, VisitMerge
from chargeline.engine.visit import Visits
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import StoredMerge


class Desk:
    """Visits of one partition with their memories and last revisions."""

    def __init__(self, profile: Profile, most: int) -> None:
        self.visits = Visits()
        self.memories: dict[VisitKey, Memory] = {}
        self.last: dict[VisitKey, Known | None] = {}
        self._profile = profile
        self._most = most
        self._loaded: OrderedDict[VisitKey, None] = OrderedDict()

    async def load(self, batch: Batch, keys: Iterable[VisitKey], *, again: bool = False) -> None:
        """Bring visits in from the ledger, with their merges and last revisions."""
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
        for merge in await batch.merges_around(wanted):
            self.visits.merge(merge.facility, _visit_merge(merge))
        for key, messages in (await batch.messages_of(wanted)).items():
            for stored in messages:
                self.visits.add(read_events(read_message(stored.raw), self._profile))
            self._loaded[key] = None
        await self.know_last(batch, wanted)

    async def know_last(self, batch: Batch, keys: Iterable[VisitKey]) -> None:
        """Bring in what was last said of visits, where it is not known yet."""
        missing = [key for key in keys if key not in self.last]
        if missing:
            found = await batch.last_revisions(missing)
            self.last.update({key: Known.of(found[key]) if key in found else None for key in missing})

    async def join_patients(self, batch: Batch, keys: Iterable[VisitKey]) -> None:
        """Take in the merges of patients of some visits; they may have come through other partitions."""
        patients = [(key.facility, patient) for key in keys for patient in self.visits.timeline(key).patients]
        for merge in await batch.patient_merges_around(patients):
            reference = MessageRef(merge.digest, merge.digest, "ADT", merge.sent)
            self.visits.merge(merge.facility, PatientMerge(reference, merge.prior, merge.surviving))

    def held(self) -> list[VisitKey]:
        """The visits of this partition that are in memory and were not merged away."""
        return [key for key in self._loaded if key in self.visits]

    def trim(self) -> None:
        """Drop the visits that were not touched for longest."""
        while len(self._loaded) > self._most:
            key = next(iter(self._loaded))
            self._forget(key)

    def _forget(self, key: VisitKey) -> None:
        self._loaded.pop(key, None)
        self.memories.pop(key, None)
        self.last.pop(key, None)
        self.visits.forget(key)


def _visit_merge(merge: StoredMerge) -> VisitMerge:
    reference = MessageRef(merge.digest, merge.digest, "ADT", merge.sent)
    return VisitMerge(reference, merge.prior, merge.surviving)
