"""Which orders of a visit are known by which other number.

It owns whose order facts count for an order besides its own. An order has the number of the placer
and that of the filler, and a message may name only one of them. It knows no field: the profile says
which number comes first. Rows keep the number under which they were charted.

A visit has an RDE of P1, and later a RAS of F1 (P1). The facts of P1 then count for F1, and those
of F1 for P1. When the pharmacy makes a second order F2 (P1), those of P1 count for F1 and for F2,
and neither F1 nor F2 counts for P1 any more: the cancel of one bag does not cancel the other. A
number that is the first of one order and the other one of another, such as 1001 in two counters,
joins nothing. All this depends on the set of pairs only, so the order of arrival does not matter.
"""

from collections.abc import Collection, Iterable


class OrderNumbers:
    """The numbers of the orders of one visit, as the ORCs of its messages pair them."""

    __slots__ = ("_orders", "_others")

    def __init__(self) -> None:
        self._others: dict[str, set[str]] = {}  # the number of an order -> its other numbers
        self._orders: dict[str, set[str]] = {}  # another number -> the orders that have it

    def pair(self, number: str, others: Iterable[str]) -> set[str]:
        """Take in the numbers of one ORC; returns the numbers to which other facts count now."""
        changed: set[str] = set()
        for other in others:
            if other in self._others.get(number, ()):
                continue
            changed |= {number, other, *self._orders.get(number, ())}
            self._others.setdefault(number, set()).add(other)
            self._orders.setdefault(other, set()).add(number)
        return changed

    def lenders(self, number: str) -> Collection[str]:
        """The numbers whose facts count for a number besides its own, sorted."""
        if number in self._others:
            return sorted([other for other in self._others[number] if other not in self._others])
        orders = self._orders.get(number, ())
        return orders if len(orders) == 1 else ()

    def borrowers(self, number: str) -> Collection[str]:
        """The numbers for which the facts of a number count besides its own."""
        if number not in self._others:
            return self._orders.get(number, ())
        return [other for other in self._others[number] if number in self.lenders(other)]
