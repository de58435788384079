"""The screen *Try*: a visit typed by hand, drafted with the same engine. Nothing of it is kept.

It owns the address, which holds all that was typed, so that it can be sent to a colleague. What a
line may say is the notation of cases (rules/README.md).
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from chargeline.drafting.answering import DraftedVisit
from chargeline.engine import Finding, draft, words
from chargeline.rulebook.notation import FIRST_DAY
from chargeline.rulebook.typed import NotationError, TypedVisit, typed_timeline
from chargeline.workbench.bench import Bench, TheBench, needs
from chargeline.workbench.looking import site_of
from chargeline.workbench.pages import page
from chargeline.workbench.people import Person
from chargeline.workbench.visit.model import ChosenOnPage, VisitPage
from chargeline.workbench.visit.page import visit_page

router = APIRouter()
LINES_MOST = 100
EXAMPLE = "ondansetron 8 mg iv push 08:50\ncarboplatin 450 mg iv 09:00-10:30"
MayTry = Annotated[Person, Depends(needs("visit.see"))]


class Typed(BaseModel):
    """The query parameters: a visit, and what of its page is chosen."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    given: str = Field("", max_length=8_000, description="Administrations, one a line")
    policy: str = Field("", max_length=80)
    payer: str = Field("", max_length=200)
    diagnosis: str = Field("", max_length=20)
    patient_class: words.PatientClassFact = "outpatient"
    day: date = FIRST_DAY
    line: str = Field("", max_length=80, pattern=r"^[A-Za-z0-9._-]*$")

    @field_validator("day", mode="before")
    @classmethod
    def _usual_day(cls, value: object) -> object:
        return value or FIRST_DAY

    @property
    def texts(self) -> list[str]:
        """The lines that say something."""
        return [line.strip() for line in self.given.splitlines() if line.strip()]

    @property
    def kept(self) -> dict[str, str]:
        """What an address needs to say the same again."""
        said = self.model_dump(mode="json", exclude={"line"})
        return {name: str(value) for name, value in said.items() if value}


@router.get("/try", include_in_schema=False)
async def try_visit(
    request: Request, bench: TheBench, person: MayTry, typed: Annotated[Typed, Query()]
) -> Response:
    """The form, and the visit that was typed."""
    shown: VisitPage | None = None
    refused: Sequence[Finding] = ()
    try:
        shown = _drafted(bench, typed) if typed.texts else None
    except NotationError as error:
        refused = error.findings
    rulebook = bench.processor.maker.rulebook
    values: dict[str, Any] = {
        "typed": typed,
        "page": shown,
        "kept": typed.kept,
        "refused": refused,
        "policies": sorted(rulebook.policies),
        "classes": words.words_of(words.PatientClassFact),
        "example": EXAMPLE,
    }
    return page(request, "try.html", person, values, status=422 if refused else 200)


def _drafted(bench: Bench, typed: Typed) -> VisitPage:
    """The page of what was typed. Raises NotationError."""
    rulebook = bench.processor.maker.rulebook
    unusable = _unusable(typed, sorted(rulebook.policies))
    if unusable:
        raise NotationError(*unusable)
    timeline = typed_timeline(
        TypedVisit(
            given=typed.texts,
            payer=typed.payer,
            diagnosis=typed.diagnosis,
            patient_class=typed.patient_class,
            day=typed.day,
        )
    )
    drafted = DraftedVisit(timeline, draft(timeline, rulebook, policy=typed.policy))
    setting = site_of(bench)._replace(policy=typed.policy)
    return visit_page(drafted, setting, bench.clock(), chosen=ChosenOnPage(line=typed.line))


def _unusable(typed: Typed, policies: list[str]) -> list[Finding]:
    """What is wrong with the visit besides its lines."""
    findings = []
    if typed.policy and typed.policy not in policies:
        findings.append(
            Finding(
                "rules.policy",
                expected=f"one of {', '.join(policies)}",
                found=typed.policy,
                where="policy",
                do="choose one",
            )
        )
    if len(typed.texts) > LINES_MOST:
        findings.append(
            Finding(
                "rules.case",
                expected=f"at most {LINES_MOST} lines",
                found=str(len(typed.texts)),
                where="given",
                do="send it to chargeline as messages: `chargeline code` takes any number",
            )
        )
    return findings
