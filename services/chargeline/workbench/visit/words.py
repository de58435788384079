"""Small words of the Visit screen: clocks, money, ages, masked numbers, and text without tricks.

It owns how one value is written on the page, and nothing of what it means.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from chargeline.engine import ANSWER, Source, answer_words, printable, source_in_words
from chargeline.workbench.visit.model import SourceShown, StateShown

_Shape = TypeVar("_Shape")
_BULLETS = "••••"
_SHOWN_OF_A_PATIENT = 4
SEVERITIES: Mapping[answer_words.Severity, StateShown] = {
    "blocks": StateShown("blocks", "blocks"),
    "warns": StateShown("warns", "warns"),
    "notes": StateShown("notes", "notes"),
}


def clock(moment: datetime, zone: ZoneInfo, day: date | None = None) -> str:
    """A time of the day by the sender's clock, such as 09:05; with its date on another day."""
    local = moment.astimezone(zone)
    time = f"{local:%H:%M}"
    return time if day is None or local.date() == day else f"{in_short(local.date())}, {time}"


def in_short(day: date) -> str:
    """A date without its year, such as 19 March."""
    return f"{day.day} {day:%B}"


def in_full(day: date) -> str:
    """A date, such as 19 March 2026."""
    return f"{in_short(day)} {day.year}"


def moment_of(moment: datetime | None, zone: ZoneInfo) -> str:
    """A date and time by the sender's clock; "" for none."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return f"{in_full(local.date())}, {local:%H:%M}"


def minutes_between(start: datetime, stop: datetime) -> int:
    """Whole minutes from a start to a stop, 0 if the stop lies before the start."""
    return max(0, int((stop - start).total_seconds()) // 60)


def dollars(cents: int | None, *, signed: bool = False) -> str:
    """Cents as a page writes them: $1,234.50, −$66.00; "" for None."""
    if cents is None:
        return ""
    sign = "−" if cents < 0 else "+" if signed and cents else ""
    return f"{sign}${abs(cents) / 100:,.2f}"


def span_of(length: timedelta) -> str:
    """A length of time in short: 2 d, 3 h 12 min, 40 min."""
    minutes = int(length.total_seconds()) // 60
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def many(count: int, noun: str) -> str:
    """A count with its noun: 1 line, 2 lines."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def masked(number: str) -> str:
    """A patient's number as bullets and its last four signs; bullets alone where it is short."""
    shown = number[-_SHOWN_OF_A_PATIENT:] if len(number) > _SHOWN_OF_A_PATIENT else ""
    return f"{_BULLETS}{shown}" if number else ""


def source_shown(source: Source) -> SourceShown:
    """A source as a link to its message."""
    message = source.message
    return SourceShown(source_in_words(source), "" if message.type == ANSWER else message.digest)


def sources_shown(sources: Iterable[Source | None]) -> tuple[SourceShown, ...]:
    """Sources as links, each once."""
    shown = [source_shown(source) for source in sources if source is not None]
    return tuple(dict.fromkeys(shown))


def harmless(shape: _Shape) -> _Shape:
    """The same shape with every text in it printable.

    One place for all of them: a name that a sender wrote cannot turn the page's writing around, or
    hide a part of it.
    """
    return cast(_Shape, _harmless(shape))


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        values = [_harmless(item) for item in value]
        return type(value)._make(values) if hasattr(value, "_make") else tuple(values)
    return value


def joined(words: Sequence[str]) -> str:
    """Texts with a comma between them, without empty ones."""
    return ", ".join([word for word in words if word])
