"""What the reports are made of, read from the ledger: counts, drafts, authorizations, answers.

It owns how much is read and where a reading stops, which the page then says. Drafts are read the
newest day first, a page at a time, each page in a transaction of its own, so that no report holds
the ledger; what changes between two pages is in one of them or in neither.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import aclosing
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.drafting.patient_records import (
    AUTHORIZED,
    RUNNING_OUT,
    records_with,
    warning_for,
)
from chargeline.drafting.reading_back import answer_read
from chargeline.engine import AuthorizationBalance, VisitKey, balance_of, visits_telling
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.reporting import (
    DraftToRead,
    MomentSpan,
    ParkedOfCode,
    QuestionsOfCode,
    ReportPeriod,
    VisitsCounted,
)
from chargeline.published.answers import Given, GivenAnswer
from chargeline.workbench.bench import Bench
from chargeline.workbench.reports.asked_for import ReportName, moments_of
from chargeline.workbench.reports.read_drafts import DraftTallies

DRAFTS_MOST = 1_000
"""So many drafts are read for one page; a draft of a day of infusions has some 20 KB."""
PATIENTS_MOST = 2_000
"""So many patients with an authorization are looked at, in the order of their numbers."""
ANSWERS_MOST = 10_000
DRAFTS_AT_ONCE, ANSWERS_AT_ONCE = 50, 1_000

OF_DRAFTS: frozenset[ReportName] = frozenset({"stops", "findings", "waste", "policies"})
OF_QUESTIONS: frozenset[ReportName] = frozenset({"questions", "findings"})


class RunningOut(NamedTuple):
    """An authorization that runs out: a code and a sentence for each concern, and its last visit.

    `visit` is None where no visit uses it or tells of it any more.
    """

    balance: AuthorizationBalance
    concerns: tuple[tuple[str, str], ...]
    facility: str
    visit: VisitKey | None


class SaidAndWaited(NamedTuple):
    """What a person said, and when the question was put; None where no question was open."""

    said: Given
    put: datetime | None


class Gathered(NamedTuple):
    """What some reports are made of, at one moment. What none of them needs is empty.

    `many_patients` and `many_answers` are whether there are more than were read.
    """

    now: datetime
    zone: ZoneInfo
    period: ReportPeriod
    visits: VisitsCounted
    facilities: tuple[str, ...]
    tallies: DraftTallies
    questions: tuple[QuestionsOfCode, ...] = ()
    parked: tuple[ParkedOfCode, ...] = ()
    running_out: tuple[RunningOut, ...] = ()
    said: tuple[SaidAndWaited, ...] = ()
    many_patients: bool = False
    many_answers: bool = False

    @property
    def today(self) -> date:
        """The day by the clock of the site's sender."""
        return self.now.astimezone(self.zone).date()


def zone_of(bench: Bench) -> ZoneInfo:
    """The zone of the site's own interface, by whose clock days are counted."""
    return ZoneInfo(bench.processor.profile_of({}).zone)


async def gather(bench: Bench, period: ReportPeriod, names: Collection[ReportName]) -> Gathered:
    """Read what some reports need."""
    now, zone, wanted = bench.clock(), zone_of(bench), set(names)
    span = moments_of(period, zone)
    async with bench.ledger.view() as view:
        reporting = view.reporting
        gathered = Gathered(
            now=now,
            zone=zone,
            period=period,
            visits=await reporting.visits(period),
            facilities=tuple(await reporting.facilities()),
            tallies=DraftTallies(bench.processor.maker.prices),
        )
        if wanted & OF_QUESTIONS:
            asked = await reporting.questions(period, now)
            gathered = gathered._replace(questions=tuple(asked))
        if "findings" in wanted:
            gathered = gathered._replace(parked=tuple(await reporting.parked(span)))
    if wanted & OF_DRAFTS:
        await _read_drafts(bench, period, gathered.tallies)
    if "authorizations" in wanted:
        running, is_cut = await _running_out(bench, period.facility, gathered.today)
        gathered = gathered._replace(running_out=tuple(running), many_patients=is_cut)
    if "people" in wanted:
        said, is_cut = await _said(bench, span)
        gathered = gathered._replace(said=tuple(said), many_answers=is_cut)
    return gathered


async def _read_drafts(bench: Bench, period: ReportPeriod, tallies: DraftTallies) -> None:
    last: DraftToRead | None = None
    while tallies.read < DRAFTS_MOST:
        most = min(DRAFTS_AT_ONCE, DRAFTS_MOST - tallies.read)
        async with bench.ledger.view() as view:
            rows = await view.reporting.drafts(period, most, last)
        for row in rows:
            tallies.add(row)
        if len(rows) < most:
            return
        last = rows[-1]
        await asyncio.sleep(0)  # other pages come between


async def _running_out(bench: Bench, facility: str, today: date) -> tuple[list[RunningOut], bool]:
    """The authorizations that run out, and whether there are more patients than were looked at."""
    rulebook, running, seen = bench.processor.maker.rulebook, list[RunningOut](), 0
    async with aclosing(records_with(bench.ledger.view, AUTHORIZED)) as patients:
        async for patient in patients:
            if facility not in ("", patient.facility):
                continue
            if seen == PATIENTS_MOST:
                return running, True
            seen += 1
            whole = balance_of((), patient.record, ())
            for balance in whole.balances:
                warning = warning_for(rulebook, balance.authorization.payer, today)
                concerns = [
                    (str(concern.code), concern.says)
                    for concern in balance.ailing(today, warning)
                    if concern.code in RUNNING_OUT
                ]
                told_by = visits_telling(balance.authorization, patient.record)
                visits = [account.use.visit for account in balance.uses] or [*told_by]
                if concerns:
                    running.append(
                        RunningOut(
                            balance,
                            concerns=tuple(concerns),
                            facility=patient.facility,
                            visit=visits[-1] if visits else None,
                        )
                    )
    return running, False


async def _said(bench: Bench, span: MomentSpan) -> tuple[list[SaidAndWaited], bool]:
    """What people said in a time, and whether there is more than was read."""
    rows, last = list[StoredAnswer](), None
    is_cut = False
    while not is_cut:
        async with bench.ledger.view() as view:
            page = await view.reporting.answers(span, ANSWERS_AT_ONCE, last)
        rows += page
        if len(page) < ANSWERS_AT_ONCE:
            break
        last, is_cut = rows[-1], len(rows) >= ANSWERS_MOST
    said = list(map(answer_read, rows))
    async with bench.ledger.view() as view:
        put = await view.reporting.put_at(
            [(one.facility, one.question_id) for one in said if isinstance(one, GivenAnswer)]
        )
    return [SaidAndWaited(one, _put(one, put)) for one in said], is_cut


def _put(said: Given, put: Mapping[tuple[str, str], datetime]) -> datetime | None:
    """When the question of an answer was put; None for a word on a line."""
    if not isinstance(said, GivenAnswer):
        return None
    return put.get((said.facility, said.question_id))
