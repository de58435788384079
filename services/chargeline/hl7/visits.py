"""What a message says of the visit itself: PID, PV1, IN1, DG1, EVN and MRG.

It owns where patient number, class, payer, diagnoses and merges stand. An empty field says
nothing and `""` deletes; the difference is kept. It knows no name, address or birth date, so none
can leak.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from chargeline.engine import MessageRef, PatientMerge, VisitFact, VisitMerge, words
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import NULL, Delimiters, Message, component, unescape

_PATIENT_MERGES = frozenset({"A18", "A34", "A36", "A40"})
_VISIT_MERGES = frozenset({"A35", "A36", "A41"})


Row = list[str]


def visit_fact(
    message: Message, heads: dict[str, Row], reference: MessageRef, profile: Profile
) -> VisitFact:
    """The snapshot of the visit in one message. Raises Hl7Error for an impossible time.

    `heads` holds the first segment of each name. A pharmacy message says whose visit it is and of
    which class; payer, diagnoses and times are taken from it only where it carries IN1 or DG1.
    """
    pid, pv1 = heads.get("PID"), heads.get("PV1")
    numbers = pid[3] if pid is not None and len(pid) > 3 else ""
    class_code = pv1[2] if pv1 is not None and len(pv1) > 2 else ""
    patient = _patient_number(numbers, profile, message.delimiters) if numbers else None
    patient_class = _patient_class(class_code, profile, message.delimiters) if class_code else None
    adt = message.type == "ADT"
    if not adt and "IN1" not in heads and "DG1" not in heads:
        return VisitFact(
            message=reference,
            trigger="",
            effective=None,
            patient=patient,
            patient_class=patient_class,
            payer=None,
            payer_name=None,
            authorizations=None,
            diagnoses=None,
            admitted=None,
            discharged=None,
            replaces_patient=None,
        )
    in1 = heads.get("IN1")
    return VisitFact(
        message=reference,
        trigger=message.trigger if adt else "",
        effective=_effective(message, heads.get("EVN"), pv1, profile) if adt else None,
        patient=patient,
        patient_class=patient_class,
        payer=_first_of(message, in1, (3, 2)),
        payer_name=_text(message, in1, 4),
        authorizations=_authorizations(message),
        diagnoses=_diagnoses(message),
        admitted=_time(message, pv1, 44, profile),
        discharged=_time(message, pv1, 45, profile),
        replaces_patient=_moved_from(message, profile),
    )


def _diagnoses(message: Message) -> tuple[str, ...] | None:
    found = [_text(message, row, 3) for row in message.rows if row[0] == "DG1"]
    return tuple(dict.fromkeys(code for code in found if code)) or None


def _text(message: Message, row: list[str] | None, field: int) -> str | None:
    """The first component of a field: None if it says nothing, "" if it deletes."""
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
    """The medical record number: the repetition of a CX field whose type says so, else the
    first.
    """
    repetitions = field.split(delimiters.repetition)
    chosen = next(
        (
            each
            for each in repetitions
            if component(each, 5, delimiters) in profile.patient_number_types
        ),
        repetitions[0],
    )
    text = component(chosen, 1, delimiters).strip()
    return unescape(text, delimiters) if text and text != NULL else None


@lru_cache(maxsize=256)
def _patient_class(
    field: str, profile: Profile, delimiters: Delimiters
) -> words.PatientClassFact | None:
    code = component(field, 1, delimiters).strip().upper()
    if not code or code == NULL:
        return None
    return profile.classes.get(code, "unknown")


def _authorizations(message: Message) -> tuple[str, ...] | None:
    found = []
    for row in message.rows:
        if row[0] == "IN1":
            text = _text(message, row, 14)
            if text:
                found.append(text)
    return tuple(found) or None


def _moved_from(message: Message, profile: Profile) -> str | None:
    """The patient from whom A44 takes an account away."""
    if message.type != "ADT" or message.trigger != "A44":
        return None
    mrg = message.first("MRG")
    return _patient_number(mrg[1], profile, message.delimiters) if mrg and len(mrg) > 1 else None


def merges_of(
    message: Message, reference: MessageRef, visit: str | None, profile: Profile
) -> tuple[VisitMerge | PatientMerge, ...]:
    """What a merge message joins: patients (MRG-1 into PID-3), visits (MRG-5 or MRG-3)."""
    if message.trigger not in _PATIENT_MERGES and message.trigger not in _VISIT_MERGES:
        return ()
    found: list[VisitMerge | PatientMerge] = []
    pid: Row | None = None
    for row in message.rows:
        if row[0] == "PID":
            pid = row
        elif row[0] == "MRG" and pid is not None:
            found += _pair(
                message=message, reference=reference, visit=visit, profile=profile, pid=pid, mrg=row
            )
    return tuple(found)


def _pair(
    message: Message, reference: MessageRef, visit: str | None, profile: Profile, pid: Row, mrg: Row
) -> Iterator[VisitMerge | PatientMerge]:
    """One PID with the MRG after it; a message may hold several such pairs."""
    prior = _patient_number(mrg[1], profile, message.delimiters) if len(mrg) > 1 else None
    surviving = _patient_number(pid[3], profile, message.delimiters) if len(pid) > 3 else None
    if message.trigger in _PATIENT_MERGES and prior and surviving and prior != surviving:
        yield PatientMerge(reference, prior, surviving)
    if message.trigger in _VISIT_MERGES and visit is not None:
        prior_visit = _text(message, mrg, 5) or _text(message, mrg, 3)
        if prior_visit and prior_visit != visit:
            yield VisitMerge(reference, prior_visit, visit)
