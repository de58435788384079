"""The dial for mess: what goes wrong between the nurse, the interface engine and the network.

This module owns each kind of trouble, and how frequent it is with the dial at 1. It never changes
what was truly given: each kind of trouble has a random stream of its own, apart from that of the
visits. So the truth of a seed is the same at any setting of the dial.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from chargeline.simulator.charting import MINUTE, ChartedRecord, Sender
from chargeline.simulator.messages import Letter, letter, segment, visit_segments
from chargeline.simulator.regimens import STRAYS
from chargeline.simulator.vials import plain
from chargeline.simulator.visits import InventedDose, InventedVisit, amount_of, give

# Kind of trouble -> how often it happens with the dial at 1.0: 0.12 means 12 of 100 infusions.
FREQUENCIES: dict[str, float] = {
    "missing stop": 0.12,  # infusion
    "not given": 0.15,  # visit
    "void": 0.15,  # visit
    "correction": 0.08,  # record
    "late": 0.10,  # administration message
    "reopened": 0.10,  # visit
    "chatter": 0.50,  # visit
    "unknown type": 0.25,  # visit
    "visit merge": 0.08,  # visit
    "patient merge": 0.08,  # visit
    "cancelled visit": 0.08,  # visit
    "duplicate": 0.08,  # message
    "resend": 0.06,  # message
}
_SHUFFLE_REACH = 6  # places that a message can move while the dial is just below 1.0


@dataclass(frozen=True)
class Dial:
    """The setting of the dial (0.0 to 1.0) for one visit of one seed."""

    level: float
    seed: int
    serial: str
    spared: frozenset[str] = frozenset()  # kinds that do not happen to this visit

    def stream(self, kind: str) -> Random:
        """The random stream of one kind of trouble."""
        return Random(f"{self.seed}:{self.serial}:{kind}")

    def strikes(self, kind: str, stream: Random) -> bool:
        """Whether this kind of trouble happens now."""
        happens = stream.random() < FREQUENCIES[kind] * self.level
        return happens and kind not in self.spared


# ------------------------------------------------------------------ visit: lost stops, stray doses


def muddle_visit(visit: InventedVisit, dial: Dial) -> InventedVisit:
    """Lose stops, and add doses that were not given, or were charted by mistake and voided."""
    stream = dial.stream("missing stop")
    kept = tuple(_without_stop(dose, dial, stream) for dose in visit.administrations)
    muddled = replace(visit, administrations=kept)
    muddled = _with_stray(muddled, dial, "not given")
    return _with_stray(muddled, dial, "void")


def _without_stop(dose: InventedDose, dial: Dial, stream: Random) -> InventedDose:
    lost = dial.strikes("missing stop", stream) and dose.method == "infusion"
    return replace(dose, stop_documented=False) if lost else dose


def _with_stray(visit: InventedVisit, dial: Dial, kind: str) -> InventedVisit:
    stream = dial.stream(kind)
    if not dial.strikes(kind, stream):
        return visit
    step = stream.choice(STRAYS)
    drugs = tuple(amount_of(part, visit.patient, stream) for part in step.parts)
    order = f"F{visit.serial()}-{int(visit.administrations[-1].order.split('-')[1]) + 1}"
    line = next((dose.line for dose in visit.administrations if dose.route == "IV"), "R-ARM")
    begin = visit.arrived + stream.randint(10, 30) * MINUTE
    stray = give(
        chance=stream,
        step=step,
        drugs=drugs,
        order=order,
        line=line,
        style=visit.style,
        begin=begin,
    )
    stray = replace(stray, given=False) if kind == "not given" else replace(stray, voided=True)
    return replace(visit, administrations=(*visit.administrations, stray))


def cancelled_visit(visit: InventedVisit, dial: Dial) -> InventedVisit | None:
    """A second visit that was registered by mistake, and that an A11 cancels soon after."""
    stream = dial.stream("cancelled visit")
    if not dial.strikes("cancelled visit", stream):
        return None
    arrived = visit.arrived - stream.randint(3, 15) * MINUTE
    return replace(
        visit,
        number=f"V{int(visit.serial()) + 400000}",
        arrived=arrived,
        left=arrived + stream.randint(2, 20) * MINUTE,
        administrations=(),
        cancelled=True,
    )


# ------------------------------------------------------------------ records: corrections and voids


def muddle_records(records: Sequence[ChartedRecord], dial: Dial) -> list[ChartedRecord]:
    """Chart some records wrongly and correct them later (U); delete the voided ones later (D)."""
    stream = dial.stream("correction")
    first: list[ChartedRecord] = []
    later: list[ChartedRecord] = []
    for record in records:
        hit = dial.strikes("correction", stream)
        delay = stream.randint(15, 180) * MINUTE
        if record.administration.voided:
            later.append(replace(record, status="D", charted=record.charted + delay))
        correctable = record.administration.given and not record.administration.voided
        wrong = _wrong(record, stream) if hit and correctable else record
        first.append(wrong)
        if wrong is not record:
            later.append(replace(record, status="U", charted=wrong.charted + delay))
    return first + later


def _wrong(record: ChartedRecord, stream: Random) -> ChartedRecord:
    mistakes: list[Callable[[ChartedRecord, timedelta], ChartedRecord]] = [_wrong_start]
    if record.end is not None and record.administration.method == "infusion":
        mistakes.append(_wrong_stop)
    if record.drugs:
        mistakes.append(_wrong_dose)
    return stream.choice(mistakes)(record, stream.randint(5, 50) * MINUTE)


def _wrong_start(record: ChartedRecord, error: timedelta) -> ChartedRecord:
    return replace(record, start=record.start - error)


def _wrong_stop(record: ChartedRecord, error: timedelta) -> ChartedRecord:
    assert record.end is not None, "only a record with an end can have a wrong one"
    end = record.end + error
    return replace(record, end=end, charted=max(record.charted, end + MINUTE))


def _wrong_dose(record: ChartedRecord, error: timedelta) -> ChartedRecord:
    """The record with ten times its amount, the commonest slip; `error` is not used."""
    slip = plain(Decimal(record.drugs[0].amount) * 10)
    return replace(record, drugs=(record.drugs[0]._replace(amount=slip), *record.drugs[1:]))


# ------------------------------------------------------------------ letters: engine and network


def muddle_letters(
    letters: Sequence[Letter], visit: InventedVisit, sender: Sender, dial: Dial
) -> list[Letter]:
    """Delay, add, merge, copy and shuffle the messages of one visit, and number them (MSH-10)."""
    muddled = list(letters)
    if not visit.cancelled:
        muddled = _late(muddled, visit, dial)
        muddled += [*_reopened(visit, dial), *_chatter(visit, dial), *_unknown(visit, sender, dial)]
        muddled = _visit_merge(muddled, visit, dial)
        muddled = _patient_merge(muddled, visit, dial)
    muddled.sort(key=lambda message: message.sent)
    muddled = [
        replace(message, control=f"{visit.serial()}{number:03}")
        for number, message in enumerate(muddled, 1)
    ]
    muddled += [*_duplicates(muddled, dial), *_resends(muddled, visit, dial)]
    return _shuffled(muddled, dial)


def _late(letters: list[Letter], visit: InventedVisit, dial: Dial) -> list[Letter]:
    stream = dial.stream("late")
    result = []
    for message in letters:
        struck = message.kind == "RAS" and dial.strikes("late", stream)
        sent = max(message.sent, visit.left) + stream.randint(20, 1200) * MINUTE
        late = replace(message, sent=sent, arrives=sent + timedelta(seconds=1))
        result.append(late if struck else message)
    return result


def _reopened(visit: InventedVisit, dial: Dial) -> Iterator[Letter]:
    """An A13 that cancels the discharge, and an A03 when the patient leaves a little later."""
    stream = dial.stream("reopened")
    if dial.strikes("reopened", stream):
        back = visit.left + stream.randint(3, 15) * MINUTE
        gone = back + stream.randint(10, 45) * MINUTE
        yield letter(visit, "A13", back, visit_segments(visit))
        yield replace(letter(visit, "A03", gone, visit_segments(visit)), discharged=gone)


def _chatter(visit: InventedVisit, dial: Dial) -> Iterator[Letter]:
    stream = dial.stream("chatter")
    if dial.strikes("chatter", stream):
        for _ in range(stream.randint(1, 3)):
            moment = visit.arrived + (visit.left - visit.arrived) * stream.randint(5, 95) // 100
            yield letter(visit, "A08", moment, visit_segments(visit))


def _unknown(visit: InventedVisit, sender: Sender, dial: Dial) -> Iterator[Letter]:
    """A weight from a scale (ORU), which is a message that chargeline does not use."""
    stream = dial.stream("unknown type")
    if dial.strikes("unknown type", stream):
        moment = visit.arrived + stream.randint(1, 9) * MINUTE
        request = segment("OBR", {1: "1", 4: "SCALE^weighing^L", 7: sender.time(moment)})
        weight = f"OBX|1|NM|BODY-WEIGHT^body weight^L||{visit.patient.weight_kg}|kg|||||F"
        yield letter(visit, "R01", moment, (request, weight))


def _visit_merge(letters: list[Letter], visit: InventedVisit, dial: Dial) -> list[Letter]:
    """Begin with a temporary visit number, which an A35 or A41 (MRG-5) merges into the real one."""
    stream = dial.stream("visit merge")
    if not dial.strikes("visit merge", stream):
        return letters
    temporary = f"T{visit.serial()}"
    moment = visit.arrived + (visit.left - visit.arrived) * stream.randint(20, 90) // 100
    merge = letter(visit, stream.choice(("A35", "A35", "A41")), moment)
    merge = replace(
        merge, prior=segment("MRG", {1: f"{visit.patient.number}^^^ZEBRA^MR", 5: temporary})
    )
    return [
        replace(message, visit=temporary) if message.sent < merge.sent else message
        for message in letters
    ] + [merge]


def _patient_merge(letters: list[Letter], visit: InventedVisit, dial: Dial) -> list[Letter]:
    """Begin with a temporary patient number, which an A40 (MRG-1) merges into the real one."""
    stream = dial.stream("patient merge")
    if not dial.strikes("patient merge", stream):
        return letters
    real, temporary = visit.patient.number, f"ZZ9{visit.serial()}"
    moment = visit.arrived + (visit.left - visit.arrived) * stream.randint(20, 90) // 100
    merge = replace(letter(visit, "A40", moment), visit="")
    merge = replace(merge, prior=segment("MRG", {1: f"{temporary}^^^ZEBRA^MR"}))
    earlier = [
        replace(message, patient=temporary, prior=message.prior.replace(real, temporary))
        for message in letters
        if message.sent < merge.sent
    ]
    later = [message for message in letters if message.sent >= merge.sent]
    return [*earlier, *later, merge]


def _duplicates(letters: Sequence[Letter], dial: Dial) -> Iterator[Letter]:
    """Messages whose very same bytes arrive once more, some minutes or hours later."""
    stream = dial.stream("duplicate")
    for message in letters:
        delay = stream.randint(1, 400) * MINUTE
        if dial.strikes("duplicate", stream):
            yield replace(message, arrives=message.arrives + delay)


def _resends(letters: Sequence[Letter], visit: InventedVisit, dial: Dial) -> Iterator[Letter]:
    """Messages that are sent again with the same body and a new MSH-7 and MSH-10."""
    stream = dial.stream("resend")
    for number, message in enumerate(letters, len(letters) + 1):
        delay = stream.randint(1, 300) * MINUTE
        if dial.strikes("resend", stream):
            yield replace(
                message,
                sent=message.sent + delay,
                arrives=message.arrives + delay,
                control=f"{visit.serial()}{number:03}",
            )


def _shuffled(letters: list[Letter], dial: Dial) -> list[Letter]:
    """Let messages change places: by a few places while the dial is below 1.0, freely at 1.0."""
    stream = dial.stream("disorder")
    ordered = sorted(letters, key=lambda message: message.arrives)
    places = [
        number + stream.random() * _SHUFFLE_REACH * dial.level for number in range(len(ordered))
    ]
    if dial.level >= 1.0:
        stream.shuffle(places)
    by_place = sorted(zip(places, ordered, strict=True), key=lambda pair: pair[0])
    moved = [message for _place, message in by_place]
    return [
        replace(message, arrives=slot.arrives) for message, slot in zip(moved, ordered, strict=True)
    ]
