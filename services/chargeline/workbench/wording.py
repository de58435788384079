"""How times and ages stand on a page of the workbench, beside what the Visit screen writes.

It owns these few forms, so that every page writes them alike. A time is shown by the clock of the
sender where a page knows it.
"""

from datetime import date, datetime, timedelta

from chargeline.workbench.visit.words import in_full, in_short

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def length(of: timedelta) -> str:
    """A length of time: 40 min, 2 h 5 min, 26 h, 9 d."""
    seconds = max(int(of.total_seconds()), 0)
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 6 * _HOUR:
        hours, rest = divmod(seconds, _HOUR)
        return f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} d"


def day(of: str) -> str:
    """A day such as 2026-03-19 as 19 March 2026; "" for none."""
    return in_full(date.fromisoformat(of)) if of else ""


def clock_time(of: datetime | None) -> str:
    """A moment as 19 March 14:02, by the zone that it has."""
    return f"{in_short(of.date())} {of:%H:%M}" if of is not None else ""


def hour(of: datetime) -> str:
    """A moment of these days as 14:02, by the zone that it has."""
    return f"{of:%H:%M}"


def seconds(of: datetime) -> str:
    """A moment as 14:02:10 UTC, by the zone that it has."""
    return f"{of:%H:%M:%S %Z}"
