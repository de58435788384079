"""What the pharmacy handed out, by product: which drug it is, and which of it nobody charted.

It owns how a dispense or give message names a product. It does not know what is billed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.containers import Container
from chargeline.engine.events import Dispensed
from chargeline.engine.formulary import Drug, Formulary
from chargeline.engine.ndc import Ndc
from chargeline.engine.services.facts import drugs_named
from chargeline.engine.timeline.records import Administration, Day, Timeline


class Supply(NamedTuple):
    """What was handed out, with its NDC of eleven digits ("" where the message names none, or
    several), its container and its drug (None where neither is known).
    """

    item: Dispensed
    ndc: str
    container: Container | None
    drug: Drug | None


def supply_of(item: Dispensed, formulary: Formulary) -> Supply:
    """The product of what was handed out: that of its container, else as its name says."""
    read = [formulary.ndc_of(code, item.day) for code in item.ndcs]
    digits = [ndc.digits for ndc in read if isinstance(ndc, Ndc)]
    ndc = digits[0] if len(digits) == 1 else ""
    container = formulary.containers.of(ndc, item.day) if ndc else None
    if container is not None and len(container.drugs) == 1:
        return Supply(item, ndc, container, formulary.row(container.drugs[0], item.day).drug)
    codes = [code for code in item.drug.codes if code not in item.ndcs]
    return Supply(item, ndc, container, formulary.find(codes, item.drug.text, item.day).drug)


def by_order(dispensed: Iterable[Dispensed]) -> Mapping[str, Sequence[Dispensed]]:
    """What was handed out for each order."""
    of_orders: dict[str, list[Dispensed]] = {}
    for item in dispensed:
        of_orders.setdefault(item.order, []).append(item)
    return of_orders


def not_charted(timeline: Timeline, formulary: Formulary) -> Sequence[Supply]:
    """What was handed out of drugs, and of which nobody charted anything that day or later.

    A row counts, given or not given, that stands under the order. One under an order for which
    nothing was handed out counts for its drugs: orders may have other numbers at the bedside. A
    fluid is left out: it carries a drug.
    """
    under: dict[str, date] = {}
    for item in timeline.administrations:
        under[item.order] = max(_last_day(item), under.get(item.order, date.min))
    open_items = [item for item in timeline.dispensed if under.get(item.order, date.min) < item.day]
    if not open_items:
        return ()
    supplied = {item.order for item in timeline.dispensed}
    charted: dict[str, date] = {}
    for item in timeline.administrations:
        if not item.order or item.order not in supplied:
            for named in drugs_named(item, formulary):
                drug = named.drug.id
                charted[drug] = max(_last_day(item), charted.get(drug, date.min))
    supplies = [supply_of(item, formulary) for item in open_items]
    return tuple([supply for supply in supplies if _is_missing(supply, charted)])


def _last_day(item: Administration) -> date:
    """The last day on which the drug ran; without end while its stop is open."""
    if item.charted == "open":
        return date.max
    stop = item.intervals[-1].stop
    return item.day if stop is None else max(item.day, stop.date())


def _is_missing(supply: Supply, charted: Mapping[str, date]) -> bool:
    drug = supply.drug
    if drug is None or drug.is_fluid:
        return False
    return charted.get(drug.id, date.min) < supply.item.day


def with_days_of(supplies: Sequence[Supply], days: Sequence[Day]) -> tuple[Day, ...]:
    """The days of a visit, and those of which only the supplies are known."""
    has = {day.day for day in days}
    new = {supply.item.day for supply in supplies} - has
    if not new:
        return tuple(days)
    return tuple(sorted([*days, *[Day(day, ()) for day in new]], key=_day_of))


def _day_of(day: Day) -> date:
    return day.day
