"""What a message says of the visit itself: PID, PV1, IN1, DG1, EVN and MRG.

It owns where patient number, class, payer, diagnoses and merges stand. An empty field says
nothing and `""` deletes; the difference is kept. It knows no name, address or birth date, so none
can leak.
"""

from datetime import datetime

from chargeline.engine.events import MessageRef, PatientMerge, VisitFact, VisitMerge
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import NULL, Message, component, unescape

_PATIENT_MERGES = frozenset({"A18", "A34", "A36", "A40"})
_VISIT_MERGES = frozenset({"A35", "A36", "A41"})


def visit_fact(message: Message, reference: MessageRef, profile: Profile) -> VisitFact:
    """The snapshot of the visit in one message. Raises Hl7Error for an impossible time."""
    pid = pv1 = evn = in1 = None
    diagnoses: list[str] = []
    for row in message.rows:
        name = row[0]
        if name == "PID" and pid is None:
            pid = row
        elif name == "PV1" and pv1 is None:
            pv1 = row
        elif name == "EVN" and evn is None:
            evn = row
        elif name == "IN1" and in1 is None:
            in1 = row
        elif name == "DG1":
            code = _text(message, row, 3)
            if code and code not in diagnoses:
                diagnoses.append(code)
    adt = message.type == "ADT"
    patient_class = _text(message, pv1, 2)
    return VisitFact(
        message=reference,
        trigger=message.trigger if adt else "",
        effective=_effective(message, evn, pv1, profile) if adt else None,
        patient=_patient_number(message, pid, profile),
        patient_class=profile.classes.get(patient_class.upper(), "unknown") if patient_class else None,
        payer=_first_of(message, in1, (3, 2)),
        payer_name=_text(message, in1, 4),
        authorizations=_authorizations(message),
        diagnoses=tuple(diagnoses) or None,
        admitted=_time(message, pv1, 44, profile),
        discharged=_time(message, pv1, 45, profile),
        replaces_patient=_moved_from(message, profile),
    )


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
    return profile.clock.read_if_valued(component(row[field], 1, message.delimiters), f"{row[0]}-{field}")


def _effective(
    message: Message, evn: list[str] | None, pv1: list[str] | None, profile: Profile
) -> datetime | None:
    """When the event happened: EVN-6, for an admission PV1-44, else EVN-2."""
    happened = _time(message, evn, 6, profile)
    if happened is None and message.trigger in ("A01", "A04", "A05"):
        happened = _time(message, pv1, 44, profile)
    return happened or _time(message, evn, 2, profile)


def _patient_number(message: Message, pid: list[str] | None, profile: Profile) -> str | None:
    """The medical record number: the repetition of PID-3 whose type says so, else the first."""
    if pid is None:
        return None
    return _number_of_type(message, message.repetitions(pid, 3), profile)


def _number_of_type(message: Message, repetitions: list[str], profile: Profile) -> str | None:
    if len(repetitions) > 1:
        for each in repetitions:
            if component(each, 5, message.delimiters) in profile.patient_number_types:
                repetitions = [each]
                break
    if not repetitions:
        return None
    text = component(repetitions[0], 1, message.delimiters).strip()
    return unescape(text, message.delimiters) if text and text != NULL else None


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
    return _number_of_type(message, message.repetitions(mrg, 1), profile) if mrg else None


def merges_of(
    message: Message, reference: MessageRef, visit: str | None, profile: Profile
) -> tuple[VisitMerge | PatientMerge, ...]:
    """What a merge message joins: patients (MRG-1 into PID-3), visits (MRG-5 or MRG-3)."""
    if message.trigger not in _PATIENT_MERGES and message.trigger not in _VISIT_MERGES:
        return ()
    pid, mrg = message.first("PID"), message.first("MRG")
    if mrg is None or pid is None:
        return ()
    found: list[VisitMerge | PatientMerge] = []
    prior = _number_of_type(message, message.repetitions(mrg, 1), profile)
    surviving = _patient_number(message, pid, profile)
    if message.trigger in _PATIENT_MERGES and prior and surviving and prior != surviving:
        found.append(PatientMerge(reference, prior, surviving))
    if message.trigger in _VISIT_MERGES and visit is not None:
        prior_visit = _text(message, mrg, 5) or _text(message, mrg, 3)
        if prior_visit and prior_visit != visit:
            found.append(VisitMerge(reference, prior_visit, visit))
    return tuple(found)
