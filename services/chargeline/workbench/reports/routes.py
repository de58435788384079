"""The addresses of the reports: all on one page, one by itself, and each as JSON and CSV.

It owns the requests. Only what the reports of a page need is read.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from chargeline.workbench.bench import Bench, TheBench, needs
from chargeline.workbench.downloads import table_of
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person
from chargeline.workbench.reports.asked_for import REPORT_NAMES, Links, ReportName, ReportQuery
from chargeline.workbench.reports.gathering import (
    ANSWERS_MOST,
    OF_DRAFTS,
    PATIENTS_MOST,
    Gathered,
    gather,
    zone_of,
)
from chargeline.workbench.reports.making import ROWS
from chargeline.workbench.reports.picture import picture_of
from chargeline.workbench.reports.read_drafts import CountsByKey, VisitBehind
from chargeline.workbench.reports.rows import (
    AuthorizationLeft,
    DraftsRead,
    FindingsOfCode,
    PolicyDifference,
    QuestionAges,
    ReportRows,
    UnitStops,
    WasteOfDrug,
    WorkDone,
)
from chargeline.workbench.reports.showing import LOOKS, Cell, Look, row_name

router = APIRouter()
AT_ONCE = 6
"""So many rows of each report stand on the page of all reports."""
VISITS_LISTED = 200

MayLook = Annotated[Person, Depends(needs("reports.see"))]
Wanted = Annotated[ReportQuery, Query()]
_ROW: dict[ReportName, type[BaseModel]] = {
    "stops": UnitStops,
    "questions": QuestionAges,
    "findings": FindingsOfCode,
    "waste": WasteOfDrug,
    "policies": PolicyDifference,
    "authorizations": AuthorizationLeft,
    "people": WorkDone,
}


class ReportShown(NamedTuple):
    """A report on a page. `left_out` rows are on its own page only."""

    name: ReportName
    look: Look
    items: ReportRows
    cells: list[list[Cell]]
    picture: str
    left_out: int


class Behind(NamedTuple):
    """The visits behind a row, the newest day first, and how many more there are."""

    row: str
    visits: Sequence[VisitBehind]
    more: int


@router.get("/reports", include_in_schema=False)
async def show_reports(
    request: Request, bench: TheBench, person: MayLook, wanted: Wanted
) -> Response:
    """All reports, with the first rows of each."""
    return await _page(request, bench, person, wanted)


@router.get("/reports/{name}.json", tags=["reports"])
async def list_report(
    bench: TheBench, person: MayLook, name: ReportName, wanted: Wanted
) -> ReportRows:
    """A report with all its rows."""
    return _rows_of(name, await _gathered(bench, wanted, [name]))


@router.get("/reports/{name}.csv", tags=["reports"], response_class=Response)
async def download_report(
    bench: TheBench, person: MayLook, name: ReportName, wanted: Wanted
) -> Response:
    """The rows of a report as a table; its file's name says where something was left out."""
    items = _rows_of(name, await _gathered(bench, wanted, [name]))
    return table_of(_file_name(items), _ROW[name], items.rows)


@router.get("/reports/{name}", include_in_schema=False)
async def show_report(
    request: Request, bench: TheBench, person: MayLook, name: ReportName, wanted: Wanted
) -> Response:
    """One report with all its rows, and the visits behind a row."""
    return await _page(request, bench, person, wanted, name=name)


def _file_name(items: ReportRows) -> str:
    read = items.drafts
    if read is not None and read.read < read.of:
        return f"{items.report}-last-{read.read}-of-{read.of}-visits.csv"
    return f"{items.report}{'-not-all' if items.cut_off else ''}.csv"


def today_of(bench: Bench) -> date:
    """The day by the clock of the site's sender."""
    return bench.clock().astimezone(zone_of(bench)).date()


async def _gathered(bench: Bench, wanted: ReportQuery, names: Sequence[ReportName]) -> Gathered:
    return await gather(bench, wanted.period(today_of(bench)), names)


def _rows_of(name: ReportName, gathered: Gathered) -> ReportRows:
    period, tallies = gathered.period, gathered.tallies
    read = DraftsRead(
        read=tallies.read,
        of=gathered.visits.drafted,
        oldest_day=date.fromisoformat(tallies.oldest_day) if tallies.oldest_day else None,
        unreadable=tallies.unreadable,
        older_format=tallies.older_format,
    )
    return ReportRows(
        report=name,
        read_at=gathered.now,
        first_day=period.first,
        last_day=period.last,
        facility=period.facility,
        undated=gathered.visits.undated,
        drafts=read if name in OF_DRAFTS else None,
        cut_off=_cut_off(name, gathered),
        rows=ROWS[name](gathered),
    )


def _cut_off(name: ReportName, gathered: Gathered) -> str:
    if name == "authorizations" and gathered.many_patients:
        return f"only the first {PATIENTS_MOST:,} patients with an authorization were looked at"
    if name == "people" and gathered.many_answers:
        return f"only the first {ANSWERS_MOST:,} answers and words of the days were read"
    return ""


async def _page(
    request: Request,
    bench: Bench,
    person: Person,
    wanted: ReportQuery,
    *,
    name: ReportName | None = None,
) -> Response:
    names = REPORT_NAMES if name is None else (name,)
    gathered = await _gathered(bench, wanted, names)
    links = Links(gathered.period, person.rights)
    most = AT_ONCE if name is None else None
    values: dict[str, Any] = {
        "wanted": wanted,
        "name": name,
        "gathered": gathered,
        "period": gathered.period,
        "links": links,
        "looks": LOOKS,
        "reports": [_shown(one, gathered, links, most) for one in names],
        "behind": _behind(name, wanted.of, gathered) if name is not None and wanted.of else None,
        "has_prices": bool(bench.processor.maker.prices),
        "is_default": not (wanted.first_day or wanted.last_day or wanted.facility),
    }
    return page(request, "reports.html", person, values)


def _shown(name: ReportName, gathered: Gathered, links: Links, most: int | None) -> ReportShown:
    look, items = LOOKS[name], _rows_of(name, gathered)
    rows = items.rows[:most]
    return ReportShown(
        name,
        look,
        items=items,
        cells=[look.cells(row, links) for row in rows],
        picture=picture_of(look.bars(rows), look.title, look.whole),
        left_out=len(items.rows) - len(rows),
    )


def _behind(name: ReportName, row: str, gathered: Gathered) -> Behind:
    """The visits behind a row; none where the report has no such row or no list."""
    tallies = gathered.tallies
    by_name: dict[ReportName, CountsByKey] = {
        "stops": tallies.stops,
        "findings": tallies.edits,
        "waste": tallies.waste,
        "policies": tallies.policies,
    }
    tally = by_name.get(name)
    keys = tally.visits if tally is not None else {}
    visits = [visit for key in keys if row_name(key) == row for visit in keys[key]]
    return Behind(row, visits[:VISITS_LISTED], max(0, len(visits) - VISITS_LISTED))
