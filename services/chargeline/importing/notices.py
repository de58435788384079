"""The messages of a checked list, each read back before it is sent.

It owns the proof that a message says what its row says, to the interface profile by which the
listener reads it: a profile that does not know a status would make a question of each row, and one
that takes the patient's number from another type of number another patient. It sends nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple

from chargeline.engine import Authorization, Finding, Unreadable, VisitFact
from chargeline.hl7.authorization_messages import AuthorizationNotice, notice_message
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.importing.rows import RowNotice


class NoticeMessage(NamedTuple):
    """A message, and the row that it tells of."""

    row: int
    data: bytes


def messages_of(entries: Iterable[RowNotice]) -> list[NoticeMessage]:
    """The messages of some rows, a request before the answer to it."""
    return [
        NoticeMessage(entry.row, notice_message(notice))
        for entry in entries
        for notice in (entry.asked, entry.notice)
        if notice is not None
    ]


def misread(entries: Iterable[RowNotice], profile: Profile) -> list[Finding]:
    """What an interface reads otherwise than the rows say it; one finding a kind of mistake."""
    findings: dict[str, Finding] = {}
    for entry in entries:
        for notice in (entry.asked, entry.notice):
            if notice is not None:
                wrong = _misread(notice, profile)
                if wrong:
                    findings.setdefault(wrong, _finding(wrong, entry.row, profile))
    return list(findings.values())


def _misread(notice: AuthorizationNotice, profile: Profile) -> str:
    """What the profile reads otherwise in the message of a notice; "" if nothing."""
    reading = read_events(read_message(notice_message(notice)), profile)
    if reading.set_aside is not None:
        return f"the message not at all ({reading.set_aside.finding.code})"
    for event in reading.events:
        if isinstance(event, Unreadable):
            return f"{event.finding.where} not at all ({event.finding.code})"
    told = [event for event in reading.events if isinstance(event, Authorization)]
    patients = [event.patient for event in reading.events if isinstance(event, VisitFact)]
    if len(told) != 1:
        return f"{len(told)} authorizations"
    sent = reading.message.sent
    local = sent.astimezone(profile.clock.zone).replace(tzinfo=None) if sent is not None else None
    pairs: dict[str, tuple[object, object]] = {
        "facility": (reading.facility, notice.facility),
        "patient": (patients, [notice.patient]),
        "received": (local, notice.received),
        "units": (told[0].units, notice.granted),
    }
    for name in ("number", "payer", "codes", "diagnoses", "starts", "until", "basis"):
        pairs[name] = (getattr(told[0], name), getattr(notice, name))
    for name in ("provider", "site", "status"):
        pairs[name] = (getattr(told[0], name), getattr(notice, name))
    return ", ".join([name for name, (read, meant) in pairs.items() if read != meant])


def _finding(wrong: str, row: int, profile: Profile) -> Finding:
    return Finding(
        "authorization.row",
        expected=f"the interface {profile.name} to read what the row says",
        found=f"it reads otherwise: {wrong}",
        where=f"row {row}",
        do="name the interface of the listener with --interface, or complete its profile; see "
        "rules/interfaces/README.md",
    )
