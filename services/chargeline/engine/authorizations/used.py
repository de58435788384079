"""The units of a patient's authorizations, counted down use by use.

It owns the order in which uses count, and which authorization each counts against. Uses count by
day, then by visit, so the order of arrival does not matter, and a correction in January moves what
is left in June. Of several that cover, the one that the visit names counts; else one with enough
left, the one that ends first. A use above what is left counts too: the account says what was
billed, and not what may be.

An authorization of 600 units, with 200 billed on three days, is used up on the third. A fourth day
of 200 finds nothing left, and counts: 800 of 600. When the second day is voided, 400 are left
before the third day, and the fourth day is covered.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.authorization_words import UnitBasis
from chargeline.engine.authorizations.contributions import Use
from chargeline.engine.authorizations.deadlines import WarnAnswer
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.on_file import as_of, is_of_code, unfit

_Counted = tuple[str, str, date | None]
"""What units count for: a number, the part of it, and since when they count anew."""


class Account(NamedTuple):
    """A use, and the authorization that it counts against; None where none covers.

    `before` is what was used of the authorization by earlier uses, and `amount` what this one uses,
    in its basis. `others` are further authorizations that cover the use as well. `next_dose` is the
    next planned dose if neither this authorization nor another one has room for it, else None.
    """

    use: Use
    authorization: Authorization | None
    before: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    others: tuple[Authorization, ...] = ()
    next_dose: Use | None = None

    @property
    def after(self) -> Decimal:
        """What is used of the authorization with this use."""
        return self.before + self.amount

    @property
    def is_short(self) -> bool:
        """Whether the authorization has less left than the use needs."""
        granted = self.authorization.units if self.authorization is not None else None
        return granted is not None and self.after > granted


class Countdown:
    """What is used of a patient's authorizations, use by use.

    An authorization that counts visits counts days: several codes, or two visit numbers, on one day
    are one.
    """

    def __init__(self, authorizations: Sequence[Authorization]) -> None:
        self._authorizations = authorizations
        self._used: dict[_Counted, Decimal] = {}
        self._visited: set[tuple[_Counted, date]] = set()

    def used(self, authorization: Authorization) -> Decimal:
        """What is used of an authorization so far."""
        return self._used.get(_counted(authorization), Decimal(0))

    def take(self, use: Use) -> Account:
        """Countdown a use against the authorization that covers it."""
        account = self.account_of(use)
        chosen = account.authorization
        if chosen is not None:
            self._used[_counted(chosen)] = account.after
            self._visited.add(_visit_day(chosen, use))
        return account

    def account_of(self, use: Use) -> Account:
        """The account of a use after what is used so far; it is not counted."""
        covering = [
            authorization
            for authorization in as_of(self._authorizations, use.day)
            if is_of_code(authorization, use.code) and unfit(authorization, use) is None
        ]
        named = [authorization for authorization in covering if authorization.number in use.numbers]
        entries = [
            Account(use, authorization, self.used(authorization), self._amount(authorization, use))
            for authorization in sorted(named or covering, key=_ends_first)
        ]
        enough = [entry for entry in entries if not entry.is_short]
        best = (enough or entries or [Account(use, None)])[0]
        others = [entry.authorization for entry in enough[1:] if entry.authorization is not None]
        return best._replace(others=tuple(others))

    def next_without_room(self, account: Account, planned: Iterable[Use]) -> Use | None:
        """The next planned dose of the code after a use, if nothing on file has room for it."""
        authorization, use = account.authorization, account.use
        if authorization is None:
            return None
        following = [
            other
            for other in planned
            if other.planned and other.day >= use.day and is_of_code(authorization, other.code)
        ]
        dose = min(following, key=lambda other: other.when, default=None)
        if dose is None or not lacks_room(authorization, account.after, dose):
            return None
        instead = self.account_of(dose)
        other = instead.authorization
        is_same = other is not None and is_counted_with(other, authorization)
        return dose if instead.authorization is None or instead.is_short or is_same else None

    def _amount(self, authorization: Authorization, use: Use) -> Decimal:
        """What a use takes: its billed units, or a visit; of an order what it is going to take."""
        if authorization.basis != "visits":
            return Decimal(use.units or use.planned)
        return Decimal(0 if _visit_day(authorization, use) in self._visited else 1)


def accounts(authorizations: Sequence[Authorization], uses: Iterable[Use]) -> list[Account]:
    """Each use with its account, in the order in which they count; uses of nothing are left out."""
    return counted(Countdown(authorizations), uses)


def counted(count: Countdown, uses: Iterable[Use]) -> list[Account]:
    """The same, into a count that goes on afterwards."""
    return _taken(count, [use for use in uses if use.units > 0])


def planned_after(count: Countdown, uses: Iterable[Use]) -> list[Account]:
    """Each planned dose with its account, after a count of what is billed."""
    return _taken(count, [use for use in uses if use.planned])


def _taken(count: Countdown, uses: Sequence[Use]) -> list[Account]:
    return [count.take(use) for use in sorted(uses, key=lambda use: (use.when, use.order))]


def is_one(one: Authorization, other: Authorization) -> bool:
    """Whether both are one authorization, perhaps as it stood on two days."""
    return one.slot == other.slot


def is_counted_with(one: Authorization, other: Authorization) -> bool:
    """Whether both count the same units: one authorization, and no renewal between them."""
    return _counted(one) == _counted(other)


def _counted(authorization: Authorization) -> _Counted:
    return (*authorization.slot, authorization.counts_since)


def _visit_day(authorization: Authorization, use: Use) -> tuple[_Counted, date]:
    return (_counted(authorization), use.day)


def _ends_first(authorization: Authorization) -> tuple[date, str, str]:
    return (authorization.until or date.max, authorization.number, authorization.item)


# ------------------------------------------------------------------ what is left


def basis_of(authorization: Authorization) -> UnitBasis:
    """What is counted; billed units where nobody says it."""
    return authorization.basis or "units"


def is_running_out(authorization: Authorization, used: Decimal, warning: WarnAnswer) -> bool:
    """Whether so much is used that a person is told; never of one without a count."""
    granted = authorization.units
    return granted is not None and used * 100 >= granted * warning.percent


def ends_soon(authorization: Authorization, day: date, warning: WarnAnswer) -> bool:
    """Whether its last day is so near to a day that a person is told."""
    until = authorization.until
    return until is not None and until - day <= timedelta(days=warning.days)


def lacks_room(authorization: Authorization, used: Decimal, planned: Use) -> bool:
    """Whether a planned dose finds too little left, or lies after the last day."""
    if authorization.until is not None and planned.day > authorization.until:
        return True
    needs = 1 if authorization.basis == "visits" else planned.planned
    return authorization.units is not None and used + needs > authorization.units
