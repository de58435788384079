"""Rows for tests, complete and short to write. Every name and number in them is invented."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chargeline.engine import VisitKey
from chargeline.ledger import (
    Announcement,
    StoredContribution,
    StoredMerge,
    StoredMessage,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
V1, V2, V3, V4 = (VisitKey("NORTH", f"V{n}") for n in range(1, 5))


def message(number: int, visit: str = "V1", **changes: Any) -> StoredMessage:
    plain = StoredMessage(
        facility="NORTH",
        visit=visit,
        digest=f"{number:064x}",
        control_id=f"C{number}",
        sent=MORNING + number * HOUR,
        type="RAS^O17",
        topic="hl7",
        partition=0,
        offset=number,
        received_at=MORNING + number * HOUR,
        raw=b"MSH|^~\\&|\x00\xff\r",
        headers='{"b": 1, "a": "ü"}',
    )
    return plain._replace(**changes)


def merge(prior: str, surviving: str, number: int = 1, facility: str = "NORTH") -> StoredMerge:
    return StoredMerge(facility, prior, surviving, MORNING + number * HOUR, f"{number:064x}")


def visit(key: VisitKey = V1, **changes: Any) -> StoredVisit:
    plain = StoredVisit(
        *key, "open", 0, None, None, None, None, incomplete=False, updated_at=MORNING
    )
    return plain._replace(**changes)


def revision(number: int, key: VisitKey = V1, body: str = '{"lines": []}') -> StoredRevision:
    return StoredRevision(*key, number, "open", "guide-2026", "r1", MORNING, body, "[]")


def question(name: str, key: VisitKey = V1, closed_at: datetime | None = None) -> StoredQuestion:
    return StoredQuestion(*key, name, "stop.missing", MORNING, closed_at, "{}")


def initial_service(key: VisitKey = V1, at: datetime = MORNING) -> StoredContribution:
    """A visit of patient P1 that had an initial service on 2 March."""
    return StoredContribution("NORTH", "P1", "initial_service", "2026-03-02", key.visit, at)


def announcement(name: str) -> Announcement:
    return Announcement("drafts", "NORTH|V1", name, '{"ce_id": "1"}', name.encode(), MORNING)


def parked(offset: int = 7, **changes: Any) -> StoredParkedMessage:
    plain = StoredParkedMessage(
        topic="hl7",
        partition=0,
        offset=offset,
        key="NORTH|V1",
        raw=b"not HL7\x00",
        headers="{}",
        code="message.no_msh",
        expected="a message that begins with MSH",
        found="7 characters",
        where_="the first line",
        do="look at what wrote it",
        facility=None,
        visit=None,
        first_seen=MORNING,
    )
    return plain._replace(**changes)
