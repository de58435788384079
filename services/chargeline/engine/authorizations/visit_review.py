"""The review of one visit's authorizations: its lines first, then the orders that still wait.

It owns this order, and that a visit without such facts costs nothing. A draft whose history or
authorizations change is reviewed again as a whole, because each use takes what the next one finds.
Where nobody says who pays the visit, a person is asked first, and their answer goes before all.
"""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from chargeline.engine.again import SavedWork
from chargeline.engine.answers.authorizations import payer_said
from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.answers.settling import step_of
from chargeline.engine.authorizations.contributions import Use, use_fact, use_of, uses_in
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.lines import ReviewBasis, on_file_for, reviewed
from chargeline.engine.authorizations.needed import CodeNeed, Needs, may_need, need_of
from chargeline.engine.authorizations.orders import (
    PlannedDose,
    coded_drugs,
    needed,
    orders_of,
    planned_doses,
)
from chargeline.engine.authorizations.unpaid import (
    in_words,
    passed_over,
    payer_question,
    payers_of,
)
from chargeline.engine.formulary import Formulary
from chargeline.engine.record import Fact, History
from chargeline.engine.rules import Policy
from chargeline.engine.tables import PublishedTables
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import AuthorizationNeed, EncounterDraft, Question, Step

Encounters = tuple[EncounterDraft, ...]


class VisitReview(NamedTuple):
    """The encounters with the numbers of their lines, facts for the record, what orders lack.

    `questions` ask who pays the visit, those that somebody has answered among them.
    """

    encounters: Encounters
    facts: tuple[Fact, ...] = ()
    needed: tuple[AuthorizationNeed, ...] = ()
    questions: tuple[Question, ...] = ()


class Reviewing(NamedTuple):
    """What the rules and tables of a day say, by which a visit is reviewed."""

    policy: Policy
    formulary: Formulary
    needs: Needs
    tables: PublishedTables

    def doses(self, timeline: Timeline) -> tuple[PlannedDose, ...]:
        """The doses that the orders of a visit plan, and that need an authorization."""
        if not timeline.planned:
            return ()
        return planned_doses(timeline, self.formulary, self.policy, self.needs, tables=self.tables)


def review_of(
    encounters: Encounters,
    timeline: Timeline,
    history: History,
    by: Reviewing,
    *,
    answers: AnswersBeside,
    saved: SavedWork,
) -> VisitReview:
    """The review of a visit, after people have had their word on its lines."""
    questions: tuple[Question, ...] = ()
    inert: tuple[Fact, ...] = ()
    if not timeline.context.payer:
        asked = _Unpaid(encounters, timeline, by, on_file_for(timeline.authorizations, history))
        payer = payer_said(answers)
        questions, encounters = asked.questions(payer), asked.after(answers, payer)
        inert, timeline = asked.inert_facts(), _paid_by(timeline, payer)
    doses = by.doses(timeline)
    if not doses and not any(draft.needs for draft in encounters):
        return VisitReview(encounters, inert, questions=questions)
    basis = ReviewBasis(
        visit=timeline.key,
        context=timeline.context,
        policy=by.policy,
        needs=by.needs,
        tables=by.tables,
        on_file=on_file_for(timeline.authorizations, history),
        others=tuple(sorted(uses_in(history))),
        planned=tuple([dose.use for dose in doses]),
    )
    after = reviewed(encounters, basis, saved)
    lacking = needed(
        doses,
        timeline,
        by.policy,
        on_file=basis.on_file,
        countdown=after.countdown,
        others=basis.others,
    )
    facts = [*after.facts, *[use_fact(use) for use in basis.planned]]
    slots = {fact.slot for fact in facts}
    facts += [fact for fact in inert if fact.slot not in slots]
    return VisitReview(after.encounters, tuple(facts), lacking, questions)


def _paid_by(timeline: Timeline, payer: str) -> Timeline:
    """A visit as if IN1 had named a payer."""
    return timeline._replace(context=timeline.context._replace(payer=payer))


class _Unpaid:
    """A visit of which no message says who pays: what each payer's authorizations would cover."""

    def __init__(
        self,
        encounters: Encounters,
        timeline: Timeline,
        by: Reviewing,
        on_file: tuple[Authorization, ...],
    ) -> None:
        self.payers = payers_of(on_file)
        self._encounters, self._timeline, self._by = encounters, timeline, by
        self._over = {
            payer: over
            for payer in self.payers
            if (over := passed_over(payer, self._uses(_paid_by(timeline, payer)), on_file))
        }

    def inert_facts(self) -> tuple[Fact, ...]:
        """Uses of no units: by them the visit hears of the authorizations of others.

        A visit reads what it also tells of (`record.py`), whether or not there is anything to read.
        """
        uses = [(code, day, "") for draft in self._encounters for code, day in _slots_of(draft)]
        for order in orders_of(self._timeline):
            drugs = coded_drugs(order, self._by.formulary)
            uses += [(drug.hcpcs, order.day, order.order) for _amount, drug in drugs]
        key, context = self._timeline.key, self._timeline.context
        return tuple(
            [
                use_fact(use_of(key, context, code, day, units=0)._replace(order=order))
                for code, day, order in uses
                if may_need(self._by.policy.on(day), self._by.needs, code, day=day)
            ]
        )

    def questions(self, paid_by: str) -> tuple[Question, ...]:
        """Who pays, once for each payer of whom something is passed over.

        Of others than the payer whom a person has named, nothing is asked.
        """
        return tuple(
            [
                payer_question(payer, in_words(payer, over))
                for payer, over in self._over.items()
                if paid_by in ("", payer)
            ]
        )

    def after(self, answers: AnswersBeside, paid_by: str) -> Encounters:
        """The encounters after what people said: their needs, and who said so at the lines."""
        encounters = self._encounters
        if paid_by:
            encounters = tuple([self._needing(draft, paid_by) for draft in encounters])
        for payer, over in self._over.items():
            answer = answers.to(payer_question(payer))
            if answer is None or paid_by not in ("", payer):
                continue
            slots = {(use.code, use.day) for _authorization, use in over}
            encounters = tuple([_told(draft, slots, step_of(answer)) for draft in encounters])
        return encounters

    def _needing(self, draft: EncounterDraft, payer: str) -> EncounterDraft:
        return draft._replace(needs=(*draft.needs, *self._needs(draft, payer)))

    def _needs(self, draft: EncounterDraft, payer: str) -> list[CodeNeed]:
        """What a payer wants for lines that need nothing as long as nobody says who pays."""
        return [
            CodeNeed(code, day, need)
            for code, day in _slots_of(draft)
            if (need := need_of(self._by.policy.on(day), self._by.needs, payer, code, day=day))
        ]

    def _uses(self, timeline: Timeline) -> list[Use]:
        """What would need an authorization of the payer of a visit, and needs none without one."""
        context = timeline.context
        uses = [
            use_of(timeline.key, context, entry.code, entry.day, units=0)
            for draft in self._encounters
            for entry in self._needs(draft, context.payer)
        ]
        without = {
            (dose.use.order, dose.use.code) for dose in self._by.doses(_paid_by(timeline, ""))
        }
        planned = [dose.use for dose in self._by.doses(timeline)]
        return [*uses, *[use for use in planned if (use.order, use.code) not in without]]


def _slots_of(draft: EncounterDraft) -> list[tuple[str, date]]:
    """The codes and days of lines that need nothing as long as nobody says who pays."""
    slots = dict.fromkeys([(line.code, line.service_date) for line in draft.lines])
    asked = {(entry.code, entry.day) for entry in draft.needs}
    return [slot for slot in slots if slot not in asked]


def _told(draft: EncounterDraft, slots: Collection[tuple[str, date]], step: Step) -> EncounterDraft:
    """An encounter whose lines of some codes and days say what a person said of their payer."""
    lines = [
        line._replace(trace=(*line.trace, step))
        if (line.code, line.service_date) in slots
        else line
        for line in draft.lines
    ]
    return draft._replace(lines=tuple(lines))
