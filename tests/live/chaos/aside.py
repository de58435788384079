"""What was put aside in a run: each hostile record for its reason, and no message of anybody else.

This module owns the comparison of the parked messages with what was sent. It reads the ledger's
rows and the events on the topic, and knows nothing of how a record was made or sent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from hashlib import sha256
from typing import NamedTuple

import asyncpg

from ..records import Place
from ..service import Service
from .evidence import Event, distinct
from .hostile import Sent

MARKERS_MOST = 4


class Parked(NamedTuple):
    """One parked message, as the ledger has it."""

    number: int
    place: Place
    code: str
    found: str
    raw: bytes


async def parked(service: Service) -> list[Parked]:
    """All parked messages, those that were retried as well."""
    connection = await asyncpg.connect(service.database)
    rows = await connection.fetch(
        'SELECT id, partition, "offset", code, found, raw FROM parked ORDER BY id'
    )
    await connection.close()
    return [Parked(row[0], Place(row[1], row[2]), *row[3:]) for row in rows]


def put_aside_wrongly(
    rows: Sequence[Parked], announced: Sequence[Event], sent: Sequence[Sent], honest: Set[bytes]
) -> list[str]:
    """All that is wrong with what is parked; empty if nothing is."""
    return [
        *_honest(rows, honest),
        *_sent(rows, sent),
        *_strange(rows, sent),
        *_announced(rows, announced),
    ]


def _honest(rows: Iterable[Parked], honest: Set[bytes]) -> Iterator[str]:
    """No message of an honest sender is parked."""
    for row in rows:
        if row.raw in honest:
            yield f"parked {row.number}: a message of an honest sender, for {row.code}"


def _sent(rows: Iterable[Parked], sent: Iterable[Sent]) -> Iterator[str]:
    """Each record that Kafka has is parked once and for a right reason, or is ignored."""
    by_place: dict[Place, list[Parked]] = {}
    for row in rows:
        by_place.setdefault(row.place, []).append(row)
    for record in sent:
        codes = [row.code for row in by_place.get(record.place, [])]
        if not codes and record.may_be_used:
            continue
        if len(codes) != bool(record.codes) or not record.codes.issuperset(codes):
            wanted = " or ".join(sorted(record.codes)) or "nothing"
            yield f"record {tuple(record.place)}: expected {wanted} to be parked, found {codes}"


def _strange(rows: Iterable[Parked], sent: Sequence[Sent]) -> Iterator[str]:
    """What lies elsewhere was sent again: by its sender after a failure, or by `parked retry`."""
    places, values = {record.place for record in sent}, {record.value for record in sent}
    hashes = {sha256(value).hexdigest() for value in values}
    unreadable = {record.place for record in sent if "record.unreadable" in record.codes}
    for row in rows:
        if row.code == "record.too_large":
            ours = row.found.rsplit(" ", 1)[-1] in hashes
        elif row.code == "record.unreadable":
            ours = bool(_behind(row.place) & unreadable)
        else:
            ours = row.raw in values
        if row.place not in places and not ours:
            yield f"parked {row.number}: nobody sent it, for {row.code}"


def _behind(place: Place) -> set[Place]:
    """The places right behind a place. A record that Kafka's client cannot read is met at each
    marker of a transaction before it as well.
    """
    return {Place(place.partition, place.offset + markers) for markers in range(1, MARKERS_MOST)}


def _announced(rows: Iterable[Parked], announced: Sequence[Event]) -> Iterator[str]:
    """The topic tells of each parked message once, by its number, and of no other."""
    times = Counter(event.body["number"] for event in distinct(announced))
    stored = Counter(row.number for row in rows)
    for number in (times - stored) + (stored - times):
        yield f"parked {number}: {stored[number]} in the ledger, {times[number]} on the topic"
