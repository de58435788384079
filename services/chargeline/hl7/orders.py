"""RXE, RXD and RXG: what an order says, and for how long it should run.

This module owns the three places in which senders write a duration. A message gives one fact about
an order; the engine puts the facts of several messages together.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine import BEGINNING, DrugAmount, MessageRef, OrderFact, by_keyword, words
from chargeline.hl7.delimiters import Delimiters, component
from chargeline.hl7.drugs import components_of, drug_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import OrderGroup, Row, field, first_of_all, is_number
from chargeline.hl7.sites import NO_ROUTE, route_of, site_of
from chargeline.hl7.supplies import dispensed_of

_new_order_fact = by_keyword(OrderFact)

_KINDS: Mapping[str, words.OrderKind] = {
    "RDE": "order",
    "RAS": "order",
    "RDS": "dispense",
    "RGV": "give",
}
_RATE_FIELDS = {"RXE": (23, 24), "RXG": (15, 16)}  # rate and its unit
_TIME_UNITS = {
    **dict.fromkeys(("min", "m", "minute", "minutes", "mn"), 1),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60),
    **dict.fromkeys(("d", "day", "days"), 1440),
}
_VOLUME_UNITS = frozenset({"ml", "mls", "cc"})
_VOLUME_RATES = frozenset({"ml/hr", "ml/h", "cc/hr", "ml/hour"})
_LONGEST_ORDER_MINUTES = 366 * 24 * 60


class _Duration(NamedTuple):
    """How long an order should run, and where the order says so; None and "" if it does not."""

    minutes: int | None
    address: str


_NO_DURATION = _Duration(None, "")


class OrcNumbers(NamedTuple):
    """The number of an order, "" if its ORC has none, and the other numbers that the ORC gives."""

    first: str
    others: tuple[str, ...]


def order_fact_of(
    message: Message,
    reference: MessageRef,
    profile: Profile,
    group: OrderGroup,
    numbers: OrcNumbers,
) -> OrderFact:
    """What a group of segments says of the order that has these numbers."""
    delimiters = message.delimiters
    drugs: list[DrugAmount] = []
    if group.drug is not None:
        drug = drug_at(group.drug, group.drug[0], delimiters)
        drugs = [drug] if drug is not None else []
    drugs += components_of(group.components, "", delimiters)
    number = numbers.first
    if not number:
        number = "~" + (drugs[0].codes[0] if drugs and drugs[0].codes else message.type)
    # The last RXR comes first, because it counts where the order has several.
    routes = [route_of(row, profile, delimiters) for row in reversed(group.routes)]
    route = next((each for each in routes if each.route), NO_ROUTE)
    method: words.MethodCharted = next((each.method for each in routes if each.method), "")
    site = site_of((group.last_route,), group.observations, profile, delimiters)
    duration = _ordered_duration(group, drugs, delimiters)
    control = _control(group.orc, delimiters)
    dispensed = None
    if group.supply is not None and _KINDS[message.type] != "order":
        dispensed = dispensed_of(group.supply, number, reference, profile, delimiters=delimiters)
        if dispensed is not None and control == "cancelled":
            dispensed = dispensed._replace(taken_back=True)
    return _new_order_fact(
        message=reference,
        order=number,
        kind=_KINDS[message.type],
        control=control,
        controlled=_controlled(group.orc, profile, delimiters),
        drugs=tuple(drugs),
        route=route.route,
        route_text=route.text,
        method=method,
        line=site.line,
        device=site.device,
        minutes=duration.minutes,
        minutes_address=duration.address,
        primary=site.primary,
        other_numbers=numbers.others,
        dispensed=dispensed,
        starts=_starts(group, profile, delimiters) if message.type == "RDE" else None,
    )


def numbers_of(orc: Row | None, profile: Profile, delimiters: Delimiters) -> OrcNumbers:
    """The numbers at the places of the profile; the first that is valued is that of the order."""
    texts = [first_of_all((orc,), (place,), delimiters) for place in profile.order_number]
    first, *others = dict.fromkeys([text for text in texts if text]) or ("",)
    return OrcNumbers(first, tuple(others))


# HL7 table 0119: requests to cancel, discontinue, hold, replace and release, and the notices that
# it was done. Where it could not be done, the order stands as before: UC, UD, UH and UM. UR, unable
# to release, says nothing new of an order that is held.
_CONTROLS: Mapping[str, words.OrderControl] = {
    **dict.fromkeys(("CA", "OC", "CR", "DC", "OD", "DR"), "cancelled"),
    **dict.fromkeys(("HD", "OH", "HR", "RP", "RU", "RQ"), "cancelled"),
    **dict.fromkeys(("NW", "OK", "XO", "XX", "XR", "RO", "RL", "OE", "OR"), "in_force"),
    **dict.fromkeys(("UC", "UD", "UH", "UM"), "in_force"),
}
# With ORC-1 SC (the status changed) ORC-5 says to what: HL7 table 0038.
_STATUSES: Mapping[str, words.OrderControl] = {
    **dict.fromkeys(("CA", "DC", "HD", "RP"), "cancelled"),
    **dict.fromkeys(("IP", "SC"), "in_force"),
}


def _control(orc: Row | None, delimiters: Delimiters) -> words.OrderControlFact:
    """Whether an ORC says that the order is in force or not any more; "" if it says neither."""
    if orc is None:
        return ""
    control = component(field(orc, 1), 1, delimiters).strip().upper()
    if control != "SC":
        return _CONTROLS.get(control, "")
    return _STATUSES.get(component(field(orc, 5), 1, delimiters).strip().upper(), "")


def _controlled(orc: Row | None, profile: Profile, delimiters: Delimiters) -> datetime | None:
    """ORC-9, the time of the change; None if it cannot be read, and MSH-7 then counts."""
    return _time(field(orc, 9), "ORC-9", profile, delimiters) if orc is not None else None


def _starts(group: OrderGroup, profile: Profile, delimiters: Delimiters) -> datetime | None:
    """TQ1-7, ORC-7.4 or RXE-1.4: when the order should begin; None where none can be read.

    Only the day by which to ask for an authorization rests on it, so a bad time is no problem.
    """
    for timing in group.timings:
        starts = _time(field(timing, 7), "TQ1-7", profile, delimiters)
        if starts is not None:
            return starts
    for row, number in ((group.orc, 7), (group.drug, 1)):
        if row is not None and row[0] in ("ORC", "RXE"):
            text = component(field(row, number), 4, delimiters)
            starts = _time(text, f"{row[0]}-{number}", profile, delimiters)
            if starts is not None:
                return starts
    return None


def _time(text: str, where: str, profile: Profile, delimiters: Delimiters) -> datetime | None:
    try:
        return profile.clock.read_if_valued(component(text, 1, delimiters).strip(), where)
    except Hl7Error:
        return None


def cancelled_by(orc: Row | None, profile: Profile, delimiters: Delimiters) -> datetime | None:
    """Since when an ORC says that its order is cancelled, BEGINNING if it gives no time.

    None if it does not say so. MSH-7 does not count here: a RAS is sent after the drug was begun.
    """
    if _control(orc, delimiters) != "cancelled":
        return None
    return _controlled(orc, profile, delimiters) or BEGINNING


def _ordered_duration(
    group: OrderGroup, drugs: list[DrugAmount], delimiters: Delimiters
) -> _Duration:
    """TQ1-6, else the duration in RXE-1 (`M120` or `H2` are 120 minutes), else volume by rate."""
    for index, row in enumerate(group.timings, start=1):
        address = f"TQ1[{index}]-6"
        quantity = field(row, 6)
        amount = component(quantity, 1, delimiters).strip()
        unit = component(quantity, 2, delimiters).split(delimiters.subcomponent)[0].strip().lower()
        if unit in _TIME_UNITS and is_number(amount) and Decimal(amount) > 0:
            return _sensible(int(Decimal(amount) * _TIME_UNITS[unit]), address)
    if group.drug is None:
        return _NO_DURATION
    if group.drug[0] == "RXE":
        duration = component(field(group.drug, 1), 3, delimiters).strip().upper()
        if duration[:1] in ("M", "H", "D") and duration[1:].isdecimal():
            return _sensible(int(duration[1:8]) * _TIME_UNITS[duration[0].lower()], "RXE-1")
    return _volume_over_rate(group.drug, drugs, delimiters)


def _volume_over_rate(row: Row, drugs: list[DrugAmount], delimiters: Delimiters) -> _Duration:
    """The largest volume of the order divided by its rate: 500 mL at 250 mL/hr run 120 minutes."""
    fields = _RATE_FIELDS.get(row[0])
    if fields is None:
        return _NO_DURATION
    rate_field, unit_field = fields
    unit = component(field(row, unit_field), 1, delimiters).strip().lower().replace(" ", "")
    volumes = [drug.amount for drug in drugs if drug.amount and drug.unit.lower() in _VOLUME_UNITS]
    if unit not in _VOLUME_RATES or not volumes:
        return _NO_DURATION
    address = f"{row[0]}-{rate_field}"
    rate = component(field(row, rate_field), 1, delimiters).strip()
    if not is_number(rate) or Decimal(rate) <= 0:
        return _NO_DURATION
    return _sensible(int(max(volumes) * 60 / Decimal(rate)), address)


def _sensible(minutes: int, address: str) -> _Duration:
    """The duration, or none if it is longer than a year: that is a typing error."""
    return _Duration(minutes, address) if minutes <= _LONGEST_ORDER_MINUTES else _NO_DURATION
