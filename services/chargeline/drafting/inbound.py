"""One inbound record, looked at before anything is written.

It owns the decision what a record is: a message of a visit, one under another visit's key, a copy of
a merge, a nudge, one that nobody uses, or one to be parked. It writes nothing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from chargeline.engine import PatientMerge, Reading, Unreadable, VisitFact, VisitKey, VisitMerge
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.ledger.bulk import KEY_BYTES_MOST, no_key

# Headers by which chargeline speaks to itself over the inbound topic; none holds patient data.
NUDGE = "chargeline-nudge"  # no message: look at this visit again, something of it is in the ledger
MERGE_COPY = "chargeline-merge"  # the copy of a merge for the partition of the prior visit
REKEYED = "chargeline-rekeyed"  # sent again under the key of its visit
NO_VISIT = "chargeline-no-visit"  # the gateway found no visit, so the key ends in a digest


class InboundRecord(NamedTuple):
    """One record of the inbound topic, wherever it came from."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: dict[str, str]
    received_at: datetime


class Looked(NamedTuple):
    """What a record turned out to be. `kind`: message, rekey, prior, nudge, unused or parked."""

    record: InboundRecord
    kind: str
    reading: Reading | None
    visit: VisitKey | None
    problem: Unreadable | Hl7Error | None


def key_text(key: VisitKey) -> str:
    """The Kafka key of a visit: facility and visit number, joined by `|`."""
    return f"{key.facility}|{key.visit}"


def key_of_text(text: str) -> VisitKey | None:
    """The visit that a Kafka key names, None if it names none that the ledger could keep."""
    facility, _, visit = text.partition("|")
    return VisitKey(facility, visit) if visit and not (no_key(facility) or no_key(visit)) else None


def _named(record: InboundRecord) -> VisitKey | None:
    """The visit that a record's key names."""
    return None if NO_VISIT in record.headers else key_of_text(record.key)


def look(record: InboundRecord, profile: Profile) -> Looked:
    """Say what a record is."""
    if NUDGE in record.headers:
        visit = key_of_text(record.key)
        return Looked(record, "nudge" if visit else "unused", None, visit, None)
    try:
        message = read_message(record.value)
    except Hl7Error as error:
        return Looked(record, "parked", None, _named(record), error)
    reading = read_events(message, profile)
    if (problem := _bad_identifier(reading)) is not None:
        reading = reading._replace(message=reading.message._replace(control_id=""))
        return Looked(record, "parked", reading, _named(record), problem)
    if reading.set_aside is not None:
        kind = "unused" if reading.set_aside.finding.code == "message.unknown" else "parked"
        return Looked(record, kind, reading, _named(record), reading.set_aside)
    if reading.visit is None:
        return Looked(record, "message", reading, None, None)
    visit = VisitKey(reading.facility, reading.visit)
    if record.headers.get(MERGE_COPY) == "prior":
        prior = key_of_text(record.key)
        return Looked(record, "prior" if prior else "unused", reading, prior, None)
    kind = "message" if record.key == key_text(visit) else "rekey"
    return Looked(record, kind, reading, visit, None)


def _bad_identifier(reading: Reading) -> Hl7Error | None:
    """Why the ledger could not keep a message under its numbers: one would block its partition for ever."""
    for where, text in _identifiers(reading):
        if (found := no_key(text)) is not None:
            return Hl7Error(
                "identifier.invalid",
                expected=f"text of at most {KEY_BYTES_MOST} bytes, without NUL and halves of characters",
                found=found,
                where=where,
                do="ask the sender what it wrote there; it must send the message again with a usable one",
            )
    return None


def _identifiers(reading: Reading) -> Iterator[tuple[str, str]]:
    """Where a message has the numbers that become keys, and what they are."""
    yield "MSH-10", reading.message.control_id
    yield "the facility", reading.facility
    yield "the visit number", reading.visit or ""
    for merge in reading.merges:
        yield "MRG", merge.prior
        yield "the surviving number of a merge", merge.surviving
    for event in reading.events:
        if isinstance(event, VisitFact):
            yield "PID-3", event.patient or ""


def unreadable_parts(reading: Reading) -> list[Unreadable]:
    """The parts of a used message that could not be read; they are parked beside it."""
    return [event for event in reading.events if isinstance(event, Unreadable)]


def visit_merges(reading: Reading) -> list[VisitMerge]:
    """The visits that a message joins."""
    return [merge for merge in reading.merges if isinstance(merge, VisitMerge)]


def patient_merges(reading: Reading) -> list[PatientMerge]:
    """The patients that a message joins."""
    return [merge for merge in reading.merges if isinstance(merge, PatientMerge)]


def instant_of(milliseconds: int) -> datetime:
    """A Kafka timestamp as an aware datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
