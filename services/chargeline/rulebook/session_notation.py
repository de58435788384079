"""The short notation for sessions of a radiation course.

This module owns one line of a case: `sessions 1-18 C1 three_dimensional planned=18 end`. It stands
for the reports of the fractions 1 to 18 of course C1, one on each day at 10:00. Words and flags in
any order say more: `twice` (a second one at 16:00), `end` (the last one ends the course), `physics`
(a check with each fifth), `motion=gated`, `isocentres=2`, `guidance=yes`, `d3` (the day of the
first), `at=11:00`, `untimed`. It knows no rules.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import cast

from chargeline.engine import MessageRef, Observation, care_words, words

SESSIONS = "sessions "
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_DAY = re.compile(r"d([1-9]\d?)")
_FLAGS = frozenset({"planned", "motion", "isocentres", "guidance", "at"})
_MARKS = frozenset({"twice", "end", "physics", "untimed"})
_FIFTH = 5


def sessions_of(text: str, ordinal: int, first: date) -> Iterator[Observation]:
    """The observations of some sessions, from the day `first` on. Raises ValueError."""
    parts = text.split()[1:]
    numbers = _RANGE.fullmatch(parts[0]) if parts else None
    if numbers is None or len(parts) < 2:
        raise ValueError(f"{text!r}: expected numbers of fractions and a course, such as 1-18 C1")
    flags = dict(part.split("=", 1) for part in parts[2:] if "=" in part)
    plain = [part for part in parts[2:] if "=" not in part]
    technique = [part for part in plain if part in words.words_of(care_words.BeamTechnique)]
    starts = [int(match[1]) for part in plain if (match := _DAY.fullmatch(part))]
    left = set(plain) - _MARKS - set(technique) - {f"d{day}" for day in starts}
    if left or set(flags) - _FLAGS:
        unknown = ", ".join(sorted(left | (set(flags) - _FLAGS)))
        raise ValueError(f"{text!r}: expected words of session_notation, found {unknown}")
    said = {"course": parts[1], **{name: flags[name] for name in flags if name != "at"}}
    if technique:
        said["technique"] = technique[0]
    start = first + timedelta(days=(starts or [1])[0] - 1)
    begin, end = int(numbers[1]), int(numbers[2] or numbers[1])
    for place, number in enumerate(range(begin, end + 1)):
        more = {"fraction": str(number)}
        if "end" in plain and number == end:
            more["course_end"] = "yes"
        if "physics" in plain and (place + 1) % _FIFTH == 0:
            more["physics_check"] = "yes"
        day = start + timedelta(days=place // 2 if "twice" in plain else place)
        hour = time(16) if "twice" in plain and place % 2 else time(10)
        clock = time.fromisoformat(flags["at"]) if "at" in flags else hour
        yield from _report(
            {**said, **more},
            f"{ordinal}.{number}",
            day,
            at=None if "untimed" in plain else datetime.combine(day, clock, UTC),
        )


_WORDS = {"planned": "planned_fractions", "motion": "motion_management"}
_WORDS["guidance"] = "image_guidance"


def _report(
    said: dict[str, str], name: str, day: date, *, at: datetime | None
) -> Iterator[Observation]:
    for place, (about, value) in enumerate(said.items(), 1):
        yield Observation(
            message=MessageRef(f"session{name}", "case", "case", None),
            about=cast(care_words.Observed, _WORDS.get(about, about)),
            value=value,
            amount=Decimal(value) if value.isdecimal() else None,
            unit="",
            day=day,
            at=at,
            status="add",
            group=f"S{name}",
            sub_id="",
            by="",
            address=f"OBX[{place}]-5",
        )
