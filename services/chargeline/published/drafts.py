"""A visit's draft as the revision that is published, and what the next revision is compared with.

This module owns how the engine's values are written in the shape of `DraftRevision` (shapes.py),
and what has changed since the last revision. It does not decide whether a revision is published.
The bytes are written from plain dictionaries, because a checked model of every line and step would
cost as much time as the drafting. The tests read the revisions back as the model, and compare.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from pydantic_core import to_json

from chargeline.engine import BilledNdc, ChargeLine, EncounterDraft, Timeline, link, plain
from chargeline.published.readiness import readiness
from chargeline.published.shapes import DraftRevision, Encounter, Line, LineNdc
from chargeline.published.stakes import risk_of
from chargeline.published.writing import (
    Plain,
    Steps,
    VisitDraft,
    encounters_of,
    question_of,
    said_of_visit,
)
from chargeline.version import VERSION


class NdcOfLine(NamedTuple):
    """The NDC of a line in the words of a `LineNdc`."""

    digits: str
    unit: str
    quantity: str | None
    lots: tuple[str, ...]


class BilledLine(NamedTuple):
    """The part of a line that a bill shows. While it stays the same, the line has not changed."""

    code: str
    units: int
    modifiers: tuple[str, ...]
    service_date: date
    drug: str
    provisional: str
    ndc: NdcOfLine | None
    authorization: str


class RevisionDigest(NamedTuple):
    """What we keep of a revision in memory, to see what is new in the next one.

    `content` is a hash of what the revision says: all but its number, its changes and `rulebook`.
    `withheld` has the reason and the administrations of each withheld service. `chain` is that of
    the revision, "" for one that an older chargeline wrote.
    """

    revision: int
    status: str
    incomplete: bool
    policy: str
    billed: Mapping[str, BilledLine]
    withheld: frozenset[tuple[str, ...]]
    content: bytes
    chain: str


class WrittenRevision(NamedTuple):
    """A revision as it is published.

    `value` is a `DraftRevision` in JSON, and `changes` the part of it under that key. `added` are
    the lines that were added, `edits` the name and severity of each edit before the claim, and
    `waits_for` what a bill of the visit waits for, with `waiting_cents`.
    """

    facility: str
    visit: str
    revision: int
    rulebook: str
    digest: RevisionDigest
    value: bytes
    changes: bytes
    added: tuple[ChargeLine, ...]
    edits: tuple[tuple[str, str], ...] = ()
    waits_for: tuple[str, ...] = ()
    waiting_cents: int = 0


def revision_of(
    visit: VisitDraft,
    *,
    revision: int,
    final: bool,
    incomplete: bool,
    before: Mapping[str, BilledLine],
    merged_into: str | None = None,
    prices: Mapping[str, int] = MappingProxyType({}),
    chain_before: str = "",
) -> WrittenRevision:
    """Write a revision of a visit's draft.

    `before` is what the last revision billed, empty for the first, and `chain_before` its chain. A
    visit that was merged into another gets a revision without lines, because the other visit bills
    them now. `prices` are cents by code, empty without a price list.
    """
    assert revision >= 1, "revisions count from 1"
    status = "merged" if merged_into is not None else "final" if final else "open"
    if merged_into is not None:
        visit = VisitDraft(visit.draft._replace(encounters=(), questions=(), said=(), held=""))
    draft = visit.draft
    lines = draft.lines
    body = _body(visit, prices)
    ready = readiness(visit, lines, status=status, incomplete=incomplete, prices=prices)
    head = {
        **_beginning(visit, revision=revision, incomplete=incomplete),
        "status": status,
        "merged_into": merged_into,
        **ready,
        "denial_risk": risk_of(draft, prices),
    }
    billed_lines = billed(lines)
    changed = to_json(changes(before, billed_lines))
    parts = (to_json(head)[:-1], body[1:-1], changed, chain_before.encode())
    said = b'%b,%b,"changes":%b,"chain_before":"%b"' % parts
    chain = link(chain_before, said)
    digest = RevisionDigest(
        revision=revision,
        status=status,
        incomplete=incomplete,
        policy=draft.policy,
        billed=billed_lines,
        withheld=_withheld(draft.encounters),
        content=_content(head, body),
        chain=chain,
    )
    return WrittenRevision(
        facility=draft.key.facility,
        visit=draft.key.visit,
        revision=revision,
        rulebook=draft.rulebook,
        digest=digest,
        value=b'%b,"chain":"%b"}' % (said, chain.encode()),
        changes=changed,
        added=tuple(line for line in lines if line.line_id not in before),
        edits=tuple([(edit.edit, edit.severity) for edit in draft.edits]),
        waits_for=ready["waits_for"],
        waiting_cents=ready["waiting_cents"] or 0,
    )


def _body(visit: VisitDraft, prices: Mapping[str, int]) -> bytes:
    """The longest keys of a `DraftRevision`, in JSON."""
    questions = [question_of(asked) for asked in visit.asked if asked.encounter is None]
    return to_json(
        {
            "encounters": encounters_of(visit, Steps(), prices),
            "questions": questions,
            "said": [said_of_visit(said) for said in visit.draft.said],
        }
    )


def _beginning(visit: VisitDraft, *, revision: int, incomplete: bool) -> Plain:
    """What a `DraftRevision` says of the visit before it comes to money."""
    draft = visit.draft
    return {
        "facility": draft.key.facility,
        "visit": draft.key.visit,
        "revision": revision,
        "policy": draft.policy,
        "rulebook": draft.rulebook,
        "program": VERSION,
        "incomplete": incomplete,
        **_whose(visit.timeline),
        "held": draft.held,
    }


def _whose(timeline: Timeline | None) -> Plain:
    """The payer, the last known class of the patient, and the sender's zone."""
    if timeline is None:
        return {"payer": "", "patient_class": "unknown", "place": "", "zone": "UTC"}
    context = timeline.context
    classes = [patient_class for _since, patient_class in context.classes]
    return {
        "payer": context.payer,
        "patient_class": classes[-1] if classes else "unknown",
        "place": context.place,
        "zone": context.zone,
    }


def digest_of(value: bytes | str) -> RevisionDigest:
    """The digest of a revision that is read back. Raises ValueError; pydantic's ValidationError is
    one.
    """
    data = DraftRevision.model_validate_json(value)
    lines = [line for encounter in data.encounters for line in encounter.lines]
    if len({line.line_id for line in lines}) < len(lines):
        raise ValueError("one line stands twice")
    body = data.model_dump_json(include={"encounters", "questions", "said"}).encode()
    return RevisionDigest(
        revision=data.revision,
        status=data.status,
        incomplete=data.incomplete,
        policy=data.policy,
        billed=billed(lines),
        withheld=_withheld(data.encounters),
        content=_content(data.model_dump(include=set(_SAID_BESIDE_THE_BODY)), body),
        chain=data.chain,
    )


def _withheld(encounters: Sequence[Encounter | EncounterDraft]) -> frozenset[tuple[str, ...]]:
    return frozenset(
        [
            (entry.reason, *entry.administrations)
            for encounter in encounters
            for entry in encounter.withheld
        ]
    )


_SAID_BESIDE_THE_BODY = (
    "status",
    "merged_into",
    "policy",
    "incomplete",
    "payer",
    "patient_class",
    "place",
    "zone",
    "held",
    "ready",
    "waits_for",
    "waiting_cents",
)


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
            ndc=_ndc(line.ndc) if line.ndc is not None else None,
            authorization=line.authorization,
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


def _ndc(ndc: LineNdc | BilledNdc) -> NdcOfLine:
    quantity = plain(ndc.quantity) if isinstance(ndc.quantity, Decimal) else ndc.quantity
    return NdcOfLine(ndc.digits, ndc.unit, quantity, tuple(ndc.lots))


def _change(line_id: str, before: BilledLine | None, after: BilledLine | None) -> Plain:
    return {"line_id": line_id, "before": _billed(before), "after": _billed(after)}


def _billed(line: BilledLine | None) -> Plain | None:
    if line is None:
        return None
    return {**line._asdict(), "ndc": line.ndc._asdict() if line.ndc is not None else None}
