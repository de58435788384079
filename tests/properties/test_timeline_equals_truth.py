"""The timelines that the engine folds from a feed say what truly happened.

This module owns the comparison of timelines with the simulator's truth, order by order. It leaves
out the minutes of orders whose stop nobody charted, because no message of the feed holds them.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chargeline.engine import Administration, DrugAmount, Feed, Rulebook, Timeline, VisitKey
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.simulator import simulate
from chargeline.simulator.regimens import DRUGS

Truth = dict[str, Any]
Feeds = tuple[tuple[Truth, Timeline], ...]

_RULES = Path(__file__).resolve().parents[2] / "rules"
_DAY = date(2026, 3, 2)
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
VISITS = 60
FEEDS = [
    (style, mess, seed)
    for style in ("standard", "action-stream")
    for mess in (0.0, 0.7)
    for seed in (5, 6, 7)
]
all_feeds = pytest.mark.parametrize(("style", "mess", "seed"), FEEDS)


@cache
def rulebook() -> Rulebook:
    return load_rulebook(_RULES)


@cache
def visits_of(style: str, mess: float, seed: int) -> Feed:
    profile = make_profile(read_interface(_RULES, style))
    visits = Feed(rulebook().base)
    for _, text in simulate(visits=VISITS, seed=seed, style=style, mess=mess).messages:
        visits.add(read_events(read_message(text), profile))
    return visits


@cache
def truths(style: str, mess: float, seed: int) -> tuple[Truth, ...]:
    told = simulate(visits=VISITS, seed=seed, style=style, mess=mess).truth["visits"]
    assert isinstance(told, list)
    return tuple(told)


@cache
def pairs(style: str, mess: float, seed: int) -> Feeds:
    """Each visit that took place: its truth beside its timeline."""
    visits = visits_of(style, mess, seed)
    happened = [each for each in truths(style, mess, seed) if not each["cancelled"]]
    return tuple((each, visits[VisitKey(each["facility"], each["visit"])]) for each in happened)


def drug_id(codes: tuple[str, ...], text: str) -> str:
    """The formulary's id, or the sender's own code for the one drug that no formulary has."""
    row = rulebook().formulary.find(codes, text, _DAY).drug
    return row.id if row else codes[0].lower()


def told_doses(truth: Truth) -> list[Truth]:
    """The doses that were truly given: neither held nor voided."""
    return [each for each in truth["administrations"] if each["given"] and not each["voided"]]


def found_doses(timeline: Timeline) -> list[Administration]:
    return [each for each in timeline.administrations if each.given]


def told_amounts(truth: Truth) -> dict[tuple[str, str], Decimal]:
    """The whole amount by order and drug."""
    amounts: dict[tuple[str, str], Decimal] = {}
    for dose in told_doses(truth):
        for drug in dose["drugs"]:
            key = (dose["order"], drug_id((drug["id"],), DRUGS[drug["id"]][0]))
            amounts[key] = amounts.get(key, Decimal(0)) + Decimal(drug["amount"])
    return amounts


def drugs_of(dose: Administration) -> list[DrugAmount]:
    """The additives of a mixture (RXC), else what RXA-5 names; never the fluid of a mixture."""
    additives = [each for each in dose.drugs if each.component == "additive"]
    return additives or [each for each in dose.drugs if not each.component]


def found_amounts(timeline: Timeline) -> dict[tuple[str, str], Decimal]:
    amounts: dict[tuple[str, str], Decimal] = {}
    for dose in found_doses(timeline):
        for drug in drugs_of(dose):
            key = (dose.order, drug_id(drug.codes, drug.text))
            amounts[key] = amounts.get(key, Decimal(0)) + (drug.amount or Decimal(0))
    return amounts


def minutes_from(start: datetime, stop: datetime) -> set[int]:
    first, last = ((moment - _EPOCH) // timedelta(minutes=1) for moment in (start, stop))
    return set(range(first, last))


def timed_orders(truth: Truth) -> set[str]:
    """The orders of which every dose has a documented stop."""
    open_ones = {each["order"] for each in told_doses(truth) if not each["stop_documented"]}
    return {each["order"] for each in told_doses(truth)} - open_ones


def told_minutes(truth: Truth) -> dict[str, set[int]]:
    minutes: dict[str, set[int]] = {order: set() for order in timed_orders(truth)}
    for dose in told_doses(truth):
        for start, stop in dose["intervals"]:
            if dose["order"] in minutes:
                ran = minutes_from(datetime.fromisoformat(start), datetime.fromisoformat(stop))
                minutes[dose["order"]] |= ran
    return minutes


def found_minutes(timeline: Timeline, orders: set[str]) -> dict[str, set[int] | str]:
    minutes: dict[str, set[int] | str] = {}
    for dose in found_doses(timeline):
        if dose.order not in orders:
            continue
        before = minutes.get(dose.order, set())
        closed = [(each.start, each.stop) for each in dose.intervals if each.stop is not None]
        if isinstance(before, str) or len(closed) < len(dose.intervals):
            minutes[dose.order] = "no stop"
            continue
        minutes[dose.order] = before.union(*(minutes_from(start, stop) for start, stop in closed))
    return minutes


@all_feeds
def test_the_visits_are_those_that_were(style: str, mess: float, seed: int) -> None:
    """Each visit of the truth has a timeline; a temporary number that was merged has none."""
    told = {(each["facility"], each["visit"]) for each in truths(style, mess, seed)}
    assert set(visits_of(style, mess, seed)) == told


@all_feeds
def test_exactly_the_cancelled_visits_are_cancelled(style: str, mess: float, seed: int) -> None:
    """The visits whose registration A11 took back are cancelled, and no other visit is."""
    visits = visits_of(style, mess, seed)
    cancelled = {key.visit for key in visits if visits[key].context.cancelled}
    assert cancelled == {each["visit"] for each in truths(style, mess, seed) if each["cancelled"]}


@all_feeds
def test_every_drug_is_there_in_its_whole_amount(style: str, mess: float, seed: int) -> None:
    """Each order has the drugs that were truly given, each with the whole amount and no more."""
    for truth, timeline in pairs(style, mess, seed):
        assert found_amounts(timeline) == told_amounts(truth), truth["visit"]


@all_feeds
def test_the_vials_and_the_rest_are_the_true_ones(style: str, mess: float, seed: int) -> None:
    """Each order has the vials that were truly opened, and the amount that was discarded."""
    for truth, timeline in pairs(style, mess, seed):
        told = {
            each["order"]: (each["vials"], [each["discarded"]])
            for each in told_doses(truth)
            if each["vials"]
        }
        found = {
            each.order: (
                [vial.ndc for vial in each.vials],
                [format(entry.amount, "f") for entry in each.wasted],
            )
            for each in found_doses(timeline)
            if each.vials
        }
        assert found == told, truth["visit"]


@all_feeds
def test_every_route_is_the_true_one(style: str, mess: float, seed: int) -> None:
    """The timeline gives each dose the route by which it was truly given."""
    for truth, timeline in pairs(style, mess, seed):
        told = {(each["order"], each["route"]) for each in told_doses(truth)}
        assert {(each.order, each.route) for each in found_doses(timeline)} == told, truth["visit"]


@all_feeds
def test_every_running_minute_is_the_true_one(style: str, mess: float, seed: int) -> None:
    """Where stops are documented, the timeline has exactly the minutes in which the order ran."""
    for truth, timeline in pairs(style, mess, seed):
        told = told_minutes(truth)
        assert found_minutes(timeline, set(told)) == told, truth["visit"]


@all_feeds
def test_what_was_held_or_refused_is_told_as_not_given(style: str, mess: float, seed: int) -> None:
    """Exactly the orders that were held or refused have an administration that was not given."""
    for truth, timeline in pairs(style, mess, seed):
        held = {each["order"] for each in truth["administrations"] if not each["given"]}
        not_given = {each.order for each in timeline.administrations if not each.given}
        assert not_given == held, truth["visit"]


@all_feeds
def test_what_was_taken_back_is_gone(style: str, mess: float, seed: int) -> None:
    """An order has no administration, given or not, when all its records were voided."""
    for truth, timeline in pairs(style, mess, seed):
        voided = {each["order"] for each in truth["administrations"] if each["voided"]}
        assert not voided & {each.order for each in timeline.administrations}, truth["visit"]


def test_the_feeds_have_what_the_claims_are_about() -> None:
    """The feeds have held and voided doses, pauses, mixtures, missing stops, cancelled visits."""
    doses = [dose for feed in FEEDS for truth in truths(*feed) for dose in truth["administrations"]]
    assert any(not dose["given"] for dose in doses)
    assert any(dose["voided"] for dose in doses)
    assert any(len(dose["intervals"]) > 1 for dose in doses)
    assert any(len(dose["drugs"]) > 1 for dose in doses)
    assert any(not dose["stop_documented"] and dose["device"] == "" for dose in doses)
    assert any(len(dose["vials"]) > 1 and dose["discarded"] != "0" for dose in doses)
    assert any(truth["cancelled"] for feed in FEEDS for truth in truths(*feed))
