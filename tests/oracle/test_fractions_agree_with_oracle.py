"""The engine and a coder with stones in pots count the management of every random course alike.

This module owns the comparison: the arithmetic alone for many courses, and whole feeds of courses
that are divided into visits, shuffled and sent twice, also of two courses of one patient.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import pytest

from chargeline.engine import (
    NO_HISTORY,
    Draft,
    contributions_of,
    draft,
    fold,
    histories,
)
from chargeline.engine.radiation.concerns import CountAnswer
from chargeline.engine.radiation.fractions import earned
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from tests.engine import profile, rulebook
from tests.golden.sessions import fraction
from tests.oracle.fractions import paid, paid_at_table

COUNT = CountAnswer(fractions=5, rest=3, least=3)
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


def course(seed: int) -> list[bool]:
    """For each session of a random course whether a report says that the course ends with it."""
    chance = Random(seed)
    return [chance.random() < 0.15 for _session in range(chance.randint(1, 70))]


def by_engine(ends: list[bool]) -> list[int]:
    places = {place for place, is_end in enumerate(ends, 1) if is_end}
    return [place for place, units in enumerate(earned(len(ends), places, COUNT), 1) if units]


def test_the_arithmetic_agrees() -> None:
    """Four thousand courses of up to seventy sessions, with ends and resumptions anywhere."""
    differing = [seed for seed in range(4000) if by_engine(course(seed)) != paid(course(seed))]
    assert differing == []


def test_the_comparison_can_fail() -> None:
    """A count that pays a rest of two differs from the oracle."""
    ends = [False, False, False, False, False, False, True]
    wrong = COUNT._replace(rest=2)
    assert list(earned(7, {7}, wrong)) != [1 if n in paid(ends) else 0 for n in range(1, 8)]


@pytest.mark.parametrize(
    ("sessions", "units"),
    [(3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 2), (9, 2), (10, 2), (18, 4), (33, 7), (62, 12)],
)
def test_the_published_counts(sessions: int, units: int) -> None:
    """The counts that CMS's chapter 13 and its readers give for a course that ends."""
    assert sum(earned(sessions, {sessions}, COUNT)) == units


# ------------------------------------------------------------------ whole feeds


def messages(seed: int, visits: int = 3) -> list[bytes]:
    """The reports of a random course, each under a random one of some visits of the patient."""
    chance = Random(seed)
    ends = course(seed)[:24]
    reports = []
    for place, is_end in enumerate(ends, 1):
        when = MONDAY + timedelta(days=place // 2, hours=6 * (place % 2))
        visit = f"V{chance.randint(1, visits)}"
        more = {"end": "Y"} if is_end else {}
        reports.append(fraction(place, f"{when:%Y%m%d%H%M}", visit=visit, technique="3D", **more))
    return reports


def drafts(feed: list[bytes]) -> dict[str, Draft]:
    folded = fold([read_events(read_message(data), profile()) for data in feed], rulebook().base)
    alone = {key: draft(folded[key], rulebook(), policy="guide-2026") for key in folded}
    record = [fact for key in folded for fact in contributions_of(folded[key], alone[key])]
    history = histories(record)
    return {
        key.visit: draft(folded[key], rulebook(), history.get(key, NO_HISTORY), policy="guide-2026")
        for key in folded
    }


def units(of_visits: dict[str, Draft]) -> Counter[str]:
    count: Counter[str] = Counter()
    for drafted in of_visits.values():
        for line in drafted.lines:
            count[line.code] += line.units
    return count


@cache
def as_sent(seed: int) -> dict[str, Draft]:
    return drafts(messages(seed))


SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_units_of_all_visits_are_those_of_the_course(seed: int) -> None:
    """However a course is divided into visits, its visits bill what the oracle counts."""
    ends = course(seed)[:24]
    count = units(as_sent(seed))
    short = len(ends) <= 2 and ends[-1]
    assert count["77427"] == (0 if short else len(paid(ends)))
    assert count["77431"] == (1 if short else 0)
    assert count["77407"] == len(ends)


@pytest.mark.parametrize("seed", SEEDS)
def test_order_and_copies_change_nothing(seed: int) -> None:
    """Shuffled and sent twice, the reports give the same draft of every visit."""
    chance = Random(seed)
    sent = messages(seed)
    again = [text for text in sent if chance.random() < 0.3]
    mixed = chance.sample([*sent, *again], len(sent) + len(again))
    assert {key: repr(value) for key, value in drafts(mixed).items()} == {
        key: repr(value) for key, value in as_sent(seed).items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_one_visit_bills_the_same_as_many(seed: int) -> None:
    """The same reports under one visit number give the same units in total."""
    drafted = drafts(messages(seed, visits=1))
    assert list(drafted) == ["V1"]
    assert units(drafted) == units(as_sent(seed))


# ------------------------------------------------------------------ two courses of one patient


def two_courses(seed: int) -> list[dict[str, bool]]:
    """Sittings of two random courses, one a day: which course is treated in each, and whether it
    ends with it. The second begins somewhere within the first.
    """
    chance = Random(f"two:{seed}")
    first, second = chance.randint(1, 14), chance.randint(1, 14)
    begins = chance.randint(0, first)
    days = [
        {
            **({"C1": day == first - 1} if day < first else {}),
            **({"C2": day == begins + second - 1} if begins <= day < begins + second else {}),
        }
        for day in range(max(first, begins + second))
    ]
    return [sitting for sitting in days if sitting]


def at_table(sittings: list[dict[str, bool]], seed: int, *, hours: int = 0) -> list[bytes]:
    """The reports of some sittings, each under a random visit; C2 some hours after C1."""
    chance = Random(seed)
    reports = []
    for day, sitting in enumerate(sittings):
        for course, is_end in sitting.items():
            number = sum([course in before for before in sittings[: day + 1]])
            later = timedelta(hours=hours if course == "C2" else 0, minutes=len(course))
            when = MONDAY + timedelta(days=day) + later
            more = {"end": "Y"} if is_end else {}
            visit = f"V{chance.randint(1, 3)}"
            reports.append(
                fraction(
                    number,
                    f"{when:%Y%m%d%H%M}",
                    course=course,
                    visit=visit,
                    technique="3D",
                    **more,
                )
            )
    return reports


@pytest.mark.parametrize("seed", range(24))
def test_two_courses_at_one_table_are_counted_by_the_sitting(seed: int) -> None:
    """However the reports are divided into visits, each sitting has one delivery."""
    sittings = two_courses(seed)
    count = units(drafts(at_table(sittings, seed)))
    assert count["77407"] == len(sittings)
    if any(len(sitting) > 1 for sitting in sittings) and len(sittings) > 2:
        assert count["77427"] == len(paid_at_table(sittings))


@pytest.mark.parametrize("seed", range(12))
def test_two_courses_with_a_break_are_counted_by_themselves(seed: int) -> None:
    """Six hours apart, each course has the units that it has alone."""
    sittings = two_courses(seed)
    count = units(drafts(at_table(sittings, seed, hours=6)))
    assert count["77407"] == sum([len(sitting) for sitting in sittings])
    lengths = [sum([course in sitting for sitting in sittings]) for course in ("C1", "C2")]
    alone = [paid([n == length for n in range(1, length + 1)]) for length in lengths if length > 2]
    assert count["77427"] == sum([len(places) for places in alone])
    assert count["77431"] == len([length for length in lengths if 0 < length <= 2])
