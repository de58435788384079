"""How much of which drug one dose is, from the rows that chart it.

It owns which rows count: an amount counts where a bag was hung, not where it was paused or stopped.
It names no product; that is the formulary's.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chargeline.engine.events import DrugAmount, Record, Source
from chargeline.engine.timeline.corrections import address
from chargeline.engine.timeline.orders import Order
from chargeline.engine.timeline.records import Problem, problem_at
from chargeline.engine.timeline.running import RunningDose

# These say how a dose went on, not what was hung.
_GOES_ON = frozenset({"pause", "restart", "stop", "rate", "verify"})


class Amounts(NamedTuple):
    """The drugs of a dose, where the first of them stood, and what must be asked about them."""

    drugs: tuple[DrugAmount, ...]
    source: Source
    problems: tuple[Problem, ...] = ()


def amounts_of(dose: RunningDose, order: Order) -> Amounts:
    """The drugs of a dose: amounts of its bags added up, the order's where no row names any.

    Closed rows that each repeat the ordered dose are one dose. Where the stop charts less than was
    hung, less was given.
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
    last = rows[-1]
    if last.action != "stop" or last in hung:
        return Amounts(drugs, source)
    disagreeing = [drug.codes for drug in drugs if _charted_less_or_more(drug, last)]
    problems = tuple([_doses_disagree(last) for _codes in disagreeing])
    return Amounts(tuple([_smaller(drug, last) for drug in drugs]), source, problems)


def _repeats_the_order(hung: Sequence[Record], order: Order) -> bool:
    """Whether several closed rows each carry what the order says in all."""
    ordered = {(drug.amount, drug.unit) for drug in order.drugs if drug.amount}
    charted = {(drug.amount, drug.unit) for record in hung for drug in record.drugs if drug.amount}
    is_repeated = len(charted) == 1 and charted <= ordered
    return is_repeated and all(record.until is not None for record in hung)


def _added(hung: Sequence[Record]) -> tuple[DrugAmount, ...]:
    """The amounts of several bags added up, each drug and unit by itself."""
    totals: dict[tuple[object, ...], DrugAmount] = {}
    for record in hung:
        for drug in record.drugs:
            slot = (drug.codes, drug.component, drug.unit if drug.amount else "")
            before = totals.get(slot)
            if before is None:
                totals[slot] = drug
            elif drug.amount:
                totals[slot] = before._replace(amount=(before.amount or 0) + drug.amount)
    return _without_empty_doubles(totals.values())


def _without_empty_doubles(totals: Iterable[DrugAmount]) -> tuple[DrugAmount, ...]:
    """Drop an entry with no amount when the same drug has one (a stop row repeats the drug with
    0).
    """
    drugs = list(totals)
    dosed = {(drug.codes, drug.component) for drug in drugs if drug.amount}
    return tuple(
        [drug for drug in drugs if drug.amount or (drug.codes, drug.component) not in dosed]
    )


def _at_stop(drug: DrugAmount, stop: Record) -> DrugAmount | None:
    """What the stop charts of a drug, in the same unit; None if it charts nothing of it."""
    charted = {other.codes: other for other in stop.drugs if other.amount}
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
        expected="the amount of the start again, or none, in the stop's RXA-6",
        found="another amount than the one at the start",
        do="say which was given; until then the smaller is billed",
    )
