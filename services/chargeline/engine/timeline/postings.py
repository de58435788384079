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
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from chargeline.engine.care import PostedCharge
from chargeline.engine.care_words import PostedKind
from chargeline.engine.timeline.merges import Version

_Slot = tuple[str, date]


class _Row(NamedTuple):
    """A row as it was sent in a message at a time; `place` is where it stands in the message."""

    sent: datetime
    digest: str
    place: tuple[int, ...]
    charge: PostedCharge

    @property
    def version(self) -> Version:
        """Which sending of which message it is in."""
        return (self.sent, self.digest)

    @property
    def of_message(self) -> tuple[str, tuple[int, ...]]:
        """Which row of which message it is, whenever that was sent."""
        return (self.digest, self.place)


class _Tellings(NamedTuple):
    """A row, and the first and last time at which its message was sent."""

    charge: PostedCharge
    first: datetime
    last: datetime

    def rows(self) -> Iterator[_Row]:
        """The row at each of its times."""
        for sent in sorted({self.first, self.last}):
            again = self.charge._replace(sent_again=sent if sent > self.first else None)
            yield _Row(sent, again.message.digest, again.source.place, again)


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
                bare = [row._replace(charge=row.charge._replace(number="")) for row in rows]
                for _slot, of_slot in groupby(sorted(bare, key=_code_and_day), _code_and_day):
                    yield from _Standing(_in_order(of_slot), is_shared=True).rows
            else:
                yield from _Standing(rows, is_shared=False).rows


def _in_order(rows: Iterable[_Row]) -> list[_Row]:
    """Rows by time. Of messages of one second one with a credit goes first: it makes way."""
    rows = list(rows)
    credits = {row.version for row in rows if row.charge.kind == "credit"}
    return sorted(rows, key=lambda row: (row.sent, row.version not in credits, row.of_message))


def _of_no_number(rows: Sequence[_Row]) -> Iterator[PostedCharge]:
    """Rows without a number: each of them is one, and what comes again says nothing new.

    A charge that comes again after a credit of its code and day is posted anew, and so is a credit
    that comes again after a charge.
    """
    last: dict[tuple[PostedKind, _Slot], int] = {}
    told: dict[tuple[str, tuple[int, ...]], int] = {}
    for nth, row in enumerate(rows):
        kind, slot = row.charge.kind, _code_and_day(row)
        other: PostedKind = "credit" if kind == "charge" else "charge"
        before = told.get(row.of_message)
        if before is None or last.get((other, slot), -1) > before:
            told[row.of_message] = last[kind, slot] = nth
            yield row.charge


def _is_shared(rows: Sequence[_Row]) -> bool:
    """Whether one message has several charges under the number, or several credits.

    Then it is the number of none of them.
    """
    told: dict[Version, list[PostedKind]] = {}
    for row in rows:
        told.setdefault(row.version, []).append(row.charge.kind)
    return any(len(kinds) > len(set(kinds)) for kinds in told.values())


def _code_and_day(row: _Row) -> _Slot:
    return (row.charge.code, row.charge.day)


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
        for (_sent, kind), told in groupby(rows, key=lambda row: (row.version, row.charge.kind)):
            if kind == "charge":
                self._charge(list(told))
            else:
                self._credit(list(told))

    @property
    def rows(self) -> list[PostedCharge]:
        """The charges, then the credits."""
        return [row.charge for row in (*self._charges, *self._credits, *self._early)]

    def _charge(self, told: list[_Row]) -> None:
        if self._charges and self._is_taken_back():
            self._charges, self._credits = [], []
        if self._charges and not self._is_shared:
            (before,), (now,) = self._charges, told
            earlier = dict.fromkeys([*before.charge.instead_of, _code_and_day(before)])
            earlier.pop(_code_and_day(now), None)
            told = [now._replace(charge=now.charge._replace(instead_of=tuple(earlier)))]
        self._charges = told

    def _credit(self, told: list[_Row]) -> None:
        if not self._charges:
            self._early = told
            return
        if self._is_shared:
            seen = {row.of_message for row in self._credits}
            told = [*self._credits, *[row for row in told if row.of_message not in seen]]
        elif self._credits and self._credits[0].digest != told[0].digest:
            (row,) = self._charges
            again = row.charge._replace(credited_again=row.charge.credited_again + 1)
            self._charges = [row._replace(charge=again)]
        self._credits = told

    def _is_taken_back(self) -> bool:
        """Whether the credits take back all of the charges."""
        rows = (*self._charges, *self._credits)
        is_one_code = len({row.charge.code for row in rows}) == 1
        is_whole = all(row.charge.is_whole for row in rows)
        return is_one_code and is_whole and _units(self._credits) >= _units(self._charges)


def _units(rows: Iterable[_Row]) -> Decimal:
    return sum([row.charge.units for row in rows], Decimal(0))
