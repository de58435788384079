"""Doubts about when: too long, too short, planned, paused for good, on another day.

It owns these doubts, each a function of one administration that yields questions. It knows no
amount.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from chargeline.engine.edits.asking import doubt, number_of, number_of_class
from chargeline.engine.edits.concerns import (
    CANCELLED_ORDER,
    LEFT_PAUSED,
    ONE_MOMENT,
    PUSH_TOOK_LONG,
    RUNS_LONG,
    RUNS_SHORT,
    STOP_TO_COME,
)
from chargeline.engine.rules import DayRules
from chargeline.engine.services.records import Service
from chargeline.engine.stays import OUTSIDE_IN_WORDS, outside
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import Question
from chargeline.engine.words import IS_YES

_MINUTE = timedelta(minutes=1)
_INFUSED = frozenset({"infusion", "arterial_infusion", "subcutaneous_infusion"})


def _left_paused(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where an infusion was paused last: the pause is no stop, nor the bag the dose."""
    answer = number_of(rules, LEFT_PAUSED)
    if answer is None or not service.administration.left_paused:
        return
    question = doubt(
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
    answer = number_of_class(rules, ONE_MOMENT, service)
    if answer is not None and IS_YES[answer.ask]:
        yield doubt(
            service,
            "time.one_moment",
            expected="a stop (RXA-4, or a stopped action), or a push charted as one",
            found="one time, and nothing that says how the drug was given",
            do="chart the stop or the method; until then the drug is drafted as a push",
        )


def _runs_long(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = number_of_class(rules, RUNS_LONG, service)
    if answer is None or service.technique not in _INFUSED:
        return
    ordered = service.administration.ordered_minutes
    most = answer.longest_minutes
    if ordered:
        most = ordered * answer.times_ordered + answer.spare_minutes
    if service.minutes > most:
        yield doubt(
            service,
            "time.long",
            expected=f"at most {most} minutes" + (f" (ordered: {ordered})" if ordered else ""),
            found=f"{service.minutes} minutes",
            do="correct the stop, or confirm it; until then the hours are provisional",
            at_stop=True,
        )


def _runs_short(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = number_of(rules, RUNS_SHORT)
    item = service.administration
    ordered = item.ordered_minutes or 0
    if answer is None or item.charted != "interval" or item.partial:
        return
    is_long_order = ordered >= answer.least_ordered_minutes
    if is_long_order and service.minutes * 100 < ordered * answer.percent:
        yield doubt(
            service,
            "time.short",
            expected=f"about the ordered {ordered} minutes for a whole dose",
            found=f"{service.minutes} minutes",
            do="correct the times, or chart that the infusion was stopped early (RXA-20 PA)",
            at_stop=True,
        )


def _push_took_long(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = number_of(rules, PUSH_TOOK_LONG)
    if answer is None or service.administration.method != "push":
        return
    if service.minutes > answer.minutes:
        yield doubt(
            service,
            "time.push",
            expected=f"a push of at most {answer.minutes} minutes",
            found=f"{service.minutes} minutes",
            do="correct the stop, or chart an infusion",
            at_stop=True,
        )


def _stop_to_come(service: Service, rules: DayRules) -> Iterator[Question]:
    answer = number_of(rules, STOP_TO_COME)
    if answer is None:
        return
    for interval in service.administration.intervals:
        if interval.stop is None or interval.stop_source is None:
            continue
        sent = interval.stop_source.message.sent
        if sent is not None and interval.stop > sent + answer.minutes * _MINUTE:
            early = (interval.stop - sent) // _MINUTE
            yield doubt(
                service,
                "time.to_come",
                expected="a stop that had happened when the message was sent",
                found=f"a stop {early} minutes after the message",
                do="chart the stop when it has happened; a planned end is none",
                at_stop=True,
            )


def _cancelled_order(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where a drug was begun under an order that was no longer in force."""
    answer = number_of(rules, CANCELLED_ORDER)
    cancelled = service.administration.cancelled
    if answer is None or cancelled is None:
        return
    if service.administration.start > cancelled + answer.minutes * _MINUTE:
        yield doubt(
            service,
            "order.cancelled",
            expected="an administration that began while its order was in force",
            found="one that began after the order was cancelled, held or replaced (ORC-1)",
            do="void the administration, or correct the order or its number",
        )


def outside_visit(service: Service, rules: DayRules, context: VisitContext) -> Iterator[Question]:
    """A question where a drug was given long before the admission or after the discharge."""
    start = service.administration.start
    side = outside(start, start, context, rules)
    if side:
        yield doubt(
            service,
            "time.outside_visit",
            expected="a day of the visit, from its admission to its discharge",
            found=OUTSIDE_IN_WORDS[side],
            do="correct the day, or move the administration to its visit",
        )


DOUBTS_OF_TIME: tuple[Callable[[Service, DayRules], Iterator[Question]], ...] = (
    _left_paused,
    _one_moment,
    _runs_long,
    _runs_short,
    _push_took_long,
    _stop_to_come,
    _cancelled_order,
)
