"""What is said of a use that no authorization covers, or of one that runs out, in words.

It owns the wording and the codes: one sentence for each state of an authorization, so that nobody
is told to ask for one that is asked for. It decides nothing: whether one covers, `on_file.py` says,
and what is left, `used.py`. The words name who can settle it: the payer, or who registers the
visit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.authorization_words import StatusCharted, Unsaid
from chargeline.engine.authorizations.contributions import Use
from chargeline.engine.authorizations.deadlines import Clocks, WarnAnswer, local_day
from chargeline.engine.authorizations.facts import ALL_CODES, ENDED, Authorization
from chargeline.engine.authorizations.on_file import Unfit, is_of_code, nearest
from chargeline.engine.authorizations.used import (
    Account,
    basis_of,
    ends_soon,
    is_running_out,
)
from chargeline.engine.claim_words import EditName
from chargeline.engine.quantities import plain
from chargeline.engine.trace import ChargeLine, Noted, note

_OF_TWO = "have the sender correct {number} or the patient, or send the merge (A40)"
_ASK = "ask the payer for one, or have registration send its number (IN1-14)"


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
        return _short(account, authorization, expected)
    if authorization is not None:
        return None
    near = nearest(on_file, use)
    if near is None:
        return _none(on_file, use, expected)
    authorization, why = near
    sentence = _SENTENCES[why]
    found = f"{authorization.number}, {sentence.found(authorization, use, clocks)}"
    do = _OF_TWO if "patient" in authorization.unclear else sentence.do
    return Lack(why, expected, found, do.format(number=authorization.number))


def _short(account: Account, authorization: Authorization, expected: str) -> Lack:
    assert authorization.units is not None, "what has no count is never short"
    is_planned = not account.use.units
    also, takes = ("or planned ", "dose needs") if is_planned else ("", "bills")
    denied = "" if is_planned else "; the whole line is denied"
    found = (
        f"{authorization.number} with {plain(authorization.units)} {basis_of(authorization)}, "
        f"against which {plain(account.before)} are billed {also}already; "
        f"this {takes} {plain(account.amount)}"
    )
    do = f"ask the payer for more units, or for a new authorization{denied}"
    return Lack("authorization.units", f"{expected} with enough left", found, do)


def _none(on_file: Sequence[Authorization], use: Use, expected: str) -> Lack:
    others = [
        f"{entry.number} is for {', '.join(entry.codes)}"
        for entry in on_file
        if entry.codes and not is_of_code(entry, use.code)
    ]
    words = [f"{word} in place of a number (IN1-14)" for word in use.not_numbers]
    found = "; ".join(["none", *words, *others])
    do = f"{_ASK}; another product of a drug needs its own" if others else _ASK
    return Lack("authorization.missing", expected, found, do)


# ------------------------------------------------------------------ one sentence for each state


class _Sentence(NamedTuple):
    """What is found of an authorization that does not cover, and what to do about it."""

    found: Callable[[Authorization, Use, Clocks], str]
    do: str


def _undecided(authorization: Authorization, _use: Use, clocks: Clocks) -> str:
    asked, since = authorization.requested, authorization.decided
    parts = [f"asked for on {clocks.day(asked)}"] if asked is not None else []
    if authorization.status == "pended":
        parts.append(f"pended since {clocks.day(since)}" if since is not None else "pended")
    elif asked is None:
        parts.append("asked for")
    begins = asked or authorization.message.sent
    return ", ".join([*parts, *(clocks.decided_by(begins) if begins is not None else ())])


def _unclear(authorization: Authorization, _use: Use, _clocks: Clocks) -> str:
    return unclear_in_words(authorization)


def _denied(authorization: Authorization, _use: Use, clocks: Clocks) -> str:
    denied = authorization.decided or authorization.message.sent
    if denied is None:
        return "refused"
    return ", ".join([f"refused on {clocks.day(denied)}", *clocks.after_denial(denied)])


def _appealed(authorization: Authorization, _use: Use, clocks: Clocks) -> str:
    since = authorization.decided or authorization.message.sent
    return "refused, and appealed" + (f" on {clocks.day(since)}" if since is not None else "")


def _ended(authorization: Authorization, use: Use, _clocks: Clocks) -> str:
    until = authorization.until
    if authorization.status in ENDED and (until is None or use.day <= until):
        since = f" since {authorization.since.isoformat()}" if authorization.since else ""
        return f"which the payer calls {authorization.status}{since}"
    assert until is not None, "what has no last day ends by the payer's word only"
    return f"which ended on {until.isoformat()}"


def _starts(authorization: Authorization, _use: Use, _clocks: Clocks) -> str:
    assert authorization.starts is not None, "what has no first day has begun"
    return f"which starts on {authorization.starts.isoformat()}"


def _diagnosis(authorization: Authorization, use: Use, _clocks: Clocks) -> str:
    covered, has = ", ".join(authorization.diagnoses), ", ".join(use.diagnoses)
    return f"which is for {covered}; the visit has {has}"


def _payer(authorization: Authorization, _use: Use, _clocks: Clocks) -> str:
    return f"which is of {authorization.payer}"


def _upside_down(authorization: Authorization, _use: Use, _clocks: Clocks) -> str:
    return days_of(authorization)


_UNSAID: Mapping[Unsaid, str] = {
    "status": "what was decided",
    "codes": "for which codes it is",
    "units": "how many units are granted",
    "patient": "whose it is: it is told of two patients",
}


def unclear_in_words(authorization: Authorization) -> str:
    """What nobody says of an authorization, such as `of which nobody says what was decided`."""
    parts = [_UNSAID[name] for name in authorization.unclear]
    return f"of which nobody says {' and '.join(parts)}"


_SENTENCES: Mapping[Unfit, _Sentence] = {
    "authorization.unclear": _Sentence(
        _unclear,
        "ask the payer, and enter what it says of {number} with `chargeline auth add`",
    ),
    "authorization.undecided": _Sentence(
        _undecided, "call the payer about {number}: ask what it waits for, and do not ask anew"
    ),
    "authorization.not_begun": _Sentence(
        _starts, "have the payer move the first day of {number}, or treat from that day on"
    ),
    "authorization.appealed": _Sentence(
        _appealed, "call the payer about the objection, or ask for another drug"
    ),
    "authorization.denied": _Sentence(
        _denied,
        "speak with the payer's physician or appeal while the days last, or ask for another drug",
    ),
    "authorization.diagnosis": _Sentence(
        _diagnosis,
        "have registration correct the diagnoses, or ask the payer for one of this diagnosis",
    ),
    "authorization.expired": _Sentence(_ended, "ask the payer to extend it, or for a new one"),
    "authorization.other_payer": _Sentence(
        _payer, "have registration correct the payer or the number of the visit"
    ),
    "authorization.ends_before_it_begins": _Sentence(
        _upside_down, "have who entered it correct its days"
    ),
}


def state_of(authorization: Authorization, day: date, zone: str) -> str:
    """How an authorization stands for somebody who looks on a day in a time zone, in words."""
    if authorization.begins_again_after(day):
        ended, begins = authorization.as_of(day).until, authorization.starts
        return f"ended on {ended}, starts again on {begins}"
    authorization = authorization.as_of(day)
    asked, since = authorization.requested, authorization.decided
    asked_for = f"asked for on {local_day(asked, zone)}" if asked is not None else "asked for"
    decided = f"{local_day(since, zone)}" if since is not None else ""
    on = f" on {decided}" if decided else ""
    pended = f"pended since {decided}" if decided else "pended"
    waits: Mapping[StatusCharted, str] = {
        "requested": f"{asked_for}, not decided",
        "pended": f"{asked_for}, {pended}" if asked is not None else pended,
        "denied": f"refused{on}",
        "appealed": f"refused, and appealed{on}",
        "cancelled": f"cancelled{on}",
    }
    if authorization.is_upside_down:
        return "ends before it begins"
    if authorization.unclear:
        return unclear_in_words(authorization)
    if authorization.status in waits:
        return waits[authorization.status]
    if authorization.until is not None and authorization.until < day:
        return f"ended on {authorization.until}"
    if authorization.starts is not None and authorization.starts > day:
        return f"starts on {authorization.starts}"
    granted: Mapping[StatusCharted, str] = {
        "approved": f"approved{on}",
        "modified": f"granted otherwise than asked{on}",
        "expired": f"expired{on}",
    }
    return granted.get(authorization.status, "only its number is told, and not what was decided")


def codes_of(authorization: Authorization) -> str:
    """The codes of an authorization in words."""
    if ALL_CODES in authorization.codes:
        return "all codes"
    return ", ".join(authorization.codes) or "codes not told"


def days_of(authorization: Authorization) -> str:
    """The days of an authorization in words, both included; "" if nobody says one."""
    starts = f"from {authorization.starts.isoformat()}" if authorization.starts else ""
    until = f"until {authorization.until.isoformat()}" if authorization.until else ""
    return " ".join([part for part in (starts, until) if part])


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


def other_number(
    account: Account, on_file: Sequence[Authorization], lines: Sequence[ChargeLine]
) -> Iterator[Noted]:
    """That the visit names another one than the one that covers: unknown, or of no use here."""
    authorization, use = account.authorization, account.use
    if authorization is None or authorization.number in use.numbers:
        return
    elsewhere = {entry.number for entry in on_file if not is_of_code(entry, use.code)}
    elsewhere -= {entry.number for entry in on_file if is_of_code(entry, use.code)}
    named = [number for number in use.numbers if number not in elsewhere]
    if named:
        yield note(
            "authorization.other_number",
            lines,
            expected=f"{authorization.number}, which covers {use.code} on {use.day.isoformat()}",
            found=f"{', '.join(named)} on the visit (IN1-14)",
            do="have registration correct the number, or have what it covers sent: "
            "`chargeline auth import`, IN3 or AUT",
        )


def only_number(
    use: Use, number: str, lines: Sequence[ChargeLine], found: str = "its number only"
) -> Noted:
    """That of an authorization nothing is known but what registration sent: the number, the days.

    Whether it is the patient's own and of this code, nobody says.
    """
    return note(
        "authorization.only_number",
        lines,
        expected=f"codes, days and units of {number}, the authorization for {use.code}",
        found=found,
        do="import it with `chargeline auth import`, or have registration send IN3 or AUT",
    )


def warned(account: Account, warning: WarnAnswer, lines: Sequence[ChargeLine]) -> Iterator[Noted]:
    """That an authorization which covers a use runs out, ends, or lacks room for the next dose."""
    authorization, use = account.authorization, account.use
    if authorization is None or account.is_short:
        return
    granted, until = authorization.units, authorization.until
    number, basis = authorization.number, basis_of(authorization)
    if granted is not None and is_running_out(authorization, account.after, warning):
        yield note(
            "authorization.running_out",
            lines,
            expected=f"less than {warning.percent} % of {number} used",
            found=f"{plain(account.after)} of {plain(granted)} {basis}",
            do="ask the payer for more before the next dose",
        )
    if until is not None and ends_soon(authorization, use.day, warning):
        yield note(
            "authorization.ending",
            lines,
            expected=f"more than {warning.days} days until the end of {number}",
            found=f"its last day is {until.isoformat()}",
            do="ask the payer to extend it before the next dose",
        )
    dose = account.next_dose
    if dose is None:
        return
    needs = 1 if authorization.basis == "visits" else dose.planned
    left = f"{plain(granted - account.after)} {basis}" if granted is not None else "enough"
    days = days_of(authorization)
    yield note(
        "authorization.next_dose",
        lines,
        expected=f"{needs} {basis} of {number} for the dose of {dose.day.isoformat()}",
        found=f"{left} left{', ' if days else ''}{days}",
        do="ask the payer before that dose",
    )
