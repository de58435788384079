"""The addresses of Operations: the page, JSON, CSV, and what is done to parked messages.

It owns the requests. What is done to messages is in `seeing.py`, which the API uses too, and what
the screen shows is in `items.py`.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from chargeline.drafting.parked import SeeingTo, TriedMessage
from chargeline.workbench.addresses import with_query
from chargeline.workbench.bench import OUR_FORM, Bench, TheBench, needs
from chargeline.workbench.downloads import table_of
from chargeline.workbench.operations.items import FeedSeen, OperationsItems, ParkedGroup, items_of
from chargeline.workbench.operations.seeing import (
    PARKED_MOST,
    ReasonToSee,
    again_of,
    not_tried,
    readable_of,
    see_to_messages,
    try_messages,
)
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person

router = APIRouter()
KINDS_MOST = 200
"""So many pairs of a facility and a type of message are looked up."""

MayLook = Annotated[Person, Depends(needs("operations.see"))]
MayRetry = Annotated[Person, Depends(needs("operations.retry"))]


class OperationsQuery(BaseModel):
    """The query parameters of the screen. Empty ones leave all."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str = Field(default="", max_length=80, description="Why messages are parked")
    sender: str = Field(default="", max_length=300, description="A sender, as a group names it")
    done: Literal["", "retried", "dropped"] = ""
    count: int = Field(default=0, ge=0, description="How many messages were seen to just now")
    left: int = Field(default=0, ge=0, description="How many of them were left alone")

    def address(self, path: str = "/operations", **other: str) -> str:
        """The address of the screen with some filters changed; "" takes one away."""
        return with_query(path, {"code": self.code, "sender": self.sender, **other})


class Tried(BaseModel):
    """What became of a try: how many would be read, and which would park again, by code."""

    readable: str = Field(description="The numbers of those that would be read")
    count: int
    again: dict[str, int]
    not_found: int = Field(description="How many were not tried, because they are parked no more")


Wanted = Annotated[OperationsQuery, Query()]


@router.get("/operations", include_in_schema=False)
async def show_operations(
    request: Request, bench: TheBench, person: MayLook, wanted: Wanted
) -> Response:
    """Operations as a page."""
    return await _page(request, bench, person, wanted)


@router.get("/operations.json", tags=["operations"])
async def list_operations(bench: TheBench, person: MayLook, wanted: Wanted) -> OperationsItems:
    """Parked messages by cause and sender, senders, rules, tables, and how much waits."""
    return await items_asked(bench, wanted)


@router.get("/operations.csv", tags=["operations"], response_class=Response)
async def download_parked(bench: TheBench, person: MayLook, wanted: Wanted) -> Response:
    """The groups of parked messages as a table."""
    return table_of("parked.csv", ParkedGroup, (await items_asked(bench, wanted)).groups)


class ChosenGroups(BaseModel):
    """The form beneath the groups: the numbers of each group that was chosen, and a reason."""

    messages: list[Annotated[str, Field(max_length=20_000, pattern=r"^\d{1,18}( \d{1,18})*$")]] = (
        Field(default_factory=list, max_length=PARKED_MOST)
    )
    reason: ReasonToSee = ""

    @property
    def numbers(self) -> list[int]:
        """The messages of all groups."""
        return [int(number) for group in self.messages for number in group.split()]


Groups = Annotated[ChosenGroups, Form()]


@router.post("/operations/try", dependencies=OUR_FORM, include_in_schema=False)
async def try_parked(request: Request, bench: TheBench, person: MayRetry, form: Groups) -> Response:
    """Read messages again, and show what would become of them."""
    results = await try_messages(bench, person, form.numbers, form.reason)
    result = _told(results, not_found=len(not_tried(form.numbers, results)))
    return await _page(request, bench, person, OperationsQuery(), result=result)


@router.post("/operations/retry", dependencies=OUR_FORM, include_in_schema=False)
async def retry_parked(bench: TheBench, person: MayRetry, form: Groups) -> Response:
    """Send messages through the inbound topic again."""
    return await _seen_to(bench, SeeingTo("retried", who=person.who, why=form.reason), form)


@router.post("/operations/drop", dependencies=OUR_FORM, include_in_schema=False)
async def drop_parked(bench: TheBench, person: MayRetry, form: Groups) -> Response:
    """Give messages up; their visits wait for them no more."""
    return await _seen_to(bench, SeeingTo("dropped", who=person.who, why=form.reason), form)


async def _seen_to(bench: Bench, seeing: SeeingTo, form: ChosenGroups) -> Response:
    """See to messages, and go back to the screen, which says how many."""
    seen = await see_to_messages(bench, seeing, form.numbers)
    done: dict[str, Any] = {"done": seeing.status, "count": len(seen.done), "left": len(seen.left)}
    return RedirectResponse(f"/operations?{urlencode(done)}", 303)


def _told(results: list[TriedMessage], not_found: int) -> Tried:
    readable = readable_of(results)
    return Tried(
        readable=" ".join(map(str, readable)),
        count=len(readable),
        again=again_of(results),
        not_found=not_found,
    )


async def items_asked(bench: Bench, wanted: OperationsQuery) -> OperationsItems:
    """The screen as it is wanted."""
    async with bench.ledger.view() as view:
        seen = FeedSeen(
            counts=await view.counts(),
            parked=await view.parked("parked", PARKED_MOST, 0, wanted.code),
            heard=await view.watch.heard(KINDS_MOST),
            rulebooks=await view.watch.open_by_rulebook(),
        )
    rulebook = bench.processor.maker.rulebook
    return items_of(seen, rulebook, bench.clock(), wanted.sender)


async def _page(
    request: Request,
    bench: Bench,
    person: Person,
    wanted: OperationsQuery,
    result: Tried | None = None,
) -> Response:
    values = {
        "wanted": wanted,
        "items": await items_asked(bench, wanted),
        "now": bench.clock(),
        "tried": result,
        "most": PARKED_MOST,
    }
    return page(request, "operations.html", person, values)
