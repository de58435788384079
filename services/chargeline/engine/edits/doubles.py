"""Doubts about doubles: one bag or syringe that stands in two records.

It owns the doubts that compare administrations, of one visit and of the patient's other visits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from chargeline.engine.edits.amounts import order_of
from chargeline.engine.edits.asking import doubt, number_of, number_of_class
from chargeline.engine.edits.concerns import GIVEN_TWICE, MORE_THAN_ORDERED
from chargeline.engine.events import DrugAmount
from chargeline.engine.quantities import convert, plain
from chargeline.engine.record import dose_slot
from chargeline.engine.rules import DayRules
from chargeline.engine.services.records import FLUIDS, Service
from chargeline.engine.trace import Question

_MINUTE = timedelta(minutes=1)


def given_twice(services: Sequence[Service], rules: DayRules) -> Iterator[Question]:
    """A question for each pair of administrations that look like one bag charted twice.

    They have the same drug in the same amount at nearly the same times. Two syringes that make up
    one ordered dose are no double: each has less than the order. The services are in the order of
    the clock, so each is compared with those that began shortly after it only.
    """
    answer = number_of(rules, GIVEN_TWICE)
    if answer is None:
        return
    within = answer.minutes * _MINUTE
    asked: set[str] = set()
    for first, second in _close_together(services, within):
        if _is_one_bag(first, second):
            asked.add(second.administration.key)
            yield _twice(first, second, "the same drug, amount and times in two records")
    for first, second in _beside_themselves(services, within):
        if second.administration.key not in asked:
            yield _twice(first, second, "the same drug running in two records at once")


def _twice(first: Service, second: Service, found: str) -> Question:
    question = doubt(
        second,
        "dose.twice",
        expected="one record of each bag or syringe",
        found=found,
        do="void one of them, or confirm that two were given",
    )
    keys = (first.administration.key, second.administration.key)
    return question._replace(administrations=keys)


def _beside_themselves(
    services: Sequence[Service], within: timedelta
) -> Iterator[tuple[Service, Service]]:
    """Infusions of a drug that run while another infusion of the drug runs, with that other one.

    Nobody hangs two bags of one drug at once, whatever the amounts: 450 mg at 09:00 and 0.45 g at
    09:03 are one bag. Fluids and blood may run in several bags.
    """
    running: dict[str, tuple[datetime, Service]] = {}
    for service in services:
        item = service.administration
        stop = item.intervals[-1].stop
        if service.technique != "infusion" or service.service_class in _IN_SEVERAL_BAGS:
            continue
        before = running.get(service.substance)
        if before is not None and before[0] - item.start > within:
            yield before[1], service
        if stop is not None and (before is None or stop > before[0]):
            running[service.substance] = (stop, service)


_IN_SEVERAL_BAGS = FLUIDS | {"blood"}


def _close_together(
    services: Sequence[Service], within: timedelta
) -> Iterator[tuple[Service, Service]]:
    for place, first in enumerate(services):
        for other in range(place + 1, len(services)):
            second = services[other]
            if second.administration.start - first.administration.start > within:
                break
            yield first, second


def _is_one_bag(first: Service, second: Service) -> bool:
    one, other = first.administration, second.administration
    if first.substance != second.substance or first.service_class in ("flush", "blood"):
        return False
    amounts = [(named.amount.amount, named.amount.unit) for named in first.drugs]
    if amounts != [(named.amount.amount, named.amount.unit) for named in second.drugs]:
        return False
    if not any(amount for amount, _unit in amounts):
        return False
    whole = _ordered(first, one.ordered)
    part_of_a_dose = whole is not None and (amounts[0][0] or 0) * 2 <= whole
    if one.order == other.order and whole is None:
        return one.route == "intravenous" and one.intervals[-1].stop == other.intervals[-1].stop
    return not part_of_a_dose


def _ordered(service: Service, ordered: Sequence[DrugAmount]) -> Decimal | None:
    """The ordered amount of the first drug, in the unit that was charted; None without one."""
    amount = service.drugs[0].amount
    order = order_of(amount, ordered)
    if order is None or order.amount is None:
        return None
    return convert(order.amount, order.unit, amount.unit)


def more_than_ordered(services: Sequence[Service], rules: DayRules) -> Iterator[Question]:
    """A question for each dose with which an order has given far more than it says.

    Chemotherapy of 450 mg that is charted at 09:00 and, complete, at 10:30 under one order of 450
    mg was given once. An order for several doses gives them further apart.
    """
    sums: dict[tuple[str, str], tuple[Decimal, Service]] = {}
    for service in services:
        answer = number_of_class(rules, MORE_THAN_ORDERED, service)
        item = service.administration
        ordered = _ordered(service, item.ordered) if answer is not None else None
        dose = service.drugs[0].amount.amount
        if answer is None or not ordered or not dose:
            continue
        order = (item.order, service.substance)
        before, last = sums.get(order, (Decimal(0), service))
        if item.start - last.administration.start > answer.minutes * _MINUTE:
            before = Decimal(0)
        sums[order] = (before + dose, service)
        if before and (before + dose) * 100 > ordered * answer.percent:
            unit = service.drugs[0].amount.unit
            found = f"{plain(before + dose)} {unit} under an order of {plain(ordered)} {unit}"
            yield _twice(last, service, found)


def given_elsewhere(
    services: Sequence[Service], rules: DayRules, elsewhere: frozenset[str]
) -> Iterator[Question]:
    """A question for each dose that stands at the same minute under another visit.

    `elsewhere` are the doses of the patient's other visits, as `dose_slot` names them.
    """
    if not elsewhere or number_of(rules, GIVEN_TWICE) is None:
        return
    for service in services:
        item = service.administration
        if any(dose_slot(named.drug.id, item.start).about in elsewhere for named in service.drugs):
            yield doubt(
                service,
                "dose.other_visit",
                expected="one visit for each dose",
                found="the same drug at the same minute under another visit of the patient",
                do="void it under the visit to which it does not belong, or confirm both",
            )
