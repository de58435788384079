"""What is said of a use that no authorization covers, or of one that runs out, in words.

It owns the wording and the codes. It decides nothing: whether one covers, `on_file.py` says, and
what is left, `used.py`. The words name who can settle it: the payer, or who registers the visit.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from chargeline.engine.authorizations.contributions import Use
from chargeline.engine.authorizations.deadlines import Clocks, WarnAnswer
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.on_file import Unfit, is_of_code, nearest
from chargeline.engine.authorizations.used import Account
from chargeline.engine.claim_words import EditName
from chargeline.engine.quantities import plain
from chargeline.engine.trace import ChargeLine, Noted, note

_ASK = "ask the payer for one, or have registration send its number (IN1-14)"
_DO: dict[Unfit, str] = {
    "authorization.missing": _ASK,
    "authorization.expired": "ask the payer to extend it, or for a new one",
    "authorization.denied": "appeal, speak with the payer's physician, or ask for another drug",
    "authorization.other_payer": "have registration correct the payer or the number of the visit",
    "authorization.diagnosis": "have registration correct the diagnoses, or ask the payer for one "
    "of this diagnosis",
    "authorization.ends_before_it_begins": "have who entered it correct its days",
}


class Lack(NamedTuple):
    """Why a use is not covered: an edit, what was expected and found, and what to do."""

    edit: EditName
    expected: str
    found: str
    do: str


def lack_of(account: Account, on_file: Sequence[Authorization], clocks: Clocks) -> Lack | None:
    """Why a use is not covered; None if it is."""
    use, authorization = account.use, account.authorization
    expected = f"an authorization for {use.code} on {use.day.isoformat()}"
    expected += f" of {use.payer}" if use.payer else ""
    if authorization is not None and account.is_short:
        assert authorization.units is not None, "what has no count is never short"
        found = (
            f"{authorization.number} with {plain(authorization.units)} {_basis(authorization)}, "
            f"of which {plain(account.before)} are used; this takes {plain(account.amount)}"
        )
        do = "ask the payer for more units, or for a new authorization; the whole line is denied"
        return Lack("authorization.units", f"{expected} with enough left", found, do)
    if authorization is not None:
        return None
    near = nearest(on_file, use)
    if near is None:
        return Lack("authorization.missing", expected, _none(on_file, use), _ASK)
    return Lack(near[1], expected, _found(near[0], near[1], use, clocks), _DO[near[1]])


def _none(on_file: Sequence[Authorization], use: Use) -> str:
    others = sorted({code for entry in on_file for code in entry.codes if code != use.code})
    return f"none; there is one for {', '.join(others)}" if others else "none"


def _found(authorization: Authorization, why: Unfit, use: Use, clocks: Clocks) -> str:
    number = authorization.number
    if why == "authorization.missing":
        asked = authorization.requested or authorization.message.sent
        if asked is None:
            return f"{number}, {authorization.status}"
        since = f"{number}, {authorization.status} since {asked:%Y-%m-%d}"
        return ", ".join([since, *clocks.decided_by(asked)])
    if why == "authorization.denied":
        denied = authorization.decided or authorization.message.sent
        more = clocks.after_denial(denied.date()) if denied is not None else ()
        return ", ".join([f"{number}, {authorization.status}", *more])
    if why == "authorization.other_payer":
        return f"{number} of {authorization.payer}"
    if why == "authorization.diagnosis":
        covered, has = ", ".join(authorization.diagnoses), ", ".join(use.diagnoses)
        return f"{number} for {covered}; the visit has {has}"
    return f"{number}, {days_of(authorization)}"


def days_of(authorization: Authorization) -> str:
    """The days of an authorization in words, both included."""
    starts = f"from {authorization.starts.isoformat()}" if authorization.starts else ""
    until = f"until {authorization.until.isoformat()}" if authorization.until else ""
    return " ".join([part for part in (starts, until) if part]) or authorization.status


def _basis(authorization: Authorization) -> str:
    return authorization.basis or "units"


# ------------------------------------------------------------------ of one that covers


def overlap_of(account: Account, lines: Sequence[ChargeLine]) -> Iterator[Noted]:
    """That several authorizations cover, and the visit does not say which."""
    authorization = account.authorization
    if authorization is None or not account.others or authorization.number in account.use.numbers:
        return
    numbers = [authorization.number, *[other.number for other in account.others]]
    yield note(
        "authorization.overlap",
        lines,
        expected=f"one authorization for {account.use.code} on {account.use.day.isoformat()}",
        found=f"{', '.join(numbers)}; counted against {authorization.number}",
        do="have registration send the number that counts for the visit (IN1-14), or the payer "
        "close the other",
    )


def only_number(use: Use, number: str, lines: Sequence[ChargeLine]) -> Noted:
    """That of an authorization nothing is known but the number that registration sent."""
    return note(
        "authorization.only_number",
        lines,
        expected=f"codes, days and units of {number}, the authorization for {use.code}",
        found="its number only",
        do="import it with `chargeline auth import`, or have registration send IN3 or AUT",
    )


def warned(
    account: Account, planned: Iterable[Use], warning: WarnAnswer, lines: Sequence[ChargeLine]
) -> Iterator[Noted]:
    """That an authorization which covers a use runs out, ends, or lacks room for the next dose."""
    authorization, use = account.authorization, account.use
    if authorization is None or account.is_short:
        return
    granted, until = authorization.units, authorization.until
    number, basis = authorization.number, _basis(authorization)
    if granted is not None and account.after * 100 >= granted * warning.percent:
        yield note(
            "authorization.running_out",
            lines,
            expected=f"less than {warning.percent} % of {number} used",
            found=f"{plain(account.after)} of {plain(granted)} {basis}",
            do="ask the payer for more before the next dose",
        )
    if until is not None and until - use.day <= timedelta(days=warning.days):
        yield note(
            "authorization.ending",
            lines,
            expected=f"more than {warning.days} days until the end of {number}",
            found=f"its last day is {until.isoformat()}",
            do="ask the payer to extend it before the next dose",
        )
    following = [
        other
        for other in planned
        if other.planned and other.day >= use.day and is_of_code(authorization, other.code)
    ]
    dose = min(following, key=lambda other: other.when, default=None)
    if dose is None:
        return
    needs = 1 if authorization.basis == "visits" else dose.planned
    if (until is not None and dose.day > until) or (
        granted is not None and account.after + needs > granted
    ):
        left = f"{plain(granted - account.after)} {basis}" if granted is not None else "enough"
        yield note(
            "authorization.next_dose",
            lines,
            expected=f"{needs} {basis} of {number} for the dose of {dose.day.isoformat()}",
            found=f"{left} left, {days_of(authorization)}",
            do="ask the payer before that dose",
        )
