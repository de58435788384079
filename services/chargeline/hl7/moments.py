"""When something beside the pharmacy was: a day, with the instant where a field tells it.

It owns how a date or a time of such messages is read. It does not know which field has it.
"""

from datetime import date, datetime
from typing import NamedTuple

from chargeline.engine import BEGINNING, MessageRef
from chargeline.hl7.profile import Profile


class DayAndTime(NamedTuple):
    """A local date, and the instant where the field tells it."""

    day: date
    at: datetime | None


def moment_at(text: str, where: str, profile: Profile) -> DayAndTime | None:
    """A day, with the instant where the text has one; None where it is empty.

    Raises Hl7Error `time.impossible` or `time.imprecise`.
    """
    text = text.partition("^")[0].strip()
    if not text or text == '""':
        return None
    if len(text) == 8 and text.isdecimal():
        return DayAndTime(profile.clock.read(f"{text}1200", where).day, None)
    read = profile.clock.read(text, where)
    return DayAndTime(read.day, read.at)


def day_at(text: str, where: str, profile: Profile) -> date | None:
    """A local day; None where the text is empty. Raises Hl7Error as `Clock.read` does."""
    moment = moment_at(text, where, profile)
    return moment.day if moment is not None else None


def sent_day(reference: MessageRef, profile: Profile) -> DayAndTime:
    """The local day on which a message was sent (MSH-7)."""
    sent = reference.sent or BEGINNING
    return DayAndTime(sent.astimezone(profile.clock.zone).date(), None)
