"""What one message says: from rows of fields to the engine's events.

This module owns the list of messages that are used, and finds the visit and the facility of each.
It loses nothing: a message, or a part of one, that cannot be used comes out as `Unreadable` with
its reason. It does not read pharmacy segments (pharmacy.py does) or segments about the visit
(visits.py does).
"""

from datetime import datetime

from chargeline.engine import (
    Event,
    MessageRef,
    PatientMerge,
    Reading,
    VisitMerge,
    by_keyword,
    shape_of,
)
from chargeline.hl7.appointments import (
    APPOINTMENT_TRIGGERS,
    appointment_events,
    is_of_no_session,
    not_followed,
    only_names,
)
from chargeline.hl7.authorizations import (
    REFERRALS,
    authorization_events,
    no_number,
    visit_named_for,
)
from chargeline.hl7.care import (
    NOTE_CHANGES,
    care_events,
    says_nothing,
    tells_what_was_done,
)
from chargeline.hl7.delimiters import Delimiters, text_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.pharmacy import pharmacy_events
from chargeline.hl7.profile import Place, Profile
from chargeline.hl7.unreadable import unreadable
from chargeline.hl7.visits import merges_of, visit_fact

_new_reading = by_keyword(Reading)

ADT_TRIGGERS = frozenset(
    {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A18", "A23"}
    | {"A31", "A34", "A35", "A36", "A38", "A40", "A41", "A42", "A44", "A45", "A50"}
)
# These change identifiers as well, and chargeline cannot follow them. A person must.
_UNFOLLOWED = frozenset({"A30", "A43", "A46", "A47", "A48", "A49", "A51"})
_PHARMACY = {
    "RDE": frozenset({"O11", "O25", "O01", ""}),
    "RAS": frozenset({"O17", "O01", ""}),
    "RDS": frozenset({"O13", "O01", ""}),
    "RGV": frozenset({"O15", "O01", ""}),
}
# Visits, notes and charges beside the pharmacy.
_CARE = {
    "ORU": frozenset({"R01", ""}),
    "MDM": frozenset(NOTE_CHANGES),
    "DFT": frozenset({"P03", ""}),
    "SIU": APPOINTMENT_TRIGGERS,
}
_USED = {**_PHARMACY, **_CARE, **REFERRALS}


def read_events(message: Message, profile: Profile) -> Reading:
    """Everything that a message says.

    Bad content raises nothing: a message that cannot be used comes back with its reason in
    `Reading.set_aside`. An ORU without an observation that the profile reads and a SIU about an
    appointment that is no session of radiation say nothing for charges and are no problem. Without
    a visit number neither do an A31 (a change of the person's data), an ORU about the patient, such
    as a weight, and a SIU that only names an appointment.
    """
    heads = {row[0]: row for row in reversed(message.rows)}  # the first segment of each name
    header = message.rows[0]
    kind = f"{message.type}^{message.trigger}" if message.trigger else message.type
    digest = message.body_digest.hex()
    sent = _sent(header, profile)
    reference = MessageRef(digest, message.control_id or digest[:16], kind, sent)
    facility = first_valued(heads, profile.facility, message.delimiters)
    problem = _not_used(message, kind)
    is_beside = problem is None and is_of_no_session(message, profile)
    if not is_beside:
        problem = problem or _no_care(message, profile) or _two_patients(message)
        problem = problem or no_number(message) or not_followed(message, profile)
    if problem is not None:
        return _set_aside(
            reference=reference, facility=facility, visit=None, profile=profile, problem=problem
        )
    visit = first_valued(heads, profile.visit, message.delimiters) or None
    visit = visit or visit_named_for(message) or None
    merges = merges_of(message, reference, visit, profile) if message.type == "ADT" else ()
    if is_beside or says_nothing(message, profile):
        return _nothing(reference, facility, profile)
    if visit is None and not merges:
        if _needs_no_visit(message, profile):
            return _nothing(reference, facility, profile)
        return _set_aside(
            reference=reference,
            facility=facility,
            visit=None,
            profile=profile,
            problem=_no_visit(message, profile),
        )
    return _used(
        message=message,
        heads=heads,
        reference=reference,
        facility=facility,
        visit=visit,
        profile=profile,
        merges=merges,
    )


def _sent(header: list[str], profile: Profile) -> datetime | None:
    """MSH-7; None if it is empty or cannot be read, because no minute of a bill comes from it."""
    try:
        return profile.clock.read_if_valued(header[7] if len(header) > 7 else "", "MSH-7")
    except Hl7Error:
        return None


def _no_care(message: Message, profile: Profile) -> Hl7Error | None:
    """A message for training or debugging (MSH-11) is about nobody whom somebody treated."""
    header = message.rows[0]
    mode = text_at(header[11], 1, message.delimiters).upper() if len(header) > 11 else ""
    if not mode or not profile.processing_ids or mode in profile.processing_ids:
        return None
    return Hl7Error(
        "message.processing",
        expected=f"one of {', '.join(sorted(profile.processing_ids))}",
        found=mode if mode in _MODES else shape_of(mode),
        where="MSH-11",
        do="nothing, if it was sent for a test; else add it to `processing_ids` of the profile",
    )


_MODES = frozenset({"P", "T", "D"})


def _two_patients(message: Message) -> Hl7Error | None:
    """A pharmacy message with two PID-3 or two PV1-19 that differ is two messages in one."""
    if message.type == "ADT":
        return None
    for name, field in (("PID", 3), ("PV1", 19)):
        rows = [row for row in message.rows if row[0] == name]
        if len(rows) > 1 and len({row[field] for row in rows if len(row) > field}) > 1:
            return Hl7Error(
                "message.two_patients",
                expected=f"one {name} in a message about medication",
                found=f"{len(rows)} with different {name}-{field}",
                where=f"{name}-{field}",
                do="have the sender write a message for each patient and visit",
            )
    return None


def _used(
    message: Message,
    heads: dict[str, list[str]],
    reference: MessageRef,
    facility: str,
    visit: str | None,
    profile: Profile,
    merges: tuple[VisitMerge | PatientMerge, ...],
) -> Reading:
    events: list[Event] = []
    if visit is not None:
        try:
            events.append(visit_fact(message, heads, reference, profile))
        except Hl7Error as error:
            events.append(unreadable(reference, error))
        if message.type in _PHARMACY:
            events.extend(pharmacy_events(message, reference, profile))
        events.extend(care_events(message, heads, reference, profile))
        events.extend(appointment_events(message, heads, reference, profile))
        events.extend(authorization_events(message, heads, reference, profile))
        if message.type == "RAS":
            events.extend(_lost_records(message, reference))
    return _new_reading(
        message=reference,
        facility=facility,
        visit=visit,
        zone=profile.zone,
        events=tuple(events),
        merges=merges,
    )


def _lost_records(message: Message, reference: MessageRef) -> list[Event]:
    """An Unreadable for a RAS without an RXA, or with one that a lost terminator hides.

    `ORC|RE|P1|F1RXA|0|1` is an ORC whose third field ends in RXA, and an administration less.
    """
    rows = sum([row[0] == "RXA" for row in message.rows])
    written = message.raw.count(f"RXA{message.delimiters.field}".encode())
    if rows and written <= rows:
        return []
    found = f"{written - rows} behind a lost terminator" if written > rows else "none"
    error = Hl7Error(
        "record.none",
        expected="each administration in an RXA at the beginning of a line",
        found=found,
        where="RXA",
        do="have the sender end each segment with a terminator, and send what was given in RXA",
    )
    return [unreadable(reference, error)]


def _not_used(message: Message, kind: str) -> Hl7Error | None:
    if message.type == "ADT":
        used = message.trigger in ADT_TRIGGERS
    else:
        used = message.trigger in _USED.get(message.type, ())
    if used:
        return None
    if message.type == "ADT" and message.trigger in _UNFOLLOWED:
        return Hl7Error(
            "message.not_followed",
            expected="a merge or a move of the kinds A34 to A36, A40 to A42, A44, A45 or A50",
            found=kind,
            where="MSH-9",
            do="move the administrations by hand, or have the sender send one of these kinds",
        )
    return Hl7Error(
        "message.unknown",
        expected="RDE, RAS, RDS, RGV, ORU^R01, MDM, DFT^P03, SIU, REF, RPA, or ADT that moves, "
        "merges or ends a visit",
        found=kind,
        where="MSH-9",
        do=_suspicion(kind)
        or "nothing, if the message is not meant for charges; else ask for it to be supported",
    )


def _suspicion(kind: str) -> str:
    """What an unknown kind of message may be a slip for; "" if it resembles no kind."""
    type_, _caret, trigger = kind.upper().replace("_", "^").partition("^")
    likely = trigger.split("^")[0].replace("0", "O", 1) if trigger.startswith("0") else trigger
    if kind != f"{type_}^{likely}" and likely in _PHARMACY.get(type_, ()):
        return f"have the sender write {type_}^{likely}: the letter O, a caret, capitals"
    return ""


def _nothing(reference: MessageRef, facility: str, profile: Profile) -> Reading:
    """The reading of a message that says nothing for charges, and is no problem."""
    return _new_reading(message=reference, facility=facility, visit=None, zone=profile.zone)


def _needs_no_visit(message: Message, profile: Profile) -> bool:
    """Whether nothing is lost with a message because it has no visit number.

    An ORU that tells of a visit or of a radiation session is lost with it: a person must see to it.
    """
    if message.type == "ORU":
        return not tells_what_was_done(message, profile)
    if message.type == "SIU":
        return only_names(message, profile)
    return message.type == "ADT" and message.trigger == "A31"


_WHOSE = {
    "ORU": ("a report of a visit or a radiation session", "the system that reports it"),
    "DFT": ("a posted charge", "charge entry"),
    "SIU": ("an appointment of a radiation session", "the schedule"),
    "MDM": ("a note", "the system that keeps the notes"),
}


def _no_visit(message: Message, profile: Profile) -> Hl7Error:
    what, who = _WHOSE.get(message.type, ("", "the sender"))
    places = ", ".join(
        f"{place.segment}-{place.field}.{place.component}" for place in profile.visit
    )
    return Hl7Error(
        "visit.missing",
        expected=f"a visit number at one of {places}",
        found=f"none of them valued{what and f', in {what}'}",
        where=places,
        do=f"have {who} fill it, or name its place under `visit` in the interface profile; the "
        "message is in no draft until it comes with a visit number",
    )


def _set_aside(
    reference: MessageRef, facility: str, visit: str | None, profile: Profile, problem: Hl7Error
) -> Reading:
    return _new_reading(
        message=reference,
        facility=facility,
        visit=visit,
        zone=profile.zone,
        set_aside=unreadable(reference, problem),
    )


def first_valued(
    heads: dict[str, list[str]], places: tuple[Place, ...], delimiters: Delimiters
) -> str:
    """The text at the first place that is valued; "" if none is.

    `heads` holds the first segment of each name; later segments of that name are not looked at.
    """
    for segment, field, number in places:
        row = heads.get(segment)
        if row is None or field >= len(row) or not row[field]:
            continue
        text = text_at(row[field], number, delimiters)
        if text:
            return text
    return ""
