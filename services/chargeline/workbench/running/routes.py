"""The addresses of the board: the page, JSON, CSV, and "it still runs".

It owns the requests, and what is kept when somebody says that a drug still runs, on the page or by
the API. The page asks for itself again every half minute, and pauses while somebody writes a reason
or asked it to. That a unit was asked is noted by the form of the work list.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from chargeline.drafting.acting import act_of
from chargeline.engine import Finding, VisitKey
from chargeline.ledger.workbench_records import StoredStillRunning
from chargeline.workbench.addresses import Reason, key_named, with_query
from chargeline.workbench.bench import OUR_FORM, Bench, NotThereError, TheBench, needs
from chargeline.workbench.downloads import table_of
from chargeline.workbench.login import own_address
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person
from chargeline.workbench.running.items import (
    IN_WORDS,
    RunningItem,
    RunningItems,
    items_of,
    units_of,
)

router = APIRouter()
VISITS_MOST = 500
"""So many visits are read for one board; their drafts are read, not made."""
ASKED_SINCE = timedelta(hours=24)
"""A stop that was asked for longer ago is no longer looked for in a chair."""
QUIET = timedelta(minutes=15)
"""For so long it counts that somebody said a drug still runs."""
EVERY_SECONDS = 30

MayLook = Annotated[Person, Depends(needs("running.see"))]
MaySay = Annotated[Person, Depends(needs("work.ask"))]


class BoardQuery(BaseModel):
    """The query parameters of the board. Empty ones leave all."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    place: str = Field(default="", max_length=200, description="The nursing unit")
    paused: Literal["", "yes"] = Field(
        default="", description="Whether the page leaves itself as it is"
    )
    say: str = Field(
        default="", max_length=80, pattern=r"^[0-9a-f]*$", description="The row to speak of"
    )

    def address(self, path: str = "/running", **other: str) -> str:
        """The address of the board with some parameters changed; "" takes one away."""
        return with_query(path, {"place": self.place, "paused": self.paused, **other})

    @property
    def reads_itself(self) -> bool:
        """Whether the page is read again by itself: not while somebody writes a reason."""
        return not (self.paused or self.say)


Wanted = Annotated[BoardQuery, Query()]


@router.get("/running", include_in_schema=False)
async def show_running(
    request: Request, bench: TheBench, person: MayLook, wanted: Wanted
) -> Response:
    """The board as a page."""
    values: dict[str, Any] = {
        "wanted": wanted,
        "board": await board_asked(bench, wanted),
        "now": bench.clock(),
        "words": IN_WORDS,
        "every": EVERY_SECONDS,
        "grace": bench.processor.maker.stop_grace,
    }
    return page(request, "running.html", person, values)


@router.get("/running.json", tags=["running"])
async def list_running(bench: TheBench, person: MayLook, wanted: Wanted) -> RunningItems:
    """Infusions without a stop: of who is there, the most urgent first, and of who left."""
    return await board_asked(bench, wanted)


@router.get("/running.csv", tags=["running"], response_class=Response)
async def download_running(bench: TheBench, person: MayLook, wanted: Wanted) -> Response:
    """The same as a table; `state` tells who left."""
    board = await board_asked(bench, wanted)
    return table_of("running.csv", RunningItem, [*board.running, *board.left])


class StillRunning(BaseModel):
    """The form that says that a drug still runs."""

    visit: str = Field(max_length=2_000)
    question: str = Field(max_length=80, pattern=r"^[0-9a-f]+$")
    reason: Reason
    back: str = "/running"


@router.post("/running/still", dependencies=OUR_FORM, include_in_schema=False)
async def say_running(
    bench: TheBench, person: MaySay, form: Annotated[StillRunning, Form()]
) -> Response:
    """Keep that a drug still runs; for a quarter of an hour its row waits behind the others."""
    await keep_running(bench, person, key_named(form.visit), form.question, why=form.reason)
    return RedirectResponse(own_address(form.back), 303)


async def keep_running(
    bench: Bench, person: Person, key: VisitKey, question: str, *, why: str
) -> StoredStillRunning:
    """Keep that the drug of a row still runs, and record who said it. Raises NotThereError where
    the board has no such row.
    """
    now = bench.clock()
    board = await board_asked(bench, BoardQuery())
    if (*key, question) not in map(_named, board.running):
        raise NotThereError(
            Finding(
                "command.not_found",
                expected="an infusion that runs without a stop",
                found="none of this number any more",
                where="question",
                do="look at the board again; nothing was recorded",
            )
        )
    said = StoredStillRunning(
        facility=key.facility,
        visit=key.visit,
        question_id=question,
        until=now + QUIET,
        who=person.who,
        why=why,
    )
    told = {"question": question, "until": said.until.isoformat()}
    act = act_of("running.say", "visit", "|".join(key), who=person.who, why=why, details=told)
    async with bench.ledger.batch() as batch:
        await batch.workbench.still_running(said, now)
        await batch.audit([act])
    return said


def _named(item: RunningItem) -> tuple[str, str, str]:
    return (item.facility, item.visit, item.question_id)


async def board_asked(bench: Bench, wanted: BoardQuery) -> RunningItems:
    """The board as it is wanted."""
    now = bench.clock()
    since = now - ASKED_SINCE
    async with bench.ledger.view() as view:
        runs = view.running(now)
        visits = await runs.visits(since, VISITS_MOST + 1)
        earlier = await runs.asked_before(since)
    running, left = items_of(visits[:VISITS_MOST], now, bench.processor.maker.stop_grace)
    return RunningItems(
        read_at=now,
        units=units_of(running, left),
        running=[row for row in running if wanted.place in ("", row.place)],
        left=[row for row in left if wanted.place in ("", row.place)],
        not_shown=len(visits) > VISITS_MOST,
        asked_earlier=earlier,
    )
