"""Counting management of a radiation course by hand, as a coder with a sheet of paper does.

It owns a count that was written apart from the engine: no division, no rest, no total so far. The
coder lays a stone into a pot for each session. A pot with five stones is paid and put away. When
the course ends and the pot has three or four stones, it is paid as it stands; if the course goes
on, further stones go into the same pot, which is not paid twice.
"""

from collections.abc import Mapping, Sequence


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


def paid_at_table(sittings: Sequence[Mapping[str, bool]]) -> list[int]:
    """The same for two courses: which times at the table a unit is paid with, from 1 on.

    A sitting names the courses that were treated in it, each with whether the report says that it
    ended. Courses that lay on the table together share one pot. The coder lays a stone each time
    that the patient lies down, and the pot is closed when no course on the list is still open.
    """
    still_open: set[str] = set()
    closed = []
    for sitting in sittings:
        for course, is_end in sitting.items():
            still_open.discard(course)
            if not is_end:
                still_open.add(course)
        closed.append(not still_open)
    return paid(closed)
