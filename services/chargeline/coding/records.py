"""Drafts as JSON: the shape that `chargeline code --json` prints, one object a visit and encounter.

It owns the names of the keys, as pydantic models, and making them from drafts. Nothing of a trace
is left out, and nothing of a patient is put in.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from pydantic import BaseModel, ConfigDict

from chargeline.coding.assembly import CodedVisit, Run, SetAside
from chargeline.engine.explain import source_in_words
from chargeline.engine.trace import ChargeLine, Difference, EncounterDraft, Question, Step, Withheld

SHOWN_PLACES = 10


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PassedOver(_Record):
    """A rule that applied and was overridden."""

    rule: str
    why: str


class TraceStep(_Record):
    """One step of reasoning, with its rule, facts and the fields that they came from."""

    topic: str
    rule: str | None
    why: str | None
    cite: list[str]
    facts: dict[str, str | int]
    sources: list[str]
    passed_over: list[PassedOver]


class OtherPolicy(_Record):
    """What another shipped policy would make of the same administration."""

    policy: str
    would_give: list[str]
    rule: str


class Line(_Record):
    """One draft charge."""

    line_id: str
    role: str
    code: str
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    minutes: int | None
    administrations: list[str]
    provisional: str
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class OpenQuestion(_Record):
    """Something a person must answer."""

    code: str
    expected: str
    found: str
    do: str
    drug: str
    administrations: list[str]
    sources: list[str]


class WithheldService(_Record):
    """An administration that is not billed, and why."""

    reason: str
    says: str
    drug: str
    minutes: int | None
    administrations: list[str]
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class SetAsideGroup(_Record):
    """Messages set aside for one and the same reason; at most ten of their places."""

    code: str
    count: int
    expected: str
    found: str
    where: str
    do: str
    places: list[str]


class Messages(_Record):
    """The account of the feed: totals of the run; those set aside that concern this visit or none."""

    read: int
    used: int
    duplicates: int
    set_aside: list[SetAsideGroup]


class EncounterRecord(_Record):
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
            facility=None, visit=None, encounter=None, policy=None, rulebook=rulebook_version,
            lines=[], questions=[], withheld=[], messages=_messages(run, run.set_aside),
        )  # fmt: skip


def _of_visit(coded: CodedVisit, messages: Messages, rulebook: str) -> Iterator[EncounterRecord]:
    key, made = coded.timeline.key, coded.draft
    visit_questions = [_question(each) for each in made.questions]
    encounters: list[EncounterDraft | None] = list(made.encounters)
    if not encounters and visit_questions:
        encounters = [None]
    for encounter in encounters:
        own = [_question(each) for each in encounter.questions] if encounter else []
        yield EncounterRecord(
            facility=key.facility,
            visit=key.visit,
            encounter=encounter.encounter if encounter else None,
            policy=made.policy,
            rulebook=rulebook,
            lines=[_line(each) for each in encounter.lines] if encounter else [],
            questions=[*visit_questions, *own],
            withheld=[_withheld(each) for each in encounter.withheld] if encounter else [],
            messages=messages,
        )


def _line(line: ChargeLine) -> Line:
    return Line(
        line_id=line.line_id,
        role=line.role,
        code=line.code,
        units=line.units,
        modifiers=list(line.modifiers),
        service_date=line.service_date,
        drug=line.drug,
        minutes=line.minutes,
        administrations=list(line.administrations),
        provisional=line.provisional,
        trace=[_step(each) for each in line.trace],
        other_policies=[_other(each) for each in line.other_policies],
    )


def _step(step: Step) -> TraceStep:
    decision = step.decision
    rule = decision.rule if decision is not None else None
    return TraceStep(
        topic=step.topic,
        rule=rule.id if rule is not None else None,
        why=rule.why if rule is not None else None,
        cite=list(rule.cite) if rule is not None else [],
        facts=dict(step.facts),
        sources=[source_in_words(each) for each in step.sources],
        passed_over=[PassedOver(rule=each.id, why=each.why) for each in decision.passed_over]
        if decision is not None
        else [],
    )


def _other(difference: Difference) -> OtherPolicy:
    return OtherPolicy(policy=difference.policy, would_give=list(difference.says), rule=difference.rule)


def _question(question: Question) -> OpenQuestion:
    return OpenQuestion(
        code=question.code,
        expected=question.expected,
        found=question.found,
        do=question.do,
        drug=question.drug,
        administrations=list(question.administrations),
        sources=[source_in_words(each) for each in question.sources],
    )


def _withheld(entry: Withheld) -> WithheldService:
    return WithheldService(
        reason=entry.reason,
        says=entry.says,
        drug=entry.drug,
        minutes=entry.minutes,
        administrations=list(entry.administrations),
        trace=[_step(each) for each in entry.trace],
        other_policies=[_other(each) for each in entry.other_policies],
    )


def _messages(run: Run, entries: Iterable[SetAside]) -> Messages:
    return Messages(
        read=run.read, used=run.used, duplicates=run.duplicates, set_aside=set_aside_groups(entries)
    )


def set_aside_groups(entries: Iterable[SetAside]) -> list[SetAsideGroup]:
    """Entries with equal reasons together, most frequent first."""
    groups: dict[tuple[str, ...], list[SetAside]] = {}
    for each in entries:
        groups.setdefault((each.code, each.expected, each.found, each.where, each.do), []).append(each)
    found = [
        SetAsideGroup(
            code=code,
            count=len(same),
            expected=expected,
            found=what,
            where=where,
            do=do,
            places=[_place(each) for each in same[:SHOWN_PLACES]],
        )
        for (code, expected, what, where, do), same in groups.items()
    ]
    return sorted(found, key=lambda group: (-group.count, group.code, group.found, group.where))


def _place(entry: SetAside) -> str:
    return f"{entry.place} ({entry.control_id})" if entry.control_id else entry.place
