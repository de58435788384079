"""The addresses of a visit: its page, its published drafts, and what people say of it.

It owns the requests, the record of each look, and what happens when the charting changed under an
answer: it is not recorded, and the form comes back with what was written. What the page shows is in
`visit/`, and an answer is made and checked by the drafting floor.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from chargeline.drafting.acting import act_of
from chargeline.drafting.answering import (
    AnswerError,
    DraftedVisit,
    Speaker,
    answer_to,
    questions_of_visit,
    without_words,
    word_on_line,
)
from chargeline.drafting.said import keep_said
from chargeline.engine import Finding, Formulary, VisitKey
from chargeline.ledger.auditing import Verb
from chargeline.published.answers import Given, number_of
from chargeline.workbench.addresses import Reason, Text, key_of, visit_address
from chargeline.workbench.bench import (
    OUR_FORM,
    Bench,
    NotThereError,
    OutdatedError,
    TheBench,
    needs,
)
from chargeline.workbench.looking import LookedAt, look_at, site_of
from chargeline.workbench.pages import page, render
from chargeline.workbench.people import Person
from chargeline.workbench.visit.model import ChosenOnPage
from chargeline.workbench.visit.page import visit_page
from chargeline.workbench.visit.posted import AnswerFromForm, posted_answer

router = APIRouter(prefix="/visits/{facility}/{visit}")

MayLook = Annotated[Person, Depends(needs("visit.see"))]
MayReveal = Annotated[Person, Depends(needs("visit.reveal"))]
MayAnswer = Annotated[Person, Depends(needs("visit.answer"))]
MayHold = Annotated[Person, Depends(needs("visit.hold"))]
_REASON: TypeAdapter[str] = TypeAdapter(Reason)
_VALUE: TypeAdapter[str] = TypeAdapter(Text)
_NUMBER = re.compile(r"[A-Za-z0-9]{1,40}")
_ID = r"^[A-Za-z0-9._-]*$"
Id = Annotated[str, Field(max_length=80, pattern=_ID)]


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

    reason: Reason


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
    number = posted.question if _NUMBER.fullmatch(posted.question) else ""
    speaker = Speaker(person.who, bench.clock(), posted.reason)
    formulary = bench.processor.maker.rulebook.formulary

    def make(visit: DraftedVisit) -> Given:
        return _given(visit, posted._replace(question=number), formulary, speaker)

    asking = Asking(request, bench, person)
    return await _say(asking, key, make, OnPage(question=number), written=form)


def _given(
    visit: DraftedVisit, posted: AnswerFromForm, formulary: Formulary, speaker: Speaker
) -> Given:
    """The answer to keep. Raises AnswerError, and OutdatedError where the charting changed."""
    wrong = _refused_text(posted)
    if wrong is not None:
        raise AnswerError(wrong)
    asked = {asked.question_id: asked for asked in questions_of_visit(visit)}.get(posted.question)
    if asked is None or asked.fingerprint != posted.fingerprint:
        raise _outdated("other charting" if asked is not None else "nobody who asks any more")
    try:
        return answer_to(
            visit,
            asked,
            formulary,
            posted.choice,
            value=posted.value,
            speaker=speaker,
        )
    except OverflowError as error:  # such as a stop at the end of the year 9999
        raise AnswerError(_not_valid("value", "a time that a clock can show")) from error


class WordOnLine(BaseModel):
    """The form that says something of a line, or of the whole visit with an empty `line`."""

    line: Id = ""
    choice: Id
    value: Text = ""
    reason: Reason


@router.post("/lines", dependencies=OUR_FORM, include_in_schema=False)
async def say_of_line(
    request: Request,
    bench: TheBench,
    person: MayHold,
    key: TheVisit,
    form: Annotated[WordOnLine, Form()],
) -> Response:
    """Hold, release, withhold, override or restore a line, or hold and release the visit."""
    speaker = Speaker(person.who, bench.clock(), form.reason)

    def make(visit: DraftedVisit) -> Given:
        as_drafted = without_words(visit, bench.processor.maker.rulebook)
        return word_on_line(as_drafted, form.line, form.choice, value=form.value, speaker=speaker)

    return await _say(Asking(request, bench, person), key, make, OnPage(line=form.line))


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
        looked = await look_at(
            asking.bench, view, key, message=chosen.message, recorded=chosen.recorded
        )
    await _note(asking.bench, asking.person, key, did, why=why)
    return looked


async def _say(
    asking: Asking,
    key: VisitKey,
    make: Callable[[DraftedVisit], Given],
    chosen: OnPage,
    *,
    written: dict[str, str] | None = None,
) -> Response:
    """Keep what `make` makes of the visit as it is drafted now; the page again where it raises
    AnswerError. Whoever else says something of the visit waits until this is kept.
    """
    bench = asking.bench
    async with bench.ledger.batch() as batch:
        await batch.visits([key])  # which locks it
        looked = await look_at(bench, batch, key)
        try:
            given = make(looked.drafted)
        except AnswerError as error:
            refused = error
        else:
            await keep_said(batch, given, bench.settings.topic_inbound)
            return RedirectResponse(f"{visit_address(*key)}?recorded={number_of(given)}", 303)
    return _page(asking, looked, chosen, refused=refused, written=written)


async def _note(bench: Bench, person: Person, key: VisitKey, did: Verb, *, why: str = "") -> None:
    """Put a look into the audit trail."""
    act = act_of(did, "visit", "|".join(key), who=person.who, why=why)
    async with bench.ledger.batch() as batch:
        await batch.audit([act])


def _refused_text(posted: AnswerFromForm) -> Finding | None:
    """What is wrong with what was written by hand, if anything."""
    try:
        _REASON.validate_python(posted.reason)
    except ValidationError:
        return _not_valid("reason", "a reason of 3 to 500 characters on one line")
    try:
        _VALUE.validate_python(posted.value)
    except ValidationError:
        return _not_valid("value", "at most 500 characters on one line")
    return None


def _not_valid(where: str, expected: str) -> Finding:
    return Finding(
        "answer.invalid",
        expected=expected,
        found="something else",
        where=where,
        do="correct it, and record it again",
    )


def _outdated(found: str) -> OutdatedError:
    return OutdatedError(
        Finding(
            "answer.outdated",
            expected="the question as it was when the page was made",
            found=found,
            where="question",
            do="look at the question again, and at who said what; your answer was not recorded",
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
        "recorded": looked.recorded_by == person.who,
        "refused": refused.findings if refused is not None else (),
        "written": written or {},
        "owner": looked.assignment.owner if looked.assignment is not None else "",
    }
    status = 200
    if refused is not None:
        status = 409 if isinstance(refused, OutdatedError) else 422
    return page(request, "visit.html", person, values, status=status)
