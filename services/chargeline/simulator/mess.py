"""The dial for mess: what goes wrong between the nurse, the interface engine and the network.

This module owns each kind of trouble and how frequent it is with the dial at 1. It refuses to touch
what was truly given: each kind draws from a stream of its own, apart from that of the visits, so
the clinical truth of a seed is the same at any setting.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from chargeline.simulator.charting import MINUTE, ChartedRecord, Sender
from chargeline.simulator.messages import Letter, letter, segment, visit_segments
from chargeline.simulator.regimens import STRAYS
from chargeline.simulator.visits import InventedDose, InventedVisit, amount_of, give

# kind of trouble -> its probability at 1.0, and what it is counted on
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
_SHUFFLE_REACH = 6  # places that a message may move with the dial just below 1.0


@dataclass(frozen=True)
class Dial:
    """The setting (0.0 to 1.0) for one visit of one seed."""

    level: float
    seed: int
    serial: str

    def stream(self, kind: str) -> Random:
        """The random stream of one kind of trouble."""
        return Random(f"{self.seed}:{self.serial}:{kind}")

    def strikes(self, kind: str, stream: Random) -> bool:
        """Whether this kind of trouble happens now."""
        return stream.random() < FREQUENCIES[kind] * self.level


# --- the visit: what was not documented, held, or charted by mistake ---------------------------


def muddle_visit(visit: InventedVisit, dial: Dial) -> InventedVisit:
    """Lose stops, and add administrations that never were (given=False or voided=True)."""
    stream = dial.stream("missing stop")
    kept = tuple(_without_stop(each, dial, stream) for each in visit.administrations)
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
    line = next((each.line for each in visit.administrations if each.route == "IV"), "R-ARM")
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
    """A second registration of the same patient by mistake, cancelled by an A11 soon after."""
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


# --- the records: corrections and voids ---------------------------------------------------------


def muddle_records(records: Sequence[ChartedRecord], dial: Dial) -> list[ChartedRecord]:
    """Chart some records wrongly at first and right later (U); take back what was a mistake (D)."""
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
    """Charted with a zero too many, the commonest slip; an error of time has no part in it."""
    slip = format((Decimal(record.drugs[0].amount) * 10).normalize(), "f")
    return replace(record, drugs=(record.drugs[0]._replace(amount=slip), *record.drugs[1:]))


# --- the letters: what the interface engine and the network do -----------------------------------


def muddle_letters(
    letters: Sequence[Letter], visit: InventedVisit, sender: Sender, dial: Dial
) -> list[Letter]:
    """Delay, add, merge, copy and shuffle the messages of one visit; gives each its MSH-10."""
    muddled = list(letters)
    if not visit.cancelled:
        muddled = _late(muddled, visit, dial)
        muddled += [*_reopened(visit, dial), *_chatter(visit, dial), *_unknown(visit, sender, dial)]
        muddled = _visit_merge(muddled, visit, dial)
        muddled = _patient_merge(muddled, visit, dial)
    muddled.sort(key=lambda each: each.sent)
    muddled = [
        replace(each, control=f"{visit.serial()}{n:03}") for n, each in enumerate(muddled, 1)
    ]
    muddled += [*_duplicates(muddled, dial), *_resends(muddled, visit, dial)]
    return _shuffled(muddled, dial)


def _late(letters: list[Letter], visit: InventedVisit, dial: Dial) -> list[Letter]:
    stream = dial.stream("late")
    result = []
    for each in letters:
        struck = each.kind == "RAS" and dial.strikes("late", stream)
        sent = max(each.sent, visit.left) + stream.randint(20, 1200) * MINUTE
        result.append(
            replace(each, sent=sent, arrives=sent + timedelta(seconds=1)) if struck else each
        )
    return result


def _reopened(visit: InventedVisit, dial: Dial) -> Iterator[Letter]:
    """A13 takes the discharge back; the patient leaves a little later."""
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
    """A weight from the scale: a message type that no medication reader asked for."""
    stream = dial.stream("unknown type")
    if dial.strikes("unknown type", stream):
        moment = visit.arrived + stream.randint(1, 9) * MINUTE
        request = segment("OBR", {1: "1", 4: "SCALE^weighing^L", 7: sender.time(moment)})
        weight = f"OBX|1|NM|BODY-WEIGHT^body weight^L||{visit.patient.weight_kg}|kg|||||F"
        yield letter(visit, "R01", moment, (request, weight))


def _visit_merge(letters: list[Letter], visit: InventedVisit, dial: Dial) -> list[Letter]:
    """Begin under a temporary visit number (MRG-5), which A35 or A41 merges into the real one."""
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
        replace(each, visit=temporary) if each.sent < merge.sent else each for each in letters
    ] + [merge]


def _patient_merge(letters: list[Letter], visit: InventedVisit, dial: Dial) -> list[Letter]:
    """Begin under a temporary patient number (MRG-1), which A40 merges into the real one."""
    stream = dial.stream("patient merge")
    if not dial.strikes("patient merge", stream):
        return letters
    real, temporary = visit.patient.number, f"ZZ9{visit.serial()}"
    moment = visit.arrived + (visit.left - visit.arrived) * stream.randint(20, 90) // 100
    merge = replace(letter(visit, "A40", moment), visit="")
    merge = replace(merge, prior=segment("MRG", {1: f"{temporary}^^^ZEBRA^MR"}))
    earlier = [
        replace(each, patient=temporary, prior=each.prior.replace(real, temporary))
        for each in letters
        if each.sent < merge.sent
    ]
    return [*earlier, *(each for each in letters if each.sent >= merge.sent), merge]


def _duplicates(letters: Sequence[Letter], dial: Dial) -> Iterator[Letter]:
    """The very same bytes once more, some minutes later."""
    stream = dial.stream("duplicate")
    for each in letters:
        delay = stream.randint(1, 400) * MINUTE
        if dial.strikes("duplicate", stream):
            yield replace(each, arrives=each.arrives + delay)


def _resends(letters: Sequence[Letter], visit: InventedVisit, dial: Dial) -> Iterator[Letter]:
    """The same body under a new MSH-10 and MSH-7."""
    stream = dial.stream("resend")
    for number, each in enumerate(letters, len(letters) + 1):
        delay = stream.randint(1, 300) * MINUTE
        if dial.strikes("resend", stream):
            control = f"{visit.serial()}{number:03}"
            yield replace(
                each, sent=each.sent + delay, arrives=each.arrives + delay, control=control
            )


def _shuffled(letters: list[Letter], dial: Dial) -> list[Letter]:
    """Let messages change places: a little below 1.0, all of them at 1.0."""
    stream = dial.stream("disorder")
    ordered = sorted(letters, key=lambda each: each.arrives)
    places = [
        number + stream.random() * _SHUFFLE_REACH * dial.level for number in range(len(ordered))
    ]
    if dial.level >= 1.0:
        stream.shuffle(places)
    moved = [
        each for _, each in sorted(zip(places, ordered, strict=True), key=lambda pair: pair[0])
    ]
    return [replace(each, arrives=slot.arrives) for each, slot in zip(moved, ordered, strict=True)]
