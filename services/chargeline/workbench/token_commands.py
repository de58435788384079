"""`chargeline workbench-token add`, `list` and `revoke`: tokens for programs that use the API.

It owns what these commands print. The token itself is printed once, alone on standard output, so
that it can go into a file or a vault; what there is to know of it goes to standard error.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from chargeline.drafting.processor import utc_now
from chargeline.ledger.store import Ledger
from chargeline.ledger.workbench_records import StoredToken
from chargeline.settings import Settings
from chargeline.workbench.tokens import WantedToken, add_token, revoke_token

Opened = Callable[[Settings], AbstractAsyncContextManager[Ledger]]
"""Opens the ledger of the settings for the length of a command."""
Work = Callable[[Settings], Awaitable[int]]


def add(opened: Opened, wanted: WantedToken) -> Work:
    """Do `workbench-token add`. Raises TokenNameError."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            token, row = await add_token(ledger, wanted, utc_now())
        print(f"{row.name} holds until {_day(row.expires_at)}. The token:", file=sys.stderr)
        print(token)
        print("It is shown this once; the ledger has a hash of it.", file=sys.stderr)
        return 0

    return work


def list_all(opened: Opened, *, as_json: bool) -> Work:
    """Do `workbench-token list`: a line for each token, by name."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger, ledger.view() as view:
            rows = await view.workbench.tokens()
        now = utc_now()
        for row in rows:
            print(_as_json(row, now) if as_json else _line(row, now))
        if not as_json:
            print(f"{len(rows)} tokens")
        return 0

    return work


def revoke(opened: Opened, name: str, *, who: str, why: str) -> Work:
    """Do `workbench-token revoke`. Raises TokenNameError."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            await revoke_token(ledger, name, who=who, why=why)
        print(f"{name} is worth nothing any more")
        return 0

    return work


def _as_json(row: StoredToken, now: datetime) -> str:
    told = {
        "name": row.name,
        "roles": row.roles.split(),
        "made_at": row.made_at.isoformat(),
        "made_by": row.made_by,
        "expires_at": row.expires_at.isoformat(),
        "seen_at": row.seen_at.isoformat() if row.seen_at is not None else None,
        "holds": row.expires_at > now,
    }
    return json.dumps(told, ensure_ascii=False)


def _line(row: StoredToken, now: datetime) -> str:
    ends = "holds until" if row.expires_at > now else "ended"
    used = f"used {_day(row.seen_at)}" if row.seen_at is not None else "never used"
    maker = f"made {_day(row.made_at)} by {row.made_by}"
    return f"{row.name:<24} {row.roles:<16} {ends} {_day(row.expires_at)}, {used}, {maker}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
