"""What the API shows: who asks, the work list, a visit with its courses, what runs, operations.

It owns the addresses that are only read. Each look at a visit is in the audit trail, but not where
the caller had it already (304).
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chargeline.engine import VisitKey
from chargeline.workbench.addresses import Text, key_of
from chargeline.workbench.api.callers import TheCaller, may
from chargeline.workbench.api.shapes import (
    Caller,
    Number,
    QuestionInFull,
    VisitAuthorizations,
    VisitCourses,
    VisitNow,
    WorkAsked,
    WorkPage,
    WorkVisit,
)
from chargeline.workbench.api.tagged import JSON, has_it, shown
from chargeline.workbench.api.visits import (
    question_in_full,
    visit_authorizations,
    visit_courses,
    visit_href,
    visit_now,
)
from chargeline.workbench.bench import Bench, TheBench
from chargeline.workbench.looking import LookedAt, look_at, note_look, revision_at
from chargeline.workbench.operations.items import OperationsItems
from chargeline.workbench.operations.routes import OperationsQuery, items_asked
from chargeline.workbench.people import Person
from chargeline.workbench.running.items import RunningItems
from chargeline.workbench.running.routes import BoardQuery, board_asked
from chargeline.workbench.work import routes as work

router = APIRouter(prefix="/v1")
READ_AT = frozenset({"read_at"})

MayListWork = Annotated[Person, Depends(may("work.see"))]
MayLook = Annotated[Person, Depends(may("visit.see"))]
MaySeeRunning = Annotated[Person, Depends(may("running.see"))]
MaySeeOperations = Annotated[Person, Depends(may("operations.see"))]
_SEGMENT = "its letters, digits, - and _; another byte as ~2F, as `href` of the work list has it"
_WRITTEN = r"^[A-Za-z0-9_~-]+$"


def the_visit(
    facility: Annotated[
        str, Path(description=f"The facility: {_SEGMENT}", pattern=_WRITTEN, examples=["ZEBRA"])
    ],
    visit: Annotated[
        str, Path(description=f"The visit: {_SEGMENT}", pattern=_WRITTEN, examples=["V100001"])
    ],
) -> VisitKey:
    """The visit of an address. Raises NotThereError."""
    return key_of(facility, visit)


TheVisit = Annotated[VisitKey, Depends(the_visit)]
TheQuestion = Annotated[Number, Path(description="The number of the question")]


class VisitLook(NamedTuple):
    """A look at a visit: the request, the workbench that it is sent to, who looks, and at what."""

    request: Request
    bench: Bench
    caller: Person
    key: VisitKey


def visit_look(request: Request, bench: TheBench, caller: MayLook, key: TheVisit) -> VisitLook:
    """The look that a request asks for."""
    return VisitLook(request, bench, caller, key)


TheLook = Annotated[VisitLook, Depends(visit_look)]


async def _seen(look: VisitLook, make: Callable[[LookedAt, Bench], BaseModel]) -> Response:
    """What `make` makes of the visit; the look is in the audit trail where it is shown (not 304).

    Raises NotThereError.
    """
    async with look.bench.ledger.view() as view:
        looked = await look_at(look.bench, view, look.key)
    answer = shown(look.request, make(looked, look.bench))
    if answer.status_code == 200:
        await note_look(look.bench, look.caller, look.key, "visit.show")
    return answer


@router.get("/me", tags=["caller"], summary="Who asks")
async def show_caller(caller: TheCaller) -> Caller:
    """Who the caller is, what the caller may do, and until when the token holds."""
    return Caller(
        who=caller.who,
        name=caller.name,
        roles=list(caller.roles),
        rights=sorted(caller.rights),
        token_ends_at=caller.ends_at,
        csrf=caller.csrf,
    )


@router.get("/work", tags=["work"], response_model=WorkPage, summary="The work list")
async def list_work(
    request: Request, bench: TheBench, caller: MayListWork, asked: Annotated[WorkAsked, Query()]
) -> Response:
    """The visits that wait for a person, a page at a time, in the order of the page."""
    async with bench.ledger.view() as view:
        listed = await work.items_asked(view.work_list(bench.clock()), asked, caller, asked.limit)
    items = [
        WorkVisit(**item.model_dump(), href=visit_href(VisitKey(item.facility, item.visit)))
        for item in listed.items
    ]
    return shown(request, WorkPage(**listed.model_dump(exclude={"items"}), items=items))


@router.get(
    "/visits/{facility}/{visit}", tags=["visit"], response_model=VisitNow, summary="A visit"
)
async def show_visit(look: TheLook) -> Response:
    """A visit as it is drafted now: lines and why, questions with their choices, what was said,
    readiness and revisions. The look goes into the audit trail.
    """
    return await _seen(look, visit_now)


@router.get(
    "/visits/{facility}/{visit}/courses",
    tags=["visit"],
    response_model=VisitCourses,
    summary="The courses of radiation of a visit",
)
async def show_courses(look: TheLook) -> Response:
    """The courses that the visit tells of, as all visits of the patient tell them. Another visit
    may change them and not this one. The look goes into the audit trail.
    """
    return await _seen(look, visit_courses)


@router.get(
    "/visits/{facility}/{visit}/authorizations",
    tags=["visit"],
    response_model=VisitAuthorizations,
    summary="The authorizations of a visit",
)
async def show_authorizations(look: TheLook) -> Response:
    """The authorizations that the visit names, tells of or may use, with what all visits use of
    them, and what its orders lack. The look goes into the audit trail.
    """
    return await _seen(look, visit_authorizations)


@router.get(
    "/visits/{facility}/{visit}/questions/{question}",
    tags=["visit"],
    response_model=QuestionInFull,
    summary="A question, and what each answer would draft",
)
async def show_question(look: TheLook, question: TheQuestion) -> Response:
    """An open question with what each choice would draft. The look goes into the audit trail."""

    def make(looked: LookedAt, bench: Bench) -> QuestionInFull:
        return question_in_full(looked, bench, question)

    return await _seen(look, make)


class PublishedRevision(BaseModel):
    """The data of a `charge.draft` event, byte for byte: schemas/charge.draft.schema.json."""

    model_config = ConfigDict(extra="allow")

    facility: str
    visit: str
    revision: int


@router.get(
    "/visits/{facility}/{visit}/revisions/{revision}",
    tags=["visit"],
    response_model=PublishedRevision,
    summary="A revision as it was published",
)
async def show_revision(
    request: Request,
    bench: TheBench,
    caller: MayLook,
    key: TheVisit,
    revision: Annotated[int, Path(ge=1, le=2**31 - 1)],
) -> Response:
    """A revision byte for byte, which never changes. The look goes into the audit trail."""
    body = await revision_at(bench, key, revision)
    headers = {"etag": f'"{revision}"'}
    if has_it(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    await note_look(bench, caller, key, "visit.show")
    return Response(body, media_type=JSON, headers=headers)


class RunningAsked(BaseModel):
    """The query parameters of what runs. An empty one leaves all; an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: Text = Field("", description="The nursing unit")


@router.get("/running", tags=["running"], response_model=RunningItems, summary="What runs")
async def list_running(
    request: Request,
    bench: TheBench,
    _caller: MaySeeRunning,
    asked: Annotated[RunningAsked, Query()],
) -> Response:
    """Infusions without a stop: of who is there, the most urgent first, and of who left."""
    board = await board_asked(bench, BoardQuery(place=asked.place[:200]))
    return shown(request, board, READ_AT)


class OperationsAsked(BaseModel):
    """The query parameters of operations. Empty ones leave all; an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field("", max_length=80, pattern=r"^[a-z_.]*$", description="Why it is parked")
    sender: str = Field(
        "", max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$", description="As a group names it"
    )


@router.get(
    "/operations", tags=["operations"], response_model=OperationsItems, summary="Operations"
)
async def list_operations(
    request: Request,
    bench: TheBench,
    _caller: MaySeeOperations,
    asked: Annotated[OperationsAsked, Query()],
) -> Response:
    """Parked messages by cause and sender, when each sender was heard, rules, and what waits."""
    wanted = OperationsQuery(code=asked.code, sender=asked.sender)
    return shown(request, await items_asked(bench, wanted), READ_AT)
