"""What a message says of the visit itself: PID, PV1, IN1, DG1, EVN and MRG.

This module owns the fields of patient number, class, payer, diagnoses and merges. It keeps apart an
empty field, which says nothing, and `""`, which deletes what was said before. It reads no name,
address or birth date, so none can get into a draft or a log.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from chargeline.engine import (
    MessageRef,
    PatientMerge,
    VisitFact,
    VisitMerge,
    by_keyword,
    is_npi,
    words,
)
from chargeline.hl7.delimiters import NULL, Delimiters, component, text_at, unescape
from chargeline.hl7.insurances import Primary, primary_of
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import first_of_all

_new_visit_fact = by_keyword(VisitFact)

_PATIENT_MERGES = frozenset({"A18", "A34", "A36", "A40"})
_VISIT_MERGES = frozenset({"A35", "A36", "A41", "A42", "A45", "A50"})

_MOST_REPETITIONS = 50  # a list of numbers longer than this is no list of a patient's numbers

Row = list[str]


def visit_fact(
    message: Message, heads: dict[str, Row], reference: MessageRef, profile: Profile
) -> VisitFact:
    """What one message says of its visit. Raises Hl7Error for an impossible time.

    `heads` holds the first segment of each name. Every message says whose visit it is and of which
    class. Payer, diagnoses and times are read from ADT, and from a pharmacy message only if it has
    IN1 or DG1.
    """
    pid, pv1 = heads.get("PID"), heads.get("PV1")
    numbers = pid[3] if pid is not None and len(pid) > 3 else ""
    patient = _patient_number(numbers, profile, message.delimiters) if numbers else None
    patient_class = _class_of(heads, profile, message.delimiters)
    place = first_of_all(heads.values(), profile.place, message.delimiters)
    site = text_at(pv1[3], 4, message.delimiters) if pv1 is not None and len(pv1) > 3 else ""
    practitioners = _practitioners(heads, message.delimiters)
    adt = message.type == "ADT"
    if not adt and "IN1" not in heads and "DG1" not in heads:
        return _new_visit_fact(
            reference,
            patient=patient,
            patient_class=patient_class,
            place=place or None,
            site=site or None,
            practitioners=practitioners,
        )
    primary = primary_of(message, profile)
    in1, is_doubted = primary.row, primary.doubt is not None
    named, not_numbers = _authorizations(message, primary, profile)
    return _new_visit_fact(
        message=reference,
        trigger=message.trigger if adt else "",
        effective=_effective(message, heads.get("EVN"), pv1, profile) if adt else None,
        patient=patient,
        patient_class=patient_class,
        payer="" if is_doubted else _first_of(message, in1, (3, 2)),
        payer_name="" if is_doubted else _text(message, in1, 4),
        payer_doubt=primary.doubt,
        authorizations=named,
        not_numbers=not_numbers,
        diagnoses=_diagnoses(message),
        admitted=_time(message, pv1, 44, profile),
        discharged=_time(message, pv1, 45, profile),
        replaces_patient=_moved_from(message, profile),
        place=place or None,
        site=site or None,
        practitioners=practitioners,
    )


_TREAT = (("PV1", 7), ("ORC", 12), ("FT1", 20))  # who attends, who orders, who performed


def _practitioners(heads: dict[str, Row], delimiters: Delimiters) -> tuple[str, ...]:
    """The NPIs of who treats the patient, each once."""
    numbers: tuple[str, ...] = ()
    for segment, number in _TREAT:
        row = heads.get(segment)
        if row is not None and len(row) > number and row[number]:
            numbers += _npis(row[number], delimiters)
    return tuple(dict.fromkeys(numbers)) if len(numbers) > 1 else numbers


@lru_cache(maxsize=8192)
def _npis(people: str, delimiters: Delimiters) -> tuple[str, ...]:
    """The NPIs in the repetitions of a XCN field; a local number is none."""
    repetitions = people.split(delimiters.repetition, _MOST_REPETITIONS)[:_MOST_REPETITIONS]
    numbers = [text_at(person, 1, delimiters) for person in repetitions]
    return tuple([number for number in numbers if is_npi(number)])


def _diagnoses(message: Message) -> tuple[str, ...] | None:
    codes = [_text(message, row, 3) for row in message.rows if row[0] == "DG1"]
    return tuple(dict.fromkeys(code for code in codes if code)) or None


def _text(message: Message, row: list[str] | None, field: int) -> str | None:
    """The first component of a field: None if the field is empty or absent, "" if it deletes."""
    if row is None or field >= len(row) or not row[field]:
        return None
    text = component(row[field], 1, message.delimiters).strip()
    if not text:
        return None
    return "" if text == NULL else unescape(text, message.delimiters)


def _first_of(message: Message, row: list[str] | None, fields: tuple[int, ...]) -> str | None:
    for field in fields:
        text = _text(message, row, field)
        if text is not None:
            return text
    return None


def _time(message: Message, row: list[str] | None, field: int, profile: Profile) -> datetime | None:
    if row is None or field >= len(row) or not row[field]:
        return None
    return profile.clock.read_if_valued(
        component(row[field], 1, message.delimiters), f"{row[0]}-{field}"
    )


def _effective(
    message: Message, evn: list[str] | None, pv1: list[str] | None, profile: Profile
) -> datetime | None:
    """When the event happened: EVN-6, for an admission PV1-44, else EVN-2."""
    happened = _time(message, evn, 6, profile)
    if happened is None and message.trigger in ("A01", "A04", "A05"):
        happened = _time(message, pv1, 44, profile)
    return happened or _time(message, evn, 2, profile)


@lru_cache(maxsize=8192)
def _patient_number(field: str, profile: Profile, delimiters: Delimiters) -> str | None:
    """The medical record number, out of the repetitions of PID-3 or MRG-1.

    It is the first repetition whose type (CX.5) the profile lists, such as MR; else the first of
    all.
    """
    repetitions = field.split(delimiters.repetition, _MOST_REPETITIONS)[:_MOST_REPETITIONS]
    chosen = next(
        (
            number
            for number in repetitions
            if component(number, 5, delimiters) in profile.patient_number_types
        ),
        repetitions[0],
    )
    text = component(chosen, 1, delimiters).strip()
    return unescape(text, delimiters) if text and text != NULL else None


def _class_of(
    heads: dict[str, Row], profile: Profile, delimiters: Delimiters
) -> words.PatientClassFact | None:
    """The class at the first address with a word that the profile knows.

    `unknown` where the addresses have other words only, None where all are empty.
    """
    unknown: words.PatientClassFact | None = None
    for place in profile.patient_class:
        row = heads.get(place.segment)
        field = row[place.field] if row is not None and len(row) > place.field else ""
        charted = _patient_class(field, place.component, profile, delimiters) if field else None
        if charted not in (None, "unknown"):
            return charted
        unknown = unknown or charted
    return unknown


@lru_cache(maxsize=256)
def _patient_class(
    field: str, number: int, profile: Profile, delimiters: Delimiters
) -> words.PatientClassFact | None:
    code = component(field, number, delimiters).strip().upper()
    if not code or code == NULL:
        return None
    return profile.classes.get(code, "unknown")


def _authorizations(
    message: Message, primary: Primary, profile: Profile
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The numbers in IN1-14, None where it is empty; and the words in place of a number.

    Only those of who pays first count, and none while nobody knows who that is.
    What has no letter and no digit, or no digit but 0, is no number either.
    """
    numbers, words = [], []
    for row in primary.rows:
        text = _text(message, row, 14)
        is_empty = not any(character.isalnum() and character != "0" for character in text or "")
        if text and (is_empty or text.upper() in profile.no_authorization):
            words.append(text)
        elif text:
            numbers.append(text)
    if primary.doubt is not None:
        return (), ()
    return (tuple(numbers) if numbers or words else None, tuple(words))


def _moved_from(message: Message, profile: Profile) -> str | None:
    """The former patient (MRG-1) of an account that A44 moves to another patient."""
    if message.type != "ADT" or message.trigger != "A44":
        return None
    mrg = message.first("MRG")
    return _patient_number(mrg[1], profile, message.delimiters) if mrg and len(mrg) > 1 else None


def merges_of(
    message: Message, reference: MessageRef, visit: str | None, profile: Profile
) -> tuple[VisitMerge | PatientMerge, ...]:
    """The merges of a message: patients (MRG-1 into PID-3) and visits (MRG-5, else MRG-3)."""
    if message.trigger not in _PATIENT_MERGES and message.trigger not in _VISIT_MERGES:
        return ()
    merges: list[VisitMerge | PatientMerge] = []
    pid: Row | None = None
    for row in message.rows:
        if row[0] == "PID":
            pid = row
        elif row[0] == "MRG" and pid is not None:
            merges += _pair(
                message=message, reference=reference, visit=visit, profile=profile, pid=pid, mrg=row
            )
    return tuple(merges)


def _pair(
    message: Message, reference: MessageRef, visit: str | None, profile: Profile, pid: Row, mrg: Row
) -> Iterator[VisitMerge | PatientMerge]:
    """The merges of one PID and the MRG after it. A message may hold several such pairs."""
    prior = _patient_number(mrg[1], profile, message.delimiters) if len(mrg) > 1 else None
    surviving = _patient_number(pid[3], profile, message.delimiters) if len(pid) > 3 else None
    if message.trigger in _PATIENT_MERGES and prior and surviving and prior != surviving:
        yield PatientMerge(reference, prior, surviving)
    if message.trigger in _VISIT_MERGES and visit is not None:
        prior_visit = _text(message, mrg, 5) or _text(message, mrg, 3)
        if prior_visit and prior_visit != visit:
            yield VisitMerge(reference, prior_visit, visit)
