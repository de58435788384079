"""What a nurse charts wrongly: times, doses, orders and drugs that are not what was given.

This module owns the faults of a chart, each a function from the charted doses or records of a visit
to wrong ones. What truly happened stays as it is: truth.json tells it, and the messages do not.
faults.py says which fault strikes and what should be asked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from chargeline.simulator.charting import MINUTE, ChartedRecord
from chargeline.simulator.vials import plain
from chargeline.simulator.visits import Amount, InventedDose, InventedVisit

Records = list[ChartedRecord]
_DAY = timedelta(days=1)
_YEAR = timedelta(days=364)  # the same day of the week


class StruckDose(NamedTuple):
    """The visit and the dose that a fault strikes, and the chance for its details."""

    visit: InventedVisit
    dose: InventedDose
    chance: Random

    def new_order(self, ordinal: int) -> str:
        """The number of an order that the visit does not have: 1 for the first one, and so on."""
        return f"F{self.visit.serial()}-{90 + ordinal}"

    def changed(
        self, records: Sequence[ChartedRecord], change: Callable[[ChartedRecord], ChartedRecord]
    ) -> Records:
        """The records, with those of the struck dose changed."""
        return [
            change(record) if record.administration.order == self.dose.order else record
            for record in records
        ]

    def own(self, records: Sequence[ChartedRecord]) -> Records:
        """The records of the struck dose."""
        return [record for record in records if record.administration.order == self.dose.order]


# ------------------------------------------------------------------ when


def stop_one_day_late(struck: StruckDose, records: Records) -> Records:
    """The stop has the date of the next day, and the record was charted after it."""
    last = struck.own(records)[-1]
    late = replace(last, charted=max(last.charted, last.start) + _DAY)
    if last.action:
        return [replace(late, start=last.start + _DAY) if r is last else r for r in records]
    assert last.end is not None, "faults.py strikes doses with a stop only"
    return [replace(late, end=last.end + _DAY) if record is last else record for record in records]


def planned_stop(struck: StruckDose, records: Records) -> Records:
    """The whole infusion is charted a minute after its start, with the stop that is planned."""
    return struck.changed(records, lambda record: replace(record, charted=record.start + MINUTE))


def push_of_hours(struck: StruckDose, records: Records) -> Records:
    """The stop of a push is charted hours after its start."""
    hours = timedelta(hours=struck.chance.randint(2, 4))

    def change(record: ChartedRecord) -> ChartedRecord:
        end = record.start + hours
        return replace(record, end=end, charted=end + MINUTE)

    return struck.changed(records, change)


def never_resumed(struck: StruckDose, records: Records) -> Records:
    """New bag and paused, and then nothing: neither a restart nor a stop."""
    first = struck.own(records)[0]
    half = first.start + (struck.dose.stop() - first.start) // (2 * MINUTE) * MINUTE
    paused = replace(
        first,
        action="Paused",
        start=half,
        charted=half + MINUTE,
        count=2,
        drugs=(),
        rate=0,
    )
    others = [r for r in records if r.administration.order != struck.dose.order]
    return [*others, first, paused]


def another_year(struck: StruckDose, records: Records) -> Records:
    """The year of all times of a dose is the one before."""

    def change(record: ChartedRecord) -> ChartedRecord:
        end = record.end - _YEAR if record.end else None
        return replace(record, start=record.start - _YEAR, end=end)

    return struck.changed(records, change)


def one_moment(struck: StruckDose, doses: tuple[InventedDose, ...]) -> tuple[InventedDose, ...]:
    """An infusion of which one time is all that is charted or ordered: no stop, method or rate."""
    bare = replace(
        struck.dose, method="", device="", rates=(), ordered_minutes=0, stop_documented=False
    )
    return tuple(bare if dose is struck.dose else dose for dose in doses)


# ------------------------------------------------------------------ what and how much


def ten_times_the_dose(struck: StruckDose, records: Records) -> Records:
    """RXA-6 has a nought too many, and nobody corrects it."""
    return struck.changed(records, lambda record: replace(record, drugs=_times(record.drugs, "10")))


def _times(drugs: tuple[Amount, ...], factor: str) -> tuple[Amount, ...]:
    return tuple(
        drug._replace(amount=plain(Decimal(drug.amount) * Decimal(factor))) for drug in drugs
    )


def corrected_back(struck: StruckDose, records: Records) -> Records:
    """A right dose is corrected to a wrong one, and that is corrected back (RXA-21 A, U, U)."""
    return [*records, *_there_and_back(struck.own(records)[0])]


def corrected_back_by_updates(struck: StruckDose, records: Records) -> Records:
    """The same by a sender that writes U in each record: the last is the first once more."""
    updates = struck.changed(records, lambda record: replace(record, status="U"))
    return corrected_back(struck, updates)


def _there_and_back(first: ChartedRecord) -> Iterator[ChartedRecord]:
    wrong = replace(first, drugs=_times(first.drugs, "0.9"))
    for minutes, record in ((30, wrong), (60, first)):
        yield replace(record, status="U", charted=first.charted + minutes * MINUTE)


def under_two_orders(
    struck: StruckDose, doses: tuple[InventedDose, ...]
) -> tuple[InventedDose, ...]:
    """One bag is ordered again under a new number, and charted under both."""
    return (*doses, replace(struck.dose, order=struck.new_order(1)))


def in_two_records(struck: StruckDose, records: Records) -> Records:
    """One bag is sent again as the next record (RXA-2), charted a minute later."""
    last = struck.own(records)[-1]
    again = replace(last, count=last.count + 1, charted=last.charted + MINUTE)
    return [*records, again]


def under_another_order(struck: StruckDose, records: Records) -> Records:
    """A dose is charted under the order of the drug before it."""
    other = order_before(struck.visit, struck.dose)
    assert other is not None, "faults.py strikes doses that come after another one only"

    def change(record: ChartedRecord) -> ChartedRecord:
        dose = replace(record.administration, order=other.order)
        return replace(record, administration=dose, count=record.count + 50)

    return struck.changed(records, change)


def order_before(visit: InventedVisit, dose: InventedDose) -> InventedDose | None:
    """The infusion of another drug that ended before this one, and took about as long."""
    for other in visit.administrations:
        about = (
            other.ordered_minutes
            and dose.ordered_minutes * 2 <= other.ordered_minutes * 3
            and other.ordered_minutes <= dose.ordered_minutes * 3
        )
        if about and other.stop() <= dose.start() and _is_one_infusion(other):
            return other
    return None


def _is_one_infusion(dose: InventedDose) -> bool:
    named = len(dose.drugs) == 1 and dose.drugs[0].unit != "mL"
    return named and dose.given and not dose.voided and dose.stop_documented


# ------------------------------------------------------------------ beside the drugs


def another_line(struck: StruckDose, doses: tuple[InventedDose, ...]) -> tuple[InventedDose, ...]:
    """A dose runs into another access line than the rest, and at another time."""
    moved = replace(struck.dose, line="L-ARM" if struck.dose.line != "L-ARM" else "R-ARM")
    return tuple(moved if dose is struck.dose else dose for dose in doses)


def lock_and_flush(struck: StruckDose, doses: tuple[InventedDose, ...]) -> tuple[InventedDose, ...]:
    """Saline and heparin serve the line at the end, and nothing calls them a flush or a lock."""
    moment = max(dose.stop() for dose in doses if not dose.is_taken_home()) + 2 * MINUTE
    served = replace(
        struck.dose,
        vehicle=None,
        volume_ml=0,
        method="push",
        device="",
        intervals=((moment, moment),),
        rates=(),
        ordered_minutes=0,
        stop_documented=True,
    )
    saline = replace(
        served, order=struck.new_order(1), drugs=(Amount("normal-saline", "10", "mL"),)
    )
    lock = replace(served, order=struck.new_order(2), drugs=(Amount("heparin", "500", "unit"),))
    return (*doses, saline, lock)


def finished_in_other_words(struck: StruckDose, records: Records) -> Records:
    """What was done is written in words that no interface profile has."""

    def change(record: ChartedRecord) -> ChartedRecord:
        if not record.action:
            return replace(record, completion="Infusion Complete")
        is_stop = record.action == "Stopped"
        return replace(record, action="Infusion Complete") if is_stop else record

    return struck.changed(records, change)


def pump_taken_off(struck: StruckDose, records: Records) -> Records:
    """The stop of a home pump, under the visit in which it is taken off."""
    stop = ChartedRecord(
        administration=struck.dose,
        count=9,
        start=struck.dose.stop(),
        end=None,
        charted=struck.dose.stop() + MINUTE,
        drugs=(),
        action="Stopped",
    )
    return [*records, stop]
