"""Tokens of programs that use the API: how one is made, is used, and is removed.

It owns what a token looks like and how long it may hold. The token itself is shown once, to whoever
made it; the ledger has a hash of it. What a program looks at and says is in the audit trail under
the name of its token, as `token NAME`.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from chargeline.drafting.acting import act_of
from chargeline.engine import Finding, FindingError
from chargeline.ledger.store import Ledger
from chargeline.ledger.workbench_records import BY_TOKEN, StoredToken
from chargeline.workbench.people import Person, digest_of, roles_in
from chargeline.workbench.rights import Role

DAYS_MOST = 365
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
"""Such as `worklist-export`: it stands in the audit trail and on pages, and is no person's name."""
_PREFIX = "clt_"  # so that a scanner of secrets knows one, and a text that is none needs no look-up
_WRITTEN = re.compile(_PREFIX + r"[A-Za-z0-9_-]{43}")
_SEEN_AGAIN = timedelta(hours=1)  # that a token is used is noted so often at most


class TokenRefusedError(FindingError):
    """A program came with something that is no token that holds."""


class TokenNameError(FindingError):
    """A token of a name is there already, or there is none."""


class WantedToken(NamedTuple):
    """A token to make: its name, its roles, for how many days, and who makes it and why."""

    name: str
    roles: Sequence[Role]
    days: int
    who: str = ""
    why: str = ""


async def add_token(ledger: Ledger, wanted: WantedToken, now: datetime) -> tuple[str, StoredToken]:
    """Make a token and note it in the audit trail; returns the token itself, and its row.

    One that has ended gives way to another one of its name. Raises TokenNameError where one holds.
    """
    assert NAME.fullmatch(wanted.name) and 1 <= wanted.days <= DAYS_MOST and wanted.roles
    token = _PREFIX + secrets.token_urlsafe(32)
    told = {"roles": " ".join(wanted.roles), "days": wanted.days}
    act = act_of("token.add", "token", wanted.name, who=wanted.who, why=wanted.why, details=told)
    row = StoredToken(
        digest=digest_of(token),
        name=wanted.name,
        roles=" ".join(wanted.roles),
        made_at=now,
        made_by=act.who,
        expires_at=now + timedelta(days=wanted.days),
        seen_at=None,
    )
    async with ledger.batch() as batch:
        before = {one.name: one for one in await batch.workbench.tokens()}.get(wanted.name)
        if before is not None:
            if before.expires_at > now:
                raise _there(before)
            await batch.workbench.remove_token(wanted.name)
        await batch.workbench.add_token(row)
        await batch.audit([act])
    return token, row


async def revoke_token(ledger: Ledger, name: str, *, who: str = "", why: str) -> None:
    """Remove a token: it is worth nothing from now on. Raises TokenNameError for no such name."""
    async with ledger.batch() as batch:
        if name not in {one.name for one in await batch.workbench.tokens()}:
            raise _not_there(name)
        await batch.workbench.remove_token(name)
        await batch.audit([act_of("token.revoke", "token", name, who=who, why=why)])


async def program_of(ledger: Ledger, token: str, now: datetime) -> Person:
    """The program that comes with a token, as a person. Raises TokenRefusedError."""
    row = None
    if _WRITTEN.fullmatch(token):
        async with ledger.view() as view:
            row = await view.workbench.token(digest_of(token))
    if row is None or row.expires_at <= now:
        raise _refused("one that has ended" if row is not None else "none that holds")
    if row.seen_at is None or now - row.seen_at > _SEEN_AGAIN:
        async with ledger.batch() as batch:
            await batch.workbench.see_token(row.digest, now)
    return Person(
        who=f"{BY_TOKEN}{row.name}",
        name=row.name,
        roles=roles_in(row.roles),
        csrf="",
        digest=row.digest,
        ends_at=row.expires_at,
    )


def _refused(found: str) -> TokenRefusedError:
    return TokenRefusedError(
        Finding(
            "workbench.token_refused",
            expected="a token that holds, as `Authorization: Bearer TOKEN`",
            found=found,
            where="Authorization",
            do="ask whoever runs chargeline for a new one: `chargeline workbench-token add`",
        )
    )


def _there(row: StoredToken) -> TokenNameError:
    return TokenNameError(
        Finding(
            "workbench.token_there",
            expected="a name that no token has",
            found=f"{row.name}, which holds until {row.expires_at:%Y-%m-%d}",
            where="NAME",
            do="choose another name, or revoke that one first",
        )
    )


def _not_there(name: str) -> TokenNameError:
    return TokenNameError(
        Finding(
            "command.not_found",
            expected="the name of a token",
            found=name,
            where="NAME",
            do="see the names that `chargeline workbench-token list` prints",
        )
    )
