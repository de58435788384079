"""Numbers that were merged into other numbers: of visits, and of patients.

It owns the walk along merges in both directions, both for timelines in memory and for messages in
the ledger. It does not know what stands under a number. Of several merges of one number the merge
that was sent last counts. Where V1 was merged into V2 and V2 into V1, both numbers are one visit,
and the least number (V1) stands for it, so that every program chooses the same.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

Version = tuple[datetime, str]
"""When a message was sent, and its digest. The later of two versions counts."""

Number = TypeVar("Number", bound=tuple[str, ...])


class Merges(Generic[Number]):
    """The merges of numbers, each number with its facility: (facility, number)."""

    def __init__(self) -> None:
        self._following: dict[Number, tuple[Version, Number]] = {}
        self._priors: dict[Number, set[Number]] = {}

    def __contains__(self, number: Number) -> bool:
        """Whether a number was merged into another one."""
        return number in self._following

    def is_news(self, prior: Number, surviving: Number, version: Version) -> bool:
        """Whether a merge would change anything: no later merge of `prior` was taken in before."""
        latest = self._following.get(prior)
        return prior != surviving and (latest is None or latest[0] < version)

    def add(self, prior: Number, surviving: Number, version: Version) -> None:
        """Take in a merge, if the merge is news."""
        if not self.is_news(prior, surviving, version):
            return
        before = self._following.get(prior)
        if before is not None:
            self._priors[before[1]].discard(prior)
        self._following[prior] = (version, surviving)
        self._priors.setdefault(surviving, set()).add(prior)

    def surviving(self, number: Number) -> Number:
        """The number that stands after all merges; in a ring the least number of the ring."""
        path = [number]
        while (following := self._following.get(path[-1])) is not None:
            after = following[1]
            if after in path:
                return min(path[path.index(after) :])
            path.append(after)
        return path[-1]

    def leading_to(self, number: Number) -> list[Number]:
        """The numbers from which merges lead to this number, over any distance, itself first."""
        reached = {number: None}
        path = [number]
        while path:
            for prior in self._priors.get(path.pop(), ()):
                if prior not in reached:
                    reached[prior] = None
                    path.append(prior)
        return list(reached)

    def members(self, survivor: Number) -> list[Number]:
        """The numbers that a surviving number stands for, itself included; none if merged away."""
        reached: Iterable[Number] = self.leading_to(survivor)
        return [number for number in reached if self.surviving(number) == survivor]
