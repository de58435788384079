"""What crosses Kafka: drafts, questions and parked messages, as CloudEvents in Kafka's binary mode.

It owns the shapes, the keys and the ids of what is announced, and making them from the engine's values.
It knows no broker and reads no clock: the time is handed in. An id is a hash of what it names, so that
the same announcement made twice is recognised, after a crash as after a replay.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Literal, NamedTuple, Protocol, Self
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from chargeline.engine.events import VisitKey
from chargeline.engine.explain import source_in_words
from chargeline.engine.timeline import Administration
from chargeline.engine.trace import (
    ChargeLine,
    Difference,
    Draft,
    EncounterDraft,
    Question,
    Step,
    Withheld,
)


class Record(BaseModel):
    """What all shapes share: they do not change, and hold no key that is not named here."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


# ------------------------------------------------------------------ the parts of a draft


class PassedOver(Record):
    """A rule that applied and was overridden."""

    rule: str
    why: str


class TraceStep(Record):
    """One step of reasoning, with its rule, facts and the fields that they came from."""

    topic: str
    rule: str | None
    why: str | None
    cite: list[str]
    facts: dict[str, str | int]
    sources: list[str]
    passed_over: list[PassedOver]


class OtherPolicy(Record):
    """What another shipped policy would make of the same administration."""

    policy: str
    would_give: list[str]
    rule: str


class Line(Record):
    """One draft charge."""

    line_id: str
    """Stays the same for the same line in every revision; unique within a visit."""
    role: str
    """The service role, such as chemo.infusion.initial; `drug` for the drug itself."""
    code: str
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    minutes: int | None
    """Running minutes that the line was reckoned from; null if it is not timed."""
    administrations: list[str]
    provisional: str
    """Code of the open question that may change the line, or empty."""
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class OpenQuestion(Record):
    """Something a person must answer."""

    code: str
    expected: str
    found: str
    do: str
    drug: str
    administrations: list[str]
    sources: list[str]


class WithheldService(Record):
    """An administration that is not billed, and why."""

    reason: str
    says: str
    drug: str
    minutes: int | None
    administrations: list[str]
    trace: list[TraceStep]
    other_policies: list[OtherPolicy]


class Encounter(Record):
    """The draft of one encounter of the visit."""

    encounter: str
    lines: list[Line]
    questions: list[OpenQuestion]
    withheld: list[WithheldService]


class Billed(Record):
    """What of a line a bill shows: two revisions of a line with the same are not a change."""

    code: str
    units: int
    modifiers: list[str]
    service_date: date
    drug: str
    provisional: str


class LineChange(Record):
    """One line that differs from the last revision: credit `before`, bill `after`."""

    line_id: str
    before: Billed | None
    """Null where the line was added."""
    after: Billed | None
    """Null where the line was removed."""


class Changes(Record):
    """How the lines differ from those of the revision before."""

    added: list[LineChange]
    changed: list[LineChange]
    removed: list[LineChange]


# ------------------------------------------------------------------ the events


class DraftRevision(Record):
    """A revision of the draft charges of a visit; it replaces the one before it."""

    facility: str
    visit: str
    revision: int = Field(ge=1)
    """Counts up by one for each revision of the visit."""
    status: Literal["open", "final", "merged"]
    """open: more may come. final: ready to bill; a later revision corrects it. merged: see merged_into."""
    merged_into: str | None
    """The visit that holds these services now; every line of this one is removed. Else null."""
    policy: str
    rulebook: str
    """Version of the rules; it changes with any of them."""
    incomplete: bool
    """Whether a message of the visit was parked: a charge may be missing."""
    encounters: list[Encounter]
    questions: list[OpenQuestion]
    """Questions about the visit as a whole; those about an encounter stand there."""
    changes: Changes

    @model_validator(mode="after")
    def _merged_is_empty(self) -> Self:
        if (self.status == "merged") != (self.merged_into is not None):
            raise ValueError("merged_into is said when the status is merged, and only then")
        if self.status == "merged" and any(each.lines for each in self.encounters):
            raise ValueError("a visit that was merged has no lines of its own")
        return self


class DocumentationQuestion(Record):
    """A question to a person that was opened or closed; while the patient is there it can be answered."""

    question_id: str
    """The same when the question is closed as when it was opened."""
    state: Literal["opened", "closed"]
    facility: str
    visit: str
    encounter: str | None
    """Null for a question about the visit as a whole."""
    revision: int = Field(ge=1)
    """The draft revision in which it was opened or closed."""
    code: str
    expected: str
    found: str
    do: str
    drug: str
    administrations: list[str]
    sources: list[str]
    ordered_minutes: int | None
    """How long the order says it runs; null if that is not known."""
    since: AwareDatetime | None
    """When the first of the administrations began; null for a question without any."""


class KafkaHeader(Record):
    """One header of a Kafka message."""

    name: str
    value_base64: str | None


class ParkedMessage(Record):
    """A message that could not be used, whole: it holds whatever the sender wrote, patients included."""

    facility: str | None
    visit: str | None
    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    code: str
    """Why, as one of a closed list of codes, such as time.impossible."""
    expected: str
    found: str
    where: str
    do: str
    message_type: str
    control_id: str
    headers: list[KafkaHeader]
    raw_base64: str
    """The message's bytes as they came."""

    @property
    def raw(self) -> bytes:
        """The message's bytes as they came."""
        return base64.b64decode(self.raw_base64)


Data = DraftRevision | DocumentationQuestion | ParkedMessage


class Announcement(NamedTuple):
    """One event on its way out: what it says, and when that came to be."""

    data: Data
    time: datetime


# ------------------------------------------------------------------ as a Kafka message

TYPES: Mapping[type[Data], str] = {
    DraftRevision: "org.chargeline.charge.draft.v1",
    DocumentationQuestion: "org.chargeline.documentation.question.v1",
    ParkedMessage: "org.chargeline.hl7.parked.v1",
}
Headers = list[tuple[str, bytes]]
LATE = "visit.forgotten"  # the code of a question


def to_kafka(event: Announcement) -> tuple[bytes, Headers, bytes]:
    """Key, headers and value of an announcement."""
    assert event.time.tzinfo is not None, "an announcement's time has a zone"
    value = event.data.model_dump_json().encode()
    said = {
        "ce_specversion": "1.0",
        "ce_id": _event_id(event.data, value),
        "ce_source": _source(event.data),
        "ce_type": TYPES[type(event.data)],
        "ce_time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "content-type": "application/json",
    }
    headers = [(name, text.encode()) for name, text in said.items()]
    return message_key(event.data.facility, event.data.visit), headers, value


def message_key(facility: str | None, visit: str | None) -> bytes:
    """facility|visit, which puts all of a visit into one partition; an unknown part is left empty."""
    return f"{facility or ''}|{visit or ''}".encode()


def _event_id(data: Data, value: bytes) -> str:
    """32 hexadecimal digits: equal for an equal event, whoever announces it and when.

    The content is part of the id of a draft and of a question: after a ledger was put back to an
    earlier state, a number may come again with other content, which must not pass for a repeat.
    """
    if isinstance(data, ParkedMessage):
        return _hashed(TYPES[ParkedMessage], data.topic, str(data.partition), str(data.offset), data.code)
    named = (data.facility, data.visit, str(data.revision))
    return _hashed(TYPES[type(data)], *named, value.decode())


def _hashed(*parts: str, size: int = 16) -> str:
    """A hash of several texts, which no other division into texts shares."""
    digest = blake2b(digest_size=size)
    for part in map(str.encode, parts):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


def _source(data: Data) -> str:
    return f"/chargeline/{quote(data.facility or 'unknown', safe='')}"


# ------------------------------------------------------------------ what changed between revisions


def changes(old: Mapping[str, Billed], new: Mapping[str, Billed]) -> Changes:
    """How the lines of a visit differ from those of its last revision, in the order of the lines."""
    return Changes(
        added=[_change(each, None, new[each]) for each in new if each not in old],
        changed=[
            _change(each, old[each], new[each]) for each in new if each in old and old[each] != new[each]
        ],
        removed=[_change(each, old[each], None) for each in old if each not in new],
    )


def billed(lines: Iterable[Line | ChargeLine]) -> dict[str, Billed]:
    """What a bill shows of each line, by its id."""
    found: dict[str, Billed] = {}
    for line in lines:
        assert line.line_id not in found, f"line {line.line_id} stands once in a visit"
        found[line.line_id] = Billed(
            code=line.code,
            units=line.units,
            modifiers=list(line.modifiers),
            service_date=line.service_date,
            drug=line.drug,
            provisional=line.provisional,
        )
    return found


def _change(line_id: str, before: Billed | None, after: Billed | None) -> LineChange:
    return LineChange(line_id=line_id, before=before, after=after)


# ------------------------------------------------------------------ from the engine's values


def revision_of(
    made: Draft,
    *,
    revision: int,
    final: bool,
    incomplete: bool,
    before: Mapping[str, Billed],
    merged_into: str | None = None,
) -> DraftRevision:
    """A revision of a visit's draft; `before` is what the last one billed, nothing for the first."""
    steps = Steps()
    encounters = [] if merged_into is not None else [encounter_of(each, steps) for each in made.encounters]
    return DraftRevision(
        facility=made.key.facility,
        visit=made.key.visit,
        revision=revision,
        status="merged" if merged_into is not None else "final" if final else "open",
        merged_into=merged_into,
        policy=made.policy,
        rulebook=made.rulebook,
        incomplete=incomplete,
        encounters=encounters,
        questions=[] if merged_into is not None else [question_of(each) for each in made.questions],
        changes=changes(before, billed(line for each in encounters for line in each.lines)),
    )


class Steps:
    """The steps of one draft, each made once: lines that were reckoned together share most of theirs."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Step, TraceStep]] = {}  # with the step, so that its id stays its own

    def of(self, trace: Iterable[Step]) -> list[TraceStep]:
        """The steps of a trace."""
        found = []
        for step in trace:
            known = self._made.get(id(step))
            if known is None:
                known = self._made[id(step)] = (step, _step(step))
            found.append(known[1])
        return found


def encounter_of(made: EncounterDraft, steps: Steps) -> Encounter:
    """One encounter of a draft."""
    return Encounter(
        encounter=made.encounter,
        lines=[line_of(each, steps) for each in made.lines],
        questions=[question_of(each) for each in made.questions],
        withheld=[withheld_of(each, steps) for each in made.withheld],
    )


def line_of(line: ChargeLine, steps: Steps) -> Line:
    """One line, its trace whole."""
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
        trace=steps.of(line.trace),
        other_policies=[_other(each) for each in line.other_policies],
    )


def question_of(question: Question) -> OpenQuestion:
    """One question."""
    return OpenQuestion(
        code=question.code,
        expected=question.expected,
        found=question.found,
        do=question.do,
        drug=question.drug,
        administrations=list(question.administrations),
        sources=[source_in_words(each) for each in question.sources],
    )


def withheld_of(entry: Withheld, steps: Steps) -> WithheldService:
    """One withheld service, its trace whole."""
    return WithheldService(
        reason=entry.reason,
        says=entry.says,
        drug=entry.drug,
        minutes=entry.minutes,
        administrations=list(entry.administrations),
        trace=steps.of(entry.trace),
        other_policies=[_other(each) for each in entry.other_policies],
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


def questions_of(
    made: Draft, revision: int, administrations: Mapping[str, Administration]
) -> list[DocumentationQuestion]:
    """All questions of a draft, as opened in this revision; `administrations` by key."""
    whole: list[tuple[str | None, Sequence[Question]]] = [(None, made.questions)]
    parts = [*whole, *((each.encounter, each.questions) for each in made.encounters)]
    known: dict[str, int] = {}
    found = []
    for encounter, questions in parts:
        for question in questions:
            items = [administrations[key] for key in question.administrations if key in administrations]
            lengths = {item.ordered_minutes for item in items}
            found.append(
                DocumentationQuestion(
                    question_id=_question_id(made, encounter, question, known),
                    state="opened",
                    facility=made.key.facility,
                    visit=made.key.visit,
                    encounter=encounter,
                    revision=revision,
                    ordered_minutes=lengths.pop() if len(lengths) == 1 else None,
                    since=min((item.start for item in items), default=None),
                    **question_of(question).model_dump(),
                )
            )
    return found


def late_question(key: VisitKey, revision: int) -> DocumentationQuestion:
    """What to ask when a message comes for a visit whose other messages retention has removed."""
    return DocumentationQuestion(
        question_id=_hashed(key.facility, key.visit, LATE, size=6),
        state="opened",
        facility=key.facility,
        visit=key.visit,
        encounter=None,
        revision=revision,
        code=LATE,
        expected="the other messages of the visit, to draft it from all that is known",
        found="a visit that was forgotten after the days of retention",
        do="bill what came late by hand, from the record of the visit",
        drug="",
        administrations=[],
        sources=[],
        ordered_minutes=None,
        since=None,
    )


def _question_id(made: Draft, encounter: str | None, question: Question, known: dict[str, int]) -> str:
    """Twelve hexadecimal digits: the same doubt about the same doses has the same id in every revision.

    Where one dose is doubted in the same way at two places, they are told apart by their order.
    """
    named = (made.key.facility, made.key.visit, encounter or "", question.code, question.drug)
    at = sorted(each.address for each in question.sources)
    text = json.dumps([named, sorted(question.administrations), at])
    count = known[text] = known.get(text, 0) + 1
    return _hashed(text, str(count), size=6)


def question_changes(
    before: Iterable[DocumentationQuestion], after: Iterable[DocumentationQuestion], revision: int
) -> Iterator[DocumentationQuestion]:
    """What to announce between two revisions: questions newly opened, then those closed in `revision`."""
    old = {each.question_id: each for each in before}
    new = {each.question_id: each for each in after}
    yield from (each for name, each in new.items() if name not in old)
    for name, each in old.items():
        if name not in new:
            yield each.model_copy(update={"state": "closed", "revision": revision})


class Reason(Protocol):
    """Why a message could not be used: an Hl7Error and the engine's Unreadable both say it."""

    @property
    def code(self) -> str:
        """One of a closed list."""

    @property
    def expected(self) -> str:
        """What should have stood there."""

    @property
    def found(self) -> str:
        """What stood there, without showing it."""

    @property
    def where(self) -> str:
        """The field."""

    @property
    def do(self) -> str:
        """What to do about it."""


def parked(
    raw: bytes,
    headers: Iterable[tuple[str, bytes | None]],
    *,
    at: tuple[str, int, int],
    key: tuple[str | None, str | None],
    why: Reason,
    message_type: str,
    control_id: str,
) -> ParkedMessage:
    """A parked message: `at` is topic, partition and offset; `key` is facility and visit, if known."""
    topic, partition, offset = at
    facility, visit = key
    return ParkedMessage(
        facility=facility,
        visit=visit,
        topic=topic,
        partition=partition,
        offset=offset,
        code=why.code,
        expected=why.expected,
        found=why.found,
        where=why.where,
        do=why.do,
        message_type=message_type,
        control_id=control_id,
        headers=[KafkaHeader(name=name, value_base64=_base64(value)) for name, value in headers],
        raw_base64=base64.b64encode(raw).decode(),
    )


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
