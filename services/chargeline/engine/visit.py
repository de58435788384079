"""One visit, kept up to date message by message; and all visits, with their merges.

It owns the incremental form of `fold`: adding an event touches only its order and its day, so one
more message costs the same in a long account as in a short one. Everything in here is a register
or a set whose final state does not depend on the order of arrival. It knows no codes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from typing import Generic, TypeVar

from chargeline.engine.administrations import CHATTER, administrations_of
from chargeline.engine.events import (
    Event,
    MessageRef,
    OrderFact,
    PatientMerge,
    Reading,
    Record,
    Source,
    Unreadable,
    VisitFact,
    VisitKey,
    VisitMerge,
)
from chargeline.engine.timeline import Administration, Day, Problem, Timeline, VisitContext
from chargeline.engine.words import PatientClassFact

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_Version = tuple[datetime, str]
# Events that say when the patient's class began; snapshots (A08 and others) only repeat it.
_CLASS_EVENTS = frozenset({"A01", "A04", "A05", "A06", "A07"})
_CANCEL_EVENTS = {"A11": True, "A01": False, "A04": False, "A05": False}


_Value = TypeVar("_Value")


class _Register(Generic[_Value]):
    """The value with the latest version; the first of equal versions never depends on arrival."""

    __slots__ = ("value", "version")

    def __init__(self) -> None:
        self.version: _Version = (BEGINNING, "")
        self.value: _Value | None = None

    def offer(self, version: _Version, value: _Value) -> bool:
        if version < self.version or (version == self.version and self.value is not None):
            return False
        changed = value != self.value
        self.version, self.value = version, value
        return changed


class _OrderState:
    """What is known of one order, and the administrations last made from it."""

    __slots__ = ("chatter", "facts", "made", "records")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.chatter: list[Record] = []
        self.facts: list[OrderFact] = []
        self.made: tuple[Administration, ...] = ()


class Visit:
    """All that is known of one visit; `timeline()` is the same for the same events in any order."""

    def __init__(self, key: VisitKey, zone: str) -> None:
        self.key = key
        self.zone = zone
        self._orders: dict[str, _OrderState] = {}
        self._dirty: dict[str, None] = {}
        self._dates: list[date] = []  # ascending, with the day of each in _days
        self._days: list[Day] = []
        self._registers: dict[str, _Register[object]] = {}
        self._classes: dict[tuple[datetime, str], PatientClassFact] = {}
        self._latest_class = _Register[PatientClassFact]()
        self._patients: dict[str, None] = {}
        self._replaced: dict[str, None] = {}
        self._unreadable: dict[tuple[str, str, str], Unreadable] = {}
        self._context: VisitContext | None = None
        self._timeline: Timeline | None = None

    def add(self, events: Iterable[Event]) -> Sequence[str]:
        """Take in events of messages not seen before (see `Visits` for duplicates).

        Returns the patients that were not named before.
        """
        self._timeline = None
        known = len(self._patients)
        for event in events:
            if type(event) is Record:
                self._add_record(event)
            elif type(event) is VisitFact:
                self._add_fact(event)
            elif type(event) is OrderFact:
                self._order(event.order).facts.append(event)
            elif type(event) is Unreadable:
                self._unreadable[(event.finding.code, event.message.digest, event.finding.where)] = event
        return list(self._patients)[known:] if len(self._patients) > known else ()

    def _order(self, number: str) -> _OrderState:
        self._dirty[number] = None
        state = self._orders.get(number)
        if state is None:
            state = self._orders[number] = _OrderState()
        return state

    def _add_record(self, record: Record) -> None:
        if record.action in CHATTER and record.status == "add":
            known = self._orders.get(record.order)
            if known is not None and known.made and record.order not in self._dirty:
                known.chatter.append(record)
                if not any(len(item.intervals) > 1 or item.charted != "open" for item in known.made):
                    return  # a rate check of what runs anyway changes nothing
                self._dirty[record.order] = None
                return
            self._order(record.order).chatter.append(record)
            return
        self._order(record.order).records.append(record)

    def _add_fact(self, fact: VisitFact) -> None:
        version = (fact.message.sent or BEGINNING, fact.message.digest)
        changed = False
        if fact.trigger or fact.payer is not None or fact.diagnoses is not None:
            for name in ("payer", "payer_name", "authorizations", "diagnoses", "admitted"):
                value = getattr(fact, name)
                if value is not None:
                    changed |= self._register(name).offer(version, value)
        changed |= self._add_presence(fact, version)
        if fact.patient and fact.patient not in self._patients:
            self._patients[fact.patient] = None
            changed = True
        if fact.replaces_patient:
            self._replaced[fact.replaces_patient] = None
            changed = True
        if changed:
            self._context = None

    def _add_presence(self, fact: VisitFact, version: _Version) -> bool:
        """Class, discharge and cancellation: what the ADT trigger itself says."""
        changed = False
        if fact.patient_class:
            changed |= self._latest_class.offer(version, fact.patient_class)
            if fact.trigger in _CLASS_EVENTS:
                since = fact.effective or fact.message.sent or BEGINNING
                changed |= self._classes.get((since, fact.message.digest)) != fact.patient_class
                self._classes[(since, fact.message.digest)] = fact.patient_class
        if fact.trigger in _CANCEL_EVENTS:
            changed |= self._register("cancelled").offer(version, _CANCEL_EVENTS[fact.trigger])
        if fact.trigger == "A03":
            changed |= self._register("discharged").offer(version, fact.discharged or fact.effective)
        elif fact.trigger in ("A13", "A01", "A04"):
            changed |= self._register("discharged").offer(version, "")
        return changed

    def _register(self, name: str) -> _Register[object]:
        register = self._registers.get(name)
        if register is None:
            register = self._registers[name] = _Register[object]()
        return register

    def timeline(self) -> Timeline:
        """The timeline as of now; parts that no event touched are the very same objects as before."""
        if self._timeline is None:
            self._remake_orders()
            context = self._context or self._make_context()
            self._timeline = Timeline(
                self.key,
                context,
                tuple(self._days),
                self._problems(),
                self.known_patients(),
            )
        return self._timeline

    def _remake_orders(self) -> None:
        touched: dict[date, list[tuple[Administration, ...]]] = {}
        for number in self._dirty:
            state = self._orders[number]
            before = state.made
            if not before and not state.records and not state.chatter:
                continue  # ordered, nothing given yet
            after = administrations_of(number, state.records, state.chatter, state.facts)
            if after == before:
                continue
            state.made = after
            for day in {item.day for item in (*before, *after)}:
                touched.setdefault(day, []).append(before)
                touched[day].append(after)
        self._dirty.clear()
        for day, changes in touched.items():
            self._remake_day(day, changes)

    def _remake_day(self, day: date, changes: list[tuple[Administration, ...]]) -> None:
        place = bisect_left(self._dates, day)
        exists = place < len(self._dates) and self._dates[place] == day
        kept = {item.key: item for item in self._days[place].administrations} if exists else {}
        for before, after in zip(changes[::2], changes[1::2], strict=True):
            for item in before:
                if item.day == day:
                    kept.pop(item.key, None)
            for item in after:
                if item.day == day:
                    kept[item.key] = item
        replacement = [Day(day, tuple(sorted(kept.values(), key=_start_then_key)))] if kept else []
        self._days[place : place + exists] = replacement
        self._dates[place : place + exists] = [each.day for each in replacement]

    def _make_context(self) -> VisitContext:
        def text(name: str) -> str:
            value = self._register(name).value
            return value if isinstance(value, str) else ""

        def texts(name: str) -> tuple[str, ...]:
            value = self._register(name).value
            return value if isinstance(value, tuple) else ()

        def instant(name: str) -> datetime | None:
            value = self._register(name).value
            return value if isinstance(value, datetime) else None

        self._context = VisitContext(
            patient=next(iter(self.known_patients()), ""),
            classes=self._class_history(),
            payer=text("payer"),
            payer_name=text("payer_name"),
            authorizations=texts("authorizations"),
            diagnoses=texts("diagnoses"),
            admitted=instant("admitted"),
            discharged=instant("discharged"),
            cancelled=self._register("cancelled").value is True,
            zone=self.zone,
        )
        return self._context

    def _class_history(self) -> tuple[tuple[datetime | None, PatientClassFact], ...]:
        history: list[tuple[datetime | None, PatientClassFact]] = []
        for (since, _digest), patient_class in sorted(self._classes.items()):
            if not history or history[-1][1] != patient_class:
                history.append((since, patient_class))
        if not history and self._latest_class.value:
            history.append((None, self._latest_class.value))
        return tuple(history)

    def known_patients(self) -> tuple[str, ...]:
        """Whose visit it is: normally one; a patient from whom it was moved away does not count."""
        return tuple(sorted(self._patients.keys() - self._replaced.keys()))

    def patients(self) -> Sequence[str]:
        """Every patient that a message named."""
        return list(self._patients)

    def _problems(self) -> tuple[Problem, ...]:
        found = [
            Problem(item.finding, Source(item.message, item.finding.where))
            for _key, item in sorted(self._unreadable.items())
        ]
        return tuple(found)


def _start_then_key(item: Administration) -> tuple[datetime, str]:
    return (item.intervals[0].start, item.key)


class Visits:
    """Every visit of a feed: duplicates recognised, merges followed, whatever the order of arrival."""

    def __init__(self) -> None:
        self._visits: dict[VisitKey, Visit] = {}
        self._kept: dict[VisitKey, dict[str, tuple[MessageRef, tuple[Event, ...]]]] = {}
        self._zones: dict[VisitKey, str] = {}
        self._visit_merges: dict[VisitKey, tuple[_Version, VisitKey, VisitMerge]] = {}
        self._priors: dict[VisitKey, set[VisitKey]] = {}  # the merges the other way round
        self._patient_merges: dict[tuple[str, str], tuple[_Version, str]] = {}
        self._of_patient: dict[tuple[str, str], set[VisitKey]] = {}  # that named them, in any message
        self.duplicates = 0

    def __iter__(self) -> Iterator[VisitKey]:
        """Keys of the visits that exist (a visit merged into another does not), sorted."""
        return iter(sorted(self._visits))

    def __len__(self) -> int:
        return len(self._visits)

    def __contains__(self, key: VisitKey) -> bool:
        """False for a visit that was merged into another."""
        return key in self._visits

    def timeline(self, key: VisitKey) -> Timeline:
        """The timeline of a surviving visit, its patients under their surviving numbers."""
        timeline = self._visits[key].timeline()
        if not any((key.facility, each) in self._patient_merges for each in timeline.patients):
            return timeline
        patients = tuple(sorted({self.surviving_patient(key.facility, each) for each in timeline.patients}))
        return timeline._replace(patients=patients, context=timeline.context._replace(patient=patients[0]))

    def add(self, reading: Reading) -> set[VisitKey]:
        """Take in one message; returns the visits whose timeline changed, those merged away among them."""
        touched: set[VisitKey] = set()
        for merge in reading.merges:
            touched |= self.merge(reading.facility, merge)
        if reading.visit is None:
            return touched
        named = VisitKey(reading.facility, reading.visit)
        kept = self._kept.get(named)
        if kept is None:
            kept = self._kept[named] = {}
            self._zones[named] = reading.zone
        message = reading.message
        before = kept.get(message.digest)
        if before is not None:
            self.duplicates += 1
            if _reference_order(before[0]) <= _reference_order(message):
                return touched
        kept[message.digest] = (message, reading.events)
        survivor = self.surviving(named)
        if before is not None:
            return touched | self._rebuild(survivor)
        visit = self._visits.get(survivor)
        if visit is None:
            visit = self._visits[survivor] = Visit(survivor, reading.zone)
        self._add(visit, reading.events)
        touched.add(survivor)
        return touched

    def _add(self, visit: Visit, events: Iterable[Event]) -> None:
        for patient in visit.add(events):
            self._of_patient.setdefault((visit.key.facility, patient), set()).add(visit.key)

    def forget(self, key: VisitKey) -> None:
        """Drop all that is held of a visit and of the numbers that lead to it; merges stay known."""
        for each in self._members(key):
            self._kept.pop(each, None)
            self._zones.pop(each, None)
        self._let_go(key)

    def _let_go(self, key: VisitKey) -> None:
        visit = self._visits.pop(key, None)
        for patient in visit.patients() if visit is not None else ():
            others = self._of_patient[key.facility, patient]
            others.discard(key)
            if not others:
                del self._of_patient[key.facility, patient]

    def _members(self, key: VisitKey) -> list[VisitKey]:
        """The numbers under which something of a surviving visit is kept, its own among them."""
        return sorted(each for each in self.numbers(key) if each in self._kept)

    def numbers(self, key: VisitKey) -> set[VisitKey]:
        """The numbers that lead to a surviving visit, its own among them; none of one merged away."""
        found = {key: None}
        path = [key]
        while path:
            for prior in self._priors.get(path.pop(), ()):
                if prior not in found:
                    found[prior] = None
                    path.append(prior)
        return {each for each in found if self.surviving(each) == key}

    def surviving(self, key: VisitKey) -> VisitKey:
        """Follow the merges of a visit number to the one that stands."""
        return _end_of_chain(key, self._following_visit)

    def _following_visit(self, key: VisitKey) -> VisitKey | None:
        merge = self._visit_merges.get(key)
        return merge[1] if merge is not None else None

    def merge(self, facility: str, merge: VisitMerge | PatientMerge) -> set[VisitKey]:
        """Take in a merge by itself; returns the visits whose timeline changed."""
        version = (merge.message.sent or BEGINNING, merge.message.digest)
        if isinstance(merge, PatientMerge):
            slot = (facility, merge.prior)
            known = self._patient_merges.get(slot)
            if known is not None and known[0] >= version:
                return set()
            self._patient_merges[slot] = (version, merge.surviving)
            return {key for key in self.of_patient(facility, merge.prior) if self._has(key, merge)}
        prior, survivor = VisitKey(facility, merge.prior), VisitKey(facility, merge.surviving)
        before = self._visit_merges.get(prior)
        if prior == survivor or (before is not None and before[0] >= version):
            return set()
        old_survivor = self.surviving(prior)
        if before is not None:
            self._priors[before[1]].discard(prior)
        self._visit_merges[prior] = (version, survivor, merge)
        self._priors.setdefault(survivor, set()).add(prior)
        return self._rebuild(old_survivor) | self._rebuild(self.surviving(prior))

    def _has(self, key: VisitKey, merge: PatientMerge) -> bool:
        return merge.prior in self._visits[key].known_patients()

    def of_patient(self, facility: str, patient: str) -> AbstractSet[VisitKey]:
        """The visits in which a message named this patient, by this very number."""
        return self._of_patient.get((facility, patient), frozenset())

    def surviving_patient(self, facility: str, patient: str) -> str:
        """Follow the merges of a medical record number to the one that stands."""

        def following(number: str) -> str | None:
            merge = self._patient_merges.get((facility, number))
            return merge[1] if merge is not None else None

        return _end_of_chain(patient, following)

    def _rebuild(self, survivor: VisitKey) -> set[VisitKey]:
        """Fold the visit again from the kept events of every number that leads to it."""
        members = self._members(survivor)
        self._let_go(survivor)
        if not members:
            return {survivor}
        zone = self._zones[survivor if survivor in self._zones else min(members)]
        visit = self._visits[survivor] = Visit(survivor, zone)
        together: dict[str, tuple[MessageRef, tuple[Event, ...]]] = {}
        for member in members:
            together.update(self._kept[member])
        for _message, events in together.values():
            self._add(visit, events)
        return {survivor}


_Name = TypeVar("_Name", VisitKey, str)


def _end_of_chain(name: _Name, following: Callable[[_Name], _Name | None]) -> _Name:
    """The last of a chain of merges; of a ring its least member, so that all in it agree."""
    path = [name]
    while (after := following(path[-1])) is not None:
        if after in path:
            return min(path[path.index(after) :])
        path.append(after)
    return path[-1]


def _reference_order(message: MessageRef) -> tuple[datetime, str]:
    return (message.sent or BEGINNING, message.control_id)
