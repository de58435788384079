"""How times, money and ages stand on a page of the workbench.

It owns these few forms, so that every page writes them alike. A time is shown by the clock of the
sender where a page knows it.
"""

from datetime import date, datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def dollars(cents: int | None, *, signed: bool = False) -> str:
    """Cents as $1,234.50, with a real minus; "" where nobody knows the price."""
    if cents is None:
        return ""
    sign = "\N{MINUS SIGN}" if cents < 0 else "+" if signed else ""
    return f"{sign}${abs(cents) / 100:,.2f}"


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


def day(of: str | date) -> str:
    """A day as 19 March 2026; "" for none."""
    if not of:
        return ""
    moment = date.fromisoformat(of) if isinstance(of, str) else of
    return f"{moment.day} {moment:%B %Y}"


def clock_time(of: datetime | None) -> str:
    """A moment as 19 March 14:02, by the zone that it has."""
    return f"{of.day} {of:%B %H:%M}" if of is not None else ""


def hour(of: datetime) -> str:
    """A moment of these days as 14:02, by the zone that it has."""
    return f"{of:%H:%M}"


def seconds(of: datetime) -> str:
    """A moment as 14:02:10 UTC, by the zone that it has."""
    return f"{of:%H:%M:%S %Z}"
