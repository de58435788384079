"""Arithmetic on stretches of time: seconds go in, and seconds come out.

It owns the union, overlap, subtraction and distance of spans, and does not know what runs in them.
A span is a pair of whole seconds since 1970, start before stop, so that results are exact integers.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter

Span = tuple[int, int]


def seconds(spans: Iterable[Span]) -> int:
    """The seconds that all spans last, added up."""
    return sum([stop - start for start, stop in spans])


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that do not overlap, ascending; spans that touch become one."""
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            if stop > joined[-1][1]:
                joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def overlap(ours: Sequence[Span], theirs: Sequence[Span]) -> int:
    """The seconds in which both run."""
    joined = union(theirs)
    shared = 0
    for start, stop in ours:
        for other_start, other_stop in _not_over_at(joined, start):
            if other_start >= stop:
                break
            shared += min(stop, other_stop) - max(start, other_start)
    return shared


def subtract(ours: Sequence[Span], theirs: Iterable[Span]) -> list[Span]:
    """What remains of `ours` when `theirs` is taken out."""
    cuts = union(theirs)
    remaining: list[Span] = []
    for start, stop in union(ours):
        left = start  # from here on nothing is cut yet
        for cut_start, cut_stop in _not_over_at(cuts, start):
            if cut_start >= stop:
                break
            if left < cut_start:
                remaining.append((left, cut_start))
            left = cut_stop
        if left < stop or left == start:
            remaining.append((left, stop))
    return remaining


def _not_over_at(joined: Sequence[Span], moment: int) -> Iterator[Span]:
    """The spans that end after a moment; `joined` are as `union` returns them."""
    return islice(joined, bisect_right(joined, moment, key=_STOP), None)


def join_in(joined: list[Span], span: Span) -> None:
    """Add one span in place to spans as `union` returns them, which they stay.

    The place is found by halving, so that one more span costs no look at all the others.
    """
    start, stop = span
    first = bisect_left(joined, start, key=_STOP)
    last = bisect_right(joined, stop, lo=first, key=_START)
    if first < last:
        start, stop = min(start, joined[first][0]), max(stop, joined[last - 1][1])
    joined[first:last] = [(start, stop)]


def distance(ours: Iterable[Span], joined: Sequence[Span]) -> int:
    """Seconds between the nearest ends of two sets of spans; 0 where they touch or overlap.

    `joined` are spans as `union` returns them, at least one.
    """
    return min([_distance(span, joined) for span in ours])


def _distance(span: Span, joined: Sequence[Span]) -> int:
    start, stop = span
    after = bisect_left(joined, start, key=_STOP)  # the first that ends at our start or later
    gaps = [start - joined[after - 1][1]] if after else []
    gaps += [max(0, joined[after][0] - stop)] if after < len(joined) else []
    return min(gaps)


def runs_at(joined: Sequence[Span], moment: int) -> bool:
    """Whether one of the spans, which are as `union` returns them, has begun and not ended."""
    place = bisect_right(joined, moment, key=_START)
    return place > 0 and moment < joined[place - 1][1]


_START, _STOP = itemgetter(0), itemgetter(1)
