"""Which questions of a draft a person has settled, and what that does to its lines.

It owns the rule that a settled question is asked no more, that a line which rested on it alone is
firm, and that the line says who settled it. It does not change a code or a unit: an answer that
gives another fact has done that before anything was drafted (`applying`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from chargeline.engine.answers.applying import SETTLES, source_of
from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.events import Answer
from chargeline.engine.timeline.records import Administration
from chargeline.engine.trace import (
    ChargeLine,
    EncounterDraft,
    Proposal,
    Question,
    Step,
    Withheld,
    instead_of_line,
)

BY_HAND = "A person sees to it outside chargeline."
_Items = Mapping[str, Administration]
_Entry = TypeVar("_Entry", ChargeLine, Withheld)


def not_settled(
    questions: tuple[Question, ...], administrations: Sequence[Administration]
) -> tuple[Question, ...]:
    """The questions that no person has settled."""
    if not questions or not _has_answers(administrations):
        return questions
    items = {item.key: item for item in administrations}
    return tuple([question for question in questions if not _is_settled(question, items)])


def _has_answers(administrations: Sequence[Administration]) -> bool:
    return any(item.answered for item in administrations)


def _is_settled(question: Question, items: _Items) -> bool:
    """Whether a person has settled a question: by an answer on one of its administrations."""
    return any(
        (answer.choice in SETTLES or (answer.code, answer.choice) in _SETTLED_BY_FACTS)
        and set(answer.administrations) == set(question.administrations)
        for answer in _answers_to(question, items)
    )


def _is_by_hand(question: Question, items: _Items) -> bool:
    """Whether a person sees to what is asked about outside chargeline."""
    return any(answer.choice == "by_hand" for answer in _answers_to(question, items))


def _answers_to(question: Question, items: _Items) -> list[Answer]:
    """The answers on the administrations of a question to questions of its code."""
    answers = _answers_on(question.administrations, items)
    return [answer for answer in answers if answer.code == question.finding.code]


def _answers_on(keys: Iterable[str], items: _Items) -> list[Answer]:
    return [answer for key in keys if key in items for answer in items[key].answered]


# The order still names the other drug; the person has said which one was given.
_SETTLED_BY_FACTS = frozenset({("drug.not_ordered", "product")})


def settled(
    proposal: Proposal, administrations: Sequence[Administration], beside: AnswersBeside
) -> Proposal:
    """A proposal after what people answered: without settled questions, with firm lines.

    Every line and withheld service of an administration of which somebody spoke gets a step.
    `beside` is what they answered to questions about no administration.
    """
    if not beside.by_fingerprint and not _has_answers(administrations):
        return proposal
    items = {item.key: item for item in administrations}
    asked: list[Question] = []
    closed: list[Question] = []
    left_to: list[Question] = []
    for question in proposal.questions:
        choice = beside.choice(question)
        (closed if choice or _is_settled(question, items) else asked).append(question)
        if choice == "by_hand" or _is_by_hand(question, items):
            left_to.append(question)
    still, no_more = _asked_about(asked), _asked_about(closed)
    by_hand = _asked_about(left_to)
    kept = [line for line in proposal.lines if not _rests_on(line, by_hand)]
    left = [left_to_a_person(line) for line in proposal.lines if _rests_on(line, by_hand)]
    return proposal._replace(
        lines=tuple([_told(_firm(line, still, no_more), items) for line in kept]),
        questions=tuple(asked),
        withheld=tuple([_told(entry, items) for entry in (*proposal.withheld, *left)]),
    )


def left_to_a_person(line: ChargeLine) -> Withheld:
    """The line that a person bills by hand, so that it is not billed twice."""
    return instead_of_line(line, "answer.by_hand", _SAYS["by_hand"])


_AskedAbout = frozenset[tuple[str, str, str]]
"""The code of a question, with `drug` and its drug, or with `administration` and a key of it."""


def _asked_about(questions: Sequence[Question]) -> _AskedAbout:
    about: set[tuple[str, str, str]] = set()
    for question in questions:
        code = question.finding.code
        about.add((code, "drug", question.drug))
        about.update([(code, "administration", key) for key in question.administrations])
    return frozenset(about)


def _rests_on(line: ChargeLine, asked: _AskedAbout) -> bool:
    """Whether a line is provisional because of one of the questions."""
    return bool(line.provisional) and not _asked_about_line(line).isdisjoint(asked)


def _firm(line: ChargeLine, asked: _AskedAbout, closed: _AskedAbout) -> ChargeLine:
    """The line, provisional no more if the question that it rested on is settled."""
    if _rests_on(line, closed) and not _rests_on(line, asked):
        return line._replace(provisional="")
    return line


def _asked_about_line(line: ChargeLine) -> _AskedAbout:
    """What the question has that a line rests on.

    It has the code that makes the line provisional, and the line's drug or administration. A dose
    that cannot be read is no administration of its drug line, but has its drug.
    """
    keys = [(line.provisional, "administration", key) for key in line.administrations]
    return frozenset([(line.provisional, "drug", line.drug), *keys])


def _told(entry: _Entry, items: _Items) -> _Entry:
    answers = dict.fromkeys(_answers_on(entry.administrations, items))
    steps: tuple[Step, ...] = tuple([step_of(answer) for answer in answers])
    return entry._replace(trace=(*entry.trace, *steps)) if steps else entry


def step_of(answer: Answer) -> Step:
    """The step that says what a person answered, who, and why."""
    value = (("value", answer.value),) if answer.value else ()
    facts = (("question", answer.code), ("answered", answer.choice), *value)
    return Step(
        "answer",
        None,
        (*facts, ("by", answer.by), ("because", answer.reason)),
        (source_of(answer),),
    )


def none_in_silence(
    draft: EncounterDraft, administrations: Sequence[Administration]
) -> EncounterDraft:
    """The draft, with an entry for each administration of which an answer left no trace.

    A drug that nobody knows, and that a person bills by hand, has no line, and its question is
    settled: it is withheld, and says so.
    """
    if not _has_answers(administrations):
        return draft
    entries: list[ChargeLine | Question | Withheld] = [*draft.lines, *draft.questions]
    entries += draft.withheld
    seen = {key for entry in entries for key in entry.administrations}
    silent = [item for item in administrations if item.answered and item.key not in seen]
    return draft._replace(withheld=(*draft.withheld, *map(_by_answer, silent)))


def _by_answer(item: Administration) -> Withheld:
    answer = item.answered[-1]
    return Withheld(
        family="encounter",
        reason=f"answer.{answer.choice}",
        says=_SAYS.get(answer.choice, "A person has settled the question, and nothing is billed."),
        drug=answer.drug,
        administrations=(item.key,),
        trace=(step_of(answer),),
    )


_SAYS: Mapping[str, str] = {
    "by_hand": BY_HAND,
    "unknown": "Nobody can say what was given, so nothing is billed.",
}


def still_asked_of_visit(
    questions: Sequence[Question], beside: AnswersBeside
) -> tuple[Question, ...]:
    """The questions about the visit as a whole that nobody has settled."""
    return tuple([question for question in questions if beside.to(question) is None])
