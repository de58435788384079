"""What is asked about one visit, what people answered, and the facts after their answers.

It owns that an answered question is asked no more and told in the trace, that an answer may end the
judging, and how an answer takes the place of what could not be used. It knows no codes and no
levels beyond their words.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NoReturn

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.offers import severity_of
from chargeline.engine.answers.settling import step_of
from chargeline.engine.answers.values import level_of, minutes_of
from chargeline.engine.care_words import Level, Observed
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Answer, Source
from chargeline.engine.office_visits import asking
from chargeline.engine.office_visits.concerns import MOST_MINUTES
from chargeline.engine.office_visits.facts import LEVELS, VisitFacts
from chargeline.engine.rules import NO_FACTS
from chargeline.engine.trace import Question, Step, Withheld


class VisitEndedError(Exception):
    """Nothing more can be said of a visit: what there is to ask or to withhold has been noted."""


class VisitTalk:
    """The questions about one visit that are open, and the steps of those that were answered."""

    def __init__(self, day: date, assessment: Assessment) -> None:
        self.day = day
        self._about = asking.about(day)
        self._answers = assessment.answers
        self._rules = assessment.rules
        self.questions: list[Question] = []
        self.steps: list[Step] = [assessment.encounter.step]
        self.withheld: list[Withheld] = []

    def ask(self, question: Question, *, keeps: bool = False) -> Answer | None:
        """The answer of a person, told in the trace; None, and the question, where none fits.

        Raises VisitEndedError where the visit is billed by hand, or was none; with `keeps` only
        a part of it is, and the visit stands.
        """
        answer = self._answers.to(question)
        if answer is None:
            self.questions.append(question)
            return None
        self.steps.append(step_of(answer))
        if answer.choice in _ENDS and not keeps:
            self.end(answer.choice)
        return answer

    @property
    def most_minutes(self) -> int:
        """Above how many minutes the time of a visit is doubted."""
        return self._rules.of(MOST_MINUTES).decide(NO_FACTS).answer.minutes

    def believed(
        self, value: str, sources: Sequence[Source], doubted: frozenset[int] = frozenset()
    ) -> int | None:
        """The minutes that a person answered. More than anybody believes are asked about once more,
        and count when the same number is said again; None while nobody did, and where the value is
        none. `doubted` were asked about already.
        """
        minutes = minutes_of(value)
        if minutes is None or minutes <= self.most_minutes or minutes in doubted:
            return minutes
        question = asking.minutes_again_question(self.day, minutes, self.most_minutes, sources)
        answer = self.ask(question)
        return self.believed(answer.value, sources, doubted | {minutes}) if answer else None

    def end(self, choice: AnswerChoice) -> NoReturn:
        """Withhold the visit, as a person chose. Raises VisitEndedError."""
        self.withhold(choice, _SAYS[choice])
        raise VisitEndedError

    def withhold(self, choice: AnswerChoice, says: str) -> None:
        """Say what a person chose not to be drafted."""
        self.withheld.append(
            Withheld(
                family="office_visits",
                reason=f"answer.{choice}",
                says=says,
                drug=self._about,
                administrations=(),
                trace=tuple(self.steps),
            )
        )

    @property
    def provisional(self) -> str:
        """The code of the first open question that may change the lines, "" where there is none."""
        codes = [question.finding.code for question in self.questions]
        return next((code for code in codes if severity_of(code) == "blocks"), "")


def settled_facts(facts: VisitFacts, talk: VisitTalk) -> VisitFacts:
    """The facts after people answered what could not be used; what is open is asked."""
    after = facts
    if facts.disagreements:
        answer = talk.ask(asking.disagreement_question(facts.day, facts.disagreements))
        if answer is not None and answer.choice == "higher":
            after = _with_higher(after)
        elif answer is not None and answer.choice == "together":
            after = _with_minutes_together(after)
    for part in facts.unusable:
        if part.about == "visit_minutes":
            after = _with_minutes(after, talk, part.found, part.sources)
            continue
        answer = talk.ask(asking.word_question(facts.day, part))
        level = level_of(answer.value) if answer is not None else None
        if level is not None:
            after = _with_element(after, part.about, level)
    if after.minutes is not None and after.minutes > talk.most_minutes:
        words = f"{after.minutes} minutes, and more than {talk.most_minutes} are doubted"
        sources = facts.sources["visit_minutes"]
        after = _with_minutes(after._replace(minutes=None), talk, words, sources)
    return after


def _with_minutes(
    facts: VisitFacts, talk: VisitTalk, words: str, sources: Sequence[Source]
) -> VisitFacts:
    answer = talk.ask(asking.minutes_question(facts.day, words, sources))
    minutes = talk.believed(answer.value, sources) if answer is not None else None
    return facts if minutes is None else facts._replace(minutes=minutes)


def _with_higher(facts: VisitFacts) -> VisitFacts:
    for part in facts.disagreements:
        if part.about == "visit_minutes":
            facts = facts._replace(minutes=int(part.higher))
        else:
            facts = _with_element(facts, part.about, LEVELS[part.higher])
    return facts


def _with_minutes_together(facts: VisitFacts) -> VisitFacts:
    added = [int(part.together) for part in facts.disagreements if part.together]
    return facts._replace(minutes=added[0]) if added else facts


def _with_element(facts: VisitFacts, about: Observed, level: Level) -> VisitFacts:
    elements = dict(facts.elements)
    elements[about] = level
    return facts._replace(elements=elements)


_ENDS: frozenset[AnswerChoice] = frozenset({"by_hand", "other_account", "no_visit"})
_SAYS: Mapping[AnswerChoice, str] = {
    "confirm": "A person says that the posted code is seen to by itself.",
    "by_hand": "A person sees to the visit outside chargeline.",
    "other_account": "A person says that the visit belongs to another visit number.",
    "no_visit": "A person says that there was no visit beside what else was done.",
}
