"""Claims about stretches of time.

The tables write minutes, and `spans` turns each into 60 seconds, so that a reader can draw them.
"""

from itertools import permutations

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from chargeline.engine.spans import (
    Span,
    distance,
    join_in,
    overlap,
    runs_at,
    seconds,
    subtract,
    union,
)

LENGTHS = st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair)))
SEVERAL = st.lists(LENGTHS, min_size=1, max_size=8)


def spans(*minutes: Span) -> list[Span]:
    return [(start * 60, stop * 60) for start, stop in minutes]


def test_lengths_are_added() -> None:
    """30 minutes and 15 minutes are 45 minutes; no span lasts 0 seconds."""
    assert seconds(spans((0, 30), (60, 75))) == 45 * 60
    assert seconds([]) == 0


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        (((0, 30), (20, 50)), ((0, 50),)),
        (((0, 30), (30, 60)), ((0, 60),)),
        (((0, 30), (31, 60)), ((0, 30), (31, 60))),
        (((0, 60), (10, 20), (55, 70)), ((0, 70),)),
        (((5, 5),), ((5, 5),)),
        ((), ()),
    ],
    ids=["overlapping", "touching", "apart", "one within", "a moment", "none"],
)
def test_a_union_counts_each_minute_once(given: tuple[Span, ...], joined: tuple[Span, ...]) -> None:
    """The union is the same in whatever order the spans are given."""
    for order in permutations(given):
        assert union(spans(*order)) == spans(*joined)


@pytest.mark.parametrize(
    ("ours", "theirs", "minutes"),
    [
        (((0, 60),), ((45, 90),), 15),
        (((0, 60),), ((60, 90),), 0),
        (((0, 60),), ((10, 20), (50, 70)), 20),
        (((0, 30), (40, 60)), ((20, 50),), 20),
        (((0, 60),), ((0, 60),), 60),
        (((0, 60),), (), 0),
    ],
    ids=["the end", "touching", "two pieces", "over a pause", "all", "none"],
)
def test_an_overlap_is_what_runs_together(
    ours: tuple[Span, ...], theirs: tuple[Span, ...], minutes: int
) -> None:
    """The overlap is the same from either side, and a pause of one of them does not count."""
    assert overlap(spans(*ours), spans(*theirs)) == minutes * 60
    assert overlap(spans(*theirs), spans(*ours)) == minutes * 60


@pytest.mark.parametrize(
    ("ours", "theirs", "rest"),
    [
        (((0, 120),), ((0, 60),), ((60, 120),)),
        (((0, 120),), ((30, 60),), ((0, 30), (60, 120))),
        (((0, 60),), ((0, 60),), ()),
        (((0, 60),), ((60, 90),), ((0, 60),)),
        (((0, 60),), ((10, 20), (15, 30), (55, 90)), ((0, 10), (30, 55))),
        (((0, 60), (30, 90)), ((80, 85),), ((0, 80), (85, 90))),
        (((0, 60),), (), ((0, 60),)),
    ],
    ids=["the beginning", "the middle", "all", "touching", "several", "ours overlap", "nothing"],
)
def test_what_is_taken_out_leaves_the_rest(
    ours: tuple[Span, ...], theirs: tuple[Span, ...], rest: tuple[Span, ...]
) -> None:
    """Two hours of fluid less an hour of drug are an hour; a cut in the middle makes two pieces."""
    assert subtract(spans(*ours), spans(*theirs)) == spans(*rest)


def test_what_remains_and_what_is_shared_are_the_whole() -> None:
    """100 minutes in two pieces, of which 25 are shared: 75 remain."""
    ours, theirs = spans((0, 60), (80, 120)), spans((50, 95))
    assert overlap(ours, theirs) == 25 * 60
    assert seconds(subtract(ours, theirs)) == 75 * 60


@pytest.mark.parametrize(
    ("ours", "theirs", "minutes"),
    [
        (((0, 10),), ((40, 50),), 30),
        (((0, 10),), ((10, 20),), 0),
        (((0, 30),), ((10, 20),), 0),
        (((0, 10), (60, 70)), ((40, 50),), 10),
        (((0, 0),), ((31, 31),), 31),
    ],
    ids=["apart", "touching", "overlapping", "the nearest counts", "two moments"],
)
def test_a_distance_is_between_the_nearest_ends(
    ours: tuple[Span, ...], theirs: tuple[Span, ...], minutes: int
) -> None:
    """The distance is the same from either side."""
    assert distance(spans(*ours), spans(*theirs)) == minutes * 60
    assert distance(spans(*theirs), spans(*ours)) == minutes * 60


@any_of(SEVERAL, SEVERAL)
def test_spans_that_are_joined_one_by_one_are_the_union(ours: list[Span], more: list[Span]) -> None:
    """In whatever order they come."""
    joined = union(ours)
    for span in more:
        join_in(joined, span)
    assert joined == union([*ours, *more])


@any_of(SEVERAL, SEVERAL)
def test_a_distance_is_the_least_of_all_pairs(ours: list[Span], theirs: list[Span]) -> None:
    """Halving finds what comparing each span with each other one finds."""
    pairs = [
        max(0, other_start - stop, start - other_stop)
        for start, stop in ours
        for other_start, other_stop in theirs
    ]
    assert distance(ours, union(theirs)) == min(pairs)


@any_of(SEVERAL, st.integers(0, 70))
def test_a_span_runs_from_its_start_until_before_its_stop(spans: list[Span], moment: int) -> None:
    """A moment at the stop is after it."""
    assert runs_at(union(spans), moment) == any(start <= moment < stop for start, stop in spans)
