"""`chargeline audit list` and `chargeline audit export`: who did what.

It owns what these commands print. They read the trail and change nothing; `chargeline ledger
verify` says whether the trail is as it was written.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from chargeline.engine import Finding, FindingError, printable
from chargeline.ledger.auditing import VERBS
from chargeline.ledger.records import StoredAct
from chargeline.ledger.store import Ledger
from chargeline.operate.fhir import audit_event
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.settings import Settings

AT_ONCE = 500


def audit_list(since: str = "", *, who: str = "", what: str = "", as_json: bool = False) -> Command:
    """Do `chargeline audit list`: a line for each act, the oldest first.

    Raises FindingError if there is no such act, or `since` is no time.
    """
    if what and what not in VERBS:
        raise _no("an act: " + ", ".join(VERBS), what, "--what")
    moment = moment_of(since)

    async def work(settings: Settings) -> int:
        async with opened(settings, locked=True) as ledger:
            async for row in _acts(ledger, moment, who=who, did=what):
                print(_as_json(row) if as_json else _line(row))
        return OK

    return work


def audit_export(since: str = "") -> Command:
    """Do `chargeline audit export`: each act as a FHIR R4 AuditEvent, one JSON object a line."""
    moment = moment_of(since)

    async def work(settings: Settings) -> int:
        async with opened(settings, locked=True) as ledger:
            async for row in _acts(ledger, moment):
                print(json.dumps(audit_event(row), ensure_ascii=False))
        return OK

    return work


def moment_of(text: str) -> datetime | None:
    """A day or a moment as ISO 8601 writes it; without a zone it is UTC. None for ""."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        expected = "a day or a time such as 2026-03-02 or 2026-03-02T08:00Z"
        raise _no(expected, text, "--since") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _no(expected: str, found: str, where: str) -> FindingError:
    do = "correct it; `chargeline audit list --help` says more"
    return FindingError(
        Finding("command.not_found", expected=expected, found=found, where=where, do=do)
    )


async def _acts(
    ledger: Ledger, since: datetime | None, *, who: str = "", did: str = ""
) -> AsyncIterator[StoredAct]:
    """The rows of the trail, in pages."""
    after = -1
    while True:
        async with ledger.view() as view:
            rows = await view.acts(after, AT_ONCE, since=since, who=who, did=did)
        for row in rows:
            yield row
        if not rows:
            return
        after = rows[-1].number


def _as_json(row: StoredAct) -> str:
    told = {**row._asdict(), "at": row.at.isoformat(), "details": json.loads(row.details)}
    return json.dumps(told, ensure_ascii=False)


def _line(row: StoredAct) -> str:
    when = row.at.isoformat(timespec="seconds")
    why = f"  because: {row.why}" if row.why else ""
    return printable(
        f"{row.number:>6}  {when}  {row.who:<16} {row.did:<15} {row.kind} {row.record}{why}"
    )
