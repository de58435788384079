"""From the rows that a nurse charted about one order to the administrations of the order.

It owns the order of the steps: which rows stand, in which stretches the drug ran, and how much of
which drug was given. Each step has its own file. It knows no codes, and it never invents a stop: an
infusion without a charted stop stays open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chargeline.engine.events import OrderFact, Record
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.corrections import address, clock, standing_records
from chargeline.engine.timeline.doses import amounts_of, told_once
from chargeline.engine.timeline.orders import Order, merge_order_facts
from chargeline.engine.timeline.records import Administration, Interval, Problem
from chargeline.engine.timeline.running import BagChange, doses_of
from chargeline.engine.timeline.running_dose import RunningDose
from chargeline.engine.words import Charting, MethodCharted

_new_administration = by_keyword(Administration)

# By these methods a drug is given by hand or at one moment, whatever else is charted.
_AT_ONE_MOMENT = frozenset({"push", "on_body", "refill", "irrigation"})


class OrderHistory(NamedTuple):
    """The administrations of an order, and the problems that none of them carries.

    A row that was voided and then sent again leaves a question and no administration.
    """

    administrations: tuple[Administration, ...] = ()
    unplaced: tuple[Problem, ...] = ()


def history_of(
    order_number: str,
    records: Sequence[Record],
    *,
    chatter: Sequence[Record],
    facts: Iterable[OrderFact],
    sent_again: Mapping[str, datetime],
    bag_change: BagChange,
) -> OrderHistory:
    """All administrations of one order, from its rows, its rate changes and its order messages.

    `chatter` holds rate changes and verifications. Rate changes count where a row says that the
    infusion was paused. All of the chatter counts where nothing else is charted. `sent_again` holds
    the last MSH-7 of messages that were sent again with the same body.
    """
    standing, problems = standing_records(records, sent_again)
    if chatter and (not standing or any(record.action == "pause" for record in standing)):
        rates = [record for record in chatter if record.action == "rate"] if standing else chatter
        standing = sorted([*standing, *rates], key=clock)
    order = merge_order_facts(facts, sent_again)
    doses = doses_of(standing, order, bag_change)
    administrations = _with_unique_keys(
        [_administration(order_number, dose, order) for dose in doses]
    )
    if not administrations:
        return OrderHistory((), tuple(problems))
    if problems:
        last = administrations[-1]
        administrations[-1] = last._replace(problems=last.problems + tuple(problems))
    return OrderHistory(tuple(administrations))


def _with_unique_keys(administrations: list[Administration]) -> list[Administration]:
    """Number administrations that share a key, because some senders write RXA-2 = 1 for each dose.

    Three administrations with the key R1#1 become R1#1, R1#1.2 and R1#1.3.
    """
    counts: dict[str, int] = {}
    unique = []
    for item in administrations:
        count = counts[item.key] = counts.get(item.key, 0) + 1
        unique.append(item if count == 1 else item._replace(key=f"{item.key}.{count}"))
    return unique


def _administration(order_number: str, dose: RunningDose, order: Order) -> Administration:
    first = dose.first
    intervals = _intervals(dose)
    amounts = amounts_of(dose, order)
    given = not (first.action == "not_given" or first.completion == "not_given")
    method = first.method or order.method
    moment = _is_one_moment(first, method)
    charted = _charted(dose, intervals, moment) if given else "instant"
    return _new_administration(
        key=f"{order_number}#{first.local_number or first.sub_id or '1'}",
        order=order_number,
        day=first.day,
        drugs=amounts.drugs,
        drug_source=amounts.source,
        charted=charted,
        intervals=tuple(intervals),
        route=first.route or order.route,
        route_text=first.route_text or order.route_text,
        method="push" if first.action == "push" else method,
        line=first.line or order.line,
        device=first.device or order.device,
        rate=first.rate,
        ordered_minutes=order.minutes,
        purpose=next((record.purpose for record in dose.records if record.purpose), ""),
        given=given,
        may_have_run=given and charted == "instant" and not moment,
        bolus_of_running_bag=dose.is_bolus,
        partial=any(record.completion == "partial" for record in dose.records),
        primary=order.primary or any(record.primary for record in dose.records),
        problems=(*dose.problems, *amounts.problems),
        wasted=told_once(dose, [record.wasted for record in dose.records]),
        ordered=order.drugs,
        left_paused=dose.state == "paused",
        cancelled=_cancelled(first, order),
        not_bought=any(record.not_bought for record in dose.records),
        stopped_only=_stopped_only(dose),
        contradicted=next(filter(None, [row.contradicted for row in dose.records]), ""),
        charted_by=first.charted_by,
        entered=first.recorded,
        vials=told_once(dose, [record.vials for record in dose.records]),
        discounted=any(record.discounted for record in dose.records),
    )


def _cancelled(first: Record, order: Order) -> datetime | None:
    """When the order was cancelled, as the row that begins the dose or another message says.

    A stop or a pause under an order that is no longer in force ends what was begun before.
    """
    said = first.order_cancelled if first.action not in ("stop", "pause") else None
    return min([when for when in (said, order.cancelled) if when is not None], default=None)


def _stopped_only(dose: RunningDose) -> datetime | None:
    """When a dose was stopped that nobody started; None for any other dose."""
    if not any(problem.finding.code == "start.missing" for problem in dose.problems):
        return None
    stops = [record.at for record in dose.records if record.action == "stop"]
    return stops[-1] if stops else None


def _intervals(dose: RunningDose) -> list[Interval]:
    """The stretches of a dose.

    The last stretch is open if the dose still runs. A dose that never ran has one moment: the time
    of its first row.
    """
    intervals = _touching_joined(dose.intervals)
    if dose.running_since is not None:
        record = dose.running_since
        intervals.append(Interval(record.at, None, address(record, "3"), None))
    if not intervals:
        source = address(dose.first, "3")
        intervals.append(Interval(dose.first.at, dose.first.at, source, source))
    return intervals


def _touching_joined(intervals: Sequence[Interval]) -> list[Interval]:
    """Join stretches that touch, because some senders end one at each rate change.

    09:00-09:30 and 09:30-10:00 become 09:00-10:00. A gap between two stretches is a pause.
    """
    joined: list[Interval] = []
    for interval in intervals:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.stop == interval.start
            and last.start < interval.start < (interval.stop or interval.start)
        ):
            joined[-1] = last._replace(stop=interval.stop, stop_source=interval.stop_source)
        else:
            joined.append(interval)
    return joined


def _charted(dose: RunningDose, intervals: Sequence[Interval], is_one_moment: bool) -> Charting:
    if any(interval.stop is None for interval in intervals):
        return "open"
    if any(interval.stop != interval.start for interval in intervals):
        return "interval"
    was_stopped = dose.intervals and dose.records[-1].action == "stop"
    return "interval" if was_stopped and not is_one_moment else "instant"


def _is_one_moment(first: Record, method: MethodCharted) -> bool:
    """Whether the nurse or the order says that the drug is given by hand or at one moment."""
    return first.action in ("push", "bolus") or method in _AT_ONE_MOMENT
