"""Levels of visits worked out in another way than the engine does, from tables of its own.

It owns the oracle: a level is reached if at least two of the three elements lie at or above it, and
the highest level that is reached counts. Minutes are looked up in a list. It imports nothing of the
engine and no rule.
"""

from collections.abc import Mapping
from typing import NamedTuple

LEVELS = ("straightforward", "low", "moderate", "high")
FIRST_MINUTES = {"new": (15, 30, 45, 60), "established": (10, 20, 30, 40)}
CODES = {
    "new": ("99202", "99203", "99204", "99205"),
    "established": ("99212", "99213", "99214", "99215"),
}
PROLONGED = {
    "guide-2026": ("99417", {"new": 75, "established": 55}),
    "cms-physician-2026": ("G2212", {"new": 89, "established": 69}),
}


class Told(NamedTuple):
    """What is said of a visit: status, minutes (0: not said), and elements with their levels."""

    patient: str
    minutes: int
    elements: Mapping[str, str]


def level_of_elements(elements: Mapping[str, str]) -> int:
    """The number of the level that two elements reach, 0 where they reach none."""
    places = [LEVELS.index(level) + 1 for level in elements.values()]
    return max(
        [level for level in range(1, 5) if sum(place >= level for place in places) >= 2], default=0
    )


def level_of_minutes(patient: str, minutes: int) -> int:
    """The number of the level that the minutes reach, 0 below the first."""
    return sum(minutes >= first for first in FIRST_MINUTES[patient])


def billed(told: Told, policy: str) -> dict[str, int]:
    """The units of each code of a visit with a signed note, and nothing else on the day."""
    by_time = level_of_minutes(told.patient, told.minutes)
    level = max(by_time, level_of_elements(told.elements))
    if level == 0:
        return {}
    units = {CODES[told.patient][level - 1]: 1}
    code, first = PROLONGED[policy]
    if by_time == 4 and told.minutes >= first[told.patient]:
        units[code] = (told.minutes - first[told.patient]) // 15 + 1
    return units
