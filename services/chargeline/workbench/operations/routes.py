"""The addresses of Operations: the page, JSON, CSV, and what is done to parked messages.

It owns the requests. Whoever tries messages has them read by the rules and profiles of this
program, and nothing is stored but the act. What a retry and a drop do is in `drafting/parked.py`.
"""

from collections import Counter
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from chargeline.drafting.acting import act_of
from chargeline.drafting.parked import AT_ONCE, SeeingTo, TriedMessage, see_to, sorted_out, tried
from chargeline.ledger.errors import NotFound
from chargeline.ledger.records import StoredParkedMessage
from chargeline.ledger.view import View
from chargeline.workbench.addresses import with_query
from chargeline.workbench.bench import (
    OUR_FORM,
    Bench,
    NotThereError,
    TheBench,
    needs,
    not_valid,
)
from chargeline.workbench.downloads import table_of
from chargeline.workbench.operations.items import FeedSeen, OperationsItems, ParkedGroup, items_of
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person

router = APIRouter()
PARKED_MOST = 1_000
"""So many parked messages are read for the groups, the oldest first."""
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
    reason: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")

    def numbers(self) -> list[int]:
        """The messages. Raises NotValidError where none was chosen, or too many."""
        numbers = sorted({int(number) for group in self.messages for number in group.split()})
        if numbers and len(numbers) <= PARKED_MOST:
            return numbers
        raise not_valid(
            "messages",
            f"1 to {PARKED_MOST} messages",
            str(len(numbers)),
            do="choose groups with the boxes before their rows; nothing was recorded",
        )

    def check_reason(self) -> None:
        """Raise NotValidError where the reason is too short."""
        if len(self.reason.strip()) < 3:
            raise not_valid(
                "reason",
                "a reason of 3 to 200 characters",
                f"{len(self.reason.strip())} characters",
                do="say why they are given up; nothing was recorded",
            )


Groups = Annotated[ChosenGroups, Form()]


@router.post("/operations/try", dependencies=OUR_FORM, include_in_schema=False)
async def try_parked(request: Request, bench: TheBench, person: MayRetry, form: Groups) -> Response:
    """Read messages again, and show what would become of them."""
    numbers = form.numbers()
    async with bench.ledger.view() as view:
        messages = await still_parked(view, numbers)
    result = _told(await tried(messages, bench.processor.read))
    told = {"numbers": numbers, "would_be_read": result.count, "would_park": result.again}
    what = f"{len(numbers)} messages"
    act = act_of("parked.try", "parked", what, who=person.who, why=form.reason, details=told)
    async with bench.ledger.batch() as batch:
        await batch.audit([act])
    return await _page(request, bench, person, OperationsQuery(), result=result)


@router.post("/operations/retry", dependencies=OUR_FORM, include_in_schema=False)
async def retry_parked(bench: TheBench, person: MayRetry, form: Groups) -> Response:
    """Send messages through the inbound topic again."""
    return await _seen_to(bench, SeeingTo("retried", who=person.who, why=form.reason), form)


@router.post("/operations/drop", dependencies=OUR_FORM, include_in_schema=False)
async def drop_parked(bench: TheBench, person: MayRetry, form: Groups) -> Response:
    """Give messages up; their visits wait for them no more."""
    form.check_reason()
    return await _seen_to(bench, SeeingTo("dropped", who=person.who, why=form.reason), form)


async def still_parked(view: View, numbers: list[int]) -> list[StoredParkedMessage]:
    """Those of some messages that nobody has seen to, in the order of their numbers."""
    wanted, messages = set(numbers), list[StoredParkedMessage]()
    after = min(numbers) - 1
    while after < max(numbers):
        rows = await view.parked("parked", AT_ONCE, after)
        if not rows:
            break
        messages += [row for row in rows if row.id in wanted]
        after = rows[-1].id
    return messages


async def _seen_to(bench: Bench, seeing: SeeingTo, form: ChosenGroups) -> Response:
    """See to messages, and go back to the screen, which says how many."""
    numbers = form.numbers()
    async with bench.ledger.view() as view:
        messages = await still_parked(view, numbers)
    usable = sorted_out(messages, to_send=seeing.status == "retried").usable
    try:
        await see_to(bench.ledger, bench.settings.topic_inbound, seeing, usable)
    except NotFound as error:
        raise NotThereError(*error.findings) from error
    done: dict[str, Any] = {"done": seeing.status, "count": len(usable)}
    done["left"] = len(numbers) - len(usable)
    return RedirectResponse(f"/operations?{urlencode(done)}", 303)


def _told(results: list[TriedMessage]) -> Tried:
    readable = [result.number for result in results if not result.code]
    again = Counter(result.code for result in results if result.code)
    return Tried(
        readable=" ".join(map(str, readable)), count=len(readable), again=dict(again.most_common())
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
