"""How the values of a draft are written in the shapes that we publish, as plain dictionaries.

It owns the keys and their order, which are those of the models in shapes.py. The dictionaries are
written without the models, because a checked model of every line and step would cost as much time
as the drafting. The tests read them back as the models, and compare.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from chargeline.engine import (
    Administration,
    Asked,
    BilledNdc,
    ChargeLine,
    Difference,
    Draft,
    DrugAmount,
    EncounterDraft,
    Formulary,
    Interval,
    StandingAnswer,
    Step,
    Timeline,
    Withheld,
    asked_in,
    plain,
    severity_of,
    source_in_words,
    with_answers,
)
from chargeline.published.stakes import edit_of

Plain = dict[str, Any]
"""A model of shapes.py as a dictionary of plain values, its keys in the order of the fields."""


class VisitDraft(NamedTuple):
    """A draft with what a reader needs to see beside it.

    `asked` are its questions with their numbers. `timeline` is the visit after what people
    answered, None for a visit that was merged away.
    """

    draft: Draft
    asked: Sequence[Asked] = ()
    timeline: Timeline | None = None


def visit_draft(draft: Draft, timeline: Timeline, formulary: Formulary) -> VisitDraft:
    """A draft with its questions numbered; `timeline` is the one that was drafted."""
    charted = {item.key: item for item in timeline.administrations}
    return VisitDraft(draft, asked_in(draft, charted), with_answers(timeline, formulary))


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


def encounters_of(
    visit: VisitDraft, steps: Steps, prices: Mapping[str, int] = MappingProxyType({})
) -> list[Plain]:
    """The encounters of a draft, each as an `Encounter`; `prices` are cents by code."""
    timeline = visit.timeline
    items = {item.key: item for item in timeline.administrations} if timeline is not None else {}
    asked: dict[str | None, list[Asked]] = {}
    for question in visit.asked:
        asked.setdefault(question.encounter, []).append(question)
    return [
        {
            "encounter": encounter.encounter,
            "lines": [line_of(line, steps) for line in encounter.lines],
            "questions": [question_of(question) for question in asked.get(encounter.encounter, ())],
            "withheld": [withheld_of(entry, steps) for entry in encounter.withheld],
            "administrations": [
                administration_of(items[key]) for key in encounter.administrations if key in items
            ],
            "edits": _edits(encounter, prices),
        }
        for encounter in visit.draft.encounters
    ]


def _edits(encounter: EncounterDraft, prices: Mapping[str, int]) -> list[Plain]:
    lines = {line.line_id: line for line in encounter.lines}
    return [edit_of(edit, lines, prices) for edit in encounter.edits]


def administration_of(item: Administration) -> Plain:
    """What was charted and ordered of an administration, as `AdministrationFacts`."""
    return {
        "key": item.key,
        "order": item.order,
        "drugs": [_drug(drug) for drug in item.drugs],
        "stretches": [_stretch(interval) for interval in item.intervals],
        "charted": item.charted,
        "given": item.given,
        "partial": item.partial,
        "route": item.route,
        "route_text": item.route_text,
        "line": item.line,
        "method": item.method,
        "device": item.device,
        "rate": item.rate,
        "ordered_minutes": item.ordered_minutes,
        "charted_by": item.charted_by,
        "entered": item.entered,
        "not_bought": item.not_bought,
        "discounted": item.discounted,
        "vials": [
            {"ndc": vial.ndc, "lot": vial.lot, "scanned": vial.scanned} for vial in item.vials
        ],
        "wasted": [{"amount": plain(entry.amount), "unit": entry.unit} for entry in item.wasted],
    }


def _drug(drug: DrugAmount) -> Plain:
    return {
        "codes": drug.codes,
        "text": drug.text,
        "amount": plain(drug.amount) if drug.amount is not None else None,
        "unit": drug.unit,
        "component": drug.component,
    }


def _stretch(interval: Interval) -> Plain:
    stop_source = interval.stop_source
    return {
        "start": interval.start,
        "stop": interval.stop,
        "start_source": source_in_words(interval.start_source),
        "stop_source": source_in_words(stop_source) if stop_source is not None else None,
    }


def said_of_visit(said: StandingAnswer) -> Plain:
    """What a person answered, as `SaidByAPerson`."""
    answer = said.answer
    return {
        "answer_id": answer.message.digest,
        "question_id": answer.question_id,
        "code": answer.code,
        "choice": answer.choice,
        "value": answer.value,
        "by": answer.by,
        "at": answer.message.sent,
        "reason": answer.reason,
        "holds": said.holds,
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
        "held": line.held,
        "instead_of": line.instead_of,
        "ndc": _ndc(line.ndc) if line.ndc is not None else None,
        "authorization": line.authorization,
    }


def _ndc(ndc: BilledNdc) -> Plain:
    quantity = plain(ndc.quantity) if ndc.quantity is not None else None
    return {"digits": ndc.digits, "unit": ndc.unit, "quantity": quantity, "lots": ndc.lots}


def question_of(asked: Asked) -> Plain:
    """One question as an `OpenQuestion`."""
    question = asked.question
    return {
        "code": question.finding.code,
        "expected": question.finding.expected,
        "found": question.finding.found,
        "do": question.finding.do,
        "drug": question.drug,
        "administrations": question.administrations,
        "sources": [source_in_words(source) for source in question.sources],
        "question_id": asked.question_id,
        "severity": severity_of(question.finding.code),
        "fingerprint": asked.fingerprint,
        "choices": [offer._asdict() for offer in asked.offers],
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
        "other": rule.other if rule is not None else (),
    }


def _other(difference: Difference) -> Plain:
    return {"policy": difference.policy, "would_give": difference.says, "rule": difference.rule}
