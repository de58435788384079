"""Whether an authorization covers a use, and if not, why.

It owns the comparison of code, status, days, payer and diagnosis. It counts no units. The last day
of an authorization is included: one until 30 June covers 30 June and not 1 July.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, get_args

from chargeline.engine.authorizations.contributions import Use
from chargeline.engine.authorizations.facts import ALL_CODES, ENDED, WAITING, Authorization

Unfit = Literal[
    "authorization.unclear",
    "authorization.undecided",
    "authorization.not_begun",
    "authorization.appealed",
    "authorization.denied",
    "authorization.diagnosis",
    "authorization.expired",
    "authorization.other_payer",
    "authorization.ends_before_it_begins",
]
"""Why an authorization does not cover, as the edit that says so. The first is the one of which a
person hears first: a renewal that is pended, and not the old one that has ended.
"""


def is_of_code(authorization: Authorization, code: str) -> bool:
    """Whether it is about a code; one whose codes nobody says is about all."""
    return not authorization.codes or bool({code, ALL_CODES} & set(authorization.codes))


def unfit(authorization: Authorization, use: Use) -> Unfit | None:
    """Why an authorization of the code does not cover a use; None if it does, units aside."""
    return next((edit for edit, is_wrong in _WRONG.items() if is_wrong(authorization, use)), None)


def as_of(authorizations: Iterable[Authorization], day: date) -> list[Authorization]:
    """How authorizations stood on a day: what a payer says later counts from then on."""
    return [authorization.as_of(day) for authorization in authorizations]


def nearest(
    authorizations: Sequence[Authorization], use: Use
) -> tuple[Authorization, Unfit] | None:
    """The authorization of the code that comes nearest to covering a use, and why it does not."""
    reasons = [
        (_RANK[edit], authorization.number, authorization, edit)
        for authorization in [*as_of(authorizations, use.day), *_renewed(authorizations, use.day)]
        if is_of_code(authorization, use.code) and (edit := unfit(authorization, use)) is not None
    ]
    named = [reason for reason in reasons if reason[1] in use.numbers]
    best = min(named or reasons, key=lambda reason: reason[:2], default=None)
    return (best[2], best[3]) if best is not None else None


def _renewed(authorizations: Iterable[Authorization], day: date) -> list[Authorization]:
    """Those of which an earlier period is over on a day, and which are granted from a later one."""
    return [entry for entry in authorizations if entry.begins_again_after(day)]


def _is_unclear(authorization: Authorization, _use: Use) -> bool:
    return bool(authorization.unclear)


def _is_upside_down(authorization: Authorization, _use: Use) -> bool:
    return authorization.is_upside_down


def _is_of_other_payer(authorization: Authorization, use: Use) -> bool:
    """Whether both name a payer, and not the same."""
    return bool(authorization.payer and use.payer) and authorization.payer.upper() != use.payer


def _is_denied(authorization: Authorization, _use: Use) -> bool:
    return authorization.status == "denied"


def _is_appealed(authorization: Authorization, _use: Use) -> bool:
    return authorization.status == "appealed"


def _is_undecided(authorization: Authorization, _use: Use) -> bool:
    return authorization.status in WAITING


def _starts_later(authorization: Authorization, use: Use) -> bool:
    return authorization.starts is not None and use.day < authorization.starts


def _is_over(authorization: Authorization, use: Use) -> bool:
    """Whether the day lies after its last day, or the payer has ended it before."""
    is_past = authorization.until is not None and use.day > authorization.until
    return is_past or authorization.status in ENDED


def _is_of_other_diagnosis(authorization: Authorization, use: Use) -> bool:
    """Whether both name diagnoses, and none of the visit is one of the authorization.

    An authorization for C50 holds for C50.911. Dots do not count.
    """
    if not authorization.diagnoses or not use.diagnoses:
        return False
    covered = tuple([_plain(code) for code in authorization.diagnoses])
    return not any(_plain(code).startswith(covered) for code in use.diagnoses)


def _plain(code: str) -> str:
    return code.replace(".", "").upper()


# Of one authorization the first that is wrong is the reason.
_WRONG: Mapping[Unfit, Callable[[Authorization, Use], bool]] = {
    "authorization.ends_before_it_begins": _is_upside_down,
    "authorization.other_payer": _is_of_other_payer,
    "authorization.unclear": _is_unclear,
    "authorization.denied": _is_denied,
    "authorization.appealed": _is_appealed,
    "authorization.undecided": _is_undecided,
    "authorization.expired": _is_over,
    "authorization.not_begun": _starts_later,
    "authorization.diagnosis": _is_of_other_diagnosis,
}
_RANK: Mapping[Unfit, int] = {edit: place for place, edit in enumerate(get_args(Unfit))}
