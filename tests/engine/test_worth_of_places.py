"""Claims about what a place is worth: its charges, and that they are remembered by all that counts.

It owns places made by hand; how services get their places is claimed in test_hierarchy_edges.py.
"""

from datetime import date

import pytest

from chargeline.engine import Condition, DayRules, Policy, Rule, SharedDecisions
from chargeline.engine.infusions.concerns import CAP, ROLE, CapAnswer, RoleAnswer
from chargeline.engine.infusions.lines import Caps, Charge, charges_of
from chargeline.engine.infusions.places import Placement
from chargeline.engine.services.records import Service
from chargeline.engine.words import DrugClass, Position, Technique
from chargeline.rulebook.notation import administration_of
from tests.engine import rulebook
from tests.engine.short import FACILITY, GUIDE, with_rules

DAY = date(2026, 3, 2)
HOURS = "chemo.infusion.additional_hour"


def rules(policy: str = FACILITY) -> DayRules:
    return rulebook().policies[policy].on(DAY)


def service(drug_class: DrugClass = "chemo", *, modifier: str = "", open_stop: str = "") -> Service:
    item = administration_of("zebrastatin 5 mg iv 09:00-10:00", 1)
    return Service(
        item, "zebrastatin", service_class=drug_class, modifier=modifier, provisional=open_stop
    )


def place(
    *services: Service,
    technique: Technique = "infusion",
    position: Position = "initial",
    minutes: int = 91,
    distinct: str = "",
) -> Placement:
    return Placement(services or (service(),), technique, position, minutes, distinct)


def in_short(placement: Placement, policy: str = FACILITY) -> list[str]:
    return [charge.in_short for charge in charges_of(placement, rules(policy))]


# ------------------------------------------------------------------ charges


def test_a_first_hour_and_its_further_hours_are_two_charges() -> None:
    """91 minutes of chemotherapy."""
    assert in_short(place()) == ["96413 x1", "96415 x1"]


def test_sixty_minutes_are_one_charge() -> None:
    """Nothing past the hour."""
    assert in_short(place(minutes=60)) == ["96413 x1"]


@pytest.mark.parametrize(
    ("position", "charges"),
    [
        ("initial", ["96413-59 x1", "96415-59 x1"]),
        ("sequential", ["96417 x1", "96415-59 x1"]),
        ("additional_hour", ["96415-59 x2"]),
    ],
)
def test_the_modifier_of_a_second_line_is_on_its_first_service_and_on_all_hours(
    position: Position, charges: list[str]
) -> None:
    """Add-ons do not carry it, their further hours do."""
    assert in_short(place(position=position, distinct="59")) == charges


def test_a_modifier_of_the_service_itself_comes_after_that_of_its_line() -> None:
    """A second line whose infusion was stopped early, under an office's rules."""
    assert in_short(place(service(modifier="53"), minutes=10, distinct="59")) == ["96413-59-53 x1"]


def test_the_first_service_of_a_place_gives_its_class_and_modifier() -> None:
    """Two infusions are joined; the first is the anchor."""
    joined = place(service("chemo", modifier="53"), service("therapeutic"))
    assert in_short(joined) == ["96413-53 x1", "96415-53 x1"]


def test_an_infusion_without_a_stop_earns_no_further_hour() -> None:
    """Its minutes are not known, whatever they are taken for."""
    assert in_short(place(service(open_stop="stop.missing"))) == ["96413 x1"]


def test_another_open_question_does_not_take_the_hours_away() -> None:
    """Only a missing stop makes the minutes unsure."""
    assert in_short(place(service(open_stop="rate.missing"))) == ["96413 x1", "96415 x1"]


def test_a_push_earns_no_hours() -> None:
    """However long it took."""
    assert in_short(place(technique="push", minutes=200)) == ["96409 x1"]


def test_a_push_earns_no_hours_even_where_a_site_has_a_role_for_them() -> None:
    """Only infusions are timed."""
    own = Rule(
        "site.role", ROLE, "site", date(2026, 1, 1), None,
        (
            Condition("technique", frozenset({"push"})),
            Condition("position", frozenset({"additional_hour"})),
        ),
        (("role", HOURS),), RoleAnswer(HOURS), "Because.", (), (), (), "site.toml",
    )  # fmt: skip
    at_site = with_rules(own).policies[FACILITY].on(DAY)
    (charge,) = charges_of(place(technique="push", minutes=200), at_site)
    assert (charge.in_short, charge.threshold) == ("96409 x1", None)


def test_a_concurrent_infusion_earns_no_hours() -> None:
    """200 minutes of a therapeutic drug beside another are one unit."""
    concurrent = place(service("therapeutic"), position="concurrent", minutes=200)
    assert in_short(concurrent) == ["96368 x1"]


def test_a_further_site_under_the_skin_is_one_charge_and_its_hours_another() -> None:
    """Its set-up is not timed, so it is not counted with the hours."""
    site = place(
        service("therapeutic"), technique="subcutaneous_infusion", position="additional", minutes=91
    )
    assert in_short(site) == ["96371 x1", "96370 x1"]


def test_a_place_without_a_role_has_no_charge() -> None:
    """There is no concurrent chemotherapy."""
    assert charges_of(place(position="concurrent"), rules()) == ()


@pytest.mark.parametrize(
    ("position", "hours"), [("initial", [True, True]), ("additional_hour", [True])]
)
def test_each_charge_of_an_infusion_knows_what_earns_a_further_hour(
    position: Position, hours: list[bool]
) -> None:
    """The threshold that was asked stands on the first hour as well as on the further ones."""
    charges = charges_of(place(position=position), rules())
    assert [charge.threshold is not None for charge in charges] == hours


def test_a_push_asked_for_no_threshold() -> None:
    """There is nothing to explain about hours."""
    (charge,) = charges_of(place(technique="push"), rules())
    assert charge.threshold is None


def test_a_charge_names_its_role_units_and_modifiers() -> None:
    """Two further hours of a second line."""
    charge: Charge = charges_of(place(minutes=151, distinct="59"), rules())[1]
    assert (charge.role, charge.units, charge.modifiers, charge.in_short) == (
        "chemo.infusion.additional_hour",
        2,
        ("59",),
        "96415-59 x2",
    )


# ------------------------------------------------------------------ what is remembered


def test_places_that_are_worth_the_same_share_their_charges() -> None:
    """Another drug of the class in the same place is not reckoned again."""
    other = service()._replace(substance="yakumab")
    assert charges_of(place(), rules()) is charges_of(place(other), rules())


@pytest.mark.parametrize(
    "other",
    [
        place(service("therapeutic")),
        place(service("therapeutic"), service("chemo")),
        place(technique="push"),
        place(position="sequential"),
        place(minutes=151),
        place(distinct="59"),
        place(service(modifier="53")),
        place(service(open_stop="stop.missing")),
    ],
)
def test_places_that_differ_in_anything_that_counts_do_not(other: Placement) -> None:
    """Class, technique, position, minutes, either modifier, and a missing stop."""
    assert in_short(other) != in_short(place())


def test_what_one_policy_makes_of_a_place_is_not_said_under_another() -> None:
    """90 minutes: the guide counts 30 minutes past the hour, Medicare does not."""
    assert in_short(place(minutes=90), GUIDE) == ["96413 x1", "96415 x1"]
    assert in_short(place(minutes=90), FACILITY) == ["96413 x1"]


# ------------------------------------------------------------------ caps


def allowed(caps: Caps, role: str, *units: int) -> list[int]:
    return [caps.allow(role, each)[0] for each in units]


def test_a_cap_is_used_up_line_by_line() -> None:
    """Of eight hours 5 and 2 are allowed, then one of 3, then none."""
    assert allowed(Caps(rules(GUIDE), ""), HOURS, 5, 2, 3, 1) == [5, 2, 1, 0]


def test_a_role_without_a_cap_is_allowed_whole() -> None:
    """The guide caps hours of chemotherapy only, and there is no decision to explain."""
    assert Caps(rules(GUIDE), "").allow("therapeutic.infusion.additional_hour", 20) == (20, None)


def test_each_encounter_counts_by_itself() -> None:
    """Eight hours of one encounter leave eight of the next."""
    assert [allowed(Caps(rules(GUIDE), ""), HOURS, 8) for _encounter in range(2)] == [[8], [8]]


def test_a_cap_comes_with_its_rule_also_where_it_is_not_reached() -> None:
    """One hour is within the cap of the guide."""
    units, cap = Caps(rules(GUIDE), "").allow(HOURS, 1)
    assert cap is not None
    assert (units, cap.rule_in_force.id) == (1, "guide.hours.cap")


def test_a_cap_below_nothing_allows_nothing() -> None:
    """A slip in a site's rule makes no negative units."""
    cap = Rule(
        "zebra.cap", CAP, "site", date(2026, 1, 1), None, (), (("most", -1),), CapAnswer(-1),
        "A slip.", (), (), (), "zebra.toml",
    )  # fmt: skip
    of_zebra = Policy("zebra-2026", "invented", [cap], SharedDecisions()).on(DAY)
    assert allowed(Caps(of_zebra, ""), HOURS, 3) == [0]


def test_a_payer_is_told_from_others_whatever_the_case_of_its_letters() -> None:
    """ZEBRACARE allows four hours; the visit says zebracare."""
    cap = Rule(
        "zebra.cap", CAP, "site", date(2026, 1, 1), None,
        (Condition("payer", frozenset({"ZEBRACARE"})),), (("most", 4),), CapAnswer(4),
        "Zebra Care pays four.", (), (), (), "zebra.toml",
    )  # fmt: skip
    of_zebra = Policy("zebra-2026", "invented", [cap], SharedDecisions()).on(DAY)
    assert [allowed(Caps(of_zebra, payer), HOURS, 9) for payer in ("zebracare", "yakcare")] == [
        [4],
        [9],
    ]
