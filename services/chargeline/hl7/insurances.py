"""Which insurance of a message pays first, out of its IN1 segments.

This module owns the choice of the primary IN1; payer, name and numbers are then read from that one.
The priority in IN1-22 decides where it is valued: HL7 v2.5.1 section 6.5.6.22 (Coord of Ben.
Priority, ST) numbers insurances that pay together 1, 2, 3. Else the set ids of IN1-1 decide
(section 6.5.6.1), else the order of the segments. What contradicts itself is told as a finding, and
then nobody pays until somebody says who does.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.engine import Finding, shape_of
from chargeline.hl7.delimiters import NULL, Delimiters, text_at
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Place, Profile

Row = list[str]

_SET_ID = Place("IN1", 1, 1)


class Primary(NamedTuple):
    """The IN1 that pays first, and all IN1 of its payer, that one included.

    `row` is None where the message has no IN1, and where its IN1 contradict each other; then
    `doubt` says how.
    """

    row: Row | None
    rows: tuple[Row, ...] = ()
    doubt: Finding | None = None


def primary_of(message: Message, profile: Profile) -> Primary:
    """The primary insurance of a message, by the addresses in `insurance_order` of its profile."""
    rows = [row for row in message.rows if row[0] == "IN1"]
    if not rows:
        return Primary(None)
    row = _first_payer(rows, profile, message.delimiters, profile.insurance_order)
    if isinstance(row, Finding):
        return Primary(None, doubt=row)
    payer = _payer(row, message.delimiters)
    others = [other for other in rows if other is row or _payer(other, message.delimiters) == payer]
    return Primary(row, tuple(others))


def _first_payer(
    rows: Sequence[Row], profile: Profile, delimiters: Delimiters, places: Sequence[Place]
) -> Row | Finding:
    """The row that the first valued address puts first, else the first one of all."""
    for ordinal, place in enumerate(places):
        written = [_written(row, place, delimiters) for row in rows]
        if not any(written):
            continue
        numbers = [_number(text, profile) for text in written]
        is_set_id = place == _SET_ID
        if is_set_id and len(rows) == 1:
            return rows[0]
        known_numbers = [number for number in numbers if number]
        lowest = min(known_numbers, default=0) if is_set_id else 1
        first = [row for row, number in zip(rows, numbers, strict=True) if number == lowest]
        is_read = all(
            bool(number) == bool(text) for number, text in zip(numbers, written, strict=True)
        )
        one_payer = len({_payer(row, delimiters) for row in first}) == 1
        if not is_read or not one_payer:
            return _doubt(place, written, numbers)
        if all(written):
            return first[0]
        # only some are numbered: no contradiction where the next address says the same
        beside = _first_payer(rows, profile, delimiters, places[ordinal + 1 :])
        if isinstance(beside, Finding) or not any(row is beside for row in first):
            return _doubt(place, written, numbers)
        return beside
    return rows[0]


def _number(text: str, profile: Profile) -> int:
    """The number that is written, or that the profile gives for a word; 0 if it is none."""
    if text.isascii() and text.isdigit() and len(text) < _LONGEST:
        return int(text)
    return profile.insurance_numbers.get(text.upper(), 0)


_LONGEST = 5  # a set id has at most four digits


def _written(row: Row, place: Place, delimiters: Delimiters) -> str:
    field = row[place.field] if len(row) > place.field else ""
    text = text_at(field, place.component, delimiters).strip()
    return "" if text == NULL else text


def _payer(row: Row, delimiters: Delimiters) -> str:
    """Who pays by a row, in capitals: IN1-3, else IN1-2."""
    fields = [row[number] if len(row) > number else "" for number in (3, 2)]
    texts = [text_at(field, 1, delimiters).strip().upper() for field in fields]
    return texts[0] or texts[1]


def _doubt(place: Place, written: Sequence[str], numbers: Sequence[int]) -> Finding:
    says = [
        (str(number) if number else shape_of(text)) if text else "empty"
        for text, number in zip(written, numbers, strict=True)
    ]
    where = f"IN1-{place.field}"
    return Finding(
        "payer.unclear",
        expected="one insurance that pays first: a whole number in each IN1, and 1 in one of them",
        found=f"{len(says)} IN1 with {where}: {'; '.join(says)}",
        where=where,
        do="have registration correct which insurance pays first, and send it again; if the sender "
        "writes it elsewhere or in words, name `insurance_order` and `insurance_numbers` in the "
        "interface profile",
    )
