"""A row of the ledger that cannot be opened or read: how it is named, and whose fault that is.

This module owns the name of such a row, by which a person finds it in the database and in a backup,
and which shows no patient. It does not know how a row is opened, or what a program does without it.
"""

from collections.abc import Iterable

from chargeline.ledger.errors import RowPlace, UnreadableRow
from chargeline.ledger.records import (
    Announcement,
    StoredAnswer,
    StoredMessage,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
)

WrittenOfVisit = StoredRevision | StoredAnswer | StoredQuestion
"""A row that chargeline itself wrote of a visit, with a body in JSON."""

NAMED_MOST = 100
"""So many rows are named one by one where rows are told of; their number is always told."""


def unreadable(
    row: StoredMessage | StoredParkedMessage | Announcement | WrittenOfVisit, found: str
) -> UnreadableRow:
    """The error about a row; `found` says what is wrong with it, and quotes nothing of it."""
    if isinstance(row, Announcement):
        event = RowPlace("outbox", f"id {row.id}", row.topic)
        return UnreadableRow(place=event, visit=(None, None), found=found)
    if isinstance(row, WrittenOfVisit):
        return UnreadableRow(place=_written(row), visit=(row.facility, row.visit), found=found)
    is_message = isinstance(row, StoredMessage)
    place = RowPlace(
        table="message" if is_message else "parked",
        row=f"digest {row.digest}" if isinstance(row, StoredMessage) else f"id {row.id}",
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
    )
    return UnreadableRow(place=place, visit=(row.facility, row.visit), found=found)


def _written(row: WrittenOfVisit) -> RowPlace:
    whose = f"of {row.facility}|{row.visit}"
    if isinstance(row, StoredRevision):
        return RowPlace("draft_revision", f"revision {row.revision} {whose}")
    if isinstance(row, StoredAnswer):
        return RowPlace("answer", f"answer_id {row.answer_id} {whose}")
    return RowPlace("question", f"question_id {row.question_id} {whose}")


def counted(rows: Iterable[UnreadableRow]) -> dict[str, int]:
    """How many rows of each table."""
    tables = sorted(row.place.table for row in rows)
    return {table: tables.count(table) for table in dict.fromkeys(tables)}


def named(rows: Iterable[UnreadableRow]) -> list[str]:
    """The places of rows in order, at most NAMED_MOST of them."""
    return sorted({str(row.place) for row in rows})[:NAMED_MOST]
