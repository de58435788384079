"""One record of the inbound topic, read before anything is written.

This module owns the decision what kind of record it is: a message under the key of its visit, a
message that lies elsewhere, the copy of a merge, a nudge, a message of a kind that nobody uses, or
a message to park. It writes nothing and asks no ledger, so records can be read ahead.

Where a record lies. A visit is drafted by the program that has the partition of the visit's key by
murmur2, from what it holds in memory. A record of that visit that another program keeps is in the
ledger and not in that memory, so the draft would lack it, in silence. Senders place records as they
like: librdkafka by CRC32 of the key, others without a key, and all of them by the number of
partitions that they last heard of. So a record is used only where its visit is drafted. Elsewhere
it is of the kind "rekey": it is sent again, under the key of its visit and into the partition of
that key, whatever kind it would have been.

It is sent again once, and a second time only if partitions were added meanwhile. Two captures whose
profiles read another visit number in the same message would send it to each other without an end,
so the second one parks it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from chargeline.drafting.sender import SenderId
from chargeline.engine import PatientMerge, Reading, Unreadable, VisitFact, VisitKey, VisitMerge
from chargeline.hl7.ahead import bounded
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.interpret import read_events
from chargeline.hl7.message import warning_code
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.kafka.placing import KeyPlacement
from chargeline.ledger.bulk import KEY_BYTES_MOST, no_key
from chargeline.published.inbound import (
    MERGE_COPY,
    NO_VISIT,
    NUDGE,
    REKEYED,
    RETRIED,
    parts_of_key,
    record_key,
)

RecordKind = Literal[
    "message",  # a message of a visit, or of none
    "rekey",  # a record that lies elsewhere than where its visit is drafted
    "prior",  # the copy of a merge for the partition of the visit that was merged away
    "nudge",  # no message: look at this visit again
    "unused",  # a message of a kind that nobody uses
    "parked",  # a message that cannot be used, and must not be lost
]


Misplaced = Literal["", "key", "partition"]
"""What is wrong with the place of a record: its key, or only its partition."""


class InboundRecord(NamedTuple):
    """One record of the inbound topic, wherever it came from.

    `unusable` says why nothing of the record can be read, such as a value that is too large. Its
    bytes are then left out.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: dict[str, str]
    received_at: datetime = datetime.min.replace(tzinfo=UTC)
    unusable: Hl7Error | None = None


class ReadRecord(NamedTuple):
    """What a record turned out to be.

    `visit` is the visit that the record concerns, None if nobody can tell. `warnings` are the codes
    of what the reader tolerated. `misplaced` says why a record is sent again.
    """

    record: InboundRecord
    kind: RecordKind
    reading: Reading | None = None
    visit: VisitKey | None = None
    problem: Unreadable | Hl7Error | None = None
    warnings: tuple[str, ...] = ()
    misplaced: Misplaced = ""
    sender: SenderId = SenderId()


_DIGITS_MOST = 9  # of a number of partitions; a header may say anything
_OF_ONE_VISIT: frozenset[RecordKind] = frozenset({"message", "prior", "nudge", "parked"})
_NOT_MEANT_FOR_US = frozenset({"message.unknown", "message.processing"})


def read_record(
    record: InboundRecord,
    profile_of: Callable[[Mapping[str, str]], Profile],
    placement: KeyPlacement | None = None,
) -> ReadRecord:
    """Say what a record is.

    `profile_of` gives the profile by the headers of the record. It raises Hl7Error if there is
    none, and the record is then parked. Without a `placement` the key alone decides: one program
    has all partitions.
    """
    if record.unusable is not None:
        visit = named_here(record, placement)
        return ReadRecord(record, "parked", visit=visit, problem=record.unusable)
    read = _read_in_place(record, profile_of)
    if read.kind not in _OF_ONE_VISIT or read.visit is None:
        return read
    misplaced = _misplaced(record, record_key(*read.visit), placement)
    if misplaced and REKEYED in record.headers and not _partitions_were_added(record, placement):
        return _disputed(read, placement)
    return read._replace(kind="rekey", misplaced=misplaced) if misplaced else read


def _misplaced(record: InboundRecord, key: str, placement: KeyPlacement | None) -> Misplaced:
    """What is wrong with the place of a record whose visit has this key, "" for nothing."""
    if record.key != key:
        return "key"
    if placement is not None and record.partition != placement.of(key):
        return "partition"
    return ""


def _partitions_were_added(record: InboundRecord, placement: KeyPlacement | None) -> bool:
    """Whether a record that was sent again into its place lies elsewhere only because the topic has
    more partitions now than by which it was placed.
    """
    placed_by = record.headers[REKEYED]
    if placement is None or not (placed_by.isascii() and placed_by.isdecimal()):
        return False
    before = int(placed_by[:_DIGITS_MOST])
    return before < placement.partitions and (
        before == 1 or record.partition == KeyPlacement(before).of(record.key)
    )


def _disputed(read: ReadRecord, placement: KeyPlacement | None) -> ReadRecord:
    """A record that was sent again and would have to be sent again, to be parked.

    It is parked for the visit that its key names, if that visit is drafted here.
    """
    problem = Hl7Error(
        "key.disputed",
        expected="all captures to read the same visit number in a message",
        found="a message that was sent again under the key of one visit, and that we read as one "
        "of another",
        where="the visit number",
        do="give all captures the same rules/interfaces and CHARGELINE_INTERFACE, and when the "
        "last of them was restarted, `chargeline parked retry --code key.disputed`",
    )
    return read._replace(kind="parked", visit=named_here(read.record, placement), problem=problem)


def is_nudge(record: InboundRecord) -> bool:
    """Whether a record is no message, and only has its visit looked at again."""
    return NUDGE in record.headers and not record.value


def is_retried(record: InboundRecord) -> bool:
    """Whether a person sent a parked message again."""
    return RETRIED in record.headers


def _read_in_place(
    record: InboundRecord, profile_of: Callable[[Mapping[str, str]], Profile]
) -> ReadRecord:
    """What a record is where its visit is drafted."""
    if is_nudge(record):
        visit = key_of_text(record.key)
        return ReadRecord(record, "nudge" if visit else "unused", visit=visit)
    try:
        message = read_message(record.value)
        profile = profile_of(record.headers)
    except Hl7Error as error:
        return ReadRecord(record, "parked", visit=_named(record), problem=error)
    read = _read_as(record, bounded(read_events(message, profile), record.received_at))
    if message.warnings:
        return read._replace(warnings=tuple(map(warning_code, message.warnings)))
    return read


def _read_as(record: InboundRecord, reading: Reading) -> ReadRecord:
    """What a record is whose message could be read."""
    if (problem := _bad_identifier(reading)) is not None:
        reading = reading._replace(message=reading.message._replace(control_id=""))
        return ReadRecord(record, "parked", reading=reading, visit=_named(record), problem=problem)
    if reading.set_aside is not None:
        kind: RecordKind = (
            "unused" if reading.set_aside.finding.code in _NOT_MEANT_FOR_US else "parked"
        )
        return ReadRecord(
            record, kind, reading=reading, visit=_named(record), problem=reading.set_aside
        )
    if reading.visit is None:
        return ReadRecord(record, "message", reading=reading)
    visit = VisitKey(reading.facility, reading.visit)
    if (prior := _merged_away(record, reading)) is not None:
        return ReadRecord(record, "prior", reading=reading, visit=prior)
    return ReadRecord(record, "message", reading=reading, visit=visit)


def _merged_away(record: InboundRecord, reading: Reading) -> VisitKey | None:
    """The visit for whose partition a merge was copied, None if the record is no such copy.

    Anybody can write a header, and a dose that is taken for a copy is in no draft. So the message
    itself must merge away the visit that its key names.
    """
    key = key_of_text(record.key) if record.headers.get(MERGE_COPY) == "prior" else None
    if key is None or key.facility != reading.facility:
        return None
    return key if key.visit in {merge.prior for merge in visit_merges(reading)} else None


def key_of_text(text: str) -> VisitKey | None:
    """The visit that a Kafka key names, None if it names none that the ledger can store."""
    facility, visit = parts_of_key(text)
    return VisitKey(facility, visit) if visit and not (no_key(facility) or no_key(visit)) else None


def _named(record: InboundRecord) -> VisitKey | None:
    """The visit that a record's key names. The gateway marks a key that names none."""
    return None if NO_VISIT in record.headers else key_of_text(record.key)


def named_here(record: InboundRecord, placement: KeyPlacement | None) -> VisitKey | None:
    """The visit that a record's key names, if that visit is drafted where the record lies."""
    here = placement is None or placement.of(record.key) == record.partition
    return _named(record) if here else None


def _bad_identifier(reading: Reading) -> Hl7Error | None:
    """Why the ledger cannot store a message under its numbers, None if it can.

    The message is parked then. If the ledger refused it in the batch, the poll would fail again and
    again, and the partition would stand still.
    """
    for where, text in _identifiers(reading):
        if (unusable := no_key(text)) is not None:
            return Hl7Error(
                "identifier.invalid",
                expected=f"text of at most {KEY_BYTES_MOST} bytes, without a NUL and without half "
                "a character",
                found=unusable,
                where=where,
                do="ask the sender what it wrote there; it must send the message again with an "
                "identifier that can be stored",
            )
    return None


def _identifiers(reading: Reading) -> Iterator[tuple[str, str]]:
    """The identifiers of a message that become keys in the ledger, each with its field."""
    yield "MSH-10", reading.message.control_id
    yield "the facility", reading.facility
    yield "the visit number", reading.visit or ""
    for merge in reading.merges:
        yield "MRG", merge.prior
        yield "the surviving number of a merge", merge.surviving
    for event in reading.events:
        if isinstance(event, VisitFact):
            yield "PID-3", event.patient or ""


def problems_of(read: ReadRecord) -> Sequence[Unreadable | Hl7Error]:
    """Why a record is parked, empty if it is not.

    A message that is used can have a part that cannot be read; the first such part is given.
    """
    if read.kind == "parked" and read.problem is not None:
        return [read.problem]
    if read.kind == "message" and read.reading is not None:
        return [event for event in read.reading.events if isinstance(event, Unreadable)][:1]
    return []


def visit_merges(reading: Reading) -> list[VisitMerge]:
    """The visits that a message joins."""
    return [merge for merge in reading.merges if isinstance(merge, VisitMerge)]


def patient_merges(reading: Reading) -> list[PatientMerge]:
    """The patients that a message joins."""
    return [merge for merge in reading.merges if isinstance(merge, PatientMerge)]
