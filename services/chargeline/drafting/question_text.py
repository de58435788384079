"""A question as text, for a person or in JSON: what is asked, and what each answer would draft.

It owns the wording and the layout. It decides nothing: the question comes from a draft, and what a
choice would draft comes from another draft. No name, birth date or address is shown.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from chargeline.drafting.answering import DraftedVisit, money_moved, would_draft
from chargeline.engine import Asked, Consequence, LineDifference, Rulebook, printable
from chargeline.published.events import questions_of
from chargeline.published.shapes import DocumentationQuestion
from chargeline.published.writing import visit_draft

Plain = dict[str, Any]


def in_full(
    visit: DraftedVisit,
    asked: Asked,
    rulebook: Rulebook,
    *,
    policy: str = "",
    prices: Mapping[str, int] = MappingProxyType({}),
    as_json: bool = False,
) -> str:
    """A question of a visit, and what each of its choices would draft."""
    published = _as_published(visit, asked, rulebook, prices)
    choices = list(would_draft(visit, asked, rulebook, policy))
    if as_json:
        return json.dumps(_plain(published, visit, choices, prices))
    return _shown(published, visit, choices, prices)


def listed(question: DocumentationQuestion, *, as_json: bool = False) -> str:
    """A question on a line: its number, its visit, its code, and what is asked."""
    if as_json:
        return question.model_dump_json()
    stake = dollars(question.stake_cents) if question.stake_cents is not None else ""
    about = f"{question.drug}: " if question.drug else ""
    text = (
        f"{question.question_id}  {question.visit:<12} {question.code:<22} {stake:>10}  "
        f"{about}expected {question.expected}, found {question.found}"
    )
    return printable(text)


def dollars(cents: int, *, signed: bool = False) -> str:
    """Cents as dollars, such as $1,234.50, or with its sign: +$66.00."""
    sign = "-" if cents < 0 else "+" if signed else ""
    return f"{sign}${abs(cents) / 100:,.2f}"


def _as_published(
    visit: DraftedVisit, asked: Asked, rulebook: Rulebook, prices: Mapping[str, int]
) -> DocumentationQuestion:
    """The event that asks a question of a visit."""
    whole = visit_draft(visit.draft, visit.timeline, rulebook.formulary)
    events = [question.question for question in questions_of(whole, 1, prices)]
    return next(event for event in events if event.question_id == asked.question_id)


def _shown(
    question: DocumentationQuestion,
    visit: DraftedVisit,
    choices: Sequence[Consequence],
    prices: Mapping[str, int],
) -> str:
    """A question in full, each choice with the lines that it would change and the money."""
    lines = [
        f"{question.question_id}  visit {question.visit}  {question.drug or 'the visit'}  "
        f"[{question.code}]  {question.severity}",
        f"  expected {question.expected}",
        f"  found    {question.found}",
        f"  do       {question.do}",
        *[f"  from     {source}" for source in question.sources],
    ]
    if question.stake_cents is not None:
        lines.append(f"  waits    {dollars(question.stake_cents)}")
    for consequence in choices:
        value = _local(consequence, visit.timeline.context.zone)
        lines += _choice(consequence, value, money_moved(visit, consequence, prices))
    if choices:
        lines.append(
            f"  answer with: chargeline answer {question.question_id} CHOICE [--value VALUE]"
            " --by NAME --reason TEXT"
        )
    return "\n".join(map(printable, lines))


def _local(consequence: Consequence, zone: str) -> str:
    """The value that was tried, a time by the sender's clock."""
    if consequence.offer.value != "time" or not consequence.value:
        return consequence.value
    moment = datetime.fromisoformat(consequence.value).astimezone(ZoneInfo(zone))
    return moment.isoformat(timespec="minutes")


def _choice(consequence: Consequence, value: str, cents: int | None) -> list[str]:
    offer = consequence.offer
    needs = f" {value or offer.value.upper()}" if offer.value else ""
    money = f"   {dollars(cents, signed=True)}" if cents else ""
    head = f"  {offer.choice + needs:<34} {offer.says}{money}"
    return [head, *[f"      {text}" for text in _in_words(consequence.changes)]]


def _in_words(changes: Iterable[LineDifference] | None) -> list[str]:
    if changes is None:
        return ["what it drafts depends on the value"]
    return [
        f"{change.drug}: {change.before or 'nothing'} -> {change.after or 'nothing'}"
        for change in changes
    ] or ["no line of this visit changes"]


def _plain(
    question: DocumentationQuestion,
    visit: DraftedVisit,
    choices: Iterable[Consequence],
    prices: Mapping[str, int],
) -> Plain:
    """A question with what each choice would draft, as plain values for JSON."""
    return {
        **question.model_dump(mode="json"),
        "would_draft": [
            {
                "choice": consequence.offer.choice,
                "value": consequence.value,
                "changes": None
                if consequence.changes is None
                else [change._asdict() for change in consequence.changes],
                "cents": money_moved(visit, consequence, prices),
            }
            for consequence in choices
        ],
    }
