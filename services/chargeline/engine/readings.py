"""What one message of a feed says, all of it: its visit, its events, and what could not be used.

It owns the list of all events. It does not know how any of them is read or folded.
"""

from typing import NamedTuple

from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.care import CareEvent
from chargeline.engine.events import (
    Answer,
    ClockAhead,
    LineAnswer,
    MessageRef,
    OrderFact,
    PatientMerge,
    Record,
    Unreadable,
    VisitFact,
    VisitMerge,
)

Event = (
    Record
    | OrderFact
    | VisitFact
    | Unreadable
    | ClockAhead
    | Answer
    | LineAnswer
    | CareEvent
    | Authorization
)


class Reading(NamedTuple):
    """All that one message says: to which visit, which events, and what was set aside.

    `visit` is None when the message is about patients and not about a visit (A40).
    `set_aside` is the reason why nothing of the message was used, or None.
    """

    message: MessageRef
    facility: str
    visit: str | None
    zone: str
    events: tuple[Event, ...] = ()
    merges: tuple[VisitMerge | PatientMerge, ...] = ()
    set_aside: Unreadable | None = None
