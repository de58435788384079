"""What a message of a schedule says of radiation sessions: SCH, TQ1, AIS, AIG, AIL and AIP.

This module owns the fields of a SIU. Which codes of the schedule mean a radiation session, and
where its status and its course stand, says the interface profile. An appointment of anything else
says nothing for charges, as a laboratory's report does; `chargeline survey` counts its codes. A
message that names an appointment and not what is booked, as many cancellations do, is read: an
earlier message may have said that it is a session. It does not know what an appointment means for a
charge. Observations in a SIU are not read: nobody has observed what is only booked.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chargeline.engine import Appointment, Event, MessageRef, by_keyword, care_words
from chargeline.hl7.delimiters import component, text_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.moments import DayAndTime, moment_at, sent_day
from chargeline.hl7.profile import Place, Profile
from chargeline.hl7.segments import Row, field, first_of_all
from chargeline.hl7.unreadable import unreadable

_new_appointment = by_keyword(Appointment)

# The triggers of SIU (chapter 10 of the standard) that give a state, whatever the status says.
_FINAL: Mapping[str, care_words.AppointmentState] = {
    "S15": "cancelled",
    "S17": "cancelled",  # deleted: it was made in error
    "S26": "missed",
}
_BOOKS = frozenset({"S12", "S13"})
# They change a service, a series or a resource within an appointment, and chargeline cannot follow.
_UNFOLLOWED = frozenset({"S16", "S18", "S19", "S20", "S21", "S22"})
_OF_NOBODY = frozenset({"S23", "S24"})  # a slot is blocked or opened, without a patient
APPOINTMENT_TRIGGERS = frozenset({*_FINAL, *_BOOKS, *_UNFOLLOWED, *_OF_NOBODY, "S14"})
# Where the start and the status of each kind of resource stand.
_RESOURCES = {"AIS": (4, 10), "AIG": (8, 14), "AIL": (6, 12), "AIP": (6, 12)}


class _Booked(NamedTuple):
    """One session that a message books: its row ("" for the first), what it is, and when."""

    row: str
    kind: care_words.AppointmentKindFact
    resource: Row | None
    start: str
    where: str


def is_of_no_session(message: Message, profile: Profile) -> bool:
    """Whether a message of a schedule says nothing of a radiation session, as most of them."""
    if message.type != "SIU":
        return False
    if message.trigger in _OF_NOBODY or not profile.appointments:
        return True
    words = list(_words_of_kind(message, profile))
    return bool(words) and not any(word in profile.appointments for word in words)


def only_names(message: Message, profile: Profile) -> bool:
    """Whether a message of a schedule names an appointment, and not what is booked."""
    return not list(_words_of_kind(message, profile))


def not_followed(message: Message, profile: Profile) -> Hl7Error | None:
    """Why a message about a radiation appointment cannot be used as a whole; None if it can."""
    if message.type != "SIU" or message.trigger not in _UNFOLLOWED:
        return None
    if is_of_no_session(message, profile) or only_names(message, profile):
        return None
    return Hl7Error(
        "message.not_followed",
        expected="an appointment that is booked, moved, modified, cancelled, deleted or missed as "
        "a whole: S12, S13, S14, S15, S17 or S26",
        found=f"SIU^{message.trigger} about a radiation session",
        where="MSH-9",
        do="have the schedule send the whole appointment as S14, or tell the session in a report",
    )


def appointment_events(
    message: Message, heads: Mapping[str, Row], reference: MessageRef, profile: Profile
) -> Iterator[Event]:
    """The radiation sessions of a message of a schedule, or why they cannot be read."""
    if message.type != "SIU" or message.trigger in _UNFOLLOWED:
        return
    sch = heads.get("SCH", [])
    try:
        number = _number(sch, message)
        for booked in _booked(message, sch, profile):
            yield _appointment(booked, number, message, reference, profile=profile)
    except Hl7Error as error:
        yield unreadable(reference, error)


def _words_of_kind(message: Message, profile: Profile) -> Iterator[str]:
    """What stands at the addresses of `kind`, in capitals, the first address first."""
    for place in profile.appointment["kind"]:
        for row in message.rows:
            word = _word_at(row, place, message)
            if word:
                yield word


def _word_at(row: Row, place: Place, message: Message) -> str:
    if row[0] != place.segment:
        return ""
    return text_at(field(row, place.field), place.component, message.delimiters).strip().upper()


def _number(sch: Row, message: Message) -> str:
    """SCH-2, else SCH-1, with the occurrence of a series. Raises Hl7Error where there is none."""
    numbers = [component(field(sch, n), 1, message.delimiters).strip() for n in (2, 1)]
    number = next((text for text in numbers if text), "")
    occurrence = component(field(sch, 3), 1, message.delimiters).strip()
    if not number:
        raise Hl7Error(
            "appointment.unreadable",
            expected="the number of the appointment in SCH-2 or SCH-1",
            found="none",
            where="SCH-2",
            do="have the schedule fill it, the same in all messages of the appointment",
        )
    return f"{number}.{occurrence}" if occurrence else number


def _booked(message: Message, sch: Row, profile: Profile) -> Iterator[_Booked]:
    """The sessions that a message books: one for each start among its resources that mean one."""
    starts: list[str] = []
    for place in profile.appointment["kind"]:
        for row in message.rows:
            kind = profile.appointments.get(_word_at(row, place, message))
            if kind is None:
                continue
            start, where = _start_of(row, message, sch)
            if start not in starts:
                starts.append(start)
                name = str(len(starts)) if len(starts) > 1 else ""
                resource = row if row[0] in _RESOURCES else None
                yield _Booked(name, kind, resource=resource, start=start, where=where)
    if not starts:
        start, where = _start_of(sch, message, sch)
        yield _Booked("", "unsaid", resource=None, start=start, where=where)


def _start_of(row: Row, message: Message, sch: Row) -> tuple[str, str]:
    """The start of a session: that of its resource, else of AIS, TQ1-7, or SCH-11.4; and where."""
    services = [other for other in message.rows if other[0] == "AIS"]
    for other in (row, *services[:1]):
        place = _RESOURCES.get(other[0])
        if place is not None and field(other, place[0]).strip():
            return field(other, place[0]), f"{other[0]}-{place[0]}"
    timing = next((other for other in message.rows if other[0] == "TQ1"), [])
    if field(timing, 7).strip():
        return field(timing, 7), "TQ1-7"
    return component(field(sch, 11), 4, message.delimiters), "SCH-11"


def _appointment(
    booked: _Booked, number: str, message: Message, reference: MessageRef, *, profile: Profile
) -> Appointment:
    """One session. Raises Hl7Error where one is booked or completed and nothing says when."""
    state = _state(booked.resource, message, profile)
    moment = moment_at(booked.start, booked.where, profile)
    if moment is None and booked.kind != "unsaid" and state not in ("cancelled", "missed"):
        raise Hl7Error(
            "appointment.unreadable",
            expected="the start of the session in AIS-4, TQ1-7 or SCH-11.4",
            found="none",
            where=booked.where,
            do="have the schedule fill one of them",
        )
    when: DayAndTime = moment or sent_day(reference, profile)
    return _new_appointment(
        message=reference,
        number=number,
        row=booked.row,
        kind=booked.kind,
        state=state,
        day=when.day,
        at=when.at,
        timed=moment is not None,
        course=first_of_all(
            _rows_of(booked.resource, message), profile.appointment["course"], message.delimiters
        ),
        address="SCH-25" if booked.resource is None else f"{booked.resource[0]}-1",
    )


def _rows_of(resource: Row | None, message: Message) -> list[Row]:
    """The segments that speak of one session: not those of other resources."""
    if resource is None:
        return message.rows
    return [row for row in message.rows if row[0] not in _RESOURCES or row is resource]


def _state(
    resource: Row | None, message: Message, profile: Profile
) -> care_words.AppointmentStateFact:
    """The state by the trigger, else by the first status that the profile knows.

    A resource that is taken out of the appointment (AIS-2 D) is cancelled.
    """
    if message.trigger in _FINAL:
        return _FINAL[message.trigger]
    if resource is not None and field(resource, 2).strip().upper() == "D":
        return "cancelled"
    written = [
        word
        for place in profile.appointment["status"]
        for row in _rows_of(resource, message)
        if (word := _word_at(row, place, message))
    ]
    states = [profile.appointment_states[w] for w in written if w in profile.appointment_states]
    if states:
        return states[0]
    if message.trigger in _BOOKS:
        return "booked"
    return "unknown" if written else "unsaid"
