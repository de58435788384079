"""Doses by kilogram or square metre: what they amount to for the patient's body.

It owns which measure of the body counts for a dose: the last one of its day or before, if it is
young enough and possible. A dose without such a measure stays as charted, with the reason, and the
drug's lines ask for it. Body surface is never worked out from weight and height, because each site
has a formula of its own. It knows no codes.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.care import Observation
from chargeline.engine.care_words import BodyMeasure
from chargeline.engine.events import ByBody, DrugAmount
from chargeline.engine.quantities import convert, is_unit, plain
from chargeline.engine.rules import Concern, Policy
from chargeline.engine.timeline.records import Administration, Day, Timeline


class BodyFacts(NamedTuple):
    """Which measure a dose needs."""

    measure: "BodyMeasure"


class BodyAnswer(NamedTuple):
    """How many days old a measure may be, and the smallest and the largest possible one.

    `least_tenths` are tenths of a kilogram or square metre, `most` whole ones.
    """

    days: int
    least_tenths: int
    most: int


BODY = Concern(
    "dose.body",
    BodyFacts,
    BodyAnswer,
    meaning="how old the weight or body surface may be from which a dose by kg or m2 is worked out",
)

_MEASURES: Mapping[str, BodyMeasure] = {
    "kg": "weight",
    **dict.fromkeys(("m2", "m^2", "m²"), "body_surface"),
}
_UNIT: Mapping[BodyMeasure, str] = {"weight": "kg", "body_surface": "m2"}
_POUND = Decimal("0.45359237")
_POUNDS = frozenset({"lb", "lbs", "[lb_av]", "pound", "pounds"})


class PerBody(NamedTuple):
    """A unit by measure of the body, such as mg/m2: its unit, and the measure."""

    unit: str
    measure: BodyMeasure


@lru_cache(maxsize=1024)
def per_body(unit: str) -> PerBody | None:
    """The parts of a unit such as mg/kg; None for any other unit, such as mg or mcg/kg/min."""
    base, _stroke, body = unit.strip().partition("/")
    measure = _MEASURES.get(body.strip().lower())
    return PerBody(base.strip(), measure) if measure is not None and is_unit(base) else None


def with_body_doses(timeline: Timeline, rules: Policy) -> Timeline:
    """The timeline with doses by kilogram or square metre as what they amount to.

    `rules` are those of the base layer. Days without such a dose stay the very same objects.
    """
    observed = timeline.observed
    days = tuple([_day(day, observed, rules) for day in timeline.days])
    is_same = all(now is before for now, before in zip(days, timeline.days, strict=True))
    return timeline if is_same else timeline._replace(days=days)


def _day(day: Day, observed: Sequence[Observation], rules: Policy) -> Day:
    if not any(_is_by_body(item) for item in day.administrations):
        return day
    items = [
        _item(item, observed, rules) if _is_by_body(item) else item for item in day.administrations
    ]
    return day._replace(administrations=tuple(items))


def _is_by_body(item: Administration) -> bool:
    return any("/" in drug.unit for drug in item.drugs) or any(
        "/" in drug.unit for drug in item.ordered
    )


def _item(item: Administration, observed: Sequence[Observation], rules: Policy) -> Administration:
    drugs = tuple([_amount(drug, item.day, observed, rules) for drug in item.drugs])
    ordered = [_amount(drug, item.day, observed, rules) for drug in item.ordered]
    # an order without a measure is compared as it is written (edits/amounts.py)
    usable = [
        was if now.by_body is None or now.by_body.lacking else now
        for now, was in zip(ordered, item.ordered, strict=True)
    ]
    return item._replace(drugs=drugs, ordered=tuple(usable))


def _amount(
    drug: DrugAmount, day: date, observed: Sequence[Observation], rules: Policy
) -> DrugAmount:
    by = per_body(drug.unit)
    if by is None or drug.amount is None:
        return drug
    decision = rules.on(day).of(BODY).decide(BodyFacts(by.measure))
    if decision.rule is None:
        return drug
    unit, answer = _UNIT[by.measure], decision.answer
    name = "weight" if by.measure == "weight" else "body surface"
    measure = _last(observed, by.measure, day)
    if measure is None:
        return drug._replace(by_body=ByBody(f"no {name} of that day or before"))
    if any(
        _in_unit(other, unit) != _in_unit(measure, unit) for other in _beside(observed, measure)
    ):
        return drug._replace(by_body=ByBody(f"two {name}s of one time", measure.source))
    value = _in_unit(measure, unit)
    age = (day - measure.day).days
    source = measure.source
    if value is None or not Decimal(answer.least_tenths) / 10 <= value <= answer.most:
        return drug._replace(by_body=ByBody(f"a {name} that cannot be", source))
    if age > answer.days:
        return drug._replace(by_body=ByBody(f"a {name} that is {age} days old", source))
    dose = drug.amount * value
    sum_ = f"{plain(drug.amount)} {drug.unit} x {plain(value)} {unit} = {plain(dose)} {by.unit}"
    written = f"{sum_} ({name} of {measure.day.isoformat()})"
    return drug._replace(amount=dose, unit=by.unit, by_body=ByBody("", source, written))


def _last(observed: Sequence[Observation], measure: BodyMeasure, day: date) -> Observation | None:
    """The last measure of a day or before."""
    ours = [one for one in observed if one.about == measure and one.day <= day]
    return max(ours, key=lambda one: (one.day, one.at is not None, one.at), default=None)


def _beside(observed: Sequence[Observation], measure: Observation) -> list[Observation]:
    """The measures of the same kind and time, besides this one."""
    return [
        one
        for one in observed
        if one is not measure and one.about == measure.about and _when(one) == _when(measure)
    ]


def _when(measure: Observation) -> tuple[date, datetime | None]:
    """The day of a measure, and its time where that is told."""
    return (measure.day, measure.at)


def _in_unit(measure: Observation, unit: str) -> Decimal | None:
    """The measure in kg or m2; None where its number or unit cannot be read."""
    written = measure.unit.strip().lower()
    if measure.amount is None:
        return None
    if unit == "m2":
        return measure.amount if _MEASURES.get(written) == "body_surface" else None
    if written in _POUNDS:
        return measure.amount * _POUND
    return convert(measure.amount, written, unit)
