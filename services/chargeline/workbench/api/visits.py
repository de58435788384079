"""A visit as the API shows it: made of the draft as it would be now, and of the rows beside it.

It owns which part comes from where. Lines, questions and what was said have the shapes in which
they are published, so a program that reads Kafka reads this too.
"""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter
from pydantic_core import to_json

from chargeline.drafting.answering import money_moved, questions_of_visit, would_draft
from chargeline.drafting.record_shapes import authorization_shapes, course_shapes, lacking_shapes
from chargeline.engine import Consequence, Finding, Timeline, VisitKey
from chargeline.ledger.records import StoredRevision
from chargeline.published.answers import SaidByAPerson
from chargeline.published.events import questions_of
from chargeline.published.readiness import readiness
from chargeline.published.shapes import Changes, Encounter
from chargeline.published.stakes import money
from chargeline.published.writing import (
    Steps,
    VisitDraft,
    encounters_of,
    said_of_visit,
    visit_draft,
)
from chargeline.workbench.addresses import visit_address
from chargeline.workbench.api.shapes import (
    ChoiceOfQuestion,
    LineMoved,
    QuestionAsked,
    QuestionInFull,
    RevisionOfVisit,
    VisitAuthorizations,
    VisitCourses,
    VisitNow,
    WhatChanged,
    WouldDraft,
)
from chargeline.workbench.api.tagged import tag_of
from chargeline.workbench.api.taken_back import answers_taken_back
from chargeline.workbench.bench import Bench, NotThereError
from chargeline.workbench.looking import LookedAt
from chargeline.workbench.visit.sentences import sentence_of
from chargeline.workbench.visit.words import masked

HERE = "/api/v1"
_ENCOUNTERS: TypeAdapter[list[Encounter]] = TypeAdapter(list[Encounter])
_SAID: TypeAdapter[list[SaidByAPerson]] = TypeAdapter(list[SaidByAPerson])


def visit_href(key: VisitKey) -> str:
    """Where the API has a visit."""
    return f"{HERE}{visit_address(*key)}"


def visit_now(looked: LookedAt, bench: Bench) -> VisitNow:
    """The whole visit, with the patient masked."""
    maker = bench.processor.maker
    draft, row, given = looked.drafted.draft, looked.rows.row, looked.assignment
    whole = _whole(looked, bench)
    timeline = _answered(whole, looked)
    context = timeline.context
    status = row.status if row is not None else "open"
    incomplete = row.incomplete if row is not None else False
    ready = readiness(whole, draft.lines, status=status, incomplete=incomplete, prices=maker.prices)
    encounters = to_json(encounters_of(whole, Steps(), maker.prices))
    return VisitNow(
        facility=timeline.key.facility,
        visit=timeline.key.visit,
        address=visit_address(*timeline.key),
        revision=row.revision if row is not None else 0,
        status=status,
        patient=masked(context.patient),
        patient_class=context.classes[-1][1] if context.classes else "unknown",
        place=context.place,
        payer=context.payer,
        policy=draft.policy,
        rulebook=draft.rulebook,
        zone=context.zone,
        arrived_at=context.admitted,
        left_at=context.discharged,
        final_due=row.final_due if row is not None else None,
        incomplete=incomplete,
        held=draft.held,
        ready=ready["ready"],
        waits_for=list(ready["waits_for"]),
        waiting_cents=ready["waiting_cents"],
        total_cents=money(draft.lines, maker.prices) if maker.prices else None,
        encounters=_ENCOUNTERS.validate_json(encounters),
        questions=_questions(whole, looked, maker.prices),
        said=_said(whole),
        taken_back=answers_taken_back(looked.drafted.timeline),
        revisions=_revisions(looked.rows.revisions, timeline.key),
        owner=given.owner if given is not None else "",
        asked_unit_at=given.asked_unit_at if given is not None else None,
    )


def visit_courses(looked: LookedAt, bench: Bench) -> VisitCourses:
    """The courses of radiation of the visit."""
    visit, timeline = looked.drafted, _answered(_whole(looked, bench), looked)
    courses = course_shapes(visit, timeline, bench.processor.maker.rulebook)
    return VisitCourses(**timeline.key._asdict(), courses=courses)


def visit_authorizations(looked: LookedAt, bench: Bench) -> VisitAuthorizations:
    """The authorizations of the visit, and what its orders lack."""
    visit, timeline = looked.drafted, _answered(_whole(looked, bench), looked)
    return VisitAuthorizations(
        **timeline.key._asdict(),
        authorizations=authorization_shapes(visit, timeline),
        needed=lacking_shapes(visit),
    )


def question_in_full(looked: LookedAt, bench: Bench, number: str) -> QuestionInFull:
    """A question with what each choice would draft: it drafts the visit once a choice.

    Raises NotThereError where nobody asks it.
    """
    maker = bench.processor.maker
    whole = _whole(looked, bench)
    questions = {one.question_id: one for one in _questions(whole, looked, maker.prices)}
    asked = {one.question_id: one for one in questions_of_visit(looked.drafted)}
    if number not in asked:
        raise NotThereError(
            Finding(
                "command.not_found",
                expected="an open question of the visit",
                found="none of this number",
                where="question",
                do="see the questions of the visit",
            )
        )
    choices: dict[str, ChoiceOfQuestion] = {}
    for tried in would_draft(looked.drafted, asked[number], maker.rulebook):
        offer = tried.offer
        of_choice = choices.setdefault(
            offer.choice,
            ChoiceOfQuestion(
                choice=offer.choice, says=offer.says, value=offer.value, would_draft=[]
            ),
        )
        of_choice.would_draft.append(_would(tried, looked, maker.prices))
    return QuestionInFull(question=questions[number], choices=list(choices.values()))


def what_changed(looked: LookedAt, bench: Bench, number: str) -> WhatChanged:
    """How the visit, and one question of it, stand now."""
    now = visit_now(looked, bench)
    by_number = {question.question_id: question for question in now.questions}
    return WhatChanged(
        etag=tag_of(now),
        revision=now.revision,
        question=by_number.get(number),
        said=[said for said in now.said if said.question_id == number],
    )


def _whole(looked: LookedAt, bench: Bench) -> VisitDraft:
    formulary = bench.processor.maker.rulebook.formulary
    return visit_draft(looked.drafted.draft, looked.drafted.timeline, formulary)


def _answered(whole: VisitDraft, looked: LookedAt) -> Timeline:
    """The timeline of the visit after all answers."""
    return whole.timeline or looked.drafted.timeline


def _questions(
    whole: VisitDraft, looked: LookedAt, prices: Mapping[str, int]
) -> list[QuestionAsked]:
    row, key = looked.rows.row, looked.drafted.timeline.key
    revision = max(1, row.revision) if row is not None else 1
    events = [event.question for event in questions_of(whole, revision, prices)]
    return [
        QuestionAsked(
            **question.model_dump(),
            sentence=sentence_of(question.code, question.drug),
            href=f"{visit_href(key)}/questions/{question.question_id}",
        )
        for question in events
    ]


def _said(whole: VisitDraft) -> list[SaidByAPerson]:
    return _SAID.validate_json(to_json([said_of_visit(said) for said in whole.draft.said]))


def _would(tried: Consequence, looked: LookedAt, prices: Mapping[str, int]) -> WouldDraft:
    lines = None
    if tried.changes is not None:
        lines = [LineMoved(**change._asdict()) for change in tried.changes]
    return WouldDraft(
        value=tried.value, lines=lines, moves_cents=money_moved(looked.drafted, tried, prices)
    )


def _revisions(rows: Sequence[StoredRevision], key: VisitKey) -> list[RevisionOfVisit]:
    return [
        RevisionOfVisit(
            revision=row.revision,
            status=row.status,
            policy=row.policy,
            rulebook=row.rulebook,
            created_at=row.created_at,
            changes=Changes.model_validate_json(row.changes),
            href=f"{visit_href(key)}/revisions/{row.revision}",
        )
        for row in sorted(rows, key=lambda row: -row.revision)
    ]
