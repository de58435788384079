"""A visit's draft as the revision that is published, and what the next revision is compared with.

It owns writing the engine's values in the shape of `DraftRevision` (shapes.py), and saying what
changed since the last revision. The bytes are made from plain values: a model of every line and
step, made and checked, would cost as much as the drafting; the tests read every revision back as
the model, and equal.
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
"""A record of shapes.py as its keys and plain values, in the order of the record's fields."""


class BilledLine(NamedTuple):
    """What of a line a bill shows: two revisions of a line with the same are not a change."""

    code: str
    units: int
    modifiers: tuple[str, ...]
    service_date: date
    drug: str
    provisional: str


class RevisionDigest(NamedTuple):
    """What a revision says, no more of it than it takes to see what is new in the next one.

    `content` is a hash of all that it says, but for its number and what changed. `withheld`: of
    each service its reason and administrations.
    """

    revision: int
    status: str
    incomplete: bool
    policy: str
    billed: Mapping[str, BilledLine]
    withheld: frozenset[tuple[str, ...]]
    content: bytes


class WrittenRevision(NamedTuple):
    """A revision as it is published: `value` is a `DraftRevision` in JSON, `changes` that part of
    it.

    `new_roles`: the service role of each line that was added.
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
    made: Draft,
    *,
    revision: int,
    final: bool,
    incomplete: bool,
    before: Mapping[str, BilledLine],
    merged_into: str | None = None,
) -> WrittenRevision:
    """A revision of a visit's draft; `before` is what the last one billed, nothing for the first.

    One that was merged into another visit has no lines of its own: they would be billed twice.
    """
    assert revision >= 1, "revisions count from 1"
    status = "merged" if merged_into is not None else "final" if final else "open"
    encounters = made.encounters if merged_into is None else ()
    questions = made.questions if merged_into is None else ()
    steps = Steps()
    body = to_json(
        {
            "encounters": [encounter_of(each, steps) for each in encounters],
            "questions": [question_of(each) for each in questions],
        }
    )
    head = {
        "facility": made.key.facility,
        "visit": made.key.visit,
        "revision": revision,
        "status": status,
        "merged_into": merged_into,
        "policy": made.policy,
        "rulebook": made.rulebook,
        "incomplete": incomplete,
    }
    lines = [line for encounter in encounters for line in encounter.lines]
    billed_lines = billed(lines)
    changed = to_json(changes(before, billed_lines))
    digest = RevisionDigest(
        revision=revision,
        status=status,
        incomplete=incomplete,
        policy=made.policy,
        billed=billed_lines,
        withheld=_withheld(encounters),
        content=_content(head, body),
    )
    return WrittenRevision(
        facility=made.key.facility,
        visit=made.key.visit,
        revision=revision,
        rulebook=made.rulebook,
        digest=digest,
        value=b'%b,%b,"changes":%b}' % (to_json(head)[:-1], body[1:-1], changed),
        changes=changed,
        new_roles=tuple(line.role for line in lines if line.line_id not in before),
    )


def digest_of(value: bytes | str) -> RevisionDigest:
    """What a revision says that was written before. Raises pydantic's ValidationError."""
    data = DraftRevision.model_validate_json(value)
    body = data.model_dump_json(include={"encounters", "questions"}).encode()
    return RevisionDigest(
        revision=data.revision,
        status=data.status,
        incomplete=data.incomplete,
        policy=data.policy,
        billed=billed(line for each in data.encounters for line in each.lines),
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


_SAID_BESIDE_THE_BODY = ("status", "merged_into", "policy", "rulebook", "incomplete")


def _content(head: Plain, body: bytes) -> bytes:
    """A hash of what a revision says."""
    digest = blake2b(to_json([head[name] for name in _SAID_BESIDE_THE_BODY]), digest_size=16)
    digest.update(body)
    return digest.digest()


# ------------------------------------------------------------------ what changed between revisions


def billed(lines: Iterable[Line | ChargeLine]) -> dict[str, BilledLine]:
    """What a bill shows of each line, by its id."""
    found: dict[str, BilledLine] = {}
    for line in lines:
        assert line.line_id not in found, f"line {line.line_id} stands once in a visit"
        found[line.line_id] = BilledLine(
            code=line.code,
            units=line.units,
            modifiers=tuple(line.modifiers),
            service_date=line.service_date,
            drug=line.drug,
            provisional=line.provisional,
        )
    return found


def changes(old: Mapping[str, BilledLine], new: Mapping[str, BilledLine]) -> Plain:
    """How the lines of a visit differ from those of its last revision, in the order of the
    lines.
    """
    return {
        "added": [_change(each, None, new[each]) for each in new if each not in old],
        "changed": [
            _change(each, old[each], new[each])
            for each in new
            if each in old and old[each] != new[each]
        ],
        "removed": [_change(each, old[each], None) for each in old if each not in new],
    }


def _change(line_id: str, before: BilledLine | None, after: BilledLine | None) -> Plain:
    return {
        "line_id": line_id,
        "before": before._asdict() if before is not None else None,
        "after": after._asdict() if after is not None else None,
    }


# ------------------------------------------------------------------ from the engine's values


class Steps:
    """The steps of one draft, each made once: lines that were reckoned together share most of
    theirs.
    """

    def __init__(self) -> None:
        self._made: dict[
            int, tuple[Step, Plain]
        ] = {}  # with the step, so that its id stays its own

    def of(self, trace: Iterable[Step]) -> list[Plain]:
        """The steps of a trace."""
        found = []
        for step in trace:
            known = self._made.get(id(step))
            if known is None:
                known = self._made[id(step)] = (step, _step(step))
            found.append(known[1])
        return found


def encounter_of(made: EncounterDraft, steps: Steps) -> Plain:
    """One encounter of a draft, as an `Encounter`."""
    return {
        "encounter": made.encounter,
        "lines": [line_of(each, steps) for each in made.lines],
        "questions": [question_of(each) for each in made.questions],
        "withheld": [withheld_of(each, steps) for each in made.withheld],
    }


def line_of(line: ChargeLine, steps: Steps) -> Plain:
    """One line as a `Line`, its trace whole."""
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
        "other_policies": [_other(each) for each in line.other_policies],
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
        "sources": [source_in_words(each) for each in question.sources],
    }


def withheld_of(entry: Withheld, steps: Steps) -> Plain:
    """One withheld service as a `WithheldService`, its trace whole."""
    return {
        "reason": entry.reason,
        "says": entry.says,
        "drug": entry.drug,
        "minutes": entry.minutes,
        "administrations": entry.administrations,
        "trace": steps.of(entry.trace),
        "other_policies": [_other(each) for each in entry.other_policies],
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
        "sources": [source_in_words(each) for each in step.sources],
        "passed_over": [{"rule": each.id, "why": each.why} for each in passed_over],
    }


def _other(difference: Difference) -> Plain:
    return {"policy": difference.policy, "would_give": difference.says, "rule": difference.rule}
