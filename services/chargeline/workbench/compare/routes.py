"""The addresses of Compare: the page, JSON, CSV, and "compare again".

It owns the requests. Who asks for a comparison that nobody asked for begins it, and the page reads
itself again until it is done. Nothing is recorded, and no patient is shown.
"""

from datetime import date
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from chargeline.engine import Finding
from chargeline.ledger.periods import PeriodFilter
from chargeline.workbench.bench import (
    OUR_FORM,
    Bench,
    BusyError,
    NotValidError,
    TheBench,
    needs,
)
from chargeline.workbench.compare.asked_for import AskedComparison, CompareQuery
from chargeline.workbench.compare.items import ComparedLine, CompareItems, Sums, kinds_of
from chargeline.workbench.compare.jobs import IN_LINE_MOST, KEPT_FOR, ComparisonJob
from chargeline.workbench.compare.making import VISITS_MOST, ComparisonResult, compare
from chargeline.workbench.downloads import table_of
from chargeline.workbench.login import own_address
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person

router = APIRouter()
VISITS_AT_ONCE = 25
"""So many visits stand on one page."""
CHANGES_MOST = 40
"""So many kinds of changes stand on the page; JSON has all."""
EVERY_SECONDS = 2

MayCompare = Annotated[Person, Depends(needs("reports.see"))]
Wanted = Annotated[CompareQuery, Query()]


@router.get("/compare", include_in_schema=False)
async def show_comparison(
    request: Request, bench: TheBench, person: MayCompare, wanted: Wanted
) -> Response:
    """The form, and the comparison as far as it is."""
    asked = wanted.comparison(_today(bench))
    refused, failed = _mistakes(bench, wanted), False
    items = CompareItems(state="nothing")
    if wanted.is_asked and not refused:
        job = _job(bench, asked)
        refused, failed = list(job.refused), bool(job.refused)
        items = await _items(bench, asked, job, wanted)
    places, payers = await _choices(bench, asked.period)
    values: dict[str, Any] = {
        "wanted": wanted,
        "asked": asked,
        "items": items,
        "refused": refused,
        "failed": failed,
        "names": kinds_of(asked.against),
        "policies": sorted(bench.processor.maker.rulebook.policies),
        "folders": list(bench.rules_folders),
        "places": places,
        "payers": payers,
        "has_prices": bool(bench.processor.maker.prices),
        "most": VISITS_MOST,
        "changes_most": CHANGES_MOST,
        "every": EVERY_SECONDS,
        "kept": KEPT_FOR,
    }
    return page(request, "compare.html", person, values, status=422 if refused else 200)


@router.get("/compare.json", tags=["compare"])
async def list_comparison(bench: TheBench, person: MayCompare, wanted: Wanted) -> CompareItems:
    """A comparison as far as it is; ask again until `state` is `done`."""
    asked, job = _asked(bench, wanted)
    return await _items(bench, asked, job, wanted)


@router.get("/compare.csv", tags=["compare"], response_class=Response)
async def download_comparison(bench: TheBench, person: MayCompare, wanted: Wanted) -> Response:
    """All differences of a comparison that is done, as a table, those of a filter only."""
    asked, job = _asked(bench, wanted)
    if job.result is None:
        raise BusyError(
            Finding(
                "workbench.not_done",
                expected="a comparison that is done",
                found=f"{job.done} of {job.total or 'its'} visits compared",
                where="/compare",
                do="ask again in a moment",
            )
        )
    visits = _sums(bench, asked, job.result).visits(wanted.kind, wanted.rule)
    return table_of("compare.csv", ComparedLine, [line for visit in visits for line in visit.lines])


class ComparedAgain(BaseModel):
    """The form that has a comparison made anew."""

    back: str = Field("/compare", max_length=4_000)


@router.post("/compare/again", dependencies=OUR_FORM, include_in_schema=False)
async def compare_again(
    bench: TheBench, person: MayCompare, wanted: Wanted, form: Annotated[ComparedAgain, Form()]
) -> Response:
    """Let go of the result, and go back to the page, which compares anew."""
    bench.comparisons.forget(wanted.comparison(_today(bench)))
    return RedirectResponse(own_address(form.back), 303)


def _today(bench: Bench) -> date:
    return bench.clock().astimezone(ZoneInfo(bench.processor.profile.zone)).date()


def _mistakes(bench: Bench, wanted: CompareQuery) -> list[Finding]:
    policies = bench.processor.maker.rulebook.policies
    return list(wanted.mistakes(_today(bench), policies, bench.rules_folders))


def _asked(bench: Bench, wanted: CompareQuery) -> tuple[AskedComparison, ComparisonJob]:
    """What a program asks for, and its job. Raises NotValidError and BusyError."""
    refused = _mistakes(bench, wanted)
    if not refused and not wanted.is_asked:
        refused = [
            Finding(
                "workbench.not_valid",
                expected="policy, rules, or against=posted with first",
                found="none of them",
                where="query",
                do="say what the drafts are compared with",
            )
        ]
    if refused:
        raise NotValidError(*refused)
    asked = wanted.comparison(_today(bench))
    job = _job(bench, asked)
    if job.refused:
        bench.comparisons.forget(asked)  # the next who asks tries again
        raise NotValidError(*job.refused)
    return asked, job


def _job(bench: Bench, asked: AskedComparison) -> ComparisonJob:
    """The job of what is asked for, begun if there is none. Raises BusyError."""
    comparisons = bench.comparisons
    job = comparisons.find(asked, bench.clock())
    job = job or comparisons.begin(asked, partial(compare, bench, asked), bench.clock)
    if job is None:
        raise BusyError(
            Finding(
                "workbench.busy",
                expected=f"fewer than {IN_LINE_MOST} comparisons at a time",
                found=f"{IN_LINE_MOST} that work or wait",
                where="/compare",
                do="wait until one of them is done, and load the page again",
            )
        )
    return job


def _sums(bench: Bench, asked: AskedComparison, result: ComparisonResult) -> Sums:
    return Sums(result, asked.against, bench.processor.maker.prices)


async def _items(
    bench: Bench, asked: AskedComparison, job: ComparisonJob, wanted: CompareQuery
) -> CompareItems:
    """The comparison as far as it is, and the wanted page of its visits."""
    if job.result is None:
        return CompareItems(
            state="nothing" if job.refused else "working",
            begun=job.begun,
            done=job.done,
            total=job.total,
        )
    result: ComparisonResult = job.result
    sums = _sums(bench, asked, result)
    async with bench.ledger.view() as view:
        stamp = await view.period(asked.period).stamp()
    visits = sums.visits(wanted.kind, wanted.rule)
    start = (wanted.page - 1) * VISITS_AT_ONCE
    return CompareItems(
        state="done",
        begun=job.begun,
        read_at=result.read_at,
        done=job.done,
        total=job.total,
        left_out=result.left_out,
        undated=stamp.undated,
        changed_since=stamp[:2] != result.stamp[:2],
        rulebook=result.rulebook,
        other=result.other,
        sums=sums.sums(),
        kinds=sums.kinds(),
        changes=sums.changes(),
        told=sums.told(),
        missing=sums.missing(),
        visits=visits[start : start + VISITS_AT_ONCE],
        pages=max(-(-len(visits) // VISITS_AT_ONCE), 1),
    )


async def _choices(bench: Bench, period: PeriodFilter) -> tuple[list[str], list[str]]:
    """The units and the payers of the visits of the period."""
    async with bench.ledger.view() as view:
        visits = view.period(period)
        return await visits.values("place"), await visits.values("payer")
