"""Counting: how many units so many sessions are, and with which session each unit is earned.

It owns the arithmetic and nothing else. Eight sessions of a course that ends are two units for five
sessions each: one with the fifth, and one with the eighth for the three that are left. When the
course is resumed with two more, both units are settled against the ten sessions: nothing is added.
"""

from collections.abc import Collection, Iterator

from chargeline.engine.radiation.concerns import CountAnswer


def units_of(sessions: int, is_end: bool, count: CountAnswer) -> int:
    """The units of so many sessions; what is left counts only at the end."""
    full, rest = divmod(sessions, count.fractions)
    least = count.rest if full else count.least
    return full + (1 if is_end and rest and rest >= least else 0)


def earned(sessions: int, ends: Collection[int], count: CountAnswer) -> Iterator[int]:
    """The units that each session adds, in order. `ends` are the places at which a course ends.

    A course that is resumed after its end adds a unit only where the total has more of them.
    """
    total = 0
    for place in range(1, sessions + 1):
        units = max(total, units_of(place, place in ends, count))
        yield units - total
        total = units


def counts_for(place: int, sessions: int, has_ended: bool, count: CountAnswer) -> bool:
    """Whether the group of sessions in which a place lies has earned its unit."""
    group = max(0, place - 1) // count.fractions
    if sessions >= (group + 1) * count.fractions:
        return True
    rest = sessions - group * count.fractions
    return has_ended and rest >= (count.rest if group else count.least)
