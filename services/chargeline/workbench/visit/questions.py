"""The question cards of the Visit screen, and the panel of the chosen one.

It owns how a question is asked on the page. What each choice drafts is worked out for the chosen
question alone, because every choice costs a draft of the whole visit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from chargeline.drafting.answering import DraftedVisit, money_moved, would_draft
from chargeline.drafting.given_words import drug_words
from chargeline.engine import (
    Administration,
    Asked,
    Consequence,
    LineDifference,
    Rulebook,
    severity_of,
)
from chargeline.published.events import questions_of
from chargeline.published.writing import VisitDraft
from chargeline.workbench.visit.model import (
    ChoiceShown,
    OutcomeShown,
    QuestionCard,
    QuestionPanel,
)
from chargeline.workbench.visit.sentences import sentence_of
from chargeline.workbench.visit.words import SEVERITIES, clock, dollars, sources_shown

_HINTS: Mapping[str, str] = {
    "time": "24 h, such as 12:13; with its day as 2026-03-19T12:13 where it is another one",
    "amount": "number and unit, such as 450 mg",
    "product": "id of the formulary, such as carboplatin",
    "route": "intravenous, subcutaneous, intramuscular",
    "ndc": "11 digits",
    "administration": "the administration for which the patient came",
    "minutes": "whole minutes, such as 45",
    "level": "straightforward, low, moderate or high",
    "codes": "codes with blanks between them, or *",
    "count": "whole number and what it counts, such as 800 units",
    "charge": "code, modifiers and units, such as 96415-59 x2",
}
_CLOSED = frozenset({"level", "administration"})


def cards_of(
    whole: VisitDraft, prices: Mapping[str, int], revision: int, chosen: str
) -> tuple[QuestionCard, ...]:
    """The open questions of a visit as cards, numbered from 1 in the order of the draft."""
    timeline = whole.timeline
    items = {item.key: item for item in timeline.administrations} if timeline is not None else {}
    zone = ZoneInfo(timeline.context.zone if timeline is not None else "UTC")
    events = questions_of(whole, max(1, revision), prices)
    return tuple(
        [
            _card(
                number,
                asked,
                also=_also(asked, items, zone),
                stake=dollars(event.question.stake_cents or None),
                is_chosen=asked.question_id == chosen,
            )
            for number, (asked, event) in enumerate(zip(whole.asked, events, strict=True), start=1)
        ]
    )


def _card(number: int, asked: Asked, *, also: str, stake: str, is_chosen: bool) -> QuestionCard:
    question = asked.question
    return QuestionCard(
        number=number,
        question_id=asked.question_id,
        code=question.finding.code,
        sentence=sentence_of(question.finding.code, question.drug),
        also=also,
        state=SEVERITIES[severity_of(question.finding.code)],
        stake=stake,
        can_be_answered=bool(asked.offers),
        is_chosen=is_chosen,
    )


def _also(asked: Asked, items: Mapping[str, Administration], zone: ZoneInfo) -> str:
    """When the first dose in question began, and what was found."""
    of_question = [items[key] for key in asked.question.administrations if key in items]
    finding = asked.question.finding
    says = f"{finding.found[:1].upper()}{finding.found[1:]}."
    if not of_question:
        return says
    first = min(of_question, key=lambda item: item.start)
    minutes = first.ordered_minutes
    ordered = f", ordered for {minutes} minutes" if minutes else ""
    return f"Started {clock(first.start, zone, first.day)}{ordered}. {says}"


def panel_of(
    visit: DraftedVisit,
    asked: Asked,
    card: QuestionCard,
    rulebook: Rulebook,
    *,
    prices: Mapping[str, int],
    policy: str = "",
) -> QuestionPanel:
    """The chosen question, with what each choice drafts. It drafts the visit once a choice."""
    zone = ZoneInfo(visit.timeline.context.zone)
    finding = asked.question.finding
    labels = {
        item.key: f"{clock(item.start, zone, item.day)} {drug_words(item, rulebook.formulary)}"
        for item in visit.timeline.administrations
    }
    return QuestionPanel(
        card=card,
        expected=finding.expected,
        found=finding.found,
        do=finding.do,
        sources=sources_shown(asked.question.sources),
        fingerprint=asked.fingerprint,
        choices=tuple(_choices(visit, would_draft(visit, asked, rulebook, policy), prices, labels)),
    )


def _choices(
    visit: DraftedVisit,
    consequences: Iterable[Consequence],
    prices: Mapping[str, int],
    labels: Mapping[str, str],
) -> Iterator[ChoiceShown]:
    """The choices in their order, each with what it drafts for every value that can be tried."""
    by_choice: dict[str, list[Consequence]] = {}
    for consequence in consequences:
        by_choice.setdefault(consequence.offer.choice, []).append(consequence)
    zone = ZoneInfo(visit.timeline.context.zone)
    for choice, tried in by_choice.items():
        offer = tried[0].offer
        outcomes = []
        for consequence in tried:
            value = _local(consequence, zone)
            cents = money_moved(visit, consequence, prices)
            outcomes.append(
                OutcomeShown(
                    value=value,
                    label=labels.get(value, value.replace("T", ", ")) if offer.value else "",
                    gives=_in_short(consequence.changes),
                    money=dollars(cents, signed=True),
                    tone="none" if not cents else "up" if cents > 0 else "down",
                )
            )
        yield ChoiceShown(
            choice=choice,
            says=offer.says,
            needs=offer.value,
            hint=_HINTS.get(offer.value, ""),
            is_closed=offer.value in _CLOSED,
            outcomes=tuple(outcomes),
        )


def _local(consequence: Consequence, zone: ZoneInfo) -> str:
    """The value that was tried, a time by the sender's clock."""
    if consequence.offer.value != "time" or not consequence.value:
        return consequence.value
    moment = datetime.fromisoformat(consequence.value).astimezone(zone)
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def _in_short(changes: Sequence[LineDifference] | None) -> tuple[str, ...]:
    """The changed lines in short: `96409 ×1 ? → 96409 ×1`, `J9045 ×9 goes`.

    Of one drug, a line that goes and one that comes are shown as one change.
    """
    if changes is None:
        return ("depends on the value",)
    if not changes:
        return ("no line changes",)
    gone = [change for change in changes if not change.after]
    come = [change for change in changes if not change.before]
    shown = [
        f"{change.before} → {change.after}" for change in changes if change.before and change.after
    ]
    for change in gone:
        partner = next((other for other in come if other.drug == change.drug), None)
        if partner is not None:
            come.remove(partner)
        shown.append(
            f"{change.before} goes" if partner is None else f"{change.before} → {partner.after}"
        )
    shown += [f"{change.after} comes" for change in come]
    return tuple([text.replace(" x", " ×") for text in shown])
