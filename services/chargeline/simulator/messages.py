"""From the truth of a visit to HL7 v2 text, as two kinds of sender write it.

This module owns segments, fields and versions. It is given the records that the nurse charted and
does not know the dial for mess. A `Letter` is a message that is not written out yet: mess.py can
delay it, or send it again under a new number with exactly the same body.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from chargeline.simulator.charting import MINUTE, ChartedRecord, Sender
from chargeline.simulator.regimens import (
    AUTHORIZED,
    DRUGS,
    LINE_CARE,
    PAYERS,
    ROUTES,
    VEHICLES,
)
from chargeline.simulator.vials import plain
from chargeline.simulator.visits import INFUSION_PUMP, Amount, InventedDose, InventedVisit

# MSH-11 of T (training), so that a receiver in production refuses these invented messages.
PROCESSING_ID = "T"
_BEFORE_THE_DOSE = 5 * MINUTE
_CLASSES = {"recurring": "R", "outpatient": "O", "emergency": "E", "observation": "OBS"}
_METHODS = {"push": "IVP", "infusion": "IVPB", "on_body": "ON-BODY"}
# Kind of letter -> message structure in MSH-9.3, which senders write from v2.4 on.
_STRUCTURES = {
    "A03": "ADT_A03", "A04": "ADT_A01", "A08": "ADT_A01", "A11": "ADT_A09", "A13": "ADT_A01",
    "A35": "ADT_A30", "A40": "ADT_A39", "A41": "ADT_A39", "R01": "ORU_R01", "P03": "DFT_P03",
    "RAS": "RAS_O17", "RDE": "RDE_O11", "RDS": "RDS_O13", "T02": "MDM_T02",
    "S12": "SIU_S12", "S14": "SIU_S12", "S15": "SIU_S12", "S26": "SIU_S12",
}  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """One message before it is written out. `happened` stands in its body, `sent` in MSH-7."""

    kind: str  # RDE, RDS, RAS, R01, P03, T02, or the trigger of ADT or SIU
    happened: datetime
    sent: datetime
    arrives: datetime
    visit: str  # PV1-19; without a visit there is no PV1
    patient: str
    segments: tuple[str, ...]
    control: str = ""
    discharged: datetime | None = None
    prior: str = ""  # the MRG segment


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment from its valued fields, numbered as in the standard."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


# ------------------------------------------------------------------ letters: what is sent


def administration_letters(
    visit: InventedVisit, sender: Sender, records: Sequence[ChartedRecord]
) -> Iterator[Letter]:
    """The RAS messages of these records.

    A standard sender puts records of one order that were charted within four minutes into one
    message. A sender of actions sends one message for each record.
    """
    batch: list[ChartedRecord] = []
    for record in records:
        joins = batch and visit.style == "standard" and _belong_together(batch[-1], record)
        if batch and not joins:
            yield _administration_letter(visit, sender, batch)
            batch = []
        batch.append(record)
    if batch:
        yield _administration_letter(visit, sender, batch)


def _belong_together(one: ChartedRecord, other: ChartedRecord) -> bool:
    same_order = one.administration.order == other.administration.order
    return (
        same_order and abs(one.charted - other.charted) <= 4 * MINUTE and one.status == other.status
    )


def _administration_letter(
    visit: InventedVisit, sender: Sender, batch: Sequence[ChartedRecord]
) -> Letter:
    charted = max(record.charted for record in batch)
    order = _order_numbers(batch[0].administration)
    segments = [
        _common_order(control="RE", order=order, sender=sender, moment=charted, more={5: "IP"})
    ]
    for record in batch:
        segments += _record_segments(sender, record, visit.facility())
    return letter(visit, "RAS", charted, tuple(segments))


def letter(
    visit: InventedVisit, kind: str, happened: datetime, segments: tuple[str, ...] = ()
) -> Letter:
    """A message of this visit, sent seven seconds after what it tells has happened."""
    sent = happened + timedelta(seconds=7)
    return Letter(
        kind=kind,
        happened=happened,
        sent=sent,
        arrives=sent + timedelta(seconds=1),
        visit=visit.number,
        patient=visit.patient.number,
        segments=segments,
    )


def _record_segments(sender: Sender, record: ChartedRecord, visit_facility: str) -> Iterator[str]:
    dose, rate = record.administration, record.rate
    head = record.drugs[0].amount if record.drugs else "0"
    fields = {
        1: "0",
        2: str(record.count),
        3: sender.time(record.start),
        4: sender.time(record.end) if record.end else "",
        5: _drug_code(dose.drugs[0].drug),
        6: head,
        7: dose.drugs[0].unit,
        9: f"{record.action}^^L" if record.action else "",
        10: sender.nurse,
        11: f"INF^CHAIR{sender.chair}^^{visit_facility}",
        12: "" if rate is None else f"{rate} mL/hr",
        15: f"ZLOT{dose.order[1:]}",
        16: "20271231",
        17: "ZEBRAPHARM^ZEBRA PHARMACEUTICALS INVENTED^L",
        18: record.reason,
        20: record.completion,
        21: record.status,
        22: sender.time(record.charted),
    }
    yield segment("RXA", fields)
    if len(dose.drugs) > 1 and record.drugs:
        yield from _components(dose, record.drugs)
    yield _route_segment(dose)
    observed = [*_device_seen(dose), *(_vials_scanned(dose) if record.drugs else ())]
    for number, observation in enumerate(observed, 1):
        yield f"OBX|{number}|{observation}|||||F"


def _device_seen(dose: InventedDose) -> Iterator[str]:
    """The device as an observation, from OBX-2 to OBX-6, where it is none at the bedside."""
    if dose.device not in ("", INFUSION_PUMP):
        yield f"CE|INFUSION-DEVICE^device^L||{dose.device}|"


def _vials_scanned(dose: InventedDose) -> Iterator[str]:
    """The NDC of each vial that was scanned, and the discarded amount, also of 0."""
    opened = dose.opened()
    if opened is not None:
        for ndc in opened.ndcs:
            yield f"ST|VIAL-NDC^NDC of the vial^L||{ndc}|"
        yield f"NM|WASTED-AMOUNT^discarded^L||{plain(opened.discarded)}|mg"
        if opened.discarded:
            yield "ST|WASTE-REASON^why it was discarded^L||VIAL SIZE|"


def _components(dose: InventedDose, drugs: Sequence[Amount]) -> Iterator[str]:
    """The RXC segments: the fluid of the bag (B), and each drug added to it (A)."""
    if dose.vehicle:
        base = f"{VEHICLES[dose.vehicle]}^{dose.vehicle}^L"
        yield segment("RXC", {1: "B", 2: base, 3: str(dose.volume_ml), 4: "mL"})
    for amount in drugs:
        yield segment("RXC", {1: "A", 2: _drug_code(amount.drug), 3: amount.amount, 4: amount.unit})


def _route_segment(dose: InventedDose) -> str:
    route = f"{dose.route}^{ROUTES[dose.route][0]}^HL70162"
    pump = "IVP^IV pump^HL70164" if dose.device == INFUSION_PUMP else ""
    return segment(
        "RXR", {1: route, 2: dose.line, 3: pump, 4: _METHODS.get(dose.method, "")}
    ).rstrip("|")


def _drug_code(drug: str) -> str:
    name, _unit = (DRUGS | LINE_CARE | AUTHORIZED)[drug]
    return f"{drug.upper()}^{name}^L"


def _order_numbers(dose: InventedDose) -> tuple[str, str]:
    return (f"P{dose.order[1:]}^ZEBRACPOE", f"{dose.order}^ZEBRARX")


def _common_order(
    control: str, order: tuple[str, str], sender: Sender, moment: datetime, more: dict[int, str]
) -> str:
    """ORC with as many fields as real senders fill: who entered, who ordered, from where."""
    fields = {
        1: control,
        2: order[0],
        3: order[1],
        9: sender.time(moment),
        10: sender.nurse,
        12: "Z7001^ZEBRADOCTOR^INVENTED^A^^DR^MD^^ZEBRA^L^^^NPI",
        13: f"INF^CHAIR{sender.chair}^^ZEBRA^^C",
        14: "^WPN^PH^^^555^5550100",
        17: "ZEBRAINF^ZEBRA INFUSION CENTRE INVENTED^L",
        21: "ZEBRA HOSPITAL INVENTED^L",
    }
    return segment("ORC", fields | more)


def order_letters(visit: InventedVisit, sender: Sender) -> Iterator[Letter]:
    """One RDE for each order, sent from two minutes after the arrival on."""
    for number, (_, doses) in enumerate(
        groupby(visit.administrations, key=lambda dose: dose.order)
    ):
        moment = visit.arrived + 2 * MINUTE + number * timedelta(seconds=20)
        yield letter(visit, "RDE", moment, tuple(_order_segments(sender, next(doses), moment)))


def _order_segments(sender: Sender, dose: InventedDose, moment: datetime) -> Iterator[str]:
    placer, filler = _order_numbers(dose)
    timing = f"^^M{dose.ordered_minutes}" if dose.ordered_minutes and sender.before("2.5") else ""
    yield _common_order(
        control="NW",
        order=(placer, filler),
        sender=sender,
        moment=moment,
        more={5: "SC", 7: timing},
    )
    fields = {
        1: timing,
        2: _drug_code(dose.drugs[0].drug),
        3: dose.drugs[0].amount,
        5: dose.drugs[0].unit,
    }
    if dose.rates:
        fields |= {23: str(dose.rates[0][1]), 24: "mL/hr"}
    yield segment("RXE", fields)
    if dose.ordered_minutes and not sender.before("2.5"):
        yield segment("TQ1", {1: "1", 6: f"{dose.ordered_minutes}^min"})
    yield _route_segment(dose)
    if dose.vehicle or len(dose.drugs) > 1:
        yield from _components(dose, dose.drugs)


def dispense_letters(visit: InventedVisit, sender: Sender) -> Iterator[Letter]:
    """One RDS for each NDC of a dose: how many vials the pharmacy handed out, before it was begun.

    Only of doses in vials that are scanned: of others the invented pharmacy tells nothing.
    """
    numbers: Counter[str] = Counter()
    for dose in visit.administrations:
        opened = dose.opened()
        if opened is None or dose.voided:
            continue
        moment = dose.start() - _BEFORE_THE_DOSE
        for ndc, vials in Counter(opened.ndcs).items():
            numbers[dose.order] += 1
            segments = _dispense_segments(sender, dose, (numbers[dose.order], ndc, vials), moment)
            yield letter(visit, "RDS", moment, tuple(segments))


def _dispense_segments(
    sender: Sender, dose: InventedDose, handed_out: tuple[int, str, int], moment: datetime
) -> Iterator[str]:
    number, ndc, vials = handed_out
    yield _common_order(
        control="RE", order=_order_numbers(dose), sender=sender, moment=moment, more={5: "CM"}
    )
    fields = {
        1: str(number),
        2: f"{ndc}^{dose.drugs[0].drug}^NDC",
        3: sender.time(moment),
        4: str(vials),
        5: "VIAL",
    }
    yield segment("RXD", fields)


def visit_segments(visit: InventedVisit) -> tuple[str, ...]:
    """The DG1 and IN1 segments, which are the same in every ADT of the visit."""
    diagnoses = [
        segment("DG1", {1: str(number), 3: f"{code}^^I10", 6: "W"})
        for number, code in enumerate(visit.diagnoses, 1)
    ]
    payer = visit.patient.payer
    fields = {
        1: "1",
        2: f"{payer}-PLAN",
        3: payer,
        4: PAYERS.get(payer, payer),
        14: visit.authorization,
    }
    return (*diagnoses, segment("IN1", fields).rstrip("|"))


# ------------------------------------------------------------------ text: how a letter is written


def render(visit: InventedVisit, sender: Sender, message: Letter) -> bytes:
    """The bytes of a message: CR after each segment, and no MLLP frame."""
    lines = [_header(visit, sender, message)]
    if message.kind.startswith("A"):
        lines.append(segment("EVN", {1: message.kind, 2: sender.stamp(message.happened)}))
    lines.append(_person(visit, message))
    lines += [message.prior] if message.prior else []
    lines += [_encounter(visit, sender, message)] if message.visit else []
    return "".join(f"{line}\r" for line in (*lines, *message.segments)).encode("ascii")


def _header(visit: InventedVisit, sender: Sender, message: Letter) -> str:
    old = sender.before("2.4")
    kinds = {
        "RAS": "RAS^O01" if old else "RAS^O17",
        "RDE": "RDE^O01" if old else "RDE^O11",
        "RDS": "RDS^O01" if old else "RDS^O13",
        "R01": "ORU^R01",
        "T02": "MDM^T02",
        "P03": "DFT^P03",
        **{trigger: f"SIU^{trigger}" for trigger in ("S12", "S14", "S15", "S26")},
    }
    kind = kinds.get(message.kind, f"ADT^{message.kind}") + (
        "" if old else f"^{_STRUCTURES[message.kind]}"
    )
    application = "ZEBRAADT" if message.kind.startswith("A") else "ZEBRAMAR"
    stamp = sender.stamp(message.sent)
    parts = (application, visit.facility(), "CHARGELINE", "ZEBRA", stamp, "", kind, message.control)
    return "|".join(
        ("MSH", "^~\\&", *parts, PROCESSING_ID, sender.version, "", "", "AL", "NE", "USA", "ASCII")
    )


def _person(visit: InventedVisit, message: Letter) -> str:
    born = visit.patient.born.strftime("%Y%m%d")
    number = f"{message.patient}^^^ZEBRA^MR"
    fields = {
        1: "1",
        3: f"{number}~{message.patient}-E^^^ZEBRAENTERPRISE^PI",
        5: visit.patient.name,
        7: born,
        8: visit.patient.sex,
        10: "2131-1^Invented^HL70005",
        11: "1 INVENTED STREET^APT 0^NOWHERE^ZZ^00000^USA^H",
        13: "^PRN^PH^^^555^5550199~^NET^INTERNET^nobody@zebra.invalid",
        15: "ENG^English^HL70296",
        16: "U^Unknown^HL70002",
    }
    return segment("PID", fields)


def _encounter(visit: InventedVisit, sender: Sender, message: Letter) -> str:
    fields = {
        1: "1",
        2: _CLASSES[visit.category],
        3: f"INF^CHAIR{sender.chair}^^{visit.facility()}",
        7: "Z7001^ZEBRADOCTOR^INVENTED^A^^DR^MD^^ZEBRA^L^^^NPI",
        8: "Z7002^ZEBRAREFERRER^INVENTED^B^^DR^MD^^ZEBRA^L^^^NPI",
        10: "ONC",
        14: "1",
        17: "Z7001^ZEBRADOCTOR^INVENTED^A^^DR^MD^^ZEBRA^L^^^NPI",
        18: "INF",
        19: message.visit,
        20: "ZEBRA",
        44: sender.time(visit.arrived),
        45: sender.time(message.discharged) if message.discharged else "",
    }
    return segment("PV1", fields).rstrip("|")
