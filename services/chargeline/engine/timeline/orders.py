"""What was ordered, put together from all order messages about one order.

It owns which of several messages counts. For each field the latest message that says something
counts, and an order (RDE) counts before a dispense (RDS) or a give (RGV) message. It does not know
what was given.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from chargeline.engine.events import DrugAmount, OrderFact, Source
from chargeline.engine.shapes import by_keyword
from chargeline.engine.words import DeviceCharted, MethodCharted, RouteCharted

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""A time before every message. A message without MSH-7 counts as sent at this time."""


class Order(NamedTuple):
    """One order, as all messages about it say; None or "" where no message says anything."""

    drugs: tuple[DrugAmount, ...] = ()
    source: Source | None = None
    route: RouteCharted = ""
    route_text: str = ""
    method: MethodCharted = ""
    line: str = ""
    device: DeviceCharted = ""
    minutes: int | None = None
    primary: bool = False


_new_order = by_keyword(Order)


NO_ORDER = Order()


def merge_order_facts(facts: Iterable[OrderFact]) -> Order:
    """One order from all facts about it, in whatever order they arrived."""
    order = NO_ORDER
    for fact in sorted(facts, key=_rank):
        order = _with(order, fact)
    return order


def _rank(fact: OrderFact) -> tuple[int, datetime, str]:
    is_order = 1 if fact.kind == "order" else 0
    return (is_order, fact.message.sent or BEGINNING, fact.message.digest)


def _with(order: Order, fact: OrderFact) -> Order:
    """The order after one more fact; each field of the fact that says something counts."""
    drugs, source = order.drugs, order.source
    if fact.drugs:
        drugs, source = fact.drugs, Source(fact.message, fact.drugs[0].address)
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
    )
