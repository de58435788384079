"""Parked messages by the API: a list of them, and what may be done to some that a program chose.

It owns the addresses and the shapes. Which messages can be seen to, how many at once and what the
trail has of it is the same as on the page Operations (`operations/seeing.py`). What a message holds
is not shown.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chargeline.drafting.parked import SeeingTo
from chargeline.workbench.api.callers import may, may_say
from chargeline.workbench.api.shapes import example
from chargeline.workbench.api.tagged import shown
from chargeline.workbench.bench import Bench, TheBench
from chargeline.workbench.operations.items import ParkedItem, parked_item
from chargeline.workbench.operations.seeing import (
    PARKED_MOST,
    REASON_LEAST,
    ReasonToSee,
    not_tried,
    readable_of,
    see_to_messages,
    try_messages,
)
from chargeline.workbench.people import Person

router = APIRouter(prefix="/v1/parked", tags=["parked"])

MayLook = Annotated[Person, Depends(may("operations.see"))]
MaySeeTo = Annotated[Person, Depends(may_say("operations.retry"))]
ParkedNumber = Annotated[int, Field(strict=True, ge=1, lt=10**18)]


class ParkedAsked(BaseModel):
    """The query parameters of the list. An empty code leaves all; an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field("", max_length=80, pattern=r"^[a-z_.]*$", description="Why it is parked")
    limit: int = Field(50, ge=1, le=500, description="So many messages at most")
    after: str = Field("", pattern=r"^[0-9]{0,18}$", description="`next` of the page before")


class ParkedPage(BaseModel):
    """A page of the parked messages: what was parked first comes first."""

    model_config = example(
        items=[
            {
                "number": 41,
                "code": "status.unknown",
                "says": "The interface profile does not know this record status (RXA-21).",
                "type": "RAS^O17",
                "sender": "MAR · gateway-1",
                "facility": "ZEBRA",
                "is_of_visit": True,
                "first_seen": "2026-03-02T15:30:00Z",
                "field": "RXA-21",
                "expected": "one of A, D, U, X",
                "found": "XX",
                "do": "add the value to [record] of the interface profile, or correct it at the "
                "sender",
                "can_be_sent": True,
            }
        ],
        next="41",
    )

    items: list[ParkedItem]
    next: str = Field(description="The parameter `after` of the next page; empty at the end")


class ParkedChosen(BaseModel):
    """Parked messages that somebody chose, by their numbers."""

    model_config = example(messages=[41, 42], reason="the profile was mended")

    # The limits are checked by what the page uses, which says what to do.
    messages: list[ParkedNumber] = Field(json_schema_extra={"minItems": 1, "maxItems": PARKED_MOST})
    reason: ReasonToSee = Field("", description="Why; name no patient")


class ParkedGivenUp(ParkedChosen):
    """Parked messages that somebody gives up, and why."""

    model_config = example(messages=[41], reason="a probe of the network")

    reason: ReasonToSee = Field(
        description="Why; name no patient", json_schema_extra={"minLength": REASON_LEAST}
    )


class ParkedAgain(BaseModel):
    """A message that would be parked again."""

    number: int
    code: str = Field(description="Why it would be")


class ParkedTried(BaseModel):
    """What would become of messages if they came now. Nothing was stored but the try."""

    model_config = example(
        readable=[41], again=[{"number": 42, "code": "status.unknown"}], not_found=[43]
    )

    readable: list[int] = Field(description="Those that would be read whole")
    again: list[ParkedAgain]
    not_found: list[int] = Field(
        description="Not tried: nothing is parked under these numbers, or no longer"
    )


class ParkedSeenTo(BaseModel):
    """Which messages were seen to, and which were not."""

    model_config = example(done=[41], left=[42])

    done: list[int]
    left: list[int] = Field(
        description="They stayed as they were: seen to by somebody else meanwhile, or without "
        "bytes that can be used"
    )


@router.get("", response_model=ParkedPage, summary="Parked messages")
async def list_parked(
    request: Request, bench: TheBench, _caller: MayLook, asked: Annotated[ParkedAsked, Query()]
) -> Response:
    """Messages that wait for a person, a page at a time, by their numbers. `/v1/operations` has
    them in groups of one cause and one sender.
    """
    after = int(asked.after or 0)
    async with bench.ledger.view() as view:
        rows = await view.parked("parked", asked.limit + 1, after, asked.code)
    items = [parked_item(row) for row in rows[: asked.limit]]
    more = len(rows) > asked.limit
    return shown(request, ParkedPage(items=items, next=str(items[-1].number) if more else ""))


@router.post("/try", summary="Read parked messages again, to see what would become of them")
async def try_parked(bench: TheBench, caller: MaySeeTo, chosen: ParkedChosen) -> ParkedTried:
    """Read messages by the rules and profiles in use here, and store nothing."""
    results = await try_messages(bench, caller, chosen.messages, chosen.reason)
    again = [ParkedAgain(number=one.number, code=one.code) for one in results if one.code]
    return ParkedTried(
        readable=readable_of(results),
        again=again,
        not_found=not_tried(chosen.messages, results),
    )


@router.post("/retry", summary="Send parked messages through again")
async def retry_parked(bench: TheBench, caller: MaySeeTo, chosen: ParkedChosen) -> ParkedSeenTo:
    """Send messages through the inbound topic again, as soon as a relay runs. 404 where somebody
    sees to one of them at this moment: list them again, for those before it may be done.
    """
    return await _seen_to(bench, SeeingTo("retried", who=caller.who, why=chosen.reason), chosen)


@router.post("/drop", summary="Give parked messages up")
async def drop_parked(bench: TheBench, caller: MaySeeTo, chosen: ParkedGivenUp) -> ParkedSeenTo:
    """Give messages up; their visits wait for them no more. 404 is as with a retry."""
    return await _seen_to(bench, SeeingTo("dropped", who=caller.who, why=chosen.reason), chosen)


async def _seen_to(bench: Bench, seeing: SeeingTo, chosen: ParkedChosen) -> ParkedSeenTo:
    seen = await see_to_messages(bench, seeing, chosen.messages)
    return ParkedSeenTo(done=seen.done, left=seen.left)
