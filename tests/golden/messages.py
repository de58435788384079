"""HL7 messages for the stories, as short as a story needs them. All patients are invented.

It owns the layout of segments and the defaults (patient ZZ1, visit V1, 2 March 2026). It knows no
codes and no rules, so that a story says all that matters to its outcome.
"""

from hashlib import blake2b

DAY = "20260302"
NEXT_DAY = "20260303"
Segment = str


def segment(name: str, fields: dict[int, str]) -> Segment:
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def at(time: str) -> str:
    """A time of the story's day, unless the text says its own date."""
    return DAY + time if len(time) == 4 else time


def message(
    kind: str,
    *segments: Segment,
    visit: str = "V1",
    patient: str = "ZZ1",
    patient_class: str = "O",
    sent: str = "1800",
    control: str = "",
    version: str = "2.5.1",
    account: str = "",
    admitted: str = "",
    prior: Segment = "",
) -> bytes:
    """A whole message; without `control` its MSH-10 is a hash of the message."""
    pid = segment("PID", {1: "1", 3: f"{patient}^^^ZEBRA^MR", 5: "TESTPATIENT^ZEBRA", 18: account})
    pv1 = segment(
        "PV1", {1: "1", 2: patient_class, 19: visit, 44: at(admitted) if admitted else ""}
    )
    event = [segment("EVN", {1: kind[4:], 2: at(sent)})] if kind.startswith("ADT") else []
    rows = [*event, pid, *([prior] if prior else []), pv1, *segments]
    body = "".join(f"{row}\r" for row in rows)
    number = control or "C" + blake2b((kind + sent + body).encode(), digest_size=5).hexdigest()
    header = rf"MSH|^~\&|MAR|ZEBRA|CHARGELINE|ZEBRA|{at(sent)}||{kind}|{number}|T|{version}"
    return f"{header}\r{body}".encode()


def orc(order: str = "R1", control: str = "RE") -> Segment:
    return segment("ORC", {1: control, 2: f"P{order}", 3: order})


def rxa(
    drug: str,
    dose: str,
    start: str,
    stop: str = "",
    *,
    number: int = 1,
    note: str = "",
    rate: str = "",
    refused: str = "",
    completion: str = "CP",
    status: str = "A",
    charted: str = "",
) -> Segment:
    """One charted row. `dose` is an amount with its unit, such as `450 mg`; "" charts none."""
    amount, _, unit = dose.partition(" ")
    fields = {
        1: "0",
        2: str(number),
        3: at(start),
        4: at(stop) if stop else "",
        5: f"{drug}^{drug.lower()}^L",
    }
    fields |= {6: amount, 7: unit, 9: note, 12: rate, 18: refused, 20: completion, 21: status}
    return segment("RXA", fields | {22: at(charted) if charted else ""})


def rxr(route: str, method: str = "", site: str = "") -> Segment:
    return segment("RXR", {1: route, 2: site, 4: method})


def rxc(kind: str, drug: str, dose: str) -> Segment:
    amount, _, unit = dose.partition(" ")
    return segment("RXC", {1: kind, 2: f"{drug}^{drug.lower()}^L", 3: amount, 4: unit})


def observed(code: str, value: str) -> Segment:
    return segment("OBX", {1: "1", 2: "ST", 3: f"{code}^^L", 5: value, 11: "F"})


def given(
    drug: str,
    dose: str,
    start: str,
    stop: str = "",
    *,
    route: str = "IV",
    method: str = "",
    order: str = "",
    line: str = "",
    device: str = "",
    note: str = "",
    completion: str = "CP",
    status: str = "A",
    refused: str = "",
    sent: str = "1800",
    visit: str = "V1",
    patient: str = "ZZ1",
    patient_class: str = "O",
    control: str = "",
) -> bytes:
    """A RAS with one administration; without `order` each drug has an order of its own."""
    charted = rxa(
        drug, dose, start, stop, note=note, completion=completion, status=status, refused=refused
    )
    extra = [observed("ACCESS-LINE", line)] if line else []
    extra += [observed("INFUSION-DEVICE", device)] if device else []
    return message(
        "RAS^O17", orc(order or f"R-{drug}"), charted, rxr(route, method), *extra,
        sent=sent, visit=visit, patient=patient, patient_class=patient_class, control=control,
    )  # fmt: skip


def action(
    word: str,
    time: str,
    drug: str = "VANCOMYCIN",
    dose: str = "",
    *,
    order: str = "R1",
    rate: str = "",
) -> bytes:
    """A RAS with one MAR action of an order, as a sender in the action-stream style writes it."""
    charted = rxa(drug, dose, time, note=f"{word}^^L", rate=rate, completion="")
    return message("RAS^O17", orc(order), charted, rxr("IV"), sent=time)


def ordered(
    drug: str,
    dose: str,
    *,
    minutes: int = 0,
    order: str = "",
    route: str = "IV",
    method: str = "",
    sent: str = "0700",
    visit: str = "V1",
) -> bytes:
    """An RDE, with the ordered minutes in TQ1-6."""
    amount, _, unit = dose.partition(" ")
    rxe = segment("RXE", {2: f"{drug}^{drug.lower()}^L", 3: amount, 5: unit})
    timing = [segment("TQ1", {1: "1", 6: f"{minutes}^min"})] if minutes else []
    rows = [orc(order or f"R-{drug}", "NW"), rxe, *timing, rxr(route, method)]
    return message("RDE^O11", *rows, sent=sent, visit=visit)


def adt(
    event: str,
    *,
    sent: str = "0700",
    visit: str = "V1",
    patient: str = "ZZ1",
    patient_class: str = "O",
    prior_patient: str = "",
    prior_visit: str = "",
    admitted: str = "",
) -> bytes:
    """An ADT; a prior patient or visit is written into an MRG segment."""
    fields = {1: f"{prior_patient}^^^ZEBRA^MR" if prior_patient else ""}
    fields |= {5: prior_visit} if prior_visit else {}
    merge = segment("MRG", fields) if prior_patient or prior_visit else ""
    return message(
        f"ADT^{event}", sent=sent, visit=visit, patient=patient, patient_class=patient_class,
        prior=merge, admitted=admitted,
    )  # fmt: skip
