"""Who does what to the ledger, as acts of the audit trail.

It owns how a person is named (the name that was given, else the user of the operating system), and
what the start of a program tells of itself. It writes nothing: whoever does the act puts it into
the transaction of the act.
"""

import os
import pwd
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from chargeline.ledger.auditing import Act, RecordKind, Verb, canonical_json
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings, describe
from chargeline.version import VERSION


def system_user() -> str:
    """The user of the operating system by name; `uid 1000` where the system has no name for it.

    The environment is not asked: anybody may set LOGNAME.
    """
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def act_of(
    did: Verb,
    kind: RecordKind,
    record: str,
    *,
    who: str = "",
    why: str = "",
    details: Mapping[str, Any] = MappingProxyType({}),
) -> Act:
    """An act of the person `who`, "" for the user of the system.

    Where a name was given, the user of the system stands in the details.
    """
    user = system_user()
    noted = {**details, "system_user": user} if who else dict(details)
    return Act(did, kind, record, who=who or user, why=why, details=noted)


def start_of(program: str, settings: Settings, rulebook: str) -> Act:
    """The start of a program: its version, that of the rules, and a hash of its settings."""
    told = {"version": VERSION, "rulebook": rulebook, "settings": hash_of(settings)}
    return act_of("program.start", "program", program, details=told)


def hash_of(settings: Settings) -> str:
    """SHA-256 over the settings as `chargeline config` shows them: secrets are not part of it.

    The bytes are canonical JSON, a list of pairs of variable and value.
    """
    pairs = [[setting.variable, setting.value] for setting in describe(settings)]
    return sha256(canonical_json(pairs).encode()).hexdigest()


async def note_start(ledger: Ledger, start: Act) -> None:
    """Put the start of a program into the audit trail, also if another one hangs while it adds an
    act. Raises LedgerError.
    """
    async with ledger.takeover() as batch:
        await batch.audit([start])
