"""No draft bills time that did not pass.

This module owns the bookkeeping of minutes over many random visits. It compares the minutes that a
billed hour needs at least with the minutes in which a drug truly ran. It knows code numbers and
printed minimums, and nothing of how the engine chooses between codes.
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
VISITS = range(100_000, 100_600)  # seeds; the oracle is compared on other ones
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
    encounters = draft(timeline(visit), rulebook(), policy=policy).encounters
    lines = (line for encounter in encounters for line in encounter.lines)
    return Drafted(given, tuple(line for line in lines if line.code.startswith("96")))


def all_drafted(policy: str) -> Iterator[Drafted]:
    return (drafted(seed, policy) for seed in VISITS)


def billed_hours(of: Drafted) -> Iterator[tuple[frozenset[int], int]]:
    """For each infusion billed by the hour: the minutes in which it ran, and its further hours."""
    further = [line for line in of.lines if line.code in FURTHER_HOURS]
    for line in of.lines:
        if line.code in FIRST_HOURS:
            keys = set(line.administrations)
            hours = sum(other.units for other in further if set(other.administrations) == keys)
            yield of.ran(line), hours


@all_policies
def test_no_line_claims_more_minutes_than_ran(policy: str) -> None:
    """A line never has more minutes than those in which its administrations ran."""
    timed = 0
    for drafted_visit in all_drafted(policy):
        for line in drafted_visit.lines:
            if line.minutes is not None:
                timed += line.code not in PUSHES
                assert line.minutes <= len(drafted_visit.ran(line)), drafted_visit.told()
    assert timed > len(VISITS), "too few timed lines to claim anything"


@all_policies
def test_every_hour_of_an_infusion_was_earned(policy: str) -> None:
    """A first hour needs 16 minutes; two further hours need 150 (guide) or 151 minutes (CPT)."""
    hours = Counter[int]()
    for drafted_visit in all_drafted(policy):
        for ran, further in billed_hours(drafted_visit):
            needed = 60 * further + TAIL[policy] if further else INFUSION_FROM
            assert len(ran) >= needed, drafted_visit.told()
            hours[further] += 1
    assert min(hours[0], hours[1], hours[2]) > 0, "the visits reach too few hours to claim anything"


@all_policies
def test_every_further_hour_belongs_to_a_first_one(policy: str) -> None:
    """Each stands beside a first hour of the same administrations; a later dose, of its drug."""
    seen = Counter[bool]()
    for drafted_visit in all_drafted(policy):
        for line in drafted_visit.lines:
            if line.code in FURTHER_HOURS:
                later = is_later_dose(line, drafted_visit)
                seen[later] += 1
                assert not later or line.drug in first_hours_of_drugs(drafted_visit)
    assert min(seen[True], seen[False]) > 0


def is_later_dose(line: ChargeLine, of: Drafted) -> bool:
    """Whether further hours are a dose by themselves, without a first hour of their own."""
    first = [set(other.administrations) for other in of.lines if other.code in FIRST_HOURS]
    is_alone = set(line.administrations) not in first
    assert not is_alone or line.code == "96366", of.told()
    return is_alone


def first_hours_of_drugs(of: Drafted) -> set[str]:
    return {line.drug for line in of.lines if line.code in FIRST_HOURS}


@all_policies
def test_every_later_dose_ran_as_an_infusion(policy: str) -> None:
    """One unit needs 16 minutes of the bag, two units 90 (guide) or 91 minutes (CPT)."""
    units = Counter[int]()
    for drafted_visit in all_drafted(policy):
        for line in drafted_visit.lines:
            if line.code in FURTHER_HOURS and is_later_dose(line, drafted_visit):
                more = line.units - 1
                needed = 60 * more + TAIL[policy] if more else INFUSION_FROM
                assert len(drafted_visit.ran(line)) >= needed, drafted_visit.told()
                units[line.units] += 1
    assert units[1] > 0


@all_policies
def test_every_unit_of_hydration_was_earned(policy: str) -> None:
    """Three units of hydration need 60 + 60 + 31 minutes in which a fluid ran."""
    units_seen = Counter[int]()
    for drafted_visit in all_drafted(policy):
        units = sum(line.units for line in drafted_visit.lines if line.code in HYDRATION)
        if units:
            fluids = [given for given in drafted_visit.given.values() if _is_fluid(given)]
            ran = frozenset().union(*(fluid.minutes for fluid in fluids))
            assert len(ran) >= 60 * (units - 1) + HYDRATION_FROM, drafted_visit.told()
            units_seen[units] += 1
    assert min(units_seen[1], units_seen[2]) > 0


@pytest.mark.parametrize("policy", POLICIES[1:])
def test_medicare_hydration_was_earned_alone(policy: str) -> None:
    """Under Medicare's rules no drug runs into a vein in the minutes that bill hydration."""
    shared = 0
    for drafted_visit in all_drafted(policy):
        units = sum(line.units for line in drafted_visit.lines if line.code in HYDRATION)
        if units:
            vein = [given for given in drafted_visit.given.values() if given.route == "iv"]
            fluid = frozenset().union(*(given.minutes for given in vein if _is_fluid(given)))
            drugs = frozenset().union(*(given.minutes for given in vein if not _is_fluid(given)))
            shared += bool(fluid & drugs)
            needed = 60 * (units - 1) + HYDRATION_FROM
            assert len(fluid - drugs) >= needed, drafted_visit.told()
    assert shared > 0, "no hydration ran beside anything"


@all_policies
def test_no_administration_is_billed_as_two_services(policy: str) -> None:
    """Further hours aside, an administration stands behind one service line at most."""
    several = 0
    further = FURTHER_HOURS | {"96361"}
    for drafted_visit in all_drafted(policy):
        lines = [line for line in drafted_visit.lines if line.code not in further]
        behind = Counter(key for line in lines for key in line.administrations)
        several += len(behind) > 1
        assert all(count == 1 for count in behind.values()), drafted_visit.told()
    assert several > 0


@all_policies
def test_the_hours_of_a_drug_are_no_more_than_it_ran(policy: str) -> None:
    """All hours of a drug, over all its lines, need no more minutes than the drug truly ran."""
    counted = 0
    for drafted_visit in all_drafted(policy):
        given = drafted_visit.given
        needed: Counter[str] = Counter()
        for line in drafted_visit.lines:
            drug = given[line.administrations[0]].drug
            if line.code in FIRST_HOURS:
                needed[drug] += INFUSION_FROM
            elif line.code in FURTHER_HOURS:
                hours = line.units - is_later_dose(line, drafted_visit)
                needed[drug] += (60 * hours + TAIL[policy] - INFUSION_FROM) if hours else 0
                needed[drug] += INFUSION_FROM * is_later_dose(line, drafted_visit)
        for drug, minutes in needed.items():
            doses = [dose for dose in given.values() if dose.drug == drug]
            ran = frozenset().union(*(dose.minutes for dose in doses))
            assert len(ran) >= minutes, drafted_visit.told()
            counted += 1
    assert counted > 0


def _is_fluid(given: Given) -> bool:
    return KINDS[given.drug] == "hydration_fluid"
