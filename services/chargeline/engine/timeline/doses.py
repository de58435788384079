"""How much of which drug one dose is, from the rows that chart it.

It owns which rows count: the amount of a row counts when a bag is hung, and not when the bag is
paused or stopped. It does not know products: the formulary names them later.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from chargeline.engine.events import DrugAmount, Record, Source, VialCode, WastedAmount
from chargeline.engine.ndc import ndc11
from chargeline.engine.timeline.corrections import address
from chargeline.engine.timeline.orders import Order
from chargeline.engine.timeline.records import Problem, problem_at
from chargeline.engine.timeline.running_dose import TOUCHING, RunningDose

# These actions say how a dose went on, and not what was hung.
_GOES_ON = frozenset({"pause", "restart", "stop", "rate", "verify"})


class Amounts(NamedTuple):
    """The drugs of a dose, where the first drug stood, and what must be asked about them."""

    drugs: tuple[DrugAmount, ...]
    source: Source
    problems: tuple[Problem, ...] = ()


def amounts_of(dose: RunningDose, order: Order) -> Amounts:
    """The drugs of a dose, with the amounts of its bags added up.

    The order's drugs count where no row names a drug. Two rows of 450 mg, each with start and stop,
    are one dose of 450 mg where the order says 450 mg. A stop that charts 300 mg of a bag of 450 mg
    means that 300 mg were given, and a person is asked.
    """
    rows = [record for record in dose.records if record.drugs]
    if not rows:
        return Amounts(order.drugs, order.source or address(dose.first, "5"))
    source = Source(rows[0].message, rows[0].drugs[0].address)
    hung = [record for record in rows if record.action not in _GOES_ON]
    if not any(drug.amount for record in hung for drug in record.drugs):
        hung = rows
    is_one_dose = len(hung) == 1 or _repeats_the_order(hung, order)
    drugs = hung[0].drugs if is_one_dose else _added(hung)
    repeated = () if is_one_dose or not _repeat_each_other(hung, order) else (_repeated(hung[1]),)
    last = rows[-1]
    if last.action != "stop" or last in hung:
        return Amounts(drugs, source, repeated)
    disagreeing = [drug.codes for drug in drugs if _charted_less_or_more(drug, last)]
    problems = (*repeated, *[_doses_disagree(last) for _codes in disagreeing])
    return Amounts(tuple([_smaller(drug, last) for drug in drugs]), source, problems)


_Told = TypeVar("_Told", VialCode, WastedAmount)


def told_once(dose: RunningDose, of_rows: Sequence[tuple[_Told, ...]]) -> tuple[_Told, ...]:
    """What the rows of a dose tell of vials or waste, without what a later row repeats.

    Each bag that is hung has its own vials, also where they are like those of the bag before. A row
    by which the bag only goes on repeats what was told, as often as it was told: one that pauses or
    stops the bag, and one that resumes it and charts no amount. Two scans of one NDC at the start
    and two at the restart are two vials, and a third at the restart is one more.
    """
    if not any(of_rows):
        return ()
    told: list[_Told] = []
    seen: Counter[_Slot] = Counter()
    has_amount = any(_charts_amount(record) for record in dose.records)
    for number, (record, items) in enumerate(zip(dose.records, of_rows, strict=True)):
        goes_on = record.action in _GOES_ON or (has_amount and not _charts_amount(record))
        left = Counter(seen) if number and goes_on else Counter()
        for item in items:
            slot = _slot(item)
            before = _told_before(slot, left)
            if before is not None:
                left[before] -= 1
                continue
            seen[slot] += 1
            told.append(item._replace(message=record.message))
    return tuple(told)


def _charts_amount(record: Record) -> bool:
    return any(drug.amount for drug in record.drugs)


class _Slot(NamedTuple):
    """What is told, wherever it stood; rows of one message have fields of different names."""

    what: str
    unit: str = ""
    lot: str = ""


def _slot(item: VialCode | WastedAmount) -> _Slot:
    """An NDC may be written with hyphens in one row and without in another."""
    if isinstance(item, WastedAmount):
        return _Slot(str(item.amount), item.unit)
    scanned = "scanned" if item.scanned else "named"
    return _Slot(ndc11(item.ndc) or item.ndc, scanned, item.lot)


def _told_before(slot: _Slot, left: Counter[_Slot]) -> _Slot | None:
    """What a row repeats: the same. One of two rows may lack the lot."""
    if left[slot]:
        return slot
    alike = [before for before, count in left.items() if count and before[:2] == slot[:2]]
    return next((before for before in alike if not (before.lot and slot.lot)), None)


def _repeats_the_order(hung: Sequence[Record], order: Order) -> bool:
    """Whether each of several rows, all with start and stop, carries the whole ordered amount."""
    ordered = {(drug.amount, drug.unit) for drug in order.drugs if drug.amount}
    charted = {(drug.amount, drug.unit) for record in hung for drug in record.drugs if drug.amount}
    is_repeated = len(charted) == 1 and charted <= ordered
    return is_repeated and all(record.until is not None for record in hung)


def _repeat_each_other(hung: Sequence[Record], order: Order) -> bool:
    """Whether rows without a gap have one and the same amount, and no order says how much.

    Some senders write a row for each rate, each with the amount of the whole bag.
    """
    charted = {tuple([(drug.amount, drug.unit) for drug in record.drugs]) for record in hung}
    is_ordered = any(drug.amount for drug in order.drugs)
    has_no_gap = all(
        first.until is not None and second.at - first.until <= TOUCHING
        for first, second in pairwise(hung)
    )
    return len(charted) == 1 and has_no_gap and not is_ordered


def _added(hung: Sequence[Record]) -> tuple[DrugAmount, ...]:
    """The amounts of several bags added up, for each drug and unit.

    Where the amount of one bag is not known, the sum is not known either.
    """
    unknown = {drug.codes: drug for record in hung for drug in record.drugs if drug.is_unknown}
    totals: dict[tuple[object, ...], DrugAmount] = {}
    for record in hung:
        for drug in record.drugs:
            slot = (drug.codes, drug.component, drug.unit if drug.amount else "")
            before = totals.get(slot)
            if before is None:
                totals[slot] = drug
            elif drug.amount:
                totals[slot] = before._replace(amount=(before.amount or 0) + drug.amount)
    sums = [drug for drug in totals.values() if drug.codes not in unknown]
    return _without_empty_doubles([*sums, *unknown.values()])


def _without_empty_doubles(totals: Iterable[DrugAmount]) -> tuple[DrugAmount, ...]:
    """Drop an entry without an amount where the same drug has one.

    Such an entry comes from a row that repeats the drug with an amount of 0.
    """
    drugs = list(totals)
    dosed = {(drug.codes, drug.component) for drug in drugs if drug.amount}
    return tuple(
        [drug for drug in drugs if drug.amount or (drug.codes, drug.component) not in dosed]
    )


def _at_stop(drug: DrugAmount, stop: Record) -> DrugAmount | None:
    """The stop's own amount of a drug, in the same unit; None if the stop charts no such amount."""
    charted = {each.codes: each for each in stop.drugs if each.amount and not each.is_unknown}
    other = charted.get(drug.codes)
    return other if other is not None and drug.amount and other.unit == drug.unit else None


def _charted_less_or_more(drug: DrugAmount, stop: Record) -> bool:
    other = _at_stop(drug, stop)
    return other is not None and other.amount != drug.amount


def _smaller(drug: DrugAmount, stop: Record) -> DrugAmount:
    """The drug with the smaller of the two amounts, where the stop charts another one."""
    other = _at_stop(drug, stop)
    if other is None or other.amount is None or drug.amount is None:
        return drug
    return drug._replace(amount=min(drug.amount, other.amount))


def _doses_disagree(stop: Record) -> Problem:
    return problem_at(
        address(stop, "6"),
        "dose.disagrees",
        expected="in RXA-6 of the stop the amount of the start, or no amount",
        found="another amount than the one at the start",
        do="say which amount was given; until then the smaller one is billed",
    )


def _repeated(row: Record) -> Problem:
    return problem_at(
        address(row, "6"),
        "dose.repeated",
        expected="in each of several rows without a gap the amount of that row",
        found="the same amount in all of them, and no order that says how much",
        do="say how much was given in all; until then the amounts are added up",
    )
