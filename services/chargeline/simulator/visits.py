"""Random visits of an infusion centre: what truly happened.

This module owns the truth: who came, which drugs ran, when and into which line. It does not know
HL7 or the dial for mess. Each visit has a random stream of its own, so the first 20 visits of a
feed are the same whether it has 20 visits or 200.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.simulator.regimens import DRUGS, PAYERS, REGIMENS, ROUTES
from chargeline.simulator.steps import Part, Range, Regimen, RegimenStep
from chargeline.simulator.vials import ScannedVials, opened_for, plain

Interval = tuple[datetime, datetime]

ZONE = "America/New_York"
FACILITIES = {"standard": "ZEBRA_CLINIC", "action-stream": "ZEBRA_TOWER"}
FIRST_VISIT = 100001
TAKEN_HOME = "PORTABLE-PUMP"
INFUSION_PUMP = "IVP"
_VISITS_A_DAY = 24
_PAUSED_PERCENT = 8
_SECOND_LINE_PERCENT = 8
_RETURNING_PERCENT = 25
_REMEMBERED_PATIENTS = 60
_LINES = ("PORT", "PORT", "PORT", "R-ARM", "L-ARM")
_SITES = {"SC": ("ABD", "R-ARM", "L-ARM"), "IM": ("R-GLUT", "L-GLUT"), "PO": ("",)}


class Amount(NamedTuple):
    """One drug of a dose. `amount` is a decimal number, in `unit`."""

    drug: str
    amount: str
    unit: str


class Patient(NamedTuple):
    """An invented person. `weight_kg` and `surface_m2` decide the doses."""

    number: str
    name: str
    born: date
    sex: str
    weight_kg: int
    surface_m2: Decimal
    payer: str


@dataclass(frozen=True)
class InventedDose:
    """One dose as it ran. Times are in UTC. `rates` are (moment, mL/hr), the first at the start."""

    order: str
    drugs: tuple[Amount, ...]
    vehicle: str | None
    volume_ml: int
    route: str  # RXR-1, such as IV
    method: str
    line: str
    device: str
    intervals: tuple[Interval, ...]
    rates: tuple[tuple[datetime, int], ...]
    ordered_minutes: int
    stop_documented: bool = True
    given: bool = True
    voided: bool = False

    def opened(self) -> ScannedVials | None:
        """The vials that were opened for the dose; None where nothing is scanned or was given."""
        return opened_for(self.drugs) if self.given else None

    def start(self) -> datetime:
        """The first moment of the dose."""
        return self.intervals[0][0]

    def is_taken_home(self) -> bool:
        """Whether the dose runs on in a portable pump after the visit."""
        return self.device == TAKEN_HOME

    def stop(self) -> datetime:
        """The last moment of the dose."""
        return self.intervals[-1][1]


@dataclass(frozen=True)
class InventedVisit:
    """One visit with all its doses, sorted by order."""

    number: str
    style: str
    patient: Patient
    category: str
    authorization: str
    diagnoses: tuple[str, ...]
    arrived: datetime
    left: datetime
    administrations: tuple[InventedDose, ...]
    cancelled: bool = False

    def facility(self) -> str:
        """The facility that sends the messages of the visit (MSH-4)."""
        return FACILITIES[self.style]

    def serial(self) -> str:
        """The digits of the visit number, which stand in its order numbers too."""
        return self.number[1:]

    def truth(self) -> dict[str, object]:
        """The visit as truth.json gives it."""
        return {
            "visit": self.number,
            "facility": self.facility(),
            "style": self.style,
            "patient": self.patient.number,
            "class": self.category,
            "zone": ZONE,
            "payer": self.patient.payer,
            "diagnoses": list(self.diagnoses),
            "cancelled": self.cancelled,
            "merged_into": None,
            "administrations": [_administration_truth(dose) for dose in self.administrations],
        }


def _administration_truth(administration: InventedDose) -> dict[str, object]:
    ran = administration.given and not administration.voided
    opened = administration.opened() if ran else None
    return {
        "order": administration.order,
        "drugs": [{"id": d.drug, "amount": d.amount, "unit": d.unit} for d in administration.drugs],
        "vials": list(opened.ndcs) if opened else [],
        "discarded": plain(opened.discarded) if opened else None,
        "vehicle": administration.vehicle,
        "route": ROUTES[administration.route][1],
        "method": administration.method,
        "line": administration.line,
        "device": administration.device,
        "intervals": [
            [_local(start), _local(stop)] for start, stop in administration.intervals if ran
        ],
        "stop_documented": administration.stop_documented,
        "given": administration.given,
        "voided": administration.voided,
    }


def _local(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(ZONE)).isoformat()


def plan_visits(count: int, seed: int, style: str, first_day: date) -> Iterator[InventedVisit]:
    """Plan a number of visits, 24 on each working day, in the order of their numbers."""
    away_since: dict[Patient, datetime] = {}
    for index in range(count):
        serial = FIRST_VISIT + index
        chosen = (
            Random(f"{seed}:{serial}:style").choice(tuple(FACILITIES))
            if style == "mixed"
            else style
        )
        chance = Random(f"{seed}:{serial}:truth")
        regimen = chance.choices(REGIMENS, [regimen.weight for regimen in REGIMENS])[0]
        arrived = _arrival(chance, working_day(first_day, index // _VISITS_A_DAY))
        patient = _patient(
            chance=chance, regimen=regimen, away_since=away_since, arrived=arrived, serial=serial
        )
        visit = _visit(
            chance=chance,
            regimen=regimen,
            patient=patient,
            style=chosen,
            serial=serial,
            arrived=arrived,
        )
        away_since[patient] = visit.left
        if len(away_since) > _REMEMBERED_PATIENTS:
            del away_since[next(iter(away_since))]
        yield visit


def working_day(first_day: date, ordinal: int) -> date:
    """The nth working day from `first_day` on, counted from 0. A weekend counts as its Monday.

    From Friday 2026-03-06 on, day 1 is Monday 2026-03-09.
    """
    weekday = first_day.weekday()
    monday = (
        first_day - timedelta(days=weekday)
        if weekday < 5
        else first_day + timedelta(days=7 - weekday)
    )
    weeks, days = divmod(ordinal + (weekday if weekday < 5 else 0), 5)
    return monday + timedelta(days=7 * weeks + days)


def _arrival(chance: Random, day: date) -> datetime:
    opening = datetime.combine(day, time(7, 0), ZoneInfo(ZONE)).astimezone(UTC)
    return opening + timedelta(minutes=chance.randrange(420))


def _patient(
    chance: Random,
    regimen: Regimen,
    away_since: dict[Patient, datetime],
    arrived: datetime,
    serial: int,
) -> Patient:
    """A patient who was here before and has left, or a new invented person."""
    returning = [
        who for who, left in away_since.items() if who.sex in regimen.sexes and left < arrived
    ]
    if chance.randrange(100) < _RETURNING_PERCENT and returning:
        return chance.choice(returning)
    return new_patient(chance, serial, regimen.sexes)


def new_patient(chance: Random, serial: int, sexes: Sequence[str]) -> Patient:
    """A new invented person, whose number and name come of a serial number."""
    return Patient(
        number=f"ZZ{serial}",
        name=f"TESTPATIENT^ZEBRA{serial - FIRST_VISIT + 1}",
        born=date(chance.randint(1938, 1992), chance.randint(1, 12), chance.randint(1, 28)),
        sex=chance.choice(sexes),
        weight_kg=chance.randint(46, 118),
        surface_m2=Decimal(chance.randint(148, 228)) / 100,
        payer=chance.choice(tuple(PAYERS)),
    )


def _visit(
    chance: Random, regimen: Regimen, patient: Patient, style: str, serial: int, arrived: datetime
) -> InventedVisit:
    administrations = tuple(
        _administrations(
            chance=chance,
            steps=regimen.steps,
            patient=patient,
            prefix=f"F{serial}",
            style=style,
            arrived=arrived,
        )
    )
    in_the_chair = [dose.start() for dose in administrations]
    in_the_chair += [dose.stop() for dose in administrations if not dose.is_taken_home()]
    return InventedVisit(
        number=f"V{serial}",
        style=style,
        patient=patient,
        category=chance.choice(regimen.classes),
        authorization=f"ZA{serial}" if chance.randrange(3) else "",
        diagnoses=chance.choice(regimen.diagnoses),
        arrived=arrived,
        left=max(in_the_chair) + timedelta(minutes=chance.randint(8, 35)),
        administrations=administrations,
    )


def _administrations(
    chance: Random,
    steps: Sequence[RegimenStep],
    patient: Patient,
    prefix: str,
    style: str,
    arrived: datetime,
) -> Iterator[InventedDose]:
    """The doses of a regimen's steps. A step starts after the one before it, or beside it."""
    line = chance.choice(_LINES)
    pump = INFUSION_PUMP if chance.randrange(3) == 0 else ""
    free = previous = chance.randint(15, 45)
    order = 0
    for step in steps:
        if chance.randrange(100) >= step.chance:
            continue
        order += 1
        start = previous + chance.randint(0, 2) if step.beside else free + chance.randint(*step.gap)
        start = start % 1440 + 1440 * step.day
        drugs = tuple(amount_of(part, patient, chance) for part in step.parts)
        second = step.beside and chance.randrange(100) < _SECOND_LINE_PERCENT
        previous = start
        for ordinal in range(step.doses):
            begin = arrived + timedelta(minutes=start + ordinal * step.spacing)
            place = _site(chance=chance, step=step, line=line, ordinal=ordinal, second=second)
            device = step.device or (pump if step.method == "infusion" else "")
            ran = step._replace(device=device)
            given = give(
                chance=chance,
                step=ran,
                drugs=drugs,
                order=f"{prefix}-{order}",
                line=place,
                style=style,
                begin=begin,
            )
            if not given.is_taken_home():
                free = max(free, (given.stop() - arrived) // timedelta(minutes=1))
            yield given


def _site(chance: Random, step: RegimenStep, line: str, ordinal: int, second: bool) -> str:
    """The access line of an intravenous dose, or the place on the body for any other."""
    if step.route != "IV":
        sites = _SITES[step.route]
        return sites[ordinal % 2] if step.doses > 1 else chance.choice(sites)
    return ("L-ARM" if line != "L-ARM" else "R-ARM") if second else line


def give(
    chance: Random,
    step: RegimenStep,
    drugs: tuple[Amount, ...],
    order: str,
    line: str,
    style: str,
    begin: datetime,
) -> InventedDose:
    """One dose of a step as it ran from `begin` on."""
    minutes = chance.randint(*step.minutes)
    if step.method != "infusion" and style != "standard":
        minutes = 0  # a sender of single actions charts a push as one moment
    pieces = _pieces(chance, step, minutes)
    return InventedDose(
        order=order,
        drugs=drugs,
        vehicle=step.vehicle,
        volume_ml=step.volume_ml,
        route=step.route,
        method=step.method,
        line=line,
        device=step.device,
        intervals=tuple((_after(begin, start), _after(begin, stop)) for start, stop in pieces),
        rates=tuple(
            (_after(begin, minute), rate) for minute, rate in _rates(step, pieces, minutes)
        ),
        ordered_minutes=_planned_minutes(step.minutes) if step.method == "infusion" else 0,
        stop_documented=step.device != TAKEN_HOME,
    )


def _after(begin: datetime, minutes: int) -> datetime:
    return begin + timedelta(minutes=minutes)


def _pieces(chance: Random, step: RegimenStep, minutes: int) -> tuple[Range, ...]:
    """The minutes in which a dose ran: one piece, or now and then two with a pause between."""
    paused = chance.randrange(100) < _PAUSED_PERCENT
    if not paused or step.method != "infusion" or minutes < 40 or step.device == TAKEN_HOME:
        return ((0, minutes),)
    before = chance.randint(minutes // 4, minutes * 3 // 4)
    again = before + chance.randint(7, 25)
    return ((0, before), (again, again + minutes - before))


def _rates(step: RegimenStep, pieces: tuple[Range, ...], minutes: int) -> Iterator[Range]:
    """The rates as (minute, mL/hr): one steady rate, or the step's rates, raised each half hour."""
    if step.method != "infusion":
        return
    ladder = step.rates or (max(1, round(step.volume_ml * 60 / minutes)),)
    for rung, rate in enumerate(ladder):
        running = any(start + 4 < 30 * rung < stop - 4 for start, stop in pieces)
        if rung == 0 or running:
            yield 30 * rung, rate


def _planned_minutes(minutes: Range) -> int:
    """The duration on the order: the middle of the range, rounded to ten minutes.

    A range of 112 to 130 minutes is ordered as 120.
    """
    return max(10, round(sum(minutes) / 20) * 10)


def amount_of(part: Part, patient: Patient, chance: Random) -> Amount:
    """The dose of one drug for this patient, rounded as the table says."""
    dose, filtration = part.dose, chance.randint(55, 115)
    factor = {
        "flat": Decimal(1),
        "m2": patient.surface_m2,
        "kg": Decimal(patient.weight_kg),
        "auc": Decimal(filtration + 25),  # the Calvert formula
    }[dose.basis]
    step = Decimal(dose.step)
    steps = (Decimal(dose.amount) * factor / step).quantize(Decimal(1), ROUND_HALF_UP)
    return Amount(part.drug, plain(steps * step), DRUGS[part.drug][1])
