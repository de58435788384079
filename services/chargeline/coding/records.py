"""Drafts as JSON: the shape that `chargeline code --json` prints, one object a visit and encounter.

It owns the frame around the lines, questions and withheld services, whose shapes are those of the
events (bus/shapes.py). Nothing of a trace is left out, and nothing of a patient is put in.
"""

from collections.abc import Iterable, Iterator

from chargeline.coding.run import CodedVisit, Run, SetAside
from chargeline.engine import Finding
from chargeline.published.drafts import Steps, encounter_of, question_of
from chargeline.published.shapes import Line, OpenQuestion, PublishedModel, WithheldService

SHOWN_PLACES = 10


class SetAsideGroup(PublishedModel):
    """Messages set aside for one and the same reason; at most ten of their places."""

    code: str
    count: int
    expected: str
    found: str
    where: str
    do: str
    places: list[str]


class Messages(PublishedModel):
    """The account of the feed: totals of the run; those set aside that concern this visit or
    none.
    """

    read: int
    used: int
    duplicates: int
    set_aside: list[SetAsideGroup]


class EncounterRecord(PublishedModel):
    """One encounter of one visit; `visit` is null where no message of the feed made a visit."""

    facility: str | None
    visit: str | None
    encounter: str | None
    policy: str | None
    rulebook: str
    lines: list[Line]
    questions: list[OpenQuestion]
    withheld: list[WithheldService]
    messages: Messages


def encounter_records(run: Run, rulebook_version: str) -> Iterator[EncounterRecord]:
    """All encounters of a run; a visit that only has questions comes without an encounter."""
    by_visit: dict[object, list[SetAside]] = {}
    for each in run.set_aside:
        by_visit.setdefault(each.visit, []).append(each)
    nobody = by_visit.get(None, [])
    shown = False
    for coded in run.visits:
        messages = _messages(run, [*by_visit.get(coded.timeline.key, []), *nobody])
        for record in _of_visit(coded, messages, rulebook_version):
            shown = True
            yield record
    if not shown:
        yield EncounterRecord(
            facility=None,
            visit=None,
            encounter=None,
            policy=None,
            rulebook=rulebook_version,
            lines=[],
            questions=[],
            withheld=[],
            messages=_messages(run, run.set_aside),
        )


def _of_visit(coded: CodedVisit, messages: Messages, rulebook: str) -> Iterator[EncounterRecord]:
    key, made = coded.timeline.key, coded.draft
    visit_questions = [question_of(each) for each in made.questions]
    steps = Steps()
    encounters = [encounter_of(each, steps) for each in made.encounters]
    if not encounters and visit_questions:
        encounters = [{"encounter": None, "lines": [], "questions": [], "withheld": []}]
    for each in encounters:
        named = {
            "facility": key.facility,
            "visit": key.visit,
            "policy": made.policy,
            "rulebook": rulebook,
        }
        questions = [*visit_questions, *each["questions"]]
        yield EncounterRecord.model_validate(
            {**each, **named, "questions": questions, "messages": messages}
        )


def _messages(run: Run, entries: Iterable[SetAside]) -> Messages:
    return Messages(
        read=run.read, used=run.used, duplicates=run.duplicates, set_aside=set_aside_groups(entries)
    )


def set_aside_groups(entries: Iterable[SetAside]) -> list[SetAsideGroup]:
    """Entries with equal reasons together, most frequent first."""
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
