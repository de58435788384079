"""Numbers that were merged into other numbers: of visits, and of patients.

It owns the walk along merges in both directions, for the timelines in memory as for the messages in
the ledger. Of several merges of one number the last sent counts. Where merges form a ring, all
numbers in it are one, and the least of them stands for all, so that every program agrees.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

Version = tuple[datetime, str]
"""When a message was sent, and its digest: the later of two versions counts."""

Number = TypeVar("Number", bound=tuple[str, ...])


class Merges(Generic[Number]):
    """Which number each merged one leads to; numbers are (facility, number)."""

    def __init__(self) -> None:
        self._following: dict[Number, tuple[Version, Number]] = {}
        self._priors: dict[Number, set[Number]] = {}

    def __contains__(self, number: Number) -> bool:
        """Whether a number was merged into another one."""
        return number in self._following

    def is_news(self, prior: Number, surviving: Number, version: Version) -> bool:
        """Whether a merge would change anything: no later one of the same number is known."""
        known = self._following.get(prior)
        return prior != surviving and (known is None or known[0] < version)

    def add(self, prior: Number, surviving: Number, version: Version) -> None:
        """Take in a merge, if it is news."""
        if not self.is_news(prior, surviving, version):
            return
        before = self._following.get(prior)
        if before is not None:
            self._priors[before[1]].discard(prior)
        self._following[prior] = (version, surviving)
        self._priors.setdefault(surviving, set()).add(prior)

    def surviving(self, number: Number) -> Number:
        """The number that stands, after all merges; of a ring its least member."""
        path = [number]
        while (following := self._following.get(path[-1])) is not None:
            after = following[1]
            if after in path:
                return min(path[path.index(after) :])
            path.append(after)
        return path[-1]

    def leading_to(self, number: Number) -> list[Number]:
        """The numbers from which merges lead to this one, over any distance, itself first."""
        reached = {number: None}
        path = [number]
        while path:
            for prior in self._priors.get(path.pop(), ()):
                if prior not in reached:
                    reached[prior] = None
                    path.append(prior)
        return list(reached)

    def members(self, survivor: Number) -> list[Number]:
        """The numbers for which this one stands, its own among them; none if it was merged away."""
        reached: Iterable[Number] = self.leading_to(survivor)
        return [number for number in reached if self.surviving(number) == survivor]
