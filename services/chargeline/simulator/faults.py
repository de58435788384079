"""The dial for faults: which fault strikes a visit, and what should be asked because of it.

This module owns the table of faults and the questions that a visit's truth asks for. A visit has at
most one fault, so its questions are known exactly. The codes are those of docs/findings.md, written
here by hand: the simulator is a witness of its own and does not ask chargeline. mischarted.py and
miswritten.py do what the table names.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from chargeline.simulator import mischarted, miswritten
from chargeline.simulator.charting import ChartedRecord
from chargeline.simulator.messages import Letter
from chargeline.simulator.mischarted import StruckDose, order_before
from chargeline.simulator.visits import FACILITIES, InventedDose, InventedVisit

Fits = Callable[[InventedVisit, InventedDose], bool]
Doses = tuple[InventedDose, ...]
_BOTH = tuple(FACILITIES)
_INTERVALS, _ACTIONS = ("standard",), ("action-stream",)
# Kinds of mess that would mend what a fault has spoilt, so that its truth would not hold. Where
# only MSH-7 tells versions apart (decision 0028), a message that is sent again is one of them.
_MENDED = frozenset({"correction", "late"})


class Fault(NamedTuple):
    """What one fault does, and what it should bring.

    asks: the codes of the questions that the visit should have because of it. set_aside: the codes
    of the messages that should be set aside. fits: which doses it can strike. loses_stop: nothing
    tells when the dose ended. spared: the kinds of mess that do not happen to the visit. A fault
    works at one or more of four stages: on the charted doses, their records, the letters, and the
    bytes; with in_another_visit, on those of a later visit that has no dose of its own.
    """

    fits: Fits
    asks: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    styles: tuple[str, ...] = _BOTH
    loses_stop: bool = False
    spared: frozenset[str] = _MENDED
    in_another_visit: bool = False
    doses: Callable[[StruckDose, Doses], Doses] | None = None
    records: Callable[[StruckDose, list[ChartedRecord]], list[ChartedRecord]] | None = None
    letters: Callable[[StruckDose, list[Letter]], list[Letter]] | None = None
    posted: Callable[[StruckDose, miswritten.Posted], miswritten.Posted] | None = None


# ------------------------------------------------------------------ which doses a fault can strike


def _is_drug(visit: InventedVisit, dose: InventedDose) -> bool:
    """One drug that is no fluid, in a dose that is all of its order."""
    is_alone = sum(other.order == dose.order for other in visit.administrations) == 1
    is_real = dose.given and not dose.voided
    is_plain = len(dose.drugs) == 1 and dose.drugs[0].unit == "mg" and dose.method != "oral"
    return is_alone and is_real and is_plain and dose.stop_documented


def _is_infusion(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_drug(visit, dose) and dose.method == "infusion"


def _is_push(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_drug(visit, dose) and dose.method == "push"


def _is_lone_push(visit: InventedVisit, dose: InventedDose) -> bool:
    """A push whose loss brings no answer to what else the visit asks."""
    return _is_push(visit, dose) and not any(_asked(visit))


def _is_sold_by_strength(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_drug(visit, dose) and dose.drugs[0].drug in _SOLD_BY_STRENGTH


def _is_sold_by_weight(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_drug(visit, dose) and dose.drugs[0].drug not in _SOLD_BY_STRENGTH


def _is_in_one_piece(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_infusion(visit, dose) and len(dose.intervals) == len(dose.rates) == 1


def _is_in_one_record(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_sold_by_weight(visit, dose) and len(dose.intervals) == 1 and len(dose.rates) < 2


def _is_long(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_in_one_piece(visit, dose) and dose.stop() - dose.start() > timedelta(minutes=75)


def _is_cytotoxic(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_in_one_piece(visit, dose) and dose.drugs[0].drug in _CYTOTOXIC


def _is_home_pump(_visit: InventedVisit, dose: InventedDose) -> bool:
    return dose.is_taken_home()


def _is_biological(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_drug(visit, dose) and dose.drugs[0].drug in _BIOLOGICALS


def _has_brand(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_drug(visit, dose) and dose.drugs[0].drug in miswritten.BRANDS


def _is_after_another(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_in_one_piece(visit, dose) and order_before(visit, dose) is not None


def _is_last_into_a_vein(visit: InventedVisit, dose: InventedDose) -> bool:
    """A dose into a vein, after everything else has ended."""
    others = [other for other in visit.administrations if other is not dose]
    ended = all(o.stop() < dose.start() for o in others if o.given and not o.voided)
    return _is_drug(visit, dose) and dose.route == "IV" and ended and bool(others)


def _is_treatment_by_vein(visit: InventedVisit, dose: InventedDose) -> bool:
    return _is_infusion(visit, dose) and dose.route == "IV"


_CYTOTOXIC = frozenset((
    "carboplatin", "cisplatin", "cyclophosphamide", "docetaxel", "irinotecan", "oxaliplatin",
    "pemetrexed",
))  # fmt: skip
_SOLD_BY_STRENGTH = frozenset({"leuprolide"})  # the strength of the syringe is the product
_BIOLOGICALS = frozenset(
    ["bevacizumab", "denosumab", "infliximab", "pegfilgrastim", "rituximab", "trastuzumab"]
)

FAULTS: dict[str, Fault] = {
    "stop one day late": Fault(
        _is_in_one_piece, asks=("time.long",), records=mischarted.stop_one_day_late
    ),
    "planned stop": Fault(
        _is_long, asks=("time.to_come",), styles=_INTERVALS, records=mischarted.planned_stop
    ),
    "push of hours": Fault(
        _is_push, asks=("time.push",), styles=_INTERVALS, records=mischarted.push_of_hours
    ),
    "paused and never resumed": Fault(
        _is_in_one_piece,
        asks=("stop.paused",),
        styles=_ACTIONS,
        loses_stop=True,
        records=mischarted.never_resumed,
    ),
    "start and nothing else": Fault(
        _is_cytotoxic,
        asks=("time.one_moment",),
        styles=_INTERVALS,
        loses_stop=True,
        doses=mischarted.one_moment,
    ),
    "home pump taken off in another visit": Fault(
        _is_home_pump,
        styles=_ACTIONS,
        in_another_visit=True,
        records=mischarted.pump_taken_off,
    ),
    "day outside the visit": Fault(
        _is_drug, asks=("time.outside_visit",), records=mischarted.another_year
    ),
    "ten times the dose": Fault(
        _is_sold_by_weight, asks=("dose.ordered",), records=mischarted.ten_times_the_dose
    ),
    "ten times a syringe's strength": Fault(
        _is_sold_by_strength, asks=("drug.unknown",), records=mischarted.ten_times_the_dose
    ),
    "one bag under two orders": Fault(
        _is_drug, asks=("dose.twice",), doses=mischarted.under_two_orders
    ),
    "one bag in two records": Fault(
        _is_in_one_piece, asks=("dose.twice",), styles=_INTERVALS, records=mischarted.in_two_records
    ),
    "drug under another order": Fault(
        _is_after_another, asks=("drug.not_ordered",), records=mischarted.under_another_order
    ),
    "correction corrected back": Fault(
        _is_sold_by_weight,
        spared=_MENDED | {"resend"},
        records=mischarted.corrected_back,
        letters=miswritten.without_own_times,
    ),
    "correction corrected back by updates": Fault(
        _is_in_one_record,
        asks=("correction.again",),
        spared=_MENDED | {"resend", "visit merge", "patient merge"},
        records=mischarted.corrected_back_by_updates,
        letters=miswritten.without_own_times,
    ),
    "order cancelled before": Fault(
        _is_drug,
        asks=("order.cancelled",),
        spared=_MENDED | {"resend"},
        letters=miswritten.cancelled_before,
    ),
    "order cancelled before by its placer": Fault(
        _is_drug,
        asks=("order.cancelled",),
        spared=_MENDED | {"resend"},
        letters=miswritten.cancelled_by_placer,
    ),
    "unknown word for what was done, interval": Fault(
        _is_infusion,
        asks=("action.unknown",),
        styles=_INTERVALS,
        records=mischarted.finished_in_other_words,
    ),
    "unknown word for what was done, action": Fault(
        _is_infusion,
        asks=("action.unknown", "stop.missing"),
        styles=_ACTIONS,
        records=mischarted.finished_in_other_words,
    ),
    "local name": Fault(_is_drug, asks=("drug.unknown",), letters=miswritten.local_name),
    "unknown suffix": Fault(
        _is_biological, asks=("drug.unknown",), letters=miswritten.unknown_suffix
    ),
    "unknown brand": Fault(_is_drug, asks=("drug.unknown",), letters=miswritten.unknown_brand),
    "known brand": Fault(_has_brand, letters=miswritten.known_brand),
    "note with flush": Fault(_is_drug, letters=miswritten.flush_note),
    "note of an early stop": Fault(
        _is_drug, asks=("note.contradicts",), letters=miswritten.contradicting_note
    ),
    "white bagging": Fault(_is_drug, letters=miswritten.supplied_note),
    "unit inside the amount": Fault(_is_drug, letters=miswritten.unit_inside),
    "lock and flush by other names": Fault(_is_treatment_by_vein, doses=mischarted.lock_and_flush),
    "another line, not at once": Fault(_is_last_into_a_vein, doses=mischarted.another_line),
    "unreadable sending time": Fault(_is_drug, posted=miswritten.unreadable_sending_time),
    "messages glued": Fault(
        _is_lone_push, set_aside=("message.several",), posted=miswritten.glued
    ),
}  # fmt: skip


# ------------------------------------------------------------------ the dial


class Struck(NamedTuple):
    """The fault of one visit, by its name in the table, and the dose that it strikes."""

    name: str
    struck_dose: StruckDose

    def fault(self) -> Fault:
        """The row of the table."""
        return FAULTS[self.name]

    def charted(self, visit: InventedVisit) -> InventedVisit:
        """The visit as it is charted."""
        change = self.fault().doses
        if change is None:
            return visit
        return replace(visit, administrations=change(self.struck_dose, visit.administrations))

    def another_visit(self) -> InventedVisit | None:
        """The later visit in which the fault shows, if it does so in another one."""
        visit, end = self.struck_dose.visit, self.struck_dose.dose.stop()
        if not self.fault().in_another_visit:
            return None
        return replace(
            visit,
            number=f"V{int(visit.serial()) + 800000}",
            arrived=end - timedelta(minutes=20),
            left=end + timedelta(minutes=15),
            administrations=(),
        )

    def on_records(self, records: list[ChartedRecord]) -> list[ChartedRecord]:
        """The records as they are charted."""
        change = self.fault().records
        return change(self.struck_dose, records) if change else records

    def on_letters(self, letters: list[Letter]) -> list[Letter]:
        """The letters as they are sent."""
        change = self.fault().letters
        return change(self.struck_dose, letters) if change else letters

    def on_posted(self, posted: miswritten.Posted) -> miswritten.Posted:
        """The bytes as they arrive."""
        change = self.fault().posted
        return change(self.struck_dose, posted) if change else posted


def struck(visit: InventedVisit, level: float, seed: int) -> Struck | None:
    """The fault of a visit: of `level` (0.0 to 1.0) of the visits one, of the others none.

    A visit with two access lines has none: what it is asked for hangs on each of its doses.
    """
    chance = Random(f"{seed}:{visit.serial()}:fault")
    if chance.random() >= level or len(_lines(visit)) > 1:
        return None
    possible = [
        (name, dose)
        for name, fault in FAULTS.items()
        if visit.style in fault.styles
        for dose in visit.administrations
        if fault.fits(visit, dose)
    ]
    if not possible:
        return None
    # The kind is chosen first, so that faults of rare doses come as often as others.
    name = chance.choice(sorted({name for name, _dose in possible}))
    dose = chance.choice([dose for fitting, dose in possible if fitting == name])
    return Struck(name, StruckDose(visit, dose, chance))


# ------------------------------------------------------------------ what should be asked


def told(visit: InventedVisit, struck: Struck | None) -> dict[str, object]:
    """The visit as truth.json gives it, with its fault and what should be asked."""
    fault = struck.fault() if struck else None
    asked = {*_asked(visit), *(fault.asks if fault else ())}
    lost = struck.struck_dose.dose.order if struck and fault and fault.loses_stop else ""
    doses = tuple(
        replace(dose, stop_documented=dose.stop_documented and dose.order != lost)
        for dose in visit.administrations
    )
    return replace(visit, administrations=doses).truth() | {
        "fault": {"name": struck.name, "order": struck.struck_dose.dose.order} if struck else None,
        "questions": sorted(asked),
        "set_aside": sorted(fault.set_aside if fault else ()),
    }


def _asked(visit: InventedVisit) -> Iterator[str]:
    """The codes that a visit asks for by itself: stops that nobody charted, two lines at once."""
    given = [dose for dose in visit.administrations if dose.given and not dose.voided]
    if any(not dose.stop_documented and not dose.is_taken_home() for dose in given):
        yield "stop.missing"
    if _has_two_lines_at_once(visit):
        yield "initial.second_line"


def _lines(visit: InventedVisit) -> set[str]:
    return {dose.line for dose in visit.administrations if dose.route == "IV"}


def _has_two_lines_at_once(visit: InventedVisit) -> bool:
    """Whether two drugs ran at one time into two access lines.

    A fluid beside a drug is left out: hydration never opens a line (decision 0004).
    """
    drugs = [
        dose
        for dose in visit.administrations
        if dose.given and not dose.voided and dose.route == "IV" and dose.drugs[0].unit != "mL"
    ]
    return any(
        one.line != other.line and one.start() < _end(other) and other.start() < _end(one)
        for one in drugs
        for other in drugs
    )


def _end(dose: InventedDose) -> datetime:
    """When a dose ends as far as the chart says: at its start, if nobody charted the stop."""
    return dose.stop() if dose.stop_documented else dose.start()
