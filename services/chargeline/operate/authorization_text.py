"""An authorization of the ledger as lines of text and as JSON.

It owns what `chargeline auth list` and `auth show` print, and the mask over a patient's number:
without a reason only the shape of it is shown. It reads nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from chargeline.drafting.masking import shape
from chargeline.engine import (
    Account,
    Authorization,
    AuthorizationBalance,
    BalanceConcern,
    VisitKey,
    basis_of,
    codes_of,
    days_of,
    plain,
    state_of,
)


class AuthorizationLook(NamedTuple):
    """Which authorizations a person looks at, "" for all, and who it is.

    `running_out` asks for those with too little left or soon too late. With `unmask` the numbers of
    patients are shown, and `why` says why.
    """

    number: str = ""
    payer: str = ""
    visit: str = ""
    facility: str = ""
    running_out: bool = False
    unmask: bool = False
    who: str = ""
    why: str = ""


class LedgerAuthorization(NamedTuple):
    """One authorization of the ledger, what a person should see to, and the visits that tell of it.

    `today` is the day of the look, in the time zone `zone`.
    """

    facility: str
    patient: str
    balance: AuthorizationBalance
    concerns: tuple[BalanceConcern, ...]
    told_by: tuple[VisitKey, ...]
    zone: str
    today: date

    @property
    def state(self) -> str:
        """How it stands today, in words."""
        return state_of(self.balance.authorization, self.today, self.zone)


_MASKED = "  (only its shape; --unmask --reason TEXT shows it, and is audited)"


def listed(entry: LedgerAuthorization, look: AuthorizationLook) -> list[str]:
    """An authorization on a line, and below it what must be seen to."""
    authorization = entry.balance.authorization
    payer = authorization.payer or "no payer"
    parts = [
        f"{authorization.number:<14} {payer:<14} {codes_of(authorization):<12}",
        entry.balance.counted,
        days_of(authorization),
        entry.state,
        f"patient {_patient(entry, look)}",
    ]
    return ["  ".join(filter(None, parts)), *_concerns(entry)]


def in_full(
    entry: LedgerAuthorization, look: AuthorizationLook, versions: Sequence[Authorization]
) -> list[str]:
    """An authorization with all that is known of it, its life cycle, and who used it."""
    authorization = entry.balance.authorization
    about = {
        "payer": authorization.payer,
        "facility": entry.facility,
        "patient": _patient(entry, look) + ("" if look.unmask else _MASKED),
        "codes": codes_of(authorization),
        "for": ", ".join(authorization.diagnoses),
        "days": days_of(authorization),
        "units": entry.balance.counted,
        "site": authorization.site,
        "provider": authorization.provider,
    }
    lines = [f"{authorization.number}  {entry.state}"]
    lines += [f"  {name:<9} {value}" for name, value in about.items() if value]
    lines += _concerns(entry)
    lines += ["", "  told", *[f"    {line}" for line in map(_version(entry.zone), versions)]]
    if not versions:
        lines.append("    by messages that are kept no more (CHARGELINE_RETENTION_DAYS)")
    uses, before = entry.balance.uses, entry.balance.uses_before
    lines += ["", "  billed against it by", *_uses(uses), *([] if uses else ["    nobody yet"])]
    if before:
        lines += ["", "  billed against earlier days of the number by", *_uses(before)]
    return lines


def _patient(entry: LedgerAuthorization, look: AuthorizationLook) -> str:
    return entry.patient if look.unmask else shape(entry.patient)


def _concerns(entry: LedgerAuthorization) -> list[str]:
    return [
        f"    {concern.code.removeprefix('authorization.')}: {concern.says}"
        for concern in entry.concerns
    ]


def _uses(accounts: Sequence[Account]) -> Iterator[str]:
    for account in accounts:
        use = account.use
        lacking = ", not covered: too little was left" if account.is_short else ""
        yield (
            f"    {use.day}  visit {use.visit.visit}  {use.code}  {plain(account.amount)}, "
            f"{plain(account.after)} in all{lacking}"
        )


def _version(zone: str) -> Any:
    def line(version: Authorization) -> str:
        sent = version.message.sent
        when = f"{sent.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if sent else "at no time"
        said = [
            version.status or "no status",
            f"{plain(version.units)} {basis_of(version)}" if version.units is not None else "",
            ", ".join(version.codes),
            days_of(version),
        ]
        return f"{when}  {'  '.join(filter(None, said))}  ({version.message.type})"

    return line


# ------------------------------------------------------------------ JSON


def as_json(
    entry: LedgerAuthorization,
    look: AuthorizationLook,
    versions: Sequence[Authorization] | None = None,
) -> dict[str, Any]:
    """An authorization as plain values of JSON; `told` with the versions of `auth show` only."""
    authorization, balance = entry.balance.authorization, entry.balance
    told = {} if versions is None else {"told": [_version_json(version) for version in versions]}
    return {
        "facility": entry.facility,
        "patient": _patient(entry, look),
        "masked": not look.unmask,
        "number": authorization.number,
        "payer": authorization.payer,
        "codes": list(authorization.codes),
        "diagnoses": list(authorization.diagnoses),
        "from": _iso(authorization.starts),
        "until": _iso(authorization.until),
        "units": _amount(authorization.units),
        "basis": basis_of(authorization),
        "used": plain(balance.used),  # billed against it, covered or not
        "not_covered": plain(balance.not_covered),
        "left": _amount(balance.left),
        "provider": authorization.provider,
        "site": authorization.site,
        "status": authorization.status,
        "state": entry.state,
        "requested": _iso(authorization.requested),
        "decided": _iso(authorization.decided),
        "concerns": [concern._asdict() for concern in entry.concerns],
        "uses": [_use_json(account) for account in balance.uses],
        "uses_before": [_use_json(account) for account in balance.uses_before],
        **told,
    }


def _use_json(account: Account) -> dict[str, Any]:
    use = account.use
    return {
        "visit": use.visit.visit,
        "code": use.code,
        "day": use.day.isoformat(),
        "units": use.units,
        "amount": plain(account.amount),
        "used_after": plain(account.after),
        "covered": not account.is_short,
    }


def _version_json(version: Authorization) -> dict[str, Any]:
    return {
        "sent": _iso(version.message.sent),
        "message_type": version.message.type,
        "control_id": version.message.control_id,
        "status": version.status,
        "codes": list(version.codes),
        "from": _iso(version.starts),
        "until": _iso(version.until),
        "units": _amount(version.units),
        "basis": version.basis,
    }


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def _amount(value: Any) -> str | None:
    return plain(value) if value is not None else None
