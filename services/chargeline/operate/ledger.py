"""`chargeline ledger migrate`, `status`, `verify`, `head`, and the keys.

It owns what these commands print. The steps of a migration are in ledger/migrations. A status names
no patient, so it may be passed on.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from chargeline.drafting.acting import act_of
from chargeline.drafting.ledger_keys import ids_in_file, ledger_keys, usable_keys
from chargeline.drafting.processor import utc_now
from chargeline.drafting.signed_heads import (
    MAKE_A_PAIR,
    NoHeadError,
    head_of,
    signer_of,
)
from chargeline.engine import Finding, printable
from chargeline.ledger.records import VISIT_STATUSES
from chargeline.ledger.store import Ledger
from chargeline.ledger.verifying import Verified
from chargeline.operate.kept_heads import KeptHeads, end_in_words, kept_heads
from chargeline.operate.opened import opened
from chargeline.operate.running import FAILED, OK, WRONG_USE, Command, say
from chargeline.settings import Settings
from chargeline.version import VERSION


def migrate(*, who: str = "", why: str = "") -> Command:
    """Do `chargeline ledger migrate`: create the tables, or bring them to the newest schema."""

    async def work(settings: Settings) -> int:
        keys = await ledger_keys(settings)
        async with opened(settings, accept_old=True, locked=True, keys=keys) as ledger:
            told = {"version": VERSION}
            act = act_of("ledger.migrate", "ledger", "tables", who=who, why=why, details=told)
            await ledger.migrate(act)
        print("the ledger is at the newest schema")
        return OK

    return work


class LedgerStatus(NamedTuple):
    """What `ledger status --json` prints. The counts are null if the tables are not of our version.

    `visits` are counted by status, `questions` are those that are open, by code. `outbox` are the
    events that wait to be published; the oldest are times, null if there is none.
    """

    version: str
    newest: str
    visits: dict[str, int] | None = None
    questions: dict[str, int] | None = None
    parked: int | None = None
    parked_oldest: str | None = None
    outbox: int | None = None
    outbox_oldest: str | None = None


def status(*, as_json: bool = False) -> Command:
    """Do `chargeline ledger status`: the version of the tables, and how much the ledger holds."""

    async def work(settings: Settings) -> int:
        async with opened(settings, accept_old=True, locked=True) as ledger:
            held = await _status(ledger)
        print(json.dumps(held._asdict()) if as_json else "\n".join(_in_words(held)))
        return OK

    return work


async def _status(ledger: Ledger) -> LedgerStatus:
    version, newest = await ledger.versions()
    if version != newest:
        return LedgerStatus(version, newest)
    async with ledger.view() as view:
        counts = await view.counts()
        visits = {status: await view.count_visits(status) for status in VISIT_STATUSES}
    return LedgerStatus(
        version=version,
        newest=newest,
        visits=visits,
        questions={asked.code: asked.number for asked in counts.questions},
        parked=counts.parked,
        parked_oldest=counts.parked_oldest.isoformat() if counts.parked_oldest else None,
        outbox=counts.outbox,
        outbox_oldest=counts.outbox_oldest.isoformat() if counts.outbox_oldest else None,
    )


def _in_words(status: LedgerStatus) -> list[str]:
    if status.visits is None or status.questions is None:
        state = f"version {status.version}" if status.version else "there are none"
        return [f"tables     {state}; run `chargeline ledger migrate` for {status.newest}"]
    visits = ", ".join(f"{count} {name}" for name, count in status.visits.items())
    questions = ", ".join(f"{count} {code}" for code, count in status.questions.items())
    asked = sum(status.questions.values())
    return [
        f"tables     version {status.version}, the newest",
        f"visits     {visits}",
        f"questions  {asked} open" + (f": {questions}" if questions else ""),
        f"parked     {status.parked}" + _since(status.parked_oldest),
        f"outbox     {status.outbox}" + _since(status.outbox_oldest),
    ]


def _since(oldest: str | None) -> str:
    return f", the oldest since {oldest}" if oldest else ""


def head(*, sign: bool = False) -> Command:
    """Do `chargeline ledger head`: print the head of the ledger as a JSON object on a line."""

    async def work(settings: Settings) -> int:
        signer = signer_of(settings) if sign else None
        if sign and signer is None:
            return say(f"--sign needs CHARGELINE_SIGNING_KEY_FILE; {MAKE_A_PAIR}", WRONG_USE)
        async with opened(settings, locked=True) as ledger:
            print(json.dumps((await head_of(ledger, utc_now(), signer))._asdict()))
        return OK

    return work


class Against(NamedTuple):
    """What a ledger is held against: a `head_file` of heads that were kept, the key that must have
    signed them, and the time to which the ledger was put back, None if it was not.
    """

    head_file: Path
    public_key: Path
    as_of: datetime | None = None


def verify(*, as_json: bool = False, against: Against | None = None) -> Command:
    """Do `chargeline ledger verify`: walk over chains and seals, and name the first broken ones.

    It is also held `against` heads that were kept. With a key of the ledger every encrypted row is
    opened too; if that key cannot be used, the exit code is 1.
    """

    async def work(settings: Settings) -> int:
        kept = KeptHeads()
        if against is not None:
            try:
                kept = kept_heads(against.head_file, against.public_key, against.as_of)
            except NoHeadError as error:
                return say(str(_no_head(against.head_file, str(error))), FAILED)
        # The seals are over the stored bytes, so all but the opening of them needs no key.
        keys, unusable = await usable_keys(settings)
        if unusable is not None:
            say(f"{unusable}; no encrypted row is opened", FAILED)
        async with opened(settings, locked=True, keys=keys) as ledger:
            walked = await ledger.verify([head.tables for head in kept.must_hold])
        first = len(walked) - len(kept.must_hold)
        of_heads = [
            table._replace(head=head.at.isoformat())
            for head, table in zip(kept.must_hold, walked[first:], strict=True)
        ]
        for table in [*walked[:first], *of_heads]:
            lines = [_as_json(table)] if as_json else [_verified(table), *_unopened(table)]
            print("\n".join(lines if as_json else map(printable, lines)))
        for line in [*end_in_words(kept.must_hold, of_heads), *kept.later_in_words]:
            say(line, OK)
        return FAILED if unusable or any(table.broken for table in walked) else OK

    return work


def _no_head(file: Path, found: str) -> Finding:
    return Finding(
        "command.not_found",
        expected="a head that the key signed",
        found=found,
        where=str(file),
        do="give what `chargeline ledger head --sign` printed, or the lines `ledger.head` of a "
        "log, and the public half of the key that signed them",
    )


def _as_json(table: Verified) -> str:
    broken = table.broken._asdict() if table.broken else None
    unopened = [rows._asdict() for rows in table.unopened]
    return json.dumps({**table._asdict(), "broken": broken, "unopened": unopened})


def _verified(table: Verified) -> str:
    of = f", of {table.head}" if table.table == "head" else ""
    line = f"{table.table:<15} {table.rows:>9} rows  "
    if table.broken is None:
        locked = table.encrypted - table.opened
        unread = f", {locked} of them encrypted and not opened: no key" if locked else ""
        return f"{line}whole{of or f', head {table.head}'}{unread}"
    broken, key = table.broken, table.broken.key or "the whole table"
    return f"{line}BROKEN at {key}{of}: expected {broken.expected}, found {broken.found}"


def _unopened(table: Verified) -> list[str]:
    return [
        f"{'':<15} {rows.rows:>9} rows  of data key {rows.data_key} do not open, the first at "
        f"{rows.first}: expected {rows.expected}, found {rows.found}"
        for rows in table.unopened
    ]


def key_id(file: Path | None) -> Command:
    """Do `chargeline ledger key-id`: print the id of each key, the newest first.

    The keys are those of a file, or of the settings. An id is no secret, and no ledger is opened.
    """

    async def work(settings: Settings) -> int:
        if file is not None:
            ids = ids_in_file(file)
        else:
            ids = [key.id for key in await ledger_keys(settings)]
        if not ids:
            return say("--file FILE or CHARGELINE_LEDGER_KEY_FILE must name the keys", WRONG_USE)
        print("\n".join(ids))
        return OK

    return work


def rotate(*, who: str, why: str) -> Command:
    """Do `chargeline ledger rotate`: wrap all data keys with the newest key of the settings."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            act = act_of("ledger.rotate", "ledger", "data_key", who=who, why=why)
            rotated = await ledger.rotate(act)
        if rotated.wrapped:
            before = ", ".join(rotated.before)
            print(f"{rotated.wrapped} data keys are wrapped by {rotated.key}, before by {before}")
        else:
            print(f"all data keys are wrapped by {rotated.key} already")
        return OK

    return work


def encrypt(*, who: str, why: str) -> Command:
    """Do `chargeline ledger encrypt`: encrypt the messages that were stored in the clear."""

    async def work(settings: Settings) -> int:
        async with opened(settings, first_key=True) as ledger:
            act = act_of("ledger.encrypt", "ledger", "rows", who=who, why=why)
            encrypted, left = await ledger.encrypt_old(act)
        print(f"{encrypted} rows were in the clear and are encrypted now")
        return say(f"{left} rows are left: their seals are broken", FAILED) if left else OK

    return work
