"""What was ordered, put together from all order messages about one order.

It owns which of several messages counts. For each field the latest message that says something
counts, and an order (RDE) counts before a dispense (RDS) or a give (RGV) message. It does not know
what was given.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.engine.events import BEGINNING, Dispensed, DrugAmount, OrderFact, Source
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.records import PlannedOrder
from chargeline.engine.words import DeviceCharted, MethodCharted, RouteCharted


class Order(NamedTuple):
    """One order, as all messages about it say; None or "" where no message says anything.

    `cancelled` is when it was cancelled, held or replaced, None if it is in force. `starts` is when
    it should begin.
    """

    drugs: tuple[DrugAmount, ...] = ()
    source: Source | None = None
    route: RouteCharted = ""
    route_text: str = ""
    method: MethodCharted = ""
    line: str = ""
    device: DeviceCharted = ""
    minutes: int | None = None
    primary: bool = False
    cancelled: datetime | None = None
    starts: datetime | None = None


_new_order = by_keyword(Order)


NO_ORDER = Order()


def merge_order_facts(facts: Iterable[OrderFact], sent_again: Mapping[str, datetime]) -> Order:
    """One order from all facts about it, in whatever order they arrived.

    `sent_again` holds the last MSH-7 of messages that were sent again with the same body.
    """
    order = NO_ORDER
    for _rank, fact in sorted([(_rank_of(fact, sent_again), fact) for fact in facts], key=_FIRST):
        order = _with(order, fact)
    return order


_FIRST = itemgetter(0)


def dispensed_in(
    facts: Iterable[OrderFact], sent_again: Mapping[str, datetime]
) -> tuple[Dispensed, ...]:
    """What was handed out for an order, in whatever order its messages arrived.

    Of two messages with one number (RXD-1) the later counts, and one that cancels takes it back. A
    give message (RGV) counts only where nothing was dispensed (RDS): it tells to give what the
    pharmacy has handed out, or what stands on the ward. They stand in the order of their numbers.
    """
    handed_out: dict[tuple[str, str], Dispensed] = {}
    for _rank, fact in sorted([(_rank_of(fact, sent_again), fact) for fact in facts], key=_FIRST):
        item = fact.dispensed
        if item is not None:
            handed_out[item.kind, item.number or fact.message.digest] = item
    dispensed = any(kind == "dispense" for kind, _number in handed_out)
    return tuple(
        [
            item
            for (kind, _number), item in sorted(handed_out.items(), key=_FIRST)
            if not item.taken_back and (kind == "dispense") == dispensed
        ]
    )


def _rank_of(fact: OrderFact, sent_again: Mapping[str, datetime]) -> tuple[int, datetime, str]:
    is_order = 1 if fact.kind == "order" else 0
    digest = fact.message.digest
    return (is_order, sent_again.get(digest) or fact.message.sent or BEGINNING, digest)


def _with(order: Order, fact: OrderFact) -> Order:
    """The order after one more fact; each field of the fact that says something counts."""
    drugs, source = order.drugs, order.source
    if fact.drugs:
        drugs, source = fact.drugs, Source(fact.message, fact.drugs[0].address)
    cancelled = order.cancelled if not fact.control else None
    if fact.control == "cancelled":
        cancelled = fact.controlled or fact.message.sent or BEGINNING
    return _new_order(
        drugs=drugs,
        source=source,
        route=fact.route or order.route,
        route_text=fact.route_text if fact.route else order.route_text,
        method=fact.method or order.method,
        line=fact.line or order.line,
        device=fact.device or order.device,
        minutes=fact.minutes if fact.minutes is not None else order.minutes,
        primary=order.primary or fact.primary,
        cancelled=cancelled,
        starts=fact.starts or order.starts,
    )


def planned_order(
    number: str, facts: Sequence[OrderFact], sent_again: Mapping[str, datetime], zone: str
) -> PlannedOrder | None:
    """An order of which nothing is charted; None if nobody ordered it, or it is not in force.

    What only the pharmacy told of (RDS, RGV) nobody has ordered here. `zone` is the sender's.
    """
    ordered = [fact for fact in facts if fact.kind == "order"]
    if not ordered:
        return None
    order = merge_order_facts(facts, sent_again)
    if order.cancelled is not None or order.source is None:
        return None
    first = min([fact.controlled or fact.message.sent or BEGINNING for fact in ordered])
    at = order.starts or first
    day = at.astimezone(ZoneInfo(zone)).date() if at > BEGINNING else at.date()
    return PlannedOrder(number, order.drugs, order.route, order.source, at=at, day=day)
