"""The addresses of a visit: its page, its published drafts, and what people say of it.

It owns the requests, the record of each look, and what happens when the charting changed under an
answer: it is not recorded, and the form comes back with what was written. What the page shows is in
`visit/`, and an answer is made and checked by the drafting floor.
"""

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from chargeline.drafting.acting import act_of
from chargeline.drafting.answering import (
    AnswerError,
    Speaker,
    answer_to,
    question_of_number,
    without_words,
    word_on_line,
)
from chargeline.drafting.said import keep_said
from chargeline.engine import Finding, VisitKey
from chargeline.ledger.auditing import Verb
from chargeline.published.answers import Given
from chargeline.workbench.addresses import visit_address
from chargeline.workbench.bench import (
    Bench,
    NotThereError,
    NotValidError,
    OutdatedError,
    TheBench,
    needs,
    our_form,
)
from chargeline.workbench.looking import LookedAt, look_at, site_of
from chargeline.workbench.pages import page, render
from chargeline.workbench.people import Person
from chargeline.workbench.visit.model import ChosenOnPage
from chargeline.workbench.visit.page import visit_page
from chargeline.workbench.visit.posted import posted_answer

router = APIRouter(prefix="/visits/{facility}/{visit}")

MayLook = Annotated[Person, Depends(needs("visit.see"))]
MayReveal = Annotated[Person, Depends(needs("visit.reveal"))]
MayAnswer = Annotated[Person, Depends(needs("visit.answer"))]
MayHold = Annotated[Person, Depends(needs("visit.hold"))]
OUR_FORM = [Depends(our_form)]
_ID = r"^[A-Za-z0-9._-]*$"
Id = Annotated[str, Field(max_length=80, pattern=_ID)]
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


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


def visit_key(facility: str, visit: str) -> VisitKey:
    """The visit of an address."""
    return VisitKey(facility, visit)


TheVisit = Annotated[VisitKey, Depends(visit_key)]


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

    reason: str = Field(min_length=3, max_length=200, pattern=_TEXT)


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
    looked = await _look(asking, key, form, "visit.reveal", why=form.reason)
    return _page(asking, looked, form, revealed=True)


@router.post("/answers", dependencies=OUR_FORM, include_in_schema=False)
async def answer(request: Request, bench: TheBench, person: MayAnswer, key: TheVisit) -> Response:
    """Keep an answer to a question, unless the charting changed since the page was made."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    posted = posted_answer(form)
    _check_reason(posted.reason)
    async with bench.ledger.view() as view:
        looked = await look_at(bench, view, key)
    try:
        _visit, asked = question_of_number([looked.drafted], posted.question)
        if asked.fingerprint != posted.fingerprint:
            raise _outdated()
        given = answer_to(
            looked.drafted,
            asked,
            bench.processor.maker.rulebook.formulary,
            posted.choice,
            value=posted.value,
            speaker=Speaker(person.who, bench.clock(), posted.reason),
        )
    except AnswerError as error:
        chosen = OnPage(question=posted.question if posted.question.isalnum() else "")
        return _page(Asking(request, bench, person), looked, chosen, refused=error, written=form)
    return await _kept(bench, key, given)


class WordOnLine(BaseModel):
    """The form that says something of a line, or of the whole visit with an empty `line`."""

    line: Id = ""
    choice: Id
    value: str = Field("", max_length=200, pattern=_TEXT)
    reason: str = Field(min_length=3, max_length=500, pattern=_TEXT)


@router.post("/lines", dependencies=OUR_FORM, include_in_schema=False)
async def say_of_line(
    request: Request,
    bench: TheBench,
    person: MayHold,
    key: TheVisit,
    form: Annotated[WordOnLine, Form()],
) -> Response:
    """Hold, release, withhold, override or restore a line, or hold and release the visit."""
    async with bench.ledger.view() as view:
        looked = await look_at(bench, view, key)
    as_drafted = without_words(looked.drafted, bench.processor.maker.rulebook)
    speaker = Speaker(person.who, bench.clock(), form.reason)
    try:
        given = word_on_line(as_drafted, form.line, form.choice, value=form.value, speaker=speaker)
    except AnswerError as error:
        asking = Asking(request, bench, person)
        return _page(asking, looked, OnPage(line=form.line), refused=error)
    return await _kept(bench, key, given)


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
    async with bench.ledger.view() as view:
        revisions = await view.revisions(*key)
    body = next((row.body for row in revisions if row.revision == revision), None)
    if body is None:
        raise NotThereError(
            Finding(
                "command.not_found",
                expected="a revision of the visit",
                found=str(revision),
                where="revision",
                do="see the revisions on the page of the visit",
            )
        )
    tag = f'"{revision}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    await _note(bench, person, key, "visit.show")
    return Response(body, media_type="application/json", headers={"etag": tag})


# ------------------------------------------------------------------ looking and keeping


class Asking(NamedTuple):
    """A request, the workbench that it is sent to, and who sends it."""

    request: Request
    bench: Bench
    person: Person


async def _look(
    asking: Asking, key: VisitKey, chosen: OnPage, did: Verb, *, why: str = ""
) -> LookedAt:
    async with asking.bench.ledger.view() as view:
        looked = await look_at(asking.bench, view, key, chosen.message)
    await _note(asking.bench, asking.person, key, did, why=why)
    return looked


async def _note(bench: Bench, person: Person, key: VisitKey, did: Verb, *, why: str = "") -> None:
    """Put a look into the audit trail."""
    act = act_of(did, "visit", "|".join(key), who=person.who, why=why)
    async with bench.ledger.batch() as batch:
        await batch.audit([act])


async def _kept(bench: Bench, key: VisitKey, given: Given) -> Response:
    await keep_said(bench.ledger, given, bench.settings.topic_inbound)
    return RedirectResponse(f"{visit_address(*key)}?recorded={given.choice}", 303)


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < 3 or len(reason) > 500:
        raise NotValidError(
            Finding(
                "workbench.not_valid",
                expected="a reason of 3 to 500 characters",
                found=f"{len(reason)} characters",
                where="reason",
                do="say where it can be seen, such as the nurse's note; nothing was recorded",
            )
        )


def _outdated() -> OutdatedError:
    return OutdatedError(
        Finding(
            "answer.outdated",
            expected="the charting as it was when the page was made",
            found="other charting",
            where="question",
            do="look at the question again; your answer was not recorded",
        )
    )


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
    key = looked.drafted.timeline.key
    values: dict[str, Any] = {
        "page": shown,
        "visit_address": visit_address(*key),
        "can_answer": "visit.answer" in person.rights,
        "can_reveal": "visit.reveal" in person.rights,
        "can_hold": "visit.hold" in person.rights,
        "is_held": looked.drafted.draft.held,
        "recorded": chosen.recorded,
        "refused": refused.findings if refused is not None else (),
        "written": written or {},
        "owner": looked.assignment.owner if looked.assignment is not None else "",
    }
    status = 200
    if refused is not None:
        status = 409 if isinstance(refused, OutdatedError) else 422
    return page(request, "visit.html", person, values, status=status)
