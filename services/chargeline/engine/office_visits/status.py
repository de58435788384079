"""Whether the patient of a visit is new: what reports, posted codes and the record say of it.

It owns in which words that is asked where they do not agree. What follows from them, a rule says.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.care_words import PatientStatus, PatientStatusFact
from chargeline.engine.encounters import Assessment
from chargeline.engine.office_visits import asking
from chargeline.engine.office_visits.concerns import STATUS, StatusFacts
from chargeline.engine.office_visits.facts import VisitFacts
from chargeline.engine.office_visits.notes import DayNotes
from chargeline.engine.office_visits.posted import PostedVisit
from chargeline.engine.office_visits.seen import seen_before
from chargeline.engine.office_visits.talk import VisitEndedError, VisitTalk
from chargeline.engine.trace import Step


class PatientStanding(NamedTuple):
    """What tells whether the patient is new."""

    facts: VisitFacts
    notes: DayNotes
    visits: Sequence[PostedVisit]
    assessment: Assessment

    def status(self, talk: VisitTalk) -> PatientStatus:
        """Whether the patient is new; ends the judging where a person must say it.

        A posted code says it where no report does; beside reports that differ it decides nothing.
        """
        facts, posted = self.facts, self._posted()
        said = facts.said
        if said == "unknown" and len(facts.statuses) < 2:
            said = posted
        seen = seen_before(facts.day, self.notes.authors, self.assessment)
        decision = self.assessment.rules.of(STATUS).decide(StatusFacts(said, seen, posted))
        sources = facts.sources.get("patient_status", ())
        status = _STATUS[decision.answer.as_]
        if status is None:
            question = asking.status_question(facts.day, seen, self._in_words(posted), sources)
            answer = talk.ask(question)
            status = _STATUS[answer.choice] if answer is not None else None
        if status is None:
            raise VisitEndedError
        told = (("said", said), ("posted", posted), ("seen by", seen), ("patient", status))
        talk.steps.append(Step("new or established", decision, told, sources))
        return status

    def _posted(self) -> PatientStatusFact:
        posted = {visit.stands_for.patient for visit in self.visits} - {"unknown"}
        return posted.pop() if len(posted) == 1 else "unknown"

    def _in_words(self, posted: PatientStatusFact) -> str:
        words = self.facts.statuses
        are = "is" if len(words) == 1 else "are"
        said = f"{' and '.join(words)} {are} said" if words else "nobody says it"
        codes = [v.charge.code for v in self.visits if v.stands_for.patient != "unknown"]
        if not codes:
            return said
        of = f" for a patient who is {posted}" if posted != "unknown" else ""
        return f"{said}, {' and '.join(dict.fromkeys(codes))} posted{of}"


_STATUS: Mapping[str, PatientStatus | None] = {
    "new": "new",
    "established": "established",
    "question": None,
}
