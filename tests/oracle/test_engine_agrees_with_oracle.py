"""The engine and the oracle bill the same services for each of 4,000 random visits.

This module owns the comparison, and the proof that the comparison can fail: the same visits catch
an oracle with one wrong number. A failing test shows the smallest visit that still differs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from chargeline.engine import Rulebook, draft
from chargeline.rulebook.loading import load_rulebook
from tests.oracle.brute_force import (
    FACILITY,
    GUIDE,
    PHYSICIAN,
    POLICIES,
    RIGHT,
    Billed,
    Numbers,
    billed,
)
from tests.oracle.random_visits import KINDS, Given, notation, random_visit, timeline

VISITS = 2500
SHOWN = 3
_RULES = Path(__file__).resolve().parents[2] / "rules"


@cache
def rulebook() -> Rulebook:
    return load_rulebook(_RULES)


def engine(visit: Sequence[Given], policy: str) -> Billed:
    """Units of each service code with its modifiers, as the engine drafts them."""
    units: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for encounter in draft(timeline(visit), rulebook(), policy=policy).encounters:
        for line in encounter.lines:
            if line.code.startswith("96"):
                units[(line.code, line.modifiers)] += line.units
    return dict(units)


@cache
def drafted(seed: int, policy: str) -> Billed:
    return engine(random_visit(seed), policy)


def smallest(
    visit: tuple[Given, ...], differs: Callable[[tuple[Given, ...]], bool]
) -> tuple[Given, ...]:
    """Leave out administrations one by one, for as long as the rest still differs."""
    for number in range(len(visit)):
        fewer = visit[:number] + visit[number + 1 :]
        if fewer and differs(fewer):
            return smallest(fewer, differs)
    return visit


def report(seed: int, policy: str) -> str:
    visit = smallest(random_visit(seed), lambda some: engine(some, policy) != billed(some, policy))
    told = [f"visit {seed} under {policy}, reduced:", *(f"    {notation(each)}" for each in visit)]
    told.append(f"  oracle {show(billed(visit, policy))}")
    told.append(f"  engine {show(engine(visit, policy))}")
    return "\n".join(told)


def show(units: Billed) -> str:
    return ", ".join(
        f"{'-'.join([code, *marks])} x{count}" for (code, marks), count in sorted(units.items())
    )


def disagreements(policy: str, numbers: Numbers) -> Iterator[int]:
    """Seeds of the visits on which the engine and an oracle with these numbers differ."""
    return (
        n for n in range(VISITS) if drafted(n, policy) != billed(random_visit(n), policy, numbers)
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_the_engine_bills_what_the_oracle_bills(policy: str) -> None:
    """Codes, modifiers and units of every random visit are those of the oracle."""
    seeds = list(disagreements(policy, RIGHT))
    told = "\n".join(report(seed, policy) for seed in seeds[:SHOWN])
    assert not seeds, f"{len(seeds)} of {VISITS} visits differ; the first:\n{told}"


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        (FACILITY, RIGHT._replace(infusion_from=15)),
        (FACILITY, RIGHT._replace(infusion_from=17)),
        (FACILITY, RIGHT._replace(concurrent_from=15)),
        (FACILITY, RIGHT._replace(concurrent_from=17)),
        (FACILITY, RIGHT._replace(tail=30)),
        (FACILITY, RIGHT._replace(tail=32)),
        (GUIDE, RIGHT._replace(guide_tail=29)),
        (GUIDE, RIGHT._replace(guide_tail=31)),
        (GUIDE, RIGHT._replace(guide_most_chemo_hours=7)),
        (GUIDE, RIGHT._replace(guide_most_chemo_hours=9)),
        (FACILITY, RIGHT._replace(hydration_from=30)),
        (FACILITY, RIGHT._replace(hydration_from=32)),
        (FACILITY, RIGHT._replace(repeat_after=29)),
        (FACILITY, RIGHT._replace(repeat_after=31)),
        (FACILITY, RIGHT._replace(touching=0)),
        (FACILITY, RIGHT._replace(touching=2)),
        (PHYSICIAN, RIGHT._replace(dose_within=14)),
        (PHYSICIAN, RIGHT._replace(dose_within=16)),
    ],
    ids=lambda value: value if isinstance(value, str) else _name(value),
)
def test_an_oracle_with_one_wrong_number_is_caught(policy: str, wrong: Numbers) -> None:
    """Each number is tried one too low and one too high, and some visit shows the difference."""
    agreed = (n for n in range(VISITS) if drafted(n, policy) == billed(random_visit(n), policy))
    assert any(drafted(n, policy) != billed(random_visit(n), policy, wrong) for n in agreed)


def _name(numbers: Numbers) -> str:
    changed = [name for name in Numbers._fields if getattr(numbers, name) != getattr(RIGHT, name)]
    return ", ".join(f"{name} {getattr(numbers, name)}" for name in changed)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_random_visits_reach_every_service_code(policy: str) -> None:
    """Under each policy some visit bills each code that the oracle knows under that policy."""
    reached = {code for n in range(VISITS) for code, _ in billed(random_visit(n), policy)}
    chemo = {"96401", "96402", "96409", "96411", "96413", "96415", "96417"}
    other = {
        "96360",
        "96361",
        "96365",
        "96366",
        "96367",
        "96368",
        "96372",
        "96374",
        "96375",
        "96376",
    }
    assert reached == (chemo | other) - ({"96376"} if policy == PHYSICIAN else set())


def test_the_random_visits_have_second_lines() -> None:
    """Some visits have an initial service in a second access line, and further hours of it."""
    marked = {
        code for n in range(VISITS) for code, marks in billed(random_visit(n), FACILITY) if marks
    }
    assert {"96413", "96415", "96365", "96366"} <= marked


def test_the_drugs_of_the_random_visits_are_in_the_formulary() -> None:
    """The kinds of drugs, written down by hand for the oracle, are those of the formulary."""
    day = timeline(random_visit(0)).days[0].day
    rows = {drug: rulebook().formulary.find((drug,), drug, day).drug for drug in KINDS}
    assert {drug: row.kind if row else None for drug, row in rows.items()} == KINDS
