"""The addresses of a visit: its page, its published drafts, and what people say of it.

It owns the requests, the record of each look, and what happens when the charting changed under an
answer: it is not recorded, and the form comes back with what was written. What the page shows is in
`visit/`, and `saying.py` makes and keeps an answer.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from chargeline.drafting.answering import AnswerError
from chargeline.engine import VisitKey
from chargeline.ledger.auditing import Verb
from chargeline.published.answers import Given, number_of
from chargeline.workbench.addresses import Id, key_of, visit_address
from chargeline.workbench.bench import (
    OUR_FORM,
    Bench,
    OutdatedError,
    TheBench,
    needs,
)
from chargeline.workbench.looking import LookedAt, look_at, note_look, revision_at, site_of
from chargeline.workbench.pages import page, render
from chargeline.workbench.people import Person
from chargeline.workbench.rights import Right
from chargeline.workbench.saying import (
    AnswerToTakeBack,
    WordOnLine,
    answer_said,
    answer_taken_back,
    reason_of,
    say,
    word_said,
)
from chargeline.workbench.visit.model import ChosenOnPage
from chargeline.workbench.visit.page import visit_page
from chargeline.workbench.visit.posted import posted_answer
from chargeline.workbench.wording import length

router = APIRouter(prefix="/visits/{facility}/{visit}")

MayLook = Annotated[Person, Depends(needs("visit.see"))]
MayReveal = Annotated[Person, Depends(needs("visit.reveal"))]
MayAnswer = Annotated[Person, Depends(needs("visit.answer"))]
MayHold = Annotated[Person, Depends(needs("visit.hold"))]
_NUMBER = re.compile(r"[A-Za-z0-9]{1,40}")


class OnPage(BaseModel):
    """What the address chooses on the page, and what was just recorded."""

    line: Id = ""
    message: Id = ""
    question: Id = ""
    recorded: Id = ""

    @property
    def on_page(self) -> ChosenOnPage:
        """The choices as the page takes them."""
        return ChosenOnPage(line=self.line, message=self.message, question=self.question)


TheVisit = Annotated[VisitKey, Depends(key_of)]


@router.get("", include_in_schema=False)
async def show_visit(
    request: Request,
    bench: TheBench,
    person: MayLook,
    key: TheVisit,
    chosen: Annotated[OnPage, Query()],
) -> Response:
    """The visit as a page. The look goes into the audit trail."""
    asking = Asking(request, bench, person)
    looked = await _look(asking, key, chosen, "visit.show")
    return _page(asking, looked, chosen)


class Reveal(OnPage):
    """The form that asks for the patient."""

    reason: str = ""


@router.post("/reveal", dependencies=OUR_FORM, include_in_schema=False)
async def reveal(
    request: Request,
    bench: TheBench,
    person: MayReveal,
    key: TheVisit,
    form: Annotated[Reveal, Form()],
) -> Response:
    """The page with the patient, for this one answer; who looked and why goes into the trail."""
    asking = Asking(request, bench, person)
    try:
        why = reason_of(form.reason)
    except AnswerError as error:
        looked = await _look(asking, key, form, "visit.show")
        return _page(asking, looked, form, refused=error, written={"reveal": form.reason})
    looked = await _look(asking, key, form, "visit.reveal", why=why)
    return _page(asking, looked, form, revealed=True)


@router.post("/answers", dependencies=OUR_FORM, include_in_schema=False)
async def answer(request: Request, bench: TheBench, person: MayAnswer, key: TheVisit) -> Response:
    """Keep an answer to a question, unless the charting changed since the page was made."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    posted = posted_answer(form)
    number = posted.question if _NUMBER.fullmatch(posted.question) else ""

    def make(looked: LookedAt) -> Given:
        return answer_said(bench, person, looked.drafted, posted._replace(question=number))

    asking = Asking(request, bench, person)
    return await _say(asking, key, make, OnPage(question=number), written=form)


@router.post("/answers/back", dependencies=OUR_FORM, include_in_schema=False)
async def take_back(
    request: Request,
    bench: TheBench,
    person: MayAnswer,
    key: TheVisit,
    form: Annotated[AnswerToTakeBack, Form()],
) -> Response:
    """Take an answer back: its question is asked again, if the charting still asks it."""

    def make(looked: LookedAt) -> Given:
        return answer_taken_back(bench, person, looked.drafted, form)

    asking = Asking(request, bench, person)
    return await _say(asking, key, make, OnPage(), written=form.model_dump())


@router.post("/lines", dependencies=OUR_FORM, include_in_schema=False)
async def say_of_line(
    request: Request,
    bench: TheBench,
    person: MayHold,
    key: TheVisit,
    form: Annotated[WordOnLine, Form()],
) -> Response:
    """Hold, release, withhold, override or restore a line, or hold and release the visit."""

    def make(looked: LookedAt) -> Given:
        return word_said(bench, person, looked.drafted, form)

    asking = Asking(request, bench, person)
    return await _say(asking, key, make, OnPage(line=form.line), written=form.model_dump())


@router.get("/newer", include_in_schema=False)
async def newer(bench: TheBench, _person: MayLook, key: TheVisit, than: int) -> Response:
    """A piece of the page that says that a newer revision is there; 204 while none is."""
    async with bench.ledger.view() as view:
        rows = await view.visits([key])
    revision = rows[key].revision if key in rows else 0
    if revision <= than:
        return Response(status_code=204)
    values = {"revision": revision, "visit_address": visit_address(*key)}
    return HTMLResponse(render("visit/_newer.html", values))


@router.get("/drafts/{revision}.json", tags=["visit"], response_class=Response)
async def published_draft(
    request: Request, bench: TheBench, person: MayLook, key: TheVisit, revision: int
) -> Response:
    """A revision of the visit as it was published, byte for byte; it never changes."""
    body = await revision_at(bench, key, revision)
    tag = f'"{revision}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    await note_look(bench, person, key, "visit.show")
    return Response(body, media_type="application/json", headers={"etag": tag})


# ------------------------------------------------------------------ looking and keeping


class VisitAct(NamedTuple):
    """A button beside the name of the visit: the form that it sends, its words, its key, and the
    right that shows it.
    """

    address: str
    says: str
    key: str
    right: Right


_ACTS = (
    VisitAct("/assign", "Assign to me", "a", "work.assign"),
    VisitAct("/ask", "Asked the unit", "u", "work.ask"),
)


class Asking(NamedTuple):
    """A request, the workbench that it is sent to, and who sends it."""

    request: Request
    bench: Bench
    person: Person


async def _look(
    asking: Asking, key: VisitKey, chosen: OnPage, did: Verb, *, why: str = ""
) -> LookedAt:
    async with asking.bench.ledger.view() as view:
        looked = await look_at(
            asking.bench, view, key, message=chosen.message, recorded=chosen.recorded
        )
    await note_look(asking.bench, asking.person, key, did, why=why)
    return looked


async def _say(
    asking: Asking,
    key: VisitKey,
    make: Callable[[LookedAt], Given],
    chosen: OnPage,
    *,
    written: dict[str, str] | None = None,
) -> Response:
    """Keep what `make` makes of the visit; the page again where it raises AnswerError."""
    looked, said = await say(asking.bench, key, make)
    if isinstance(said, AnswerError):
        return _page(asking, looked, chosen, refused=said, written=written)
    return RedirectResponse(f"{visit_address(*key)}?recorded={number_of(said)}", 303)


def _page(
    asking: Asking,
    looked: LookedAt,
    chosen: OnPage,
    *,
    revealed: bool = False,
    refused: AnswerError | None = None,
    written: dict[str, str] | None = None,
) -> Response:
    request, bench, person = asking
    shown = visit_page(
        looked.drafted,
        site_of(bench),
        bench.clock(),
        beside=looked.rows,
        chosen=chosen.on_page,
        revealed=revealed,
    )
    key, given = looked.drafted.timeline.key, looked.assignment
    asked_at = given.asked_unit_at if given is not None else None
    values: dict[str, Any] = {
        "page": shown,
        "visit_address": visit_address(*key),
        "can_answer": "visit.answer" in person.rights,
        "can_reveal": "visit.reveal" in person.rights,
        "can_hold": "visit.hold" in person.rights,
        "is_held": looked.drafted.draft.held,
        "recorded": looked.recorded_by == person.who,
        "refused": refused.findings if refused is not None else (),
        "written": written or {},
        "owner": given.owner if given is not None else "",
        "asked_unit_ago": length(bench.clock() - asked_at) if asked_at is not None else "",
        "acts": [act for act in _ACTS if act.right in person.rights],
    }
    status = 200
    if refused is not None:
        status = 409 if isinstance(refused, OutdatedError) else 422
    return page(request, "visit.html", person, values, status=status)
