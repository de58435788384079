"""The messages on which a visit's draft rests, each with the fields marked that were used.

It owns which fields of a message may be read. Identity is hidden until a person reveals it: whole
segments about the patient, relatives and insurance, and free text that may name them. A free text
that the draft used is shown, because it is the evidence, unless it is a narrative; all of a segment
that we do not know is hidden, used or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.engine import ANSWER, Draft, MessageRef, Source, Timeline
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.reader import read_message
from chargeline.ledger.records import StoredMessage
from chargeline.workbench.visit.model import FieldShown, MessageLink, MessageShown, SegmentShown
from chargeline.workbench.visit.words import moment_of

HIDDEN = "••••"
# Segments about care and its paperwork. All others name somebody, or nobody knows what they hold.
_OPEN = frozenset(
    {"MSH", "EVN", "PV1", "ORC", "RXO", "RXE", "RXD", "RXG", "RXA", "RXR", "RXC"}
    | {"TQ1", "OBR", "OBX", "FT1", "SCH", "RGS", "AIS", "TXA"}
)
# Fields of these in which people write freely, and those that hold the patient's account.
_FREE_TEXT = frozenset(
    {("RXA", 9), ("RXE", 7), ("RXE", 21), ("RXO", 6), ("RXD", 9), ("RXG", 9), ("ORC", 16)}
    | {("OBX", 5), ("FT1", 8), ("FT1", 9), ("SCH", 6), ("SCH", 7), ("EVN", 4), ("OBR", 13)}
    | {("PV1", 50), ("OBR", 31), ("OBR", 39), ("TXA", 16), ("SCH", 16)}
)
_NARRATIVES = frozenset({"TX", "FT", "ED", "RP"})  # what OBX-2 says of a note or a document


class Used(NamedTuple):
    """A field that the draft rests on, and what for."""

    source: Source
    purpose: str


def used_in(draft: Draft, timeline: Timeline) -> list[Used]:
    """All fields on which a draft rests; `timeline` is that after what people answered."""
    used: list[Used] = []
    for item in timeline.administrations:
        used.append(Used(item.drug_source, "the drug"))
        for run in item.intervals:
            used.append(Used(run.start_source, "a start"))
            if run.stop_source is not None:
                used.append(Used(run.stop_source, "a stop"))
    for line in draft.lines:
        for step in line.trace:
            used += [Used(source, step.topic) for source in step.sources]
    questions = [*draft.questions]
    for encounter in draft.encounters:
        questions += encounter.questions
        for entry in encounter.withheld:
            for step in entry.trace:
                used += [Used(source, step.topic) for source in step.sources]
    for question in questions:
        code = question.finding.code
        used += [Used(source, f"the question {code}") for source in question.sources]
    return [entry for entry in used if entry.source.message.type != ANSWER]


def links_of(used: Iterable[Used], zone: ZoneInfo, chosen: str) -> tuple[MessageLink, ...]:
    """The messages behind some fields, the oldest first."""
    messages = {entry.source.message for entry in used}
    ordered = sorted(messages, key=lambda message: (str(message.sent or ""), message.control_id))
    return tuple([_link(message, zone, chosen) for message in ordered])


def _link(message: MessageRef, zone: ZoneInfo, chosen: str) -> MessageLink:
    return MessageLink(
        digest=message.digest,
        control_id=message.control_id,
        type=message.type,
        sent=moment_of(message.sent, zone),
        is_chosen=message.digest == chosen,
    )


def message_shown(
    stored: StoredMessage, used: Iterable[Used], zone: ZoneInfo, *, revealed: bool
) -> MessageShown:
    """One message, field by field, with what each used field was used for."""
    link = MessageLink(
        digest=stored.digest,
        control_id=stored.control_id,
        type=stored.type,
        sent=moment_of(stored.sent, zone),
        is_chosen=True,
    )
    try:
        message = read_message(stored.raw)
    except Hl7Error as error:
        return MessageShown(link, (), str(error), revealed)
    purposes: dict[tuple[str, int, int], list[str]] = {}
    for entry in used:
        place = _place(entry.source.address)
        if entry.source.message.digest == stored.digest and place is not None:
            purposes.setdefault(place, []).append(entry.purpose)
    segments = []
    counts: dict[str, int] = {}
    for row in message.rows:
        name = row[0]
        counts[name] = counts.get(name, 0) + 1
        of_row = {
            field: tuple(dict.fromkeys(says))
            for (segment, nth, field), says in purposes.items()
            if (segment, nth) == (name, counts[name])
        }
        segments.append(_segment(row, of_row, message.delimiters.field, revealed=revealed))
    return MessageShown(link, tuple(segments), "", revealed)


def _place(address: str) -> tuple[str, int, int] | None:
    """The segment, its number and the field of an address such as RXA[2]-5.1; None for no field."""
    segment, dash, rest = address.partition("-")
    name, bracket, nth = segment.partition("[")
    field = rest.partition(".")[0].partition("[")[0]
    number = nth.rstrip("]") if bracket else "1"
    if not dash or not field.isdigit() or not number.isdigit():
        return None
    return name, int(number), int(field)


def _segment(
    row: Sequence[str], used: Mapping[int, Sequence[str]], separator: str, *, revealed: bool
) -> SegmentShown:
    name = row[0]
    first = 2 if name == "MSH" else 1  # MSH-1 is the separator itself
    fields = []
    for number in range(first, len(row)):
        text = row[number] if revealed or _may_be_read(row, number, used) else HIDDEN
        fields.append(FieldShown(f"{separator}{text}", ", ".join(used.get(number, ()))))
    uses = [f"{name}-{number}: used for {', '.join(says)}" for number, says in sorted(used.items())]
    return SegmentShown(name, tuple(fields), tuple(uses))


def _may_be_read(row: Sequence[str], number: int, used: Mapping[int, Sequence[str]]) -> bool:
    name = row[0]
    if not row[number]:
        return True
    if name not in _OPEN or (name == "OBX" and number == 5 and row[2] in _NARRATIVES):
        return False
    return number in used or (name, number) not in _FREE_TEXT
