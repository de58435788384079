"""The draft of a visit: every administration ends as a charge line, a question or withheld.

It owns the order of the parts: group the days into encounters, judge each administration by itself,
let the charge families propose lines, and compare with other policies. It decides nothing that
rules decide, and it reads no clock, so that equal timelines, rules and histories give equal drafts.
"""

from collections.abc import Sequence

from chargeline.engine.again import (
    ENCOUNTER,
    SERVICES,
    DaysDrafted,
    NothingSaved,
    SavedWork,
    days_alike,
)
from chargeline.engine.answers import (
    last_words,
    none_in_silence,
    not_settled,
    said_of,
    settled,
    still_asked_of_visit,
    with_answers,
    with_word_on_lines,
    withheld_lines,
    words_of_no_line,
)
from chargeline.engine.answers.beside import AnswersBeside, answers_beside
from chargeline.engine.answers.once import asked_once
from chargeline.engine.authorizations.lines import needs_of
from chargeline.engine.authorizations.visit_review import Reviewing, VisitReview, review_of
from chargeline.engine.body import with_body_doses
from chargeline.engine.care import NO_CARE
from chargeline.engine.comparison import with_differences
from chargeline.engine.edits import billed_units, claim_edits, reviewed
from chargeline.engine.encounters import Assessment, Encounter, encounters_of
from chargeline.engine.events import Dispensed
from chargeline.engine.families import FAMILIES
from chargeline.engine.modifiers import with_modifiers
from chargeline.engine.office_visits import propose as propose_visits
from chargeline.engine.office_visits import visits_of
from chargeline.engine.office_visits.seen import radiation_days, seen_days
from chargeline.engine.posted_charges import credits_apart
from chargeline.engine.pumps import with_record
from chargeline.engine.radiation import facts_of_line_words, not_billed, of_stay
from chargeline.engine.radiation.sessions import tells_of_radiation
from chargeline.engine.record import (
    NO_HISTORY,
    Elsewhere,
    History,
    seen_elsewhere,
)
from chargeline.engine.rulebooks import Rulebook
from chargeline.engine.rules import UndecidedError
from chargeline.engine.services.judging import services_of, without_gap
from chargeline.engine.shapes import by_keyword
from chargeline.engine.supplies import by_order, not_charted, with_days_of
from chargeline.engine.timeline.records import Timeline, VisitContext
from chargeline.engine.trace import (
    Draft,
    EncounterDraft,
    Proposal,
    Step,
    Withheld,
    ask,
    together,
)
from chargeline.engine.visit_questions import InQuestion, in_question_of, visit_questions
from chargeline.engine.words import IS_YES

_new_assessment = by_keyword(Assessment)
_new_encounter_draft = by_keyword(EncounterDraft)
_new_draft = by_keyword(Draft)


def draft(
    timeline: Timeline,
    rulebook: Rulebook,
    history: History = NO_HISTORY,
    *,
    policy: str = "",
    saved: SavedWork | None = None,
) -> Draft:
    """Draft all charges of a visit.

    `history` is what the patient's other visits contribute to the record. `policy` takes the place
    of the payer's policy. `saved` is the work of earlier drafts of this visit; the draft is the
    same with it and without it.
    """
    name = policy or rulebook.policy_for(timeline.context)
    said = said_of(timeline, rulebook.formulary)
    beside = answers_beside([standing.answer for standing in said if standing.holds])
    words = last_words(timeline)
    held = words[""].held if "" in words else None
    drafting = _Drafting(
        timeline=with_answers(timeline, rulebook.formulary),
        rulebook=rulebook,
        policy=name,
        history=history,
        saved=saved or NothingSaved(),
        answers=beside,
        in_question=in_question_of(timeline, beside),
    )
    encounters, told = drafting.encounters(), drafting.timeline.authorizations
    review = drafting.authorized(with_word_on_lines(encounters, words))
    lacking = [need.question for need in review.needed]
    asked = (*visit_questions(timeline, told), *review.questions, *lacking)
    return _new_draft(
        key=timeline.key,
        policy=name,
        rulebook=rulebook.version,
        encounters=asked_once(review.encounters),
        questions=(*still_asked_of_visit(asked, beside), *words_of_no_line(encounters, words)),
        said=said,
        held=(held.reason or held.by) if held is not None else "",
        facts=(*review.facts, *facts_of_line_words(encounters, withheld_lines(words))),
        needed=review.needed,
    )


class _Drafting:
    """One draft of one visit under one policy."""

    def __init__(
        self,
        timeline: Timeline,
        rulebook: Rulebook,
        policy: str,
        history: History,
        saved: SavedWork,
        answers: AnswersBeside,
        in_question: InQuestion | None,
    ) -> None:
        self.uncharted = not_charted(timeline, rulebook.formulary)
        timeline = timeline._replace(days=with_days_of(self.uncharted, timeline.days))
        self.timeline = with_body_doses(with_record(timeline, history), rulebook.base)
        self.rulebook = rulebook
        self.policy = policy
        self.policies = (policy, *[name for name in rulebook.compared if name != policy])
        self.history = history
        self.saved = saved
        self.answers = answers
        self.radiation = tuple([d.care for d in timeline.days if tells_of_radiation(d.care)])
        self.seen = seen_days(timeline.days)
        self.credits = credits_apart([day.care for day in timeline.days])
        self.supplied = by_order(timeline.dispensed)
        self.in_question = in_question

    def encounters(self) -> tuple[EncounterDraft, ...]:
        """The drafts of all encounters.

        Of an account that is billed by day, only the days that changed are drafted again.
        """
        timeline, days = self.timeline, self.saved.days
        observed = (timeline.observed, self.seen, self.radiation, self.credits, self.answers)
        supplied = (self.uncharted, timeline.dispensed, timeline.authorizations)
        of_visit = (timeline.context, timeline.patients, supplied, observed)
        rests_on = (of_visit, self.rulebook, self.policy, self.history)
        changed = self._changed_days(days) if days and days.rests_on == rests_on else None
        if changed is not None:
            encounters = changed
        else:
            grouped = encounters_of(timeline, self.rulebook.policies[self.policy])
            encounters = tuple([self._encounter(encounter) for encounter in grouped])
            if not self._is_day_by_day(grouped):
                self.saved.days = None
                return encounters
        self.saved.days = DaysDrafted(rests_on, timeline.days, encounters)
        return encounters

    def _is_day_by_day(self, grouped: Sequence[Encounter]) -> bool:
        """Whether each day is an encounter by itself, and no day can change another."""
        is_one_class = len(self.timeline.context.classes) < 2
        is_by_day = all(
            encounter.is_billed_by_day and len(encounter.days) == 1 for encounter in grouped
        )
        return bool(grouped) and is_one_class and is_by_day

    def _changed_days(self, before: DaysDrafted) -> tuple[EncounterDraft, ...] | None:
        """The encounters of the last draft, with those of changed days drafted again.

        None where a changed day may go on with a day beside it, over midnight.
        """
        now = self.timeline.days
        first, last = days_alike(before.days, now)
        policy = self.rulebook.policies[self.policy]
        around = self.timeline._replace(days=now[max(0, first - 1) : len(now) - last + 1])
        if any(len(encounter.days) > 1 for encounter in encounters_of(around, policy)):
            return None
        changed = self.timeline._replace(days=now[first : len(now) - last])
        grouped = encounters_of(changed, policy)
        drafted = [self._encounter(encounter) for encounter in grouped]
        kept_after = before.encounters[len(before.days) - last :]
        return (*before.encounters[:first], *drafted, *kept_after)

    def _encounter(self, encounter: Encounter) -> EncounterDraft:
        days = {day.day for day in encounter.days}
        uncharted = tuple([supply for supply in self.uncharted if supply.item.day in days])
        is_of_course = self.radiation and any(tells_of_radiation(d.care) for d in encounter.days)
        return self.saved.again(
            ENCOUNTER,
            (encounter.name, self.policy),
            self._drafted,
            encounter._replace(
                uncharted=uncharted,
                dispensed=self._dispensed_for(encounter),
                observed=self.timeline.observed,
                radiation=self.radiation if is_of_course else (),
                seen=self.seen if encounter.care is not NO_CARE else (),
                authorizations=self.timeline.authorizations,
                credits=self.credits,
            ),
            self.timeline.context,
            self.rulebook,
            self._elsewhere(encounter),
            self.in_question,
            self.answers,
        )

    def _dispensed_for(self, encounter: Encounter) -> tuple[Dispensed, ...]:
        orders = dict.fromkeys([item.order for item in encounter.administrations])
        return tuple([item for order in orders for item in self.supplied.get(order, ())])

    def _drafted(
        self,
        encounter: Encounter,
        context: VisitContext,
        rulebook: Rulebook,
        elsewhere: Elsewhere,
        in_question: InQuestion | None,
        answers: AnswersBeside,
    ) -> EncounterDraft:
        if in_question is not None:
            return self._nothing_billed(encounter, in_question.reason, in_question.says, ())
        rule = encounter.grouping.rule
        if rule is None:
            says = "No rule groups visits of this day."
            return self._nothing_billed(encounter, "rule.none", says, ())
        if not IS_YES[encounter.grouping.answer.bill]:
            return self._of_a_stay(encounter, elsewhere)
        return self._coded(encounter, elsewhere)

    def _of_a_stay(self, encounter: Encounter, elsewhere: Elsewhere) -> EncounterDraft:
        """Withhold what is paid with a stay; visits and courses in it are judged by themselves."""
        rule = encounter.grouping.rule_in_force
        told = (rule.id, rule.why, (encounter.step,))
        if not visits_of(encounter) and not encounter.radiation:
            return self._nothing_billed(encounter, *told)
        try:
            own, *others = self._assessments(encounter, elsewhere)
            courses = settled(of_stay(own, self.saved), (), self.answers)
            apart = together([propose_visits(own, self.saved), courses])
            drafted = self._nothing_billed(encounter, *told, apart=apart)
            return _with_edits(with_differences(drafted, own, others, self.saved), apart, own)
        except UndecidedError as error:
            return self._undecided(encounter, error)

    def _nothing_billed(
        self,
        encounter: Encounter,
        reason: str,
        says: str,
        steps: tuple[Step, ...],
        *,
        apart: Proposal | None = None,
    ) -> EncounterDraft:
        """Withhold every administration of an encounter for one and the same reason.

        So are its visits with a practitioner and its courses, unless `apart` has them.
        """
        items = encounter.administrations
        about: list[tuple[str, tuple[str, ...]]] = [
            (item.drugs[0].text if item.drugs else "", (item.key,)) for item in items
        ]
        about += [(visit, ()) for visit in (visits_of(encounter) if apart is None else ())]
        withheld = [
            Withheld(
                family="encounter",
                reason=reason,
                says=says,
                drug=drug,
                administrations=keys,
                trace=steps,
            )
            for drug, keys in about
        ]
        rules = self.rulebook.policies[self.policy].on(encounter.day)
        zone = self.timeline.context.zone
        if apart is None:
            key = self.timeline.key
            apart = not_billed(key, encounter, rules, reason=reason, says=says, zone=zone)
        return self._encounter_draft(
            encounter, together([Proposal(withheld=tuple(withheld)), apart])
        )

    def _coded(self, encounter: Encounter, elsewhere: Elsewhere) -> EncounterDraft:
        """What the families make of an encounter; a question where rules leave a gap or clash."""
        try:
            return self._coded_by_rules(encounter, elsewhere)
        except UndecidedError as error:
            return self._undecided(encounter, error)

    def _undecided(self, encounter: Encounter, error: UndecidedError) -> EncounterDraft:
        """Bill nothing of the encounter, and ask a person to mend the gap or clash of rules."""
        clash = ", ".join([rule.id for rule in error.clash])
        question = ask(
            "rule.clash" if clash else "rule.none",
            expected=f"one rule that decides {error.concern} on {encounter.day.isoformat()}",
            found=f"{clash} at once" if clash else "none",
            do="correct the rules; `chargeline rules check` shows what is missing",
            administrations=tuple([item.key for item in encounter.administrations]),
        )
        says = "The rules do not decide this encounter."
        drafted = self._nothing_billed(encounter, question.finding.code, says, (encounter.step,))
        return drafted._replace(questions=not_settled((question,), encounter.administrations))

    def _coded_by_rules(self, encounter: Encounter, elsewhere: Elsewhere) -> EncounterDraft:
        """What the families make of an encounter, and where other policies would differ.

        Raises UndecidedError where no one rule decides something that must be decided.
        """
        own, *others = self._assessments(encounter, elsewhere)
        proposals = [family.propose(own, self.saved) for family in FAMILIES.values()]
        items = encounter.administrations
        proposal = settled(together(proposals), items, self.answers)
        proposal = reviewed(proposal, own, self.saved)
        drafted = self._encounter_draft(encounter, proposal)
        drafted = none_in_silence(with_differences(drafted, own, others, self.saved), items)
        return _with_edits(drafted, proposal, own)

    def _encounter_draft(self, encounter: Encounter, proposal: Proposal) -> EncounterDraft:
        return _new_encounter_draft(
            encounter=encounter.name,
            policy=self.policy,
            administrations=tuple([item.key for item in encounter.administrations]),
            lines=proposal.lines,
            questions=tuple(dict.fromkeys(proposal.questions)),
            withheld=proposal.withheld,
            facts=(*proposal.facts, *radiation_days(encounter.days)),
        )

    def _assessments(self, encounter: Encounter, elsewhere: Elsewhere) -> list[Assessment]:
        """An encounter as each policy sees it, the policy of the visit first.

        Another policy that has a gap is without services: its draft would only ask.
        """
        rules = tuple([self.rulebook.policies[name].on(encounter.day) for name in self.policies])
        again, formulary = self.saved.again, self.rulebook.formulary
        judged = [
            again(SERVICES, item.key, services_of, item, formulary, rules)
            for item in encounter.administrations
        ]
        # a day on which something was only handed out, or said, has nothing to judge
        by_policy = zip(*judged, strict=True) if judged else [()] * len(rules)
        return [
            _new_assessment(
                visit=self.timeline.key,
                context=self.timeline.context,
                encounter=encounter,
                rules=of_policy,
                services=without_gap(services),
                elsewhere=elsewhere,
                formulary=formulary,
                tables=self.rulebook.tables,
                answers=self.answers,
                needs=self.rulebook.needs,
            )
            for of_policy, services in zip(rules, by_policy, strict=True)
        ]

    def authorized(self, encounters: tuple[EncounterDraft, ...]) -> VisitReview:
        """The encounters after the review of authorizations, and what the visit's orders lack."""
        rulebook = self.rulebook
        policy, needs = rulebook.policies[self.policy], rulebook.needs
        return review_of(
            encounters,
            self.timeline,
            self.history,
            Reviewing(policy, rulebook.formulary, needs, rulebook.tables),
            answers=self.answers,
            saved=self.saved,
        )

    def _elsewhere(self, encounter: Encounter) -> Elsewhere:
        days = [day.day for day in encounter.days]
        return seen_elsewhere(self.timeline.key, encounter.starts, self.history, days=days)


def _with_edits(drafted: EncounterDraft, proposal: Proposal, own: Assessment) -> EncounterDraft:
    """An encounter with the modifiers of its lines, the edits before the claim and its needs."""
    lines = with_modifiers(drafted.lines, own)
    return drafted._replace(
        lines=lines,
        facts=(*drafted.facts, *billed_units(lines, own)),
        edits=claim_edits(lines, proposal.noted, own),
        needs=needs_of(lines, own),
    )
