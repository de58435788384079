"""A row of the work list as it is shown, the same for the page, for JSON and for CSV.

It owns what a row says. A question is a sentence; a visit that waits for something else than an
answer says what that is.
"""

import json
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, Field

from chargeline.engine import MEANINGS, FindingCode, answer_words, severity_of
from chargeline.ledger.work_list import WorkRow
from chargeline.workbench.addresses import visit_address
from chargeline.workbench.visit.sentences import sentence_of

_OTHER = {
    "hold": "Held by a person",
    "parked": "A message of the visit could not be used",
}


class WorkItem(BaseModel):
    """A visit of the work list."""

    facility: str = Field(description="Whose number of a visit it is, as the sender writes it")
    visit: str = Field(description="The number of the visit")
    address: str = Field(description="Where the visit is shown")
    sentence: str = Field(description="What is asked first, or what the visit waits for")
    detail: str = Field(description="What was found")
    code: str = Field(description="The code of the question, or of what else is waited for")
    severity: answer_words.Severity = Field(description="Whether a bill waits for it")
    question_id: str = Field(description="Empty where the visit waits for something else")
    asks: int = Field(ge=0, description="How many questions are open")
    place: str = Field(description="The nursing unit or clinic; empty if none is known")
    payer: str = Field(description="As the sender writes it; empty if none is known")
    day: str = Field(description="The last day of service, such as 2026-03-19")
    status: str = Field(description="open while the patient may be there, else final")
    final_due: datetime | None = Field(description="When the draft becomes final")
    waiting_cents: int = Field(description="What the lines of the visit would bring")
    stake_cents: int | None = Field(description="What the lines of the question would bring")
    opened_at: datetime | None = Field(description="When the question was put")
    owner: str = Field(description="Empty for nobody")
    asked_unit_at: datetime | None = Field(description="When somebody asked the unit")


class WorkItems(BaseModel):
    """A page of the work list."""

    visits: int
    questions: int
    waiting_cents: int
    items: list[WorkItem]
    next: str = Field(description="The parameter `after` of the next page; empty at the end")


def item_of(row: WorkRow) -> WorkItem:
    """A row as it is shown."""
    asked: dict[str, Any] = json.loads(row.body) if row.body else {}
    code = row.code or row.waits_for or ""
    return WorkItem(
        facility=row.facility,
        visit=row.visit,
        address=visit_address(row.facility, row.visit),
        sentence=_sentence(code, asked),
        detail=str(asked.get("found", "")),
        code=code,
        severity=severity_of(code),
        question_id=row.question_id,
        asks=row.asks,
        place=row.place,
        payer=row.payer,
        day=row.day,
        status=row.status,
        final_due=row.final_due,
        waiting_cents=row.waiting_cents,
        stake_cents=row.stake_cents,
        opened_at=row.opened_at,
        owner=row.owner,
        asked_unit_at=row.asked_unit_at,
    )


def says(code: str) -> str:
    """A code, or what a bill waits for, in words."""
    return _OTHER.get(code) or MEANINGS.get(cast(FindingCode, code), code)


def _sentence(code: str, asked: dict[str, Any]) -> str:
    return sentence_of(code, asked["drug"]) if asked else says(code)
