"""One visit of one day under one policy: lines, questions, and what is withheld.

It owns the order in which a visit is judged: where it took place, whether more than a nurse saw the
patient, what was said of it, whether a practitioner's note stands, whether the patient is new, and
which level it has. A question that nobody has answered marks the lines as provisional; without a
level or a status there is no line at all, because nothing is guessed.
"""

from collections.abc import Iterator
from functools import cached_property

from chargeline.engine.answers.values import level_of
from chargeline.engine.care import Care, PostedCharge
from chargeline.engine.care_words import PatientStatus, PatientStatusFact
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.modifiers import with_modifiers
from chargeline.engine.office_visits import asking
from chargeline.engine.office_visits.accounts import Rivals, TellsOfVisit, tells_of_visit
from chargeline.engine.office_visits.beside import Surroundings, beside_of, surroundings_of
from chargeline.engine.office_visits.concerns import (
    BESIDE,
    LEVEL,
    NURSE,
    RADIATION_DAY,
    RISK_ALONE,
    WHERE,
    BesideDrugsAnswer,
    BesideDrugsFacts,
    LevelAnswer,
    LevelFacts,
    VisitPlaceFacts,
)
from chargeline.engine.office_visits.credits import posted_on
from chargeline.engine.office_visits.facts import VisitFacts, facts_of
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
    add_ons_among,
    compared,
    posted_otherwise,
    unknown_among,
    visits_among,
)
from chargeline.engine.office_visits.seen import facts_for_record, time_of
from chargeline.engine.office_visits.signature import ask_about_signature
from chargeline.engine.office_visits.status import PatientStanding
from chargeline.engine.office_visits.talk import VisitEndedError, VisitTalk, settled_facts
from chargeline.engine.record import NO_HISTORY
from chargeline.engine.rules import NO_FACTS, Decision
from chargeline.engine.timeline.records import Day
from chargeline.engine.trace import ChargeLine, Noted, Proposal, Step
from chargeline.engine.visit_words import BesideFact, NurseAs, RadiationAs, VisitClaim, WhereAs
from chargeline.engine.words import IS_YES


def visit_on(day: Day, assessment: Assessment) -> Proposal:
    """What a visit on a day comes to; nothing where nobody tells of one."""
    elsewhere = assessment.elsewhere
    alone = assessment._replace(elsewhere=elsewhere._replace(visits=NO_HISTORY))
    judged = _Judged(day, alone)
    if not judged.is_a_visit:
        return Proposal()
    judged.judge()
    if elsewhere.visits and not judged.is_none:
        judged = _Judged(day, assessment)
        judged.judge()
    return judged.proposal()


class _Judged:
    """A visit of a day while it is judged."""

    def __init__(self, day: Day, assessment: Assessment) -> None:
        self._assessment = assessment
        self._rules = assessment.rules
        self._day = day
        self._care: Care = day.care
        self._talk = VisitTalk(day.day, assessment)
        posted = posted_on(day.care, self._talk, assessment)
        self._facts: VisitFacts = facts_of(day.day, day.care, posted)
        self._notes: DayNotes = notes_of(day.care.notes)
        self._visits: list[PostedVisit] = visits_among(self._facts.posted, self._rules)
        self._unknown: list[PostedCharge] = unknown_among(self._facts.posted, self._rules)
        self._add_ons: list[PostedCharge] = add_ons_among(self._facts.posted, self._rules)
        self._of_others: list[PostedCharge] = []
        self._beside: BesideFact = "nothing"
        self._steps = self._talk.steps
        self._lines: list[ChargeLine] = []
        self._withheld = self._talk.withheld
        self._noted: list[Noted] = []
        self._told: TellsOfVisit = tells_of_visit(
            assessment.visit,
            time_of(day.day, day.care),
            day,
            self._visits,
            has_note=bool(self._notes.authors),
            is_stay=assessment.encounter.patient_class == "inpatient",
        )
        self._again: tuple[str, ...] = ()

    @property
    def is_a_visit(self) -> bool:
        """Whether minutes, decision making, a visit's note or a visit's charge tell of a visit."""
        return bool(self._is_told or self._add_ons or self._unknown)

    @property
    def _is_told(self) -> bool:
        return bool(self._facts.are_told or self._visits or self._notes.sources)

    @property
    def is_none(self) -> bool:
        """Whether it is no visit with a practitioner: a nurse's, or none, as a person says."""
        is_denied = any(entry.reason == "answer.no_visit" for entry in self._withheld)
        return is_denied or bool(self._nurses())

    def proposal(self) -> Proposal:
        """What it came to. That a practitioner saw the patient stands whatever is billed of it."""
        told = self._told._replace(is_none=self.is_none)
        facts = facts_for_record(self._facts.day, told.at, self._notes.authors, told=told.value)
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
            self._unknown_codes()
            self._nurse()
            self._whose_number()
            self._stand_beside()
            self._facts = settled_facts(self._facts, self._talk)
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
        is_asked = _IS_ASKED[decision.answer.as_]
        if is_asked is not False:
            self._steps.append(Step("where", decision, (("patient class", patient_class),)))
        if is_asked is None:
            self._withheld.append(withheld_by(decision.rule_in_force, self._facts, self._steps))
            raise VisitEndedError
        if is_asked:
            sources = self._notes.sources or self._posted_sources()
            posted = [*[visit.charge for visit in self._visits], *self._unknown, *self._add_ons]
            question = asking.where_question(self._facts.day, patient_class, posted, sources)
            self._talk.ask(question)
            raise VisitEndedError

    @cached_property
    def _surroundings(self) -> Surroundings:
        return surroundings_of(self._day, self._facts.posted, self._assessment)

    def _stand_beside(self) -> None:
        self._beside = beside_of(self._surroundings, self._told, self._talk, self._rules)

    def _unknown_codes(self) -> None:
        """A posted code of a visit for which no rule stands; alone it is no visit of ours."""
        if not self._unknown:
            return
        question = asking.unknown_code_question(self._facts.day, self._unknown)
        answer = self._talk.ask(question)
        if self._is_told:
            return
        if answer is not None:
            self._talk.end(answer.choice)
        raise VisitEndedError

    def _several(self) -> None:
        """Whether notes or posted visits of several practitioners are one visit."""
        authors, performers = self._notes.authors, {v.charge.performer for v in self._visits}
        if len({*authors, *performers} - {""}) < 2:
            return
        charges = [visit.charge for visit in self._visits]
        sources = (*self._notes.sources, *self._posted_sources())
        question = asking.several_question(self._facts.day, authors, charges, sources)
        answer = self._talk.ask(question, keeps=True)
        if answer is not None and answer.choice == "by_hand":
            self._talk.withhold("by_hand", "A person codes the second visit outside chargeline.")
        if answer is None or answer.choice == "by_hand":
            own = [v for v in self._visits if v.charge.performer in ("", *authors)]
            self._visits = own or self._visits
            kept = [visit.charge for visit in self._visits]
            self._of_others = [charge for charge in charges if charge not in kept]

    def _whose_number(self) -> None:
        """Whether this visit number has the visit, where others of the patient tell of it too."""
        rivals = Rivals(self._told, self._facts, self._assessment)
        holds = rivals.claim(self._talk)
        self._told = self._told._replace(holds=holds)
        rivals.give_way(self._talk, holds=holds)
        self._again = rivals.modifiers(self._talk)

    def _nurses(self) -> list[PostedVisit]:
        """The posted visits with a nurse, where nothing tells of one with a practitioner."""
        nurses = [visit for visit in self._visits if visit.stands_for.level == "nurse"]
        is_documented = self._facts.elements or self._facts.minutes or self._notes.authors
        return [] if is_documented or len(nurses) < len(self._visits) else nurses

    def _nurse(self) -> None:
        """A posted visit with a nurse, where no practitioner documents one."""
        nurses = self._nurses()
        if not nurses:
            return
        self._stand_beside()
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
        self._several()
        ask_about_signature(day, notes, self._talk, self._rules)
        if self._surroundings.is_irradiated:
            self._radiation_day()
        if notes.standing in ("signed", "amended"):
            self._steps.append(Step("note", None, (("note", notes.standing),), notes.sources))
            return True
        charges = [*[visit.charge for visit in self._visits], *self._add_ons]
        codes = ", ".join(dict.fromkeys([charge.code for charge in charges]))
        documented = f"{codes} posted" if codes else ""
        sources = self._posted_sources() or self._facts.sources.get("visit_minutes", ())
        question = asking.note_question(
            day, notes, documented, sources, has_drugs=beside == "drugs"
        )
        return self._talk.ask(question) is not None

    def _radiation_day(self) -> None:
        decision = self._rules.of(RADIATION_DAY).decide(NO_FACTS)
        self._steps.append(Step("radiation day", decision, ()))
        if _IS_RADIATION_ASKED[decision.answer.as_]:
            sources = self._notes.sources or self._posted_sources()
            self._talk.ask(asking.radiation_question(self._facts.day, sources))

    def _status(self) -> PatientStatus:
        standing = PatientStanding(self._facts, self._notes, self._visits, self._assessment)
        return standing.status(self._talk)

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
        self._facts = self._facts._replace(minutes=self._talk.believed(answer.value, sources))
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
            self._talk.ask(
                asking.role_question(self._facts.day, patient, chosen.level if chosen else "no")
            )
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
        self._noted += self._posted_otherwise(level.answer.claim)

    def _posted_otherwise(self, claim: VisitClaim) -> Iterator[Noted]:
        posted = [charge for charge in self._facts.posted if charge not in self._of_others]
        lines = with_modifiers(self._lines, self._assessment)
        add_ons = self._add_ons if claim == "professional" else ()
        return posted_otherwise(lines, posted, add_ons)

    def _modifiers(
        self, decision: Decision[BesideDrugsAnswer], beside: BesideFact
    ) -> tuple[str, ...]:
        modifier = decision.answer.modifier
        if modifier:
            self._steps.append(Step("beside", decision, (("beside", beside),)))
        return (*((modifier,) if modifier else ()), *self._again)

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


# Words of rules as tables, so that a misspelt one is an error.
# Whether a person codes a visit of a place; None where nothing is billed of it.
_IS_ASKED: dict[WhereAs, bool | None] = {"draft": False, "question": True, "withheld": None}
# Whether a nurse's visit is reported without asking; None where it is not reported at all.
_OF_NURSE: dict[NurseAs, bool | None] = {"report": True, "question": False, "withheld": None}
_IS_RADIATION_ASKED: dict[RadiationAs, bool] = {"question": True, "separate": False}
_IS_REQUIRED = {"required": True, "not_required": False}
