"""The short notation for appointments of radiation sessions, as a schedule tells them.

This module owns one line of a case: `appointments 1-5 course=C1 session completed d2`. It stands
for five messages about the appointments 1 to 5, one on each day from the second on at 10:00. A
state (`booked`, `completed`, `cancelled`, `missed`) says how they stand, `odd` is a status that no
profile knows, and without a state nothing is said of it. A kind (`session`, or a technique) says
what is booked, and a line without one only names the appointments, as many cancellations do.
`at=11:00` is another time. What a later line says of an appointment was sent later. It knows no
rules.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from chargeline.engine import Appointment, MessageRef, care_words, words

APPOINTMENTS = "appointments "
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_DAY = re.compile(r"d([1-9]\d?)")
_FLAGS = frozenset({"course", "at"})
_UNKNOWN = "odd"
_MORNING = time(10)
_CASE_SENT = datetime(2026, 1, 1, tzinfo=UTC)  # only the order of the lines of a case matters


def appointments_of(text: str, ordinal: int, first: date) -> Iterator[Appointment]:
    """The appointments of a line, from the day `first` on. Raises ValueError."""
    parts = text.split()[1:]
    numbers = _RANGE.fullmatch(parts[0]) if parts else None
    if numbers is None:
        raise ValueError(f"{text!r}: expected numbers of appointments, such as 1-5")
    flags = dict(part.split("=", 1) for part in parts[1:] if "=" in part)
    plain = [part for part in parts[1:] if "=" not in part]
    kinds = [part for part in plain if part in words.words_of(care_words.AppointmentKind)]
    states = [part for part in plain if part in words.words_of(care_words.AppointmentState)]
    starts = [int(match[1]) for part in plain if (match := _DAY.fullmatch(part))]
    unknown = set(plain) - {*kinds, *states, _UNKNOWN, *[f"d{day}" for day in starts]}
    unknown |= set(flags) - _FLAGS
    if unknown or len(kinds) > 1 or len(states) > 1:
        raise ValueError(
            f"{text!r}: expected one kind, one state, d2, at=11:00 and course=C1, "
            f"found {', '.join(sorted(unknown)) or 'several of them'}"
        )
    state = "unknown" if _UNKNOWN in plain else (states or ["unsaid"])[0]
    begin, end = int(numbers[1]), int(numbers[2] or numbers[1])
    clock = time.fromisoformat(flags["at"]) if "at" in flags else _MORNING
    for place, number in enumerate(range(begin, end + 1)):
        day = first + timedelta(days=(starts or [1])[0] - 1 + place)
        sent = _CASE_SENT + timedelta(minutes=ordinal)
        yield Appointment(
            message=MessageRef(f"appointment{ordinal}.{number}", "case", "case", sent),
            number=f"A{number}",
            row="",
            kind=cast(care_words.AppointmentKindFact, (kinds or ["unsaid"])[0]),
            state=cast(care_words.AppointmentStateFact, state),
            day=day,
            at=datetime.combine(day, clock, UTC),
            timed=bool(kinds),
            course=flags.get("course", ""),
            address="AIS-1" if kinds else "SCH-25",
        )
