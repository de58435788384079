"""The posted charges and credits of one visit as they stand after all messages about them.

It owns what becomes of several messages under one number (FT1-2). A charge that is sent again
corrects the one before, and so does a credit; the charge says in place of which other codes and
days it stands. A charge that follows a credit of the whole charge is posted anew, and these two are
settled. Which charge a credit takes back else is not decided here.

One sequence, worked through. T1 is posted as 99215, credited, and posted again as 99215. The last
charge stands alone. Without the credit it would stand in place of the first one.

Some senders put the number of a visit or a batch into FT1-2. Where one message has several charges
under a number, it is taken off all rows that have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from chargeline.engine.care import PostedCharge
from chargeline.engine.care_words import PostedKind
from chargeline.engine.timeline.merges import Version

_Place = tuple[Version, tuple[int, ...]]
"""When a row was sent, in which message, and where it stands in it."""
_Row = tuple[_Place, PostedCharge]
_Slot = tuple[str, date]


class _Tellings(NamedTuple):
    """A row, and the first and last time at which its message was sent."""

    charge: PostedCharge
    first: datetime
    last: datetime

    def rows(self) -> Iterator[_Row]:
        """The row at each of its times."""
        for sent in sorted({self.first, self.last}):
            again = sent if sent > self.first else None
            place = ((sent, self.charge.message.digest), self.charge.source.place)
            yield place, self.charge._replace(sent_again=again)


class PostingBuilder:
    """The posted charges of one visit: every row of every message, by number."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, tuple[int, ...]], _Tellings]] = {}

    def add(self, charge: PostedCharge, sent: datetime) -> bool:
        """Take in one row, sent at a time; returns whether it may matter.

        A message that came again counts as sent at the first and at the last of its times.
        """
        rows = self._rows.setdefault(charge.number, {})
        row = (charge.message.digest, charge.source.place)
        before = rows.get(row)
        if before is None:
            rows[row] = _Tellings(charge, sent, sent)
        elif before.first <= sent <= before.last:
            return False
        else:
            rows[row] = before._replace(first=min(before.first, sent), last=max(before.last, sent))
        return True

    def standing(self) -> Iterator[PostedCharge]:
        """The charges that were not corrected or settled, and the credits that are not settled."""
        for number, of_number in self._rows.items():
            rows = _in_order([row for told in of_number.values() for row in told.rows()])
            if not number:
                yield from _of_no_number(rows)
            elif _is_shared(rows):
                bare = [(place, charge._replace(number="")) for place, charge in rows]
                for _slot, of_slot in groupby(sorted(bare, key=_code_and_day), _code_and_day):
                    yield from _Standing(_in_order(of_slot), is_shared=True).rows
            else:
                yield from _Standing(rows, is_shared=False).rows


def _in_order(rows: Iterable[_Row]) -> list[_Row]:
    """Rows by time. Of messages of one second one with a credit goes first: it makes way."""
    rows = list(rows)
    credits = {version for (version, _place), charge in rows if charge.kind == "credit"}
    return sorted(rows, key=lambda row: (row[0][0][0], row[0][0] not in credits, row[0]))


def _of_no_number(rows: Sequence[_Row]) -> Iterator[PostedCharge]:
    """Rows without a number: each of them is one, and what comes again says nothing new.

    A charge that comes again after a credit of its code and day is posted anew, and so is a credit
    that comes again after a charge.
    """
    last: dict[tuple[PostedKind, _Slot], int] = {}
    told: dict[tuple[str, tuple[int, ...]], int] = {}
    for nth, row in enumerate(rows):
        ((_sent, digest), place), charge = row
        other: PostedKind = "credit" if charge.kind == "charge" else "charge"
        before = told.get((digest, place))
        if before is None or last.get((other, _code_and_day(row)), -1) > before:
            told[digest, place] = last[charge.kind, _code_and_day(row)] = nth
            yield charge


def _is_shared(rows: Sequence[_Row]) -> bool:
    """Whether one message has several charges under the number, or several credits.

    Then it is the number of none of them.
    """
    told: dict[Version, list[PostedKind]] = {}
    for (version, _place), charge in rows:
        told.setdefault(version, []).append(charge.kind)
    return any(len(kinds) > len(set(kinds)) for kinds in told.values())


def _code_and_day(row: _Row) -> _Slot:
    return (row[1].code, row[1].day)


class _Standing:
    """What stands of the rows of one charge; or, of a shared number, of one code and day.

    A message tells all charges of it anew. Credits of a shared number do not correct each other.
    """

    def __init__(self, rows: Sequence[_Row], *, is_shared: bool) -> None:
        self._is_shared = is_shared
        self._charges: list[_Row] = []
        self._credits: list[_Row] = []
        self._early: list[_Row] = []
        """Credits that were sent before every charge."""
        for (_version, kind), told in groupby(rows, key=lambda row: (row[0][0], row[1].kind)):
            if kind == "charge":
                self._charge(list(told))
            else:
                self._credit(list(told))

    @property
    def rows(self) -> list[PostedCharge]:
        """The charges, then the credits."""
        rows = (*self._charges, *self._credits, *self._early)
        return [charge for _place, charge in rows]

    def _charge(self, told: list[_Row]) -> None:
        if self._charges and self._is_taken_back():
            self._charges, self._credits = [], []
        if self._charges and not self._is_shared:
            (before,), ((place, charge),) = self._charges, told
            earlier = dict.fromkeys([*before[1].instead_of, _code_and_day(before)])
            earlier.pop((charge.code, charge.day), None)
            told = [(place, charge._replace(instead_of=tuple(earlier)))]
        self._charges = told

    def _credit(self, told: list[_Row]) -> None:
        if not self._charges:
            self._early = told
            return
        if self._is_shared:
            seen = {(version[1], place) for (version, place), _credit in self._credits}
            told = [*self._credits, *[row for row in told if (row[0][0][1], row[0][1]) not in seen]]
        elif self._credits and self._credits[0][0][0][1] != told[0][0][0][1]:
            ((place, charge),) = self._charges
            self._charges = [(place, charge._replace(credited_again=charge.credited_again + 1))]
        self._credits = told

    def _is_taken_back(self) -> bool:
        """Whether the credits take back all of the charges."""
        rows = [charge for _place, charge in (*self._charges, *self._credits)]
        back = sum([credit.units for _place, credit in self._credits])
        is_one_code = len({charge.code for charge in rows}) == 1
        is_whole = all(charge.is_whole for charge in rows)
        return is_one_code and is_whole and back >= sum([c.units for _place, c in self._charges])
