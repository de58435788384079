"""How a patient's authorizations stand: what is used and left of each, by whom, and what ails it.

It owns the account of one authorization over all visits, as a person looks at it: the desk that
asks payers, a page about a visit. It counts as the drafts do (used.py), so its numbers are theirs.
It reads no clock: the day on which somebody looks is handed in.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.authorization_codes import AuthorizationCode
from chargeline.engine.authorizations.contributions import Use, authorizations_in, uses_in
from chargeline.engine.authorizations.deadlines import WarnAnswer
from chargeline.engine.authorizations.facts import (
    ENDED,
    REFUSED,
    WAITING,
    Authorization,
)
from chargeline.engine.authorizations.on_file import nearest, unfit
from chargeline.engine.authorizations.parts import with_whole
from chargeline.engine.authorizations.used import (
    Account,
    Countdown,
    basis_of,
    counted,
    ends_soon,
    is_counted_with,
    is_one,
    is_running_out,
    planned_after,
)
from chargeline.engine.events import VisitKey
from chargeline.engine.quantities import plain
from chargeline.engine.record import History


class BalanceConcern(NamedTuple):
    """Something that a person should see to, as a code of findings, and in words."""

    code: AuthorizationCode
    says: str


class AuthorizationBalance(NamedTuple):
    """One authorization with the uses that count against it, in the order in which they count.

    `next_dose` is the next planned dose for which it has no room, and no other one has; else None.
    `uses_before` count against an earlier period of the number, which has units of its own.
    """

    authorization: Authorization
    uses: tuple[Account, ...]
    next_dose: Use | None = None
    uses_before: tuple[Account, ...] = ()

    def uses_of(self, visit: VisitKey) -> tuple[Account, ...]:
        """What one visit uses of it, in the order in which it counts."""
        return tuple([account for account in self.uses if account.use.visit == visit])

    @property
    def used(self) -> Decimal:
        """What is billed against it, in its basis, covered or not."""
        return sum([account.amount for account in self.uses], Decimal(0))

    @property
    def not_covered(self) -> Decimal:
        """What of that found too little left: the payer denies the whole line."""
        return sum([account.amount for account in self.uses if account.is_short], Decimal(0))

    @property
    def left(self) -> Decimal | None:
        """What is left of it, below 0 if more is billed than granted; None where nothing counts."""
        granted = self.authorization.units
        return granted - self.used if granted is not None else None

    @property
    def counted(self) -> str:
        """What is billed of how much: `600 of 800 units, 200 left`.

        Of 100 units with 80 billed twice: `160 of 100 units billed, 80 of them not covered`.
        """
        authorization, basis = self.authorization, basis_of(self.authorization)
        if authorization.units is None or self.left is None:
            limit = "without a limit" if self.in_force else "nothing granted"
            return f"{plain(self.used)} {basis}, {limit}"
        counted = f"{plain(self.used)} of {plain(authorization.units)} {basis}"
        if self.not_covered:
            return f"{counted} billed, {plain(self.not_covered)} of them not covered"
        if self.left < 0:
            return f"{counted} billed, {plain(-self.left)} too many"
        return f"{counted}, {plain(self.left)} left"

    @property
    def in_force(self) -> bool:
        """Whether the payer has granted it, as far as anybody says."""
        authorization = self.authorization
        is_granted = authorization.status not in (*REFUSED, *WAITING, *ENDED)
        return is_granted and not authorization.unclear

    @property
    def waits(self) -> bool:
        """Whether the payer has still to decide."""
        return self.authorization.status in WAITING

    def is_over(self, day: date) -> bool:
        """Whether its last day lies before a day."""
        until = self.authorization.until
        return until is not None and until < day

    def ailing(self, day: date, warning: WarnAnswer | None) -> Iterator[BalanceConcern]:
        """What a person who looks on a day should see to."""
        authorization, left = self.authorization, self.left
        if authorization.is_upside_down:
            says = f"ends on {authorization.until}, before it begins on {authorization.starts}"
            yield BalanceConcern("authorization.ends_before_it_begins", says)
            return
        if left is not None and left < 0:
            yield BalanceConcern("authorization.units", self.counted)
        if not self.in_force or self.is_over(day) or warning is None:
            return
        if left is not None and left >= 0 and is_running_out(authorization, self.used, warning):
            yield BalanceConcern("authorization.running_out", self.counted)
        if authorization.until is not None and ends_soon(authorization, day, warning):
            yield BalanceConcern("authorization.ending", f"its last day is {authorization.until}")
        dose = self.next_dose
        if dose is not None:
            is_within = unfit(authorization.as_of(dose.day), dose) is None
            lacks = "no room for" if is_within else "does not cover the day of"
            says = f"{lacks} the dose of {dose.day} ({dose.planned} units of {dose.code})"
            yield BalanceConcern("authorization.next_dose", says)


class PatientBalance(NamedTuple):
    """All authorizations of a patient, and the uses that none of them covers."""

    balances: tuple[AuthorizationBalance, ...]
    uncovered: tuple[Account, ...]

    def ailing(
        self, balance: AuthorizationBalance, day: date, warning: WarnAnswer | None
    ) -> Iterator[BalanceConcern]:
        """What a person who looks on a day should see to at one of the authorizations."""
        yield from balance.ailing(day, warning)
        others = [
            other.authorization.number
            for other in self.balances
            if balance.in_force
            and other.in_force
            and _overlap(balance.authorization, other.authorization, day)
        ]
        if others:
            says = f"{', '.join(others)} covers the same codes on the same days"
            yield BalanceConcern("authorization.overlap", says)


def balance_of(
    own: Iterable[Authorization], history: History, more: Iterable[Use]
) -> PatientBalance:
    """How a patient's authorizations stand, from what visits contribute to the record.

    `own` and `more` are the authorizations and the uses of a visit that looks; without one,
    `history` holds all contributions of the patient.
    """
    on_file = with_whole(authorizations_in(history, own))
    uses, count = [*uses_in(history), *more], Countdown(on_file)
    billed = counted(count, uses)
    planned = planned_after(count, uses)
    return PatientBalance(
        balances=tuple([_balance(entry, billed, planned, on_file) for entry in on_file]),
        uncovered=tuple([account for account in billed if account.authorization is None]),
    )


def _balance(
    authorization: Authorization,
    billed: Sequence[Account],
    planned: Sequence[Account],
    on_file: Sequence[Authorization],
) -> AuthorizationBalance:
    return AuthorizationBalance(
        authorization,
        uses=tuple([account for account in billed if _is_of(account, authorization)]),
        uses_before=tuple(
            [
                account
                for account in billed
                if account.authorization is not None
                and is_one(account.authorization, authorization)
                and not _is_of(account, authorization)
            ]
        ),
        next_dose=next(
            (
                account.use
                for account in planned
                if (account.is_short and _is_of(account, authorization))
                or (account.authorization is None and _ended(authorization, account.use, on_file))
            ),
            None,
        ),
    )


def _is_of(account: Account, authorization: Authorization) -> bool:
    counting = account.authorization
    return counting is not None and is_counted_with(counting, authorization)


def _ended(authorization: Authorization, use: Use, on_file: Sequence[Authorization]) -> bool:
    """Whether a dose is not covered because just this authorization ends before it."""
    near = nearest(on_file, use)
    if near is None or not is_one(near[0], authorization):
        return False
    return near[1] == "authorization.expired" or authorization.begins_again_after(use.day)


def _overlap(one: Authorization, other: Authorization, day: date) -> bool:
    """Whether two of one payer are of one code on one day, from the day of the look on."""
    if one.number == other.number or one.payer.upper() != other.payer.upper():
        return False
    shared = not one.codes or not other.codes or bool(set(one.codes) & set(other.codes))
    starts = max(one.starts or day, other.starts or day, day)
    until = min(one.until or date.max, other.until or date.max)
    return shared and starts <= until
