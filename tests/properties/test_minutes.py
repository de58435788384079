"""No draft bills time that did not pass.

This module owns the bookkeeping of minutes over many random visits: what a unit of an hour needs at
least, held against the minutes in which something truly ran. It knows code numbers and printed
minimums, and nothing of how the engine chooses between them.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from chargeline.engine import ChargeLine, Rulebook, draft
from chargeline.rulebook.loading import load_rulebook
from tests.oracle.random_visits import KINDS, Given, notation, random_visit, timeline

POLICIES = ("guide-2026", "cms-facility-2026", "cms-physician-2026")
VISITS = range(100_000, 101_000)  # not those that the oracle is compared on
_RULES = Path(__file__).resolve().parents[2] / "rules"

FIRST_HOURS = frozenset({"96413", "96417", "96365", "96367"})
FURTHER_HOURS = frozenset({"96415", "96366"})
HYDRATION = frozenset({"96360", "96361"})
PUSHES = frozenset({"96409", "96411", "96374", "96375", "96376"})
INFUSION_FROM, HYDRATION_FROM = 16, 31
TAIL = {"guide-2026": 30, "cms-facility-2026": 31, "cms-physician-2026": 31}

all_policies = pytest.mark.parametrize("policy", POLICIES)


class Drafted(NamedTuple):
    """A visit, its administrations by key, and its service lines under one policy."""

    given: dict[str, Given]
    lines: tuple[ChargeLine, ...]

    def ran(self, line: ChargeLine) -> frozenset[int]:
        """The minutes in which any administration behind the line ran."""
        return frozenset().union(*(self.given[key].minutes for key in line.administrations))

    def told(self) -> str:
        """The visit in the notation, and its lines."""
        lines = [
            f"{line.code} x{line.units} {line.minutes} {line.administrations}"
            for line in self.lines
        ]
        return "\n".join([*map(notation, self.given.values()), *lines])


@cache
def rulebook() -> Rulebook:
    return load_rulebook(_RULES)


@cache
def drafted(seed: int, policy: str) -> Drafted:
    visit = random_visit(seed)
    given = {f"{each.order}#{number}": each for number, each in enumerate(visit, start=1)}
    lines = (
        line
        for each in draft(timeline(visit), rulebook(), policy=policy).encounters
        for line in each.lines
    )
    return Drafted(given, tuple(line for line in lines if line.code.startswith("96")))


def all_drafted(policy: str) -> Iterator[Drafted]:
    return (drafted(seed, policy) for seed in VISITS)


def billed_hours(of: Drafted) -> Iterator[tuple[frozenset[int], int]]:
    """For each infusion billed by the hour: the minutes it ran in, and its further hours."""
    for line in of.lines:
        if line.code in FIRST_HOURS:
            same = [
                each for each in of.lines if set(each.administrations) == set(line.administrations)
            ]
            yield of.ran(line), sum(each.units for each in same if each.code in FURTHER_HOURS)


@all_policies
def test_no_line_claims_more_minutes_than_ran(policy: str) -> None:
    """The minutes of a line are no more than the minutes in which its administrations ran."""
    timed = 0
    for each in all_drafted(policy):
        for line in each.lines:
            if line.minutes is not None:
                timed += line.code not in PUSHES
                assert line.minutes <= len(each.ran(line)), each.told()
    assert timed > len(VISITS), "too few timed lines to claim anything"


@all_policies
def test_every_hour_of_an_infusion_was_earned(policy: str) -> None:
    """A first hour ran 16 minutes; with n further hours, n full hours and a tail of 30 or 31
    minutes.
    """
    hours = Counter[int]()
    for each in all_drafted(policy):
        for ran, further in billed_hours(each):
            needed = 60 * further + TAIL[policy] if further else INFUSION_FROM
            assert len(ran) >= needed, each.told()
            hours[further] += 1
    assert min(hours[0], hours[1], hours[2]) > 0, "the visits reach too few hours to claim anything"


@all_policies
def test_every_further_hour_belongs_to_a_first_one(policy: str) -> None:
    """No 96415 or 96366 stands without the first hour of the same administrations."""
    seen = 0
    for each in all_drafted(policy):
        first = [set(line.administrations) for line in each.lines if line.code in FIRST_HOURS]
        for line in each.lines:
            if line.code in FURTHER_HOURS:
                seen += 1
                assert set(line.administrations) in first, each.told()
    assert seen > 0


@all_policies
def test_every_unit_of_hydration_was_earned(policy: str) -> None:
    """n units of hydration in an encounter need 60 minutes for all but the last, and 31 for
    that.
    """
    units_seen = Counter[int]()
    for each in all_drafted(policy):
        units = sum(line.units for line in each.lines if line.code in HYDRATION)
        if units:
            ran = frozenset().union(*(g.minutes for g in each.given.values() if _is_fluid(g)))
            assert len(ran) >= 60 * (units - 1) + HYDRATION_FROM, each.told()
            units_seen[units] += 1
    assert min(units_seen[1], units_seen[2]) > 0


@pytest.mark.parametrize("policy", POLICIES[1:])
def test_medicare_hydration_was_earned_alone(policy: str) -> None:
    """Under Medicare's rules those minutes of hydration have nothing else running into any vein."""
    shared = 0
    for each in all_drafted(policy):
        units = sum(line.units for line in each.lines if line.code in HYDRATION)
        if units:
            vein = [g for g in each.given.values() if g.route == "iv"]
            fluid = frozenset().union(*(g.minutes for g in vein if _is_fluid(g)))
            other = frozenset().union(*(g.minutes for g in vein if not _is_fluid(g)))
            shared += bool(fluid & other)
            assert len(fluid - other) >= 60 * (units - 1) + HYDRATION_FROM, each.told()
    assert shared > 0, "no hydration ran beside anything"


@all_policies
def test_no_administration_is_billed_as_two_services(policy: str) -> None:
    """Further hours aside, an administration stands behind one service line at most."""
    several = 0
    for each in all_drafted(policy):
        lines = [line for line in each.lines if line.code not in FURTHER_HOURS | {"96361"}]
        behind = Counter(key for line in lines for key in line.administrations)
        several += len(behind) > 1
        assert all(count == 1 for count in behind.values()), each.told()
    assert several > 0


@all_policies
def test_the_hours_of_a_drug_are_no_more_than_it_ran(policy: str) -> None:
    """All hours of a drug together, over all its lines, need no more minutes than it truly ran."""
    counted = 0
    for each in all_drafted(policy):
        needed: Counter[str] = Counter()
        for line in each.lines:
            drug = each.given[line.administrations[0]].drug
            if line.code in FIRST_HOURS:
                needed[drug] += INFUSION_FROM
            elif line.code in FURTHER_HOURS:
                needed[drug] += 60 * line.units + TAIL[policy] - INFUSION_FROM
        for drug, minutes in needed.items():
            ran = frozenset().union(*(g.minutes for g in each.given.values() if g.drug == drug))
            assert len(ran) >= minutes, each.told()
            counted += 1
    assert counted > 0


def _is_fluid(given: Given) -> bool:
    return KINDS[given.drug] == "hydration_fluid"
