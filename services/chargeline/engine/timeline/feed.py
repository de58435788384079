"""All visits of a feed, folded from its messages in whatever order they arrive.

It owns what concerns more than one visit: which message repeats another one, when it was sent last,
which visits were merged, and which patients are one person. It does not know what happens within a
visit. `Feed.add` takes in one message, and `fold` calls `Feed.add` for each message of a feed, so
both ways end in the same timelines.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from chargeline.engine.events import (
    BEGINNING,
    MessageRef,
    PatientMerge,
    VisitKey,
    VisitMerge,
)
from chargeline.engine.readings import Event, Reading
from chargeline.engine.rules import Policy
from chargeline.engine.timeline.merges import Merges
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.timeline.visit import Visit

_Patient = tuple[str, str]  # facility and medical record number


class _Sendings(NamedTuple):
    """A message that was sent once or more: its first sending, and the MSH-7 of its last one."""

    message: MessageRef
    events: tuple[Event, ...]
    last: datetime | None


class Feed:
    """The visits of a feed, after duplicates and merges, whatever the order of arrival.

    `feed[key]` is the timeline of a visit. A visit that was merged into another one no longer
    exists. `rules` are those of the base layer. `duplicates` counts repeated messages.
    """

    def __init__(self, rules: Policy) -> None:
        self.duplicates = 0
        self._rules = rules
        self._visits: dict[VisitKey, Visit] = {}
        self._kept: dict[VisitKey, dict[str, _Sendings]] = {}
        self._zones: dict[VisitKey, str] = {}
        self._visit_merges: Merges[VisitKey] = Merges()
        self._patient_merges: Merges[_Patient] = Merges()
        self._of_patient: dict[_Patient, set[VisitKey]] = {}  # visits with a message naming them

    def __iter__(self) -> Iterator[VisitKey]:
        """The keys of the visits that exist, sorted."""
        return iter(sorted(self._visits))

    def __len__(self) -> int:
        return len(self._visits)

    def __contains__(self, key: VisitKey) -> bool:
        """False for a visit that was merged into another."""
        return key in self._visits

    def __getitem__(self, key: VisitKey) -> Timeline:
        """The timeline of a visit, with its patients under their surviving numbers."""
        timeline = self._visits[key].timeline()
        merged = [
            patient
            for patient in timeline.patients
            if (key.facility, patient) in self._patient_merges
        ]
        if not merged:
            return timeline
        patients = {self.surviving_patient(key.facility, number) for number in timeline.patients}
        ordered = tuple(sorted(patients))
        context = timeline.context._replace(patient=ordered[0])
        return timeline._replace(patients=ordered, context=context)

    def get(self, key: VisitKey) -> Timeline | None:
        """The timeline of a visit, None where no visit has that key."""
        return self[key] if key in self._visits else None

    def rows(self, key: VisitKey) -> int:
        """How many rows were charted of a visit, which is what a draft of it costs."""
        visit = self._visits.get(key)
        return visit.rows if visit is not None else 0

    def add(self, reading: Reading) -> set[VisitKey]:
        """Take in one message.

        Returns the visits whose timeline changed, including visits that were merged away.
        """
        changed: set[VisitKey] = set()
        for merge in reading.merges:
            changed |= self.merge(reading.facility, merge)
        if reading.visit is None:
            return changed
        named = VisitKey(reading.facility, reading.visit)
        kept = self._kept.get(named)
        if kept is None:
            kept = self._kept[named] = {}
            self._zones[named] = reading.zone
        message = reading.message
        before = kept.get(message.digest)
        survivor = self.surviving(named)
        if before is not None:
            self.duplicates += 1
            return changed | self._sent_again(before, reading, kept, survivor)
        kept[message.digest] = _Sendings(message, reading.events, message.sent)
        visit = self._visits.get(survivor)
        if visit is None:
            visit = self._visits[survivor] = Visit(survivor, reading.zone, self._rules)
        self._add_events(visit, reading.events)
        changed.add(survivor)
        return changed

    def _sent_again(
        self,
        before: "_Sendings",
        reading: Reading,
        kept: dict[str, "_Sendings"],
        survivor: VisitKey,
    ) -> set[VisitKey]:
        """Take in a message whose body is known; returns the visit if its timeline may change.

        The first sending names the message, and the last one may restore what it says.
        """
        message = reading.message
        is_first = _reference_order(message) < _reference_order(before.message)
        last = max(before.last or BEGINNING, message.sent or BEGINNING)
        is_last = last > (before.last or BEGINNING)
        if is_first:
            kept[message.digest] = _Sendings(message, reading.events, last)
            return self._rebuild(survivor)
        if not is_last:
            return set()
        kept[message.digest] = before._replace(last=last)
        return {survivor} if self._visits[survivor].add_again(before.events, last) else set()

    def _add_events(self, visit: Visit, events: Iterable[Event]) -> None:
        for patient in visit.add(events):
            self._of_patient.setdefault((visit.key.facility, patient), set()).add(visit.key)

    def merge(self, facility: str, merge: VisitMerge | PatientMerge) -> set[VisitKey]:
        """Take in a merge without its message; returns the visits whose timeline changed."""
        version = (merge.message.sent or BEGINNING, merge.message.digest)
        if isinstance(merge, PatientMerge):
            patient = (facility, merge.prior)
            if not self._patient_merges.is_news(patient, (facility, merge.surviving), version):
                return set()
            self._patient_merges.add(patient, (facility, merge.surviving), version)
            of_prior = self.of_patient(facility, merge.prior)
            return {key for key in of_prior if merge.prior in self._visits[key].owners()}
        prior, survivor = VisitKey(facility, merge.prior), VisitKey(facility, merge.surviving)
        if not self._visit_merges.is_news(prior, survivor, version):
            return set()
        old_survivor = self.surviving(prior)
        self._visit_merges.add(prior, survivor, version)
        return self._rebuild(old_survivor) | self._rebuild(self.surviving(prior))

    def _rebuild(self, survivor: VisitKey) -> set[VisitKey]:
        """Fold a visit again from the kept events of every number that leads to the visit."""
        members = self._members(survivor)
        self._drop(survivor)
        if not members:
            return {survivor}
        zone = self._zones[survivor if survivor in self._zones else min(members)]
        visit = self._visits[survivor] = Visit(survivor, zone, self._rules)
        together: dict[str, _Sendings] = {}
        for member in members:
            together.update(self._kept[member])
        for sendings in together.values():
            self._add_events(visit, sendings.events)
            if sendings.last is not None and sendings.last > (sendings.message.sent or BEGINNING):
                visit.add_again(sendings.events, sendings.last)
        return {survivor}

    def forget(self, key: VisitKey) -> None:
        """Drop all events of a visit and of the numbers that lead to the visit, but no merges."""
        for member in self._members(key):
            self._kept.pop(member, None)
            self._zones.pop(member, None)
        self._drop(key)

    def _drop(self, key: VisitKey) -> None:
        visit = self._visits.pop(key, None)
        for patient in visit.patients() if visit is not None else ():
            others = self._of_patient[key.facility, patient]
            others.discard(key)
            if not others:
                del self._of_patient[key.facility, patient]

    def _members(self, key: VisitKey) -> list[VisitKey]:
        """The numbers under which events of a surviving visit are kept, its own included."""
        return sorted([number for number in self.numbers(key) if number in self._kept])

    def numbers(self, key: VisitKey) -> set[VisitKey]:
        """The numbers that lead to a visit, its own included; none if the visit was merged away."""
        return set(self._visit_merges.members(key))

    def surviving(self, key: VisitKey) -> VisitKey:
        """The visit that stands after all merges of a number."""
        return self._visit_merges.surviving(key)

    def of_patient(self, facility: str, patient: str) -> AbstractSet[VisitKey]:
        """The visits in which a message named a patient by exactly this number."""
        return self._of_patient.get((facility, patient), frozenset())

    def surviving_patient(self, facility: str, patient: str) -> str:
        """The medical record number that stands after all merges."""
        return self._patient_merges.surviving((facility, patient))[1]


def fold(readings: Iterable[Reading], rules: Policy) -> Feed:
    """The timelines of a whole feed, from its messages in any order, with any duplicates."""
    feed = Feed(rules)
    for reading in readings:
        feed.add(reading)
    return feed


def _reference_order(message: MessageRef) -> tuple[datetime, str]:
    return (message.sent or BEGINNING, message.control_id)
