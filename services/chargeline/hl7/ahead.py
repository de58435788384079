"""A sender's clock that runs ahead must not win over later messages.

Of two versions the later one counts, by MSH-7, RXA-22 or ORC-9. A clock that is a year ahead would
so win for a year, whatever is corrected. This module bounds these times by the arrival of the
message, and says so. It does not touch the times of care (RXA-3, RXA-4): the doubts look at those.
"""

from datetime import datetime, timedelta

from chargeline.engine import ClockAhead, Event, Finding, OrderFact, Reading, Record

TOLERATED = timedelta(minutes=5)
"""How far clocks that are kept may differ."""
FAR = timedelta(days=1)
"""Beyond this the date is wrong, and not only the clock."""


def bounded(reading: Reading, received: datetime) -> Reading:
    """The reading with no time of a version later than its arrival; the very same if none is.

    A bounded time is that of the arrival. The reading then has a `ClockAhead`, which is told in the
    draft: as a warning up to a day, beyond it as a question.
    """
    limit = received + TOLERATED
    sent = reading.message.sent
    ahead = [("MSH-7", sent)] if sent is not None and sent > limit else []
    message = reading.message._replace(sent=received) if ahead else reading.message
    events: list[Event] = []
    for event in reading.events:
        now: Event = event._replace(message=message) if ahead else event
        if isinstance(now, Record) and now.recorded is not None and now.recorded > limit:
            ahead.append((f"RXA[{now.ordinal}]-22", now.recorded))
            now = now._replace(recorded=received)
        if isinstance(now, OrderFact) and now.controlled is not None and now.controlled > limit:
            ahead.append(("ORC-9", now.controlled))
            now = now._replace(controlled=received)
        events.append(now)
    if not ahead:
        return reading
    events = [event._replace(message=message) for event in events]
    where, time = max(ahead, key=lambda place: place[1])
    events.append(ClockAhead(message, _finding(where, time - received)))
    merges = tuple([merge._replace(message=message) for merge in reading.merges])
    return reading._replace(message=message, events=tuple(events), merges=merges)


def _finding(where: str, early: timedelta) -> Finding:
    is_far = early > FAR
    minutes = early // timedelta(minutes=1)
    found = f"{early.days} days later" if is_far else f"{minutes} minutes later"
    return Finding(
        "clock.far_ahead" if is_far else "clock.ahead",
        expected="a time at which the message had been written when it arrived",
        found=found,
        where=where,
        do="set the clock of the sender; until then the message counts as written on arrival",
    )
