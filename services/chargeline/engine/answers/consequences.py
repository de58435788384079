"""What each choice of a question would draft, before anybody chooses.

It owns the values that are tried where a choice needs one, such as the ordered amount, and the
difference between two drafts in the words of a bill. `draft` is pure, so this is one draft for each
choice: nothing is stored and nothing is announced.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, get_args

from chargeline.engine.again import SavedWork
from chargeline.engine.answer_words import ValueKind
from chargeline.engine.answers.identity import Asked
from chargeline.engine.answers.offers import Offer
from chargeline.engine.care_words import Level
from chargeline.engine.draft import draft
from chargeline.engine.events import ANSWER, Answer, MessageRef
from chargeline.engine.quantities import plain
from chargeline.engine.record import History
from chargeline.engine.rulebooks import Rulebook
from chargeline.engine.services.facts import product_of
from chargeline.engine.supplies import supply_of
from chargeline.engine.timeline.records import Administration, Timeline
from chargeline.engine.trace import ChargeLine, Draft, Question, charge_in_short
from chargeline.engine.words import Route

TRIED = "0" * 12
"""The number of an answer that nobody has given."""
_ROUTES: tuple[Route, ...] = ("intravenous", "subcutaneous", "intramuscular")
_NEAREST = 3


class LineDifference(NamedTuple):
    """A line that a choice changes: its drug, and what stands there before and after.

    `before` and `after` are such as `96415-59 x2`, "" for no line; a `?` marks a provisional line.
    """

    drug: str
    before: str
    after: str


class Consequence(NamedTuple):
    """What one choice with one value would draft.

    `changes` is None where the choice needs a value and none can be proposed.
    """

    offer: Offer
    value: str
    changes: tuple[LineDifference, ...] | None
    lines: tuple[ChargeLine, ...] = ()


def consequences(
    timeline: Timeline,
    asked: Asked,
    rulebook: Rulebook,
    history: History,
    *,
    policy: str = "",
    saved: SavedWork | None = None,
) -> Iterator[Consequence]:
    """What each choice of a question would draft, in the order of the choices.

    The arguments are those of the draft in which the question stands.
    """
    work = saved or SavedWork()
    before = draft(timeline, rulebook, history, policy=policy, saved=work)
    for offer in asked.offers:
        values = _values(offer, timeline, asked, rulebook)
        if not values:
            yield Consequence(offer, "", None)
        for value in values:
            tried = timeline._replace(answers=(*timeline.answers, _answer(asked, offer, value)))
            after = draft(tried, rulebook, history, policy=policy, saved=work)
            yield Consequence(offer, value, changes_between(before, after), after.lines)


def _answer(asked: Asked, offer: Offer, value: str) -> Answer:
    question = asked.question
    return Answer(
        message=MessageRef(TRIED, TRIED, ANSWER, None),
        question_id=asked.question_id,
        code=question.finding.code,
        drug=question.drug,
        administrations=question.administrations,
        fingerprint=asked.fingerprint,
        choice=offer.choice,
        value=value,
        by="",
        reason="",
    )


def changes_between(before: Draft, after: Draft) -> tuple[LineDifference, ...]:
    """The lines that differ between two drafts of a visit; a line is known by its number."""
    old = {line.line_id: line for line in before.lines}
    new = {line.line_id: line for line in after.lines}
    changes = []
    for line_id, either in {**old, **new}.items():
        was, now = _in_short(old.get(line_id)), _in_short(new.get(line_id))
        if was != now:
            changes.append(LineDifference(either.drug, was, now))
    return tuple(changes)


def _in_short(line: ChargeLine | None) -> str:
    if line is None:
        return ""
    return charge_in_short(line.code, line.modifiers, line.units) + " ?" * bool(line.provisional)


# ------------------------------------------------------------------ values to try


def _values(offer: Offer, timeline: Timeline, asked: Asked, rulebook: Rulebook) -> Sequence[str]:
    """The values to try for a choice: "" for one that needs none, empty if none can be proposed."""
    by_key = {item.key: item for item in timeline.administrations}
    items = [by_key[key] for key in asked.question.administrations if key in by_key]
    if offer.value in _OF_THE_QUESTION:
        return _OF_THE_QUESTION[offer.value](asked.question)
    if offer.value in _OF_A_VISIT:
        return _OF_A_VISIT[offer.value]
    if offer.value == "" or not items:
        return [""] if offer.value == "" else []
    return _PROPOSALS[offer.value](_Asked(offer, items[0], timeline, rulebook))


# The question itself names what may be said.
_OF_THE_QUESTION: Mapping[ValueKind, Callable[[Question], Sequence[str]]] = {
    "payer": lambda question: [question.about],
    "said": lambda question: question.values,
}
# What is asked of a visit with a practitioner, or of an authorization, is about no administration;
# nobody guesses minutes, or what a payer wrote.
_OF_A_VISIT: Mapping[ValueKind, Sequence[str]] = {
    "level": get_args(Level),
    "minutes": (),
    "codes": (),
    "count": (),
}


class _Asked(NamedTuple):
    """What a value is proposed for: a choice, and the first administration of its question."""

    offer: Offer
    item: Administration
    timeline: Timeline
    rulebook: Rulebook


def _times(asked: _Asked) -> list[str]:
    """The ordered end of a missing stop; nobody can guess the start of a stop."""
    item = asked.item
    if asked.offer.choice != "stop" or item.ordered_minutes is None:
        return []
    end = item.intervals[-1].start + timedelta(minutes=item.ordered_minutes)
    return [end.isoformat(timespec="minutes")]


def _amounts(asked: _Asked) -> list[str]:
    """The ordered amount, if one drug is ordered with an amount."""
    amounts = [drug for drug in asked.item.ordered if drug.amount and drug.component != "base"]
    return [f"{plain(drug.amount)} {drug.unit}" for drug in amounts[:1] if drug.amount]


def _products(asked: _Asked) -> list[str]:
    """The rows of the formulary that are nearest to what the sender wrote."""
    item = asked.item
    near = [
        name
        for drug in (*item.drugs, *item.ordered)
        for match in [product_of(item, drug, asked.rulebook.formulary)]
        for name in ([match.drug.id] if match.drug is not None else match.nearest)
    ]
    return list(dict.fromkeys(near))[:_NEAREST]


def _ndcs(asked: _Asked) -> list[str]:
    """The NDCs that the pharmacy handed out for the order."""
    formulary = asked.rulebook.formulary
    supplies = [
        supply_of(item, formulary)
        for item in asked.timeline.dispensed
        if item.order == asked.item.order
    ]
    return list(dict.fromkeys([supply.ndc for supply in supplies if supply.ndc]))[:_NEAREST]


def _of_the_day(asked: _Asked) -> list[str]:
    """The administrations of the day."""
    return [item.key for item in asked.timeline.administrations if item.day == asked.item.day]


def _routes(_asked: _Asked) -> Sequence[str]:
    return _ROUTES


def _nothing(_asked: _Asked) -> Sequence[str]:
    """Nothing can be proposed: what to charge, only a person can say."""
    return ()


_PROPOSALS: Mapping[ValueKind, Callable[[_Asked], Sequence[str]]] = {
    "time": _times,
    "amount": _amounts,
    "product": _products,
    "route": _routes,
    "ndc": _ndcs,
    "administration": _of_the_day,
    "charge": _nothing,
}
