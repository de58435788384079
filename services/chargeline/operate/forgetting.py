"""`chargeline ledger forget`, `hold` and `release`: one visit or one patient, by a person's word.

It owns what is printed: how many rows of each table, as proof, and nothing of their content. What
belongs to a visit or a patient, the ledger knows.
"""

import json
from collections.abc import Sequence

from chargeline.drafting.acting import act_of
from chargeline.drafting.announcing import nudge
from chargeline.drafting.processor import utc_now
from chargeline.engine import VisitKey
from chargeline.hl7.patient_numbers import patient_numbers
from chargeline.ledger.auditing import Act, Verb
from chargeline.ledger.erasing import Identification
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import Whose
from chargeline.ledger.unreadable import counted, named
from chargeline.operate.opened import opened
from chargeline.operate.running import FAILED, NOT_COMPLETE, OK, Command, say
from chargeline.published.inbound import record_key
from chargeline.settings import Settings

READING = Identification(patient_numbers, record_key)


def forget(whose: Whose, *, who: str, why: str) -> Command:
    """Do `chargeline ledger forget`: remove all of it in one transaction, and print what went.

    A nudge for each visit makes a capture that has it in memory drop it. Rows that do not open
    could not be searched: they stay, the proof and the trail name them, and the exit code says so.
    """

    async def work(settings: Settings) -> int:
        now = utc_now()
        async with opened(settings) as ledger, ledger.batch() as batch:
            removed, visits, sums, unsearched = await batch.erase(whose, READING, now)
            left = {"unsearched": counted(unsearched), "unsearched_rows": named(unsearched)}
            nudges = [nudge(settings.topic_inbound, VisitKey(*key), now) for key in sorted(visits)]
            await batch.announce(nudges if any(removed.values()) else [])
            act = _act("ledger.forget", whose, who=who, why=why, rows=removed, sums=sums, **left)
            await batch.audit([act])
        proof = {"forgotten": whose.kind, "at": now.isoformat(), "by": act.who, "reason": why}
        rows = {name: removed[name] for name in sorted(removed)}
        print(json.dumps({**proof, "complete": not unsearched, "rows": rows, **left}))
        if unsearched:
            return say(_not_complete(whose, unsearched), NOT_COMPLETE)
        return OK if any(removed.values()) else say("the ledger had nothing of it", FAILED)

    return work


def _not_complete(whose: Whose, unsearched: Sequence[UnreadableRow]) -> str:
    """What a person must know of rows that were not searched, and do."""
    finding = unsearched[0].finding._replace(
        expected="to search every row",
        found=", ".join(f"{n} of {table}" for table, n in counted(unsearched).items())
        + f" that do not open, the first of them {named(unsearched)[0]}",
        where="",
        do=f"they were left and may be of this {whose.kind}: restore them from a backup, or remove "
        f"them, and forget the {whose.kind} again",
    )
    return f"NOT COMPLETE: {finding}"


def hold(whose: Whose, *, who: str, why: str) -> Command:
    """Do `chargeline ledger hold`: retention and `forget` leave it alone from now on."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger, ledger.batch() as batch:
            act = _act("ledger.hold", whose, who=who, why=why)
            count = await batch.hold(whose, READING, utc_now(), who=act.who, why=why)
            await batch.audit([act])
        print(f"{whose.kind} is held by {act.who}: {count} numbers and messages; {why}")
        return OK

    return work


def release(whose: Whose, *, who: str, why: str) -> Command:
    """Do `chargeline ledger release`: what was held has its usual days again."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger, ledger.batch() as batch:
            count = await batch.release(whose)
            act = _act("ledger.release", whose, who=who, why=why)
            await batch.audit([act] if count else [])
        if not count:
            return say(f"expected a {whose.kind} that is held, found none", FAILED)
        print(f"{whose.kind} is released by {act.who}: {why}")
        return OK

    return work


def _act(did: Verb, whose: Whose, *, who: str, why: str, **details: object) -> Act:
    """The act on a visit or patient, whose number must not stay in the trail."""
    return act_of(did, whose.kind, whose.digest, who=who, why=why, details=details)
