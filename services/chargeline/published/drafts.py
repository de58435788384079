"""A visit's draft as the revision that is published, and what the next revision is compared with.

This module owns how the engine's values are written in the shape of `DraftRevision` (shapes.py),
and what has changed since the last revision. It does not decide whether a revision is published.
The bytes are written from plain dictionaries, because a checked model of every line and step would
cost as much time as the drafting. The tests read the revisions back as the model, and compare.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic_core import to_json

from chargeline.engine import (
    ChargeLine,
    Difference,
    Draft,
    EncounterDraft,
    Question,
    Step,
    Withheld,
    source_in_words,
)
from chargeline.published.shapes import DraftRevision, Encounter, Line

Plain = dict[str, Any]
"""A model of shapes.py as a dictionary of plain values, its keys in the order of the fields."""


class BilledLine(NamedTuple):
    """The part of a line that a bill shows. While it stays the same, the line has not changed."""

    code: str
    units: int
    modifiers: tuple[str, ...]
    service_date: date
    drug: str
    provisional: str


class RevisionDigest(NamedTuple):
    """What we keep of a revision in memory, to see what is new in the next one.

    `content` is a hash of what the revision says: all but its number, its changes and `rulebook`.
    `withheld` has the reason and the administrations of each withheld service.
    """

    revision: int
    status: str
    incomplete: bool
    policy: str
    billed: Mapping[str, BilledLine]
    withheld: frozenset[tuple[str, ...]]
    content: bytes


class WrittenRevision(NamedTuple):
    """A revision as it is published.

    `value` is a `DraftRevision` in JSON, and `changes` the part of it under that key. `new_roles`
    has the service role of each line that was added.
    """

    facility: str
    visit: str
    revision: int
    rulebook: str
    digest: RevisionDigest
    value: bytes
    changes: bytes
    new_roles: tuple[str, ...]


def revision_of(
    draft: Draft,
    *,
    revision: int,
    final: bool,
    incomplete: bool,
    before: Mapping[str, BilledLine],
    merged_into: str | None = None,
) -> WrittenRevision:
    """Write a revision of a visit's draft.

    `before` is what the last revision billed, empty for the first. A visit that was merged into
    another gets a revision without lines, because the other visit bills them now.
    """
    assert revision >= 1, "revisions count from 1"
    status = "merged" if merged_into is not None else "final" if final else "open"
    encounters = draft.encounters if merged_into is None else ()
    questions = draft.questions if merged_into is None else ()
    steps = Steps()
    body = to_json(
        {
            "encounters": [encounter_of(encounter, steps) for encounter in encounters],
            "questions": [question_of(question) for question in questions],
        }
    )
    head = {
        "facility": draft.key.facility,
        "visit": draft.key.visit,
        "revision": revision,
        "status": status,
        "merged_into": merged_into,
        "policy": draft.policy,
        "rulebook": draft.rulebook,
        "incomplete": incomplete,
    }
    lines = [line for encounter in encounters for line in encounter.lines]
    billed_lines = billed(lines)
    changed = to_json(changes(before, billed_lines))
    digest = RevisionDigest(
        revision=revision,
        status=status,
        incomplete=incomplete,
        policy=draft.policy,
        billed=billed_lines,
        withheld=_withheld(encounters),
        content=_content(head, body),
    )
    return WrittenRevision(
        facility=draft.key.facility,
        visit=draft.key.visit,
        revision=revision,
        rulebook=draft.rulebook,
        digest=digest,
        value=b'%b,%b,"changes":%b}' % (to_json(head)[:-1], body[1:-1], changed),
        changes=changed,
        new_roles=tuple(line.role for line in lines if line.line_id not in before),
    )


def digest_of(value: bytes | str) -> RevisionDigest:
    """The digest of a revision that is read back. Raises pydantic's ValidationError."""
    data = DraftRevision.model_validate_json(value)
    body = data.model_dump_json(include={"encounters", "questions"}).encode()
    return RevisionDigest(
        revision=data.revision,
        status=data.status,
        incomplete=data.incomplete,
        policy=data.policy,
        billed=billed(line for encounter in data.encounters for line in encounter.lines),
        withheld=_withheld(data.encounters),
        content=_content(data.model_dump(include=set(_SAID_BESIDE_THE_BODY)), body),
    )


def _withheld(encounters: Sequence[Encounter | EncounterDraft]) -> frozenset[tuple[str, ...]]:
    return frozenset(
        [
            (entry.reason, *entry.administrations)
            for encounter in encounters
            for entry in encounter.withheld
        ]
    )


_SAID_BESIDE_THE_BODY = ("status", "merged_into", "policy", "incomplete")


def _content(head: Plain, body: bytes) -> bytes:
    """A hash of what a revision says, without its number, its changes and the version of the rules.

    Other rules that come to the same draft make no revision (decision 0030).
    """
    digest = blake2b(to_json([head[name] for name in _SAID_BESIDE_THE_BODY]), digest_size=16)
    digest.update(body)
    return digest.digest()


# ------------------------------------------------------------------ what changed between revisions


def billed(lines: Iterable[Line | ChargeLine]) -> dict[str, BilledLine]:
    """The part of each line that a bill shows, by the id of the line."""
    by_id: dict[str, BilledLine] = {}
    for line in lines:
        assert line.line_id not in by_id, f"line {line.line_id} stands once in a visit"
        by_id[line.line_id] = BilledLine(
            code=line.code,
            units=line.units,
            modifiers=tuple(line.modifiers),
            service_date=line.service_date,
            drug=line.drug,
            provisional=line.provisional,
        )
    return by_id


def changes(old: Mapping[str, BilledLine], new: Mapping[str, BilledLine]) -> Plain:
    """How the lines of a visit differ from those of its last revision.

    Added and changed lines stand in the order of the new revision, removed ones in that of the old.
    """
    return {
        "added": [_change(line_id, None, new[line_id]) for line_id in new if line_id not in old],
        "changed": [
            _change(line_id, old[line_id], new[line_id])
            for line_id in new
            if line_id in old and old[line_id] != new[line_id]
        ],
        "removed": [_change(line_id, old[line_id], None) for line_id in old if line_id not in new],
    }


def _change(line_id: str, before: BilledLine | None, after: BilledLine | None) -> Plain:
    return {
        "line_id": line_id,
        "before": before._asdict() if before is not None else None,
        "after": after._asdict() if after is not None else None,
    }


# ------------------------------------------------------------------ from the engine's values


class Steps:
    """Writes the steps of one draft, each step once: lines of one encounter share most of them."""

    def __init__(self) -> None:
        # By `id(step)`. The step is kept too: if it were freed, another step could get its id.
        self._written: dict[int, tuple[Step, Plain]] = {}

    def of(self, trace: Iterable[Step]) -> list[Plain]:
        """The steps of a trace, each as a `TraceStep`."""
        plain = []
        for step in trace:
            written = self._written.get(id(step))
            if written is None:
                written = self._written[id(step)] = (step, _step(step))
            plain.append(written[1])
        return plain


def encounter_of(draft: EncounterDraft, steps: Steps) -> Plain:
    """One encounter of a draft, as an `Encounter`."""
    return {
        "encounter": draft.encounter,
        "lines": [line_of(line, steps) for line in draft.lines],
        "questions": [question_of(question) for question in draft.questions],
        "withheld": [withheld_of(entry, steps) for entry in draft.withheld],
    }


def line_of(line: ChargeLine, steps: Steps) -> Plain:
    """One line as a `Line`, with its whole trace."""
    return {
        "line_id": line.line_id,
        "role": line.role,
        "code": line.code,
        "units": line.units,
        "modifiers": line.modifiers,
        "service_date": line.service_date,
        "drug": line.drug,
        "minutes": line.minutes,
        "administrations": line.administrations,
        "provisional": line.provisional,
        "trace": steps.of(line.trace),
        "other_policies": [_other(difference) for difference in line.other_policies],
    }


def question_of(question: Question) -> Plain:
    """One question as an `OpenQuestion`."""
    return {
        "code": question.finding.code,
        "expected": question.finding.expected,
        "found": question.finding.found,
        "do": question.finding.do,
        "drug": question.drug,
        "administrations": question.administrations,
        "sources": [source_in_words(source) for source in question.sources],
    }


def withheld_of(entry: Withheld, steps: Steps) -> Plain:
    """One withheld service as a `WithheldService`, with its whole trace."""
    return {
        "reason": entry.reason,
        "says": entry.says,
        "drug": entry.drug,
        "minutes": entry.minutes,
        "administrations": entry.administrations,
        "trace": steps.of(entry.trace),
        "other_policies": [_other(difference) for difference in entry.other_policies],
    }


def _step(step: Step) -> Plain:
    decision = step.decision
    rule = decision.rule if decision is not None else None
    passed_over = decision.passed_over if decision is not None else ()
    return {
        "topic": step.topic,
        "rule": rule.id if rule is not None else None,
        "why": rule.why if rule is not None else None,
        "cite": rule.cite if rule is not None else (),
        "facts": dict(step.facts),
        "sources": [source_in_words(source) for source in step.sources],
        "passed_over": [{"rule": other.id, "why": other.why} for other in passed_over],
    }


def _other(difference: Difference) -> Plain:
    return {"policy": difference.policy, "would_give": difference.says, "rule": difference.rule}
