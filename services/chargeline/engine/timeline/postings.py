"""The posted charges and credits of one visit as they stand after all messages about them.

It owns what becomes of several messages under one number (FT1-2). A charge that is sent again
corrects the one before, and so does a credit; the charge says in place of which other codes and
days it stands. A charge that follows a credit of the whole charge is posted anew, and these two are
settled. Which charge a credit takes back else is not decided here.

One sequence, worked through. T1 is posted as 99215, credited, and posted again as 99215. The last
charge stands alone. Without the credit it would stand in place of the first one.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby

from chargeline.engine.care import PostedCharge
from chargeline.engine.timeline.merges import Version

_Place = tuple[Version, tuple[int, ...]]
"""When a row was sent, in which message, and where it stands in it."""
_Row = tuple[_Place, PostedCharge]


class PostingBuilder:
    """The posted charges of one visit: every row of every message, by number."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, ...], _Row]] = {}

    def add(self, charge: PostedCharge, sent: datetime) -> bool:
        """Take in one row, sent at a time; returns whether it may matter.

        A message that came again counts as sent at each of its times where its rows have numbers:
        then it cannot count twice. Otherwise it says nothing new.
        """
        rows = self._rows.setdefault(charge.number, {})
        when = (sent.isoformat(),) if charge.number else ()
        row = (charge.message.digest, charge.address, *when)
        is_new = row not in rows
        rows.setdefault(row, (((sent, charge.message.digest), charge.source.place), charge))
        return is_new

    def standing(self) -> Iterator[PostedCharge]:
        """The charges that were not corrected or settled, and the credits that are not settled."""
        for number, of_number in self._rows.items():
            rows = _in_order(of_number.values())
            if not number:
                yield from [charge for _place, charge in rows]
                continue
            for of_one in _apart(rows):
                yield from _standing(of_one)


def _in_order(rows: Collection[_Row]) -> list[_Row]:
    """Rows by time. Of messages of one second one with a credit goes first: it makes way."""
    credits = {version for (version, _place), charge in rows if charge.kind == "credit"}
    return sorted(rows, key=lambda row: (row[0][0][0], row[0][0] not in credits, row[0]))


def _apart(rows: Sequence[_Row]) -> list[list[PostedCharge]]:
    """The rows of one number, those of each charge by themselves.

    Where one message has charges of several codes or days under it, it numbers no charge: each code
    of a day is one.
    """
    seen: dict[tuple[Version, str], set[tuple[str, date]]] = {}
    for (version, _place), charge in rows:
        seen.setdefault((version, charge.kind), set()).add(_code_and_day(charge))
    if all(len(slots) == 1 for slots in seen.values()):
        return [[charge for _place, charge in rows]]
    parts = groupby(sorted([charge for _place, charge in rows], key=_code_and_day), _code_and_day)
    return [list(part) for _slot, part in parts]


def _code_and_day(charge: PostedCharge) -> tuple[str, date]:
    return (charge.code, charge.day)


def _standing(rows: Sequence[PostedCharge]) -> list[PostedCharge]:
    """The charge and the credit that stand of the rows of one charge, in their order of time."""
    charge: PostedCharge | None = None
    credit: PostedCharge | None = None
    for row in rows:
        if row.kind == "credit":
            credit = row
            continue
        if charge is not None and credit is not None and _takes_back(credit, charge):
            charge = credit = None
        charge = row if charge is None else _in_place(charge, row)
    return [row for row in (charge, credit) if row is not None]


def _in_place(before: PostedCharge, charge: PostedCharge) -> PostedCharge:
    """A charge with the codes and days of those in whose place it stands, each once."""
    earlier = dict.fromkeys([*before.instead_of, _code_and_day(before)])
    earlier.pop(_code_and_day(charge), None)
    return charge._replace(instead_of=tuple(earlier))


def _takes_back(credit: PostedCharge, charge: PostedCharge) -> bool:
    """Whether a credit of its number takes back a whole charge."""
    is_whole = charge.is_whole and credit.is_whole
    return is_whole and credit.code == charge.code and credit.units >= charge.units
