"""Puts the Visit screen together: from a drafted visit and its rows to a `VisitPage`.

It owns the order of the work and the head of the page. It reads no ledger and no clock: whoever
routes to it hands in the rows, the moment, and what the address chooses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.drafting.answering import DraftedVisit
from chargeline.drafting.record_words import needed_in_words, shown_authorization, shown_course
from chargeline.drafting.said_elsewhere import AnsweredElsewhere
from chargeline.drafting.visit_record import authorizations_of, courses_of, record_of
from chargeline.engine import ChargeLine, Draft, Rulebook, Timeline
from chargeline.ledger.records import StoredMessage, StoredRevision, StoredVisit
from chargeline.published.writing import VisitDraft, visit_draft
from chargeline.workbench.visit.history import elsewhere_rows, revision_rows, said_rows
from chargeline.workbench.visit.lanes import Lane, about, lanes_of
from chargeline.workbench.visit.lines import (
    amount_of,
    apart_of,
    edit_rows,
    families_of,
    line_row,
    waste_rows,
    withheld_rows,
)
from chargeline.workbench.visit.messages import links_of, message_shown, used_in
from chargeline.workbench.visit.model import (
    BesideRow,
    ChosenOnPage,
    Picture,
    QuestionCard,
    QuestionPanel,
    VisitHead,
    VisitPage,
    WhyOfLine,
)
from chargeline.workbench.visit.picture import MOST_LANES, picture_of
from chargeline.workbench.visit.questions import cards_of, panel_of
from chargeline.workbench.visit.ready import ready_of
from chargeline.workbench.visit.times import time_rows
from chargeline.workbench.visit.why import why_of
from chargeline.workbench.visit.words import harmless, in_full, masked, moment_of

NO_PRICES: Mapping[str, int] = MappingProxyType({})


class LedgerRows(NamedTuple):
    """What stands in the ledger beside the draft of a visit.

    `row` is None for a visit without a row. `message` is the chosen message, None where none is
    chosen or the visit does not have it. `elsewhere` are the answers of other visits that count
    here.
    """

    row: StoredVisit | None = None
    revisions: Sequence[StoredRevision] = ()
    message: StoredMessage | None = None
    elsewhere: Sequence[AnsweredElsewhere] = ()


NOTHING_CHOSEN, NOTHING_BESIDE = ChosenOnPage(), LedgerRows()


class SiteSetting(NamedTuple):
    """What is the same for all visits: rules, prices in cents by code, and the site's policy.

    `policy` is "" where the payer's policy counts; it is the one under which the visit was drafted.
    """

    rulebook: Rulebook
    prices: Mapping[str, int] = NO_PRICES
    policy: str = ""


class _Looked(NamedTuple):
    """The visit that is looked at: as charted, and `whole` with its timeline after all answers."""

    visit: DraftedVisit
    whole: VisitDraft
    timeline: Timeline
    setting: SiteSetting
    chosen: ChosenOnPage

    @property
    def zone(self) -> ZoneInfo:
        """The sender's time zone."""
        return ZoneInfo(self.timeline.context.zone)


def visit_page(
    visit: DraftedVisit,
    setting: SiteSetting,
    now: datetime,
    *,
    beside: LedgerRows = NOTHING_BESIDE,
    chosen: ChosenOnPage = NOTHING_CHOSEN,
    revealed: bool = False,
) -> VisitPage:
    """The Visit screen of one visit at a moment.

    With `revealed` the patient's number and the hidden fields of the chosen message are shown; who
    may see them, the caller decides and records. It drafts the visit once more for each choice of
    the chosen question, and not at all without one.
    """
    rulebook, prices, draft = setting.rulebook, setting.prices, visit.draft
    whole = visit_draft(draft, visit.timeline, rulebook.formulary)
    timeline = whole.timeline or visit.timeline
    looked = _Looked(visit, whole, timeline, setting=setting, chosen=chosen)
    zone, row = looked.zone, beside.row
    in_common = about(timeline, draft, whole.asked, rulebook.formulary, now=now)
    lanes = lanes_of(timeline.administrations, in_common)
    cards = cards_of(whole, prices, row.revision if row is not None else 1, chosen.question)
    used = used_in(draft, timeline)
    authorizations, courses = _beside_the_draft(looked)
    page = VisitPage(
        chosen=chosen,
        head=_head(looked, row, revealed=revealed),
        ready=ready_of(whole, row, prices, now),
        questions=cards,
        panel=_panel(looked, cards),
        pictures=_pictures(draft, lanes, chosen.line, zone),
        times=time_rows(lanes, zone),
        families=families_of(draft, whole.asked, prices, chosen.line),
        lines=len(draft.lines),
        total=amount_of(draft.lines, prices),
        withheld=withheld_rows(draft.encounters),
        edits=edit_rows(draft, prices),
        authorizations=authorizations,
        lacking=tuple([needed_in_words(need) for need in draft.needed]),
        courses=courses,
        waste=waste_rows(draft),
        why=_why(looked),
        messages=links_of(used, zone, chosen.message),
        message=message_shown(beside.message, used, zone, revealed=revealed)
        if beside.message is not None
        else None,
        revisions=revision_rows(beside.revisions, prices, zone),
        said=said_rows(draft, visit.timeline, zone) + elsewhere_rows(beside.elsewhere, zone),
    )
    return harmless(page)


def _head(looked: _Looked, row: StoredVisit | None, *, revealed: bool) -> VisitHead:
    timeline, draft, zone = looked.timeline, looked.visit.draft, looked.zone
    context = timeline.context
    days = [day.day for day in timeline.days]
    first, last = (in_full(days[0]), in_full(days[-1])) if days else ("", "")
    return VisitHead(
        facility=timeline.key.facility,
        visit=timeline.key.visit,
        days=first if first == last else f"{first} to {last}",
        place=context.place,
        patient_class=context.classes[-1][1] if context.classes else "unknown",
        payer=context.payer_name or context.payer or "unknown",
        policy=draft.policy,
        apart=apart_of(draft),
        patient=context.patient if revealed else masked(context.patient),
        zone=context.zone,
        revision=row.revision if row is not None else 0,
        rulebook=draft.rulebook[:12],
        arrived=moment_of(context.admitted, zone),
        left=moment_of(context.discharged, zone),
        is_revealed=revealed,
    )


def _beside_the_draft(
    looked: _Looked,
) -> tuple[tuple[BesideRow, ...], tuple[BesideRow, ...]]:
    """The authorizations and the courses of the visit, as all visits of the patient tell them."""
    record = record_of(looked.visit, looked.timeline)
    balances = authorizations_of(looked.visit, record)
    standings = courses_of(looked.visit, record, looked.setting.rulebook)
    held = [shown_authorization(balance, looked.visit) for balance in balances]
    courses = [shown_course(standing) for standing in standings]
    return (
        tuple([BesideRow(shown.number, tuple(shown[1:])) for shown in held]),
        tuple([BesideRow(shown.course, tuple(shown[1:])) for shown in courses]),
    )


def _panel(looked: _Looked, cards: Sequence[QuestionCard]) -> QuestionPanel | None:
    setting = looked.setting
    for question, card in zip(looked.whole.asked, cards, strict=True):
        if card.is_chosen:
            return panel_of(
                looked.visit,
                question,
                card,
                setting.rulebook,
                prices=setting.prices,
                policy=setting.policy,
            )
    return None


def _why(looked: _Looked) -> WhyOfLine | None:
    """The reasons of the chosen line, else of the first; None where there is no line."""
    draft, setting, chosen = looked.visit.draft, looked.setting, looked.chosen.line
    line = _line(draft.lines, chosen)
    if line is None:
        return None
    row = line_row(line, draft, looked.whole.asked, setting.prices)
    return why_of(
        line,
        row._replace(is_chosen=line.line_id == chosen),
        {item.key: item for item in looked.timeline.administrations},
        setting.rulebook,
        policy=draft.policy,
        prices=setting.prices,
        zone=looked.zone,
    )


def _line(lines: Sequence[ChargeLine], chosen: str) -> ChargeLine | None:
    by_id = {line.line_id: line for line in lines}
    return by_id.get(chosen) or next(iter(lines), None)


# ------------------------------------------------------------------ which lanes are drawn


def _pictures(
    draft: Draft, lanes: Sequence[Lane], chosen: str, zone: ZoneInfo
) -> tuple[Picture, ...]:
    """A picture for each encounter, as many lanes as may be drawn on the page.

    Where there are too many, those of the chosen line and those with a question come first.
    """
    by_key = {lane.item.key: lane for lane in lanes}
    parts = [
        [by_key.pop(key) for key in encounter.administrations if key in by_key]
        for encounter in draft.encounters
    ]
    parts.append(list(by_key.values()))
    first = sorted(
        [lane for part in parts for lane in part],
        key=lambda lane: (chosen not in [name for name, _code in lane.lines], not lane.numbers),
    )
    drawn = {lane.item.key for lane in first[:MOST_LANES]}
    lit = chosen if any(chosen == line.line_id for line in draft.lines) else ""
    pictures = []
    for part in parts:
        shown = [lane for lane in part if lane.item.key in drawn]
        if shown:
            pictures.append(picture_of(shown, len(part) - len(shown), zone, lit))
    return tuple(pictures)
