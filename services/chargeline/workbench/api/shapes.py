"""The shapes of what the API shows and takes, beside those that a page's own JSON has.

It owns the names that a program reads. Amounts are in cents, times have their distance from UTC,
and a part that is published on Kafka has the shape that it has there. All examples are invented.
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from chargeline.engine import answer_words, words
from chargeline.published.answers import SaidByAPerson
from chargeline.published.shapes import Changes, DocumentationQuestion, Encounter
from chargeline.published.standing import AuthorizationLacking, AuthorizationOfVisit, CourseOfVisit
from chargeline.workbench.addresses import Id, Reason, Text
from chargeline.workbench.api.taken_back import AnswerTakenBack
from chargeline.workbench.rights import Right, Role
from chargeline.workbench.work.asked_for import WorkQuery
from chargeline.workbench.work.items import WorkItem

_NUMBER = r"^[A-Za-z0-9]{1,40}$"
Number = Annotated[str, StringConstraints(pattern=_NUMBER)]
"""The number of a question."""
Named = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]


def example(**values: Any) -> ConfigDict:
    """The settings of a shape with an invented example; a key that it does not have is refused."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


class Caller(BaseModel):
    """Who asks."""

    model_config = example(
        who="token worklist-export",
        name="worklist-export",
        roles=["viewer"],
        rights=["visit.see", "work.see"],
        token_ends_at="2026-05-31T09:00:00Z",
        csrf="",
    )

    who: str = Field(description="As answers and the audit trail name the caller")
    name: str
    roles: list[Role]
    rights: list[Right] = Field(description="What the roles may see and do")
    token_ends_at: AwareDatetime | None = Field(description="Null for the session of a browser")
    csrf: str = Field(description="What a browser sends as X-CSRF-Token; empty for a token")


class WorkAsked(WorkQuery):
    """The query parameters of the work list. Empty ones leave all; an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(50, ge=1, le=500, description="So many visits at most")


class WorkVisit(WorkItem):
    """A visit of the work list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "facility": "ZEBRA",
                    "visit": "V100001",
                    "address": "/visits/ZEBRA/V100001",
                    "sentence": "When did carboplatin stop?",
                    "detail": "no stop after 09:00",
                    "code": "stop.missing",
                    "severity": "blocks",
                    "question_id": "5b1f0a2c9d3e",
                    "asks": 1,
                    "place": "TOWER",
                    "payer": "MEDICARE",
                    "day": "2026-03-02",
                    "status": "open",
                    "final_due": "2026-03-05T05:00:00Z",
                    "waiting_cents": 29_150,
                    "stake_cents": 26_000,
                    "opened_at": "2026-03-02T15:30:00Z",
                    "owner": "",
                    "asked_unit_at": "2026-03-02T15:45:00Z",
                    "href": "/api/v1/visits/ZEBRA/V100001",
                }
            ]
        }
    )

    href: str = Field(description="Where the API has the visit")


class WorkPage(BaseModel):
    """A page of the work list: what becomes final soonest comes first."""

    visits: int = Field(description="How many visits wait, by these filters, on all pages")
    questions: int = Field(description="How many open questions they have")
    waiting_cents: int
    items: list[WorkVisit]
    next: str = Field(description="The parameter `after` of the next page; empty at the end")


class QuestionAsked(DocumentationQuestion):
    """An open question of a visit, as `documentation.question` has it."""

    sentence: str
    """The question as a sentence."""
    href: str
    """Where the API has the question, with what each choice would draft."""


class LineMoved(BaseModel):
    """A line that an answer would change."""

    drug: str
    before: str = Field(description="Such as 96415-59 x2; empty where the line comes; ? is open")
    after: str = Field(description="The same; empty where the line goes")


class WouldDraft(BaseModel):
    """What a choice would draft with a value."""

    value: str = Field(description="The value that was tried, as an answer may give it")
    lines: list[LineMoved] | None = Field(description="Null where it depends on a value to give")
    moves_cents: int | None = Field(
        description="How much more the lines would bring; null without a price list"
    )


class ChoiceOfQuestion(BaseModel):
    """One choice of a question."""

    choice: answer_words.AnswerChoice
    says: str = Field(description="The answer as a sentence")
    value: answer_words.ValueKind = Field(description="The kind of value it needs; empty for none")
    would_draft: list[WouldDraft]


class QuestionInFull(BaseModel):
    """A question with what each choice would draft."""

    question: QuestionAsked
    choices: list[ChoiceOfQuestion]


class RevisionOfVisit(BaseModel):
    """A published revision of a visit, and how its lines differ from those before."""

    revision: int = Field(ge=1)
    status: str
    policy: str
    rulebook: str
    created_at: AwareDatetime
    changes: Changes
    href: str = Field(description="Where the API has the revision as it was published")


class VisitNow(BaseModel):
    """A visit as it is drafted now, with the answers that no revision has published yet.

    Why a line is there stands in its `trace`. The patient is masked but for the last four signs.
    """

    facility: str
    visit: str
    address: str = Field(description="The page of the visit")
    revision: int = Field(description="The last published revision; 0 before the first")
    status: str = Field(description="open, final")
    patient: str
    patient_class: words.PatientClassFact
    place: str
    payer: str
    policy: str = Field(description="The policy by which the visit is drafted")
    rulebook: str
    zone: str = Field(description="The time zone of the sender")
    arrived_at: AwareDatetime | None
    left_at: AwareDatetime | None
    final_due: AwareDatetime | None = Field(description="When the draft becomes final by itself")
    incomplete: bool = Field(description="Whether a message is parked or was not read whole")
    held: str = Field(description="Why a person holds the whole visit; empty if nobody does")
    ready: bool = Field(description="Whether a bill may be made")
    waits_for: list[str] = Field(description="What for, if it is not ready, as a revision says it")
    waiting_cents: int | None
    total_cents: int | None = Field(description="What all lines bring; null without a price list")
    encounters: list[Encounter]
    questions: list[QuestionAsked]
    said: list[SaidByAPerson] = Field(description="The last answer to each question")
    taken_back: list[AnswerTakenBack] = Field(description="Answers that somebody took back")
    revisions: list[RevisionOfVisit] = Field(description="The last one first")
    owner: str = Field(description="Who sees to it; empty for nobody")
    asked_unit_at: AwareDatetime | None


class VisitCourses(BaseModel):
    """The courses of radiation of which a visit tells, as all visits of its patient tell them."""

    model_config = example(
        facility="ZEBRA",
        visit="V100001",
        courses=[
            {
                "course": "C1",
                "sessions": 7,
                "in_question": 0,
                "booked": 0,
                "planned": [30],
                "missing": [],
                "ended": False,
                "here": [5, 6, 7],
                "counted_with": [],
                "management": [
                    {
                        "beam": "external",
                        "sessions": 7,
                        "code": "77427",
                        "units": 1,
                        "to_next": 3,
                        "with_the_end": False,
                    }
                ],
            }
        ],
    )

    facility: str
    visit: str
    courses: list[CourseOfVisit] = Field(description="By number; empty where it tells of none")


class VisitAuthorizations(BaseModel):
    """The authorizations that a visit names, tells of or may use, and what its orders lack."""

    model_config = example(
        facility="ZEBRA",
        visit="V100001",
        authorizations=[
            {
                "number": "A77",
                "item": "J2860",
                "payer": "UNITEDHEALTHCARE",
                "codes": ["J2860"],
                "starts": "2026-10-01",
                "until": "2027-03-31",
                "basis": "units",
                "granted": "200",
                "used": "80",
                "not_covered": "0",
                "left": "120",
                "status": "approved",
                "says": "approved on 2026-10-01",
                "taken": [{"day": "2026-10-05", "amount": "80"}],
            }
        ],
        needed=[],
    )

    facility: str
    visit: str
    authorizations: list[AuthorizationOfVisit] = Field(description="By number, with what is left")
    needed: list[AuthorizationLacking] = Field(description="By orders for which none is on file")


class AnswerGiven(BaseModel):
    """An answer to a question. Give `fingerprint`, or If-Match with the ETag of the visit."""

    model_config = example(
        choice="stop",
        value="2026-03-02T10:05",
        reason="seen on the pump",
        fingerprint="0123456789ab",
    )

    choice: Id = Field(description="One of the choices of the question")
    value: Text = Field("", description="What the choice needs, such as a time")
    reason: Reason = Field(description="Why, or where it can be seen; name no patient")
    fingerprint: Id = Field("", description="That of the question when the answer was thought of")


class AnswerBack(BaseModel):
    """Why an answer is taken back."""

    model_config = example(reason="another note was found")

    reason: Reason = Field(description="Why; name no patient")


class WordGiven(BaseModel):
    """Something that is said of a line, or with an empty `line` of the whole visit."""

    model_config = example(line="", choice="hold", value="", reason="waits for the audit")

    line: Id = Field("", description="The line_id; empty for the whole visit: hold and release")
    choice: answer_words.LineChoice
    value: Text = Field("", description="For override: code, modifiers, units, as 96415-59 x2")
    reason: Reason = Field(description="Why; name no patient")


class Kept(BaseModel):
    """What was kept. The program that owns the visit drafts it; see its next revision."""

    number: str = Field(description="The answer_id under which the draft names it")
    choice: str
    value: str = Field(description="As it is kept, such as a time with its offset")
    by: str
    at: AwareDatetime


class RevealAsked(BaseModel):
    """Why the patient of a visit is looked at."""

    model_config = example(reason="the payer asks for the record number")

    reason: Reason


class PatientOfVisit(BaseModel):
    """The patient of a visit. Keep it nowhere."""

    patient: str = Field(description="The number of the patient; empty where none is known")


class VisitNamed(BaseModel):
    """A visit by its numbers."""

    model_config = example(facility="ZEBRA", visit="V100001")

    facility: Named
    visit: Named


class VisitsGiven(BaseModel):
    """Visits, and who sees to them from now on."""

    model_config = example(visits=[{"facility": "ZEBRA", "visit": "V100001"}], owner="O. Okapi")

    visits: list[VisitNamed] = Field(min_length=1, max_length=500)
    owner: Text = Field(description="Empty for nobody")


class VisitsAsked(BaseModel):
    """Visits whose units were asked."""

    model_config = example(visits=[{"facility": "ZEBRA", "visit": "V100001"}])

    visits: list[VisitNamed] = Field(min_length=1, max_length=500)


class VisitsNoted(BaseModel):
    """How many visits were noted."""

    visits: int


class StillRunningGiven(VisitNamed):
    """An infusion of the board that still runs, and where that can be seen."""

    model_config = example(
        facility="ZEBRA", visit="V100001", question_id="5b1f0a2c9d3e", reason="the rate was halved"
    )

    question_id: Number = Field(description="As the row of the board has it")
    reason: Reason = Field(description="Why; name no patient")


class StillRunningKept(BaseModel):
    """How long it counts that an infusion was said to run, and who said it."""

    facility: str
    visit: str
    question_id: str
    until: AwareDatetime = Field(description="From then on its row is past its end again")
    by: str


class WhatChanged(BaseModel):
    """How a visit stands now, for who said something of an earlier state of it."""

    etag: str = Field(description="The ETag of the visit now")
    revision: int
    question: QuestionAsked | None = Field(description="The question now; null if nobody asks it")
    said: list[SaidByAPerson] = Field(description="What people answered to it")
