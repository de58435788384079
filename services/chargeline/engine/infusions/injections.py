"""Services that do not go into a vein: injections, pumps, ports and cavities.

It owns the counting of injections by visit, by dose or by syringe, and the services that are
reported only where no other service is. It does not know which way a policy counts: rules say so.
Example: two syringes of fulvestrant from one order, at 10:00 and 10:03, are one unit by dose and
two units by syringe.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence

from chargeline.engine.encounters import Assessment
from chargeline.engine.infusions.concerns import (
    EXCLUSIVE,
    INJECTIONS,
    ONE_PUNCTURE,
    InjectionsAnswer,
    TechniqueOnly,
)
from chargeline.engine.infusions.places import Entry, NotReported, Placement
from chargeline.engine.infusions.sites import BY_SITE
from chargeline.engine.rules import DayRules
from chargeline.engine.services.concerns import MIXTURE_RANK, OfClass
from chargeline.engine.services.records import (
    Service,
    clock_order,
    end_seconds,
    keys_of,
    start_seconds,
)
from chargeline.engine.trace import Step
from chargeline.engine.words import (
    DrugClass,
    ExclusiveWith,
    InjectionsPer,
    Position,
    Technique,
)

# Injections are counted together, infusions by site (sites.py); any other service stands alone.
_COUNTED = frozenset({"injection", *BY_SITE})


def services_alone(
    others: Sequence[Service], everything: Sequence[Service], assessment: Assessment
) -> list[Entry]:
    """Pumps, ports and cavities: each by itself, or not reported beside others.

    Drugs that go in by one puncture are one service: three drugs into the spinal fluid at 09:00.
    The drug that decides the class of a mixture decides here too.
    """
    rules = assessment.rules
    alone = [service for service in others if service.technique not in _COUNTED]
    together: list[list[Service]] = []
    for service in sorted(alone, key=clock_order):
        home = [unit for unit in together if _is_one_puncture(unit, service, rules)]
        if home:
            home[0].append(service)
        else:
            together.append([service])
    return [by_itself(_leading_first(unit, rules), everything, assessment) for unit in together]


def _is_one_puncture(unit: Sequence[Service], following: Service, rules: DayRules) -> bool:
    """Whether a drug goes in where the unit did, before the needle or the catheter is out again."""
    decision = rules.of(ONE_PUNCTURE).decide(TechniqueOnly(_technique(following)))
    if decision.rule is None or unit[0].technique != following.technique:
        return False
    last_end = max([end_seconds(service) for service in unit])
    return start_seconds(following) - last_end <= decision.answer.within_minutes * 60


def _leading_first(unit: Sequence[Service], rules: DayRules) -> list[Service]:
    """The services of one puncture, with the drug that decides their class in front."""
    if len(unit) == 1:
        return list(unit)
    table = rules.of(MIXTURE_RANK)
    return sorted(unit, key=lambda each: table.decide(OfClass(each.service_class)).answer.rank)


def by_itself(
    unit: Sequence[Service], everything: Sequence[Service], assessment: Assessment
) -> Placement | NotReported:
    """The place of services that are reported together, or why they are not reported."""
    technique = _technique(unit[0])
    decision = assessment.rules.of(EXCLUSIVE).decide(TechniqueOnly(technique))
    if decision.rule is not None:
        is_barred = _BARRED[decision.answer.with_]
        own = set(keys_of(unit))
        beside = [
            service.substance
            for service in everything
            if is_barred(service) and service.administration.key not in own
        ]
        is_served = unit[0].administration.day in assessment.elsewhere.served_on
        if is_served and _BARRED_BY_OTHER_VISITS[decision.answer.with_]:
            beside.append("a service of another visit")
        if beside:
            step = Step("only by itself", decision, (("beside", beside[0]),))
            rule = decision.rule
            return NotReported(
                services=tuple(unit), reason=rule.id, says=rule.why, minutes=None, steps=(step,)
            )
    return _placed(unit, technique, "only")


def _any_service(_service: Service) -> bool:
    return True


def _starts_a_pump(service: Service) -> bool:
    return service.technique in ("prolonged_infusion", "clinic_pump_infusion")


_BARRED: Mapping[ExclusiveWith, Callable[[Service], bool]] = {
    "any": _any_service,
    "prolonged_infusion": _starts_a_pump,
}
# The record of the patient says on which days another visit had a service, and not which service.
_BARRED_BY_OTHER_VISITS: Mapping[ExclusiveWith, bool] = {"any": True, "prolonged_infusion": False}


def injections_of(others: Sequence[Service], rules: DayRules) -> list[Entry]:
    """The places of injections, counted for each class of drug; a placement is one unit."""
    by_class: dict[DrugClass, list[Service]] = {}
    for service in sorted(others, key=clock_order):
        if service.technique == "injection":
            by_class.setdefault(service.service_class, []).append(service)
    entries: list[Entry] = []
    for service_class, same in by_class.items():
        entries += _injections(service_class, same, rules)
    return entries


def _injections(
    service_class: DrugClass, same: Sequence[Service], rules: DayRules
) -> list[Placement]:
    decision = rules.of(INJECTIONS).decide(OfClass(service_class))
    name_of, is_same_unit = _SAME_UNIT[decision.answer.per]
    units: list[list[Service]] = []
    last: dict[Hashable, list[Service]] = {}  # the last unit of each name
    for injection in same:
        name = name_of(injection)
        if name in last and is_same_unit(last[name][-1], injection, decision.answer):
            last[name].append(injection)
        else:
            last[name] = [injection]
            units.append(last[name])
    placements: list[Placement] = []
    substances: set[str] = set()
    for unit in units:
        is_repeat = unit[0].substance in substances
        substances.add(unit[0].substance)
        modifier = decision.answer.modifier if is_repeat else ""
        step = Step("injections", decision, (("injections", len(unit)), ("units", 1)))
        placements.append(_placed(unit, "injection", "only", distinct=modifier, steps=(step,)))
    return placements


def _drug_and_order(injection: Service) -> Hashable:
    return (injection.substance, injection.administration.order)


def _all_alike(injection: Service) -> Hashable:
    return None


def _one_visit(last: Service, following: Service, answer: InjectionsAnswer) -> bool:
    return True


def _one_dose(last: Service, following: Service, answer: InjectionsAnswer) -> bool:
    """Whether two syringes of a drug and an order are one dose that was divided: close in time."""
    gap_seconds = start_seconds(following) - start_seconds(last)
    return gap_seconds <= answer.dose_minutes * 60


def _one_syringe(last: Service, following: Service, answer: InjectionsAnswer) -> bool:
    return False


_SAME_UNIT: Mapping[
    InjectionsPer,
    tuple[
        Callable[[Service], Hashable],
        Callable[[Service, Service, InjectionsAnswer], bool],
    ],
] = {
    "visit": (_all_alike, _one_visit),
    "dose": (_drug_and_order, _one_dose),
    "injection": (_drug_and_order, _one_syringe),
}
"""What two injections of one unit have in common, and whether the second goes on with the unit.

The injections are in the order of the clock. So where the last unit is too long ago, all are.
"""


def _technique(service: Service) -> Technique:
    assert service.technique is not None, "a service has a technique"
    return service.technique


def _placed(
    services: Sequence[Service],
    technique: Technique,
    position: Position,
    *,
    distinct: str = "",
    steps: tuple[Step, ...] = (),
) -> Placement:
    return Placement(
        services=tuple(services),
        technique=technique,
        position=position,
        minutes=services[0].minutes,
        distinct=distinct,
        steps=steps,
    )
