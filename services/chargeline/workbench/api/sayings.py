"""What may be said through the API of visits: answers, words, who sees to them, what still runs.

It owns the addresses that write, and the condition under which they do: an answer names the state
of the question or of the visit that it rests on, and is not recorded when that has changed.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path

from chargeline.drafting.answering import AnswerError, questions_of_visit
from chargeline.engine import Finding, VisitKey
from chargeline.published.answers import Given, number_of
from chargeline.workbench.addresses import Id
from chargeline.workbench.api.callers import may_say
from chargeline.workbench.api.looks import TheQuestion, TheVisit
from chargeline.workbench.api.problems import ConditionMissingError, ConflictError
from chargeline.workbench.api.shapes import (
    AnswerBack,
    AnswerGiven,
    Kept,
    PatientOfVisit,
    RevealAsked,
    StillRunningGiven,
    StillRunningKept,
    VisitNamed,
    VisitsAsked,
    VisitsGiven,
    VisitsNoted,
    WordGiven,
)
from chargeline.workbench.api.tagged import holds, tag_of
from chargeline.workbench.api.visits import visit_now, what_changed
from chargeline.workbench.bench import Bench, OutdatedError, TheBench
from chargeline.workbench.looking import LookedAt, look_at, note_look
from chargeline.workbench.people import Person
from chargeline.workbench.running.routes import keep_running
from chargeline.workbench.saying import (
    AnswerToTakeBack,
    WordOnLine,
    answer_said,
    answer_taken_back,
    say,
    word_said,
)
from chargeline.workbench.visit.posted import AnswerFromForm
from chargeline.workbench.work.routes import give, note_asked

router = APIRouter(prefix="/v1")

MayAnswer = Annotated[Person, Depends(may_say("visit.answer"))]
MayHold = Annotated[Person, Depends(may_say("visit.hold"))]
MayReveal = Annotated[Person, Depends(may_say("visit.reveal"))]
MayAssign = Annotated[Person, Depends(may_say("work.assign"))]
MayAsk = Annotated[Person, Depends(may_say("work.ask"))]
IfMatch = Annotated[
    str, Header(max_length=2_000, description="The ETag of the visit; 412 if it has changed")
]


class VisitChangedError(OutdatedError):
    """The visit is not as If-Match says."""


@router.post(
    "/visits/{facility}/{visit}/questions/{question}/answer",
    tags=["say"],
    status_code=201,
    summary="Answer a question",
)
async def answer(
    bench: TheBench,
    caller: MayAnswer,
    key: TheVisit,
    question: TheQuestion,
    given: AnswerGiven,
    if_match: IfMatch = "",
) -> Kept:
    """Keep an answer. Say on which state it rests: `fingerprint` of the question (409 if that has
    changed) or If-Match (412); without either it is 428.
    """
    if not (given.fingerprint or if_match):
        raise ConditionMissingError(
            Finding(
                "workbench.condition_missing",
                expected="`fingerprint` of the question, or If-Match with the ETag of the visit",
                found="neither",
                where="fingerprint",
                do="read the question, and send what it says; nothing was recorded",
            )
        )

    def make(looked: LookedAt) -> Given:
        _check(looked, bench, if_match)
        now = {one.question_id: one.fingerprint for one in questions_of_visit(looked.drafted)}
        posted = AnswerFromForm(
            question=question,
            choice=given.choice,
            value=given.value.strip(),
            reason=given.reason,
            fingerprint=given.fingerprint or now.get(question, ""),
        )
        return answer_said(bench, caller, looked.drafted, posted)

    return await _kept(bench, key, make, question)


@router.post(
    "/visits/{facility}/{visit}/answers/{answer}/back",
    tags=["say"],
    status_code=201,
    summary="Take an answer back",
)
async def take_back(
    bench: TheBench,
    caller: MayAnswer,
    key: TheVisit,
    answer: Annotated[Id, Path(description="The answer_id, as `said` of the visit names it")],
    given: AnswerBack,
    if_match: IfMatch = "",
) -> Kept:
    """Take an answer back: its question is asked again, if the charting still asks it. One that no
    longer counts, or is none of the visit, is 409. If-Match is not needed.
    """

    def make(looked: LookedAt) -> Given:
        _check(looked, bench, if_match)
        back = AnswerToTakeBack(answer=answer, reason=given.reason)
        return answer_taken_back(bench, caller, looked.drafted, back)

    return await _kept(bench, key, make, "")


@router.post(
    "/visits/{facility}/{visit}/words",
    tags=["say"],
    status_code=201,
    summary="Hold, release, withhold, override or restore",
)
async def say_of_line(
    bench: TheBench,
    caller: MayHold,
    key: TheVisit,
    word: WordGiven,
    if_match: IfMatch = "",
) -> Kept:
    """Say something of a line, or hold and release the whole visit. If-Match is not needed."""
    on_line = WordOnLine(**word.model_dump())

    def make(looked: LookedAt) -> Given:
        _check(looked, bench, if_match)
        return word_said(bench, caller, looked.drafted, on_line)

    return await _kept(bench, key, make, "")


@router.post("/visits/{facility}/{visit}/reveal", tags=["say"], summary="The patient of a visit")
async def reveal(
    bench: TheBench, caller: MayReveal, key: TheVisit, asked: RevealAsked
) -> PatientOfVisit:
    """The number of the patient; who looked and why goes into the audit trail."""
    async with bench.ledger.view() as view:
        looked = await look_at(bench, view, key)
    await note_look(bench, caller, key, "visit.reveal", why=asked.reason)
    return PatientOfVisit(patient=looked.drafted.timeline.context.patient)


@router.post("/assignments", tags=["say"], summary="Give visits to somebody")
async def assign(bench: TheBench, caller: MayAssign, given: VisitsGiven) -> VisitsNoted:
    """Say who sees to some visits. Nothing is noted if one of them is not there."""
    keys = _keys(given.visits)
    await give(bench, caller, keys, given.owner)
    return VisitsNoted(visits=len(keys))


@router.post("/asked-units", tags=["say"], summary="Note that units were asked")
async def ask_units(bench: TheBench, caller: MayAsk, asked: VisitsAsked) -> VisitsNoted:
    """Note that the units of some visits were asked, now."""
    keys = _keys(asked.visits)
    await note_asked(bench, caller, keys)
    return VisitsNoted(visits=len(keys))


@router.post(
    "/still-running", tags=["say"], status_code=201, summary="Say that an infusion still runs"
)
async def say_running(
    bench: TheBench, caller: MayAsk, given: StillRunningGiven
) -> StillRunningKept:
    """For a quarter of an hour its row waits behind the others. Nothing is kept of an infusion that
    is not on the board any more (404), such as one whose stop was charted meanwhile.
    """
    key = VisitKey(given.facility, given.visit)
    said = await keep_running(bench, caller, key, given.question_id, why=given.reason)
    return StillRunningKept(
        facility=said.facility,
        visit=said.visit,
        question_id=said.question_id,
        until=said.until,
        by=said.who,
    )


def _keys(visits: list[VisitNamed]) -> list[VisitKey]:
    """Visits, each once."""
    return list(dict.fromkeys([VisitKey(one.facility, one.visit) for one in visits]))


def _check(looked: LookedAt, bench: Bench, if_match: str) -> None:
    """Raise VisitChangedError where If-Match is sent and does not name the visit as it is now."""
    if if_match and not holds(if_match, tag_of(visit_now(looked, bench))):
        raise VisitChangedError(
            Finding(
                "workbench.outdated",
                expected="the visit as If-Match says",
                found="a visit that has changed since",
                where="If-Match",
                do="read the visit again, and decide anew; nothing was recorded",
            )
        )


async def _kept(
    bench: Bench, key: VisitKey, make: Callable[[LookedAt], Given], question: str
) -> Kept:
    """Keep what `make` makes of the visit. Raises AnswerError, and ConflictError with what changed
    where that rests on an earlier state.
    """
    looked, said = await say(bench, key, make)
    if isinstance(said, OutdatedError):
        status = 412 if isinstance(said, VisitChangedError) else 409
        raise ConflictError(said.finding, status, what_changed(looked, bench, question))
    if isinstance(said, AnswerError):
        raise said
    return Kept(
        number=number_of(said), choice=said.choice, value=said.value, by=said.by, at=said.at
    )
