"""Counting management of a radiation course by hand, as a coder with a sheet of paper does.

It owns a count that was written apart from the engine: no division, no rest, no total so far. The
coder lays a stone into a pot for each session. A pot with five stones is paid and put away. When
the course ends and the pot has three or four stones, it is paid as it stands; if the course goes
on, further stones go into the same pot, which is not paid twice.
"""

from collections.abc import Sequence


def paid(ends: Sequence[bool]) -> list[int]:
    """Which sessions a unit is paid with, by their place from 1 on; `ends` says where it ended."""
    places: list[int] = []
    stones: list[int] = []
    is_paid = False
    for place, is_end in enumerate(ends, 1):
        stones.append(place)
        is_due = len(stones) == 5 or (is_end and len(stones) in (3, 4))
        if is_due and not is_paid:
            places.append(place)
            is_paid = True
        if len(stones) == 5:
            stones, is_paid = [], False
    return places
