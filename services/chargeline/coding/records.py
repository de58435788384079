"""Drafts as JSON: what `chargeline code --json` prints, one object for each visit and encounter.

It owns the frame around lines, questions and withheld services: facility, visit, encounter, policy,
rulebook, and the account of the messages. Lines, questions and withheld services have the same
shapes as in the published events (published/shapes.py). What people said, and how courses and
authorizations stand, is of the visit, and the same in each of its records. A trace is complete, and
no record names a patient.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from chargeline.coding.assembly import SHOWN_PLACES
from chargeline.coding.run import CodedVisit, Run, SetAside
from chargeline.drafting.record_shapes import authorization_shapes, course_shapes, lacking_shapes
from chargeline.engine import Finding, Rulebook, Timeline
from chargeline.published.answers import SaidByAPerson
from chargeline.published.given import AdministrationFacts
from chargeline.published.model import PublishedModel
from chargeline.published.shapes import Line, OpenQuestion, WithheldService
from chargeline.published.stakes import EditOfClaim
from chargeline.published.standing import (
    AuthorizationLacking,
    AuthorizationOfVisit,
    CourseOfVisit,
)
from chargeline.published.writing import (
    Steps,
    encounters_of,
    question_of,
    said_of_visit,
    visit_draft,
)


class SetAsideGroup(PublishedModel):
    """Messages that were set aside for the same reason; `places` names the first ten of them."""

    code: str
    count: int
    expected: str
    found: str
    where: str
    do: str
    places: list[str]


class Warned(PublishedModel):
    """Something that the reader tolerated in messages; `places` names the first ten of them."""

    code: str
    says: str
    count: int
    places: list[str]


class Messages(PublishedModel):
    """The account of the messages.

    The numbers and the warnings are those of the run. `set_aside` holds the messages of this visit,
    and those of which no visit is known.
    """

    read: int
    used: int
    duplicates: int
    set_aside: list[SetAsideGroup]
    warnings: list[Warned]


class EncounterRecord(PublishedModel):
    """One encounter of one visit. `visit` is null if the feed has no visit at all."""

    facility: str | None
    visit: str | None
    encounter: str | None
    policy: str | None
    rulebook: str
    lines: list[Line]
    questions: list[OpenQuestion]
    withheld: list[WithheldService]
    administrations: list[AdministrationFacts]
    edits: list[EditOfClaim]
    said: list[SaidByAPerson]
    courses: list[CourseOfVisit]
    authorizations: list[AuthorizationOfVisit]
    needed: list[AuthorizationLacking]
    messages: Messages


def encounter_records(run: Run, rulebook: Rulebook) -> Iterator[EncounterRecord]:
    """The records of all encounters of a run.

    A visit that has questions and no encounter gives one record whose `encounter` is null. A feed
    without a visit gives one record for the account of its messages.
    """
    by_visit: dict[object, list[SetAside]] = {}
    for entry in run.set_aside:
        by_visit.setdefault(entry.visit, []).append(entry)
    nobody = by_visit.get(None, [])
    shown = False
    for coded in run.visits:
        messages = _messages(run, [*by_visit.get(coded.timeline.key, []), *nobody])
        for record in _of_visit(coded, messages, rulebook):
            shown = True
            yield record
    if not shown:
        yield EncounterRecord(
            facility=None,
            visit=None,
            encounter=None,
            policy=None,
            rulebook=rulebook.version,
            lines=[],
            questions=[],
            withheld=[],
            administrations=[],
            edits=[],
            said=[],
            courses=[],
            authorizations=[],
            needed=[],
            messages=_messages(run, run.set_aside),
        )


_PARTS = ("lines", "questions", "withheld", "administrations", "edits")


def _of_visit(
    coded: CodedVisit, messages: Messages, rulebook: Rulebook
) -> Iterator[EncounterRecord]:
    key, draft = coded.timeline.key, coded.draft
    visit = visit_draft(draft, coded.timeline, rulebook.formulary)
    assert visit.timeline is not None, "a visit of a run is not merged away"
    visit_questions = [question_of(asked) for asked in visit.asked if asked.encounter is None]
    encounters = encounters_of(visit, Steps())
    if not encounters and visit_questions:
        encounters = [{"encounter": None, **{part: [] for part in _PARTS}}]
    named = {
        "facility": key.facility,
        "visit": key.visit,
        "policy": draft.policy,
        "rulebook": rulebook.version,
        "said": [said_of_visit(said) for said in draft.said],
        **_beside(coded, visit.timeline, rulebook),
    }
    for encounter in encounters:
        questions = [*visit_questions, *encounter["questions"]]
        yield EncounterRecord.model_validate(
            {**encounter, **named, "questions": questions, "messages": messages}
        )


def _beside(coded: CodedVisit, timeline: Timeline, rulebook: Rulebook) -> dict[str, Any]:
    """How the courses and authorizations of a visit stand, and what its orders lack."""
    return {
        "courses": course_shapes(coded, timeline, rulebook),
        "authorizations": authorization_shapes(coded, timeline),
        "needed": lacking_shapes(coded),
    }


def _messages(run: Run, entries: Iterable[SetAside]) -> Messages:
    return Messages(
        read=run.read,
        used=run.used,
        duplicates=run.duplicates,
        set_aside=set_aside_groups(entries),
        warnings=[
            Warned(code=odd.code, says=odd.says, count=odd.messages, places=list(odd.places))
            for odd in run.oddities
        ],
    )


def set_aside_groups(entries: Iterable[SetAside]) -> list[SetAsideGroup]:
    """The entries grouped by their reason, the most frequent reason first."""
    groups: dict[Finding, list[SetAside]] = {}
    for entry in entries:
        groups.setdefault(entry.finding, []).append(entry)
    grouped = [
        SetAsideGroup(
            code=finding.code,
            count=len(same),
            expected=finding.expected,
            found=finding.found,
            where=finding.where,
            do=finding.do,
            places=[_place(entry) for entry in same[:SHOWN_PLACES]],
        )
        for finding, same in groups.items()
    ]
    return sorted(grouped, key=lambda group: (-group.count, group.code, group.found, group.where))


def _place(entry: SetAside) -> str:
    return f"{entry.place} ({entry.control_id})" if entry.control_id else entry.place
