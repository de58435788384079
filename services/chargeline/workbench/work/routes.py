"""The addresses of the work list: the page, JSON, CSV, and what people do with its rows.

It owns the requests. The queries are the ledger's, and the shape of a row is in `items.py`.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from chargeline.drafting.acting import act_of
from chargeline.drafting.answering import AnswerError
from chargeline.engine import VisitKey
from chargeline.ledger.auditing import Act
from chargeline.ledger.work_list import NOBODY, Facet, WorkList
from chargeline.ledger.workbench_records import StoredAssignment
from chargeline.published.answers import Given
from chargeline.workbench.addresses import Text, key_named, no_such_visit
from chargeline.workbench.bench import OUR_FORM, Bench, TheBench, needs, not_valid
from chargeline.workbench.downloads import table_of
from chargeline.workbench.login import own_address
from chargeline.workbench.looking import LookedAt
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person
from chargeline.workbench.saying import WordOnLine, say, word_said
from chargeline.workbench.work.asked_for import WorkQuery, place_of, token_of, views
from chargeline.workbench.work.items import WorkItem, WorkItems, item_of, says

router = APIRouter()
AT_ONCE = 50
IN_A_FILE = 5_000
READY_MOST = 10_000
"""So far the visits that are ready are counted: after years there are hundreds of thousands."""
ALIKE = 3  # so many questions with one cause are worth asking together

MayLook = Annotated[Person, Depends(needs("work.see"))]
MayAssign = Annotated[Person, Depends(needs("work.assign"))]
MayHold = Annotated[Person, Depends(needs("visit.hold"))]
MayAsk = Annotated[Person, Depends(needs("work.ask"))]
Asked = Annotated[WorkQuery, Query()]


@router.get("/work", include_in_schema=False)
async def show_work(request: Request, bench: TheBench, person: MayLook, asked: Asked) -> Response:
    """The work list as a page."""
    wanted, named = asked.wanted(person.who), views(person.who)
    async with bench.ledger.view() as view:
        work = view.work_list(bench.clock())
        listed = await items_asked(work, asked, person, AT_ONCE)
        facets = await work.facets(wanted)
        counts = await work.counts([one.leaves for one in named.values()])
        causes = [] if asked.filters else await work.causes(ALIKE)
        ready = await work.ready(READY_MOST + 1)
        owners = await view.workbench.owners()
    values: dict[str, Any] = {
        "asked": asked,
        "listed": listed,
        "ready": f"{ready:,}" if ready <= READY_MOST else f"More than {READY_MOST:,}",
        "facets": _shown(facets),
        "views": list(zip(named.items(), counts, strict=True)),
        "cause": causes[0] if causes else None,
        "owners": sorted({*owners, person.who}),
        "says": says,
        "now": bench.clock(),
        "nobody": NOBODY,
    }
    return page(request, "work.html", person, values)


@router.get("/work.json", tags=["work"])
async def list_work(bench: TheBench, person: MayLook, asked: Asked) -> WorkItems:
    """The work list, a page at a time."""
    async with bench.ledger.view() as view:
        return await items_asked(view.work_list(bench.clock()), asked, person, AT_ONCE)


@router.get("/work.csv", tags=["work"], response_class=Response)
async def download_work(bench: TheBench, person: MayLook, asked: Asked) -> Response:
    """The first 5,000 visits of the work list, as a table."""
    async with bench.ledger.view() as view:
        listed = await items_asked(view.work_list(bench.clock()), asked, person, IN_A_FILE)
    return table_of("work.csv", WorkItem, listed.items)


class ChosenVisits(BaseModel):
    """The form beneath the list: the visits that were chosen, and where to go back to."""

    visit: list[str] = Field(default_factory=list, max_length=500)
    owner: Text = ""
    back: str = "/work"

    def keys(self) -> list[VisitKey]:
        """The visits. Raises NotValidError where none was chosen, NotThereError for no visit."""
        keys = [key_named(name) for name in self.visit]
        if not keys:
            do = "choose visits with the boxes before their rows; nothing was recorded"
            raise not_valid("visit", "one or more visits", "none", do=do)
        return keys


@router.post("/assign", dependencies=OUR_FORM, include_in_schema=False)
async def assign(
    bench: TheBench, person: MayAssign, form: Annotated[ChosenVisits, Form()]
) -> Response:
    """Give the chosen visits to somebody, or to nobody."""
    await give(bench, person, form.keys(), form.owner)
    return RedirectResponse(own_address(form.back), 303)


@router.post("/ask", dependencies=OUR_FORM, include_in_schema=False)
async def ask_unit(
    bench: TheBench, person: MayAsk, form: Annotated[ChosenVisits, Form()]
) -> Response:
    """Note that the units of the chosen visits were asked."""
    await note_asked(bench, person, form.keys())
    return RedirectResponse(own_address(form.back), 303)


class VisitsToHold(ChosenVisits):
    """The same form, with a reason; at most a page of the list at once."""

    visit: list[str] = Field(default_factory=list, max_length=AT_ONCE)
    reason: str = ""


@router.post("/hold", dependencies=OUR_FORM, include_in_schema=False)
async def hold(bench: TheBench, person: MayHold, form: Annotated[VisitsToHold, Form()]) -> Response:
    """Hold the chosen visits, each until somebody releases it.

    Visits before one that cannot be held are held. Raises AnswerError and NotThereError for it.
    """
    word = WordOnLine(choice="hold", reason=form.reason)
    keys = form.keys()

    def make(looked: LookedAt) -> Given:
        return word_said(bench, person, looked.drafted, word)

    for key in keys:
        _looked, said = await say(bench, key, make)
        if isinstance(said, AnswerError):
            raise said
    return RedirectResponse(own_address(form.back), 303)


async def give(bench: Bench, person: Person, keys: Sequence[VisitKey], owner: str) -> None:
    """Give visits to an owner, "" for nobody, and record it. Raises NotThereError."""
    assigned = act_of("work.assign", "visits", "", who=person.who, details={"owner": owner})
    await _note(bench, person, keys, assigned, owner=owner)


async def note_asked(bench: Bench, person: Person, keys: Sequence[VisitKey]) -> None:
    """Note that the units of visits were asked, and record it. Raises NotThereError."""
    asked = act_of("work.ask", "visits", "", who=person.who)
    await _note(bench, person, keys, asked, asked_unit_at=bench.clock())


async def _note(
    bench: Bench, person: Person, keys: Sequence[VisitKey], act: Act, **changes: Any
) -> None:
    """Change who sees to some visits, and record it."""
    now = bench.clock()
    async with bench.ledger.batch() as batch:
        here = await batch.visits(keys)
        for key in keys:
            if key not in here:
                raise no_such_visit(key.visit)
        before = await batch.workbench.assignments(keys)
        nobody = [
            StoredAssignment(*key, owner="", asked_unit_at=None, at=now, who="") for key in keys
        ]
        rows = [before.get(key, row) for key, row in zip(keys, nobody, strict=True)]
        changed = [row._replace(at=now, who=person.who, **changes) for row in rows]
        await batch.workbench.assign(changed)
        told = {**act.details, "visits": len(keys)}
        await batch.audit([act._replace(record=_named(keys), details=told)])


def _named(keys: Sequence[VisitKey]) -> str:
    """The visits of an act."""
    return " ".join("|".join(key) for key in keys)


async def items_asked(work: WorkList, asked: WorkQuery, person: Person, most: int) -> WorkItems:
    """A page of the list. Raises NotValidError for an `after` that is not ours."""
    wanted = asked.wanted(person.who)
    try:
        after = place_of(asked.after)
    except ValueError as error:
        expected = "what a page of the list gave as `next`"
        raise not_valid("after", expected, "something else", do="begin the list anew") from error
    rows = await work.rows(wanted, most=most + 1, after=after)
    sums = await work.sums(wanted)
    return WorkItems(
        visits=sums.visits,
        questions=sums.questions,
        waiting_cents=sums.cents,
        items=list(map(item_of, rows[:most])),
        next=token_of(rows[most - 1].here) if len(rows) > most else "",
    )


def _shown(facets: Sequence[Facet]) -> dict[str, list[Facet]]:
    """The facets by kind, in the order of the page; severities are counted by their codes."""
    kinds = ("code", "place", "payer", "due", "owner")
    return {kind: [facet for facet in facets if facet.kind == kind] for kind in kinds}
