"""What is known of a visit itself: patient, class, payer, diagnoses, admission and discharge.

It owns which of several messages counts for each of these values: the message that was sent last.
It knows nothing of what was given. Each value is a register, which keeps the latest version, so the
order of arrival does not matter: a payer sent at 10:00 stays although one of 09:00 arrives later.
"""

from datetime import datetime
from typing import Generic, TypeVar

from chargeline.engine.events import BEGINNING, Source, VisitFact
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.merges import Version
from chargeline.engine.timeline.records import Problem, VisitContext
from chargeline.engine.words import PatientClassFact

_new_visit_context = by_keyword(VisitContext)

# Events at which a class begins. Other events (A08 and more) only repeat the class of the visit.
_CLASS_EVENTS = frozenset({"A01", "A04", "A05", "A06", "A07"})
# Whether an event says that the visit does not exist: a cancelled arrival (A11), a deleted visit
# (A23), a cancelled pre-admission (A38).
_CANCEL_EVENTS = {
    **dict.fromkeys(("A11", "A23", "A38"), True),
    **dict.fromkeys(("A01", "A04", "A05"), False),
}

_Value = TypeVar("_Value")


class _Register(Generic[_Value]):
    """The value with the latest version: sent last, then with the greatest digest."""

    __slots__ = ("value", "version")

    def __init__(self, value: _Value) -> None:
        self.version: Version = (BEGINNING, "")
        self.value = value

    def offer(self, version: Version, value: _Value) -> bool:
        """Take a value if its version is newer; returns whether the value changed."""
        if version <= self.version:
            return False
        changed = value != self.value
        self.version, self.value = version, value
        return changed


class ContextBuilder:
    """The context of one visit, kept up to date with each message."""

    def __init__(self, zone: str) -> None:
        self.patients: dict[str, None] = {}
        """Every patient that a message named, in the order of arrival."""
        self._zone = zone
        self._replaced: set[str] = set()
        self._payer = _Register("")
        self._payer_name = _Register("")
        self._payer_doubt: _Register[Problem | None] = _Register(None)
        self._authorizations: _Register[tuple[tuple[str, ...], tuple[str, ...]]] = _Register(
            ((), ())
        )
        self._diagnoses: _Register[tuple[str, ...]] = _Register(())
        self._admitted: _Register[datetime | None] = _Register(None)
        self._discharged: _Register[datetime | str | None] = _Register(None)
        self._cancelled = _Register(False)
        self._place = _Register("")
        self._site = _Register("")
        self._practitioners: set[str] = set()
        self._class: _Register[PatientClassFact | None] = _Register(None)
        self._classes: dict[tuple[datetime, str], PatientClassFact] = {}
        self._context: VisitContext | None = None

    def add(self, fact: VisitFact) -> None:
        """Take in what one message says of the visit."""
        version = (fact.message.sent or BEGINNING, fact.message.digest)
        changed = False
        if fact.trigger or fact.payer is not None or fact.diagnoses is not None:
            changed |= self._add_snapshot(fact, version)
        changed |= self._add_presence(fact, version)
        if fact.patient and fact.patient not in self.patients:
            self.patients[fact.patient] = None
            changed = True
        if fact.replaces_patient:
            self._replaced.add(fact.replaces_patient)
            changed = True
        if changed:
            self._context = None

    def _add_snapshot(self, fact: VisitFact, version: Version) -> bool:
        """Take in payer, authorizations, diagnoses and admission; returns whether one changed."""
        changed = False
        if fact.payer is not None:
            changed |= self._payer.offer(version, fact.payer)
            self._payer_doubt.offer(version, _doubt_of(fact))
        if fact.payer_name is not None:
            changed |= self._payer_name.offer(version, fact.payer_name)
        if fact.authorizations is not None:
            changed |= self._authorizations.offer(version, (fact.authorizations, fact.not_numbers))
        if fact.diagnoses is not None:
            changed |= self._diagnoses.offer(version, fact.diagnoses)
        if fact.admitted is not None:
            changed |= self._admitted.offer(version, fact.admitted)
        return changed

    def _add_presence(self, fact: VisitFact, version: Version) -> bool:
        """Take in class, place, practitioners, discharge and cancellation; returns whether one of
        them changed.
        """
        changed = False
        if fact.place:
            changed |= self._place.offer(version, fact.place)
        if fact.site:
            changed |= self._site.offer(version, fact.site)
        if fact.practitioners and not self._practitioners.issuperset(fact.practitioners):
            self._practitioners.update(fact.practitioners)
            changed = True
        if fact.patient_class:
            changed |= self._class.offer(version, fact.patient_class)
            if fact.trigger in _CLASS_EVENTS:
                since = (fact.effective or fact.message.sent or BEGINNING, fact.message.digest)
                changed |= self._classes.get(since) != fact.patient_class
                self._classes[since] = fact.patient_class
        if fact.trigger in _CANCEL_EVENTS:
            changed |= self._cancelled.offer(version, _CANCEL_EVENTS[fact.trigger])
        if fact.trigger == "A03":
            changed |= self._discharged.offer(version, fact.discharged or fact.effective)
        elif fact.trigger in ("A13", "A01", "A04"):
            changed |= self._discharged.offer(version, "")
        return changed

    def owners(self) -> tuple[str, ...]:
        """The patients of the visit, normally one.

        A patient from whom the visit was moved away (A44) does not count.
        """
        return tuple(sorted(self.patients.keys() - self._replaced))

    def problems(self) -> tuple[Problem, ...]:
        """That the message which counts for the payer contradicts itself; () if it does not."""
        doubt = self._payer_doubt.value
        return (doubt,) if doubt is not None else ()

    def context(self) -> VisitContext:
        """The context after all messages so far; the very same object if nothing changed."""
        if self._context is None:
            discharged = self._discharged.value
            self._context = _new_visit_context(
                patient=next(iter(self.owners()), ""),
                classes=self._class_history(),
                payer=self._payer.value,
                payer_name=self._payer_name.value,
                authorizations=self._authorizations.value[0],
                not_numbers=self._authorizations.value[1],
                diagnoses=self._diagnoses.value,
                admitted=self._admitted.value,
                discharged=discharged if isinstance(discharged, datetime) else None,
                cancelled=self._cancelled.value,
                zone=self._zone,
                place=self._place.value,
                site=self._site.value,
                practitioners=tuple(sorted(self._practitioners)),
            )
        return self._context

    def _class_history(self) -> tuple[tuple[datetime | None, PatientClassFact], ...]:
        history: list[tuple[datetime | None, PatientClassFact]] = []
        for (since, _digest), patient_class in sorted(self._classes.items()):
            if not history or history[-1][1] != patient_class:
                history.append((since, patient_class))
        if not history and self._class.value:
            history.append((None, self._class.value))
        return tuple(history)


def _doubt_of(fact: VisitFact) -> Problem | None:
    doubt = fact.payer_doubt
    return Problem(doubt, Source(fact.message, doubt.where)) if doubt is not None else None
