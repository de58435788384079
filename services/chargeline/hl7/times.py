"""HL7 times as instants: what the sender's wall clock means in UTC.

This module owns precision, offsets, and the two nights on which the clock changes. It guesses
nothing: 02:30 in the night when summer time begins is an error, because no clock shows it; 01:30 in
the night when summer time ends is marked, because the clock shows it twice. A clock remembers the
hours that it read, because a feed repeats them and a look-up in the time zone costs more than the
rest of a message.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.engine import shape_of
from chargeline.hl7.errors import Hl7Error

_FORM = re.compile(
    r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)"  # the day
    r"(?:[ T]?(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.\d+)?)?)?)?\s*"  # the time
    r"(?:([+-])(\d?\d):?(\d\d)|(Z))?"  # the offset
)
_MINUTES = tuple(timedelta(minutes=minute) for minute in range(60))
_SECONDS = tuple(timedelta(seconds=second) for second in range(60))
_HOURS_REMEMBERED = 4096
_LARGEST_OFFSET = timedelta(hours=14)
_MOMENTS_REMEMBERED = 20_000


class Moment(NamedTuple):
    """An instant in UTC, its local date, and whether the clock shows its local time twice."""

    at: datetime
    day: date
    twice: bool


class Clock:
    """Reads the times of one sender. `zone` is the time zone of its wall clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._hours: dict[str, tuple[datetime, date] | None] = {}
        self._moments: dict[str, Moment] = {}

    def read(self, text: str, where: str) -> Moment:
        """An instant to the minute or second.

        Raises Hl7Error `time.impossible` or `time.imprecise`; `where` is the field that it names.
        """
        moment = self._moments.get(text)
        if moment is None:
            if len(self._moments) > _MOMENTS_REMEMBERED:
                self._moments.clear()
            moment = self._moments[text] = self._read(text, where)
        return moment

    def _read(self, text: str, where: str) -> Moment:
        length = len(text)
        if (length == 12 or length == 14) and text.isdecimal() and text.isascii():
            hour = self._hours.get(text[:10], _UNKNOWN)
            if hour is _UNKNOWN:
                hour = self._remember(text[:10])
            if hour is not None and text[10] < "6" and (length == 12 or text[12] < "6"):
                assert isinstance(hour, tuple)
                at = hour[0] + _MINUTES[int(text[10:12])]
                if length == 14 and text[12:] != "00":
                    at += _SECONDS[int(text[12:])]
                return Moment(at, hour[1], False)
        return self._slow(text, where)

    def read_if_valued(self, text: str, where: str) -> datetime | None:
        """Like `read`, but an empty or deleted time is None and a day alone means its midnight."""
        if not text or text == '""' or text.isspace():
            return None
        if len(text) == 8 and text.isdecimal():
            text += "0000"
        return self.read(text, where).at

    def _remember(self, hour: str) -> tuple[datetime, date] | None:
        """The start of a local hour in UTC, to which minutes can simply be added.

        None if they cannot: the clock changes in this hour, or there is no such hour.
        """
        if len(self._hours) > _HOURS_REMEMBERED:
            self._hours.clear()
        remembered: tuple[datetime, date] | None = None
        try:
            start = datetime(
                int(hour[:4]), int(hour[4:6]), int(hour[6:8]), int(hour[8:]), tzinfo=self.zone
            )
        except ValueError:
            start = None
        if start is not None:
            last = start.replace(minute=59, second=59)
            offsets = {
                start.utcoffset(),
                last.utcoffset(),
                start.replace(fold=1).utcoffset(),
                last.replace(fold=1).utcoffset(),
            }
            if len(offsets) == 1 and 1 < start.year < 9999:
                remembered = (start.astimezone(UTC), start.date())
        self._hours[hour] = remembered
        return remembered

    def _slow(self, text: str, where: str) -> Moment:
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise _impossible(f"{shape_of(text.strip())}", where)
        year, month, day, hour, minute, second, sign, hours, minutes, zulu = match.groups()
        if hour is None or minute is None:
            raise Hl7Error(
                "time.imprecise",
                expected="a time with hours and minutes (YYYYMMDDHHMM)",
                found=f"a time of {len(text.strip())} characters without minutes",
                where=where,
                do="have the sender chart the minute; a day alone gives no minutes to bill",
            )
        try:
            wall = datetime(
                int(year), int(month), int(day), int(hour), int(minute), int(second or 0)
            )
        except ValueError:
            raise _impossible(
                f"a date or time out of range ({shape_of(text.strip())})", where
            ) from None
        if sign or zulu:
            offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
            if offset > _LARGEST_OFFSET or int(minutes or 0) > 59:
                raise _impossible("an offset that no place has", where)
            try:
                at = (wall - (offset if sign != "-" else -offset)).replace(tzinfo=UTC)
                return Moment(at, at.astimezone(self.zone).date(), False)
            except OverflowError:
                raise _impossible("a time beyond the ends of the calendar", where) from None
        return self._local(wall, where)

    def _local(self, wall: datetime, where: str) -> Moment:
        first = wall.replace(tzinfo=self.zone)
        second = first.replace(fold=1)
        try:
            at = first.astimezone(UTC)
        except OverflowError:
            raise _impossible("a time beyond the ends of the calendar", where) from None
        if at.astimezone(self.zone).replace(tzinfo=None) != wall:
            raise _impossible("a local time that the change to summer time skipped", where)
        return Moment(at, wall.date(), first.utcoffset() != second.utcoffset())


_UNKNOWN = object()


def _impossible(found: str, where: str) -> Hl7Error:
    return Hl7Error(
        "time.impossible",
        expected="a time of the calendar such as 202603021015",
        found=found,
        where=where,
        do="correct the time at the sender and send the message again",
    )
