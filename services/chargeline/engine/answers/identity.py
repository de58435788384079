"""The number of a question, and the fingerprint of the facts that it asks about.

A question keeps its number in every revision that asks the same about the same doses, whatever else
is asked or answered meanwhile. Its fingerprint changes with the facts: when a nurse charts another
stop, the number stays and the fingerprint does not, so an answer to the old facts holds no longer.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from chargeline.engine.answers.offers import Offer, offers_for
from chargeline.engine.events import DrugAmount, VisitKey
from chargeline.engine.timeline.records import Administration
from chargeline.engine.trace import ChargeLine, Draft, Question


class Asked(NamedTuple):
    """A question of a draft: its number, its fingerprint, and the encounter that asks, if one."""

    question_id: str
    fingerprint: str
    encounter: str | None
    question: Question

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What a person may answer."""
        return offers_for(self.question.finding.code)


def asked_in(draft: Draft, administrations: Mapping[str, Administration]) -> list[Asked]:
    """All questions of a draft, those about the visit first.

    `administrations` are those of the timeline by key, without what people answered.
    """
    counts: dict[str, int] = {}
    whole: list[tuple[str | None, Sequence[Question]]] = [(None, draft.questions)]
    parts = [*whole, *((part.encounter, part.questions) for part in draft.encounters)]
    return [
        Asked(
            _question_id(draft.key, encounter, question, counts),
            fingerprint_of(question, administrations),
            encounter,
            question,
        )
        for encounter, questions in parts
        for question in questions
    ]


def _question_id(
    key: VisitKey, encounter: str | None, question: Question, counts: dict[str, int]
) -> str:
    """Twelve hexadecimal digits: the same question about the same doses keeps its number.

    A question about no dose keeps it as long as it rests on the same messages, or has the same
    cause. If two questions of a draft agree in all of that, their order tells them apart: `counts`
    says how often the same has been asked so far.
    """
    where, at = encounter or "", sorted(source.address for source in question.sources)
    if question.cause:
        where, at = "", []  # it is the same question wherever it is asked first
    elif not question.administrations:
        at += sorted(source.message.digest for source in question.sources)
    named = [key.facility, key.visit, where, question.finding.code, question.drug]
    named += [word for word in (question.about, question.cause) if word]
    text = json.dumps([named, sorted(question.administrations), at])
    count = counts[text] = counts.get(text, 0) + 1
    return _hashed(text, str(count))


def fingerprint_of(question: Question, administrations: Mapping[str, Administration]) -> str:
    """Stands for the facts of the administrations in question, or of the question about none.

    A question that many messages have in common keeps its fingerprint when further ones come.
    """
    if question.administrations:
        about = (question.finding.code, question.drug)
        return fingerprint_of_facts(about, question.administrations, administrations)
    finding = question.finding
    if question.cause:
        return _hashed(finding.code, question.cause)
    messages = sorted({source.message.digest for source in question.sources})
    return _hashed(finding.code, finding.expected, finding.found, finding.where, *messages)


def fingerprint_of_facts(
    about: tuple[str, str], keys: Iterable[str], administrations: Mapping[str, Administration]
) -> str:
    """Stands for what is charted and ordered of some administrations, wherever it stood.

    `about` are the code and the drug of the question, so that an answer fits no other question.
    """
    items = [administrations[key] for key in keys if key in administrations]
    return _hashed(*about, *[json.dumps(_facts(item)) for item in items])


def fingerprint_of_line(line: ChargeLine) -> str:
    """Stands for a line as it is drafted."""
    return _hashed(line.code, *line.modifiers, str(line.units), line.drug, str(line.service_date))


def _facts(item: Administration) -> list[object]:
    """The facts that a person has before the eyes, in a fixed order."""
    stretches = [(str(interval.start), str(interval.stop)) for interval in item.intervals]
    drugs = [_amount(drug) for drug in item.drugs]
    ordered = [_amount(drug) for drug in item.ordered]
    how = [item.route, item.route_text, item.method, item.line, item.device, item.purpose]
    whether = [item.given, item.charted, item.may_have_run, item.partial, item.left_paused]
    asked = [problem.finding.code for problem in item.problems]
    facts: list[object] = [
        item.key,
        stretches,
        drugs,
        ordered,
        how,
        whether,
        item.ordered_minutes,
        asked,
    ]
    if item.vials or item.wasted:
        vials = [[vial.ndc, vial.lot, vial.scanned] for vial in item.vials]
        facts.append([vials, [[str(entry.amount), entry.unit] for entry in item.wasted]])
    return facts


def _amount(drug: DrugAmount) -> list[object]:
    charted = [str(drug.amount), drug.unreadable, drug.unit]
    return [*drug.codes, drug.text, *charted, drug.component]


def _hashed(*parts: str) -> str:
    """Twelve hexadecimal digits. The lengths count: "ab", "c" has another hash than "a", "bc"."""
    digest = blake2b(digest_size=6)
    for part in parts:
        data = part.encode()
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
