"""HL7 messages of radiation courses, as short as a story needs them. All patients are invented.

It owns the ORU of one fraction, as a record-and-verify system may send it, the DFT of a posted
charge, the MDM of the physician's note, and the SIU of an appointment. It knows no codes and no
rules.
"""

from tests.golden.messages import message, segment

_CODES = {
    "planned": "RT-PLANNED-FRACTIONS",
    "technique": "RT-TECHNIQUE",
    "motion": "RT-MOTION",
    "isocentres": "RT-ISOCENTERS",
    "guidance": "RT-IMAGE-GUIDANCE",
    "end": "RT-COURSE-END",
    "physics": "RT-PHYSICS-CHECK",
}


def fraction(
    number: int,
    when: str,
    *,
    course: str = "C1",
    visit: str = "V1",
    patient: str = "ZZ1",
    patient_class: str = "O",
    sent: str = "",
    **more: str,
) -> bytes:
    """The report of a fraction at a time such as 202603021000; `more` are words of `_CODES`."""
    said = {"RT-COURSE": course, "RT-FRACTION": str(number)}
    said |= {_CODES[name]: value for name, value in more.items()}
    if not course:
        del said["RT-COURSE"]
    obr = segment("OBR", {1: "1", 3: f"S{course}{when}", 4: "RT^session^L", 7: when})
    rows = [
        segment("OBX", {1: str(n), 2: "ST", 3: f"{code}^^L", 5: value, 11: "F", 14: when})
        for n, (code, value) in enumerate(said.items(), 1)
    ]
    return message(
        "ORU^R01",
        obr,
        *rows,
        visit=visit,
        patient=patient,
        patient_class=patient_class,
        sent=sent or when,
    )


def posted(
    code: str, when: str, *, course: str = "C1", visit: str = "V1", number: str = "", units: int = 1
) -> bytes:
    """The DFT of a charge that another system posted."""
    fields = {1: "1", 2: number or f"T{code}{when}", 4: when, 6: "CG", 7: code, 10: str(units)}
    charge = segment("FT1", fields | {23: course, 25: code})
    return message("DFT^P03", charge, visit=visit, sent=when)


def examined(
    when: str,
    *,
    visit: str = "V1",
    patient: str = "ZZ1",
    state: str = "AU",
    degree: str = "MD",
) -> bytes:
    """The MDM of a note on radiation, the physician's unless `degree` says another credential."""
    fields = {1: "1", 2: "RT", 4: when, 9: f"D8^TEST^DOC^^^^{degree}", 12: f"N{when}", 17: state}
    return message("MDM^T02", segment("TXA", fields), visit=visit, patient=patient, sent=when)


def appointment(
    when: str,
    status: str = "",
    *,
    trigger: str = "S12",
    kind: str = "RT-3D",
    course: str = "C1",
    visit: str = "V1",
    number: str = "",
    sent: str = "",
    patient_class: str = "O",
) -> bytes:
    """The SIU of an appointment at a time such as 202603021000; without `kind` it only names it.

    `sent` is the time of the message, "" for the early morning of the day.
    """
    fields = {1: f"P{number or when}", 2: number or f"A{when}", 4: course, 25: status}
    rows = [segment("SCH", fields)]
    if kind:
        service = {1: "1", 3: f"{kind}^treatment^L", 4: when, 7: "15", 8: "min"}
        rows += [segment("RGS", {1: "1"}), segment("AIS", service)]
        rows.append(segment("AIP", {1: "1", 3: "T7^TEST^THERAPIST"}))
    return message(
        f"SIU^{trigger}",
        *rows,
        visit=visit,
        sent=sent or f"{when[:8]}0700",
        patient_class=patient_class,
    )


def completed(when: str, **more: str) -> bytes:
    """The S14 of an appointment that is completed, sent in the evening."""
    later = {"trigger": "S14", "sent": f"{when[:8]}2000", **more}
    return appointment(when, "Complete", **later)
