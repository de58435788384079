"""What cannot be, or hardly: too long, too short, too late, too much, twice, on another day.

It owns the doubts about what was charted, each a function that returns questions. The numbers come
from rules. A doubt changes no code: it asks, because only a person can say whether the chart or the
order is wrong. Example: carboplatin ran from 09:00 to 10:00 of the next day, and the order says 60
minutes. 25 hours are more than three times the order, so the stop is asked about.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from chargeline.engine.again import DOUBTS, SavedWork
from chargeline.engine.edits.concerns import (
    CANCELLED_ORDER,
    DOSE,
    GIVEN_TWICE,
    LEFT_PAUSED,
    ONE_MOMENT,
    OUTSIDE_VISIT,
    PUSH_TOOK_LONG,
    RUNS_LONG,
    RUNS_SHORT,
    STOP_TO_COME,
)
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import DrugAmount
from chargeline.engine.finding import FindingCode
from chargeline.engine.quantities import convert, plain
from chargeline.engine.rules import NO_FACTS, Concern, DayRules, NoFacts
from chargeline.engine.services.concerns import OfClass
from chargeline.engine.services.records import FLUIDS, Service
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import Question, ask
from chargeline.engine.words import IS_YES

_Answer = TypeVar("_Answer", bound=tuple[Any, ...])
_MINUTE = timedelta(minutes=1)
_INFUSED = frozenset({"infusion", "arterial_infusion", "subcutaneous_infusion"})


def doubts(assessment: Assessment, saved: SavedWork) -> tuple[Question, ...]:
    """All doubts about the administrations of an encounter that were given."""
    rules, context = assessment.rules, assessment.context
    given = [
        service for service in assessment.services if service.administration.given and service.drugs
    ]
    asked: list[Question] = []
    for service in given:
        name = (service.administration.key, rules.policy)
        of_one = saved.again(DOUBTS, name, doubts_of_one, service, rules, context)
        asked += of_one
    asked += _given_twice(given, rules)
    return tuple(asked)


def doubts_of_one(service: Service, rules: DayRules, context: VisitContext) -> tuple[Question, ...]:
    """The doubts about one administration, whatever else the encounter has."""
    asked = [question for doubt in _OF_ONE for question in doubt(service, rules)]
    asked += _outside(service, rules, context)
    return tuple(asked)


def _answer(rules: DayRules, concern: Concern[NoFacts, _Answer]) -> _Answer | None:
    """What the rules say; None if no rule says anything, so that nothing is doubted."""
    decision = rules.of(concern).decide(NO_FACTS)
    return decision.answer if decision.rule is not None else None


def _ask(
    service: Service,
    code: FindingCode,
    *,
    expected: str,
    found: str,
    do: str,
    at_stop: bool = False,
) -> Question:
    item = service.administration
    last = item.intervals[-1]
    source = (last.stop_source if at_stop else None) or item.intervals[0].start_source
    return ask(
        code,
        expected=expected,
        found=found,
        do=do,
        drug=service.substance,
        administrations=(item.key,),
        sources=(source,),
    )


# ------------------------------------------------------------------ when


def _left_paused(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where an infusion was paused last: the pause is no stop, nor the bag the dose."""
    answer = _answer(rules, LEFT_PAUSED)
    if answer is None or not service.administration.left_paused:
        return
    question = _ask(
        service,
        "stop.paused",
        expected="a restart or a stop after the pause",
        found="a pause, and nothing after it",
        do="chart the stop and the dose that was given, or the restart",
        at_stop=True,
    )
    yield question._replace(wait_minutes=answer.minutes)


def _one_moment(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where one time is all that is charted of a drug that is mostly infused."""
    item = service.administration
    if service.provisional or service.technique != "push" or not item.may_have_run:
        return
    decision = rules.of(ONE_MOMENT).decide(OfClass(service.service_class))
    if decision.rule is not None and IS_YES[decision.answer.ask]:
        yield _ask(
            service,
            "time.one_moment",
            expected="a stop (RXA-4, or a stopped action), or a push charted as one",
            found="one time, and nothing that says how the drug was given",
            do="chart the stop or the method; until then the drug is drafted as a push",
        )


def _runs_long(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = _answer(rules, RUNS_LONG)
    if answer is None or service.technique not in _INFUSED:
        return
    ordered = service.administration.ordered_minutes
    most = answer.longest_minutes
    if ordered:
        most = ordered * answer.times_ordered + answer.spare_minutes
    if service.minutes > most:
        yield _ask(
            service,
            "time.long",
            expected=f"at most {most} minutes" + (f" (ordered: {ordered})" if ordered else ""),
            found=f"{service.minutes} minutes",
            do="correct the stop, or confirm it; until then the hours are provisional",
            at_stop=True,
        )


def _runs_short(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = _answer(rules, RUNS_SHORT)
    item = service.administration
    ordered = item.ordered_minutes or 0
    if answer is None or item.charted != "interval" or item.partial:
        return
    is_long_order = ordered >= answer.least_ordered_minutes
    if is_long_order and service.minutes * 100 < ordered * answer.percent:
        yield _ask(
            service,
            "time.short",
            expected=f"about the ordered {ordered} minutes for a whole dose",
            found=f"{service.minutes} minutes",
            do="correct the times, or chart that the infusion was stopped early (RXA-20 PA)",
            at_stop=True,
        )


def _push_took_long(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = _answer(rules, PUSH_TOOK_LONG)
    if answer is None or service.administration.method != "push":
        return
    if service.minutes > answer.minutes:
        yield _ask(
            service,
            "time.push",
            expected=f"a push of at most {answer.minutes} minutes",
            found=f"{service.minutes} minutes",
            do="correct the stop, or chart an infusion",
            at_stop=True,
        )


def _stop_to_come(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = _answer(rules, STOP_TO_COME)
    if answer is None:
        return
    for interval in service.administration.intervals:
        if interval.stop is None or interval.stop_source is None:
            continue
        sent = interval.stop_source.message.sent
        if sent is not None and interval.stop > sent + answer.minutes * _MINUTE:
            early = (interval.stop - sent) // _MINUTE
            yield _ask(
                service,
                "time.to_come",
                expected="a stop that had happened when the message was sent",
                found=f"a stop {early} minutes after the message",
                do="chart the stop when it has happened; a planned end is none",
                at_stop=True,
            )


def _cancelled_order(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where a drug was begun under an order that had been cancelled before."""
    answer = _answer(rules, CANCELLED_ORDER)
    cancelled = service.administration.cancelled
    if answer is None or cancelled is None:
        return
    if service.administration.start > cancelled + answer.minutes * _MINUTE:
        yield _ask(
            service,
            "order.cancelled",
            expected="an administration that began before its order was cancelled",
            found="one that began after it (ORC-1)",
            do="void the administration, or correct the order or its number",
        )


def _outside(service: Service, rules: DayRules, context: VisitContext) -> Iterator[Question]:
    """A question where a drug was given long before the admission or after the discharge."""
    answer = _answer(rules, OUTSIDE_VISIT)
    start = service.administration.start
    if answer is None:
        return
    begin, end = _begin(context), context.discharged
    is_before = begin is not None and start < begin - timedelta(hours=answer.hours_before)
    is_after = end is not None and start > end + timedelta(hours=answer.hours_after)
    if is_before or is_after:
        yield _ask(
            service,
            "time.outside_visit",
            expected="a day of the visit, from its admission to its discharge",
            found="a day before its admission" if is_before else "a day after its discharge",
            do="correct the day, or move the administration to its visit",
        )


def _begin(context: VisitContext) -> datetime | None:
    """The earliest time at which the visit is known to have begun."""
    times = [since for since, _class in context.classes if since is not None]
    return min([*times, *([context.admitted] if context.admitted else [])], default=None)


# ------------------------------------------------------------------ what and how much


def _dose(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question for each drug whose dose is far from the ordered one."""
    answer = _answer(rules, DOSE)
    item = service.administration
    if answer is None or item.partial or service.service_class in FLUIDS:
        return
    for named in service.drugs:
        ordered = _ordered(named.amount, item.ordered)
        dose = named.amount.amount
        if not ordered or not dose:
            continue
        is_less = dose * 100 < ordered * answer.least_percent
        if is_less or dose * 100 > ordered * answer.most_percent:
            unit = named.amount.unit
            yield _ask(
                service,
                "dose.ordered",
                expected=f"about the ordered {plain(ordered)} {unit}",
                found=f"{plain(dose)} {unit}",
                do="correct the dose, or confirm it; until then its units are provisional",
            )


def _ordered(amount: DrugAmount, ordered: Sequence[DrugAmount]) -> Decimal | None:
    """The ordered amount of the same drug in the same unit; None if the order has none."""
    for other in ordered:
        if other.amount and not set(amount.names).isdisjoint(other.names):
            return convert(other.amount, other.unit, amount.unit)
    return None


def _not_ordered(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where an order names drugs, and none that was given."""
    item = service.administration
    ordered = [name for drug in item.ordered for name in drug.names]
    own = [name for drug in item.drugs for name in drug.names]
    first_words = {_ingredient(name) for name in ordered}
    if ordered and first_words.isdisjoint([_ingredient(name) for name in own]):
        yield _ask(
            service,
            "drug.not_ordered",
            expected=f"the ordered drug, {ordered[-1]}",
            found=service.substance,
            do="correct the drug or the order number; until then its lines are provisional",
        )


def _ingredient(name: str) -> str:
    """The first word of a name: trastuzumab and trastuzumab-dkst are one ingredient."""
    return name.lower().replace("_", "-").replace(" ", "-").partition("-")[0]


def _given_twice(services: Sequence[Service], rules: DayRules) -> Iterator[Question]:
    """A question for each pair of administrations that look like one bag charted twice.

    They have the same drug in the same amount at nearly the same times. Two syringes that make up
    one ordered dose are no double: each has less than the order. The services are in the order of
    the clock, so each is compared with those that began shortly after it only.
    """
    answer = _answer(rules, GIVEN_TWICE)
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
    question = _ask(
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
    whole = _ordered(first.drugs[0].amount, one.ordered)
    part_of_a_dose = whole is not None and (amounts[0][0] or 0) * 2 <= whole
    if one.order == other.order and whole is None:
        return one.route == "intravenous" and one.intervals[-1].stop == other.intervals[-1].stop
    return not part_of_a_dose


_OF_ONE: tuple[Callable[[Service, DayRules], Iterator[Question]], ...] = (
    _left_paused,
    _one_moment,
    _runs_long,
    _runs_short,
    _push_took_long,
    _stop_to_come,
    _cancelled_order,
    _dose,
    _not_ordered,
)
