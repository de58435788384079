"""One visit of a practitioner that several visit numbers of the patient tell of.

It owns whose the visit is, so that it is billed once. Each visit number adds to the patient's
record what it tells of the visit of a day: who saw the patient, and the numbers of notes, reports
and postings. One sequence, worked through: V1 has a signed note of D1 at 10:10, and V2 has another
one of D1 at 10:40. Both tell of one visit or of two contacts of one, so V1, which is first, drafts
it, and V2 asks which number holds it. A person says V2: V2 adds that to the record, drafts the
visit, and V1 withholds it. Who is first depends on what each number tells and not on which message
came first. What a number adds never depends on what others add, so it ends after one round.

Two visits of a day, each with its own note by its own practitioner, are both billed. A hospital
bills them by one code, so that the second one, of V2, needs a modifier. What V2 is the second to is
a visit of the same hospital that it bills as well: a visit of an inpatient is none.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from chargeline.engine.care_words import OBSERVED_OF
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source, VisitKey
from chargeline.engine.office_visits.asking import account_question
from chargeline.engine.office_visits.concerns import (
    AGAIN,
    ELSEWHERE,
    ElsewhereAnswer,
    ElsewhereFacts,
)
from chargeline.engine.office_visits.facts import VisitFacts
from chargeline.engine.office_visits.lines import withheld_by
from chargeline.engine.office_visits.posted import PostedVisit
from chargeline.engine.office_visits.talk import VisitEndedError, VisitTalk
from chargeline.engine.record import Contribution
from chargeline.engine.rules import NO_FACTS, DayRules, Decision
from chargeline.engine.timeline.records import Day
from chargeline.engine.trace import Step
from chargeline.engine.visit_words import ElsewhereAs, NotedFact, PractitionerFact, TellingFact

_BY, _OF = "by=", "of="
_NOTE, _HOLDS, _NONE, _STAY = "note", "holds", "none", "stay"


class TellsOfVisit(NamedTuple):
    """What one visit number tells of the visit of a day.

    `numbers` are those of notes, reports and postings, such as `note:N1`. `holds` is whether a
    person said that the visit belongs to this number, and `is_none` whether it tells of no visit
    of a practitioner after all. `is_stay` is whether the patient was an inpatient.
    """

    key: VisitKey
    at: datetime
    has_note: bool
    practitioners: frozenset[str]
    numbers: frozenset[str]
    holds: bool = False
    is_none: bool = False
    is_stay: bool = False

    def whose(self, performer: str) -> PractitionerFact:
        """Whether what was posted for a practitioner, "" for nobody, is of the visit's own."""
        if not performer or not self.practitioners:
            return "unsaid"
        if _as_word(performer) not in self.practitioners:
            return "another"
        return "one" if len(self.practitioners) == 1 else "unsaid"

    @property
    def rank(self) -> tuple[bool, datetime, VisitKey]:
        """Lower for what comes first: a signed note, then the clock, then the visit number."""
        return (not self.has_note, self.at, self.key)

    @property
    def value(self) -> str:
        """As the patient's record keeps it, such as `note by=D1 of=note:N1 of=report:E1`."""
        said = [(_NOTE, self.has_note), (_HOLDS, self.holds)]
        said += [(_NONE, self.is_none), (_STAY, self.is_stay)]
        words = [word for word, is_said in said if is_said]
        words += [f"{_BY}{name}" for name in sorted(self.practitioners)]
        return " ".join([*words, *[f"{_OF}{n}" for n in sorted(self.numbers)]])


def _as_word(text: str) -> str:
    """A number without blanks, which part the words of a value."""
    return "_".join(text.split())


def tells_of_visit(
    key: VisitKey,
    at: datetime,
    day: Day,
    visits: Sequence[PostedVisit],
    *,
    has_note: bool,
    is_stay: bool,
) -> TellsOfVisit:
    """What a visit number tells; who posted a charge counts where no note names its author."""
    care = day.care
    notes = [note for note in care.notes if note.kind == "visit" and note.state != "cancelled"]
    authors = {note.author for note in notes if note.author_kind != "nurse"} - {""}
    performers = {visit.charge.performer for visit in visits} - {""}
    reports = [of.group for of in care.observations if OBSERVED_OF[of.about] == "visit"]
    numbers = [
        *[f"note:{note.number}" for note in notes if note.number],
        *[f"report:{report}" for report in reports if report],
        *[f"posting:{visit.charge.number}" for visit in visits if visit.charge.number],
    ]
    return TellsOfVisit(
        key,
        at,
        has_note=has_note,
        practitioners=frozenset(map(_as_word, authors or performers)),
        numbers=frozenset(map(_as_word, numbers)),
        is_stay=is_stay,
    )


def _told_by(other: Contribution) -> TellsOfVisit:
    """What another visit number added to the record."""
    words = other.value.split()
    by = [word.removeprefix(_BY) for word in words if word.startswith(_BY)]
    of = [word.removeprefix(_OF) for word in words if word.startswith(_OF)]
    return TellsOfVisit(
        other.visit,
        other.at,
        has_note=_NOTE in words,
        practitioners=frozenset(by),
        numbers=frozenset(of),
        holds=_HOLDS in words,
        is_none=_NONE in words,
        is_stay=_STAY in words,
    )


class _Rival(NamedTuple):
    """Another visit number that tells of a visit on the day, and what a rule says of it."""

    told: TellsOfVisit
    decision: Decision[ElsewhereAnswer]
    step: Step


class Rivals:
    """The other visit numbers that tell of the visit of one number on a day."""

    def __init__(self, own: TellsOfVisit, facts: VisitFacts, assessment: Assessment) -> None:
        self._own = own
        self._facts = facts
        day = facts.day.isoformat()
        others = [other for other in assessment.elsewhere.visits if other.slot.about == day]
        rivals = _rivals(own, map(_told_by, others), assessment.rules)
        self._rules = assessment.rules
        self._others = [r for r in rivals if not _IS_SEPARATE[r.decision.answer.as_]]
        self._apart = [r.told for r in rivals if _IS_SEPARATE[r.decision.answer.as_]]

    def claim(self, talk: VisitTalk) -> bool:
        """Whether a person says that this number holds the visit.

        Raises VisitEndedError where another number has it, and where that is asked. Of a number
        with a visit of its own, as a person says, the next one is asked about.
        """
        for rival in sorted(self._others, key=lambda rival: rival.told.rank):
            told, decision = rival.told, rival.decision
            talk.steps.append(rival.step)
            if self._own.rank < told.rank:
                return False
            if not _IS_ASKED[decision.answer.as_]:
                rule = decision.rule_in_force
                talk.withheld.append(withheld_by(rule, self._facts, talk.steps))
                raise VisitEndedError
            by = sorted(told.practitioners)
            question = account_question(self._facts.day, told.key.visit, by, self._sources())
            answer = talk.ask(question)
            if answer is None:
                raise VisitEndedError
            if answer.choice != "two_visits":
                return True
            self._apart.append(told)
        return False

    def modifiers(self, talk: VisitTalk) -> tuple[str, ...]:
        """What tells a later visit of the day from an earlier one of the hospital; () of a first.

        Call it after `claim`, which asks whether they are two visits.
        """
        own = self._own
        earlier = [
            told.key.visit
            for told in self._apart
            if told.rank < own.rank and told.key.facility == own.key.facility and not told.is_stay
        ]
        decision = self._rules.of(AGAIN).decide(NO_FACTS)
        if not earlier or decision.rule is None:
            return ()
        told_of = tuple([("earlier visit number", number) for number in sorted(earlier)])
        talk.steps.append(Step("later visit of the day", decision, told_of))
        return (decision.answer.modifier,)

    def give_way(self, talk: VisitTalk, *, holds: bool) -> None:
        """End where a person said that another number holds the visit; of two, the first does."""
        for rival in self._others:
            if rival.told in self._apart:
                continue
            if rival.told.holds and not (holds and self._own.rank < rival.told.rank):
                talk.end("other_account")

    def _sources(self) -> tuple[Source, ...]:
        return tuple([source for of in self._facts.sources.values() for source in of])


def _rivals(own: TellsOfVisit, others: Iterable[TellsOfVisit], rules: DayRules) -> list[_Rival]:
    """Those that tell of a visit, each with what a rule says of whether it is the same one."""
    rivals = []
    for other in others:
        if other.is_none:
            continue
        noted: NotedFact = "both" if own.has_note and other.has_note else "lacking"
        facts = ElsewhereFacts(_telling(own, other), _practitioner(own, other), noted)
        decision = rules.of(ELSEWHERE).decide(facts)
        told = (("visit number", other.key.visit), *facts._asdict().items())
        rivals.append(_Rival(other, decision, Step("other visit number", decision, told)))
    return rivals


def _telling(own: TellsOfVisit, other: TellsOfVisit) -> TellingFact:
    """Whether all that the later of two numbers tells is told by the first one too."""
    first, later = sorted((own, other), key=lambda told: told.rank)
    return "again" if later.numbers and later.numbers <= first.numbers else "more"


def _practitioner(own: TellsOfVisit, other: TellsOfVisit) -> PractitionerFact:
    if not own.practitioners or not other.practitioners:
        return "unsaid"
    return "another" if own.practitioners.isdisjoint(other.practitioners) else "one"


# Words of rules as tables, so that a misspelt one is an error.
_IS_SEPARATE: dict[ElsewhereAs, bool] = {"once": False, "question": False, "separate": True}
_IS_ASKED: dict[ElsewhereAs, bool] = {"once": False, "question": True, "separate": False}
