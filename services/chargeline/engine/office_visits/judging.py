"""One visit of one day under one policy: lines, questions, and what is withheld.

It owns the order in which a visit is judged: where it took place, whether more than a nurse saw the
patient, what was said of it, whether a practitioner's note stands, whether the patient is new, and
which level it has. A question that nobody has answered marks the lines as provisional; without a
level or a status there is no line at all, because nothing is guessed.
"""

from functools import cached_property

from chargeline.engine.answers.values import level_of, minutes_of
from chargeline.engine.care import Care, observes
from chargeline.engine.care_words import PatientStatus, PatientStatusFact
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.office_visits import asking
from chargeline.engine.office_visits.concerns import (
    BESIDE,
    LEVEL,
    NURSE,
    RADIATION_DAY,
    RISK_ALONE,
    SIGNED,
    STATUS,
    WHERE,
    BesideDrugsAnswer,
    BesideDrugsFacts,
    LevelAnswer,
    LevelFacts,
    StatusFacts,
    VisitPlaceFacts,
)
from chargeline.engine.office_visits.facts import (
    ELEMENTS,
    VisitFacts,
    facts_of,
)
from chargeline.engine.office_visits.levels import Chosen, chosen_level
from chargeline.engine.office_visits.lines import (
    BilledVisit,
    Written,
    continuing_line,
    prolonged_line,
    visit_line,
    withheld_by,
)
from chargeline.engine.office_visits.notes import DayNotes, notes_of
from chargeline.engine.office_visits.posted import (
    PostedVisit,
    compared,
    has_preventive,
    posted_beside,
    posted_otherwise,
    visits_among,
)
from chargeline.engine.office_visits.seen import facts_for_record, seen_before
from chargeline.engine.office_visits.talk import VisitEndedError, VisitTalk, settled_facts
from chargeline.engine.rules import NO_FACTS, Decision
from chargeline.engine.timeline.records import Day
from chargeline.engine.trace import ChargeLine, Noted, Proposal, Question, Step, ask
from chargeline.engine.visit_words import BesideFact, NurseAs, RadiationAs
from chargeline.engine.words import IS_YES


def visit_on(day: Day, assessment: Assessment) -> Proposal:
    """What a visit on a day comes to; nothing where nobody tells of one."""
    judged = _Judged(day, assessment)
    if not judged.is_a_visit:
        return Proposal()
    judged.judge()
    return judged.proposal()


class _Judged:
    """A visit of a day while it is judged."""

    def __init__(self, day: Day, assessment: Assessment) -> None:
        self._assessment = assessment
        self._rules = assessment.rules
        self._day = day
        self._care: Care = day.care
        self._facts: VisitFacts = facts_of(day.day, day.care)
        self._notes: DayNotes = notes_of(day.care.notes)
        self._visits: list[PostedVisit] = visits_among(self._facts.posted, self._rules)
        self._talk = VisitTalk(day.day, assessment)
        self._steps = self._talk.steps
        self._lines: list[ChargeLine] = []
        self._withheld = self._talk.withheld
        self._noted: list[Noted] = []

    @property
    def is_a_visit(self) -> bool:
        """Whether minutes, decision making, a visit's note or a visit's charge tell of a visit."""
        told = {"visit_minutes", *ELEMENTS}.intersection(self._facts.sources)
        return bool(told or self._visits or self._notes.sources)

    def proposal(self) -> Proposal:
        """What it came to. That a practitioner saw the patient stands whatever is billed of it."""
        facts = facts_for_record(self._facts.day, self._care, self._notes.authors)
        return Proposal(
            lines=tuple(self._lines),
            questions=tuple(self._talk.questions),
            withheld=tuple(self._withheld),
            facts=facts,
            noted=tuple(self._noted),
        )

    def judge(self) -> None:
        """Judge the visit, as far as its facts reach."""
        try:
            self._where()
            self._nurse()
            self._facts = settled_facts(self._facts, self._talk, self._rules)
            level, patient, chosen = self._level_and_status()
            self._bill(level, patient, chosen)
        except VisitEndedError:
            return

    def _posted_sources(self) -> tuple[Source, ...]:
        return tuple([visit.charge.source for visit in self._visits])

    # -------------------------------------------------------------- one thing after the other

    def _where(self) -> None:
        patient_class = self._assessment.encounter.patient_class
        decision = self._rules.of(WHERE).decide(VisitPlaceFacts(patient_class))
        if _IS_ASKED[decision.answer.as_]:
            self._steps.append(Step("where", decision, (("patient class", patient_class),)))
            sources = self._notes.sources or self._posted_sources()
            self._talk.ask(asking.where_question(self._facts.day, patient_class, sources))
            raise VisitEndedError

    @cached_property
    def _posted_beside(self) -> frozenset[BesideFact]:
        return posted_beside(self._facts.posted, self._rules)

    @cached_property
    def _beside(self) -> BesideFact:
        day, posted = self._facts.day, self._posted_beside
        if (
            "drugs" in posted
            or day in self._assessment.elsewhere.drugs_on
            or any(item.given and item.route != "other" for item in self._day.administrations)
        ):
            return "drugs"
        if "procedure" in posted:
            return "procedure"
        if self._is_irradiated:
            return "radiation"
        return "preventive" if has_preventive(self._facts.posted, self._rules) else "nothing"

    @property
    def _is_irradiated(self) -> bool:
        return "radiation" in self._posted_beside or observes(self._care, "radiation")

    def _nurse(self) -> None:
        """A posted visit with a nurse, where no practitioner documents one."""
        nurses = [visit for visit in self._visits if visit.stands_for.level == "nurse"]
        is_documented = self._facts.elements or self._facts.minutes or self._notes.authors
        if not nurses or is_documented or len(nurses) < len(self._visits):
            return
        beside = self._beside
        decision = self._rules.of(NURSE).decide(BesideDrugsFacts(beside))
        step = Step("nurse", decision, (("beside", beside),), self._posted_sources())
        self._steps.append(step)
        outcome = _OF_NURSE[decision.answer.as_]
        if outcome is None:
            self._withheld.append(withheld_by(decision.rule_in_force, self._facts, self._steps))
            raise VisitEndedError
        question = asking.nurse_question(self._facts.day, nurses[0].charge)
        if outcome or self._talk.ask(question) is not None:
            level = self._rules.of(LEVEL).decide(LevelFacts("established", "nurse"))
            self._bill(level, "established", None)
        raise VisitEndedError

    def _level_and_status(
        self,
    ) -> tuple[Decision[LevelAnswer], PatientStatusFact, Chosen | None]:
        """The decision on the role; a claim with one code for all levels needs neither."""
        table = self._rules.of(LEVEL)
        for_all = table.decide(LevelFacts("unknown", "unlevelled"))
        if for_all.rule is not None:
            self._note()
            return for_all, "unknown", None
        has_note = self._note()
        patient = self._status()
        chosen = chosen_level(self._facts, patient, self._visits, self._rules)
        if chosen is None:
            if has_note:
                chosen = self._asked_level(patient)
            if chosen is None:
                raise VisitEndedError
        self._steps += chosen.steps
        self._risk_alone(chosen)
        return table.decide(LevelFacts(patient, chosen.level)), patient, chosen

    def _note(self) -> bool:
        """Whether a practitioner's signed note stands, or none is needed; else it is asked for."""
        beside = self._beside
        decision = self._rules.of(BESIDE).decide(BesideDrugsFacts(beside))
        notes, day = self._notes, self._facts.day
        if not _IS_REQUIRED[decision.answer.note]:
            return True
        if len(notes.authors) > 1:
            self._talk.ask(asking.several_question(day, notes))
        if notes.standing == "amended":
            self._talk.ask(asking.amended_question(day, notes))
        if notes.cosigned:
            self._talk.ask(asking.signer_question(day, notes))
        self._signed_in_time()
        if self._is_irradiated:
            self._radiation_day()
        if notes.standing in ("signed", "amended"):
            self._steps.append(Step("note", None, (("note", notes.standing),), notes.sources))
            return True
        codes = ", ".join(dict.fromkeys([visit.charge.code for visit in self._visits]))
        documented = f"{codes} posted" if codes else ""
        sources = self._posted_sources() or self._facts.sources.get("visit_minutes", ())
        question = asking.note_question(
            day, notes, documented, sources, has_drugs=beside == "drugs"
        )
        return self._talk.ask(question) is not None

    def _signed_in_time(self) -> None:
        after = self._notes.signed_after
        if after is None:
            return
        within = self._rules.of(SIGNED).decide(NO_FACTS).answer.days
        if not 0 <= after <= within:
            self._talk.ask(asking.signature_question(self._facts.day, self._notes, within))

    def _radiation_day(self) -> None:
        decision = self._rules.of(RADIATION_DAY).decide(NO_FACTS)
        self._steps.append(Step("radiation day", decision, ()))
        if _IS_RADIATION_ASKED[decision.answer.as_]:
            sources = self._notes.sources or self._posted_sources()
            self._talk.ask(asking.radiation_question(self._facts.day, sources))

    def _status(self) -> PatientStatus:
        """Whether the patient is new; ends the judging where a person must say it."""
        said = self._facts.said
        if said == "unknown":
            posted = {visit.stands_for.patient for visit in self._visits} - {"unknown"}
            said = posted.pop() if len(posted) == 1 else "unknown"
        seen = seen_before(self._facts.day, self._notes.authors, self._assessment)
        decision = self._rules.of(STATUS).decide(StatusFacts(said, seen))
        sources = self._facts.sources.get("patient_status", ())
        status = _STATUS[decision.answer.as_]
        if status is None:
            words = f"{said} is said" if said != "unknown" else "nobody says it"
            answer = self._talk.ask(asking.status_question(self._facts.day, seen, words, sources))
            status = _STATUS[answer.choice] if answer is not None else None
        if status is None:
            raise VisitEndedError
        facts = (("said", said), ("seen by", seen), ("patient", status))
        self._steps.append(Step("new or established", decision, facts, sources))
        return status

    def _asked_level(self, patient: PatientStatus) -> Chosen | None:
        minutes = self._facts.minutes
        found = "a note, and neither minutes nor enough of decision making"
        if minutes is not None:
            found = f"{minutes} minutes, which are below the first level"
        sources = self._notes.sources or self._facts.sources.get("visit_minutes", ())
        answer = self._talk.ask(asking.level_question(self._facts.day, found, sources))
        if answer is None:
            return None
        level = level_of(answer.value)
        if level is not None:
            facts = (("level", level), ("chosen by", "a person"))
            return Chosen(level, "by_decision", (Step("level", None, facts),))
        self._facts = self._facts._replace(minutes=minutes_of(answer.value))
        return chosen_level(self._facts, patient, (), self._rules)

    def _risk_alone(self, chosen: Chosen) -> None:
        decision = self._rules.of(RISK_ALONE).decide(NO_FACTS)
        if decision.rule is None or not IS_YES[decision.answer.ask]:
            return
        elements = self._facts.elements
        if elements.get("risk") == "high" and chosen.level != "high":
            sources = self._facts.sources.get("risk", ())
            self._talk.ask(asking.risk_question(self._facts.day, chosen.level, sources))

    # -------------------------------------------------------------- lines

    def _bill(
        self, level: Decision[LevelAnswer], patient: PatientStatusFact, chosen: Chosen | None
    ) -> None:
        if level.rule is None:
            self._talk.ask(self._no_role(patient, chosen))
            raise VisitEndedError
        beside = self._beside
        decision = self._rules.of(BESIDE).decide(BesideDrugsFacts(beside))
        self._steps.append(Step("visit", level, (("claim", level.answer.claim),)))
        billed = BilledVisit(
            self._assessment,
            facts=self._facts,
            role=level.answer.role,
            patient=patient,
            chosen=chosen,
            beside=beside,
            modifiers=self._modifiers(decision, beside),
            steps=tuple(self._steps),
            provisional=self._talk.provisional,
        )
        line = self._write(visit_line(billed))
        if line is None:
            return
        drafted = LevelFacts(patient, chosen.level if chosen is not None else "unlevelled")
        self._noted += compared(line, drafted, level.answer.claim, self._visits)
        self._write(prolonged_line(billed))
        if self._continues():
            written, withheld = continuing_line(billed)
            self._write(written)
            self._withheld += [withheld] if withheld is not None else []
        self._noted += posted_otherwise(self._lines, self._facts.posted, self._rules)

    def _modifiers(
        self, decision: Decision[BesideDrugsAnswer], beside: BesideFact
    ) -> tuple[str, ...]:
        modifier = decision.answer.modifier
        if modifier:
            self._steps.append(Step("beside", decision, (("beside", beside),)))
        return (modifier,) if modifier else ()

    def _continues(self) -> bool:
        if self._facts.continuing is not None:
            return self._facts.continuing
        sources = self._facts.sources["continuing_care"]
        answer = self._talk.ask(asking.continuing_question(self._facts.day, sources))
        return answer is not None and answer.choice == "continuing"

    def _write(self, written: Written) -> ChargeLine | None:
        if written.question is not None:
            self._talk.questions.append(written.question)
        if written.line is not None:
            self._lines.append(written.line)
        return written.line

    def _no_role(self, patient: PatientStatusFact, chosen: Chosen | None) -> Question:
        level = chosen.level if chosen is not None else "no"
        code: FindingCode = "role.none"
        return ask(
            code,
            expected="one rule for the role of the visit",
            found=f"none, or several, for {patient} and {level} level",
            do="correct the rules of visit.role",
            drug=asking.about(self._facts.day),
        )


# Words of rules as tables, so that a misspelt one is an error.
_IS_ASKED = {"draft": False, "question": True}
# Whether a nurse's visit is reported without asking; None where it is not reported at all.
_OF_NURSE: dict[NurseAs, bool | None] = {"report": True, "question": False, "withheld": None}
_IS_RADIATION_ASKED: dict[RadiationAs, bool] = {"question": True, "separate": False}
_IS_REQUIRED = {"required": True, "not_required": False}
_STATUS: dict[str, PatientStatus | None] = {
    "new": "new",
    "established": "established",
    "question": None,
}
